//! `cargo xtask bench`: built libraries against their peers, side by side; and how long the checker takes.

use anyhow::Result;

use crate::process::{command, has, read, run as run_command, target};
use crate::{demo, llvm};

/// Builds the libraries and times them and their peers in turns, in a process of `python`; without NumPy there, times
/// a product of matrices alone. `arguments` go to `test/bench/bench.py`.
pub fn run(python: &str, arguments: &[String]) -> Result<()> {
    let llvm = llvm::ensure()?;
    // LLVM optimises the libraries, however the compiler itself was built.
    let dlc = demo::build_dlc(&llvm, false)?;
    let (digits, matmul) = ("examples/digits/digits.dl", "test/bench/matmul.dl");
    if !has(python) || read(command(python).args(["-c", "import numpy"])).is_none() {
        println!("skipped: the peers, as {python} has no NumPy; name another with --python");
        let mut bench = command(&dlc);
        bench.args(["bench", &format!("{matmul}::nn")]);
        return run_command(bench.args([
            "--input",
            "a=normal(512,512)",
            "--input",
            "b=normal(512,512)",
        ]));
    }
    let folder = target().join("bench");
    demo::build_library(&dlc, digits, &folder.join("digits"))?;
    demo::build_library(&dlc, matmul, &folder.join("matmul"))?;
    let mut python = command(python);
    python
        .arg("test/bench/bench.py")
        .args([folder.join("digits"), folder.join("matmul")])
        .args(arguments);
    run_command(&mut python)
}

/// Times the checker, built with optimisation, on long programs (`frontend/benches/check.rs`).
pub fn check() -> Result<()> {
    let mut cargo = llvm::ensure()?.cargo();
    run_command(cargo.args(["bench", "--package", "dlc-frontend", "--bench", "check"]))
}
