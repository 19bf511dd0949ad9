//! Takes the noise out of derivatives: applies the rewrites of `simplify.rs`, each of which makes the same bits with
//! less work, until none applies.
//!
//! Before:
//! ```mlir
//! %one = dl.constant dense<1.0> : tensor<f32>
//! %ones = dl.broadcast %one axes [] sizes() : tensor<f32> -> tensor<4x8xf32>
//! %g = dl.mul %ones, %x : tensor<4x8xf32>
//! %t = dl.transpose %g [1, 0] : tensor<4x8xf32> -> tensor<8x4xf32>
//! %y = dl.dot_general %t, %z batch [] x [] contract [1] x [0] : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
//! ```
//! After:
//! ```mlir
//! %y = dl.dot_general %x, %z batch [] x [] contract [0] x [0] : (tensor<4x8xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
//! ```
//!
//! *Requires*: nothing.
//! *Ensures*: the same results, bit by bit. Dead `dl` ops are gone, and so is `tensor.dim` of what a `dl` op made.
//! *Does not*: find common subexpressions (upstream's `cse`) or fold index arithmetic (upstream's `canonicalize`).

use crate::{
    functions::{inside, is, remove_dead},
    simplify::{result, shape, simplify},
};
use dlc_dialects::{
    ir::{builder::Builder, edit},
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{OperationRef, ValueLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "simplify-dl",
    summary: "Rewrite dl ops to cheaper ones with the same bits",
    anchor: Anchor::Func,
    required: false,
    run,
};

/// What one op leaves behind can take several rewrites, one in each round; more rounds than this find little.
const ROUNDS: usize = 32;

fn run<'c, 'a>(cx: &'c Context, function: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for _ in 0..ROUNDS {
        let mut changed = false;
        for op in inside(function) {
            changed |= rewrite(cx, op);
        }
        remove_dead(cx, function);
        if !changed {
            break;
        }
    }
    Ok(())
}

/// Applies the first rewrite that fits an op; whether there was one.
fn rewrite<'c, 'a>(cx: &'c Context, op: OperationRef<'c, 'a>) -> bool {
    let b = Builder::before(cx, op);
    let value = match is(op, "tensor.dim") {
        true => shape::dim(&b, op),
        false => simplify(&b, op),
    };
    let Some(value) = value else {
        return false;
    };
    let y = result(op);
    // A value that knows more or fewer of its dims can't stand for the result.
    if value.r#type() != y.r#type() {
        return false;
    }
    edit::replace_uses(y, value);
    edit::erase(cx, op);
    true
}
