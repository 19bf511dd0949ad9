//! Compilation: from a source text, or a textual `dl` module, to artefacts.

pub use crate::emit::Emit;
pub use crate::options::{ErrorFormat, Options, Remarks, TimeFormat};
pub use crate::temporary::{TempLibrary, compile_mlir_to_library, temporary_library};
use crate::{
    cache,
    destination::Destination,
    gpu::Device,
    pipelines::{CPU, Failed, GPU, Observe, Runner, Selection, Stage, Watch, reproducer},
    render,
    report::Collector,
    source,
    workspace::Workspace,
};
use dlc_abi::{Manifest, symbol};
use dlc_dialects::ir::{
    context::{Record, context},
    edit,
};
pub use dlc_frontend::core::Goal;
use dlc_frontend::source::SourceMap;
pub use dlc_lowering::schedule::knobs;
pub use dlc_lowering::target::gpu::{ARCHITECTURES, Architecture};
use dlc_lowering::{
    remarks,
    schedule::{self, Arch},
};
use dlc_report::Report;
use dlc_runtime::Tensor;
use melior::{Context, ir::Module};
use std::{
    cell::OnceCell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

mod work;

pub(crate) use work::Stats;
use work::{Artefacts, Work};

/// The compiler's name and version, as it stands in manifests.
pub const COMPILER: &str = concat!("dlc ", env!("CARGO_PKG_VERSION"));

/// A source text.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// As shown in messages. A name that ends in `.mlir` is that of a textual `dl` module.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
    /// The prefix of C names, an identifier.
    pub stem: &'a str,
}

/// What is compiled, for messages of passes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    /// The source.
    pub source: &'a Source<'a>,
    /// The files of a DL program; none for a textual module.
    pub sources: &'a SourceMap,
}

/// A source without errors.
#[derive(Debug)]
pub struct Checked {
    /// The warnings, ready to be shown.
    pub diagnostics: String,
}

/// What a compilation made.
#[derive(Debug)]
pub struct Compiled {
    /// The warnings, ready to be shown.
    pub diagnostics: String,
    /// The artefacts asked for.
    pub artefacts: BTreeMap<Emit, Vec<u8>>,
    /// The manifest; without entries if only the syntax tree was asked for.
    pub manifest: Manifest,
    /// The files that the program is made of, the standard library's left out; none if only the syntax tree was asked for.
    pub files: Vec<String>,
    /// The workspaces of the entries, if asked for.
    pub workspaces: Vec<Workspace>,
    /// What there is to tell of the work, if asked for.
    pub report: Option<Report>,
    /// Whether it was made before and kept.
    pub from_cache: bool,
}

/// Why nothing was made.
#[derive(Debug)]
pub enum Failure {
    /// Errors in the source.
    User {
        /// All of them and the warnings, ready to be shown.
        rendered: String,
        /// How many errors.
        errors: usize,
    },
    /// A wrong option: one line, and a line of help.
    Usage(String),
    /// Something outside the compiler failed: one line, and a line of help.
    Io(String),
    /// A bug of the compiler.
    Internal {
        /// What happened.
        message: String,
        /// The IR at which it happens, with the pipeline to run on it.
        ir: Option<String>,
    },
}

impl Failure {
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Failure::Internal {
            message: message.into(),
            ir: None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::User { rendered: text, .. } | Failure::Usage(text) | Failure::Io(text) => {
                f.write_str(text)
            }
            Failure::Internal { message, ir: None } => write!(f, "compiler bug: {message}"),
            Failure::Internal {
                message,
                ir: Some(ir),
            } => write!(f, "compiler bug: {message}\n{ir}"),
        }
    }
}

impl std::error::Error for Failure {}

/// What is known of passes that ran.
#[derive(Default)]
pub(crate) struct Ran {
    /// Passes and times, in order, if kept.
    pub(crate) times: Vec<(String, Duration)>,
    /// What they reported, and still succeeded.
    pub(crate) records: Vec<Record>,
}

/// Compiles with one set of options.
pub struct Session {
    options: Options,
    skipped: Vec<String>,
    context: OnceCell<Context>,
}

impl Session {
    /// A session; MLIR starts when it is first needed.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            skipped: vec![],
            context: OnceCell::new(),
        }
    }

    /// Leaves out passes, which must be among [`pipelines::optional`]: for tests that these only optimise.
    pub fn without(mut self, passes: &[&str]) -> Self {
        self.skipped = passes.iter().map(|pass| pass.to_string()).collect();
        self
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn context(&self) -> &Context {
        self.context.get_or_init(context)
    }

    /// Checks a source.
    pub fn check(&self, source: &Source) -> Result<Checked, Failure> {
        Ok(Checked {
            diagnostics: source::check(self, source)?,
        })
    }

    /// Calls `found` with the name of each file that a source imports, as soon as it is read; the source may have errors.
    pub fn find_imports(source: &Source, found: &dyn Fn(&str)) {
        source::find_imports(source, found);
    }

    pub(crate) fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Makes artefacts, or takes them from the cache where the same was made before.
    pub fn compile(&self, source: &Source, kinds: &[Emit]) -> Result<Compiled, Failure> {
        let destination = Destination::of(&self.options)?;
        let cache = self.options.cache.as_ref();
        let Some((cache, key)) =
            cache.and_then(|cache| Some((cache, cache::key(self, &destination, source, kinds)?)))
        else {
            return self.make(&destination, source, kinds);
        };
        if let Some(found) = cache.get(&key).and_then(|entry| cache::read(&entry)) {
            return Ok(found);
        }
        let made = self.make(&destination, source, kinds)?;
        cache.put(&key, &cache::write(&made));
        Ok(made)
    }

    /// Makes artefacts, with one run of the pipeline, no further than the kinds need.
    fn make(
        &self,
        destination: &Destination,
        source: &Source,
        kinds: &[Emit],
    ) -> Result<Compiled, Failure> {
        let start = Instant::now();
        self.check_pass_names()?;
        let mut artefacts = BTreeMap::new();
        let mut diagnostics = String::new();
        if kinds.contains(&Emit::Ast) {
            let (ast, warnings) = source::ast(self, source)?;
            artefacts.insert(Emit::Ast, ast.into_bytes());
            diagnostics = warnings;
        }
        let place = destination.text();
        if kinds.iter().all(|kind| *kind == Emit::Ast) {
            let manifest = Manifest::new(COMPILER, source.stem, &place, vec![]);
            return Ok(Compiled {
                diagnostics,
                artefacts,
                manifest,
                files: vec![],
                workspaces: vec![],
                report: None,
                from_cache: false,
            });
        }
        let unit = source::emit(self, source)?;
        let mut ran = Ran::default();
        ran.times.push(("(frontend)".into(), start.elapsed()));
        let manifest = Manifest::new(COMPILER, source.stem, &place, unit.entries)
            .with_threads(self.options.threads)
            .with_gpu(self.options.gpu.map(|gpu| gpu.name))
            .with_cpus(&destination.cpus());
        let manifest = match self.options.trace {
            true => manifest.with_tracing(),
            false => manifest,
        };
        let cpu = symbol::cpu(&manifest.stem);
        if !manifest.cpus.is_empty() && manifest.entries.iter().any(|entry| entry.symbol == cpu) {
            return Err(Failure::Usage(format!(
                "the C name `{cpu}` is taken by the library itself, as it has its code for several CPUs\nhelp: give the \
                 export another: `@name(\"other\")` before it"
            )));
        }
        let input = Input {
            source,
            sources: &unit.sources,
        };
        // What the workspace is depends on the target.
        edit::set_attribute(
            unit.module.as_operation(),
            schedule::target::ATTRIBUTE,
            destination.first().target.attribute(self.context()),
        );
        let reports = kinds.contains(&Emit::Report) || kinds.contains(&Emit::Remarks);
        if self.options.remarks.any() || reports {
            // A report has bytes as polynomials, too.
            let none = BTreeMap::new();
            let sizes = if reports { &none } else { &self.options.sizes };
            remarks::ask(self.context(), unit.module.as_operation(), sizes);
        }
        let remarks = match self.options.max_memory {
            Some(most) => {
                let start = Instant::now();
                let remarks = self.fit(input, &unit.module, most)?;
                ran.times.push(("(--max-memory)".into(), start.elapsed()));
                remarks
            }
            None => String::new(),
        };
        let mut work = Work {
            session: self,
            input,
            kinds,
            destination,
            manifest: &manifest,
            made: Artefacts {
                all: artefacts,
                ..Artefacts::default()
            },
            device: Device::default(),
            collector: reports.then(|| Collector::new(input)),
            levels: vec![],
            stats: vec![],
            ran,
        };
        let done = work.run(unit.module);
        if let Some(format) = self.options.time_passes {
            eprint!("{}", render::times(&work.ran, start.elapsed(), format));
        }
        if self.options.stats {
            eprint!("{}", render::stats(&work.stats));
        }
        done?;
        let report = work.report();
        let (made, records) = (work.made, work.ran.records);
        let records = self.options.remarks.shown(records);
        Ok(Compiled {
            diagnostics: unit.diagnostics + &render::remarks(self, input, &records) + &remarks,
            artefacts: made.all,
            manifest,
            files: source::files(source, &unit.sources),
            workspaces: made.workspaces,
            report,
            from_cache: false,
        })
    }

    /// Runs an export on the reference evaluator: takes the leaves of all parameters, in the manifest's order, and
    /// gives those of the `inout` ones and of the result.
    pub fn evaluate(
        &self,
        source: &Source,
        export: &str,
        dims: &BTreeMap<String, i64>,
        leaves: Vec<Tensor>,
    ) -> Result<Vec<Tensor>, Failure> {
        source::evaluate(self, source, export, dims, leaves)
    }

    /// Whether the passes named in options exist.
    fn check_pass_names(&self) -> Result<(), Failure> {
        let known: Vec<_> = CPU
            .iter()
            .chain(GPU)
            .flat_map(|stage| stage.passes)
            .map(|step| step.name())
            .collect();
        for name in &self.options.print_ir_after {
            if name != "all" && !known.contains(&name.as_str()) {
                let close = known.iter().max_by(|a, b| {
                    let likeness = |known: &str| strsim::jaro_winkler(known, name);
                    likeness(a).total_cmp(&likeness(b))
                });
                let close = close.expect("the pipeline has passes");
                return Err(Failure::Usage(format!(
                    "no pass `{name}` in the pipeline\nhelp: a pass with a similar name exists: `{close}`"
                )));
            }
        }
        Ok(())
    }

    /// Whether what is made runs on this machine.
    pub fn is_for_host(&self) -> Result<bool, Failure> {
        Ok(Destination::of(&self.options)?.place.is_host())
    }

    /// Whether modules of WebAssembly are made.
    pub fn is_for_wasm(&self) -> Result<bool, Failure> {
        Ok(Destination::of(&self.options)?.place.arch == Arch::Wasm32)
    }

    /// Runs stages of a pipeline on a module; `after` is called after each.
    pub(crate) fn run_stages<'c>(
        &'c self,
        input: Input,
        module: &mut Module<'c>,
        stages: &'static [Stage],
        ran: &mut Ran,
        after: impl FnMut(usize, &Module<'c>),
    ) -> Result<(), Failure> {
        self.run_watched(input, module, stages, ran, (None, after))
    }

    /// The same; `watch` sees the module before and after each pass, too.
    fn run_watched<'c>(
        &'c self,
        input: Input,
        module: &mut Module<'c>,
        stages: &'static [Stage],
        ran: &mut Ran,
        (mut watch, mut after): (Option<&mut Watch<'_, 'c>>, impl FnMut(usize, &Module<'c>)),
    ) -> Result<(), Failure> {
        let observe = Observe {
            print_ir_after: self.options.print_ir_after.clone(),
            print_ir_after_change: self.options.print_ir_after_change,
            dump_ir: self.options.dump_ir.clone(),
            time_passes: self.options.time_passes.is_some(),
            keep_ir: self.options.keep_ir.clone(),
        };
        let mut runner = Runner::new(self.context(), &observe, self.selection());
        for (i, stage) in stages.iter().enumerate() {
            let result = runner.run(stage, module, watch.as_deref_mut());
            ran.times.append(&mut runner.times);
            ran.records.append(&mut runner.records);
            result.map_err(|failed| self.failure(input, failed))?;
            after(i, module);
        }
        Ok(())
    }

    /// Which passes run.
    pub(crate) fn selection(&self) -> Selection<'_> {
        Selection {
            optimise: self.options.opt_level > 0,
            skipped: &self.skipped,
            limit: self.options.pass_limit,
            fault: self.options.fault,
        }
    }

    pub(crate) fn failure(&self, input: Input, failed: Failed) -> Failure {
        let records = &failed.records;
        if let Some(failure) = render::user_errors(self, input, records) {
            return failure;
        }
        let mut message = format!("`{}` failed", failed.pass);
        for record in records {
            message += &format!("\n{}: {}", record.location, record.message);
            for note in &record.notes {
                message += &format!("\n  {}", note.message);
            }
        }
        Failure::Internal {
            message,
            ir: Some(reproducer(&failed.pass, &failed.ir)),
        }
    }
}
