//! Makes functions of what runs on a GPU.
//!
//! Before:
//! ```mlir
//! func.func @m_f(%n: index, %x: memref<?xf32>, %out: memref<?xf32>) attributes {dl.entry = "m_f"} {
//!   scf.for %i = %c0 to %n step %c1 { memref.load %x[%i], math.exp, memref.store %out[%i] } {dl.parallel = true}
//!   %last = memref.load %out[%c0]
//!   %some = arith.cmpf ogt, %last, %one
//!   scf.if %some { … loops … }
//! }
//! ```
//! After:
//! ```mlir
//! func.func private @m_f__kernel0(%device: !llvm.ptr, %failed: memref<i32>, %thread: index, %x: memref<?xf32>, %out: memref<?xf32>) attributes {dl.kernel} {
//!   memref.load %x[%thread], math.exp, memref.store %out[%thread]
//! }
//! func.func @m_f(…) {
//!   %cell = memref.alloc() : memref<i8>
//!   func.call @m_f__kernel0(%device, %failed, %n, %x, %out)
//!   func.call @m_f__kernel1(%device, %failed, %c1, %out, %cell)      // one thread: memref.load, arith.cmpf, memref.store %cell[]
//!   %word = func.call @dlc_read_i8(%device, %failed, %cell)
//!   %some = arith.trunci %word
//!   scf.if %some { … calls … }
//! }
//! ```
//! A round of a marked loop is a thread, and so is each round of marked loops right inside. What else touches memory, and what is
//! computed from that, runs on one thread, as many ops in a kernel as stand between others. A buffer that only a round uses is
//! one for each thread. Rounds of loops with `dl.block` are blocks, of as many threads, which share what only a round uses: small
//! buffers in shared memory, others in the workspace.
//!
//! *Requires*: a target with a GPU; bufferised, structured functions with affine ops lowered and `linalg` ops gone. *Ensures*:
//! in entries no op touches memory but calls of kernels, reads by the host, and what leaves the status of a check.
//! *Does not*: say which threads work together.

use crate::{
    emit::Emitter,
    entry,
    gpu::{Former, Home, READ, shared},
    schedule::Target,
    tasks, walk,
};
use dlc_dialects::pass::{Anchor, PassError, PassInfo};
use melior::{
    Context,
    ir::{OperationRef, operation::OperationLike},
};
use std::collections::BTreeSet;

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "form-kernels",
    summary: "Make functions of what runs on a GPU",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    if Target::of(module).gpu == 0 {
        return Ok(());
    }
    let mut read = BTreeSet::new();
    for entry in entry::entries(module)? {
        let name = entry::string(entry.func.attribute("sym_name").ok()).unwrap_or_default();
        let home = Home::of(cx, entry.func)
            .ok_or_else(|| PassError::at(&entry.func, "the entry takes no device"))?;
        Former::new(home, name).form()?;
        let e = Emitter::before(cx, entry.func);
        for call in walk::named(entry.func, "func.call") {
            let callee = call.attribute("callee").map(|callee| callee.to_string());
            let callee = callee.unwrap_or_default();
            let Some(ty) = callee.strip_prefix(&format!("@{READ}")) else {
                continue;
            };
            if read.insert(ty.to_string()) {
                e.define(&format!(
                    "func.func private {callee}(!llvm.ptr, memref<i32>, memref<{ty}>) -> {ty}"
                ));
            }
        }
    }
    tasks::unmark(module);
    shared::define(cx, module);
    Ok(())
}
