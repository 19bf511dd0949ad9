//! MLIR contexts with every dialect the compiler uses, the text of their diagnostics, and mlir-opt's main.

use super::ffi;
use melior::{
    Context, StringRef,
    diagnostic::{Diagnostic, DiagnosticSeverity},
    dialect::DialectRegistry,
    pass::PassManager,
};
use std::{cell::RefCell, rc::Rc, sync::Once};

/// A registry of MLIR's own dialects, with their extensions, and `dl`.
pub fn registry() -> DialectRegistry {
    let registry = DialectRegistry::new();
    unsafe {
        ffi::dlcRegisterDialects(registry.to_raw());
        mlir_sys::mlirDialectHandleInsertDialect(
            ffi::mlirGetDialectHandle__dl__(),
            registry.to_raw(),
        );
    }
    registry
}

/// A context with all dialects loaded and LLVM translations registered. Passes run on one thread, so that
/// output and diagnostics come in one order.
pub fn context() -> Context {
    let context = Context::new();
    context.append_dialect_registry(&registry());
    context.enable_multi_threading(false);
    context.load_all_available_dialects();
    #[cfg(not(target_family = "wasm"))]
    melior::utility::register_all_llvm_translations(&context);
    context
}

/// Registers MLIR's own passes, once in a process; on WebAssembly those of the first stage, as there are no others.
pub fn register_upstream_passes() {
    static ONCE: Once = Once::new();
    #[cfg(not(target_family = "wasm"))]
    ONCE.call_once(melior::utility::register_all_passes);
    #[cfg(target_family = "wasm")]
    ONCE.call_once(|| unsafe { ffi::dlcRegisterPasses() });
}

/// A diagnostic of MLIR as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whether it is an error; else a warning or remark.
    pub error: bool,
    /// MLIR's text of the location, such as `loc("a.dl":3:4)`.
    pub location: String,
    /// The message.
    pub message: String,
    /// The attached notes.
    pub notes: Vec<Note>,
}

/// A note of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// MLIR's text of the location.
    pub location: String,
    /// The message.
    pub message: String,
}

/// Runs `f` and collects what MLIR reported meanwhile. This is the one place where a diagnostic handler is attached.
pub fn with_diagnostics<T>(context: &Context, f: impl FnOnce() -> T) -> (T, Vec<Record>) {
    let records = Rc::new(RefCell::new(vec![]));
    let sink = records.clone();
    let id = context.attach_diagnostic_handler(move |diagnostic: Diagnostic| {
        sink.borrow_mut().push(Record {
            error: matches!(diagnostic.severity(), DiagnosticSeverity::Error),
            location: diagnostic.location().to_string(),
            message: diagnostic.to_string(),
            notes: (0..diagnostic.note_count())
                .filter_map(|i| diagnostic.note(i).ok())
                .map(|note| Note {
                    location: note.location().to_string(),
                    message: note.to_string(),
                })
                .collect(),
        });
        true
    });
    let value = f();
    context.detach_diagnostic_handler(id);
    let records = records.take();
    (value, records)
}

/// Lets a pass manager write IR and pipeline to `path` when a pass fails or crashes; `dlc-opt
/// --run-reproducer` replays it.
pub fn enable_reproducer(manager: &PassManager, path: &str) {
    unsafe {
        ffi::dlcPassManagerEnableReproducer(manager.to_raw(), StringRef::new(path).to_raw());
    }
}
