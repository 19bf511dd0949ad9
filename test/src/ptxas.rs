//! Kernels through NVIDIA's assembler, where there is one: it takes all, and keeps everything in registers.

use crate::{files, host};
use anyhow::{Context, Result, ensure};
use dlc_driver::compile::ARCHITECTURES;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The assembler: `PTXAS`, on the path, or with the Python of `DLC_PYTHON`, from the wheel nvidia-cuda-nvcc.
pub fn found() -> Option<PathBuf> {
    if let Some(path) = env::var_os("PTXAS") {
        return Some(path.into());
    }
    let of_wheel = || {
        let python = env::var_os("DLC_PYTHON")?;
        let script = "import nvidia.cu13 as it; print(list(it.__path__)[0])";
        let output = Command::new(python).args(["-c", script]).output().ok()?;
        let folder = String::from_utf8(output.stdout).ok()?;
        let path = Path::new(folder.trim()).join("bin/ptxas");
        path.is_file().then_some(path)
    };
    host::tool("ptxas").or_else(of_wheel)
}

/// Builds a model for each GPU and assembles its kernels.
pub fn check(model: &Path, ptxas: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stem = model.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.context("a model has a name")?;
    for architecture in ARCHITECTURES {
        let name = architecture.name;
        host::build(model, folder.path(), &["--gpu", name, "--emit=ptx"])?;
        let text = folder.path().join(format!("{stem}.ptx"));
        let mut assembler = Command::new(ptxas);
        assembler.args(["-v", "-arch", name, "-o"]);
        assembler
            .arg(folder.path().join("kernels.cubin"))
            .arg(&text);
        let output = host::run(&mut assembler).with_context(|| files::shown(model))?;
        let told = String::from_utf8_lossy(&output.stderr);
        // `0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads` of each kernel.
        let spills = told.lines().filter(|line| {
            line.contains("spill") && !line.contains("0 bytes spill stores, 0 bytes spill loads")
        });
        let spills = spills.collect::<Vec<_>>();
        ensure!(spills.is_empty(), "{name}: {}", spills.join("\n"));
        ensure!(
            told.contains("registers"),
            "{name}: ptxas tells nothing of kernels"
        );
    }
    Ok(())
}
