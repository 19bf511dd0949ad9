//! What else does the work of an entry: threads of an executor, or a device.

use dlc_abi::{Entry, Manifest, device, executor};
use std::fmt::Write;

/// The types that variants take.
pub(super) fn types(manifest: &Manifest) -> String {
    let mut text = String::new();
    if manifest.threads > 1 {
        text += executor::C_DECLARATION;
        text += "\n";
    }
    if manifest.gpu.is_some() {
        text += device::C_DECLARATION;
        text += "\n";
    }
    text
}

/// The variants of an entry, which have a parameter before those of the entry, or before those of the one for loaders.
pub(super) fn declarations(
    manifest: &Manifest,
    entry: &Entry,
    parameters: &[String],
    packed: &[String],
) -> String {
    let mut text = String::new();
    let with = |first: &str, rest: &[String]| [&[first.to_string()], rest].concat();
    if manifest.threads > 1 {
        let executor = "const dlc_executor *executor";
        let _ = writeln!(
            text,
            "/* The same on up to {} threads of an executor; the results are the same. NULL is one thread. */",
            manifest.threads
        );
        text += &prototype("int32_t ", &entry.on_symbol(), &with(executor, parameters));
        text += &prototype(
            "int32_t ",
            &entry.packed_on_symbol(),
            &with(executor, packed),
        );
    }
    if let Some(gpu) = &manifest.gpu {
        let device = "const dlc_device *device";
        let _ = writeln!(
            text,
            "/* The same on a GPU, {gpu} or newer; all tensors and the workspace are in its memory. It returns when all is asked \
             for; copies from the device wait. */"
        );
        text += &prototype("int32_t ", &entry.gpu_symbol(), &with(device, parameters));
        text += &prototype(
            "int32_t ",
            &entry.packed_gpu_symbol(),
            &with(device, packed),
        );
        let dims = &parameters[..entry.dims.len()];
        text += &prototype("size_t ", &entry.workspace_gpu_symbol(), dims);
    }
    text
}

/// A declaration, on several lines where it is long.
pub(super) fn prototype(result: &str, name: &str, parameters: &[String]) -> String {
    if parameters.is_empty() {
        return format!("{result}{name}(void);\n");
    }
    let one_line = format!("{result}{name}({});\n", parameters.join(", "));
    if one_line.len() <= 80 {
        one_line
    } else {
        format!("{result}{name}(\n    {});\n", parameters.join(",\n    "))
    }
}
