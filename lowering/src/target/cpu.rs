//! Objects for CPUs. The only user of inkwell, and of LLVM's own passes.

use crate::schedule::Target;
use inkwell::{
    OptimizationLevel,
    attributes::AttributeLoc,
    context::Context,
    llvm_sys::prelude::{LLVMContextRef, LLVMModuleRef},
    module::{Linkage, Module},
    passes::PassBuilderOptions,
    targets::{CodeModel, FileType, InitializationConfig, RelocMode, TargetMachine, TargetTriple},
};
use std::{collections::BTreeMap, fmt, sync::Once};

/// What to make of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// LLVM IR as text, after LLVM's passes.
    LlvmIr,
    /// Assembly as text.
    Assembly,
    /// An object file.
    Object,
}

/// How code is made.
#[derive(Clone, Debug)]
pub struct CodegenOptions<'x> {
    /// The processor, `native` or a name of LLVM's.
    pub cpu: &'x str,
    /// What the schedules assumed.
    pub target: &'x Target,
    /// 0 to 3.
    pub opt_level: u8,
    /// The functions that callers see; all others become internal.
    pub exported: &'x [String],
    /// The name that the IR carries.
    pub name: &'x str,
}

/// Why no code was made.
#[derive(Debug)]
pub enum CodegenError {
    /// LLVM knows no such target.
    Target(String),
    /// What should not happen on a verified module.
    Internal(String),
}

impl fmt::Display for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(message) | Self::Internal(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for CodegenError {}

/// The triple of the machine that the compiler runs on.
pub fn host_triple() -> String {
    TargetMachine::get_default_triple()
        .as_str()
        .to_string_lossy()
        .into_owned()
}

/// The version of LLVM, such as `22.1.8`.
pub fn llvm_version() -> String {
    let (major, minor, patch) = inkwell::support::get_llvm_version();
    format!("{major}.{minor}.{patch}")
}

/// Makes the forms asked for. The module must hold only ops of the `llvm` dialect.
pub fn emit(
    module: &melior::ir::Module,
    options: &CodegenOptions,
    forms: &[Form],
) -> Result<BTreeMap<Form, Vec<u8>>, CodegenError> {
    let context = Context::create();
    let module = translate(module, &context)?;
    let machine = machine(options)?;
    prepare(&context, &module, &machine, options);
    module
        .verify()
        .map_err(|error| CodegenError::Internal(format!("LLVM refuses the module: {error}")))?;
    let passes = PassBuilderOptions::create();
    passes.set_loop_vectorization(options.opt_level >= 2);
    passes.set_loop_slp_vectorization(options.opt_level >= 2);
    module
        .run_passes(
            &format!("default<O{}>", options.opt_level.min(3)),
            &machine,
            passes,
        )
        .map_err(|error| CodegenError::Internal(format!("LLVM's passes failed: {error}")))?;
    let mut made = BTreeMap::new();
    for form in forms {
        let bytes = match form {
            Form::LlvmIr => module.print_to_string().to_string().into_bytes(),
            Form::Assembly => write(&machine, &module, FileType::Assembly)?,
            Form::Object => write(&machine, &module, FileType::Object)?,
        };
        made.insert(*form, bytes);
    }
    Ok(made)
}

fn write(
    machine: &TargetMachine,
    module: &Module,
    kind: FileType,
) -> Result<Vec<u8>, CodegenError> {
    let buffer = machine
        .write_to_memory_buffer(module, kind)
        .map_err(|error| CodegenError::Internal(format!("LLVM can't write code: {error}")))?;
    Ok(buffer.as_slice().to_vec())
}

fn translate<'x>(
    module: &melior::ir::Module,
    context: &'x Context,
) -> Result<Module<'x>, CodegenError> {
    let raw: LLVMContextRef = context.raw();
    let translated = unsafe {
        mlir_sys::mlirTranslateModuleToLLVMIR(module.as_operation().to_raw(), raw.cast())
    };
    if translated.is_null() {
        return Err(CodegenError::Internal(
            "the module does not translate to LLVM IR".into(),
        ));
    }
    // The module is ours now, and lives in `context`.
    Ok(unsafe { Module::new(translated as LLVMModuleRef) })
}

fn machine(options: &CodegenOptions) -> Result<TargetMachine, CodegenError> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A host that LLVM was not built for shows below, when its triple is not found.
        let _ = inkwell::targets::Target::initialize_native(&InitializationConfig::default());
    });
    let triple = TargetMachine::get_default_triple();
    let target = inkwell::targets::Target::from_triple(&triple).map_err(|error| {
        CodegenError::Target(format!("LLVM has no target {}: {error}", host_triple()))
    })?;
    let (cpu, features) = match options.cpu {
        "native" => (
            TargetMachine::get_host_cpu_name().to_string(),
            TargetMachine::get_host_cpu_features().to_string(),
        ),
        cpu => (cpu.to_string(), String::new()),
    };
    let level = match options.opt_level {
        0 => OptimizationLevel::None,
        1 => OptimizationLevel::Less,
        2 => OptimizationLevel::Default,
        _ => OptimizationLevel::Aggressive,
    };
    target
        .create_target_machine(
            &triple,
            &cpu,
            &features,
            level,
            RelocMode::PIC,
            CodeModel::Default,
        )
        .ok_or_else(|| CodegenError::Target(format!("LLVM can't make code for {cpu}")))
}

/// Sets what MLIR's module does not say: target, linkage, and attributes of functions.
fn prepare(context: &Context, module: &Module, machine: &TargetMachine, options: &CodegenOptions) {
    let triple: TargetTriple = machine.get_triple();
    module.set_triple(&triple);
    module.set_data_layout(&machine.get_target_data().get_data_layout());
    module.set_name(options.name);
    module.set_source_file_name(options.name);
    let nounwind = context.create_enum_attribute(
        inkwell::attributes::Attribute::get_named_enum_kind_id("nounwind"),
        0,
    );
    let width = options.target.vector_bits.to_string();
    let width = context.create_string_attribute("prefer-vector-width", &width);
    for function in module.get_functions() {
        if function.count_basic_blocks() == 0 {
            continue;
        }
        function.add_attribute(AttributeLoc::Function, nounwind);
        function.add_attribute(AttributeLoc::Function, width);
        let name = function.get_name().to_string_lossy().into_owned();
        if !options.exported.contains(&name) {
            function.set_linkage(Linkage::Internal);
        }
    }
}
