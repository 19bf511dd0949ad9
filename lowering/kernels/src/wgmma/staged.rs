//! Results through shared memory: put together there as the swizzle has it, and copied by tiles, which clips what is outside.

use super::results::{Map, Sums};
use super::tile::Corner;
use super::{Block, Element, Function, GROUP, LINE, SQUARE, Value, byte, is};

/// Bytes for the results of a block.
pub(super) fn bytes(rows: i64, columns: i64) -> i64 {
    rows * columns * 2
}

/// Rounds a warpgroup's sums, puts its rows together, and starts the copies of squares from there.
pub(super) fn emit(
    f: &mut Function,
    block: &Block,
    (corner, sizes): (&Corner, &[Value; 2]),
    (sums, map): (&Sums, &Map),
) {
    let columns = block.program.tile.columns;
    let squares = columns / 64;
    let base = f.with("arith.muli", &block.group, squares * SQUARE);
    let base = f.with("arith.addi", &base, block.program.staging());
    // A thread says where a line of eight elements goes: in a row of its warp's 16, and the left or right half of 16 columns.
    let warp = f.with("arith.divui", &block.lane, 32);
    let of_warp = f.with("arith.muli", &warp, 16);
    let in_eight = f.with("arith.andi", &block.lane, 7);
    let row = f.with("arith.andi", &block.lane, 15);
    let row = f.add(&of_warp, &row);
    let row = f.with("arith.muli", &row, LINE);
    let row = f.add(&base, &row);
    let right = f.with("arith.shrui", &block.lane, 4);
    let right = f.with("arith.andi", &right, 1);
    // The copies of the last tile have read what they copy.
    f.when(&block.is_first, |f| {
        f.line("nvvm.cp.async.bulk.wait_group 0 {read}");
    });
    together(f, block);
    let places = map.through.as_ref();
    let places = places.map(|call| (call, Places::new(f, block, corner, sizes)));
    for sixteen in 0..columns / 16 {
        let words = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(eight, half)| {
            let eight = 2 * sixteen + eight;
            let mut pair = sums.pair(f, eight, half);
            if let Some((call, places)) = &places {
                let rest = &places.rows[half as usize];
                pair = [0, 1].map(|at| {
                    places.inside(f, rest, 8 * eight + at as i64, |f, place| {
                        call.emit(f, &pair[at], place, Some("f32"))
                            .expect("a call of a function with a result gives it")
                    })
                });
            }
            rounded(f, map.element, &pair).to_string()
        });
        let piece = f.with("arith.addi", &right, 2 * (sixteen % 4));
        let piece = f.xor(&piece, &in_eight);
        let piece = f.with("arith.muli", &piece, 16);
        let place = f.with("arith.addi", &row, sixteen / 4 * SQUARE);
        let place = f.add(&place, &piece);
        let place = byte(f, &block.shared, &place);
        f.line(&format!(
            "nvvm.stmatrix {place}, {} {{layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, \
             eltType = #nvvm.ld_st_matrix_elt_type<b16>}} : !llvm.ptr<3>, i32, i32, i32, i32",
            words.join(", ")
        ));
    }
    f.line(
        "nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}",
    );
    together(f, block);
    f.when(&block.is_first, |f| {
        let first = f.with("arith.muli", &block.group, 64);
        let row = f.add(&corner.row, &first);
        for square in 0..squares {
            let from = f.with("arith.addi", &base, square * SQUARE);
            let from = byte(f, &block.shared, &from);
            let column = f.with("arith.addi", &corner.column, 64 * square);
            f.line(&format!(
                "nvvm.cp.async.bulk.tensor.global.shared.cta {}, {from}, box[{column}, {row}, {}] : !llvm.ptr, !llvm.ptr<3>",
                map.map, corner.batch
            ));
        }
        f.line("nvvm.cp.async.bulk.commit.group");
    });
}

/// Two numbers as a word of two rounded ones, the first in its lower half.
fn rounded(f: &mut Function, element: Element, [low, high]: &[Value; 2]) -> Value {
    let name = element.ty();
    f.op(
        &format!(
            "llvm.inline_asm \"cvt.rn.{name}x2.f32 $0, $1, $2;\", \"=r,f,f\" {high}, {low} : (f32, f32) -> i32"
        ),
        "i32",
    )
}

/// Waits for the threads of the warpgroup.
fn together(f: &mut Function, block: &Block) {
    // Each has a barrier of its own by a constant, so that the assembler knows how many there are; 0 is that of the block.
    let threads = f.i32(GROUP);
    for group in 0..block.program.tile.groups() {
        let is_own = is(f, &block.group, group);
        f.when(&is_own, |f| {
            let barrier = f.i32(group + 1);
            f.line(&format!(
                "nvvm.barrier id = {barrier} number_of_threads = {threads}"
            ));
        });
    }
}

/// Places of a thread's sums in C, in 64 bits.
struct Places {
    batch: Value,
    /// The two rows.
    rows: [Row; 2],
    /// The first column.
    column: Value,
}

/// A row of a thread's sums.
struct Row {
    row: Value,
    /// Columns from the thread's first to the end; none where the row is outside.
    left: Value,
}

impl Places {
    fn new(f: &mut Function, block: &Block, corner: &Corner, [m, n]: &[Value; 2]) -> Self {
        let of_group = f.with("arith.muli", &block.group, 64);
        let warp = f.with("arith.divui", &block.lane, 32);
        let of_warp = f.with("arith.muli", &warp, 16);
        let lane = f.with("arith.remui", &block.lane, 32);
        let row = f.with("arith.divui", &lane, 4);
        let row = f.add(&of_warp, &row);
        let row = f.add(&of_group, &row);
        let row = f.add(&corner.row, &row);
        let row = f.cast("arith.extui", &row, "i64");
        let column = f.with("arith.remui", &lane, 4);
        let column = f.with("arith.muli", &column, 2);
        let column = f.add(&corner.column, &column);
        let column = f.cast("arith.extui", &column, "i64");
        let left = f.sub(n, &column);
        let none = f.int(0, "i64");
        let rows = [0, 8].map(|by| {
            let row = f.with("arith.addi", &row, by);
            let is_inside = f.cmp("slt", &row, m);
            let left = f.select(&is_inside, &left, &none);
            Row { row, left }
        });
        let batch = f.cast("arith.extui", &corner.batch, "i64");
        Self {
            batch,
            rows,
            column,
        }
    }

    /// What is given for a place so many columns on, if it is inside; else 0.
    fn inside(
        &self,
        f: &mut Function,
        row: &Row,
        columns: i64,
        value: impl FnOnce(&mut Function, [&Value; 3]) -> Value,
    ) -> Value {
        let columns = f.int(columns, "i64");
        let is_inside = f.cmp("sgt", &row.left, &columns);
        let values = f.choose(
            &is_inside,
            &["f32"],
            |f| {
                let column = f.add(&self.column, &columns);
                vec![value(f, [&self.batch, &row.row, &column])]
            },
            |f| vec![f.float("0.0", "f32")],
        );
        values[0].clone()
    }
}
