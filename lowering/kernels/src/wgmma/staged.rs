//! Results through shared memory: put together there as the swizzle has it, and copied by tiles, which clips what is outside.

use super::results::{Map, Sums};
use super::through::Through;
use super::tile::Corner;
use super::{Block, Element, Function, GROUP, LINE, SQUARE, Value, byte, is};

/// How many times 16 columns are made before they are stored: more keep registers that there are not.
const AT_ONCE: i64 = 2;

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
    let through = map.through.as_ref();
    let through = through.map(|call| Through::new(f, call, block, (corner, sizes)));
    for part in 0..columns / (16 * AT_ONCE) {
        let sixteens = part * AT_ONCE..(part + 1) * AT_ONCE;
        // All of them before anything is stored, so that what the function loads is under way at once.
        let words: Vec<_> = sixteens
            .clone()
            .map(|sixteen| {
                words(
                    f,
                    map.element,
                    (sums, sixteen),
                    |f, sum, spot| match &through {
                        None => sum,
                        Some(through) => through.value(f, &sum, &spot),
                    },
                )
            })
            .collect();
        for (sixteen, words) in sixteens.zip(words) {
            let piece = f.with("arith.addi", &right, 2 * (sixteen % 4));
            let piece = f.xor(&piece, &in_eight);
            let piece = f.with("arith.muli", &piece, 16);
            let place = f.with("arith.addi", &row, sixteen / 4 * SQUARE);
            let place = f.add(&place, &piece);
            let place = byte(f, &block.shared, &place);
            f.line(&format!(
                "nvvm.stmatrix {place}, {} {{layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, \
                 eltType = #nvvm.ld_st_matrix_elt_type<b16>}} : !llvm.ptr<3>, i32, i32, i32, i32",
                words.map(|word| word.to_string()).join(", ")
            ));
        }
        if through.is_some() {
            // Loads of what comes next stay behind it, as there are no registers for all of them.
            let all = f.i32(-1);
            f.line(&format!("nvvm.bar.warp.sync {all} : i32"));
        }
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

/// Which of a thread's sums it is: of which of its two rows, and how many columns after its first.
pub(super) struct Spot {
    pub half: usize,
    pub columns: i64,
}

/// The four words that a thread has of 16 columns, of sums that are changed before.
fn words(
    f: &mut Function,
    element: Element,
    (sums, sixteen): (&Sums, i64),
    change: impl Fn(&mut Function, Value, Spot) -> Value,
) -> [Value; 4] {
    [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(eight, half)| {
        let eight = 2 * sixteen + eight;
        let mut columns = 8 * eight;
        let pair = sums.pair(f, eight, half as i64).map(|sum| {
            let spot = Spot { half, columns };
            columns += 1;
            change(f, sum, spot)
        });
        rounded(f, element, &pair)
    })
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
