//! When convolutions with windows of 3 × 3 go by Winograd's algorithm, and in what strips.
//!
//! The model: a tile of 2 × 2 results takes 16 products for each channel and filter instead of 36. Against that stand the
//! transforms, linear in channels plus filters, which pay from some tens of them on, and in registers of tiles of one row,
//! so that narrow images are left to the other algorithm. A strip's transformed input and result go
//! beyond L2, as long products gain more than the next cache loses.

use super::Target;

/// Elements of a transformed tile.
pub const POINTS: i64 = 16;
/// Channels and filters from which on the transforms pay.
const FEWEST: i64 = 16;
/// Columns of a result from which on they fill registers well enough.
const NARROWEST: i64 = 8;

/// How a convolution goes through its image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WinogradSchedule {
    /// Elements of one register.
    pub lanes: i64,
    /// Tiles of a strip of whole rows of tiles, if it has several rows.
    pub tiles: i64,
}

impl WinogradSchedule {
    /// The same for the gradient by the filters, whose strips all add to the same sums.
    pub fn of_gradient(self) -> Self {
        Self {
            tiles: self.tiles.max(FEWEST_SUMMED),
            ..self
        }
    }
}

/// Tiles from which on the sums of a gradient are read and written seldom enough.
const FEWEST_SUMMED: i64 = 256;

/// The schedule for elements of `bits` (32 or 64), if the algorithm pays: `columns` are those of a result, if they are known.
pub fn winograd_schedule(
    target: &Target,
    bits: i64,
    (channels, filters): (i64, i64),
    columns: Option<i64>,
) -> Option<WinogradSchedule> {
    // Edges are loaded under masks.
    let masks = target.vector_bits >= 256;
    let pays = channels.min(filters) >= FEWEST && columns.is_none_or(|n| n >= NARROWEST);
    let tile = POINTS * bits / 8 * (channels + filters);
    (masks && pays && target.uses_winograd()).then(|| WinogradSchedule {
        lanes: target.vector_bits / bits,
        tiles: (target.winograd_bytes() / tile).max(1),
    })
}

impl Target {
    /// Whether convolutions may go by Winograd's algorithm.
    pub fn uses_winograd(&self) -> bool {
        self.set("winograd.use", 1) != 0
    }

    /// Bytes of transformed tiles that a strip has.
    pub fn winograd_bytes(&self) -> i64 {
        self.set("winograd.bytes", 4 * self.l2)
    }
}
