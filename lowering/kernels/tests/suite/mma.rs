//! Products by tensor cores.

use dlc_kernels::matmul;
use dlc_kernels::matmul::mma::Tile;
use dlc_kernels::program::{Element, Storage};

use crate::matmul::{Shape, check, program};

const STORAGES: [[Storage; 2]; 4] = [
    [Storage::Rows, Storage::Rows],
    [Storage::Rows, Storage::Columns],
    [Storage::Columns, Storage::Rows],
    [Storage::Columns, Storage::Columns],
];

#[test]
fn all_storages() {
    for storages in STORAGES {
        let program = program(Element::F16, storages, matmul::Tile::Mma(Tile::LARGE));
        check(&program, &[Shape::dense(128, 128, 96)]);
    }
}

#[test]
fn tf32() {
    for storages in STORAGES {
        let program = program(Element::F32, storages, matmul::Tile::Mma(Tile::LARGE_TF32));
        check(&program, &[Shape::dense(128, 128, 48)]);
    }
}
