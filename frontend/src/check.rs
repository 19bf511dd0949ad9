//! The checker: from the syntax tree to the typed core, in one walk over each function.
//!
//! Note [Functions and instances]. Every function is checked once by itself, with its dims as unknowns, so that its
//! errors are shown even if nobody calls it. A call names an *instance*: the function with the dims that are known
//! numbers at the call put in. An instance is checked again with these numbers (errors of the first check are not
//! repeated) and becomes one function of the core. What needs a number that only an instance has, such as the length
//! of a list, makes the first check leave that part alone. Functions that take function values, and function values
//! themselves, are put in place at the call.
//!
//! Note [Reported]. What cannot be given a value has been reported; it is passed on as `Err(Reported)` or
//! `Value::Error`, and whatever meets it is silent. So one mistake gives one message.

mod arguments;
mod assign;
mod assigned;
pub(crate) mod batch;
pub(crate) mod binary;
mod branch;
mod build;
pub(crate) mod call;
pub(crate) mod class;
pub(crate) mod consts;
pub(crate) mod convert;
mod counted;
mod declared;
pub(crate) mod derivative;
pub(crate) mod dims;
pub(crate) mod directional;
mod env;
mod export;
mod expr;
mod facts;
mod frame;
mod function;
mod gather;
mod generic;
mod grad;
mod guard;
mod index;
mod items;
mod jacobian;
mod keys;
mod list;
mod lookup;
mod loops;
mod mismatch;
mod names;
mod pad;
mod precision;
mod recursion;
mod region;
mod rules;
mod scalars;
pub(crate) mod seen;
mod slice;
mod stmt;
mod tests_item;
mod trees;
pub(crate) mod types;
mod unify;
mod unroll;
mod update;
pub(crate) mod value;

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

pub(crate) use self::consts::Number;
pub(crate) use self::types::Ty;
pub(crate) use self::value::{FnValue, NodeId, Reported, Res, Value};

use crate::ast::Span;
use crate::core::{Func, Options, Program, Test};
use crate::diagnostic::{Code, Diagnostic};
use crate::modules::Files;
use crate::source::SourceMap;

use self::env::{FnContext, Scope};
use self::frame::Frame;
use self::items::{ConstItem, FnItem, StructItem};
use self::seen::Seen;

/// The stack of the thread that checks: enough for the deepest tree inside the deepest inlining.
#[cfg(not(target_family = "wasm"))]
const STACK_BYTES: usize = 512 << 20;

/// The deepest nesting of expressions, those of inlined functions counted.
const MAX_EVAL_DEPTH: usize = 3000;

/// The most nodes in one function of the core.
const MAX_NODES: usize = 1 << 18;

/// Checks files that have been parsed. `None` if there is any error in `diagnostics`, which may hold the parser's.
pub(crate) fn check_files(
    files: &Files,
    options: Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Program> {
    let (program, found, _) = checked(files, options, None);
    diagnostics.extend(found);
    crate::diagnostic::sort(diagnostics);
    (!diagnostics.iter().any(Diagnostic::is_error)).then_some(program)
}

/// Checks files that have been parsed, for what is seen of their places.
pub(crate) fn see_files(files: &Files) -> (Seen, Vec<Diagnostic>) {
    let (_, found, seen) = checked(files, Options::default(), Some(Seen::default()));
    (seen.unwrap_or_default(), found)
}

fn checked(
    files: &Files,
    options: Options,
    seen: Option<Seen>,
) -> (Program, Vec<Diagnostic>, Option<Seen>) {
    with_stack(|| {
        let mut checker = Checker::new(files, options);
        checker.seen = seen;
        let program = checker.run();
        (program, checker.diagnostics, checker.seen)
    })
}

/// Works on a thread of its own, since the caller's stack may be small.
#[cfg(not(target_family = "wasm"))]
fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("check".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        match thread.expect("a thread can be started").join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// There is one thread only, with the stack that it has.
#[cfg(target_family = "wasm")]
fn with_stack<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// What a function is being checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By itself, its dims unknown; what needs more is left alone.
    Definition,
    /// As part of the program.
    Program,
}

/// All that is known while checking a file.
pub(crate) struct Checker<'a> {
    pub(crate) sources: &'a SourceMap,
    files: &'a Files,
    options: Options,
    consts: Vec<ConstItem<'a>>,
    structs: Vec<StructItem<'a>>,
    fns: Vec<FnItem<'a>>,
    /// The names of each file.
    names: Vec<names::Names>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    mode: Mode,
    frames: Vec<Frame>,
    next_frame: u32,
    scope: Rc<Scope<'a>>,
    funcs: Vec<Option<Func>>,
    /// The number of parts of each struct type.
    tree_sizes: HashMap<(usize, Vec<crate::core::Dim>), u64>,
    instances: HashMap<function::InstanceKey, usize>,
    queue: VecDeque<function::Instance>,
    func_names: HashMap<String, usize>,
    /// Who calls whom, and where.
    calls: Vec<(usize, usize, Span)>,
    /// Where each key was used.
    keys: keys::Keys,
    /// What errors made unknown, and what it was.
    poisoned: Vec<(Rc<Scope<'a>>, &'a str, Value<'a>)>,
    /// The body, by its frame, that is given up since the loop has to be unrolled. Nothing is evaluated until then.
    unrolling: Option<u32>,
    /// The loops known to be unrolled: in which function under construction, and where.
    unrolled: HashSet<(u32, Span)>,
    /// What the type parameters of the item whose types are being resolved stand for.
    declaring: Option<Rc<generic::Generics>>,
    /// What the test that is being checked asserts so far; nothing outside of tests.
    asserted: Option<tests_item::Asserted>,
    tests: Vec<Test>,
    /// Whether the value of a constant is being found.
    in_const: bool,
    /// The constants whose values are being found, each for the one before it.
    const_path: Vec<usize>,
    eval_depth: usize,
    too_deep: bool,
    /// How many rounds of loops that are unrolled have made no operation.
    idle_rounds: usize,
    /// How many names there were that nothing has.
    unknown_names: usize,
    /// What is seen of each place, where somebody asks for it.
    seen: Option<Seen>,
}

impl<'a> Checker<'a> {
    fn new(files: &'a Files, options: Options) -> Self {
        let context = FnContext {
            name: String::new(),
            item: None,
            dims: Default::default(),
            inlined: Vec::new(),
            precision: None,
        };
        Self {
            sources: &files.sources,
            files,
            options,
            consts: Vec::new(),
            structs: Vec::new(),
            fns: Vec::new(),
            names: Vec::new(),
            diagnostics: Vec::new(),
            mode: Mode::Program,
            frames: Vec::new(),
            next_frame: 0,
            scope: Scope::root(Rc::new(context)),
            funcs: Vec::new(),
            tree_sizes: HashMap::new(),
            instances: HashMap::new(),
            queue: VecDeque::new(),
            func_names: HashMap::new(),
            calls: Vec::new(),
            keys: keys::Keys::default(),
            poisoned: Vec::new(),
            unrolling: None,
            unrolled: HashSet::new(),
            declaring: None,
            asserted: None,
            tests: Vec::new(),
            in_const: false,
            const_path: Vec::new(),
            eval_depth: 0,
            too_deep: false,
            idle_rounds: 0,
            unknown_names: 0,
            seen: None,
        }
    }

    fn run(&mut self) -> Program {
        self.collect_items();
        self.qualify_structs();
        self.resolve_uses();
        self.resolve_items();
        self.check_functions();
        self.check_tests();
        if !self.check_recursion() {
            self.check_instances();
            self.check_recursion();
        }
        self.collect_failures();
        let entries = self.manifest_entries();
        if self.seen.is_some() {
            self.keep_program();
        }
        Program {
            funcs: std::mem::take(&mut self.funcs)
                .into_iter()
                .flatten()
                .collect(),
            entries,
            tests: std::mem::take(&mut self.tests),
            stem: self.stem(),
        }
    }

    /// Reports something.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported
    }

    /// Reports an error with nothing but a message.
    pub(crate) fn error<T>(
        &mut self,
        code: Code,
        message: impl Into<String>,
        span: Span,
    ) -> Res<T> {
        Err(self.report(Diagnostic::error(code, message, span)))
    }

    /// Reports a construct that is not supported yet.
    pub(crate) fn not_yet<T>(&mut self, construct: &str, span: Span) -> Res<T> {
        let message = format!("{construct} not supported yet");
        let diagnostic = Diagnostic::error(Code::DL0801, message, span)
            .note("the language has it; this version of the compiler does not");
        Err(self.report(diagnostic))
    }

    /// The text of a span as the user wrote it, on one line.
    pub(crate) fn text(&self, span: Span) -> String {
        self.sources
            .slice(span)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The function under construction.
    pub(crate) fn frame(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("expressions are checked inside a function")
    }
}
