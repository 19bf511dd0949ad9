//! Which loop runs in vectors, and the order of the loops.

use super::{
    Body, Nest,
    body::{Output, set},
    nest::{Extent, index_of},
    pieces,
};
use crate::{
    linalg::{Access, Iterator},
    schedule::{ElementwiseSchedule, GATHER_COST, Target, elementwise_schedule},
};
use dlc_dialects::ir::edit;
use melior::ir::{
    OperationRef, TypeLike, Value, ValueLike,
    operation::{OperationLike, OperationResult},
    r#type::MemRefType,
};

/// The loops in their order.
pub struct Plan {
    /// Loops, outermost first, without those of a single step.
    pub order: Vec<usize>,
    /// The loop that runs in vectors, if one does.
    pub vector: Option<usize>,
    /// A loop that stands twice in `order`, outside in steps of so many and inside over one step: what the loop in
    /// vectors gathers then stays in the cache until all of it has been used.
    pub tile: Option<(usize, i64)>,
    /// From where on in `order` accumulators are carried by loops; before and there they are in memory.
    pub carried: usize,
    /// Vector lengths.
    pub schedule: ElementwiseSchedule,
    /// Whether quotients of vectors by one number are made by multiplying and adding in one step.
    pub fma: bool,
    /// Bytes of a buffer up to which it is not prefetched.
    pub near: i64,
    /// Whether threads of a GPU do it: the loop in vectors is then one over pieces.
    pub gpu: bool,
}

/// How an operand is walked by a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Not at all.
    Still,
    /// Element after element.
    Contiguous,
    /// In steps.
    Strided,
}

/// How a loop walks an operand.
pub fn walk(access: &Access, index: usize) -> Walk {
    match access.loops.iter().position(|l| *l == index) {
        None => Walk::Still,
        Some(axis) if axis + 1 == access.loops.len() && has_unit_stride(access.value) => {
            Walk::Contiguous
        }
        Some(_) => Walk::Strided,
    }
}

fn has_unit_stride(value: Value) -> bool {
    MemRefType::try_from(value.r#type())
        .is_ok_and(|ty| ty.strides_and_offset().0.last() == Some(&1))
}

/// How a loop walks what a `memref.load` of the body reads.
pub fn load_walk(body: &Body, op: OperationRef, index: usize) -> Walk {
    let mut indices = op.operands().skip(1).collect::<Vec<_>>();
    let depends = |value: &Value| body.depends(*value) & set(index) != 0;
    let last = indices.pop();
    if indices.iter().any(depends) {
        return Walk::Strided;
    }
    match last {
        Some(last) if depends(&last) => {
            let made = OperationResult::try_from(last)
                .ok()
                .and_then(|result| index_of(result.owner()));
            match made == Some(index) && op.operand(0).is_ok_and(has_unit_stride) {
                true => Walk::Contiguous,
                false => Walk::Strided,
            }
        }
        _ => Walk::Still,
    }
}

impl Plan {
    /// The plan for a nest.
    pub fn new<'c: 'a, 'a>(nest: &Nest<'c, 'a>, body: &Body<'c, 'a>, target: &Target) -> Self {
        let loops = (0..nest.extents.len())
            .filter(|i| !nest.is_single(*i))
            .collect::<Vec<_>>();
        let costs = loops
            .iter()
            .filter_map(|i| Some((cost(nest, body, *i)?, std::cmp::Reverse(*i))));
        let pieces = (target.gpu > 0).then(|| pieces::read(nest, body));
        let vector = match pieces {
            Some(pieces) => pieces.map(|(i, _)| i),
            None => costs.min().map(|(_, std::cmp::Reverse(i))| i),
        };
        let is = |i: &usize, kind| nest.generic.iterators[*i] == kind;
        let mut schedule = vector.map_or_else(
            || elementwise_schedule(target, 64, 1),
            |v| elementwise_schedule(target, body.bits(nest, v), body.alive(v)),
        );
        if let Some((_, count)) = pieces.flatten() {
            schedule.lanes = count;
        }
        let others = |kind| {
            loops
                .iter()
                .copied()
                .filter(move |i| Some(*i) != vector && is(i, kind))
        };
        let (parallel, reduction) = (others(Iterator::Parallel), others(Iterator::Reduction));
        let parallel = parallel.collect::<Vec<_>>();
        let reduction = reduction.collect::<Vec<_>>();
        let innermost = vector.filter(|v| is(v, Iterator::Parallel));
        // With more parallel loops this is a product: sums in registers serve many of them.
        let in_memory = parallel.is_empty()
            && innermost.is_some_and(|v| rows_as_they_lie(nest, body, v, &reduction, &schedule));
        let tiled = innermost.filter(|_| reduction.is_empty());
        let tiled = tiled.and_then(|v| transposed(nest, v, &parallel));
        if let (Some(v), Some(tiled)) = (vector, tiled) {
            let outer = parallel.iter().copied().filter(|i| *i != tiled);
            let order = outer.chain([tiled, v, tiled]).collect::<Vec<_>>();
            return Self {
                carried: order.len(),
                order,
                vector,
                tile: Some((tiled, schedule.line)),
                schedule,
                fma: target.fma && target.gpu == 0,
                near: target.near(),
                gpu: target.gpu > 0,
            };
        }
        let order = match (vector, innermost, in_memory) {
            (None, ..) => [parallel.clone(), reduction].concat(),
            (Some(v), Some(_), false) => [parallel.clone(), vec![v], reduction].concat(),
            (Some(v), ..) => [parallel.clone(), reduction, vec![v]].concat(),
        };
        let carried = match (innermost, in_memory) {
            (_, true) => order.len(),
            (Some(_), false) => parallel.len() + 1,
            (None, false) => parallel.len(),
        };
        Self {
            order,
            vector,
            tile: None,
            carried,
            schedule,
            fma: target.fma && target.gpu == 0,
            near: target.near(),
            gpu: target.gpu > 0,
        }
    }
}

/// Whether to walk rows in order and keep sums of columns in memory: where elements are written on the way, or rows
/// are long.
fn rows_as_they_lie(
    nest: &Nest,
    body: &Body,
    vector: usize,
    reduction: &[usize],
    schedule: &ElementwiseSchedule,
) -> bool {
    if !reduction.iter().any(|r| *r < vector) {
        return false;
    }
    let accumulators = body
        .outputs
        .iter()
        .filter(|output| output.accumulates())
        .count();
    let long = match nest.extents[vector] {
        Extent::Known(n) => n > schedule.columns,
        Extent::Value(_) => true,
    };
    // Where one step takes the whole row, rows are read as they lie in any order.
    let short = matches!(nest.extents[vector], Extent::Known(n) if n <= schedule.lanes);
    !short && (accumulators < body.outputs.len() || long)
}

/// A loop that walks element after element what the loop in vectors takes in steps.
fn transposed(nest: &Nest, vector: usize, parallel: &[usize]) -> Option<usize> {
    let inputs = nest.generic.inputs.iter();
    let mut gathered = inputs.filter(|access| {
        access.value.r#type().is_mem_ref() && walk(access, vector) == Walk::Strided
    });
    gathered.find_map(|access| {
        parallel
            .iter()
            .copied()
            .find(|i| walk(access, *i) == Walk::Contiguous)
    })
}

/// What vectors over a loop cost, beside the work; `None` where it can't be.
fn cost<'c: 'a, 'a>(nest: &Nest<'c, 'a>, body: &Body<'c, 'a>, index: usize) -> Option<i64> {
    let mut cost = match nest.generic.iterators[index] {
        Iterator::Parallel => 0,
        Iterator::Reduction => 1,
    };
    for (access, output) in nest.generic.outputs.iter().zip(&body.outputs) {
        match (walk(access, index), output) {
            (Walk::Contiguous, _) => {}
            (Walk::Still, Output::Combined(_)) => {}
            _ => return None,
        }
    }
    for access in &nest.generic.inputs {
        if access.value.r#type().is_mem_ref() && walk(access, index) == Walk::Strided {
            cost += GATHER_COST;
        }
    }
    for op in &body.ops {
        if edit::name(*op) == "memref.load" && load_walk(body, *op, index) == Walk::Strided {
            cost += GATHER_COST;
        }
    }
    if let Extent::Known(n) = nest.extents[index]
        && n < 4
    {
        cost += 2 * GATHER_COST;
    }
    Some(cost)
}
