//! Two matrices whose rows a block goes over together, a tile of each at a time, while the next is on its way.

use super::matrix::{Source, Tile, offset};
use crate::text::{Function, Value};

/// Two matrices of as many rows.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    sources: [Source; 2],
    pub tiles: [Tile; 2],
    /// Two tiles of each in shared memory.
    places: [Value; 2],
    /// Rows of the matrices, `i64`.
    count: Value,
}

impl Stream {
    /// With tiles from a place in shared memory on.
    pub fn new(
        f: &mut Function,
        sources: [Source; 2],
        tiles: [Tile; 2],
        place: &Value,
        count: &Value,
    ) -> Self {
        let second = offset(f, place, 2 * tiles[0].bytes());
        Self {
            sources,
            tiles,
            places: [place.clone(), second],
            count: count.clone(),
        }
    }

    /// Bytes of shared memory for such tiles.
    pub fn bytes(tiles: [Tile; 2]) -> i64 {
        2 * tiles.map(Tile::bytes).iter().sum::<i64>()
    }

    /// The first row of a tile: both are `i64`.
    pub fn first(&self, f: &mut Function, tile: &Value) -> Value {
        f.with("arith.muli", tile, self.tiles[0].rows)
    }

    /// Begins to copy a tile (`i64`) of each.
    pub fn fetch(&self, f: &mut Function, tile: &Value) {
        let first = self.first(f, tile);
        let places = self.stage(f, tile);
        let pairs = self.tiles.iter().zip(&self.sources).zip(&places);
        for ((tile, source), place) in pairs {
            tile.fetch(f, source, [&first, &self.count], place);
        }
    }

    /// Where a tile (`i64`) of each is in shared memory.
    pub fn stage(&self, f: &mut Function, tile: &Value) -> [Value; 2] {
        let stage = stage(f, tile);
        [0, 1].map(|at| {
            let offset = f.with("arith.muli", &stage, self.tiles[at].bytes());
            f.place(&self.places[at], "i8", &offset)
        })
    }
}

/// Which of two buffers a tile (`i64`) is in, `i32`.
pub(super) fn stage(f: &mut Function, tile: &Value) -> Value {
    let stage = f.with("arith.andi", tile, 1);
    f.cast("arith.trunci", &stage, "i32")
}

/// Goes over tiles (`i64`) from one on. When `body` begins, its tile is there for all threads, and the copies of the next have begun;
/// those of the first have begun before.
pub(super) fn over(
    f: &mut Function,
    [low, high]: [&Value; 2],
    initial: &[Value],
    fetch: impl FnOnce(&mut Function, &Value),
    body: impl FnOnce(&mut Function, &Value, &[Value]) -> Vec<Value>,
) -> Vec<Value> {
    let one = f.int(1, "i64");
    f.each([low, high, &one], initial, |f, tile, carried| {
        arrived(f);
        let next = f.add(tile, &one);
        let is_there = f.cmp("slt", &next, high);
        f.when(&is_there, |f| {
            fetch(f, &next);
            commit(f);
        });
        body(f, tile, carried)
    })
}

/// Ends the group of copies that a thread has begun.
pub(super) fn commit(f: &mut Function) {
    f.line("nvvm.cp.async.commit.group");
}

/// Waits for all groups of copies of the block.
pub(super) fn arrived(f: &mut Function) {
    f.line("nvvm.cp.async.wait.group 0");
    f.barrier();
}
