//! A fault is planted, and what shows it is made smaller.

use dlc_programs::{
    arguments,
    array::Value,
    ast::{Op, Program},
    eval::Evaluator,
    generate::generate,
    num::FULL,
    print,
    shrink::{edited, shrunk},
    walk,
};

fn run(program: &Program) -> Option<Value> {
    let arguments = arguments::perturbed(program, FULL);
    Evaluator::new(program, 1).run(arguments).ok()
}

/// Whether an evaluator that counts `cumsum` from the wrong end gives something else.
fn shows_the_fault(program: &Program) -> bool {
    let mut wrong = program.clone();
    walk::each_in_program(&mut wrong, &mut |expr| {
        if let Op::Cumulate(_, _, reverse) = &mut expr.op {
            *reverse = !*reverse;
        }
    });
    match (run(program), run(&wrong)) {
        (Some(right), Some(wrong)) => right != wrong,
        _ => false,
    }
}

fn exprs(program: &Program) -> usize {
    let mut count = 0;
    walk::each_in_program(&mut program.clone(), &mut |_| count += 1);
    count
}

#[test]
fn a_fault_is_shown_by_a_small_program() {
    let programs = (0..300).map(|seed| generate(seed).0);
    let failing = programs.filter(shows_the_fault).collect::<Vec<_>>();
    assert!(failing.len() > 5, "{} programs show it", failing.len());
    let mut sizes = vec![];
    for program in failing {
        let (small, edits) = shrunk(&program, |program, _| shows_the_fault(program));
        let text = print::program(&small);
        assert!(shows_the_fault(&small), "{text}");
        assert!(text.contains("cum"), "{text}");
        sizes.push(exprs(&small));
        assert!(
            exprs(&small) <= 24,
            "{} of {}:\n{text}",
            exprs(&small),
            exprs(&program)
        );
        // The numbers of the edits say the same program.
        let again = edits
            .iter()
            .try_fold(program, |program, edit| edited(&program, *edit));
        assert_eq!(again.map(|program| print::program(&program)), Some(text));
    }
    sizes.sort();
    assert!(sizes[sizes.len() / 2] <= 10, "{sizes:?}");
}
