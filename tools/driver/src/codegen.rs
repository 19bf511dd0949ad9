//! The hand-over to LLVM, and the check that what comes back needs nothing but the C library.

use crate::{
    compile::{Failure, Options},
    destination::Variant,
};
use dlc_lowering::{
    entry,
    target::{self, CodegenError, CodegenOptions, Form, Made, Objects},
    trace, walk,
};
use melior::ir::{Module, operation::OperationLike};
use object::{Object, ObjectSymbol};
use std::collections::BTreeSet;

/// The functions that code may call: what a compiler of C for machines without an operating system asks for too.
const ALLOWED: [&str; 4] = ["memcpy", "memmove", "memset", "memcmp"];
/// What code may call besides if the program prints, and what LLVM makes of that.
const PRINTING: [&str; 4] = ["printf", "fflush", "puts", "putchar"];

/// What the linker of WebAssembly defines.
const WASM: [&str; 3] = [
    "__stack_pointer",
    "__linear_memory",
    "__indirect_function_table",
];

/// Makes code of a module in the `llvm` dialect for a processor, which LLVM optimises so much; callers see the functions
/// `exported`, and `stem` is the module's name.
pub(crate) fn emit(
    module: &Module,
    (stem, exported): (&str, &[String]),
    variant: &Variant,
    (options, level): (&Options, u8),
    forms: &[Form],
) -> Result<Made, Failure> {
    let codegen = CodegenOptions {
        processor: &variant.processor,
        target: &variant.target,
        opt_level: level,
        exported,
        name: stem,
        jobs: options.jobs,
    };
    let known = options.cache.as_ref().map(|cache| cache as &dyn Objects);
    let made = target::emit(module, &codegen, forms, known).map_err(|error| match error {
        CodegenError::Target(message) => {
            Failure::Usage(format!("{message}\nhelp: see `dlc --print target-cpus`"))
        }
        CodegenError::Internal(message) => Failure::internal(message),
    })?;
    Ok(made)
}

/// Whether a module in the `llvm` dialect prints.
pub fn prints(module: &Module) -> bool {
    let functions = walk::named(module.as_operation(), "llvm.func");
    functions.into_iter().any(|function| {
        entry::string(function.attribute("sym_name").ok()).as_deref() == Some("printf")
    })
}

/// Checks that the objects of a library need nothing but what the C library has, and what may be missing.
pub fn check(objects: &[Vec<u8>], prints: bool, traced: bool) -> Result<(), Failure> {
    let undefined = undefined_symbols(objects).map_err(Failure::internal)?;
    let allowed = |name: &str| {
        let linkers = WASM.contains(&name) && objects.iter().all(|one| one.starts_with(b"\0asm"));
        ALLOWED.contains(&name)
            || linkers
            || (prints && PRINTING.contains(&name))
            || (traced && (trace::CALLED.contains(&name) || name == "fwrite"))
    };
    let unwanted: Vec<_> = undefined
        .into_iter()
        .filter(|name| !allowed(name))
        .collect();
    if unwanted.is_empty() {
        return Ok(());
    }
    let names = unwanted.join(", ");
    Err(Failure::internal(format!(
        "the object calls what no library provides: {names}"
    )))
}

/// The symbols that objects, together, need from elsewhere; not those that may be missing.
pub fn undefined_symbols(objects: &[Vec<u8>]) -> Result<BTreeSet<String>, String> {
    let (mut defined, mut undefined) = (BTreeSet::new(), BTreeSet::new());
    for object in objects {
        let file = object::File::parse(object.as_slice())
            .map_err(|error| format!("LLVM's object can't be read: {error}"))?;
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            if symbol.is_undefined() && !symbol.is_weak() && !name.is_empty() {
                undefined.insert(name.to_string());
            } else if symbol.is_global() {
                defined.insert(name.to_string());
            }
        }
    }
    Ok(&undefined - &defined)
}
