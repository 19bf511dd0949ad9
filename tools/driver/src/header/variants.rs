//! What else does the work of an entry: threads of an executor, or a device.

use crate::layout::unique;
use dlc_abi::{Entry, Manifest, choice, cpu, device, executor, symbol, trace};
use std::fmt::Write;

/// The types that variants take.
pub(super) fn types(manifest: &Manifest) -> String {
    let mut text = String::new();
    if manifest.threads > 1 {
        text += executor::C_DECLARATION;
        text += "\n";
    }
    if manifest.traced {
        text += trace::C_DECLARATION;
        text += "\n";
    }
    if manifest.gpu.is_some() {
        text += device::C_DECLARATION;
        text += "\n";
    }
    text
}

/// The function that sets who is told what calls do.
pub(super) fn tracing(manifest: &Manifest) -> String {
    match manifest.traced {
        true => format!(
            "\n/* Sets what is called when a call and each piece of work in it begins and ends; NULL unsets it. It is not to be \
             set while a function below\n * runs. Until it is, calls write a file of Chrome's traces into the folder that \
             the environment variable\n * {} names, if it does, on Linux. */\n\
             void {}(dlc_tracer *tracer, void *context);\n",
            trace::FOLDER,
            symbol::trace(&manifest.stem)
        ),
        false => String::new(),
    }
}

/// What tells the CPU whose code is taken, where there are several.
pub(super) fn cpus(manifest: &Manifest) -> String {
    if manifest.cpus.is_empty() {
        return String::new();
    }
    format!(
        "/* The CPU whose code calls take, of {}: the last that the machine has all of, found at the first
 * call. The environment variable {} may name one that is the last to take. Results of different CPUs may
 * differ in their last bits. */\n{}",
        manifest.cpus.join(", "),
        cpu::VARIABLE,
        prototype("const char *", &symbol::cpu(&manifest.stem), &[])
    )
}

/// On what entries run that take no device.
pub(super) fn choice(manifest: &Manifest) -> String {
    let Some(gpu) = &manifest.gpu else {
        return String::new();
    };
    let gpu = made_for(gpu);
    let (variable, library) = (choice::VARIABLE, choice::LIBRARY);
    format!(
        "/* Functions that take no device run on the first GPU that is {gpu}, and on the CPU where there is none. They
 * take the memory of the program in both cases: each call copies all of it to the GPU and what it writes back, and
 * allocates on the GPU; the workspace is not used there then. Programs that keep data on the GPU call the _gpu
 * functions. {library} does it, which is loaded if it is found: without it calls run on the CPU. The
 * environment variable {variable}, read at the first call, says otherwise: cpu, gpu, gpu:1 (that GPU and no other), or
 * emulated (an interpreter in the place of a GPU, for tests). What fails on a GPU is not done on the CPU instead. */
"
    )
}

/// The GPUs that code runs on.
fn made_for(gpu: &str) -> String {
    match gpu.ends_with('a') {
        true => format!("{gpu} and no other"),
        false => format!("{gpu} or newer"),
    }
}

/// The variants of an entry, which have a parameter before those of the entry, or before those of the one for loaders.
pub(super) fn declarations(
    manifest: &Manifest,
    entry: &Entry,
    parameters: &[String],
    packed: &[String],
) -> String {
    let mut text = String::new();
    // The names of the entry's own parameters are the program's.
    let with = |ty: &str, name: &str, rest: &[String]| {
        let own = rest.iter().filter_map(|one| one.rsplit([' ', '*']).next());
        let name = unique(name.to_string(), &own.collect());
        [&[format!("const {ty} *{name}")], rest].concat()
    };
    let executor = |rest| with("dlc_executor", "executor", rest);
    let device = |rest| with("dlc_device", "device", rest);
    if manifest.threads > 1 {
        let _ = writeln!(
            text,
            "/* The same on up to {} threads of an executor; the results are the same. NULL is one thread. */",
            manifest.threads
        );
        text += &prototype("int32_t ", &entry.on_symbol(), &executor(parameters));
        text += &prototype("int32_t ", &entry.packed_on_symbol(), &executor(packed));
    }
    if let Some(gpu) = &manifest.gpu {
        let _ = writeln!(
            text,
            "/* The same on a GPU, {}; all tensors and the workspace are in its memory. It returns when all is asked \
             for; copies from the device wait. */",
            made_for(gpu)
        );
        text += &prototype("int32_t ", &entry.gpu_symbol(), &device(parameters));
        text += &prototype("int32_t ", &entry.packed_gpu_symbol(), &device(packed));
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

#[cfg(test)]
mod tests {
    use crate::{header::generate, layout::tests::sample};

    /// What variants take gives way to the program's names.
    #[test]
    fn parameters_keep_their_names() {
        let mut manifest = sample().with_threads(2).with_gpu(Some("sm_80"));
        let plain = generate(&manifest);
        assert!(plain.contains("const dlc_device *device,"), "{plain}");
        assert!(plain.contains("const dlc_executor *executor,"), "{plain}");
        let step = &mut manifest.entries[0];
        for (param, name) in step.params[1..].iter_mut().zip(["device", "executor"]) {
            param.name = name.to_string();
        }
        let text = generate(&manifest);
        let gpu = "tiny_step_gpu(\n    const dlc_device *device_2,\n    int64_t B,\n    int64_t D,\n    \
                   const tiny_Params *p,\n    const float *device,\n    int32_t executor,";
        assert!(text.contains(gpu), "{text}");
        let on = "tiny_step_on(\n    const dlc_executor *executor_2,";
        assert!(text.contains(on), "{text}");
        // Loaders pass arrays, which have no such names.
        assert!(
            text.contains("tiny_step_packed_gpu(\n    const dlc_device *device,"),
            "{text}"
        );
    }
}
