//! Notes on the module, where it is to be traced, where loops and branches of the program stand, before there are any others.
//!
//! Before and after:
//! ```mlir
//! module attributes {dl.traced} {                        // then also dl.control = ["loc(\"m.dl\":3:5)"]
//!   func.func @f(…) { scf.for … { dl.tanh … } loc("m.dl":3:5) }
//! ```
//! Later passes make loops of operations; these stand at the places of the operations.
//!
//! *Requires*: `dl` with structured control. *Ensures*: `dl.control` on modules that are traced. *Does not*: change others.

use crate::{
    alias::blocks,
    trace::{CONTROL, TRACED},
    walk,
};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        OperationRef,
        attribute::{ArrayAttribute, StringAttribute},
        operation::OperationLike,
    },
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "mark-control",
    summary: "Note where loops and branches of a traced program stand",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    if !module.has_attribute(TRACED) {
        return Ok(());
    }
    let ops = walk::inside(module).into_iter();
    let control = ops.filter(|op| edit::name(*op).starts_with("scf.") && !blocks(*op).is_empty());
    let mut places: Vec<_> = control.map(|op| op.location().to_string()).collect();
    places.sort_unstable();
    places.dedup();
    let places: Vec<_> = places
        .iter()
        .map(|place| StringAttribute::new(cx, place).into())
        .collect();
    edit::set_attribute(module, CONTROL, ArrayAttribute::new(cx, &places).into());
    Ok(())
}
