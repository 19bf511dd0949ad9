//! Programs that call a library for a GPU without a device: what chooses one, and what they are told.
//!
//! `libcuda.so.1` is one that is none, or that of `dlc-gpu`'s tests, whose faults variables of the environment say. It does not
//! run kernels of libraries, so what it is asked to do fails; the interpreter runs them.

use crate::{files, host};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a program is to print.
#[derive(Clone, Copy)]
enum Expected {
    /// What the CPU gives.
    OnCpu,
    /// The same, without use of the workspace.
    OnDevice,
    /// A status, whose text begins so, for both calls.
    Refused(&'static str),
}
use Expected::{OnCpu, OnDevice, Refused};

/// Whether there is a driver, the environment, and what is to come of it where `libdlc_gpu_c` is found.
type Case = (bool, &'static [(&'static str, &'static str)], Expected);

const CASES: &[Case] = &[
    (false, &[], OnCpu),
    (false, &[("DLC_DEVICE", "cpu")], OnCpu),
    (false, &[("DLC_DEVICE", "emulated")], OnDevice),
    (
        false,
        &[("DLC_DEVICE", "gpu")],
        Refused(
            "DL1016 step: DLC_DEVICE=gpu: no driver: libcuda.so.1 of NVIDIA's driver can't be loaded",
        ),
    ),
    (
        false,
        &[("DLC_DEVICE", "tpu")],
        Refused("DL1016 step: DLC_DEVICE=tpu: it is none of `cpu`"),
    ),
    (true, &[("DLC_DEVICE", "cpu")], OnCpu),
    // A GPU that is too old is none.
    (true, &[("FAKE_CAPABILITY", "75")], OnCpu),
    (
        true,
        &[("FAKE_CAPABILITY", "75"), ("DLC_DEVICE", "gpu:0")],
        Refused("DL1016 step: DLC_DEVICE=gpu:0: Fake driver has compute capability 7.5"),
    ),
    (
        true,
        &[("FAKE_ROOM", "500")],
        Refused(
            "DL1017 step: no memory on the device for 3072 bytes: 500 bytes of 500 are free; make the dims smaller, or set DLC_DEVICE=cpu",
        ),
    ),
    (
        true,
        &[("FAKE_REFUSES", "1")],
        Refused("DL1018 step: the device refuses the kernels of the library"),
    ),
    (
        true,
        &[("FAKE_CRASHES", "1")],
        Refused("DL1018 step: the device is lost, for every later call too"),
    ),
];

/// Without `libdlc_gpu_c`: there is the CPU only, and who asks for another is told.
const ALONE: &[Case] = &[
    (true, &[], OnCpu),
    (true, &[("DLC_DEVICE", "")], OnCpu),
    (true, &[("DLC_DEVICE", "cpu")], OnCpu),
    (
        true,
        &[("DLC_DEVICE", "cpux")],
        Refused(
            "DL1016 step: the environment variable DLC_DEVICE asks for a device that is not there, or libdlc_gpu_c.so is not",
        ),
    ),
];

/// The lines that a call prints.
struct Lines {
    before: String,
    after: [String; 2],
}

/// Builds the programs in C and Rust, and runs them in each case.
pub fn run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    for (name, source) in [
        ("none", None),
        ("fake", Some("../runtime/gpu/tests/driver.c")),
    ] {
        fs::create_dir(at(name))?;
        driver(&at(name), source)?;
    }
    let flags = ["--gpu", "sm_80", "--emit=staticlib,header,rust"];
    host::build(&host::source("chosen.dl"), folder.path(), &flags)?;
    let c = c_program(folder.path(), "c", None)?;
    let linked = c_program(folder.path(), "linked", Some("libdlc_gpu_c.a"))?;
    let found = files::tools()?;
    for (programs, path, cases) in [
        (vec![(&c, true)], None, ALONE),
        (vec![(&c, true), (&linked, true)], Some(&found), CASES),
    ] {
        for (program, tells) in programs {
            check(program, tells, folder.path(), path, cases)?;
        }
    }
    if host::tool("rustc").is_some() {
        let program = host::with_bindings(folder.path(), "chosen")?;
        check(&program, false, folder.path(), Some(&found), CASES)?;
        resident(folder.path(), &found)?;
    }
    Ok(())
}

/// The program whose tensors stay on the device fails where they are not those of the CPU.
fn resident(folder: &Path, found: &Path) -> Result<()> {
    let program = host::rust_with_bindings(folder, "chosen", "resident", &[found])?;
    let mut command = Command::new(program);
    command
        .env("DLC_DEVICE", "cpu")
        .env("LD_LIBRARY_PATH", found);
    host::run(&mut command).map(|_| ())
}

/// A library of the driver's name.
fn driver(folder: &Path, source: Option<&str>) -> Result<()> {
    let source = source.map_or(PathBuf::from("/dev/null"), |path| files::root().join(path));
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-x", "c"]);
    host::run(cc.arg(source).arg("-o").arg(folder.join("libcuda.so")))?;
    fs::copy(folder.join("libcuda.so"), folder.join("libcuda.so.1"))?;
    Ok(())
}

/// The program in C, with a library of ours beside the model's.
fn c_program(folder: &Path, name: &str, more: Option<&str>) -> Result<PathBuf> {
    let program = folder.join(name);
    let mut cc = host::cc();
    cc.arg("-I").arg(folder).arg(host::source("chosen.c"));
    cc.arg(folder.join("libchosen.a"));
    if let Some(more) = more {
        cc.arg("-Wl,-u,dlc_gpu_runtime")
            .arg(files::tools()?.join(more));
        cc.args(["-lpthread", "-ldl", "-lm"]);
    }
    host::run(cc.arg("-o").arg(&program))?;
    Ok(program)
}

/// Runs a program in each case; one that `tells` says whether the workspace is used.
fn check(
    program: &Path,
    tells: bool,
    folder: &Path,
    path: Option<&PathBuf>,
    cases: &[Case],
) -> Result<()> {
    let lines = lines();
    for (has_driver, set, expected) in cases {
        let driver = folder.join(if *has_driver { "fake" } else { "none" });
        let paths = [Some(driver), path.cloned()].into_iter().flatten();
        let mut command = Command::new(program);
        command.env_remove("DLC_DEVICE").envs(set.iter().copied());
        command.env("LD_LIBRARY_PATH", std::env::join_paths(paths)?);
        let output = host::run(&mut command)?;
        let printed = String::from_utf8(output.stdout).context("it prints text")?;
        let workspace = |is: &str| match tells {
            true => format!("the workspace is {is}\n"),
            false => String::new(),
        };
        let done = |is: &str| {
            lines
                .after
                .each_ref()
                .map(|line| format!("{line}\n{}", workspace(is)))
        };
        let as_expected = match expected {
            OnCpu => printed == done("used").concat(),
            OnDevice => printed == done("as it was").concat(),
            Refused(words) => {
                let mut rest = printed.lines();
                let mut refused = || {
                    let first = rest.next().unwrap_or_default();
                    let first = first.split_once("status ").map_or(first, |(_, status)| {
                        status.split_once(": ").map_or(status, |(_, words)| words)
                    });
                    // What the driver's compiler says goes over several lines.
                    let numbers = rest.by_ref().find(|line| line.starts_with("-1"));
                    let as_it_was = !tells || rest.next() == Some("the workspace is as it was");
                    first.starts_with(words) && numbers == Some(&lines.before) && as_it_was
                };
                refused() && refused()
            }
        };
        ensure!(
            as_expected,
            "{} with {set:?}, a driver: {has_driver}\n{printed}",
            program.display()
        );
    }
    Ok(())
}

/// What the program computes, in whole numbers.
fn lines() -> Lines {
    const ROWS: usize = 40;
    let after = [0, 1].map(|round| {
        let w = |i: usize| (i % 5) as i64 + round;
        let product = |row: usize, column: usize| -> i64 {
            let terms = (0..6).map(|k| ((row * 6 + k) % 7) as i64 * w(k * 4 + column));
            terms.sum::<i64>() + 2
        };
        let sums = [0, 1, 2, 3].map(|column| {
            let squares = (0..ROWS).map(|row| product(row, column).pow(2));
            squares.sum::<i64>().to_string()
        });
        format!("{}, {}, {}", sums.join(" "), w(23) + 1, 8 + round)
    });
    Lines {
        before: "-1 -1 -1 -1, 3, 7".to_string(),
        after,
    }
}
