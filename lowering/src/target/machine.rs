//! What LLVM makes code for, and its passes.

use super::cpu::{CodegenError, CodegenOptions, host_triple};
use inkwell::{
    OptimizationLevel,
    module::Module,
    passes::PassBuilderOptions,
    targets::{CodeModel, InitializationConfig, RelocMode, Target, TargetMachine},
};
use std::sync::Once;

/// The processor and the features that code is made for, as LLVM names them; `native` stands for those of this machine.
pub fn processor(cpu: &str) -> (String, String) {
    match cpu {
        "native" => (
            TargetMachine::get_host_cpu_name().to_string(),
            TargetMachine::get_host_cpu_features().to_string(),
        ),
        cpu => (cpu.to_string(), String::new()),
    }
}

/// The machine to make code for. A thread has one of its own.
pub fn machine(options: &CodegenOptions) -> Result<TargetMachine, CodegenError> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A host that LLVM was not built for shows below, when its triple is not found.
        let _ = Target::initialize_native(&InitializationConfig::default());
    });
    let triple = TargetMachine::get_default_triple();
    let target = Target::from_triple(&triple).map_err(|error| {
        CodegenError::Target(format!("LLVM has no target {}: {error}", host_triple()))
    })?;
    let (cpu, features) = processor(options.cpu);
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
