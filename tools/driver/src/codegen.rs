//! The hand-over to LLVM, and the check that what comes back needs nothing but the C library.

use crate::compile::{Failure, Options};
use dlc_abi::Manifest;
use dlc_lowering::{
    entry,
    schedule::Target,
    target::{self, CodegenError, CodegenOptions, Form},
    walk,
};
use melior::ir::{Module, operation::OperationLike};
use object::{Object, ObjectSymbol};
use std::collections::BTreeMap;

/// The functions that code may call: what a compiler of C for machines without an operating system asks for too.
const ALLOWED: [&str; 4] = ["memcpy", "memmove", "memset", "memcmp"];
/// What code may call besides if the program prints, and what LLVM makes of that.
const PRINTING: [&str; 4] = ["printf", "fflush", "puts", "putchar"];

/// Makes code of a module in the `llvm` dialect.
pub fn emit(
    module: &Module,
    manifest: &Manifest,
    options: &Options,
    target: &Target,
    forms: &[Form],
) -> Result<BTreeMap<Form, Vec<u8>>, Failure> {
    let exported = manifest.exported_symbols();
    let codegen = CodegenOptions {
        cpu: &options.target_cpu,
        target,
        opt_level: options.opt_level,
        exported: &exported,
        name: &manifest.stem,
    };
    let made = target::emit(module, &codegen, forms).map_err(|error| match error {
        CodegenError::Target(message) => {
            Failure::Usage(format!("{message}\nhelp: see `dlc --print target-cpus`"))
        }
        CodegenError::Internal(message) => Failure::internal(message),
    })?;
    if let Some(object) = made.get(&Form::Object) {
        let undefined = undefined_symbols(object).map_err(Failure::internal)?;
        let prints = walk::named(module.as_operation(), "llvm.func")
            .into_iter()
            .any(|function| {
                entry::string(function.attribute("sym_name").ok()).as_deref() == Some("printf")
            });
        let allowed = |name: &str| ALLOWED.contains(&name) || (prints && PRINTING.contains(&name));
        let unwanted: Vec<_> = undefined
            .into_iter()
            .filter(|name| !allowed(name))
            .collect();
        if !unwanted.is_empty() {
            let names = unwanted.join(", ");
            return Err(Failure::internal(format!(
                "the object calls what no library provides: {names}"
            )));
        }
    }
    Ok(made)
}

/// The symbols that an object needs from elsewhere.
pub fn undefined_symbols(object: &[u8]) -> Result<Vec<String>, String> {
    let file = object::File::parse(object)
        .map_err(|error| format!("LLVM's object can't be read: {error}"))?;
    let names = file
        .symbols()
        .filter(|symbol| symbol.is_undefined())
        .filter_map(|symbol| symbol.name().ok());
    let mut names: Vec<_> = names
        .filter(|name| !name.is_empty())
        .map(str::to_string)
        .collect();
    names.sort();
    Ok(names)
}
