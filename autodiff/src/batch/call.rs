//! Calls that stay calls, `dl.call`: of the callee's batch, with the batches of its rules.
//!
//! ```text
//! %y = dl.call @f(%w, %x) vjp @r        of a batch of x:
//! %y = dl.call @f__batch(%n, %w, %x) vjp @r__batch
//! f__batch(n, w, x):        vmap f of x
//! r__batch(n, w, x, y_adj): w_adj, x_adj = vmap r of x and y_adj; the sum of w_adj, and x_adj
//! ```

use super::values::Batcher;
use crate::{
    calls::{called, float_operands, kept},
    functions::{
        Functions, block_arguments, body, has_effect, inside, is_float_tensor, signature, symbol,
        tensors,
    },
};
use dlc_dialects::{
    ir::{
        builder::Builder,
        edit,
        shape::{element, is_tensor, shape, shape_of, tensor},
    },
    ops::{Call, build},
    pass::PassError,
};
use melior::{
    Context,
    dialect::func,
    ir::{
        OperationRef, Type, Value, ValueLike, attribute::FlatSymbolRefAttribute,
        operation::OperationLike,
    },
};

/// A call of a batch whose functions are still those of an element.
pub(super) struct Kept<'c, 'a> {
    call: Call<'c, 'a>,
    /// The axis of each tensor operand.
    axes: Vec<i64>,
}

/// Whether a call prints or checks something.
pub(super) fn acts<'c: 'a, 'a>(call: Call<'c, 'a>) -> bool {
    let inner = |op| has_effect(op) || kept(op).is_some_and(acts);
    called(call).is_some_and(|function| inside(function).into_iter().any(inner))
}

/// `dl.call`: the results of a call of the batch, whose functions come later.
pub(super) fn call<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: Call<'c, 'a>,
) -> Result<Vec<Value<'c, 'a>>, PassError<'c>> {
    let b = at.builder;
    let mut operands = vec![b.dim_value(at.size)];
    let mut axes = vec![];
    for x in op.inputs() {
        match is_tensor(x.r#type()) {
            true => axes.push(if at.is_batched(x) { 0 } else { -1 }),
            false if at.is_batched(x) => return Err(at.refused(op.0)),
            false => {}
        }
        operands.push(at.value(x));
    }
    let types = op.0.results().map(|y| at.ty(y.r#type()));
    let made = b.append(build::call(
        b.context,
        &operands,
        op.callee(),
        op.checkpoint(),
        op.vjp(),
        op.jvp(),
        &types.collect::<Vec<_>>(),
        b.location,
    ));
    let call = Call(made);
    at.calls.borrow_mut().push(Kept { call, axes });
    Ok(made.results().map(Value::from).collect())
}

impl<'c, 'a> Kept<'c, 'a> {
    /// Makes the functions that the call names.
    pub fn define(
        &self,
        cx: &'c Context,
        functions: &mut Functions<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        let call = self.call;
        let inputs = call.0.operands().map(|x| x.r#type()).collect::<Vec<_>>();
        let results = call.0.results().map(|y| y.r#type()).collect::<Vec<_>>();
        let floats = |types: &[Type<'c>]| {
            let floats = types.iter().copied().filter(|ty| is_float_tensor(*ty));
            floats.collect::<Vec<_>>()
        };
        let of_inputs = float_operands(call);
        let places = tensors(&inputs);
        let axis = |operand: &usize| {
            let place = places.iter().position(|at| at == operand);
            place.map_or(-1, |place| self.axes[place])
        };
        let float_axes = of_inputs.iter().map(axis).collect::<Vec<_>>();
        let set = |name: &str, function: String| {
            let function = FlatSymbolRefAttribute::new(cx, &function);
            edit::set_attribute(call.0, name, function.into());
        };
        if let Some(rule) = call.vjp() {
            let given = [inputs.clone(), floats(&results)].concat();
            let axes = [self.axes.clone(), vec![0; floats(&results).len()]].concat();
            let types = (given, floats(&inputs));
            set(
                "vjp",
                of_batch(cx, functions, rule, types, (&axes, &float_axes))?,
            );
        }
        if let Some(rule) = call.jvp() {
            let given = [inputs.clone(), floats(&inputs)].concat();
            let axes = [self.axes.clone(), float_axes.clone()].concat();
            let made = vec![0; floats(&results).len()];
            let types = (given, floats(&results));
            set("jvp", of_batch(cx, functions, rule, types, (&axes, &made))?);
        }
        let made = vec![0; results.len()];
        let types = (inputs, results);
        let name = of_batch(cx, functions, call.callee(), types, (&self.axes, &made))?;
        set("callee", name);
        Ok(())
    }
}

/// Makes a function that is the batch of another one. What it gives for an operand that all elements share, an axis of -1
/// among `made`, is the sum over the elements.
fn of_batch<'c, 'a>(
    cx: &'c Context,
    functions: &mut Functions<'c, 'a>,
    callee: &str,
    (inputs, results): (Vec<Type<'c>>, Vec<Type<'c>>),
    (in_axes, made): (&[i64], &[i64]),
) -> Result<String, PassError<'c>> {
    let error = || PassError {
        location: None,
        message: format!("`@{callee}` is no function of this module"),
        notes: vec![],
    };
    let function = functions.get(callee).ok_or_else(error)?;
    let single = signature(function).1;
    let name = format!("{callee}__batch");
    let types = (inputs, results);
    let to: OperationRef = functions.derive(cx, function, name, types, Some("batch"))?;
    let block = body(to)?;
    let b = Builder::at_end(cx, block, function.location());
    let arguments = block_arguments(block);
    let known = arguments.iter().skip(1).filter(|x| is_tensor(x.r#type()));
    let batched = known.zip(in_axes).find(|(_, axis)| **axis == 0);
    let size = batched.map(|(x, _)| shape_of(*x)[0]);
    let size = size.ok_or_else(error)?;
    let batches = single.iter().map(|ty| {
        let dims = [&[size], shape(*ty).as_slice()].concat();
        tensor(&dims, element(*ty))
    });
    let batches = batches.collect::<Vec<_>>();
    let out_axes = vec![0; single.len()];
    let op = b.append(build::vmap(
        cx, &arguments, callee, in_axes, &out_axes, &batches, b.location,
    ));
    let given = op.results().map(Value::from).zip(made);
    let given = given.map(|(y, axis)| match axis {
        -1 => b.reduce("sum", y, &[0]),
        _ => y,
    });
    let given = given.collect::<Vec<_>>();
    b.append(func::r#return(&given, b.location));
    Ok(symbol(to))
}
