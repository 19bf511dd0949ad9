//! What the host fills into tensor maps, as `TensorMap` of the ABI has it.

use super::{DEPTH, Element, LINE, Storage, Wgmma};

/// How a tensor map of an operand is made. It has the operand's address, which is a multiple of 16 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorMapShape {
    /// The type of the elements.
    pub element: Element,
    /// The axes, innermost first. The stride of the first must be 1 element, and those of the others multiples of 16 bytes; where an
    /// axis has one element, any such number will do. Sizes of 0 are to be given as 1, as nothing is then read.
    pub axes: [Axis; 3],
    /// Bytes within which 16-byte pieces change places in shared memory.
    pub swizzle: i64,
}

/// An axis of a tensor map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The dimension of the operand whose size and stride it has.
    pub dimension: Dimension,
    /// The length of a tile along it.
    pub tile: i64,
}

/// A dimension of an operand of a product, as it is written: A is batch x m x k, B is batch x k x n, C is batch x m x n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Matrices.
    Batch,
    /// Rows of a matrix.
    Rows,
    /// Columns of a matrix.
    Columns,
}

/// The map of A.
pub(super) fn left(program: &Wgmma) -> TensorMapShape {
    let tile = match program.a {
        Storage::Rows => [DEPTH, program.tile.rows],
        Storage::Columns => [64, DEPTH],
    };
    shape(program.input, program.a, tile)
}

/// The map of B.
pub(super) fn right(program: &Wgmma) -> TensorMapShape {
    let tile = match program.b {
        Storage::Rows => [64, DEPTH],
        Storage::Columns => [DEPTH, program.tile.columns],
    };
    shape(program.input, program.b, tile)
}

/// The map of C, which each warpgroup writes by squares.
pub(super) fn result(element: Element) -> TensorMapShape {
    shape(element, Storage::Rows, [64, 64])
}

/// A map by the lengths of its tile along the contiguous axis and the other one of a matrix.
fn shape(element: Element, storage: Storage, tile: [i64; 2]) -> TensorMapShape {
    let dimensions = match storage {
        Storage::Rows => [Dimension::Columns, Dimension::Rows],
        Storage::Columns => [Dimension::Rows, Dimension::Columns],
    };
    let axis = |dimension, tile| Axis { dimension, tile };
    TensorMapShape {
        element,
        axes: [
            axis(dimensions[0], tile[0]),
            axis(dimensions[1], tile[1]),
            axis(Dimension::Batch, 1),
        ],
        swizzle: LINE,
    }
}
