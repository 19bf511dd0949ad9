//! Replaces every `dl.grad` by a call of a new function, which computes the callee's body and then goes through it
//! backwards.
//!
//! Before:
//! ```mlir
//! func.func @f(%x: tensor<f32>) -> tensor<f32> {
//!   %y = dl.sin %x : tensor<f32>
//!   return %y : tensor<f32>
//! }
//! %g = dl.grad @f(%a) wrt [0] : (tensor<f32>) -> tensor<f32>
//! ```
//! After:
//! ```mlir
//! func.func private @f__grad_0(%x: tensor<f32>) -> tensor<f32> {
//!   %one = dl.constant dense<1.0> : tensor<f32>
//!   %c = dl.cos %x : tensor<f32>
//!   %x_adj = dl.mul %one, %c : tensor<f32>
//!   return %x_adj : tensor<f32>
//! }
//! %g = call @f__grad_0(%a) : (tensor<f32>) -> tensor<f32>
//! ```
//!
//! *Requires*: callees of one block; calls in them are inlined on the way, so recursion is refused.
//! *Ensures*: no `dl.grad` is left. Equal requests share one function. An op in a callee that is differentiated comes
//! first, so derivatives of derivatives are derivatives of plain functions.
//! *Does not*: simplify (`simplify-dl`), nor find common subexpressions (upstream's `cse`).

use crate::{
    functions::{Functions, callee, inside, is, is_float_tensor, list, signature, tensors},
    gradient::{Request, define, result_types},
};
use dlc_dialects::{
    ir::{builder::Builder, edit, shape::shape},
    ops::{Grad, OpKind},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    dialect::func,
    ir::{OperationRef, ValueLike, attribute::FlatSymbolRefAttribute, operation::OperationLike},
};
use std::collections::HashMap;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "expand-derivatives",
    summary: "Replace dl.grad by calls of gradient functions",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let functions = Functions::of(module);
    let names = functions.names();
    let mut expander = Expander {
        cx,
        functions,
        state: HashMap::new(),
        made: HashMap::new(),
    };
    for name in names {
        expander.expand(&name)?;
    }
    Ok(())
}

struct Expander<'c, 'a> {
    cx: &'c Context,
    functions: Functions<'c, 'a>,
    state: HashMap<String, State>,
    made: HashMap<Request, String>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Begun,
    Done,
}

impl<'c, 'a> Expander<'c, 'a> {
    /// Expands the derivatives in a function, after those in the functions that it calls or differentiates.
    fn expand(&mut self, function: &str) -> Result<(), PassError<'c>> {
        let Some(op) = self.functions.get(function) else {
            return Ok(());
        };
        if self.state.contains_key(function) {
            return Ok(());
        }
        self.state.insert(function.into(), State::Begun);
        for op in inside(op) {
            let grad = OpKind::of(&op) == Some(OpKind::Grad);
            if grad || is(op, "func.call") {
                self.expand(callee(op))?;
            }
            if grad {
                self.replace(Grad(op))?;
            }
        }
        self.state.insert(function.into(), State::Done);
        Ok(())
    }

    /// Replaces one `dl.grad` by a call.
    fn replace(&mut self, grad: Grad<'c, 'a>) -> Result<(), PassError<'c>> {
        self.check(grad)?;
        let request = Request::of(grad);
        let name = match self.made.get(&request) {
            Some(name) => name.clone(),
            None => {
                let name = define(self.cx, &mut self.functions, &request, grad.0)?;
                self.state.insert(name.clone(), State::Done);
                self.made.insert(request, name.clone());
                name
            }
        };
        let op = grad.0;
        let results = op.results().map(|y| y.r#type()).collect::<Vec<_>>();
        let call = Builder::before(self.cx, op).append(func::call(
            self.cx,
            FlatSymbolRefAttribute::new(self.cx, &name),
            &grad.inputs(),
            &results,
            op.location(),
        ));
        for (old, new) in op.results().zip(call.results()) {
            edit::replace_uses(old.into(), new.into());
        }
        edit::erase(self.cx, op);
        Ok(())
    }

    /// Checks a `dl.grad` against its description, and that its callee can be differentiated now.
    fn check(&self, grad: Grad<'c, 'a>) -> Result<(), PassError<'c>> {
        let (op, callee) = (grad.0, grad.callee());
        let error = |message: String| Err(PassError::at(&op, message));
        let Some(function) = self.functions.get(callee) else {
            return error(format!("`@{callee}` is no function of this module"));
        };
        if self.state.get(callee) != Some(&State::Done) {
            return error(format!(
                "`@{callee}` calls itself; recursion has no derivative"
            ));
        }
        let (inputs, results) = signature(function);
        match results.first() {
            Some(ty) if is_float_tensor(*ty) && shape(*ty).is_empty() => {}
            Some(ty) => {
                return error(format!(
                    "C1: the first result of `@{callee}` should be a float of rank 0, is {ty}"
                ));
            }
            None => return error(format!("C1: `@{callee}` has no result to differentiate")),
        }
        let tensors = tensors(&inputs);
        for &i in &grad.wrt() {
            match usize::try_from(i).ok().and_then(|i| tensors.get(i)) {
                Some(&at) if is_float_tensor(inputs[at]) => {}
                Some(&at) => {
                    return error(format!(
                        "C2: argument {i} of `@{callee}` should be a float tensor, is {}",
                        inputs[at]
                    ));
                }
                None => {
                    return error(format!(
                        "C2: `@{callee}` has {} tensor arguments, counted from 0, and none of number {i}",
                        tensors.len()
                    ));
                }
            }
        }
        let expected = result_types(&Request::of(grad), &inputs, &results);
        let operands = op.operands().map(|x| x.r#type()).collect::<Vec<_>>();
        let gives = op.results().map(|y| y.r#type()).collect::<Vec<_>>();
        for (what, expected, given) in
            [("operands", inputs, operands), ("results", expected, gives)]
        {
            if expected != given {
                let (expected, given) = (list(&expected), list(&given));
                return error(format!("C3: {what} should be {expected}, are {given}"));
            }
        }
        Ok(())
    }
}
