//! Makes of each call of a lane's function calls for all lanes, by the executor where there is more than one.
//!
//! Before:
//! ```mlir
//! llvm.func @m_f__task0(%executor: !llvm.ptr, %lane: i64, %a: !llvm.ptr, …) attributes {dl.task}
//! llvm.call @m_f__task0(%executor, %lanes, %a, …)
//! ```
//! After:
//! ```mlir
//! llvm.call @m_f__task0__fork(%executor, %lanes, %a, …)
//! llvm.func internal @m_f__task0__fork(…)   // one lane: calls it; more: executor->run(context, lanes, __run, &{a, …})
//! llvm.func internal @m_f__task0__run(%data: !llvm.ptr, %lane: i64)            // unpacks, and calls it
//! ```
//! The layout of the executor is that of `dlc_abi::executor`.
//!
//! *Requires*: functions of the `llvm` dialect. *Ensures*: every call of a lane's function has its lane.

use crate::{entry, tasks::TASK, walk};
use dlc_dialects::{
    ir::edit,
    pass::{Anchor, INTERNAL, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        BlockLike, Module, OperationRef, RegionLike, Value, ValueLike,
        attribute::FlatSymbolRefAttribute, operation::OperationLike,
    },
};
use std::{collections::BTreeMap, fmt::Write};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-forks",
    summary: "Let the executor call the functions of lanes",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let mut calls: BTreeMap<String, Vec<OperationRef>> = BTreeMap::new();
    for call in walk::named(module, "llvm.call") {
        let callee = call.attribute("callee").ok();
        let callee = callee.and_then(|callee| FlatSymbolRefAttribute::try_from(callee).ok());
        if let Some(callee) = callee {
            calls
                .entry(callee.value().to_string())
                .or_default()
                .push(call);
        }
    }
    for func in walk::named(module, "llvm.func") {
        if !func.has_attribute(TASK) {
            continue;
        }
        let name = entry::string(func.attribute("sym_name").ok()).unwrap_or_default();
        let body = func.region(0)?.first_block();
        let body = body.ok_or_else(|| PassError::at(&func, "a lane's function has no body"))?;
        let types = (2..body.argument_count())
            .map(|i| Ok(Value::from(body.argument(i)?).r#type().to_string()));
        let types = types.collect::<Result<Vec<_>, melior::Error>>()?;
        let text = functions(&name, &types);
        let functions = Module::parse(cx, &text).ok_or_else(|| {
            let message = format!("{INTERNAL}: the emitted text does not parse:\n{text}");
            PassError::at(&func, message)
        })?;
        // The declaration of the lane's function stands there for the verifier only.
        edit::move_module_before(cx, &functions, func, |op| {
            let name = entry::string(op.attribute("sym_name").ok()).unwrap_or_default();
            name.ends_with(FORK) || name.ends_with(RUN)
        });
        let fork = FlatSymbolRefAttribute::new(cx, &format!("{name}{FORK}"));
        for call in calls.remove(&name).unwrap_or_default() {
            edit::set_attribute(call, "callee", fork.into());
        }
    }
    Ok(())
}

const FORK: &str = "__fork";
const RUN: &str = "__run";

/// The two functions around a lane's, which takes arguments of these types after the executor and the lane.
fn functions(name: &str, types: &[String]) -> String {
    let list = |f: &dyn Fn(usize, &String) -> String| {
        let items = types.iter().enumerate().map(|(i, ty)| f(i, ty));
        items.collect::<String>()
    };
    let parameters = list(&|i, ty| format!(", %a{i}: {ty}"));
    let values = list(&|i, _| format!(", %a{i}"));
    let all = list(&|_, ty| format!(", {ty}"));
    let data = format!("!llvm.struct<({})>", types.join(", "));
    let mut pack = String::new();
    let mut unpack = String::new();
    for (i, ty) in types.iter().enumerate() {
        let place = format!(
            "  %p{i} = llvm.getelementptr %data[0, {i}] : (!llvm.ptr) -> !llvm.ptr, {data}\n"
        );
        let written = "writing to a string succeeds";
        writeln!(pack, "{place}  llvm.store %a{i}, %p{i} : {ty}, !llvm.ptr").expect(written);
        writeln!(
            unpack,
            "{place}  %a{i} = llvm.load %p{i} : !llvm.ptr -> {ty}"
        )
        .expect(written);
    }
    let executor = "!llvm.struct<(i64, ptr, ptr)>";
    format!(
        "llvm.func @{name}(!llvm.ptr, i64{all})
llvm.func internal @{name}{FORK}(%executor: !llvm.ptr, %lanes: i64{parameters}) {{
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %data = llvm.alloca %one x {data} : (i64) -> !llvm.ptr
  %many = llvm.icmp \"sgt\" %lanes, %one : i64
  llvm.cond_br %many, ^many, ^one
^one:
  llvm.call @{name}(%executor, %zero{values}) : (!llvm.ptr, i64{all}) -> ()
  llvm.return
^many:
{pack}  %at_run = llvm.getelementptr %executor[0, 1] : (!llvm.ptr) -> !llvm.ptr, {executor}
  %run = llvm.load %at_run : !llvm.ptr -> !llvm.ptr
  %at_context = llvm.getelementptr %executor[0, 2] : (!llvm.ptr) -> !llvm.ptr, {executor}
  %context = llvm.load %at_context : !llvm.ptr -> !llvm.ptr
  %task = llvm.mlir.addressof @{name}{RUN} : !llvm.ptr
  llvm.call %run(%context, %lanes, %task, %data) : !llvm.ptr, (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr) -> ()
  llvm.return
}}
llvm.func internal @{name}{RUN}(%data: !llvm.ptr, %lane: i64) {{
  %none = llvm.mlir.zero : !llvm.ptr
{unpack}  llvm.call @{name}(%none, %lane{values}) : (!llvm.ptr, i64{all}) -> ()
  llvm.return
}}
"
    )
}
