//! The warpgroup that loads: one thread of it starts the copies of tiles of A and B.

use super::ring::{Turn, Waits};
use super::tile::Corner;
use super::{Block, DEPTH, Function, LINE, SQUARE, Storage, Value, byte};

pub(super) fn emit(f: &mut Function, block: &Block) {
    let [few, _] = block.program.tile.registers();
    f.line(&format!("nvvm.setmaxregister decrease {few}"));
    f.when(&block.is_first, |f| {
        let first = block.ring.first(f, Waits::ForEmpty);
        let range = block.grid.range.each_ref();
        f.each(range, &first.values(), |f, tile, turn| {
            let corner = block.grid.corner(f, tile);
            let (low, step) = (f.i32(0), f.i32(1));
            f.each([&low, &block.depth, &step], turn, |f, at, turn| {
                let turn = Turn::of(turn);
                fill(f, block, &corner, at, &turn);
                block.ring.next(f, &turn).values()
            })
        });
    });
}

/// Fills a stage with what is `at` stages deep in the tile, when it is empty.
fn fill(f: &mut Function, block: &Block, corner: &Corner, at: &Value, turn: &Turn) {
    let program = block.program;
    let empty = block.ring.empty(f, &turn.stage);
    block.ring.wait(f, &empty, &turn.phase);
    let full = block.ring.full(f, &turn.stage);
    let bytes = f.i32(program.stage_bytes());
    f.line(&format!(
        "nvvm.mbarrier.arrive.expect_tx {full}, {bytes} : !llvm.ptr<3>, i32"
    ));
    let place = f.with("arith.muli", &turn.stage, program.stage_bytes());
    let inner = f.with("arith.muli", at, DEPTH);
    let (rows, columns) = (program.tile.rows, program.tile.columns);
    // Where the inner dimension is contiguous, all lines are of one copy; else each 64 of the outer one are.
    let operands = [
        (
            &block.maps[0],
            &corner.row,
            rows,
            program.a == Storage::Rows,
            0,
        ),
        (
            &block.maps[1],
            &corner.column,
            columns,
            program.b == Storage::Columns,
            rows * LINE,
        ),
    ];
    for (map, outer, extent, is_inner, offset) in operands {
        let copies = if is_inner { 1 } else { extent / 64 };
        for copy in 0..copies {
            let to = f.with("arith.addi", &place, offset + copy * SQUARE);
            let to = byte(f, &block.shared, &to);
            let to = f.cast("llvm.addrspacecast", &to, "!llvm.ptr<7>");
            let outer = f.with("arith.addi", outer, 64 * copy);
            let (x, y) = match is_inner {
                true => (&inner, &outer),
                false => (&outer, &inner),
            };
            f.line(&format!(
                "nvvm.cp.async.bulk.tensor.shared.cluster.global {to}, {map}, {full}, box[{x}, {y}, {}] : !llvm.ptr<7>, !llvm.ptr",
                corner.batch
            ));
        }
    }
}
