//! Code for GPUs: the device's functions of a module, as PTX, which the host's functions then carry with them.

use super::{
    cpu::{CodegenError, translate, write},
    machine::optimise,
};
use crate::{
    entry::{self, string},
    entry_text::string_constant,
    gpu::{ENTRY, IMAGE_TYPE, KERNEL, KERNEL_TYPE, KERNELS, KERNELS_TYPE, NUMBER, PROGRAM},
    walk,
};
use dlc_dialects::ir::edit;
use inkwell::{
    OptimizationLevel,
    attributes::{Attribute, AttributeLoc},
    context::Context,
    module::Linkage,
    targets::{
        CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple,
    },
};
use melior::ir::{Module, OperationRef, attribute::IntegerAttribute, operation::OperationLike};
use std::{fmt::Write, sync::Once};

/// A kind of device that code is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// As users and LLVM name it.
    pub name: &'static str,
    /// Its compute capability, ten times the major number and the minor one.
    pub capability: i64,
}

/// All of them.
pub const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "sm_80",
        capability: 80,
    },
    Architecture {
        name: "sm_90a",
        capability: 90,
    },
];

impl Architecture {
    /// What to make code for, where it is for devices of one compute capability: the newest that they run.
    pub fn of_capability(capability: i64) -> Self {
        // Code for 9.0 runs there only.
        let mut exact = ARCHITECTURES.iter();
        let exact = exact.find(|one| one.capability == capability);
        exact.copied().unwrap_or(ARCHITECTURES[0])
    }
}

/// The address space of a block's memory, as its globals say it.
const SHARED: &str = "3 : i32";
/// The version of PTX that is written: the least that knows all of `sm_90a`.
const PTX: &str = "+ptx80";

/// A copy of the device's functions of a module in the `llvm` dialect.
pub fn device_functions<'c>(context: &'c melior::Context, module: &Module<'c>) -> Module<'c> {
    let device = edit::clone_module(module);
    for op in top(&device) {
        let table = symbol(op).is_some_and(|name| name.ends_with(KERNELS));
        if table || walk::is(op, "llvm.func") && !is_of_device(op) {
            edit::erase(context, op);
        }
    }
    device
}

fn is_of_device(op: OperationRef) -> bool {
    let named = |name: String| name.ends_with(ENTRY) || name.starts_with(PROGRAM);
    op.has_attribute(KERNEL) || symbol(op).is_some_and(named)
}

/// Whether an op is memory of a block.
fn is_shared(op: OperationRef) -> bool {
    let space = op.attribute("addr_space").map(|space| space.to_string());
    walk::is(op, "llvm.mlir.global") && space.is_ok_and(|space| space == SHARED)
}

/// Takes the device's functions out of a module in the `llvm` dialect; what stays is the host's, and has their text in the
/// table that launches use.
pub fn keep_host<'c>(
    context: &'c melior::Context,
    module: &Module<'c>,
    architecture: Architecture,
    text: &str,
) -> Result<(), CodegenError> {
    let mut kernels = vec![];
    for op in top(module)
        .into_iter()
        .filter(|op| is_of_device(*op) || is_shared(*op))
    {
        let name = symbol(op).unwrap_or_default();
        if name.ends_with(ENTRY) {
            let number = op.attribute(NUMBER).ok();
            let number = number.and_then(|number| IntegerAttribute::try_from(number).ok());
            let kernel = (name, entry::parameter_count(op));
            kernels.push((number.map(|number| number.value()), kernel));
        }
        edit::erase(context, op);
    }
    // Launches name kernels by their places in the table.
    kernels.sort_unstable();
    let places = (0..).map(Some).zip(&kernels);
    if places
        .into_iter()
        .any(|(place, (number, _))| place != *number)
    {
        let message = "the numbers of kernels are not those of places in a table";
        return Err(CodegenError::Internal(message.into()));
    }
    let kernels: Vec<_> = kernels.into_iter().map(|(_, kernel)| kernel).collect();
    let stem = string(module.as_operation().attribute("dl.stem").ok()).unwrap_or_default();
    let table = format!("{stem}{KERNELS}");
    let old = top(module)
        .into_iter()
        .find(|op| symbol(*op).as_deref() == Some(&table));
    // Without kernels there is none.
    if let Some(old) = old {
        let made = table_of(&table, text, architecture, &kernels);
        let made = Module::parse(context, &made)
            .ok_or_else(|| CodegenError::Internal("the table of kernels does not parse".into()))?;
        edit::move_module_before(context, &made, old, |_| true);
        edit::erase(context, old);
    }
    Ok(())
}

fn top<'c, 'a>(module: &'a Module<'c>) -> Vec<OperationRef<'c, 'a>> {
    crate::alias::operations(module.body())
}

fn symbol(op: OperationRef) -> Option<String> {
    string(op.attribute("sym_name").ok())
}

/// The table of all kernels, `dlc_kernels` of C.
fn table_of(name: &str, text: &str, of: Architecture, kernels: &[(String, usize)]) -> String {
    const WRITTEN: &str = "writing to a string succeeds";
    let hash = blake3::hash(text.as_bytes()).to_hex();
    let (capability, count) = (of.capability, kernels.len());
    let mut out = string_constant(&format!("@{name}_hash"), &hash[..32]);
    out += &string_constant(&format!("@{name}_ptx"), text);
    let mut values = String::new();
    for (i, (kernel, parameters)) in kernels.iter().enumerate() {
        out += &string_constant(&format!("@{name}_{i}"), kernel);
        writeln!(
            values,
            "  %n{i} = llvm.mlir.addressof @{name}_{i} : !llvm.ptr
  %p{i} = llvm.mlir.constant({parameters} : i64) : i64
  %a{i} = llvm.insertvalue %n{i}, %all{i}[{i}, 0] : !llvm.array<{count} x {KERNEL_TYPE}>
  %all{next} = llvm.insertvalue %p{i}, %a{i}[{i}, 1] : !llvm.array<{count} x {KERNEL_TYPE}>",
            next = i + 1
        )
        .expect(WRITTEN);
    }
    format!(
        "{out}llvm.mlir.global internal constant @{name}_images() : !llvm.array<1 x {IMAGE_TYPE}> {{
  %0 = llvm.mlir.poison : !llvm.array<1 x {IMAGE_TYPE}>
  %capability = llvm.mlir.constant({capability} : i64) : i64
  %text = llvm.mlir.addressof @{name}_ptx : !llvm.ptr
  %1 = llvm.insertvalue %capability, %0[0, 0] : !llvm.array<1 x {IMAGE_TYPE}>
  %2 = llvm.insertvalue %text, %1[0, 1] : !llvm.array<1 x {IMAGE_TYPE}>
  llvm.return %2 : !llvm.array<1 x {IMAGE_TYPE}>
}}
llvm.mlir.global internal constant @{name}_all() : !llvm.array<{count} x {KERNEL_TYPE}> {{
  %all0 = llvm.mlir.poison : !llvm.array<{count} x {KERNEL_TYPE}>
{values}  llvm.return %all{count} : !llvm.array<{count} x {KERNEL_TYPE}>
}}
llvm.mlir.global internal constant @{name}() : {KERNELS_TYPE} {{
  %0 = llvm.mlir.poison : {KERNELS_TYPE}
  %hash = llvm.mlir.addressof @{name}_hash : !llvm.ptr
  %one = llvm.mlir.constant(1 : i64) : i64
  %images = llvm.mlir.addressof @{name}_images : !llvm.ptr
  %count = llvm.mlir.constant({count} : i64) : i64
  %kernels = llvm.mlir.addressof @{name}_all : !llvm.ptr
  %1 = llvm.insertvalue %hash, %0[0] : {KERNELS_TYPE}
  %2 = llvm.insertvalue %one, %1[1] : {KERNELS_TYPE}
  %3 = llvm.insertvalue %images, %2[2] : {KERNELS_TYPE}
  %4 = llvm.insertvalue %count, %3[3] : {KERNELS_TYPE}
  %5 = llvm.insertvalue %kernels, %4[4] : {KERNELS_TYPE}
  llvm.return %5 : {KERNELS_TYPE}
}}
"
    )
}

/// PTX of a module that has the device's functions only.
pub fn ptx(module: &Module, architecture: Architecture) -> Result<String, CodegenError> {
    let context = Context::create();
    let module = translate(module, &context)?;
    let machine = machine(architecture)?;
    module.set_triple(&machine.get_triple());
    module.set_data_layout(&machine.get_target_data().get_data_layout());
    // A call would hide a kernel's parameters, and end the order of what is asynchronous.
    let expanded = Attribute::get_named_enum_kind_id("alwaysinline");
    let expanded = context.create_enum_attribute(expanded, 0);
    for function in module.get_functions() {
        let name = function.get_name().to_string_lossy().into_owned();
        if function.count_basic_blocks() > 0 && !name.ends_with(ENTRY) {
            function.set_linkage(Linkage::Internal);
            function.add_attribute(AttributeLoc::Function, expanded);
        }
    }
    module
        .verify()
        .map_err(|error| CodegenError::Internal(format!("LLVM refuses the kernels: {error}")))?;
    optimise(&module, &machine, 3)?;
    let text = write(&machine, &module, FileType::Assembly)?;
    String::from_utf8(text).map_err(|_| CodegenError::Internal("PTX is no text".into()))
}

fn machine(architecture: Architecture) -> Result<TargetMachine, CodegenError> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| Target::initialize_nvptx(&InitializationConfig::default()));
    let triple = TargetTriple::create("nvptx64-nvidia-cuda");
    let target = Target::from_triple(&triple)
        .map_err(|error| CodegenError::Target(format!("LLVM has no target for PTX: {error}")))?;
    let machine = target.create_target_machine(
        &triple,
        architecture.name,
        PTX,
        OptimizationLevel::Aggressive,
        RelocMode::Default,
        CodeModel::Default,
    );
    machine.ok_or_else(|| {
        CodegenError::Target(format!("LLVM can't make code for {}", architecture.name))
    })
}
