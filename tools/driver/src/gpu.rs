//! What is made for a GPU: the kernels, and the functions of the host that launch them.

use crate::{
    codegen,
    compile::{Failure, Input, Ran, Session},
    pipelines::GPU,
};
use dlc_abi::Manifest;
use dlc_dialects::ir::edit;
use dlc_lowering::{
    schedule::{self, Target},
    target::{
        Form,
        gpu::{Architecture, separate},
    },
};
use melior::ir::{Module, attribute::StringAttribute};

/// Code for a GPU.
#[derive(Debug, Default)]
pub(crate) struct Device {
    /// The functions of the host, with the kernels in them.
    pub objects: Vec<Vec<u8>>,
    /// The kernels.
    pub ptx: String,
}

/// What the code is made for.
pub(crate) struct For<'x> {
    /// The library.
    pub manifest: &'x Manifest,
    /// The CPU of the host.
    pub host: &'x Target,
    /// The GPU.
    pub architecture: Architecture,
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
    // Kernels fuse and round as the device does, whatever the host is.
    let target = Target {
        gpu: architecture.capability,
        fma: true,
        round: true,
        vnni: false,
        bf16: false,
        ..made_for.host.clone()
    };
    let op = module.as_operation();
    let text = StringAttribute::new(context, &manifest.stem);
    edit::set_attribute(op, "dl.stem", text.into());
    edit::set_attribute(op, schedule::target::ATTRIBUTE, target.attribute(context));
    session.run_stages(input, &mut module, GPU, ran, |_, _| {})?;
    let ptx = separate(context, &module, architecture)
        .map_err(|error| Failure::internal(error.to_string()))?;
    let exported = manifest.exported_symbols();
    // Another name than that of the CPU's module, as names between parts come from it.
    let name = format!("{}_gpu", manifest.stem);
    let options = session.options();
    let made = codegen::emit(
        &module,
        &exported,
        &name,
        options,
        made_for.host,
        &[Form::Object],
    )?;
    Ok(Device {
        objects: made.objects,
        ptx,
    })
}
