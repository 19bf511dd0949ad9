//! Makes functions of the loop nests of large bodies, and of the branches that hold such, so that what LLVM does to a function, some of which grows faster
//! than its length, is done to short ones; equal nests, as layers have them, become one function.
//!
//! Before:
//! ```mlir
//! func.func @m_f__impl(%x: memref<64xf32>, %slot: memref<?xi8>) attributes {dl.entry = "m_f"} {
//!   %a = memref.view %slot[%c0][] : memref<?xi8> to memref<64xf32>
//!   scf.for %i = %c0 to %c64 step %c16 { … %x … %a … }
//! ```
//! After:
//! ```mlir
//! func.func private @m_f__loop0(%x: memref<64xf32>, %slot: memref<?xi8>) {
//!   %a = memref.view %slot[%c0][] : memref<?xi8> to memref<64xf32>
//!   scf.for %i = %c0 to %c64 step %c16 { … %x … %a … }
//! func.func @m_f__impl(%x: memref<64xf32>, %slot: memref<?xi8>) attributes {dl.entry = "m_f"} {
//!   call @m_f__loop0(%x, %slot)
//! ```
//! So do the loops among which lanes choose: each piece is a call then.
//! Views are made inside, so that nests are equal where they do the same to other memory; so is what is computed from a
//! nest's results alone, such as the sum of a vector of sums.
//!
//! *Requires*: planned slots. *Ensures*: nothing; it is an optimisation of compile time.
//! *Does not*: touch bodies of few loops; find equal functions (upstream's `duplicate-function-elimination`).

use crate::{
    alias::{blocks, operations},
    entry,
    linalg::results,
    outline::{Outlined, is_register},
    tasks::TASK,
    walk,
};
use dlc_dialects::pass::{Anchor, PassError, PassInfo};
use melior::{
    Context,
    ir::{OperationRef, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "outline-loops",
    summary: "Make functions of the loops of large bodies",
    anchor: Anchor::Module,
    required: false,
    run,
};

/// Bodies of fewer nests stay whole: there LLVM may use what it knows around a loop.
const MANY: usize = 96;

const NOT_INLINE: &[(&str, &str)] = &[("passthrough", "[\"noinline\"]")];

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    outline_choices(cx, module);
    for entry in entry::entries(module)? {
        let body = entry::body(entry.func)?;
        let nests = operations(body)
            .into_iter()
            .filter(|op| is_nest(*op) && results(*op).iter().all(is_register));
        let nests = nests.collect::<Vec<_>>();
        if nests.len() < MANY {
            continue;
        }
        for (number, op) in nests.into_iter().enumerate() {
            let name = format!("{}__loop{number}", entry.symbol);
            if let Some(outlined) = Outlined::op(cx, entry.func, op) {
                outlined.into_function(&name, NOT_INLINE);
            }
        }
    }
    Ok(())
}

/// Makes functions of the loops among which lanes choose, where those of all tasks are many.
fn outline_choices<'c: 'a, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) {
    let mut tasks = walk::named(module, "func.func");
    tasks.retain(|func| func.has_attribute(TASK));
    let tasks = tasks.into_iter().map(|task| {
        let mut found = vec![];
        choices(task, &mut found);
        (task, found)
    });
    let tasks: Vec<_> = tasks.filter(|(_, found)| found.len() > 1).collect();
    if tasks.iter().map(|(_, found)| found.len()).sum::<usize>() < MANY {
        return;
    }
    for (task, found) in tasks {
        let task_name = entry::string(task.attribute("sym_name").ok()).unwrap_or_default();
        for (number, op) in found.into_iter().enumerate() {
            if let Some(outlined) = Outlined::op(cx, task, op) {
                outlined.into_function(&format!("{task_name}__loop{number}"), NOT_INLINE);
            }
        }
    }
}

/// The outermost `scf.for` inside an op.
fn choices<'c: 'a, 'a>(op: OperationRef<'c, 'a>, found: &mut Vec<OperationRef<'c, 'a>>) {
    for inner in blocks(op).into_iter().flat_map(operations) {
        match walk::is(inner, "scf.for") {
            true => found.push(inner),
            false => choices(inner, found),
        }
    }
}

/// Whether an op is a loop, or a branch with loops or calls.
fn is_nest(op: OperationRef) -> bool {
    let holds_code = || {
        let mut inside = walk::inside(op).into_iter();
        inside.any(|op| walk::is(op, "scf.for") || walk::is(op, "func.call"))
    };
    walk::is(op, "scf.for") || walk::is(op, "scf.if") && holds_code()
}
