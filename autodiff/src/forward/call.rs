//! Calls that stay calls, in forward mode: the tangents are what the callee's derivative gives, or its rule.

use super::Sweep;
use crate::{
    activity::results,
    calls::{CHECKPOINT, SILENT, float_operands, floats, operands, plain},
};
use dlc_dialects::{
    ir::{builder::Builder, edit, inspect::identity},
    ops::{Call, build},
    pass::PassError,
};
use melior::ir::{Attribute, OperationRef, ValueLike, operation::OperationLike};

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// Writes the tangents of a call's results before the op that follows.
    pub(super) fn call(
        &mut self,
        call: Call<'c, 'a>,
        next: OperationRef<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        let y = floats(results(call.0).into_iter());
        let y = y.filter(|y| self.varied.contains(*y)).collect::<Vec<_>>();
        let operands = operands(call, &self.varied, &y);
        if let Some(integer) = operands.cut {
            let made = self.trail().made_integer(integer).unwrap_or(call.0);
            return Err(self.trail().no_rule(made, call.0, &[]));
        }
        let tangent = |i: usize| self.tangent(call.0.operand(i).ok()?);
        let varied = operands.varied.iter();
        let varied = varied.filter_map(|(i, number)| Some((*i, *number, tangent(*i)?)));
        let varied = varied.collect::<Vec<_>>();
        if varied.is_empty() || y.is_empty() {
            return Ok(());
        }
        let b = Builder::before(self.builder.context, next).at(call.0.location());
        let y = floats(results(call.0).into_iter()).collect::<Vec<_>>();
        let made = match (call.jvp(), call.vjp()) {
            (Some(rule), _) => {
                let x = call.inputs();
                let tangents = float_operands(call).into_iter().map(|i| {
                    let given = varied.iter().find(|(at, ..)| *at == i);
                    given.map_or_else(|| b.full_like(x[i], "0"), |(.., x_tan)| *x_tan)
                });
                let given = [call.inputs(), tangents.collect()].concat();
                let types = y.iter().map(|y| y.r#type()).collect::<Vec<_>>();
                results(plain(&b, rule, &given, &types))
            }
            (None, Some(_)) => {
                let message = format!(
                    "DL0302 no forward-mode rule for `{}`, which has `@custom_vjp` alone",
                    call.callee()
                );
                return Err(PassError::at(&call.0, message).note(
                    call.0.location(),
                    "help: forward mode needs the tangent of the result: give the function `@custom_jvp(rule)` too",
                ));
            }
            (None, None) => {
                let tangents = varied.iter().map(|(.., x_tan)| *x_tan);
                let given = [call.inputs(), tangents.collect()].concat();
                let wrt = varied.iter().map(|(_, number, _)| *number as i64);
                let wrt = wrt.collect::<Vec<_>>();
                let mut types = results(call.0)
                    .iter()
                    .map(|y| y.r#type())
                    .collect::<Vec<_>>();
                let values = types.len();
                types.extend(y.iter().map(|y| y.r#type()));
                let (cx, location) = (b.context, b.location);
                let op = b.append(build::jvp(
                    cx,
                    &given,
                    call.callee(),
                    &wrt,
                    &types,
                    location,
                ));
                edit::set_attribute(op, SILENT, Attribute::unit(cx));
                if call.checkpoint() {
                    edit::set_attribute(op, CHECKPOINT, Attribute::unit(cx));
                }
                results(op).split_off(values)
            }
        };
        for (y, y_tan) in y.iter().zip(made) {
            self.tangents.insert(identity(*y), y_tan);
        }
        Ok(())
    }
}
