//! What is generated: programs that the oracle can run, the same ones for the same seed.

use dlc_programs::{
    arguments,
    ast::{Expr, Unary},
    eval::Evaluator,
    generate::generate,
    kinds,
    num::FULL,
    print,
    types::Dtype,
    walk,
};

#[test]
fn programs_can_be_evaluated() {
    for seed in 0..200 {
        let (program, _) = generate(seed);
        let arguments = arguments::perturbed(&program, FULL);
        let result = Evaluator::new(&program, 1).run(arguments);
        assert!(
            result.is_ok(),
            "seed {seed}: {result:?}\n{}",
            print::program(&program)
        );
        assert_eq!(print::program(&program), print::program(&generate(seed).0));
    }
}

/// Each operation of the generator occurs in some thousand programs.
#[test]
fn operations_occur() {
    let mut found = std::collections::BTreeMap::new();
    for seed in 0..1000 {
        let (mut program, _) = generate(seed);
        walk::each_in_program(&mut program, &mut |expr| {
            let name = format!("{:?}", expr.op);
            let name = name.split([' ', '{']).next().unwrap_or_default();
            let name = name.trim_end_matches(['(', ',']).to_string();
            *found.entry(name).or_insert(0) += 1;
        });
    }
    println!("{found:?}");
    assert!(found.len() > 60, "{found:?}");
}

/// Each construct occurs in many programs, so that a campaign tells something about it.
#[test]
fn constructs_occur() {
    const PROGRAMS: u64 = 1000;
    let mut found = std::collections::BTreeMap::new();
    for seed in 0..PROGRAMS {
        for kind in kinds::of(&generate(seed).0) {
            *found.entry(kind).or_insert(0) += 1;
        }
    }
    println!("{found:?}");
    for kind in kinds::ALL {
        let count = found.get(kind).copied().unwrap_or(0);
        assert!(count * 300 >= PROGRAMS, "{kind}: {found:?}");
    }
    assert_eq!(found.len(), kinds::ALL.len(), "{found:?}");
}

/// Numbers of the program alone are rounded as what is computed of arguments is.
#[test]
fn constants_are_rounded() {
    let (mut program, _) = generate(0);
    let value = Expr::unary(Unary::Cos, Expr::number(0.625, Dtype::F32));
    let value = Expr::unary(Unary::Square, value);
    program.functions.last_mut().unwrap().body.clear();
    program.functions.last_mut().unwrap().value = value;
    let arguments = arguments::perturbed(&program, FULL);
    let at = |bits| {
        let mut evaluator = Evaluator::new(&program, 1).at_precision(bits);
        evaluator.run(arguments.clone()).unwrap().array().item()
    };
    let error = (at(FULL).value() - at(12).value()).abs();
    assert!((1e-6..1e-3).contains(&error), "{error}");
}
