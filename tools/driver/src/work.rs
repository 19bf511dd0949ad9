//! One run of the pipeline: from a `dl` module to the artefacts that are asked for.

use crate::{
    codegen,
    compile::{ARCHITECTURES, Emit, Failure, Input, Ran, Session},
    destination::Destination,
    gpu::{self, Device},
    header, js, link,
    pipelines::CPU,
    rust_bindings,
    workspace::{self, Workspace},
};
use dlc_abi::Manifest;
use dlc_dialects::ir::edit;
use dlc_lowering::{
    choice::CHOOSES,
    schedule::{self, Arch},
    target::{Form, Made},
    variants::{self, VARIANT, VARIANTS},
};
use melior::ir::{
    Attribute, Module,
    attribute::{ArrayAttribute, StringAttribute},
};
use std::{collections::BTreeMap, time::Instant};

/// One compilation.
pub(crate) struct Work<'x> {
    /// What compiles.
    pub session: &'x Session,
    /// What is compiled.
    pub input: Input<'x>,
    /// What is to be made.
    pub kinds: &'x [Emit],
    /// What it is made for.
    pub destination: &'x Destination,
    /// The entries.
    pub manifest: &'x Manifest,
    /// What is made so far.
    pub made: Artefacts,
    /// What is made for a GPU.
    pub device: Device,
    /// What is known of the passes that ran.
    pub ran: Ran,
}

/// What a compilation made.
#[derive(Default)]
pub(crate) struct Artefacts {
    /// The artefacts.
    pub all: BTreeMap<Emit, Vec<u8>>,
    /// The workspaces of the entries, if asked for.
    pub workspaces: Vec<Workspace>,
    /// Why what is to be linked is missing.
    pub missing: Option<String>,
    /// Whether the program prints.
    pub prints: bool,
}

impl<'x> Work<'x> {
    /// Makes all that is asked for of a `dl` module.
    pub fn run(&mut self, module: Module<'x>) -> Result<(), Failure> {
        if self.kinds.contains(&Emit::Js) && self.destination.place.arch != Arch::Wasm32 {
            return Err(Failure::Usage(
                "`--emit=js` calls a module of WebAssembly\nhelp: add `--target wasm32-unknown-unknown`".into(),
            ));
        }
        self.descriptions();
        self.device(&module)?;
        self.lower(module)
    }

    /// What is made for the GPU, if one is asked for.
    fn device(&mut self, module: &Module<'x>) -> Result<(), Failure> {
        let Some(architecture) = self.session.options().gpu else {
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
                Emit::Rust => rust_bindings::generate(self.manifest),
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
        if gpu::chooses(self.session.options(), self.destination) {
            edit::set_attribute(op, CHOOSES, Attribute::unit(context));
        }
        let forms = self.forms();
        let mut made = Made::default();
        for (module, i) in self.variants(module) {
            let more = self.variant(module, i, last, &forms)?;
            made.add(more);
        }
        match forms.is_empty() {
            true => Ok(()),
            false => self.link(made),
        }
    }

    /// A copy of the module for each CPU that there is code for, with its place among these.
    fn variants(&self, module: Module<'x>) -> Vec<(Module<'x>, usize)> {
        let context = self.session.context();
        let cpus = &self.manifest.cpus;
        let text = |text: &String| StringAttribute::new(context, text).into();
        let names: Vec<_> = cpus.iter().map(text).collect();
        let names = ArrayAttribute::new(context, &names);
        let of = |module: Module<'x>, i: usize| {
            let target = &self.destination.variants[i].target;
            let op = module.as_operation();
            edit::set_attribute(op, schedule::target::ATTRIBUTE, target.attribute(context));
            if let Some(cpu) = cpus.get(i) {
                edit::set_attribute(op, VARIANT, text(cpu));
                edit::set_attribute(op, VARIANTS, names.into());
            }
            (module, i)
        };
        let copies: Vec<_> = (1..cpus.len())
            .map(|i| of(edit::clone_module(&module), i))
            .collect();
        [of(module, 0)].into_iter().chain(copies).collect()
    }

    /// What LLVM is to make.
    fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<_> = self.kinds.iter().filter_map(|kind| kind.form()).collect();
        forms.sort();
        forms.dedup();
        forms
    }

    /// Lowers the module of a variant, and has LLVM make its forms. What can be looked at is that of the first.
    fn variant(
        &mut self,
        mut module: Module<'x>,
        number: usize,
        last: usize,
        forms: &[Form],
    ) -> Result<Made, Failure> {
        let context = self.session.context();
        let (session, input, kinds) = (self.session, self.input, self.kinds);
        let first = number == 0;
        let tells = first && kinds.contains(&Emit::Memory);
        if tells {
            let op = module.as_operation();
            edit::set_attribute(op, dlc_lowering::workspace::ASKED, Attribute::unit(context));
        }
        let mut workspaces = Ok(vec![]);
        let artefacts = &mut self.made.all;
        session.run_stages(
            input,
            &mut module,
            &CPU[..=last],
            &mut self.ran,
            |stage, module| {
                for kind in kinds
                    .iter()
                    .filter(|kind| first && kind.stage() == Some(stage) && kind.form().is_none())
                    .filter(|kind| **kind != Emit::Memory)
                {
                    artefacts.insert(*kind, module.as_operation().to_string().into_bytes());
                }
                if tells && Emit::Memory.stage() == Some(stage) {
                    workspaces = workspace::of(input, module, &session.options().sizes);
                }
            },
        )?;
        if first {
            self.made.workspaces = workspaces?;
        }
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
        let variant = &self.destination.variants[number];
        let options = session.options();
        let exported = self.manifest.exported_symbols();
        let mut made = codegen::emit(&module, (&name, &exported), variant, options, &forms)?;
        self.made.prints |= codegen::prints(&module);
        if first && !self.manifest.cpus.is_empty() && forms.contains(&Form::Object) {
            let text = variants::module(stem, &self.manifest.cpus);
            let module = Module::parse(context, &text)
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
        codegen::check(&made.objects, self.made.prints)?;
        let times = made.times.iter();
        let times = times.map(|(name, time)| (name.to_string(), *time));
        self.ran.times.extend(times);
        let (stem, place) = (&self.manifest.stem, &self.destination.place);
        let start = Instant::now();
        for kind in self.kinds {
            let bytes = match kind {
                Emit::LlvmIr => Ok(made.ir.clone().unwrap_or_default()),
                Emit::Asm => Ok(made.assembly.clone().unwrap_or_default()),
                Emit::Obj => link::object(place, &made.objects),
                Emit::Staticlib => link::static_library(stem, &made.objects),
                Emit::Cdylib => {
                    let exported = self.manifest.exported_symbols();
                    link::shared_library(place, stem, &made.objects, &exported)
                }
                _ => continue,
            };
            match bytes {
                Ok(bytes) => {
                    self.made.all.insert(*kind, bytes);
                }
                Err(error) => {
                    let message = format!("{error}\nhelp: {}", error.help());
                    if !matches!(error, link::Error::NoLinker { .. }) || self.kinds.len() == 1 {
                        return Err(Failure::Io(message));
                    }
                    self.made.missing = Some(message);
                }
            }
        }
        self.ran.times.push(("(linking)".into(), start.elapsed()));
        Ok(())
    }
}
