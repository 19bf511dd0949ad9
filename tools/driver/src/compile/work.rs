//! One compilation: from a `dl` module to the artefacts asked for.

use super::{Emit, Failure, Input, Ran, Session};
use crate::{
    codegen, cpp,
    destination::Destination,
    gpu::{self, Device},
    header, js, link,
    pipelines::{CPU, Watch},
    python,
    report::{self, Collector, Places},
    rust_bindings, source,
    workspace::{self, Workspace},
};
use dlc_abi::Manifest;
use dlc_dialects::ir::edit;
use dlc_lowering::{
    choice::CHOOSES,
    schedule::{self, Arch},
    target::{Form, Made, gpu::ARCHITECTURES},
    trace::{TRACE_FILES, TRACED},
    variants::{self, VARIANT, VARIANTS},
    walk,
};
use dlc_report::Report;
use melior::ir::{
    Attribute, Module, RegionLike,
    attribute::{ArrayAttribute, StringAttribute},
    operation::OperationLike,
};
use std::{cell::RefCell, collections::BTreeMap, time::Instant};

/// One compilation.
pub(super) struct Work<'x> {
    pub session: &'x Session,
    pub input: Input<'x>,
    pub kinds: &'x [Emit],
    pub destination: &'x Destination,
    pub manifest: &'x Manifest,
    pub made: Artefacts,
    pub device: Device,
    /// What looks on, if a report is asked for.
    pub collector: Option<Collector<'x>>,
    /// What LLVM made for the report.
    pub levels: Vec<(&'static str, String)>,
    /// What the program consists of at each level, if asked for.
    pub stats: Vec<Stats>,
    pub ran: Ran,
}

/// What a compilation made.
#[derive(Default)]
pub(super) struct Artefacts {
    pub all: BTreeMap<Emit, Vec<u8>>,
    /// The workspaces of the entries, if asked for.
    pub workspaces: Vec<Workspace>,
    /// Whether the program prints.
    pub prints: bool,
}

/// How much of a program there is at a level.
pub(crate) struct Stats {
    /// The level.
    pub name: &'static str,
    /// Its functions with a body.
    pub functions: usize,
    /// Its operations, by dialect.
    pub operations: BTreeMap<String, usize>,
}

impl Stats {
    fn of(name: &'static str, module: &Module) -> Self {
        let mut stats = Self {
            name,
            functions: 0,
            operations: BTreeMap::new(),
        };
        for op in walk::inside(module.as_operation()) {
            let full = edit::name(op);
            let dialect = full.split('.').next().unwrap_or(full);
            *stats.operations.entry(dialect.to_string()).or_default() += 1;
            let has_body = op.region(0).is_ok_and(|body| body.first_block().is_some());
            stats.functions += usize::from(full.ends_with(".func") && has_body);
        }
        stats
    }
}

impl<'x> Work<'x> {
    /// Makes all that is asked for of a `dl` module.
    pub fn run(&mut self, module: Module<'x>) -> Result<(), Failure> {
        if self.kinds.contains(&Emit::Js) && self.destination.place.arch != Arch::Wasm32 {
            return Err(Failure::Usage(
                "`--emit=js` calls a module of WebAssembly\nhelp: add `--target wasm32-unknown-unknown`".into(),
            ));
        }
        let loads_shared = |kind: &&Emit| [Emit::Python, Emit::Wheel].contains(kind);
        if let Some(kind) = self.kinds.iter().find(loads_shared)
            && self.destination.place.arch == Arch::Wasm32
        {
            return Err(Failure::Usage(format!(
                "`--emit={}` needs a shared library, and WebAssembly has none\nhelp: take `--emit=cdylib,js`",
                kind.name()
            )));
        }
        self.descriptions();
        let mut stages = self.kinds.iter().map(|kind| kind.stage());
        if stages.any(|stage| stage >= Emit::Loops.stage()) {
            source::exported_or_private(self.input.source, &module)?;
        }
        self.device(&module)?;
        self.lower(module)
    }

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
            destination: self.destination,
            architecture,
            kinds: self.kinds,
        };
        if made_for.is_wanted() {
            self.device = gpu::make(self.session, self.input, module, &made_for, &mut self.ran)?;
            self.made.all.append(&mut self.device.artefacts);
        }
        Ok(())
    }

    /// The artefacts that follow from the manifest.
    fn descriptions(&mut self) {
        for kind in self.kinds {
            let text = match kind {
                Emit::Header => header::generate(self.manifest),
                Emit::Hpp => cpp::generate(self.manifest),
                Emit::Rust => rust_bindings::generate(self.manifest),
                Emit::Python => python::generate(self.manifest),
                Emit::Js => js::generate(self.manifest),
                Emit::Manifest => self.manifest.to_json(),
                Emit::Schedule => schedule::knobs::text(&self.destination.first().target),
                _ => continue,
            };
            self.made.all.insert(*kind, text.into_bytes());
        }
    }

    /// The artefacts that come from the module.
    fn lower(&mut self, module: Module<'x>) -> Result<(), Failure> {
        let Some(last) = self.kinds.iter().filter_map(|kind| kind.stage()).max() else {
            return Ok(());
        };
        let context = self.session.context();
        let op = module.as_operation();
        let text = |text: &str| StringAttribute::new(context, text).into();
        edit::set_attribute(op, "dl.stem", text(&self.manifest.stem));
        edit::set_attribute(op, "dl.abi_hash", text(&self.manifest.abi_hash));
        if gpu::chooses(&self.session.options, self.destination) {
            edit::set_attribute(op, CHOOSES, Attribute::unit(context));
        }
        if self.session.options.trace {
            edit::set_attribute(op, TRACED, Attribute::unit(context));
            if self.destination.first().processor.triple.contains("-linux") {
                edit::set_attribute(op, TRACE_FILES, Attribute::unit(context));
            }
        }
        let forms = self.forms();
        let mut made = Made::default();
        for (number, mut module) in self.variants(module).into_iter().enumerate() {
            match number {
                0 => self.first(&mut module, last)?,
                _ => self.other(&mut module, last)?,
            }
            made.add(self.code(&module, number, &forms)?);
        }
        match forms.is_empty() {
            true => Ok(()),
            false => self.link(made),
        }
    }

    /// A copy of the module for each CPU that there is code for, in their order.
    fn variants(&self, module: Module<'x>) -> Vec<Module<'x>> {
        let context = self.session.context();
        let cpus = &self.manifest.cpus;
        let text = |text: &String| StringAttribute::new(context, text).into();
        let names: Vec<_> = cpus.iter().map(text).collect();
        let names = ArrayAttribute::new(context, &names);
        let mut copies: Vec<_> = (1..cpus.len())
            .map(|_| edit::clone_module(&module))
            .collect();
        copies.insert(0, module);
        for (i, copy) in copies.iter().enumerate() {
            let op = copy.as_operation();
            let target = &self.destination.variants[i].target;
            edit::set_attribute(op, schedule::target::ATTRIBUTE, target.attribute(context));
            if let Some(cpu) = cpus.get(i) {
                edit::set_attribute(op, VARIANT, text(cpu));
                edit::set_attribute(op, VARIANTS, names.into());
            }
        }
        copies
    }

    /// What LLVM is to make.
    fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<_> = self.kinds.iter().filter_map(|kind| kind.form()).collect();
        forms.sort();
        forms.dedup();
        forms
    }

    /// Lowers the module of the first variant, which is the one that can be looked at.
    fn first(&mut self, module: &mut Module<'x>, last: usize) -> Result<(), Failure> {
        let (session, input, kinds) = (self.session, self.input, self.kinds);
        let tells = kinds.contains(&Emit::Memory) || kinds.contains(&Emit::Report);
        if tells {
            let asked = Attribute::unit(session.context());
            edit::set_attribute(module.as_operation(), dlc_lowering::workspace::ASKED, asked);
        }
        let mut workspaces = Ok(vec![]);
        let artefacts = &mut self.made.all;
        let mut stats = vec![];
        let looks_on = self.collector.is_some();
        let collector = RefCell::new(self.collector.take());
        let looks = |look: &mut dyn FnMut(&mut Collector<'x>)| {
            if let Some(collector) = collector.borrow_mut().as_mut() {
                look(collector);
            }
        };
        let mut watch = |moment, module: &Module<'x>| {
            looks(&mut |collector| collector.see(moment, module));
        };
        let watch: Option<&mut Watch> = match looks_on {
            true => Some(&mut watch),
            false => None,
        };
        session.run_watched(
            input,
            module,
            &CPU[..=last],
            &mut self.ran,
            (watch, |stage: usize, module: &Module<'x>| {
                if session.options.stats {
                    stats.push(Stats::of(CPU[stage].name, module));
                }
                if kinds.contains(&Emit::Report) {
                    looks(&mut |collector| collector.level(CPU[stage].name, module));
                }
                for kind in kinds
                    .iter()
                    .filter(|kind| kind.stage() == Some(stage) && kind.form().is_none())
                    .filter(|kind| ![Emit::Memory, Emit::Report, Emit::Remarks].contains(kind))
                {
                    artefacts.insert(*kind, module.as_operation().to_string().into_bytes());
                }
                if tells && Emit::Memory.stage() == Some(stage) {
                    workspaces = workspace::of(input, module, &session.options.sizes);
                }
            }),
        )?;
        self.collector = collector.into_inner();
        self.stats = stats;
        self.made.workspaces = workspaces?;
        match kinds.contains(&Emit::Report) {
            true => self.levels_of_code(module),
            false => Ok(()),
        }
    }

    /// Lowers the module of another variant.
    fn other(&mut self, module: &mut Module<'x>, last: usize) -> Result<(), Failure> {
        let stages = &CPU[..=last];
        self.session
            .run_stages(self.input, module, stages, &mut self.ran, |_, _| ())
    }

    /// What LLVM makes of the module for the report, with the places of all instructions where that can be had.
    fn levels_of_code(&mut self, module: &Module<'x>) -> Result<(), Failure> {
        let session = self.session;
        let exported = self.manifest.exported_symbols();
        let emit = |module: &Module<'x>| {
            let (stem, forms) = (&self.manifest.stem, [Form::LlvmIr, Form::Assembly]);
            codegen::emit(
                module,
                (stem, &exported),
                self.destination.first(),
                (&session.options, session.options.llvm_level(CPU)),
                &forms,
            )
        };
        let made = match self.placed(module, |places, file| places.ir_name(file)) {
            Some(placed) => emit(&placed).or_else(|_| emit(module)),
            None => emit(module),
        }?;
        let text = |bytes: Option<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        self.levels.push((Emit::LlvmIr.name(), text(made.ir)));
        self.levels.push((Emit::Asm.name(), text(made.assembly)));
        Ok(())
    }

    /// A copy of a module of which LLVM keeps the places, if that can be had. `name` gives what it calls a file.
    fn placed(
        &self,
        module: &Module<'x>,
        name: impl Fn(&Places, usize) -> Option<String>,
    ) -> Option<Module<'x>> {
        let mut placed = edit::clone_module(module);
        let mut places = Places::new(self.input);
        let context = self.session.context();
        report::with_debug_info(context, &mut placed, &mut places, name).then_some(placed)
    }

    /// What there is to tell, if it was asked for.
    pub fn report(&mut self) -> Option<Report> {
        let collector = self.collector.take()?;
        let mut levels = std::mem::take(&mut self.levels);
        levels.append(&mut self.device.levels);
        Some(collector.finish(report::Done {
            session: self.session,
            manifest: self.manifest,
            ran: &self.ran,
            workspaces: &self.made.workspaces,
            levels,
        }))
    }

    /// What LLVM makes of the module of a variant: only the code of the first can be looked at.
    fn code(
        &mut self,
        module: &Module<'x>,
        number: usize,
        forms: &[Form],
    ) -> Result<Made, Failure> {
        let first = number == 0;
        let mut forms = forms.to_vec();
        forms.retain(|form| first || *form == Form::Object);
        if forms.is_empty() {
            return Ok(Made::default());
        }
        let stem = &self.manifest.stem;
        // Another name for each, as names between parts come from it.
        let name = match number {
            0 => stem.clone(),
            _ => format!("{stem}_{number}"),
        };
        let placed = match self.session.options.debug_info {
            true => self.placed(module, |places, file| places.path(file)),
            false => None,
        };
        let module = placed.as_ref().unwrap_or(module);
        let variant = &self.destination.variants[number];
        let options = (&self.session.options, self.session.options.llvm_level(CPU));
        let exported = self.manifest.exported_symbols();
        let mut made = codegen::emit(module, (&name, &exported), variant, options, &forms)?;
        self.made.prints |= codegen::prints(module);
        if first && !self.manifest.cpus.is_empty() && forms.contains(&Form::Object) {
            let text = variants::module(stem, &self.manifest.cpus);
            let module = Module::parse(self.session.context(), &text)
                .ok_or_else(|| Failure::internal("what chooses a CPU does not parse"))?;
            let name = variants::choice(stem);
            let object = [Form::Object];
            let choice = codegen::emit(&module, (&name, &exported), variant, options, &object)?;
            made.objects.extend(choice.objects);
        }
        Ok(made)
    }

    /// What is made of objects.
    fn link(&mut self, mut made: Made) -> Result<(), Failure> {
        made.objects.append(&mut self.device.objects);
        // What passes do plainly may call libm, which the compiler's own process has.
        if self.session.options.pass_limit.is_none() {
            codegen::check(&made.objects, self.made.prints, self.manifest.traced)?;
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
            self.made.all.insert(*kind, bytes);
        }
        self.ran.times.push(("(linking)".into(), start.elapsed()));
        Ok(())
    }
}
