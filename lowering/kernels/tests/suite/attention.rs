//! Attention and its gradient.

use dlc_kernels::program::{Element, Matrix};

use crate::tools::{First, kernel, ptx};
use operands::Score;

mod forward;
mod gradient;
mod operands;

/// The type of a number for each row.
const VECTOR: &str = "memref<?xf32, strided<[?], offset: ?>>";

/// PTX of a program's function, its score function and what else belongs to it, for parameters of these types after the sizes and
/// the scale, and before what the score function captures.
fn program(
    (name, text): (&str, String),
    score: &Score,
    types: Vec<String>,
    threads: i64,
) -> String {
    let sizes = ["index", "index", "index", "f32"].map(str::to_string);
    let captured = score
        .callee()
        .into_iter()
        .flat_map(|callee| callee.captured);
    let types: Vec<_> = sizes.into_iter().chain(types).chain(captured).collect();
    let kernel = kernel(name, First::Piece, &types, [threads, 1]);
    ptx(&format!("{text}{}{kernel}", score.text()), "sm_80")
}

/// The types of so many matrices.
fn matrices(element: Element, count: usize) -> impl Iterator<Item = String> {
    std::iter::repeat_n(Matrix::ty(element), count)
}
