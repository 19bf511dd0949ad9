//! `cargo xtask bench`: built libraries against their peers, side by side; and how long the checker takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::demo;
use crate::llvm::{self, Llvm};
use crate::process::{command, has, read, run as run_command, target};

/// What is built and timed: the folder that `test/bench/bench.py` looks in, and its source.
const LIBRARIES: [(&str, &str); 2] = [
    ("workloads", "test/bench/workloads.dl"),
    ("digits", "examples/digits/digits.dl"),
];

/// What measures the limits of the machine.
const LIMITS: &str = "test/bench/limits.c";

/// What times a call from C.
const CALL: &str = "test/bench/call.c";

/// Builds the libraries and times them and their peers in turns, in a process of `python`; without NumPy there, times
/// a product of matrices alone. `arguments` go to `test/bench/bench.py`.
pub fn run(python: &str, arguments: &[String]) -> Result<()> {
    let llvm = llvm::ensure()?;
    // LLVM optimises the libraries, however the compiler itself was built.
    let dlc = demo::build_dlc(&llvm, false)?;
    if !imports(python, "numpy") {
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
    let folder = built(&llvm, &dlc)?;
    run_command(script(python, &folder, &dlc).args(arguments))
}

/// Takes the figures of these numbers of threads, and writes the page on performance from them and from those of other
/// numbers that are kept.
pub fn write(python: &str, threads: &[u32]) -> Result<()> {
    for module in ["numpy", "matplotlib"] {
        ensure!(
            imports(python, module),
            "{python} has no {module}; install it there, or name another Python with --python"
        );
    }
    let llvm = llvm::ensure()?;
    let dlc = demo::build_dlc(&llvm, false)?;
    let folder = built(&llvm, &dlc)?;
    let mut report = command(python);
    report.arg("test/bench/report.py");
    for threads in threads {
        let figures = folder.join(format!("threads-{threads}.json"));
        let mut bench = script(python, &folder, &dlc);
        bench.arg("--threads").arg(threads.to_string());
        run_command(bench.arg("--json").arg(&figures))?;
        report.arg(figures);
    }
    run_command(&mut report)
}

/// Whether a Python can import a module.
fn imports(python: &str, module: &str) -> bool {
    let import = format!("import {module}");
    has(python) && read(command(python).args(["-c", &import])).is_some()
}

/// Builds all that the script looks for; the folder.
fn built(llvm: &Llvm, dlc: &Path) -> Result<PathBuf> {
    const KINDS: &str = "--emit=cdylib,staticlib,header,manifest";
    let folder = target().join("bench");
    for (name, source) in LIBRARIES {
        let mut build = command(dlc);
        build.args(["build", source, "--threads", KINDS, "-o"]);
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
    let library = folder.join(LIBRARIES[0].0);
    let mut compiler = command("cc");
    compiler.args(["-std=c11", "-D_POSIX_C_SOURCE=199309L", "-O2"]);
    compiler.args(["-Wall", "-Wextra", "-I"]).arg(&library);
    compiler.arg(CALL).arg(library.join("libworkloads.a"));
    run_command(compiler.arg("-o").arg(folder.join("call")))?;
    Ok(folder)
}

/// The command that times what is in `folder`.
fn script(python: &str, folder: &Path, dlc: &Path) -> Command {
    let mut script = command(python);
    script.args(["test/bench/bench.py", "--dlc"]).arg(dlc);
    // A pattern may follow, which Python's parser wants right behind.
    script.arg(folder);
    script
}

/// Times the checker (`frontend/benches/check.rs`) and the language server (`tools/lsp/benches/hover.rs`), built with
/// optimisation, on long programs.
pub fn check() -> Result<()> {
    criterion(&[("dlc-frontend", "check"), ("dlc-lsp", "hover")])
}

/// Times pieces of the compiler and of what it builds (`tools/driver/benches/pieces.rs`), and of the runtime
/// (`runtime/pool/benches/fork.rs`), all built with optimisation.
pub fn pieces() -> Result<()> {
    criterion(&[("dlc-pool", "fork"), ("dlc-driver", "pieces")])
}

fn criterion(benches: &[(&str, &str)]) -> Result<()> {
    let llvm = llvm::ensure()?;
    for (package, bench) in benches {
        let mut cargo = llvm.cargo();
        run_command(cargo.args(["bench", "--package", package, "--bench", bench]))?;
    }
    Ok(())
}
