//! Fused attention of one batch and head: `O = softmax(S) V` with `S[i, j] = score(scale * sum_d Q[i, d] K[j, d], i, j)`.
//!
//! `S` is never stored: a block keeps a tile of Q's rows and goes over tiles of keys, with the maximum and the sum of each row so far
//! (Dao, FlashAttention-2, 2023; Milakov and Gimelshein, Online normalizer calculation for softmax, 2018).
//!
//! Q is `Tq` by `head`, K is `Tk` by `head`, V is `Tk` by `value_head`, O is `Tq` by `value_head`: all stored by rows (the last
//! stride is 1) of any pitch. Rows of K and V whose pitch and place are multiples of 16 bytes are copied asynchronously.
//!
//! What comes out where softmax is not plain:
//! - A row whose scores are all -inf is NaN, as `exp(s - max) / sum` gives it; so is its logarithm.
//! - Without keys (`Tk` of 0) a row is zeros, the sum of nothing, and its statistics are -inf.
//! - A score of NaN or +inf makes its row NaN.
//! - Keys beyond a bound do not take part at all, so what is not finite in V's rows for them does not show in O.
//!
//! Products of f16 and bf16 are by `mma.sync`, with sums in f32; those of f32 by multiply-add on the same places of a lane. Exponentials
//! are by `ex2.approx.ftz` (two units in the last place of f32, on an exponent that is rounded once more) and logarithms by
//! `lg2.approx.ftz`. `P` is rounded to the type of V for the product with it, and divided by the sum, which is that of unrounded ones,
//! afterwards. A scale times `log2(e)` below the least normal number counts as that, so that masks hold for a scale of 0 too.

mod backward;
mod forward;
mod gradient;
mod matrix;
mod product;
mod scores;
mod simt;
mod store;
mod stream;
mod warp;

use crate::program::{Callee, Element};
use crate::text::{Function, Value};
pub use gradient::Gradient;
use matrix::{Tile, padded};
use stream::Stream;

/// Threads of a block: four warps.
const THREADS: i64 = 128;

/// Keys of a tile.
const KEYS: i64 = 64;

/// Bytes of shared memory that a block has without asking.
const STATIC_SHARED: i64 = 48 << 10;

/// Columns that Q, K and V may have at most.
const MOST_COLUMNS: i64 = 256;

/// Which keys a row may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// All.
    None,
    /// Row `i` those up to `i + offset`; their scores are -inf beyond, whatever the score function says.
    Causal,
}

/// Whether what a [`Gradient`] needs of each row is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Statistics {
    /// Nothing.
    No,
    /// Two vectors of f32: the largest score, and the binary logarithm of the sum of the exponentials of scores less it. Together they
    /// would be one number, which is not exact where scores are as low as numbers are.
    Yes,
}

/// The program of a block for `rows` rows of Q.
///
/// Its function takes `(tile, tq, tk, offset: index, scale: f32, q, k, v, o, [m, l], captured…)`, matrices as
/// `memref<?x?xT, strided<[?, ?], offset: ?>>`, and the vectors of [`Statistics::Yes`] as `memref<?xf32, strided<[?], offset: ?>>`. `offset` has a meaning for [`Bound::Causal`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// The function's name.
    pub name: String,
    /// The type of Q, K and V: f16, bf16, or f32, whose products are by multiply-add.
    pub element: Element,
    /// The type of O.
    pub result: Element,
    /// Columns of Q and K.
    pub head: i64,
    /// Columns of V and O.
    pub value_head: i64,
    /// The keys that a row may see.
    pub bound: Bound,
    /// `(s: f32, i: index, j: index, captured…) -> f32`, which makes the score of a scaled product and its place. It may be called
    /// more than once for a place, and must do nothing but compute.
    pub score: Option<Callee>,
    /// Whether `m` and `l` are stored.
    pub statistics: Statistics,
    /// Rows of a tile of Q: 64 or 128.
    pub rows: i64,
}

impl Attention {
    /// Whether there is a program for this: f16 or bf16 with a result of those or f32, heads of 1 to 256 columns; or f32 throughout,
    /// heads of 1 to 128; tiles of 64 or 128 rows.
    pub fn is_supported(&self) -> bool {
        let heads = [self.head, self.value_head];
        let most = 2 * MOST_COLUMNS / self.element.bytes();
        (are_supported(self.element, self.result) || self.is_simt())
            && heads.iter().all(|head| (1..=most).contains(head))
            && matches!(self.rows, 64 | 128)
    }

    fn is_simt(&self) -> bool {
        self.element == Element::F32 && self.result == Element::F32
    }

    /// Threads of a block.
    pub fn threads(&self) -> i64 {
        THREADS
    }

    /// Blocks for so many rows of Q.
    pub fn blocks(&self, tq: i64) -> i64 {
        (tq + self.rows - 1) / self.rows
    }

    /// Bytes of dynamic shared memory that a launch has to ask for; 0 where what is static is enough. Devices differ in what they
    /// have: long rows of f32 need more than 163 KB, which those before `sm_90` have at most.
    pub fn shared_bytes(&self) -> i64 {
        dynamic(self.all_shared_bytes())
    }

    /// The larger tile of rows where registers suffice for it with such columns and scores, else the smaller.
    pub fn usual_rows(head: i64, value_head: i64, score: Option<&Callee>) -> i64 {
        match (padded(head.max(value_head)), score) {
            (..=48, None) => 128,
            _ => 64,
        }
    }

    /// The function, with what it needs before it.
    ///
    /// # Panics
    /// Where it is not supported.
    pub fn text(&self) -> String {
        assert!(
            self.is_supported(),
            "attention has to be asked whether it is supported"
        );
        forward::text(self)
    }

    fn queries(&self) -> Tile {
        Tile {
            rows: self.rows,
            columns: self.head * self.element.bytes() / 2,
        }
    }

    /// Tiles of K and V.
    fn keys(&self) -> [Tile; 2] {
        let heads = [self.head, self.value_head];
        heads.map(|head| Tile {
            rows: KEYS,
            columns: head * self.element.bytes() / 2,
        })
    }

    /// The tile of Q, and two of K and V each; weights, where lanes exchange them.
    fn all_shared_bytes(&self) -> i64 {
        let weights = match self.element {
            Element::F32 => simt::weight_bytes(self.rows),
            _ => 0,
        };
        self.queries().bytes() + Stream::bytes(self.keys()) + weights
    }
}

/// Whose rows a block has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Rows of Q.
    Queries,
    /// Rows of K and V.
    Keys,
}

/// Whether there are products of numbers of a type, and results of another.
fn are_supported(element: Element, result: Element) -> bool {
    matches!(element, Element::F16 | Element::Bf16)
        && matches!(result, Element::F16 | Element::Bf16 | Element::F32)
}

/// What a launch has to ask for, of so many bytes of shared memory.
fn dynamic(bytes: i64) -> i64 {
    match bytes {
        ..=STATIC_SHARED => 0,
        _ => bytes,
    }
}

/// Shared memory for tiles of so many bytes.
fn tiles_in_shared(f: &mut Function, bytes: i64) -> Value {
    match bytes {
        ..=STATIC_SHARED => f.shared("tiles", bytes),
        _ => f.dynamic_shared(),
    }
}
