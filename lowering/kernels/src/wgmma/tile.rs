//! Tiles, and the order in which blocks take them.

use super::{Function, GROUP, Value};

/// Registers of a multiprocessor.
const REGISTERS: i64 = 65536;
/// Registers of a thread that loads, and the most that one that multiplies is given.
const FEW_REGISTERS: i64 = 40;
const MOST_REGISTERS: i64 = 232;
/// The most bytes of shared memory of a block, of a multiprocessor, and what a block takes beside its own.
const SHARED_OF_BLOCK: i64 = 227 * 1024;
const SHARED: i64 = 228 * 1024;
const SHARED_TAKEN: i64 = 1024;
/// How many tiles along the rows go together, so that what blocks which run at once read is nearly square and the second-level cache
/// has it: about a hundred blocks of each of the tiles below read least with 12 to 24.
const TOGETHER: i64 = 16;

/// The most dynamic shared memory of a block where a multiprocessor has so many.
pub(super) fn most_shared(blocks: i64) -> i64 {
    SHARED_OF_BLOCK.min(SHARED / blocks - SHARED_TAKEN)
}

/// A block's part of a product, 64 deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Rows of C; 64 for each warpgroup that multiplies.
    pub rows: i64,
    /// Columns of C; 64, 128, 192 or 256.
    pub columns: i64,
    /// How many tiles of A and B are loaded at once; fewer, where shared memory does not hold them.
    pub stages: i64,
    /// Blocks of a multiprocessor.
    pub blocks: i64,
}

impl Tile {
    /// 128 x 256 by three warpgroups: most products for what is loaded.
    pub const LARGE: Self = Self {
        rows: 128,
        columns: 256,
        stages: 4,
        blocks: 1,
    };
    /// 128 x 128 by three warpgroups.
    pub const MEDIUM: Self = Self {
        rows: 128,
        columns: 128,
        stages: 4,
        blocks: 1,
    };
    /// 64 x 128 by two warpgroups, two blocks at once: for products of few tiles.
    pub const SMALL: Self = Self {
        rows: 64,
        columns: 128,
        stages: 4,
        blocks: 2,
    };
    /// All of them, the largest first.
    pub const ALL: [Self; 3] = [Self::LARGE, Self::MEDIUM, Self::SMALL];

    /// Warpgroups that multiply.
    pub fn groups(&self) -> i64 {
        self.rows / 64
    }

    /// Registers of a thread that loads and of one that multiplies: the former need few.
    pub(super) fn registers(&self) -> [i64; 2] {
        let threads = GROUP * (self.groups() + 1) * self.blocks;
        let each = REGISTERS / threads / 8 * 8;
        let given = (each - FEW_REGISTERS) / self.groups() / 8 * 8;
        [FEW_REGISTERS, (each + given).min(MOST_REGISTERS)]
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let rows = self.rows % 64 == 0 && (64..=256).contains(&self.rows);
        let columns = self.columns % 64 == 0 && (64..=256).contains(&self.columns);
        if !rows || !columns || self.stages < 2 || self.blocks < 1 {
            return Err(format!(
                "a tile {self:?}; rows and columns are multiples of 64 up to 256, with 2 stages or more"
            ));
        }
        Ok(())
    }
}

/// The tiles of a product, and which of them are the block's.
pub(super) struct Grid {
    /// Of the block, to the end, by so many.
    pub range: [Value; 3],
    /// Tiles along rows and columns.
    counts: [Value; 2],
    extents: [i64; 2],
}

/// Where a tile is: the matrix of the batch, its first row and column, in 32 bits.
pub(super) struct Corner {
    pub batch: Value,
    pub row: Value,
    pub column: Value,
}

impl Grid {
    pub fn new(
        f: &mut Function,
        tile: &Tile,
        [block, blocks]: [&Value; 2],
        [batch, m, n]: [&Value; 3],
    ) -> Self {
        let extents = [tile.rows, tile.columns];
        let counts = [(m, tile.rows), (n, tile.columns)].map(|(size, extent)| {
            let size = f.with("arith.addi", size, extent - 1);
            f.with("arith.divui", &size, extent)
        });
        let tiles = f.mul(&counts[0], &counts[1]);
        let tiles = f.mul(&tiles, batch);
        Self {
            range: [block.clone(), tiles, blocks.clone()],
            counts,
            extents,
        }
    }

    /// Where a tile is: matrix by matrix, in groups of some rows of tiles, column by column in each.
    pub fn corner(&self, f: &mut Function, tile: &Value) -> Corner {
        let [rows, columns] = &self.counts;
        let of_matrix = f.mul(rows, columns);
        let batch = f.div(tile, &of_matrix);
        let tile = f.rem(tile, &of_matrix);
        let of_group = f.with("arith.muli", columns, TOGETHER);
        let group = f.div(&tile, &of_group);
        let tile = f.rem(&tile, &of_group);
        let first = f.with("arith.muli", &group, TOGETHER);
        let left = f.sub(rows, &first);
        let together = f.int(TOGETHER, "index");
        let together = f.min(&left, &together);
        let row = f.rem(&tile, &together);
        let row = f.add(&first, &row);
        let column = f.div(&tile, &together);
        let row = f.with("arith.muli", &row, self.extents[0]);
        let column = f.with("arith.muli", &column, self.extents[1]);
        let [batch, row, column] =
            [batch, row, column].map(|value| f.cast("arith.index_cast", &value, "i32"));
        Corner { batch, row, column }
    }
}
