//! Replaces every `dl.grad`, `dl.vjp` and `dl.jvp` by a call of a new function, which computes the callee's body and
//! then goes through it backwards, or has a tangent behind each op.
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
//! *Ensures*: no such op is left. Equal requests share one function. An op in a callee that is differentiated comes
//! first, so derivatives of derivatives are derivatives of plain functions.
//! *Does not*: simplify (`simplify-dl`), nor find common subexpressions (upstream's `cse`).

use crate::{
    functions::{Functions, callee, inside, is},
    request::{Request, define},
};
use dlc_dialects::{
    ir::{builder::Builder, edit},
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
    summary: "Replace dl.grad, dl.vjp and dl.jvp by calls of new functions",
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
            let request = Request::of(op);
            if request.is_some() || is(op, "func.call") {
                self.expand(callee(op))?;
            }
            if let Some(request) = request {
                self.replace(op, request)?;
            }
        }
        self.state.insert(function.into(), State::Done);
        Ok(())
    }

    /// Replaces one op by a call.
    fn replace(&mut self, op: OperationRef<'c, 'a>, request: Request) -> Result<(), PassError<'c>> {
        self.check(op, &request)?;
        let name = match self.made.get(&request) {
            Some(name) => name.clone(),
            None => {
                let name = define(self.cx, &mut self.functions, &request, op)?;
                self.state.insert(name.clone(), State::Done);
                self.made.insert(request, name.clone());
                name
            }
        };
        let results = op.results().map(|y| y.r#type()).collect::<Vec<_>>();
        let call = Builder::before(self.cx, op).append(func::call(
            self.cx,
            FlatSymbolRefAttribute::new(self.cx, &name),
            &op.operands().collect::<Vec<_>>(),
            &results,
            op.location(),
        ));
        for (old, new) in op.results().zip(call.results()) {
            edit::replace_uses(old.into(), new.into());
        }
        edit::erase(self.cx, op);
        Ok(())
    }

    /// Checks an op against its description, and that its callee can be differentiated now.
    fn check(&self, op: OperationRef<'c, 'a>, request: &Request) -> Result<(), PassError<'c>> {
        let callee = &request.callee;
        let error = |message: String| Err(PassError::at(&op, message));
        let Some(function) = self.functions.get(callee) else {
            return error(format!("`@{callee}` is no function of this module"));
        };
        if self.state.get(callee) != Some(&State::Done) {
            return error(format!(
                "`@{callee}` calls itself; recursion has no derivative"
            ));
        }
        request.check(op, function)
    }
}
