//! Replaces every `dl.grad`, `dl.vjp`, `dl.jvp` and `dl.vmap` by a call of a new function, which computes the callee's
//! body and then goes through it backwards, or has a tangent behind each op, or computes it for each element of a batch.
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
//! A callee that asks for transforms itself is copied where bounds of its integer arguments are known, so that the copy's
//! loops have them.
//! `dl.call` says itself how it is differentiated, and is a plain call in the end.
//!
//! *Requires*: callees of one block; calls in them are inlined on the way, so recursion is refused.
//! *Ensures*: no such op is left; a private function that nobody calls any more goes where it has one. Equal ones share one
//! function. An op in a callee comes first, so transforms nest in any order.
//! *Does not*: simplify (`simplify-dl`), nor find common subexpressions (upstream's `cse`).

use crate::{
    expander::Expander,
    transform::TransformKind::{Batch, Forward, Reverse},
};
use dlc_dialects::pass::{Anchor, PassError, PassInfo};
use melior::{Context, ir::OperationRef};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "expand-derivatives",
    summary: "Replace dl.grad, dl.vjp, dl.jvp and dl.vmap by calls of new functions",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    Expander::of(cx, module, &[Reverse, Forward, Batch]).run(module)
}
