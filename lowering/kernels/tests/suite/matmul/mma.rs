//! Products by tensor cores.

use dlc_kernels::matmul::mma::Tile;
use dlc_kernels::matmul::{self, Output, Start, simt};
use dlc_kernels::program::Element;

use super::{
    STORAGES, Shape, callee, check, finds, gather, matrices, program, run, text, without_barrier,
};

/// Nothing is a multiple of anything, rows do not begin at multiples of 16 bytes.
const RAGGED: Shape = Shape {
    sizes: [67, 45, 39],
    pad: 3,
    offset: 1,
};

/// Rows do, but sizes are no multiples of what is copied at a time.
const PADDED: Shape = Shape {
    sizes: [69, 93, 77],
    pad: 3,
    offset: 8,
};

#[test]
fn large_tiles() {
    for storages in STORAGES {
        let program = program(Element::F16, storages, matmul::Tile::Mma(Tile::LARGE));
        let report = check(&program, &[Shape::dense(128, 128, 160)]);
        assert_eq!(report.bank_conflicts, 0, "{storages:?}");
    }
}

#[test]
fn bf16_of_any_sizes_and_places() {
    for storages in STORAGES {
        let mut program = program(Element::Bf16, storages, matmul::Tile::Mma(Tile::MIDDLE));
        program.output = Output::Store {
            element: Element::Bf16,
            start: Start::Result,
        };
        let shapes = [Shape::dense(1, 1, 1), Shape::dense(2, 3, 0), RAGGED, PADDED];
        check(&program, &shapes);
    }
}

#[test]
fn tf32_is_rounded() {
    for storages in STORAGES {
        let tile = matmul::Tile::Mma(Tile::MIDDLE_TF32);
        let program = program(Element::F32, storages, tile);
        let report = check(&program, &[RAGGED, PADDED, Shape::dense(64, 64, 64)]);
        assert_eq!(report.bank_conflicts, 0, "{storages:?}");
    }
}

#[test]
fn tiles_in_groups_and_in_dynamic_memory() {
    let tile = Tile {
        depth: 64,
        ..Tile::MIDDLE
    };
    let mut program = program(Element::F16, STORAGES[0], matmul::Tile::Mma(tile));
    assert_eq!(program.shared_bytes(), 64 << 10);
    program.output = Output::Store {
        element: Element::F16,
        start: Start::Zero,
    };
    check(&program, &[Shape::dense(64 * 9 + 8, 64 * 2 + 8, 16)]);
}

/// What is added to is not read below its last row, which may end in the first of the bands that a tile is stored in.
#[test]
fn results_of_few_rows_are_added_to() {
    for element in [Element::F16, Element::F32] {
        let tile = match element {
            Element::F32 => Tile::MIDDLE_TF32,
            _ => Tile::MIDDLE,
        };
        let mut program = program(element, STORAGES[0], matmul::Tile::Mma(tile));
        program.output = Output::Store {
            element: Element::F32,
            start: Start::Result,
        };
        check(
            &program,
            &[Shape::dense(4, 16, 24), Shape::dense(70, 16, 8)],
        );
    }
}

#[test]
fn a_function_gets_each_element_once() {
    let mut program = program(Element::F16, STORAGES[1], matmul::Tile::Mma(Tile::MIDDLE));
    program.output = callee();
    check(&program, &[RAGGED, Shape::dense(128, 64, 32)]);
}

#[test]
fn what_is_no_number_stays_in_its_row_or_column() {
    let program = program(Element::F16, STORAGES[0], matmul::Tile::Mma(Tile::MIDDLE));
    let [mut a, mut b, before] = matrices(&program, Shape::dense(72, 72, 40));
    a.set(70, 39, f64::NAN);
    b.set(0, 71, f64::INFINITY);
    let run = run(&program, &text(&program), [a, b, before], 0).unwrap();
    assert_eq!(run.wrong(&program), None);
    assert!(run.after.float(70, 0).is_nan() && run.after.float(0, 71).is_infinite());
}

#[test]
fn planted_faults_are_found() {
    let program = program(Element::F16, STORAGES[0], matmul::Tile::Mma(Tile::MIDDLE));
    let ptx = text(&program);
    let shapes = [Shape::dense(64, 128, 160), RAGGED];
    finds(&program, &ptx, &shapes, without_barrier);
    // One stage too few is waited for.
    finds(&program, &ptx, &shapes, |line| {
        let (before, number) = line.split_once("cp.async.wait_group")?;
        let number: u32 = number.trim().trim_end_matches(';').parse().ok()?;
        (number > 0).then(|| format!("{before}cp.async.wait_group {};", number + 1))
    });
    // Places of a lane, which stand before all steps, are not changed as those of what is copied.
    let (spots, _) = ptx.split_once("inline asm").unwrap();
    finds(&program, &ptx, &shapes[..1], |line| {
        let (_, operands) = line.trim().split_once("xor.b32")?;
        let (result, rest) = operands.split_once(',')?;
        let (first, _) = rest.split_once(',')?;
        spots
            .contains(line)
            .then(|| format!("mov.b32 {result}, {first};"))
    });
}

#[test]
fn elements_that_a_function_gives() {
    for (element, storages, tile) in [
        (Element::F16, STORAGES[0], matmul::Tile::Mma(Tile::MIDDLE)),
        (Element::Bf16, STORAGES[3], matmul::Tile::Mma(Tile::MIDDLE)),
        (
            Element::F32,
            STORAGES[1],
            matmul::Tile::Simt(simt::Tile::SMALL),
        ),
        (
            Element::I8,
            STORAGES[2],
            matmul::Tile::Simt(simt::Tile::SMALL),
        ),
    ] {
        let mut program = program(element, storages, tile);
        program.gather = gather(element);
        check(&program, &[Shape::dense(2, 3, 0), RAGGED, PADDED]);
    }
}

#[test]
fn types_that_do_not_fit_are_refused() {
    let mut program = program(Element::F64, STORAGES[0], matmul::Tile::Mma(Tile::MIDDLE));
    let error = program.text().unwrap_err().to_string();
    assert_eq!(
        error,
        "tensor cores do not multiply F64 by F64 with sums in F64"
    );
    program.a.element = Element::F16;
    assert!(program.text().is_err());
}
