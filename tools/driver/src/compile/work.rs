//! One compilation: from a `dl` module to the artefacts asked for.

use super::{Emit, Failure, Input, Ran, Session};
use crate::{
    codegen, cpp,
    gpu::{self, Device},
    header, link,
    pipelines::{CPU, Watch},
    python,
    report::{self, Collector, Places},
    rust_bindings,
    workspace::{self, Workspace},
};
use dlc_abi::Manifest;
use dlc_dialects::ir::edit;
use dlc_lowering::{
    choice::CHOOSES,
    schedule::{self, Target},
    target::{Form, gpu::ARCHITECTURES},
    trace::TRACED,
    walk,
};
use dlc_report::Report;
use melior::ir::{
    Attribute, Module, RegionLike, attribute::StringAttribute, operation::OperationLike,
};
use std::{cell::RefCell, collections::BTreeMap, time::Instant};

/// One compilation.
pub(super) struct Work<'x> {
    pub session: &'x Session,
    pub input: Input<'x>,
    pub kinds: &'x [Emit],
    pub target: Target,
    pub manifest: &'x Manifest,
    pub artefacts: BTreeMap<Emit, Vec<u8>>,
    pub workspaces: Vec<Workspace>,
    pub device: Device,
    /// What looks on, if a report is asked for.
    pub collector: Option<Collector<'x>>,
    /// What LLVM made for the report.
    pub levels: Vec<(&'static str, String)>,
    /// What the program consists of at each level, if asked for.
    pub stats: Vec<Stats>,
    pub ran: Ran,
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
    /// What is made for the GPU, if one is asked for.
    pub fn device(&mut self, module: &Module<'x>) -> Result<(), Failure> {
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
    pub fn descriptions(&mut self) {
        for kind in self.kinds {
            let text = match kind {
                Emit::Header => header::generate(self.manifest),
                Emit::Hpp => cpp::generate(self.manifest),
                Emit::Rust => rust_bindings::generate(self.manifest),
                Emit::Python => python::generate(self.manifest),
                Emit::Manifest => self.manifest.to_json(),
                Emit::Schedule => schedule::knobs::text(&self.target),
                _ => continue,
            };
            self.artefacts.insert(*kind, text.into_bytes());
        }
    }

    /// The artefacts that come from the module.
    pub fn lower(&mut self, mut module: Module<'x>) -> Result<(), Failure> {
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
        if self.session.options.trace {
            edit::set_attribute(op, TRACED, Attribute::unit(context));
        }
        let (session, input, kinds) = (self.session, self.input, self.kinds);
        let tells = kinds.contains(&Emit::Memory) || kinds.contains(&Emit::Report);
        if tells {
            edit::set_attribute(op, dlc_lowering::workspace::ASKED, Attribute::unit(context));
        }
        let mut workspaces = Ok(vec![]);
        let artefacts = &mut self.artefacts;
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
            &mut module,
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
        self.workspaces = workspaces?;
        self.code(&module)
    }

    /// What LLVM makes of the module for the report, with the places of all instructions where that can be had.
    fn levels_of_code(&mut self, module: &Module<'x>) -> Result<(), Failure> {
        let session = self.session;
        let exported = self.manifest.exported_symbols();
        let emit = |module: &Module<'x>| {
            let (stem, forms) = (&self.manifest.stem, [Form::LlvmIr, Form::Assembly]);
            codegen::emit(
                module,
                &exported,
                stem,
                &session.options,
                &self.target,
                &forms,
            )
        };
        let mut placed = edit::clone_module(module);
        let mut places = Places::new(self.input);
        let made = match report::with_debug_info(session.context(), &mut placed, &mut places) {
            true => emit(&placed).or_else(|_| emit(module)),
            false => emit(module),
        }?;
        let text = |bytes: Option<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        self.levels.push((Emit::LlvmIr.name(), text(made.ir)));
        self.levels.push((Emit::Asm.name(), text(made.assembly)));
        Ok(())
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
            workspaces: &self.workspaces,
            levels,
        }))
    }

    /// What LLVM makes.
    fn code(&mut self, module: &Module<'x>) -> Result<(), Failure> {
        if self.kinds.contains(&Emit::Report) {
            self.levels_of_code(module)?;
        }
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
            options,
            &self.target,
            &forms,
        )?;
        made.objects.append(&mut self.device.objects);
        codegen::check(&made.objects, codegen::prints(module))?;
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
