//! Calls that stay calls, in reverse mode: the adjoint is a call too.
//!
//! ```text
//! y = f(x)                  with `checkpoint`
//!
//! x_adj = vjp of f at (x behind a barrier, y_adj)
//! ```
//!
//! With a rule of reverse mode it is the rule's call, of the arguments and the adjoints. A rule of forward mode is
//! linear in the tangents, so its own derivative at tangents of zero takes the adjoints back.

use super::Sweep;
use crate::{
    activity::results,
    calls::{CHECKPOINT, SILENT, float_operands, floats, operands, plain},
};
use dlc_dialects::{
    ir::{builder::Builder, edit, inspect::defining_op},
    ops::{Call, OpKind, build},
    pass::PassError,
};
use melior::ir::{Attribute, Type, TypeLike, Value, ValueLike, operation::OperationLike};

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// Takes adjoints back through a call.
    pub(super) fn call(&mut self, call: Call<'c, 'a>) -> Result<(), PassError<'c>> {
        let y = floats(results(call.0).into_iter()).collect::<Vec<_>>();
        let adjoints = y.iter().filter_map(|y| self.adjoint(*y));
        let adjoints = adjoints.collect::<Vec<_>>();
        if adjoints.is_empty() {
            return Ok(());
        }
        let seeded = y.iter().copied().filter(|y| self.adjoint(*y).is_some());
        let operands = operands(call, &self.varied, &seeded.collect::<Vec<_>>());
        if let Some(integer) = operands.cut {
            let made = self.trail().made_integer(integer).unwrap_or(call.0);
            return Err(self.no_rule(made, call.0));
        }
        let cotangents = y.iter().map(|y| self.adjoint_or_zero(*y, *y));
        let cotangents = cotangents.collect::<Vec<_>>();
        let b = self.builder.at(call.0.location());
        let inputs = match call.checkpoint() {
            true => behind_barrier(&b, call, &adjoints),
            false => call.inputs(),
        };
        let given = [inputs.as_slice(), &cotangents].concat();
        let x_adj = match (call.vjp(), call.jvp()) {
            (Some(rule), _) => {
                let of = float_operands(call);
                let types = of.iter().map(|i| inputs[*i].r#type());
                let all = results(plain(&b, rule, &given, &types.collect::<Vec<_>>()));
                let mut given = of.into_iter().zip(all).collect::<Vec<_>>();
                given.retain(|(i, _)| operands.varied.iter().any(|(at, _)| at == i));
                given.into_iter().map(|(_, x_adj)| x_adj).collect()
            }
            (None, Some(rule)) => {
                self.transposed(call, rule, &inputs, &cotangents, &operands.varied)
            }
            (None, None) => {
                let wrt = operands.varied.iter().map(|(_, n)| *n as i64);
                self.vjp_of(call, call.callee(), &given, &wrt.collect::<Vec<_>>())
            }
        };
        for ((i, _), x_adj) in operands.varied.iter().zip(x_adj) {
            let x = call.0.operand(*i)?;
            self.add(x, x_adj, Some(call.0));
        }
        Ok(())
    }

    /// The rule of forward mode, which is linear in its tangents, taken back from the cotangents.
    fn transposed(
        &mut self,
        call: Call<'c, 'a>,
        rule: &str,
        inputs: &[Value<'c, 'a>],
        cotangents: &[Value<'c, 'a>],
        varied: &[(usize, usize)],
    ) -> Vec<Value<'c, 'a>> {
        let tensors = inputs.iter().filter(|x| !x.r#type().is_index()).count();
        let zeros = floats(call.inputs().into_iter()).map(|x| self.zeros(x));
        let given = [inputs, &zeros.collect::<Vec<_>>(), cotangents].concat();
        let of = float_operands(call).into_iter().enumerate();
        let of = of.filter(|(_, i)| varied.iter().any(|(at, _)| at == i));
        let wrt = of.map(|(tangent, _)| (tensors + tangent) as i64);
        self.vjp_of(call, rule, &given, &wrt.collect::<Vec<_>>())
    }

    /// `dl.vjp` of a function that the call names.
    fn vjp_of(
        &self,
        call: Call<'c, 'a>,
        function: &str,
        given: &[Value<'c, 'a>],
        wrt: &[i64],
    ) -> Vec<Value<'c, 'a>> {
        let b = self.builder.at(call.0.location());
        let tensors = given.iter().filter(|x| !x.r#type().is_index());
        let tensors = tensors.map(|x| x.r#type()).collect::<Vec<Type>>();
        let types = wrt.iter().map(|i| tensors[*i as usize]).collect::<Vec<_>>();
        let op = build::vjp(b.context, given, function, wrt, &types, b.location);
        let op = b.append(op);
        edit::set_attribute(op, SILENT, Attribute::unit(b.context));
        if call.checkpoint() {
            edit::set_attribute(op, CHECKPOINT, Attribute::unit(b.context));
        }
        results(op)
    }
}

/// The arguments as values of their own, which are there once the adjoints are: what is computed again from them is not
/// what was computed before. Constants, which cost no memory, stay what loops may be bounded by.
fn behind_barrier<'c, 'a>(
    b: &Builder<'c, 'a>,
    call: Call<'c, 'a>,
    adjoints: &[Value<'c, 'a>],
) -> Vec<Value<'c, 'a>> {
    let behind = |x: Value<'c, 'a>, after: &Value<'c, 'a>| {
        let (cx, ty, location) = (b.context, x.r#type(), b.location);
        b.value(build::optimization_barrier(cx, x, *after, ty, location))
    };
    let constant = |x: &Value<'c, 'a>| {
        defining_op(*x).and_then(|op| OpKind::of(&op)) == Some(OpKind::Constant)
    };
    let inputs = call
        .inputs()
        .into_iter()
        .map(|x| match x.r#type().is_index() || constant(&x) {
            true => x,
            false => adjoints.iter().fold(x, behind),
        });
    inputs.collect()
}
