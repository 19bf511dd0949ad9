//! The gradient of attention: `S` and `P` are computed again from Q, K and the rows' statistics, so nothing of size `Tq` by `Tk` is
//! stored, and each block sums what is its own, so nothing is added atomically.
//!
//! With `D_i = sum_d dO[i, d] O[i, d]`, `P = exp(S - M) / 2^L` and `dP = dO Vᵀ`: `dV = Pᵀ dO`, `dS = P ∘ (dP - D) ∘ slope`,
//! `dQ = scale dS K`, `dK = scale dSᵀ Q` (Dao, FlashAttention-2, 2023).

use super::matrix::{Tile, padded};
use super::stream::Stream;
use super::{Bound, KEYS, MOST_COLUMNS, Side, THREADS, are_supported, backward, dynamic};
use crate::program::{Callee, Element};

/// Rows of a block: 16 for each warp.
pub(super) const ROWS: i64 = 64;

/// Bytes of two buffers for two statistics and a sum of products of 64 rows each.
pub(super) const VECTOR_BYTES: i64 = 2 * 3 * 4 * KEYS;

/// The program of a block for 64 rows of Q, or 64 keys.
///
/// Its function takes `(tile, tq, tk, offset: index, scale: f32, q, k, v, do, m, l, d, dq | dk, dv, captured…)`: matrices, `m` and `l`
/// as those of [`Attention`](super::Attention), and `d` as `l`, the sums of the products of rows of dO and O. What `score` captures
/// comes before what `slope` does.
///
/// A row that is NaN makes the gradients NaN of all that it may see, up to whole tiles beyond a bound, which it does not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gradient {
    /// The function's name.
    pub name: String,
    /// The type of Q, K, V and dO: f16 or bf16. `P` and `dS` are rounded to it for products.
    pub element: Element,
    /// The type of the gradients.
    pub result: Element,
    /// Columns of Q and K.
    pub head: i64,
    /// Columns of V and O.
    pub value_head: i64,
    /// The keys that a row may see.
    pub bound: Bound,
    /// What made scores of scaled products.
    pub score: Option<Callee>,
    /// Its derivative where that is not 1: `(s: f32, i: index, j: index, captured…) -> f32`, for a scaled product.
    pub slope: Option<Callee>,
    /// Whether it gives dQ, or dK and dV.
    pub side: Side,
}

impl Gradient {
    /// Whether there is a program for this: types as those of attention, 1 to 256 columns of both heads together, each rounded up to 16, and no slope
    /// without a score function.
    pub fn is_supported(&self) -> bool {
        let heads = [self.head, self.value_head];
        are_supported(self.element, self.result)
            && heads.iter().all(|head| *head >= 1)
            && (self.score.is_some() || self.slope.is_none())
            && heads.map(padded).iter().sum::<i64>() <= MOST_COLUMNS
    }

    /// Rows of Q, or keys, that a block has.
    pub fn rows(&self) -> i64 {
        ROWS
    }

    /// Threads of a block.
    pub fn threads(&self) -> i64 {
        THREADS
    }

    /// Blocks for so many rows of Q and keys.
    pub fn blocks(&self, [tq, tk]: [i64; 2]) -> i64 {
        let rows = match self.side {
            Side::Queries => tq,
            Side::Keys => tk,
        };
        (rows + ROWS - 1) / ROWS
    }

    /// Bytes of dynamic shared memory that a launch has to ask for; 0 where what is static is enough.
    pub fn shared_bytes(&self) -> i64 {
        dynamic(self.all_shared_bytes())
    }

    /// The function, with what it needs before it.
    ///
    /// # Panics
    /// Where it is not supported.
    pub fn text(&self) -> String {
        assert!(
            self.is_supported(),
            "a gradient has to be asked whether it is supported"
        );
        backward::text(self)
    }

    /// Tiles of rows: of Q and dO, or of K and V.
    pub(super) fn tiles(&self) -> [Tile; 2] {
        let heads = [self.head, self.value_head];
        heads.map(|columns| Tile {
            rows: ROWS,
            columns,
        })
    }

    /// One tile of each matrix whose rows the block has, two of each that it goes over, and the statistics of those.
    pub(super) fn all_shared_bytes(&self) -> i64 {
        let own: i64 = self.tiles().map(Tile::bytes).iter().sum();
        let vectors = match self.side {
            Side::Queries => 0,
            Side::Keys => VECTOR_BYTES,
        };
        own + Stream::bytes(self.tiles()) + vectors
    }

    /// Columns of scores that are in registers at once.
    pub(super) fn width(&self) -> i64 {
        let sums = match self.side {
            Side::Queries => padded(self.head),
            Side::Keys => padded(self.head) + padded(self.value_head),
        };
        match (sums, &self.score, &self.slope) {
            (..=128, _, None) => KEYS,
            (..=128, ..) | (_, None, _) => KEYS / 2,
            _ => KEYS / 4,
        }
    }
}
