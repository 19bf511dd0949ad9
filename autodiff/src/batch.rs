//! Functions of each element of a batch (`dl.vmap`): the callee's body, in which every op that depends on a batched
//! argument does for all elements what it did for one.
//!
//! A rule for each op (`batch/rules.rs`) says how. Inside the function the batch is the first axis of every batched
//! tensor, and axes are moved at the edges. What does not depend on a batched argument stays as it is, once for all
//! elements; a number that is an index or a condition of a single element becomes a tensor of rank 1.
//!
//! Loops and branches stay what they are where all elements agree on them; else they run for as long as any element
//! needs it and choose element by element (`batch/control.rs`).
//! Source: Radul et al., Automatically batching control-intensive programs for modern accelerators (2020), for the
//! masks; JAX's `vmap`, for what the axes mean.

mod call;
mod contract;
mod control;
mod effect;
mod element;
mod index;
mod number;
mod rules;
mod shape;
mod shield;
mod spread;
mod values;

use crate::{
    bounds::{upper_bound_of_argument, with_bounds},
    functions::{
        Functions, block_arguments, body, check_types, operations, remove_dead, signature,
    },
    reverse::schedule::{depth_around, note},
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim},
        edit,
        shape::{DYNAMIC, element, is_tensor, shape, tensor},
    },
    ops::{OpKind, Vmap},
    pass::PassError,
};
use melior::{
    Context,
    dialect::func,
    ir::{OperationRef, Type, ValueLike, operation::OperationLike},
};
use shape::{differs, move_axis};
use values::Batcher;

/// What a `dl.vmap` asks for; equal requests share a function.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Batch {
    /// The function of an element.
    pub callee: String,
    /// For each of its tensor arguments the axis of the batch, -1 for none.
    pub in_axes: Vec<i64>,
    /// For each result the axis of the batch, -1 for none.
    pub out_axes: Vec<i64>,
    /// The number of elements, where it is known.
    pub size: Option<i64>,
    /// For each operand the greatest number that it can hold, where it is a dim or of integers of which that is known.
    pub bounds: Vec<Option<i64>>,
    /// How many loops become of each loop in reverse, so that it keeps less.
    pub depth: i64,
    /// Whether reverse mode will go through what it becomes.
    pub is_differentiated: bool,
}

impl Batch {
    /// That of an op, if it is a `dl.vmap`.
    pub fn of(op: OperationRef, is_differentiated: bool) -> Option<Self> {
        if OpKind::of(&op) != Some(OpKind::Vmap) {
            return None;
        }
        let view = Vmap(op);
        let inputs = view.inputs().into_iter().skip(1);
        let (in_axes, out_axes) = (view.in_axes(), view.out_axes());
        let types = inputs.clone().map(|x| x.r#type());
        let given = types.filter(|ty| is_tensor(*ty)).zip(&in_axes);
        let types = op.results().map(|y| y.r#type());
        let known = |(ty, axis): (Type, &i64)| {
            let dims = shape(ty);
            let size = usize::try_from(*axis)
                .ok()
                .and_then(|axis| dims.get(axis))?;
            (*size != DYNAMIC).then_some(*size)
        };
        let size = given.chain(types.zip(&out_axes)).find_map(known);
        Some(Self {
            callee: view.callee().into(),
            in_axes,
            out_axes,
            size,
            bounds: op.operands().map(upper_bound_of_argument).collect(),
            depth: depth_around(op),
            is_differentiated,
        })
    }

    /// The function's name, such as `f__vmap_0_none`.
    pub fn name(&self) -> String {
        let axis = |axis: &i64| match axis {
            -1 => "_none".to_string(),
            axis => format!("_{axis}"),
        };
        let axes = self.in_axes.iter().map(axis).collect::<String>();
        format!("{}__vmap{axes}", self.callee)
    }

    /// Checks an op against its description, for its callee.
    pub fn check<'c>(
        &self,
        cx: &'c Context,
        op: OperationRef<'c, '_>,
        function: OperationRef<'c, '_>,
    ) -> Result<(), PassError<'c>> {
        let callee = &self.callee;
        let error = |message: String| Err(PassError::at(&op, message));
        let (inputs, results) = signature(function);
        let tensors = inputs.iter().copied().filter(|ty| is_tensor(*ty));
        let tensors = tensors.collect::<Vec<_>>();
        for (what, types, axes) in [
            ("arguments", &tensors, &self.in_axes),
            ("results", &results, &self.out_axes),
        ] {
            if types.len() != axes.len() {
                let (types, axes) = (types.len(), axes.len());
                return error(format!(
                    "C1: `@{callee}` has {types} tensor {what}, and there are {axes} axes for them"
                ));
            }
            for (ty, &axis) in types.iter().zip(axes) {
                if axis < -1 || axis > shape(*ty).len() as i64 {
                    return error(format!(
                        "C2: axis {axis} is outside a batch of {ty}, one of the {what} of `@{callee}`"
                    ));
                }
            }
        }
        check_types(op, self.signature(Type::index(cx), &inputs, &results))
    }

    /// The arguments and results of the function for a callee with these. The axes have been checked.
    pub fn signature<'c>(
        &self,
        index: Type<'c>,
        inputs: &[Type<'c>],
        results: &[Type<'c>],
    ) -> (Vec<Type<'c>>, Vec<Type<'c>>) {
        let mut axes = self.in_axes.iter();
        let inputs = inputs.iter().map(|ty| match is_tensor(*ty) {
            true => self.with_axis(*ty, axes.next().copied().unwrap_or(-1)),
            false => *ty,
        });
        let inputs = std::iter::once(index).chain(inputs).collect();
        let results = results.iter().zip(&self.out_axes);
        let results = results.map(|(ty, axis)| self.with_axis(*ty, *axis));
        (inputs, results.collect())
    }

    /// The type of a batch of tensors.
    fn with_axis<'c>(&self, ty: Type<'c>, axis: i64) -> Type<'c> {
        let Ok(axis) = usize::try_from(axis) else {
            return ty;
        };
        let mut dims = shape(ty);
        dims.insert(axis, self.size.unwrap_or(DYNAMIC));
        tensor(&dims, element(ty))
    }
}

/// Writes the body of `made`, the function for a request of `function`.
pub fn fill<'c, 'a>(
    cx: &'c Context,
    functions: &mut Functions<'c, 'a>,
    request: &Batch,
    (function, made): (OperationRef<'c, 'a>, OperationRef<'c, 'a>),
) -> Result<(), PassError<'c>> {
    let block = body(made)?;
    let mut arguments = block_arguments(block);
    let b = Builder::at_end(cx, block, function.location());
    note(&b, made, &request.bounds, request.depth);
    with_bounds(&b, &mut arguments, &request.bounds);
    let size = arguments.remove(0);
    let size = request.size.map_or(Dim::Value(size), Dim::Static);
    let inputs = signature(function).0;
    let mut axes = request.in_axes.iter();
    let mut moved = vec![];
    for (x, ty) in arguments.iter().zip(&inputs) {
        let axis = match is_tensor(*ty) {
            true => axes.next().copied().unwrap_or(-1),
            false => -1,
        };
        moved.push((axis >= 0).then(|| move_axis(&b, *x, axis, 0)));
    }
    let before = operations(block).count();
    let mut batched = vec![];
    for ((x, ty), moved) in arguments.iter_mut().zip(&inputs).zip(moved) {
        if let Some(moved) = moved {
            // Stands for an element until all that is made of it has been batched.
            let place = b.at(x.location());
            *x = place.op("builtin.unrealized_conversion_cast", &[], &[], *ty);
            batched.push((*x, moved));
        }
    }
    let results = functions.copy_body(function, b, &arguments)?;
    let single = operations(block).skip(before).collect::<Vec<_>>();
    let ops = &single[batched.len()..];
    let mut batcher = Batcher::new(b, size, &batched, ops, request.is_differentiated);
    for op in ops {
        batcher.step(*op)?;
    }
    let mut returned = vec![];
    for (y, &axis) in results.iter().zip(&request.out_axes) {
        returned.push(match axis {
            -1 if batcher.is_batched(*y) => return Err(differs(function, *y, returned.len())),
            -1 => batcher.value(*y),
            axis => move_axis(&b, batcher.batched(*y)?, 0, axis),
        });
    }
    b.append(func::r#return(&returned, function.location()));
    for call in batcher.calls.into_inner() {
        call.define(cx, functions)?;
    }
    for op in single.into_iter().rev() {
        edit::erase(cx, op);
    }
    remove_dead(cx, made);
    Ok(())
}
