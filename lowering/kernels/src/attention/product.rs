//! Products of tiles: of rows with rows, as scores are, and of weights with rows, as results are.

use super::matrix::{Cursor, Layout};
use super::warp;
use crate::program::Element;
use crate::text::{Function, Value};

/// Fragments of 8 columns each, of some rows.
pub(super) type Fragments = Vec<Vec<Value>>;

/// Products of rows of fragments with so many rows of a tile from one on (multiples of 16), over so many columns. `left` gives the
/// fragments of rows at 16 columns.
pub(super) fn of_rows(
    f: &mut Function,
    element: Element,
    mut left: impl FnMut(&mut Function, i64) -> Vec<Vec<Value>>,
    (right, columns): (&Cursor, i64),
    (first, count): (i64, i64),
) -> Vec<Fragments> {
    let zero = f.float("0.0", "f32");
    let mut sums: Vec<Fragments> = vec![];
    for column in (0..columns).step_by(16) {
        let left = left(f, column);
        sums.resize(left.len(), vec![vec![zero.clone(); 4]; count as usize / 8]);
        for row in (0..count).step_by(16) {
            let right = right.load(f, first + row, column, Layout::AsStored);
            for (left, sums) in left.iter().zip(&mut sums) {
                for (half, right) in right.chunks(2).enumerate() {
                    let sums = &mut sums[row as usize / 8 + half];
                    *sums = warp::product(f, element, left, right, sums);
                }
            }
        }
    }
    sums
}

/// Adds rows of a tile from one on, times the weights of fragments, to sums.
pub(super) fn of_weights(
    f: &mut Function,
    element: Element,
    weights: &[Fragments],
    (right, first): (&Cursor, i64),
    sums: &mut [&mut Fragments],
) {
    let count = 8 * weights.first().map_or(0, Vec::len) as i64;
    for row in (0..count).step_by(16) {
        let weights = weights.iter();
        let weights: Vec<_> = weights
            .map(|weights| warp::as_operand(f, element, weights, row))
            .collect();
        let columns = 8 * sums.first().map_or(0, |sums| sums.len()) as i64;
        for column in (0..columns).step_by(16) {
            let right = right.load(f, first + row, column, Layout::Transposed);
            for (weights, sums) in weights.iter().zip(sums.iter_mut()) {
                for (half, right) in right.chunks(2).enumerate() {
                    let sums = &mut sums[column as usize / 8 + half];
                    *sums = warp::product(f, element, weights, right, sums);
                }
            }
        }
    }
}
