//! Blocks of a GPU's threads.

use super::matmul::MatmulSizes;
use dlc_kernels::{
    matmul::{Tile, mma, simt},
    program::Element,
    wgmma,
};

/// Threads of a warp.
pub const WARP: i64 = 32;
/// Threads of a block whose threads do not work together.
pub const THREADS: i64 = 128;
/// Steps of a loop from which a block shares them out; fewer are one thread's.
pub const SHORTEST: i64 = 32;
/// Threads of a block whose number of steps is not known when compiling.
const USUAL: i64 = 128;
/// Threads of a block at most: more leave each too few registers for what fusion joins.
pub const MOST: i64 = 256;
/// Columns of which a block adds up the rows: the elements of some sectors of memory.
pub const COLUMNS: i64 = 16;
/// Steps of a thread, so that loads of several are under way.
const STEPS: i64 = 4;
/// Elements of a row from which blocks that take a row each are too few or too long: a row goes through several kernels.
pub const LONGEST_ROW: i64 = 1 << 16;

/// Bytes of the longest loads and stores of a thread.
pub const ACCESS: i64 = 16;
/// Registers of a thread that neighbours may take together, beside which others are for places and for what functions need.
const REGISTERS: i64 = 64;

/// Elements that a thread takes along a loop, if it takes several: as many of the smallest, of so many bytes, as one load has, as far
/// as registers last, of which each element needs some.
pub fn neighbours(bytes: i64, registers: i64) -> Option<i64> {
    let most = (REGISTERS / registers.max(1)).max(1);
    let count = (ACCESS / bytes).min(8).min(1 << most.ilog2());
    (count > 1).then_some(count)
}

/// Threads of a block that shares out so many steps, if that is known.
pub fn threads(steps: Option<i64>) -> i64 {
    let fitting = |steps: i64| {
        let wanted = (steps + STEPS - 1) / STEPS;
        (wanted.max(1) as u64).next_power_of_two() as i64
    };
    steps.map_or(USUAL, |steps| fitting(steps).clamp(WARP, MOST))
}
/// Threads of a block that has a part of a scatter's rows.
pub const SCATTER_THREADS: i64 = 256;
/// Blocks of a scatter: some for each multiprocessor, so that a part with many updates does not keep all others waiting.
pub const SCATTER_BLOCKS: i64 = 1024;
/// Elements that a block puts in order in its shared memory, in 12 bytes each.
pub const SORT_TILE: i64 = 2048;
/// Threads of such a block.
pub const SORT_THREADS: i64 = 256;
/// Bytes of a row's buffers up to which they are in a block's shared memory, of which there are 48 KiB.
pub const SHARED: i64 = 40 << 10;

/// Rows or columns of a result up to which its tiles are small: in large ones most would be outside.
const SMALL: i64 = 96;

/// How a product of f32 is cut whose operands are rounded to tf32.
pub fn tf32_tile(sizes: MatmulSizes) -> Tile {
    Tile::Mma(match is_small(sizes) {
        true => mma::Tile::MIDDLE_TF32,
        false => mma::Tile::LARGE_TF32,
    })
}

fn is_small(sizes: MatmulSizes) -> bool {
    let small = |size: Option<i64>| size.is_some_and(|size| size <= SMALL);
    small(sizes.m) || small(sizes.n)
}

/// How a product of types of A, B and sums is cut.
pub fn product_tile([a, b, sum]: [Element; 3], sizes: MatmulSizes) -> Tile {
    let small = is_small(sizes);
    let cores = a == b && matches!(a, Element::F16 | Element::Bf16) && sum == Element::F32;
    match (cores, sum, small) {
        (true, _, true) => Tile::Mma(mma::Tile::MIDDLE),
        (true, _, false) => Tile::Mma(mma::Tile::LARGE),
        (false, _, true) => Tile::Simt(simt::Tile::SMALL),
        (false, Element::F64, false) => Tile::Simt(simt::Tile::LARGE_F64),
        (false, Element::I64, false) => Tile::Simt(simt::Tile::MIDDLE_LONG),
        (false, ..) => Tile::Simt(simt::Tile::LARGE),
    }
}

/// The tile of persistent blocks for a product.
pub fn wgmma_tile(sizes: MatmulSizes) -> wgmma::Tile {
    let narrow = |size: Option<i64>| size.is_some_and(|size| size <= wgmma::Tile::MEDIUM.columns);
    match narrow(sizes.n) {
        true => wgmma::Tile::MEDIUM,
        false => wgmma::Tile::LARGE,
    }
}

/// Bytes of shared memory that a block can have on a device of a compute capability, ten times the major number and the minor
/// one (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
pub fn most_shared(capability: i64) -> i64 {
    match capability {
        90.. => 227 << 10,
        _ => 163 << 10,
    }
}
