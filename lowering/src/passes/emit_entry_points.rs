//! Makes the C functions of each entry, and the body a function on plain pointers.
//!
//! Before:
//! ```mlir
//! func.func @m_f(%B: index, %x: memref<?xf32> {dl.path = "x", dl.shape = ["B"]}, %out: …, %slot: … {dl.slot = …})
//! ```
//! After:
//! ```mlir
//! llvm.func internal @m_f__impl(%B: i64, %x: !llvm.ptr {llvm.noalias}, %out: …, %slot: …) { … }
//! llvm.func @m_f_packed(%dims: !llvm.ptr, %leaves: !llvm.ptr, %workspace: !llvm.ptr, %bytes: i64) -> i32
//! llvm.func @m_f(%B: i64, %x: !llvm.ptr, %out: !llvm.ptr, %workspace: !llvm.ptr, %bytes: i64) -> i32
//! llvm.func @m_f_workspace(%B: i64) -> i64
//! llvm.func @m_f_message(%status: i32) -> !llvm.ptr
//! llvm.func @m_abi_hash() -> !llvm.ptr                                  // once, if the module has dl.abi_hash
//! ```
//! A body that checks something has one more pointer before the slots, by which it leaves the status of what failed.
//! Where code may run on several threads, the body then takes an executor, and there are two more entries,
//! `m_f_on` and `m_f_packed_on`, with an executor before the other arguments; the two above pass on none.
//! Where the module has `dl.chooses`, the entries ask `m_f.device` first, once all is checked, which the module for the device has.
//! Where the module has `dl.variant`, the library has its code for several CPUs: the packed entry and the one for the workspace
//! are hidden then and named after the CPU, and the first variant has those of all names besides.
//! The text of these functions is in `entry_text.rs`; the convention is section 7 of ARCHITECTURE.md.
//!
//! *Requires*: structured bodies without tensors or allocations, planned slots. *Ensures*: no function with
//! `dl.entry`; descriptors are casts that `reconcile-unrealized-casts` removes after conversion to the LLVM dialect.

use crate::{
    alias,
    entry::{self, Entry, Role},
    entry_text,
    schedule::Target,
    variants::{VARIANT, VARIANTS},
};
use dlc_abi::Poly;
use dlc_dialects::{
    ir::{edit, shape},
    pass::{Anchor, INTERNAL, PassError, PassInfo},
};
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, Module, OperationRef, RegionLike, Value, ValueLike, operation::OperationLike},
};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-entry-points",
    summary: "Emit the C functions of the entries",
    anchor: Anchor::Module,
    required: true,
    run,
};

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let text = |name: &str| entry::string(module.attribute(name).ok());
    let stem = text("dl.stem").unwrap_or_default();
    let on_device = Target::of(module).gpu > 0;
    let variants = entry::strings(module.attribute(VARIANTS).ok())
        .map_err(|message| PassError::at(&module, message))?;
    let first = text(VARIANT).as_ref() == variants.first();
    let mut once = match text("dl.abi_hash") {
        Some(hash) if !on_device && first => entry_text::abi_hash(&stem, &hash),
        _ => String::new(),
    };
    if first && !variants.is_empty() {
        once += &entry_text::choice(&stem);
    }
    let entries = entry::entries(module)?;
    if entries.iter().any(|entry| entry.chooses.is_some()) {
        once += &entry_text::declarations(&stem, on_device);
    }
    // Declarations stand with each entry for the verifier only.
    let elsewhere = entry_text::declared(&stem);
    for entry in entries {
        let slots = entry::slots(&entry)?;
        let types = arguments(&entry, slots.len())?;
        let body = parse(cx, &entry, &entry_text::body(&entry, &types))?;
        let functions = parse(cx, &entry, &entry_text::functions(&entry, &slots))?;
        let implementation = edit::move_module_before(cx, &body, entry.func, |_| true);
        move_body(cx, &entry, implementation[0])?;
        edit::move_module_before(cx, &functions, entry.func, |op| {
            let name = entry::string(op.attribute("sym_name").ok()).unwrap_or_default();
            !name.contains("__impl") && !elsewhere.contains(&name)
        });
        edit::erase(cx, entry.func);
    }
    append(cx, module, &once)
}

/// Puts functions of a text at the end of a module, before its last op.
fn append<'c>(
    cx: &'c Context,
    module: OperationRef<'c, '_>,
    text: &str,
) -> Result<(), PassError<'c>> {
    let functions = Module::parse(cx, text).ok_or_else(|| {
        PassError::at(
            &module,
            format!("{INTERNAL}: the emitted text does not parse"),
        )
    })?;
    let Some(block) = module.region(0)?.first_block() else {
        return Ok(());
    };
    match alias::operations(block).pop() {
        Some(last) => {
            edit::move_module_before(cx, &functions, last, |_| true);
        }
        // A library without exports.
        None => {
            for op in alias::operations(functions.body()) {
                block.append_operation((*op).clone());
            }
        }
    }
    Ok(())
}

fn parse<'c>(
    cx: &'c Context,
    entry: &Entry<'c, '_>,
    text: &str,
) -> Result<Module<'c>, PassError<'c>> {
    Module::parse(cx, text).ok_or_else(|| {
        PassError::at(
            &entry.func,
            format!("{INTERNAL}: the emitted text does not parse:\n{text}"),
        )
    })
}

/// What each argument of the body is.
fn arguments<'c>(
    entry: &Entry<'c, '_>,
    slots: usize,
) -> Result<Vec<entry_text::Argument>, PassError<'c>> {
    use entry_text::Argument;
    let block = entry::body(entry.func)?;
    let mut found = vec![];
    let first_slot = block.argument_count() - slots.min(block.argument_count());
    for index in 0..block.argument_count() {
        let ty = Value::from(block.argument(index)?).r#type();
        let leaf = entry.leaves.iter().find(|leaf| leaf.index == index);
        found.push(match (index, leaf) {
            (index, _) if index < entry.dims.len() => Argument::Dim,
            (_, Some(leaf)) if alias::is_memref(block.argument(index)?.into()) => Argument::Leaf {
                memref: ty.to_string(),
                extents: (shape::shape(ty).into_iter().enumerate())
                    .map(|(axis, extent)| match extent {
                        shape::DYNAMIC => leaf.shape.get(axis).cloned(),
                        known => Some(Poly::constant(known)),
                    })
                    .collect::<Option<_>>()
                    .ok_or_else(|| {
                        PassError::at(
                            &entry.func,
                            format!("`dl.shape` of {} is too short", leaf.path),
                        )
                    })?,
                read_only: leaf.role == Role::In,
            },
            (index, None) if index >= first_slot => Argument::Slot,
            (_, None) if entry.failed == Some(index) => Argument::Failed,
            (_, None) if entry.executor == Some(index) => Argument::Executor,
            _ => {
                let message = format!(
                    "{INTERNAL}: argument {index} of type {ty} is neither dim, leaf nor slot"
                );
                return Err(PassError::at(&entry.func, message));
            }
        });
    }
    Ok(found)
}

/// Moves the ops of the entry's function into the function on pointers, whose casts stand for its arguments.
fn move_body<'c, 'a>(
    cx: &'c Context,
    entry: &Entry<'c, 'a>,
    to: OperationRef<'c, 'a>,
) -> Result<(), PassError<'c>> {
    let block = entry::body(entry.func)?;
    let target = entry::body(to)?;
    let ops = alias::operations(target);
    let casts: Vec<Value> = (ops
        .iter()
        .filter(|op| alias::name(**op) == "builtin.unrealized_conversion_cast"))
    .map(|op| Ok(op.result(0)?.into()))
    .collect::<Result<_, melior::Error>>()?;
    let end = *ops
        .last()
        .expect("a parsed function ends with a terminator");
    let results = block
        .terminator()
        .filter(|op| alias::name(*op) == "func.return" && op.operand_count() == 0);
    let results = results.ok_or_else(|| {
        PassError::at(
            &entry.func,
            format!("{INTERNAL}: an entry gives its results through memrefs"),
        )
    })?;
    edit::erase(cx, results);
    IrRewriter::new(cx)
        .as_rewriter_base()
        .inline_block_before(block, end, &casts);
    Ok(())
}
