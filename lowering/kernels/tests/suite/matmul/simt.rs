//! Products by arithmetic of single threads.

use dlc_kernels::matmul::simt::Tile;
use dlc_kernels::matmul::{self, Output, Start};
use dlc_kernels::program::{Element, Storage};

use super::{STORAGES, Shape, callee, check, finds, matrices, program, run, text, without_barrier};

/// Nothing is a multiple of anything, chunks do not begin at multiples of 16 bytes.
const RAGGED: Shape = Shape {
    sizes: [33, 65, 37],
    pad: 3,
    offset: 1,
};

/// Chunks do, but the tiles are not full.
const EVEN: Shape = Shape {
    sizes: [36, 48, 24],
    pad: 16,
    offset: 16,
};

#[test]
fn large_tiles_have_no_conflicts_of_banks() {
    let tiles = [Tile::LARGE, Tile::LARGE, Tile::MIDDLE, Tile::MIDDLE];
    for (storages, tile) in STORAGES.into_iter().zip(tiles) {
        let program = program(Element::F32, storages, matmul::Tile::Simt(tile));
        let report = check(&program, &[Shape::dense(128, 128, 32)]);
        assert_eq!(report.bank_conflicts, 0, "{storages:?}");
    }
    let program = program(
        Element::F64,
        STORAGES[1],
        matmul::Tile::Simt(Tile::LARGE_F64),
    );
    let report = check(&program, &[Shape::dense(128, 128, 8)]);
    assert_eq!(report.bank_conflicts, 0);
}

#[test]
fn any_sizes_and_places() {
    for storages in STORAGES {
        let mut program = program(Element::F32, storages, matmul::Tile::Simt(Tile::SMALL));
        program.output = Output::Store {
            element: Element::F32,
            start: Start::Result,
        };
        let shapes = [Shape::dense(1, 1, 1), Shape::dense(33, 31, 0), RAGGED, EVEN];
        check(&program, &shapes);
    }
}

#[test]
fn all_types() {
    let small = [
        Element::F16,
        Element::Bf16,
        Element::F64,
        Element::I32,
        Element::I8,
        Element::U8,
    ];
    for (element, storages) in small.into_iter().zip(STORAGES.into_iter().cycle()) {
        let mut program = program(element, storages, matmul::Tile::Simt(Tile::SMALL));
        if element == Element::Bf16 {
            program.output = Output::Store {
                element,
                start: Start::Result,
            };
        }
        check(&program, &[RAGGED, EVEN]);
    }
    let tile = matmul::Tile::Simt(Tile::MIDDLE_LONG);
    let mut long = program(Element::I64, STORAGES[1], tile);
    long.output = Output::Store {
        element: Element::I64,
        start: Start::Result,
    };
    check(&long, &[RAGGED, EVEN]);
}

#[test]
fn a_function_gets_each_element_once() {
    let mut program = program(Element::F32, STORAGES[0], matmul::Tile::Simt(Tile::SMALL));
    program.output = callee();
    check(&program, &[RAGGED, Shape::dense(64, 32, 16)]);
}

#[test]
fn what_is_no_number_stays_in_its_row_or_column() {
    let program = program(Element::F32, STORAGES[0], matmul::Tile::Simt(Tile::SMALL));
    let [mut a, mut b, before] = matrices(&program, Shape::dense(40, 40, 20));
    a.set(3, 17, f64::NAN);
    b.set(19, 39, f64::INFINITY);
    let run = run(&program, &text(&program), [a, b, before], 0).unwrap();
    assert_eq!(run.wrong(&program), None);
    assert!(run.after.float(3, 0).is_nan() && run.after.float(0, 39).is_infinite());
}

#[test]
fn missing_barriers_are_found() {
    let program = program(Element::F32, STORAGES[1], matmul::Tile::Simt(Tile::SMALL));
    let shapes = [Shape::dense(32, 64, 48), RAGGED];
    finds(&program, &text(&program), &shapes, without_barrier);
}

#[test]
fn types_that_do_not_fit_are_refused() {
    let mut program = program(Element::F32, STORAGES[0], matmul::Tile::Simt(Tile::SMALL));
    program.sum = Element::I32;
    let error = program.text().unwrap_err().to_string();
    assert_eq!(error, "F32 does not widen to sums in I32");
    program.sum = Element::F32;
    program.a.storage = Storage::Columns;
    program.tile = matmul::Tile::Simt(Tile {
        rows: 33,
        ..Tile::SMALL
    });
    assert!(program.text().is_err());
}
