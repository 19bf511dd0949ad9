//! Makes functions of lanes, and of loops over lanes calls of them.
//!
//! Before:
//! ```mlir
//! scf.for %lane = %c0 to %lanes step %c1 { … %lane … %x … %slot … } {dl.task}
//! ```
//! After:
//! ```mlir
//! func.func private @m_f__task0(%executor: !llvm.ptr, %lane: index, %x: memref<64xf32>, %slot: memref<?xi8>) attributes {dl.task} {
//!   … %lane … %x … %slot …
//! }
//! func.call @m_f__task0(%executor, %lanes, %x, %slot)
//! ```
//! The call stands for calls of all lanes: `emit-forks` makes them. Views are made inside.
//!
//! *Requires*: planned slots. *Ensures*: no loop over lanes, but those that use what can't be passed: these run one by
//! one. *Does not*: find equal functions.

use crate::{
    outline::Outlined,
    tasks::{self, TASK},
    walk,
};
use dlc_dialects::pass::{Anchor, PassError, PassInfo};
use melior::{
    Context,
    ir::{OperationRef, attribute::StringAttribute, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "outline-tasks",
    summary: "Make functions of lanes",
    anchor: Anchor::Module,
    required: false,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    for func in walk::named(module, "func.func") {
        let Some(executor) = tasks::executor(func) else {
            continue;
        };
        let name = StringAttribute::try_from(func.attribute("sym_name")?)?;
        let loops = walk::named(func, "scf.for").into_iter();
        let loops = loops
            .filter(|op| op.has_attribute(TASK))
            .collect::<Vec<_>>();
        for (number, op) in loops.into_iter().enumerate() {
            let lanes = op.operand(1)?;
            if let Some(outlined) = Outlined::body(cx, func, op) {
                let name = format!("{}__task{number}", name.value());
                outlined.into_function_of(&name, &[executor, lanes], &[(TASK, "unit")]);
            }
        }
    }
    Ok(())
}
