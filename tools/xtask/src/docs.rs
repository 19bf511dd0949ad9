//! `cargo xtask docs`: the reference of the dl dialect, from its op records.

use anyhow::{Context, Result, ensure};

use crate::llvm;
use crate::process::{command, root, shown};

/// The generated file.
const REFERENCE: &str = "dialects/OPS.md";

/// Writes the reference, or with `check` compares it.
pub fn run(check: bool) -> Result<()> {
    let llvm = llvm::ensure()?;
    let ods = root().join("dialects/ods");
    let mut tblgen = command(llvm.tool("mlir-tblgen"));
    tblgen
        .args(["-gen-dialect-doc", "-dialect=dl", "-I"])
        .arg(llvm.include())
        .arg("-I")
        .arg(&ods)
        .arg(ods.join("DL.td"));
    let line = shown(&tblgen);
    let output = tblgen
        .output()
        .with_context(|| format!("cannot run `{line}`"))?;
    ensure!(
        output.status.success(),
        "`{line}`: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let text = text
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    let path = root().join(REFERENCE);
    if check {
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        ensure!(
            stored == text,
            "{REFERENCE} is not up to date: `cargo xtask docs` writes it"
        );
        return Ok(());
    }
    std::fs::write(&path, text).with_context(|| format!("cannot write {REFERENCE}"))?;
    println!("wrote {REFERENCE}");
    Ok(())
}
