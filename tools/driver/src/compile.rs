//! Compilation: from a source text, or a textual `dl` module, to artefacts.

pub use crate::emit::Emit;
pub use crate::options::{ErrorFormat, Options};
pub use crate::temporary::{TempLibrary, compile_mlir_to_library, temporary_library};
use crate::{
    cache, codegen,
    gpu::{self, Device},
    header, link,
    pipelines::{CPU, Failed, GPU, Observe, Runner, Selection, Stage, reproducer},
    render, rust_bindings, source,
    workspace::{self, Workspace},
};
use dlc_abi::Manifest;
use dlc_dialects::ir::{
    context::{Record, context},
    edit,
};
pub use dlc_frontend::core::Goal;
use dlc_frontend::source::SourceMap;
pub use dlc_lowering::schedule::knobs;
use dlc_lowering::schedule::{self, Target};
pub use dlc_lowering::target::gpu::{ARCHITECTURES, Architecture};
use dlc_lowering::{choice::CHOOSES, remarks};
use dlc_runtime::Tensor;
use melior::{
    Context,
    ir::{Attribute, Module, attribute::StringAttribute},
};
use std::{
    cell::OnceCell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

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
        let target = self.target()?;
        let cache = self.options.cache.as_ref();
        let Some((cache, key)) =
            cache.and_then(|cache| Some((cache, cache::key(self, &target, source, kinds)?)))
        else {
            return self.make(target, source, kinds);
        };
        if let Some(found) = cache.get(&key).and_then(|entry| cache::read(&entry)) {
            return Ok(found);
        }
        let made = self.make(target, source, kinds)?;
        cache.put(&key, &cache::write(&made));
        Ok(made)
    }

    /// Makes artefacts, with one run of the pipeline, no further than the kinds need.
    fn make(&self, target: Target, source: &Source, kinds: &[Emit]) -> Result<Compiled, Failure> {
        let start = Instant::now();
        self.check_pass_names()?;
        let mut artefacts = BTreeMap::new();
        let mut diagnostics = String::new();
        if kinds.contains(&Emit::Ast) {
            let (ast, warnings) = source::ast(self, source)?;
            artefacts.insert(Emit::Ast, ast.into_bytes());
            diagnostics = warnings;
        }
        let triple = dlc_lowering::target::host_triple();
        let place = format!("{triple} {}", target.cpu);
        if kinds.iter().all(|kind| *kind == Emit::Ast) {
            let manifest = Manifest::new(COMPILER, source.stem, &place, vec![]);
            return Ok(Compiled {
                diagnostics,
                artefacts,
                manifest,
                files: vec![],
                workspaces: vec![],
                from_cache: false,
            });
        }
        let unit = source::emit(self, source)?;
        let mut ran = Ran::default();
        ran.times.push(("(frontend)".into(), start.elapsed()));
        let manifest = Manifest::new(COMPILER, source.stem, &place, unit.entries)
            .with_threads(self.options.threads)
            .with_gpu(self.options.gpu.map(|gpu| gpu.name));
        let input = Input {
            source,
            sources: &unit.sources,
        };
        // What the workspace is depends on the target.
        edit::set_attribute(
            unit.module.as_operation(),
            schedule::target::ATTRIBUTE,
            target.attribute(self.context()),
        );
        if self.options.fusion_remarks {
            remarks::ask(
                self.context(),
                unit.module.as_operation(),
                &self.options.sizes,
            );
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
            target,
            manifest: &manifest,
            artefacts,
            workspaces: vec![],
            device: Device::default(),
            ran,
        };
        work.descriptions();
        work.device(&unit.module)?;
        let lowered = work.lower(unit.module);
        if self.options.time_passes {
            eprint!("{}", render::times(&work.ran.times, start.elapsed()));
        }
        lowered?;
        let (artefacts, records, workspaces) = (work.artefacts, work.ran.records, work.workspaces);
        Ok(Compiled {
            diagnostics: unit.diagnostics + &render::remarks(self, input, &records) + &remarks,
            artefacts,
            manifest,
            files: source::files(source, &unit.sources),
            workspaces,
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

    /// What schedules may assume.
    fn target(&self) -> Result<Target, Failure> {
        let cpu = self.options.target_cpu.as_str();
        let target = match cpu {
            "native" => Target::native(),
            _ => Target::named(cpu).ok_or_else(|| {
                let known: Vec<_> = schedule::Target::names().collect();
                Failure::Usage(format!(
                    "unknown CPU `{cpu}`\nhelp: `native`, or one of {}",
                    known.join(", ")
                ))
            })?,
        };
        Ok(Target {
            cores: self.options.threads.into(),
            knobs: self.options.knobs.clone(),
            ..target
        })
    }

    /// Runs stages of a pipeline on a module; `after` is called after each.
    pub(crate) fn run_stages<'c>(
        &'c self,
        input: Input,
        module: &mut Module<'c>,
        stages: &[Stage],
        ran: &mut Ran,
        mut after: impl FnMut(usize, &Module<'c>),
    ) -> Result<(), Failure> {
        let observe = Observe {
            print_ir_after: self.options.print_ir_after.clone(),
            dump_ir: self.options.dump_ir.clone(),
            time_passes: self.options.time_passes,
            keep_ir: self.options.keep_ir.clone(),
        };
        let mut runner = Runner::new(self.context(), &observe, self.selection());
        for (i, stage) in stages.iter().enumerate() {
            let result = runner.run(stage, module);
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

/// One compilation.
struct Work<'x> {
    session: &'x Session,
    input: Input<'x>,
    kinds: &'x [Emit],
    target: Target,
    manifest: &'x Manifest,
    artefacts: BTreeMap<Emit, Vec<u8>>,
    workspaces: Vec<Workspace>,
    device: Device,
    ran: Ran,
}

impl<'x> Work<'x> {
    /// What is made for the GPU, if one is asked for.
    fn device(&mut self, module: &Module<'x>) -> Result<(), Failure> {
        let Some(architecture) = self.session.options.gpu else {
            let mut kinds = self.kinds.iter();
            return match kinds.find(|kind| kind.is_of_device()) {
                Some(kind) => Err(Failure::Usage(format!(
                    "`--emit={}` is of what is made for a GPU, and none is given\nhelp: add `--gpu {}`",
                    kind.name(),
                    ARCHITECTURES[0].name
                ))),
                None => Ok(()),
            };
        };
        let made_for = gpu::For {
            manifest: self.manifest,
            host: &self.target,
            architecture,
            kinds: self.kinds,
        };
        if made_for.is_wanted() {
            self.device = gpu::make(self.session, self.input, module, &made_for, &mut self.ran)?;
            self.artefacts.append(&mut self.device.artefacts);
        }
        Ok(())
    }

    /// The artefacts that follow from the manifest.
    fn descriptions(&mut self) {
        for kind in self.kinds {
            let text = match kind {
                Emit::Header => header::generate(self.manifest),
                Emit::Rust => rust_bindings::generate(self.manifest),
                Emit::Manifest => self.manifest.to_json(),
                Emit::Schedule => schedule::knobs::text(&self.target),
                _ => continue,
            };
            self.artefacts.insert(*kind, text.into_bytes());
        }
    }

    /// The artefacts that come from the module.
    fn lower(&mut self, mut module: Module<'x>) -> Result<(), Failure> {
        let Some(last) = self.kinds.iter().filter_map(|kind| kind.stage()).max() else {
            return Ok(());
        };
        let context = self.session.context();
        let op = module.as_operation();
        let text = |text: &str| StringAttribute::new(context, text).into();
        edit::set_attribute(op, "dl.stem", text(&self.manifest.stem));
        edit::set_attribute(op, "dl.abi_hash", text(&self.manifest.abi_hash));
        if gpu::chooses(&self.session.options) {
            edit::set_attribute(op, CHOOSES, Attribute::unit(context));
        }
        let (session, input, kinds) = (self.session, self.input, self.kinds);
        let tells = kinds.contains(&Emit::Memory);
        if tells {
            edit::set_attribute(op, dlc_lowering::workspace::ASKED, Attribute::unit(context));
        }
        let mut workspaces = Ok(vec![]);
        let artefacts = &mut self.artefacts;
        session.run_stages(
            input,
            &mut module,
            &CPU[..=last],
            &mut self.ran,
            |stage, module| {
                for kind in kinds
                    .iter()
                    .filter(|kind| kind.stage() == Some(stage) && kind.form().is_none())
                    .filter(|kind| **kind != Emit::Memory)
                {
                    artefacts.insert(*kind, module.as_operation().to_string().into_bytes());
                }
                if tells && Emit::Memory.stage() == Some(stage) {
                    workspaces = workspace::of(input, module, &session.options.sizes);
                }
            },
        )?;
        self.workspaces = workspaces?;
        self.code(&module)
    }

    /// What LLVM makes.
    fn code(&mut self, module: &Module<'x>) -> Result<(), Failure> {
        let mut forms: Vec<_> = self.kinds.iter().filter_map(|kind| kind.form()).collect();
        if forms.is_empty() {
            return Ok(());
        }
        forms.sort();
        forms.dedup();
        let options = &self.session.options;
        let exported = self.manifest.exported_symbols();
        let mut made = codegen::emit(
            module,
            &exported,
            &self.manifest.stem,
            (options, options.llvm_level(CPU)),
            &self.target,
            &forms,
        )?;
        made.objects.append(&mut self.device.objects);
        // What passes do plainly may call libm, which the compiler's own process has.
        if options.pass_limit.is_none() {
            codegen::check(&made.objects, codegen::prints(module))?;
        }
        let times = made.times.iter();
        let times = times.map(|(name, time)| (name.to_string(), *time));
        self.ran.times.extend(times);
        let stem = &self.manifest.stem;
        let start = Instant::now();
        for kind in self.kinds {
            let bytes = match kind {
                Emit::LlvmIr => Ok(made.ir.clone().unwrap_or_default()),
                Emit::Asm => Ok(made.assembly.clone().unwrap_or_default()),
                Emit::Obj => link::object(&made.objects),
                Emit::Staticlib => link::static_library(stem, &made.objects),
                Emit::Cdylib => {
                    link::shared_library(stem, &made.objects, &self.manifest.exported_symbols())
                }
                _ => continue,
            };
            let bytes =
                bytes.map_err(|error| Failure::Io(format!("{error}\nhelp: {}", error.help())))?;
            self.artefacts.insert(*kind, bytes);
        }
        self.ran.times.push(("(linking)".into(), start.elapsed()));
        Ok(())
    }
}
