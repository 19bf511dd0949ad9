//! What LLVM makes code for, and its passes.

use super::cpu::{CodegenError, CodegenOptions};
use crate::schedule::Arch;
use inkwell::{
    OptimizationLevel,
    module::Module,
    passes::PassBuilderOptions,
    targets::{
        CodeModel, InitializationConfig, RelocMode, Target, TargetMachine, TargetMachineOptions,
        TargetTriple,
    },
};
use std::sync::Once;

/// The machine to make code for. A thread has one of its own.
pub fn machine(options: &CodegenOptions) -> Result<TargetMachine, CodegenError> {
    static ONCE: Once = Once::new();
    ONCE.call_once(initialize);
    let processor = options.processor;
    let triple = TargetTriple::create(&processor.triple);
    let target = Target::from_triple(&triple).map_err(|error| {
        CodegenError::Target(format!("LLVM has no target {}: {error}", processor.triple))
    })?;
    let level = match options.opt_level {
        0 => OptimizationLevel::None,
        1 => OptimizationLevel::Less,
        2 => OptimizationLevel::Default,
        _ => OptimizationLevel::Aggressive,
    };
    // A module of WebAssembly is linked whole.
    let addresses = match options.target.arch {
        Arch::Wasm32 => RelocMode::Static,
        Arch::X86_64 | Arch::Aarch64 | Arch::Riscv64 => RelocMode::PIC,
    };
    let mut how = TargetMachineOptions::new()
        .set_cpu(&processor.cpu)
        .set_features(&processor.features)
        .set_level(level)
        .set_reloc_mode(addresses)
        .set_code_model(CodeModel::Default);
    if let Some(abi) = processor.abi {
        how = how.set_abi(abi);
    }
    let machine = target.create_target_machine_from_options(&triple, how);
    machine
        .ok_or_else(|| CodegenError::Target(format!("LLVM can't make code for {}", processor.cpu)))
}

/// Makes what LLVM has for our architectures known to it, and what it has for this machine, which may be another.
fn initialize() {
    let all = InitializationConfig::default();
    Target::initialize_x86(&all);
    Target::initialize_aarch64(&all);
    Target::initialize_riscv(&all);
    Target::initialize_webassembly(&all);
    // A host that LLVM was not built for shows when its triple is not found.
    let _ = Target::initialize_native(&all);
}

/// Runs LLVM's passes of a level.
pub fn optimise(module: &Module, machine: &TargetMachine, level: u8) -> Result<(), CodegenError> {
    let passes = PassBuilderOptions::create();
    passes.set_loop_vectorization(level >= 2);
    passes.set_loop_slp_vectorization(level >= 2);
    run(
        module,
        machine,
        &format!("default<O{}>", level.min(3)),
        passes,
    )
}

/// Runs passes by their names.
pub fn run_passes(
    module: &Module,
    machine: &TargetMachine,
    names: &str,
) -> Result<(), CodegenError> {
    run(module, machine, names, PassBuilderOptions::create())
}

fn run(
    module: &Module,
    machine: &TargetMachine,
    names: &str,
    options: PassBuilderOptions,
) -> Result<(), CodegenError> {
    module
        .run_passes(names, machine, options)
        .map_err(|error| CodegenError::Internal(format!("LLVM's passes failed: {error}")))
}
