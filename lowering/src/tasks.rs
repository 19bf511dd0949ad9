//! Loops whose rounds may run at the same time: how emitters mark them, and who runs them.
//!
//! Three steps make them run on several threads. Emitters mark loops of independent rounds; `parallelize-loops` makes
//! of a marked loop one of *lanes*, each of which takes pieces of the work until none is left; `outline-tasks` makes
//! a function of a lane, and `emit-forks` the calls by which the caller's executor runs it. The executor is an
//! argument of every function that forks: a pointer to `dlc_executor` (`dlc_abi::executor`), null for one thread.

pub mod divisible;
pub mod fork;
pub mod private;
pub mod share;

use crate::{
    alias,
    emit::Emitter,
    entry::{argument_with, body, string},
    schedule::Target,
    walk,
};
use dlc_dialects::ir::{edit, inspect};
use melior::ir::{
    Attribute, BlockLike, OperationRef, RegionLike, Value, attribute::BoolAttribute,
    operation::OperationLike,
};

/// The attribute of the argument that is the executor.
pub const EXECUTOR: &str = "dl.executor";
/// The attribute of a loop: `true` where its rounds are independent; `false` where they are not, and loops inside are
/// too short to be divided.
pub const PARALLEL: &str = "dl.parallel";
/// The attribute of a marked loop that takes the few rounds that the one before it leaves, and is independent of that too.
pub const REST: &str = "dl.rest";
/// The attribute of a loop over lanes, then of the function that is one lane.
pub const TASK: &str = "dl.task";
/// The attribute of an allocation that rounds of a loop only use parts of, which differ from round to round: lanes share it.
pub const SHARED: &str = "dl.shared";
/// The function that says how many lanes an executor runs.
pub const LANES: &str = "dlc_lanes";

/// The executor of a function, if it has one.
pub fn executor<'c, 'a>(func: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
    let index = argument_with(func, EXECUTOR)?;
    Some(body(func).ok()?.argument(index).ok()?.into())
}

/// Says of a loop whether its rounds are independent.
pub fn mark<'c>(e: &Emitter<'c, '_>, op: OperationRef<'c, '_>, independent: bool) {
    let value: Attribute<'c> = BoolAttribute::new(e.context(), independent).into();
    edit::set_attribute(op, PARALLEL, value);
}

/// Says of a buffer that rounds of loops which stand here only use parts of it. Where a loop around them whose rounds are independent
/// is not around the allocation too, rounds of that one may use all of it, and nothing is said.
pub fn share_buffer<'c: 'a, 'a>(e: &Emitter<'c, 'a>, buffer: Value<'c, 'a>) {
    let Some(made) = alias::root(buffer).and_then(inspect::defining_op) else {
        return;
    };
    let around = alias::ancestors(made);
    if !e
        .around()
        .any(|op| independent(op) == Some(true) && !around.contains(&op))
    {
        edit::set_attribute(made, SHARED, Attribute::unit(e.context()));
    }
}

/// Says of a marked loop that it takes what the loop before it leaves.
pub fn mark_rest<'c>(e: &Emitter<'c, '_>, op: OperationRef<'c, '_>) {
    edit::set_attribute(op, REST, e.attr("unit"));
}

/// What a mark says of an op; nothing without one.
pub fn independent(op: OperationRef) -> Option<bool> {
    let mark = BoolAttribute::try_from(op.attribute(PARALLEL).ok()?).ok()?;
    Some(mark.value())
}

/// The outermost marked loops of a function whose rounds are independent.
pub fn marked<'c, 'a>(func: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![];
    collect(func, &mut found);
    found
}

fn collect<'c, 'a>(op: OperationRef<'c, 'a>, found: &mut Vec<OperationRef<'c, 'a>>) {
    for region in (0..op.region_count()).filter_map(|i| op.region(i).ok()) {
        let mut block = region.first_block();
        while let Some(here) = block {
            let mut next = here.first_operation();
            while let Some(inner) = next {
                match independent(inner) {
                    Some(true) => found.push(inner),
                    Some(false) => {}
                    None => collect(inner, found),
                }
                next = inner.next_in_block();
            }
            block = here.next_in_region();
        }
    }
}

/// Takes the marks of all loops away.
pub fn unmark(root: OperationRef) {
    for op in walk::named(root, "scf.for") {
        edit::remove_attribute(op, PARALLEL);
        edit::remove_attribute(op, REST);
    }
}

/// The lanes that run at a time: 1 without an executor.
pub fn lanes<'c, 'a>(e: &Emitter<'c, 'a>, executor: Value<'c, 'a>) -> Value<'c, 'a> {
    let callee = e.attr(&format!("@{LANES}"));
    e.op_with(
        "func.call",
        &[executor],
        e.index_type(),
        &[("callee", callee)],
    )
}

/// Defines the function that `lanes` calls, if it is called and not there yet.
pub fn define_lanes<'c>(e: &Emitter<'c, '_>, module: OperationRef<'c, '_>) {
    let calls = walk::named(module, "func.call");
    let name = format!("@{LANES}");
    let called = |op: &OperationRef| op.attribute("callee").is_ok_and(|c| c.to_string() == name);
    let functions = walk::named(module, "func.func");
    let symbol = |op: &OperationRef| string(op.attribute("sym_name").ok());
    let there = functions
        .iter()
        .any(|op| symbol(op).as_deref() == Some(LANES));
    if there || !calls.iter().any(called) {
        return;
    }
    let most = Target::of(module).cores;
    e.define(&format!(
        "func.func private @{LANES}(%executor: !llvm.ptr) -> index {{
           %none = llvm.mlir.zero : !llvm.ptr
           %one = arith.constant 1 : i64
           %serial = llvm.icmp \"eq\" %executor, %none : !llvm.ptr
           %threads = scf.if %serial -> i64 {{
             scf.yield %one : i64
           }} else {{
             %threads = llvm.load %executor : !llvm.ptr -> i64
             scf.yield %threads : i64
           }}
           %most = arith.constant {most} : i64
           %few = arith.minsi %threads, %most : i64
           %some = arith.maxsi %few, %one : i64
           %lanes = arith.index_cast %some : i64 to index
           return %lanes : index
         }}"
    ));
}
