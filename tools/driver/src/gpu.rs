//! What is made for a GPU: the kernels, and the functions of the host that launch them.

use crate::{
    codegen,
    compile::{Emit, Failure, Input, Options, Ran, Session},
    destination::Destination,
    pipelines::GPU,
    report::{Places, located, with_debug_info},
};
use dlc_abi::Manifest;
use dlc_dialects::ir::edit;
use dlc_lowering::{
    choice::{self, CHOOSES},
    schedule::{self, Target},
    target::{
        CodegenError, Form,
        gpu::{Architecture, device_functions, keep_host, ptx},
    },
};
use melior::ir::{Attribute, Module, attribute::StringAttribute};
use std::collections::BTreeMap;

/// Code for a GPU.
#[derive(Debug, Default)]
pub(crate) struct Device {
    /// The functions of the host, with the kernels in them, if an object is to be made.
    pub objects: Vec<Vec<u8>>,
    /// The artefacts that are of the device only, of those asked for.
    pub artefacts: BTreeMap<Emit, Vec<u8>>,
    /// The device's code at each level, if a report is asked for.
    pub levels: Vec<(&'static str, String)>,
}

/// What the code is made for.
pub(crate) struct For<'x> {
    /// The library.
    pub manifest: &'x Manifest,
    /// The host.
    pub destination: &'x Destination,
    /// The GPU.
    pub architecture: Architecture,
    /// What is asked for.
    pub kinds: &'x [Emit],
}

impl For<'_> {
    /// Whether something is to be made.
    pub fn is_wanted(&self) -> bool {
        self.wants_objects()
            || self.wants_report()
            || self.kinds.iter().any(|kind| kind.is_of_device())
    }

    fn wants_report(&self) -> bool {
        self.kinds.contains(&Emit::Report)
    }

    fn wants_objects(&self) -> bool {
        let mut forms = self.kinds.iter().map(|kind| kind.form());
        forms.any(|form| form == Some(Form::Object))
    }
}

/// Whether calls that name no device have one chosen.
pub(crate) fn chooses(options: &Options, destination: &Destination) -> bool {
    options.gpu.is_some() && choice::is_for(&destination.place.triple)
}

/// Makes the code of a `dl` module, which stays as it is.
pub(crate) fn make<'c>(
    session: &'c Session,
    input: Input,
    module: &Module<'c>,
    made_for: &For,
    ran: &mut Ran,
) -> Result<Device, Failure> {
    let context = session.context();
    let mut module = edit::clone_module(module);
    let (manifest, architecture) = (made_for.manifest, made_for.architecture);
    let host = made_for.destination.first();
    // Kernels fuse and round as the device does, whatever the host is.
    let target = Target {
        gpu: architecture.capability,
        fma: true,
        round: true,
        vnni: false,
        bf16: false,
        ..host.target.clone()
    };
    let op = module.as_operation();
    let text = StringAttribute::new(context, &manifest.stem);
    edit::set_attribute(op, "dl.stem", text.into());
    if chooses(session.options(), made_for.destination) {
        edit::set_attribute(op, CHOOSES, Attribute::unit(context));
    }
    edit::set_attribute(op, schedule::target::ATTRIBUTE, target.attribute(context));
    let mut artefacts = BTreeMap::new();
    let wanted = |kind| made_for.kinds.contains(&kind);
    let mut keep = |kind, text: String| {
        if wanted(kind) {
            artefacts.insert(kind, text.into_bytes());
        }
    };
    let mut levels = vec![];
    let mut told = |kind: Emit, text: &dyn Fn() -> String| {
        if made_for.wants_report() {
            levels.push((kind.name(), text()));
        }
    };
    let internal = |error: CodegenError| Failure::internal(error.to_string());
    session.run_stages(input, &mut module, GPU, ran, |stage, module| {
        if GPU[stage].name == Emit::Gpu.name() {
            told(Emit::Gpu, &|| located(module.as_operation()));
            if wanted(Emit::Gpu) {
                keep(Emit::Gpu, module.as_operation().to_string());
            }
        }
    })?;
    let device = device_functions(context, &module);
    told(Emit::Nvvm, &|| located(device.as_operation()));
    if wanted(Emit::Nvvm) {
        keep(Emit::Nvvm, device.as_operation().to_string());
    }
    let ptx = self::ptx(&device, architecture).map_err(internal)?;
    told(Emit::Ptx, &|| {
        let mut placed = edit::clone_module(&device);
        let has_places = with_debug_info(
            context,
            &mut placed,
            &mut Places::new(input),
            |places, file| places.ir_name(file),
        );
        let with_places = has_places.then(|| self::ptx(&placed, architecture));
        with_places
            .and_then(Result::ok)
            .unwrap_or_else(|| ptx.clone())
    });
    let mut objects = vec![];
    if made_for.wants_objects() {
        keep_host(context, &module, architecture, &ptx).map_err(internal)?;
        let exported = manifest.exported_symbols();
        // Another name than that of the CPU's module, as names between parts come from it.
        let name = format!("{}_gpu", manifest.stem);
        let options = session.options();
        let forms = [Form::Object];
        let level = (options, options.llvm_level(GPU));
        objects = codegen::emit(&module, (&name, &exported), host, level, &forms)?.objects;
        if chooses(options, made_for.destination) {
            let text = choice::module(&manifest.stem);
            let module = Module::parse(context, &text)
                .ok_or_else(|| Failure::internal("what finds a device does not parse"))?;
            let name = choice::runtime(&manifest.stem);
            let mut made = codegen::emit(&module, (&name, &[]), host, level, &forms)?;
            objects.append(&mut made.objects);
        }
    }
    keep(Emit::Ptx, ptx);
    Ok(Device {
        objects,
        artefacts,
        levels,
    })
}
