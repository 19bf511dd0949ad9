//! Tiles, packing and prefetches of a matrix product C[M,N] += A[M,K] B[K,N].
//!
//! The model, with `mr × nv` accumulators of one vector register each:
//! - registers: `mr·nv + nv + 1`, and some to spare where there are 32, or LLVM spills around the loop;
//! - a step of k issues `mr·nv` FMAs and `mr + nv` loads, on two ports each: a tile with `nv ≥ 2` is FMA-bound;
//! - the B sliver comes from L2 at `1/mr` of the FMA rate: of tiles with equally many accumulators the tallest;
//! - a B block of `kc × nc` fills a quarter to half of L2, an A sliver of `mr × kc` a third of L1;
//! - entering and leaving a tile costs about as much as 12 steps of k, so `kc` is long.

use super::Target;
use std::fmt;

/// Tiles beside each other from which on the copy of A is transposed: it takes about as long as a third of a tile, and
/// tiles read it a twentieth faster.
const TURNING_PAYS: i64 = 8;

/// Terms of a sum up to which it is faster on copies of rows.
const SHORT_SUM: i64 = 512;

/// Sizes known at compile time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatmulSizes {
    /// Rows of the result.
    pub m: Option<i64>,
    /// Columns of the result.
    pub n: Option<i64>,
    /// Length of the sums.
    pub k: Option<i64>,
}

/// The schedule of one kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MatmulSchedule {
    /// Elements of one register.
    pub lanes: i64,
    /// Registers across a tile: the tile has `lanes · across` columns.
    pub across: i64,
    /// Rows of a tile.
    pub rows: i64,
    /// Rows of the tile for the rows that remain.
    pub short_rows: i64,
    /// Steps of k that a packed block holds.
    pub kc: i64,
    /// Columns that a packed block holds, a multiple of the tile's.
    pub nc: i64,
    /// Steps of k ahead at which the packed B is prefetched; 0 for not at all.
    pub prefetch_b: i64,
    /// Rows of a result up to which B is read in place.
    pub rows_in_place: i64,
    /// Rows of a result that an op goes through as soon as their sums are complete, a multiple of the tile's.
    pub band: i64,
    /// Steps of k between two prefetches of the next A sliver and of the C tile.
    pub spread: i64,
    /// Steps of k in a round of the innermost loop, a divisor of `spread`.
    pub unroll: i64,
    /// Whether a fused multiply-add is one instruction.
    pub fma: bool,
}

impl MatmulSchedule {
    /// Columns of a tile.
    pub fn columns(&self) -> i64 {
        self.lanes * self.across
    }

    /// Slivers of a packed block.
    pub fn slivers(&self) -> i64 {
        self.nc / self.columns()
    }

    /// Whether enough tiles read a sliver of A, of a result with so many columns, for its copy to be transposed.
    pub fn turns_a(&self, columns: Option<i64>) -> bool {
        self.across > 1 && columns.is_none_or(|n| n >= TURNING_PAYS * self.columns())
    }

    /// A value by the name that it has in files.
    pub(super) fn value(&self, name: &str) -> i64 {
        match name {
            "rows" => self.rows,
            "across" => self.across,
            "short_rows" => self.short_rows,
            "kc" => self.kc,
            "nc" => self.nc,
            "prefetch_b" => self.prefetch_b,
            "rows_in_place" => self.rows_in_place,
            "band" => self.band,
            "spread" => self.spread,
            _ => self.unroll,
        }
    }

    /// The same for results of at most one register's columns.
    pub fn narrow(&self) -> Self {
        Self {
            across: 1,
            // The block is small enough for L1, and loads are what bounds the tile.
            prefetch_b: 0,
            ..self.clone()
        }
        .of_one_sliver()
    }

    fn of_one_sliver(&self) -> Self {
        Self {
            nc: self.columns(),
            band: self.band * (self.nc / self.columns()),
            ..self.clone()
        }
    }

    /// The same for results of so many columns, where they fit into one sliver, whose rows are then read in place; not for short
    /// sums, which are faster on copies (4096 x 512 x 32 by a seventh).
    pub fn for_sizes(&self, sizes: MatmulSizes) -> Self {
        let short = sizes.k.is_some_and(|k| k <= SHORT_SUM);
        match !short && sizes.n.is_some_and(|n| n <= self.columns()) {
            true => self.of_one_sliver(),
            false => self.clone(),
        }
    }

    /// The same for rows that are read in place: blocks of B as long as a quarter of L2 allows, so that rows are read in long
    /// pieces, but not much longer than the sums, of which the block is memory.
    pub fn long(&self, target: &Target, sizes: MatmulSizes) -> Self {
        let bytes = target.vector_bits / self.lanes / 8;
        let most = target.l2 / 4 / (self.nc * bytes);
        let sums = sizes.k.map_or(most, |k| power_of_two(k).min(most));
        Self {
            kc: self.kc.max(sums),
            ..self.clone()
        }
    }
}

/// The least power of two that is no less than `n`.
fn power_of_two(n: i64) -> i64 {
    let n = u64::try_from(n).unwrap_or(0);
    n.checked_next_power_of_two().map_or(i64::MAX, |n| n as i64)
}

impl fmt::Display for MatmulSchedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "matmul {{tile = {} x {}, short_rows = {}, kc = {}, nc = {}, prefetch_b = {}, rows_in_place = {}, band = {}, spread = {}, unroll = {}, fma = {}}}",
            self.rows,
            self.columns(),
            self.short_rows,
            self.kc,
            self.nc,
            self.prefetch_b,
            self.rows_in_place,
            self.band,
            self.spread,
            self.unroll,
            self.fma
        )
    }
}

/// The schedule for elements of `bits` (32 or 64) on a target.
pub fn matmul_schedule(target: &Target, bits: i64) -> MatmulSchedule {
    let lanes = (target.vector_bits / bits).max(2);
    let bytes = bits / 8;
    let set = |name: &str, value| target.set(&format!("matmul.f{bits}.{name}"), value);
    let (rows, across) = tile(target.registers);
    let (rows, across) = (set("rows", rows), set("across", across));
    let columns = lanes * across;
    let spread = set("spread", 16);
    // 1 KiB of each row of A, so that a sliver of 12 stays within 16 KiB.
    let kc = set("kc", (1024 / bytes).max(64));
    let nc = set("nc", (target.l2 / 2).min(512 << 10) / (kc * bytes));
    let nc = (nc / columns * columns).max(columns);
    // An eighth of L2, beside the packed block and what an op reads and writes besides.
    let band = set("band", target.l2 / 8 / (nc * bytes));
    MatmulSchedule {
        lanes,
        across,
        rows,
        // Still bound by the FMAs, and enough of them to hide their latency.
        short_rows: set("short_rows", 4).min(rows),
        kc,
        nc,
        prefetch_b: set("prefetch_b", 8),
        // Packing costs as much as some slivers of rows, each of which then reads a little faster.
        rows_in_place: set("rows_in_place", 160),
        band: (band / rows).max(1) * rows,
        spread,
        unroll: divisor(set("unroll", 4), spread),
        fma: target.fma,
    }
}

/// The greatest divisor of `n` that is no greater than `most`.
fn divisor(most: i64, n: i64) -> i64 {
    (1..=most).rev().find(|d| n % d == 0).unwrap_or(1)
}

/// The tile for a number of registers: FMA-bound, with the most accumulators, then the tallest.
fn tile(registers: i64) -> (i64, i64) {
    let spare = (registers - 16) / 4;
    (2..=4)
        .map(|across| ((registers - spare - 1) / across - 1, across))
        .max_by_key(|(rows, across)| (rows * across, *rows))
        .unwrap_or((4, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_named_targets() {
        let show = |cpu, bits| matmul_schedule(&Target::named(cpu).unwrap(), bits).to_string();
        assert_eq!(
            show("cascadelake", 32),
            "matmul {tile = 12 x 32, short_rows = 4, kc = 256, nc = 512, prefetch_b = 8, rows_in_place = 160, band = 60, spread = 16, unroll = 4, fma = true}"
        );
        assert_eq!(
            show("haswell", 64),
            "matmul {tile = 6 x 8, short_rows = 4, kc = 128, nc = 128, prefetch_b = 8, rows_in_place = 160, band = 30, spread = 16, unroll = 4, fma = true}"
        );
    }
}
