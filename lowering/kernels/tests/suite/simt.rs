//! Products by arithmetic of single threads.

use dlc_kernels::matmul::simt::Tile;
use dlc_kernels::matmul::{self, Output, Start};
use dlc_kernels::program::{Element, Storage};

use crate::matmul::{Shape, check, program};

const STORAGES: [[Storage; 2]; 4] = [
    [Storage::Rows, Storage::Rows],
    [Storage::Rows, Storage::Columns],
    [Storage::Columns, Storage::Rows],
    [Storage::Columns, Storage::Columns],
];

#[test]
fn all_storages_without_conflicts() {
    for storages in STORAGES {
        let program = program(Element::F32, storages, matmul::Tile::Simt(Tile::LARGE));
        let report = check(&program, &[Shape::dense(128, 128, 48)]);
        assert_eq!(report.bank_conflicts, 0, "{storages:?}");
    }
}

#[test]
fn any_sizes_and_places() {
    let shapes = [
        Shape::dense(1, 1, 1),
        Shape::dense(33, 31, 0),
        Shape {
            sizes: [33, 65, 37],
            pad: 3,
            offset: 1,
        },
        Shape {
            sizes: [36, 64, 36],
            pad: 4,
            offset: 4,
        },
    ];
    for storages in STORAGES {
        let mut program = program(Element::F32, storages, matmul::Tile::Simt(Tile::SMALL));
        program.output = Output::Store {
            element: Element::F32,
            start: Start::Result,
        };
        check(&program, &shapes);
    }
}
