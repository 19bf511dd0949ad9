//! Replaces convolutions with windows of 3 × 3 and stride 1, and their gradients by the filters, by Winograd's
//! F(2 × 2, 3 × 3), where there are enough channels and filters for its transforms to pay (`schedule::winograd`).
//!
//! Before:
//! ```mlir
//! linalg.fill ins(%zero : f32) outs(%y : memref<1x64x56x56xf32>)
//! linalg.generic {dl.contraction, indexing_maps = [(n, o, h, w, c, i, j) -> (n, c, h + i, w + j), (o, c, i, j), (n, o, h, w)], ...}
//!   ins(%x, %w : memref<1x64x58x58xf32>, memref<64x64x3x3xf32>) outs(%y : memref<1x64x56x56xf32>) { mulf, addf }
//! ```
//! After:
//! ```mlir
//! %filters = memref.alloc(%filters_room) : memref<16x65x?xf32>
//! scf.for %filter … { … } {dl.parallel = true}                             // transforms the filters
//! scf.for %row … {                                                         // strips of rows of tiles
//!   %input = memref.alloc(%room) : memref<16x65x?xf32>
//!   %result = memref.alloc(%room) : memref<16x65x?xf32>
//!   … vector.maskedload %x, vector.store %input …                          // transforms the input
//!   linalg.generic {dl.contraction} ins(%filters, %input) outs(%result)    // 16 products
//!   … vector.load %result, vector.maskedstore %y …                         // transforms the result
//! } {dl.parallel = true}
//! ```
//!
//! An op that reads the results element by element goes through two rows of a filter's when they are made
//! (`matmul/epilogue.rs`).
//!
//! A gradient by the filters is a convolution whose results are 3 × 3: its strips go one after the other, as all add to the
//! same 16 sums, and `dl.parallel` stands on the loops inside of a strip.
//!
//! *Requires*: bufferised ops, whose windows are not views yet. *Ensures*: convolutions of f32 and f64 with static channels and
//! filters, whose results start as zeros, are gone where the algorithm pays, and so are copies with zeros around them that no other op
//! reads; their products are contractions. *Does not*: treat
//! groups, strides or dilations.

use crate::{
    emit::Emitter,
    matmul::{
        contraction as matmul,
        epilogue::{Epilogue, Made},
        fill::fill_before,
    },
    schedule::{Target, WinogradSchedule, winograd_schedule},
    tasks, walk,
    winograd::{
        WINDOW,
        convolution::Convolution,
        filter_gradient::FilterGradient,
        image::Image,
        operands::{Operand, Operands},
        source::Source,
    },
};
use dlc_dialects::{
    ir::{edit, shape},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, RegionLike, TypeLike, operation::OperationLike},
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
        let ops = walk::named(func, "linalg.generic").into_iter();
        // All are read before any is replaced by what would hide its neighbours.
        let found = ops.filter_map(|op| Found::read(op, &target));
        for found in found.collect::<Vec<_>>() {
            found.replace(cx, func, &target);
        }
    }
    let body = module
        .region(0)?
        .first_block()
        .expect("a module has a body");
    tasks::define_lanes(&Emitter::at_start(cx, module.location(), body), module);
    Ok(())
}

/// What an op becomes.
enum Form<'c, 'a> {
    Convolution(Convolution<'c, 'a>),
    FilterGradient(FilterGradient<'c, 'a>),
}

/// An op that this pass treats.
struct Found<'c, 'a> {
    op: OperationRef<'c, 'a>,
    /// What fills its result with zeros.
    fill: OperationRef<'c, 'a>,
    form: Form<'c, 'a>,
    /// What it reads instead of a copy.
    source: Option<Source<'c, 'a>>,
}

impl<'c: 'a, 'a> Found<'c, 'a> {
    fn read(op: OperationRef<'c, 'a>, target: &Target) -> Option<Self> {
        let mut form = Form::read(op, target)?;
        let (x, result) = match &mut form {
            Form::Convolution(convolution) => (&mut convolution.x, convolution.y.value),
            Form::FilterGradient(gradient) => (&mut gradient.x, gradient.dw.value),
        };
        let fill = fill_before(op, result)?;
        let source = Source::of(x.operand.value, op).filter(|source| x.read_source(source));
        Some(Self {
            op,
            fill,
            form,
            source,
        })
    }

    fn replace(mut self, cx: &'c Context, func: OperationRef<'c, 'a>, target: &Target) {
        let epilogue = self.epilogue(cx, target);
        let e = Emitter::before(cx, self.op);
        let epilogue = epilogue.map(|epilogue| epilogue.placed(&e));
        match self.form {
            Form::Convolution(convolution) => {
                let lanes = match tasks::executor(func) {
                    Some(executor) => tasks::lanes(&e, executor),
                    None => e.index(1),
                };
                convolution.emit(&e, lanes, epilogue.as_ref());
            }
            Form::FilterGradient(gradient) => gradient.emit(&e),
        }
        edit::erase(cx, self.op);
        edit::erase(cx, self.fill);
        if let Some(source) = self.source {
            source.erase_if_unused(cx);
        }
        if let Some(placed) = epilogue {
            edit::erase(cx, placed.epilogue.op);
        }
    }

    /// What goes through the results of a convolution; all that it needs then stands before it, and they may have other memory.
    fn epilogue(&mut self, cx: &'c Context, target: &Target) -> Option<Epilogue<'c, 'a>> {
        let op = self.op;
        let find = |form: &Form<'c, 'a>| {
            let Form::Convolution(Convolution { x, w, y, .. }) = form else {
                return None;
            };
            let made = Made {
                c: &matmul::Operand::new(y.value, (0..4).collect())?,
                reads: [x.operand.value, w.value],
                rows: &[y.axes.rows],
                columns: &[y.axes.columns],
            };
            Epilogue::find(op, &made, target.near_products())
        };
        let found = find(&self.form)?;
        let Form::Convolution(Convolution { y, .. }) = &mut self.form else {
            return None;
        };
        let gone = found.settle(cx, (op, self.fill), y.value);
        if !gone {
            return Some(found);
        }
        y.value = op.operand(2).expect("it has a result");
        Some(find(&self.form).expect("what was before has moved"))
    }
}

impl<'c, 'a> Form<'c, 'a> {
    fn read(op: OperationRef<'c, 'a>, target: &Target) -> Option<Self> {
        let Operands { x, w, y } = Operands::read(op)?;
        if w.has_windows(WINDOW) {
            let (counts, schedule) = schedule(w, y, target)?;
            let by_rows = [x, w, y].iter().all(Operand::has_whole_rows);
            return by_rows.then_some(Self::Convolution(Convolution {
                x: Image::new(x),
                w,
                y,
                counts,
                schedule,
            }));
        }
        // A gradient has channels as images, images as channels, and adjoints of results as filters.
        let [x, dy, dw] = [x, w, y].map(|operand| Operand {
            axes: operand.axes.exchanged(),
            ..operand
        });
        if !dw.has_windows(WINDOW) {
            return None;
        }
        let (counts, schedule) = schedule(dw, dy, target)?;
        let by_rows = x.has_whole_rows() && dy.has_whole_rows();
        by_rows.then_some(Self::FilterGradient(FilterGradient {
            x: Image::new(x),
            dy,
            dw,
            counts,
            schedule: schedule.of_gradient(),
        }))
    }
}

/// How many channels and filters there are, if that is known, and how a convolution of them goes, if the algorithm pays.
fn schedule(
    filters: Operand,
    results: Operand,
    target: &Target,
) -> Option<((i64, i64), WinogradSchedule)> {
    let axes = filters.axes;
    let counts = (filters.known(axes.inner)?, filters.known(axes.outer)?);
    let bits = match shape::element_of(filters.value).is_f32() {
        true => 32,
        false => 64,
    };
    let columns = results.known(results.axes.columns);
    let schedule = winograd_schedule(target, bits, counts, columns)?;
    Some((counts, schedule))
}
