//! `cargo xtask bench`: built libraries against their peers, side by side; and how long the checker takes.

use anyhow::Result;

use crate::process::{command, has, read, run as run_command, target};
use crate::{demo, llvm};

/// What is built and timed: the folder that `test/bench/bench.py` looks in, and its source.
const LIBRARIES: [(&str, &str); 2] = [
    ("workloads", "test/bench/workloads.dl"),
    ("digits", "examples/digits/digits.dl"),
];

/// What measures the limits of the machine.
const LIMITS: &str = "test/bench/limits.c";

/// Builds the libraries and times them and their peers in turns, in a process of `python`; without NumPy there, times
/// a product of matrices alone. `arguments` go to `test/bench/bench.py`.
pub fn run(python: &str, arguments: &[String]) -> Result<()> {
    let llvm = llvm::ensure()?;
    // LLVM optimises the libraries, however the compiler itself was built.
    let dlc = demo::build_dlc(&llvm, false)?;
    if !has(python) || read(command(python).args(["-c", "import numpy"])).is_none() {
        println!("skipped: the peers, as {python} has no NumPy; name another with --python");
        let mut bench = command(&dlc);
        bench.args(["bench", &format!("{}::nn", LIBRARIES[0].1)]);
        return run_command(bench.args([
            "--input",
            "a=normal(512,512)",
            "--input",
            "b=normal(512,512)",
        ]));
    }
    let folder = target().join("bench");
    for (name, source) in LIBRARIES {
        let mut build = command(&dlc);
        build.args(["build", source, "--threads", "--emit=cdylib,manifest", "-o"]);
        run_command(build.arg(folder.join(name)))?;
    }
    let mut pool = llvm.cargo();
    run_command(pool.args(["build", "--quiet", "--release", "--package", "dlc-pool-c"]))?;
    let pool = target().join("release/libdlc_pool_c.so");
    std::fs::copy(pool, folder.join("libdlc_pool_c.so"))?;
    let mut compiler = command("cc");
    compiler.args(["-O3", "-march=native", "-ffp-contract=fast", "-pthread"]);
    compiler.arg(LIMITS).arg("-o").arg(folder.join("limits"));
    run_command(&mut compiler)?;
    let mut python = command(python);
    python.arg("test/bench/bench.py").arg(&folder);
    run_command(python.args(arguments))
}

/// Times the checker, built with optimisation, on long programs (`frontend/benches/check.rs`).
pub fn check() -> Result<()> {
    let mut cargo = llvm::ensure()?.cargo();
    run_command(cargo.args(["bench", "--package", "dlc-frontend", "--bench", "check"]))
}
