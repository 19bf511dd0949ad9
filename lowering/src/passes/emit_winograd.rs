//! Replaces convolutions with windows of 3 × 3 and stride 1 by Winograd's F(2 × 2, 3 × 3), where there are enough channels
//! and filters for its transforms to pay (`schedule::winograd`).
//!
//! Before:
//! ```mlir
//! linalg.fill ins(%zero : f32) outs(%y : memref<1x64x56x56xf32>)
//! linalg.generic {dl.contraction, indexing_maps = [(n, o, h, w, c, i, j) -> (n, c, h + i, w + j), (o, c, i, j), (n, o, h, w)], ...}
//!   ins(%x, %w : memref<1x64x58x58xf32>, memref<64x64x3x3xf32>) outs(%y : memref<1x64x56x56xf32>) { mulf, addf }
//! ```
//! After:
//! ```mlir
//! %filters = memref.alloc() : memref<16x64x64xf32>
//! scf.for %c … { … } {dl.parallel = true}                                  // transforms the filters
//! scf.for %unit … {                                                        // strips of all images
//!   %input = memref.alloc(%room) : memref<16x64x?xf32>
//!   %result = memref.alloc(%room) : memref<16x64x?xf32>
//!   … vector.maskedload %x, vector.store %input …                          // transforms the input
//!   linalg.generic {dl.contraction} ins(%filters, %input) outs(%result)    // 16 products
//!   … vector.load %result, vector.maskedstore %y …                         // transforms the result
//! } {dl.parallel = true}
//! ```
//!
//! *Requires*: bufferised ops, whose windows are not views yet. *Ensures*: convolutions of f32 and f64 with static channels and
//! filters, whose results start as zeros, are gone where the algorithm pays, and so are copies with zeros around them that no other op
//! reads; their products are contractions. *Does not*: treat
//! groups, strides or dilations.

use crate::{
    emit::Emitter,
    linalg,
    matmul::fill::fill_before,
    schedule::{Target, winograd_schedule},
    tasks, walk,
    winograd::{Axes, Operand, Winograd, source::Source},
};
use dlc_dialects::{
    ir::{
        edit,
        shape::{self, DYNAMIC},
    },
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        OperationRef, RegionLike, TypeLike, Value, ValueLike,
        operation::OperationLike,
        r#type::{MemRefType, ShapedTypeLike},
    },
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-winograd",
    summary: "Compute convolutions with windows of 3 x 3 by fewer products",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(module);
    for func in walk::named(module, "func.func") {
        for op in walk::named(func, "linalg.generic") {
            let found = read(op, &target);
            let fill = found
                .as_ref()
                .and_then(|found| fill_before(op, found.y.value));
            if let (Some(mut winograd), Some(fill)) = (found, fill) {
                let e = Emitter::before(cx, op);
                let makers = read_source(&mut winograd, op);
                let lanes = match tasks::executor(func) {
                    Some(executor) => tasks::lanes(&e, executor),
                    None => e.index(1),
                };
                winograd.emit(&e, lanes);
                edit::erase(cx, op);
                edit::erase(cx, fill);
                for maker in makers {
                    edit::erase(cx, maker);
                }
            }
        }
    }
    let body = module
        .region(0)?
        .first_block()
        .expect("a module has a body");
    tasks::define_lanes(&Emitter::at_start(cx, module.location(), body), module);
    Ok(())
}

/// The op as a convolution that this pass treats.
fn read<'c, 'a>(op: OperationRef<'c, 'a>, target: &Target) -> Option<Winograd<'c, 'a>> {
    if !op.has_attribute(linalg::CONTRACTION) || op.result_count() != 0 || op.operand_count() != 3 {
        return None;
    }
    let maps = linalg::expressions(op)?;
    let [x_map, w_map, y_map] = <[Vec<String>; 3]>::try_from(maps).ok()?;
    let [x, w, y] = [0, 1, 2].map(|i| op.operand(i).expect("it has three"));
    if [&x_map, &w_map, &y_map].iter().any(|map| map.len() != 4) {
        return None;
    }
    // Axes of x that a loop walks alone, and those of windows, as pairs of loops.
    let pair = |axis: usize| x_map[axis].split_once(" + ");
    let windows = (0..4)
        .filter(|axis| pair(*axis).is_some())
        .collect::<Vec<_>>();
    let plain = (0..4).filter(|axis| pair(*axis).is_none());
    let [x_rows, x_columns] = windows[..] else {
        return None;
    };
    let at = |map: &[String], name: &str| map.iter().position(|axis| axis == name);
    let plain = plain.collect::<Vec<_>>();
    let (images, channels) = match at(&y_map, &x_map[plain[0]]) {
        Some(_) => (plain[0], plain[1]),
        None => (plain[1], plain[0]),
    };
    let split = |axis: usize| {
        let (first, second) = pair(axis)?;
        let inside = at(&w_map, first).is_some();
        Some(if inside {
            (second, first)
        } else {
            (first, second)
        })
    };
    let (row, row_within) = split(x_rows)?;
    let (column, column_within) = split(x_columns)?;
    let (inner, rows) = (at(&w_map, &x_map[channels])?, at(&w_map, row_within)?);
    let columns = at(&w_map, column_within)?;
    let w_axes = Axes {
        outer: (0..4).find(|axis| ![inner, rows, columns].contains(axis))?,
        inner,
        rows,
        columns,
    };
    let y_axes = Axes {
        outer: at(&y_map, &x_map[images])?,
        inner: at(&y_map, &w_map[w_axes.outer])?,
        rows: at(&y_map, row)?,
        columns: at(&y_map, column)?,
    };
    let x_axes = Axes {
        outer: images,
        inner: channels,
        rows: x_rows,
        columns: x_columns,
    };
    let sizes = shape::shape_of(w);
    let counts = (sizes[w_axes.inner], sizes[w_axes.outer]);
    let windows = sizes[w_axes.rows] == 3 && sizes[w_axes.columns] == 3;
    let known = counts.0 != DYNAMIC && counts.1 != DYNAMIC;
    let rows = side_by_side(x, x_axes.columns) && side_by_side(y, y_axes.columns);
    if !(windows && known && rows) {
        return None;
    }
    let element = shape::element_of(w);
    let bits = match () {
        () if element.is_f32() => 32,
        () if element.is_f64() => 64,
        () => return None,
    };
    let columns = shape::shape_of(y)[y_axes.columns];
    let columns = (columns != DYNAMIC).then_some(columns);
    let schedule = winograd_schedule(target, bits, counts, columns)?;
    let operand = |value, axes| Operand { value, axes };
    Some(Winograd {
        x: operand(x, x_axes),
        w: operand(w, w_axes),
        y: operand(y, y_axes),
        before: [0; 2],
        counts,
        schedule,
    })
}

/// Lets the convolution read the image that its own is a copy of with zeros around it; gives what is not needed then.
fn read_source<'c: 'a, 'a>(
    winograd: &mut Winograd<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Vec<OperationRef<'c, 'a>> {
    let axes = winograd.x.axes;
    let Some(source) = Source::of(winograd.x.value, op) else {
        return vec![];
    };
    let elsewhere = source.before[axes.outer] + source.before[axes.inner];
    if elsewhere != 0 || !side_by_side(source.image, axes.columns) {
        return vec![];
    }
    winograd.x.value = source.image;
    winograd.before = [axes.rows, axes.columns].map(|axis| source.before[axis]);
    source.makers
}

/// Whether the axis is the last, whose elements are side by side.
fn side_by_side(memory: Value, axis: usize) -> bool {
    let ty = MemRefType::try_from(memory.r#type());
    ty.is_ok_and(|ty| axis + 1 == ty.rank() && ty.strides_and_offset().0[axis] == 1)
}
