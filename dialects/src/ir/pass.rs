//! Passes written in Rust: what a pass is, how it fails, and its registration with MLIR, so that textual
//! pipelines and `dlc-opt` know it beside upstream's.

use super::ffi;
use melior::{
    Context, ContextRef, StringRef,
    ir::{Location, OperationRef, operation::OperationLike, r#type::TypeId},
    pass::{self, ExternalPass, RunExternalPass},
};
use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The op that a pass runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// `builtin.module`.
    Module,
    /// `func.func`.
    Func,
}

/// A pass: one file with one of these.
pub struct PassInfo {
    /// Flag of `dlc-opt`, name in pipelines, stem of the pass's file and test.
    pub name: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// What it runs on.
    pub anchor: Anchor,
    /// Whether the pipeline is wrong without it; the others are optimisations.
    pub required: bool,
    /// The work.
    pub run: for<'c, 'a> fn(&'c Context, OperationRef<'c, 'a>) -> Result<(), PassError<'c>>,
}

/// Why a pass could not do its work; becomes an MLIR error at the location.
#[derive(Debug)]
pub struct PassError<'c> {
    /// Where; the anchor's location if not known better.
    pub location: Option<Location<'c>>,
    /// What is wrong and, if it is the user's doing, the way out.
    pub message: String,
    /// What led there, in order.
    pub notes: Vec<(Location<'c>, String)>,
}

impl<'c> PassError<'c> {
    /// An error at an op.
    pub fn at<'a>(op: &impl OperationLike<'c, 'a>, message: impl Into<String>) -> Self
    where
        'c: 'a,
    {
        Self {
            location: Some(op.location()),
            message: message.into(),
            notes: vec![],
        }
    }

    /// The same error with a further note at a location.
    pub fn note(mut self, location: Location<'c>, message: impl Into<String>) -> Self {
        self.notes.push((location, message.into()));
        self
    }
}

impl From<melior::Error> for PassError<'_> {
    fn from(error: melior::Error) -> Self {
        Self {
            location: None,
            message: error.to_string(),
            notes: vec![],
        }
    }
}

/// Reports something at a location that the user should know of a pass that succeeds, with notes, through MLIR's
/// diagnostics. The message begins with the code of its page.
pub fn emit_remark(location: Location, message: &str, notes: &[(Location, String)]) {
    emit(false, location, message, notes);
}

fn emit(is_error: bool, location: Location, message: &str, notes: &[(Location, String)]) {
    let places = notes.iter().map(|(l, _)| l.to_raw()).collect::<Vec<_>>();
    let texts = notes
        .iter()
        .map(|(_, t)| StringRef::new(t).to_raw())
        .collect::<Vec<_>>();
    unsafe {
        ffi::dlcEmit(
            is_error,
            location.to_raw(),
            StringRef::new(message).to_raw(),
            notes.len() as isize,
            places.as_ptr(),
            texts.as_ptr(),
        );
    }
}

/// Makes passes known to MLIR's registry, from which pipelines are parsed. Call once for a process.
pub fn register(passes: &'static [PassInfo]) {
    for info in passes {
        let registered: &'static Registered = Box::leak(Box::new(Registered { info, id: Id }));
        unsafe {
            ffi::dlcRegisterPass(create, registered as *const Registered as *mut c_void);
        }
    }
}

/// A type id is the address of something aligned to 8 bytes that is never freed.
#[repr(align(8))]
struct Id;

#[repr(C, align(8))]
struct Registered {
    info: &'static PassInfo,
    id: Id,
}

extern "C" fn create(data: *mut c_void) -> mlir_sys::MlirPass {
    // `register` leaked it.
    let registered: &'static Registered = unsafe { &*(data as *const Registered) };
    let info = registered.info;
    pass::create_external(
        Run(info),
        TypeId::create(registered),
        info.name,
        info.name,
        info.summary,
        match info.anchor {
            Anchor::Module => "builtin.module",
            Anchor::Func => "func.func",
        },
        &[],
    )
    .to_raw()
}

#[derive(Clone)]
struct Run(&'static PassInfo);

impl<'c> RunExternalPass<'c> for Run {
    fn initialize(&mut self, _context: ContextRef<'c>) {}

    fn run(&mut self, operation: OperationRef<'c, '_>, pass: ExternalPass<'_>) {
        let context = operation.context();
        // The context outlives the pass manager that calls us.
        let context: &'c Context = unsafe { context.to_ref() };
        let result = catch_unwind(AssertUnwindSafe(|| (self.0.run)(context, operation)));
        let (location, message, notes) = match result {
            Ok(Ok(())) => return,
            Ok(Err(error)) => (error.location, error.message, error.notes),
            Err(panic) => {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("unknown cause");
                (None, format!("{INTERNAL}: {text}"), vec![])
            }
        };
        let location = location.unwrap_or_else(|| operation.location());
        emit(
            true,
            location,
            &format!("{}: {message}", self.0.name),
            &notes,
        );
        pass.signal_failure();
    }
}

/// What the message of a failed invariant begins with: a bug of the compiler, not the user's error.
pub const INTERNAL: &str = "internal error";

/// Parses a textual pipeline into a pass manager; the error is MLIR's text.
pub fn parse_pipeline(manager: &pass::PassManager, pipeline: &str) -> Result<(), String> {
    melior::utility::parse_pass_pipeline(manager.as_operation_pass_manager(), pipeline)
        .map_err(|error| error.to_string())
}
