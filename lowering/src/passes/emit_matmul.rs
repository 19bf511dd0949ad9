//! Replaces contractions on memrefs by calls of emitted kernels, which pack their operands and keep a tile of the
//! result in registers.
//!
//! Before:
//! ```mlir
//! linalg.fill ins(%zero : f32) outs(%c : memref<?x128xf32>)
//! linalg.generic {dl.contraction, indexing_maps = [(m, n, k) -> (m, k), (k, n), (m, n)], ...}
//!   ins(%a, %b : memref<?x64xf32>, memref<64x128xf32>) outs(%c : memref<?x128xf32>) { mulf, addf }
//! ```
//! After:
//! ```mlir
//! %block = memref.alloc() {alignment = 64 : i64} : memref<4x257x32xf32>
//! call @dlc_matmul_f32_nn_12x32(%a2, %b2, %c2, %block2, %m, %n, %k, %false)
//! ```
//!
//! An op that reads the result element by element, such as a bias or an activation, goes through it band by band, as soon as
//! the sums of some rows are complete (`matmul/epilogue.rs`):
//! ```mlir
//! scf.for %pc { scf.for %jc { scf.for %from = 0 to %m step 60 {
//!   call @dlc_matmul_f32_nn_12x32_band(…, %pc, %jc, %from, …)
//!   scf.if %complete { linalg.generic ins(%bias[%jc]) outs(%c[%from, %jc]) { addf, maximumf } }
//! } } }
//! ```
//!
//! A product that is only added to some memory adds to it (`matmul/accumulate.rs`).
//!
//! *Requires*: bufferised `linalg.generic`. A sum of products of two memrefs in f32, f64, i32 or i64, which may be widened
//! first (`matmul/numbers.rs`), is a contraction, in any order of batch, row, column and sum dims, if every operand has
//! one innermost dim of stride 1; of windows, if the others have.
//! *Ensures*: such contractions are gone, and so is the fill with zero before them; sums of no terms are zeros. The
//! scratch of a kernel is one `memref.alloc` of static size in the body of the function; no other memory is taken.
//! *Does not*: touch sums in other types or with strided innermost dims, but for the order of their
//! loops: the result's innermost dim becomes the innermost loop where the right operand allows it. Let sums over rows or columns
//! of the result, or what reads it in another order, go through its bands.

use crate::{
    alias::ancestors,
    emit::{Emitter, Int},
    matmul::{
        Form, Kernel,
        accumulate::accumulate,
        call::{Caller, Places},
        contraction::{Contraction, maps},
        epilogue::Epilogue,
        fill::fill_before,
    },
    schedule::{Target, matmul_schedule},
    tasks, walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{Attribute, OperationRef, RegionLike, Value, operation::OperationLike},
};
use std::collections::BTreeSet;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-matmul",
    summary: "Replace contractions by packed, register-tiled kernels",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let target = Target::of(module);
    let mut kernels = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for op in walk::named(module, "linalg.generic") {
        if gone.contains(&edit::identity(op)) {
            continue;
        }
        let mut contraction = Contraction::read(op);
        let sum = contraction.as_ref().and_then(|x| accumulate(cx, op, x));
        if let Some((sum, reader)) = sum {
            contraction = sum;
            gone.insert(reader);
        }
        let Some(contraction) = contraction else {
            reorder(cx, op);
            continue;
        };
        gone.extend(replace(cx, op, contraction, &target, &mut kernels));
    }
    let body = module
        .region(0)?
        .first_block()
        .expect("a module has a body");
    let e = Emitter::at_start(cx, module.location(), body);
    for kernel in &kernels {
        kernel.define(&e);
    }
    tasks::define_lanes(&e, module);
    Ok(())
}

/// Calls kernels in place of the contraction; gives the op that went through its result, if there was one, which is gone too.
fn replace<'c, 'a>(
    cx: &'c Context,
    op: OperationRef<'c, 'a>,
    mut contraction: Contraction<'c, 'a>,
    target: &Target,
    kernels: &mut BTreeSet<Kernel>,
) -> Option<usize> {
    let wide = matmul_schedule(target, contraction.numbers.sum.bits);
    let narrow = wide.narrow();
    let fill = fill_before(op, contraction.c.value);
    let epilogue = fill.and_then(|fill| epilogue(cx, (op, fill), &mut contraction, target));
    let contraction = &contraction;
    let e = Emitter::before(cx, op);
    let executor = function(op).and_then(tasks::executor);
    let places = Places::new(&e, contraction);
    let caller = Caller {
        contraction,
        places,
        zeroed: fill.is_some(),
        epilogue: epilogue.map(|epilogue| epilogue.placed(&e)),
        executor,
    };
    if let Some(fill) = fill {
        caller.fill_if_no_sum(&e, fill);
        IrRewriter::new(cx).as_rewriter_base().erase_op(fill);
    }
    let kernel = |form, schedule| Kernel::of(contraction, form, schedule, target);
    let form = match caller.epilogue {
        Some(_) => Form::Band,
        None => Form::Tiles,
    };
    let tiles = [&narrow, &wide].map(|schedule| kernel(form, schedule));
    let row = kernel(Form::Row, &wide);
    // A row of A must be contiguous for dot products.
    let layout = contraction.layout;
    let rows = !(layout.a_by_k && layout.b_by_n || layout.b_scattered);
    let one_row = match contraction.sizes.m {
        Some(m) => Known::of(rows && m == 1),
        None if rows => Known::AtRunTime(e.cmp(Int::Eq, caller.places.m, e.index(1))),
        None => Known::No,
    };
    let few_columns = match contraction.sizes.n {
        Some(n) => Known::of(n <= narrow.columns()),
        None => Known::AtRunTime(e.cmp(Int::Sle, caller.places.n, e.index(narrow.columns()))),
    };
    // The scratch stands before whatever is emitted here.
    let many_rows = !matches!(one_row, Known::Yes);
    let used = [
        many_rows && !matches!(few_columns, Known::No),
        many_rows && !matches!(few_columns, Known::Yes),
    ];
    let outside = Emitter::before(cx, top_level(op));
    let scratch = [0, 1].map(|i| used[i].then(|| caller.scratch(&outside, &tiles[i])));
    let call = |e: &Emitter<'c, 'a>, i: usize| caller.loops(e, &tiles[i], scratch[i]);
    one_row.choose(&e, &mut |e| caller.loops(e, &row, None), &mut |e| {
        few_columns.choose(e, &mut |e| call(e, 0), &mut |e| call(e, 1))
    });
    kernels.extend(
        [0, 1]
            .into_iter()
            .filter(|i| used[*i])
            .map(|i| tiles[i].clone()),
    );
    if !matches!(one_row, Known::No) {
        kernels.insert(row);
    }
    IrRewriter::new(cx).as_rewriter_base().erase_op(op);
    let op = caller.epilogue?.epilogue.op;
    let identity = edit::identity(op);
    edit::erase(cx, op);
    Some(identity)
}

/// What goes through the result while it is near; all that it needs then stands before the product, and the sums may have
/// other memory.
fn epilogue<'c, 'a>(
    cx: &'c Context,
    (op, fill): (OperationRef<'c, 'a>, OperationRef<'c, 'a>),
    contraction: &mut Contraction<'c, 'a>,
    target: &Target,
) -> Option<Epilogue<'c, 'a>> {
    let find = |x: &Contraction<'c, 'a>| Epilogue::find(op, &x.made()?, target.near_products());
    let found = find(contraction)?;
    if !found.settle(cx, (op, fill), contraction.c.value) {
        return Some(found);
    }
    *contraction = Contraction::read(op).expect("the result has the same type");
    Some(find(contraction).expect("what was before has moved"))
}

/// What is known of a condition.
#[derive(Clone, Copy)]
enum Known<'c, 'a> {
    Yes,
    No,
    AtRunTime(Value<'c, 'a>),
}

type Emit<'f, 'c, 'a> = &'f mut dyn FnMut(&Emitter<'c, 'a>);

impl<'c, 'a> Known<'c, 'a> {
    fn of(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }

    /// Emits what the condition asks for, or both with a branch.
    fn choose(self, e: &Emitter<'c, 'a>, yes: Emit<'_, 'c, 'a>, no: Emit<'_, 'c, 'a>) {
        let emit = |e: &Emitter<'c, 'a>, what: Emit<'_, 'c, 'a>| {
            what(e);
            vec![]
        };
        match self {
            Self::Yes => yes(e),
            Self::No => no(e),
            Self::AtRunTime(condition) => {
                e.if_else(condition, &[], |e| emit(e, yes), |e| emit(e, no));
            }
        }
    }
}

/// The op in the function's body that `op` stands in.
fn top_level<'c, 'a>(op: OperationRef<'c, 'a>) -> OperationRef<'c, 'a> {
    let outwards = ancestors(op);
    outwards[outwards.len() - 2]
}

/// The function that an op stands in.
fn function<'c, 'a>(op: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    let func = ancestors(op).pop()?;
    walk::is(func, "func.func").then_some(func)
}

/// Puts the loop over the result's innermost dim inside the loops of the sums, where an input has its elements side
/// by side too, so that the innermost loop of a contraction that stays loops walks contiguous memory.
fn reorder<'c, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>) -> Option<()> {
    if !op.has_attribute("dl.contraction") {
        return None;
    }
    let maps = maps(op)?;
    let (result, inputs) = maps.split_last()?;
    let inner = *result.last()?;
    if !inputs.iter().any(|input| input.last() == Some(&inner)) {
        return None;
    }
    let count = maps.iter().flatten().max()? + 1;
    let (outer, sums): (Vec<usize>, Vec<_>) = (0..count)
        .filter(|dim| *dim != inner)
        .partition(|dim| result.contains(dim));
    let order = [&outer[..], &sums, &[inner]].concat();
    let list = |dims: &mut dyn Iterator<Item = usize>| {
        dims.map(|dim| format!("d{dim}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let all = list(&mut (0..count));
    let map = |map: &Vec<usize>| {
        let dims = map.iter().map(|dim| order.iter().position(|d| d == dim));
        let dims = dims.collect::<Option<Vec<_>>>()?;
        Some(format!(
            "affine_map<({all}) -> ({})>",
            list(&mut dims.into_iter())
        ))
    };
    let maps = maps.iter().map(map).collect::<Option<Vec<_>>>()?;
    let kind = |dim: &usize| match result.contains(dim) {
        true => "#linalg.iterator_type<parallel>",
        false => "#linalg.iterator_type<reduction>",
    };
    let kinds: Vec<_> = order.iter().map(kind).collect();
    let attribute = |items: &[String]| Attribute::parse(cx, &format!("[{}]", items.join(", ")));
    edit::set_attribute(op, "indexing_maps", attribute(&maps)?);
    let kinds = kinds.into_iter().map(String::from).collect::<Vec<_>>();
    edit::set_attribute(op, "iterator_types", attribute(&kinds)?);
    Some(())
}
