//! A warpgroup that multiplies: 64 rows of the tile.

use super::results::{Results, Sums};
use super::ring::{Turn, Waits};
use super::{Block, DEPTH, Element, Function, LINE, SQUARE, STEP, Storage, Value, byte};

/// Bytes from eight lines to the next eight.
const EIGHT_LINES: i64 = 8 * LINE;
/// That a descriptor is of lines with the 128-byte swizzle.
const SWIZZLE: i64 = 1 << 62;

pub(super) fn emit(f: &mut Function, block: &Block, results: &Results) {
    let program = block.program;
    let [_, many] = program.tile.registers();
    f.line(&format!("nvvm.setmaxregister increase {many}"));
    let sums = sums_type(program.tile.columns);
    let zeros = f.op(&format!("llvm.mlir.zero : {sums}"), &sums);
    let offset = f.with("arith.muli", &block.group, SQUARE);
    let left = descriptor(f, &block.shared, &offset, program.a == Storage::Rows);
    let offset = f.i32(program.tile.rows * LINE);
    let right = descriptor(f, &block.shared, &offset, program.b == Storage::Columns);
    let first = block.ring.first(f, Waits::ForFull);
    let range = block.grid.range.each_ref();
    f.each(range, &first.values(), |f, tile, turn| {
        let corner = block.grid.corner(f, tile);
        let (low, step, none) = (f.i32(0), f.i32(1), f.i32(-1));
        let carried = [turn[0].clone(), turn[1].clone(), none, zeros.clone()];
        let ends = f.each([&low, &block.depth, &step], &carried, |f, _, carried| {
            let turn = Turn::of(carried);
            let full = block.ring.full(f, &turn.stage);
            block.ring.wait(f, &full, &turn.phase);
            let sums = multiply(f, block, [&left, &right], &turn.stage, &carried[3]);
            f.line("nvvm.wgmma.wait.group.sync.aligned 1");
            release(f, block, &carried[2]);
            let next = block.ring.next(f, &turn);
            vec![next.stage, next.phase, turn.stage, sums]
        });
        f.line("nvvm.wgmma.wait.group.sync.aligned 0");
        release(f, block, &ends[2]);
        results.store(f, block, &corner, &Sums::new(&ends[3]));
        ends[..2].to_vec()
    });
    results.finish(f, block);
}

/// The type of a thread's sums of 64 rows.
fn sums_type(columns: i64) -> String {
    let sums = vec!["f32"; columns as usize / 2];
    format!("!llvm.struct<({})>", sums.join(", "))
}

/// Says that the products of a stage, if it is one, are done.
fn release(f: &mut Function, block: &Block, stage: &Value) {
    let none = f.i32(0);
    let is_stage = f.cmp("sge", stage, &none);
    let is_due = f.and(&is_stage, &block.is_first);
    f.when(&is_due, |f| block.ring.release(f, stage));
}

/// The descriptor of a matrix in the first stage (see "Matrix Descriptor Format" in the PTX ISA).
fn descriptor(f: &mut Function, shared: &Value, offset: &Value, is_inner: bool) -> Value {
    // Lines of the inner dimension go on by eights only. Else these are along it, and every 64 lines a block of the outer one.
    let leading = if is_inner { 16 } else { SQUARE };
    let place = byte(f, shared, offset);
    let place = f.cast("llvm.ptrtoint", &place, "i64");
    let place = f.with("arith.andi", &place, 0x3ffff);
    let place = f.with("arith.shrui", &place, 4);
    let rest = SWIZZLE | (EIGHT_LINES >> 4) << 32 | (leading >> 4) << 16;
    f.with("arith.ori", &place, rest)
}

/// Starts the products of a stage as one group.
fn multiply(
    f: &mut Function,
    block: &Block,
    first: [&Value; 2],
    stage: &Value,
    sums: &Value,
) -> Value {
    let program = block.program;
    let stage = f.with("arith.muli", stage, program.stage_bytes() >> 4);
    let stage = f.cast("arith.extui", &stage, "i64");
    let [left, right] = first.map(|descriptor| f.add(descriptor, &stage));
    let step = |is_inner: bool| match is_inner {
        true => (STEP * program.input.bytes()) >> 4,
        false => (STEP * LINE) >> 4,
    };
    let steps = [
        step(program.a == Storage::Rows),
        step(program.b == Storage::Columns),
    ];
    // Both are named by what is stored behind one another in the matrix of the operand itself.
    let name = |storage: Storage| match storage {
        Storage::Rows => "row",
        Storage::Columns => "col",
    };
    let element = match program.input {
        Element::Bf16 => "bf16",
        _ => "f16",
    };
    f.line("nvvm.wgmma.fence.aligned");
    let mut sums = sums.clone();
    for at in 0..DEPTH / STEP {
        let left = f.with("arith.addi", &left, at * steps[0]);
        let right = f.with("arith.addi", &right, at * steps[1]);
        sums = f.op(
            &format!(
                "nvvm.wgmma.mma_async {left}, {right}, {sums}, <m = 64, n = {}, k = {STEP}>, D[<f32>, <one>, <wrapped>], \
                 A[<{element}>, <one>, <{}>], B[<{element}>, <one>, <{}>] : {ty} -> {ty}",
                program.tile.columns,
                name(program.a),
                name(program.b),
                ty = sums.ty(),
            ),
            sums.ty(),
        );
    }
    f.line("nvvm.wgmma.commit.group.sync.aligned");
    sums
}
