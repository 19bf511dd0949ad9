//! Code for other machines: libraries for aarch64 and riscv64 under qemu, modules of WebAssembly in Node, and libraries that
//! choose among CPUs. What they compute is compared with the reference evaluator, and training with that of this machine.

use crate::{
    cpu, directive, files, host,
    runner::{Program, Runner},
    skipped, sweep, trial,
};
use anyhow::{Context, Result, bail, ensure};
use dlc_abi::Manifest;
use dlc_dialects::ops::OpKind;
use dlc_driver::compile::{Emit, Options};
use dlc_runtime::{Tensor, bind::Bound};
use libtest_mimic::Trial;
use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
};

/// Another machine.
pub struct Machine {
    /// The name in names of tests.
    pub name: &'static str,
    triple: &'static str,
    cpu: &'static str,
    /// What runs its programs, and what links them.
    tools: &'static [&'static str],
}

/// The machines.
pub static MACHINES: [Machine; 3] = [
    Machine {
        name: "aarch64",
        triple: "aarch64-unknown-linux-gnu",
        cpu: "generic",
        tools: &["qemu-aarch64", "aarch64-linux-gnu-gcc"],
    },
    Machine {
        name: "riscv64",
        triple: "riscv64gc-unknown-linux-gnu",
        cpu: "generic-rv64",
        tools: &["qemu-riscv64", "riscv64-linux-gnu-gcc"],
    },
    Machine {
        name: "wasm32",
        triple: "wasm32-unknown-unknown",
        cpu: "generic",
        tools: &["node"],
    },
];

/// Ops of which some part is made in another way on each machine, and whose cases take seconds; the others only with the long tests.
const OPS: &[OpKind] = &[
    OpKind::Convert,
    OpKind::Exp,
    OpKind::RandomBits,
    OpKind::Take,
    OpKind::Floor,
];

/// The tests.
pub fn trials() -> Result<Vec<Trial>> {
    let full = std::env::var_os("DLC_TEST_FULL").is_some_and(|value| value == "1");
    let mut trials = vec![];
    for machine in &MACHINES {
        let missing = machine.missing();
        let mut add = |name: String, run: Box<dyn FnOnce() -> Result<()> + Send>| {
            let name = format!("cross/{}/{name}", machine.name);
            trials.push(match &missing {
                Some(what) => skipped(name, format!("{what} is not installed")),
                None => trial(name, run),
            });
        };
        let ops = if full { OpKind::ALL } else { OPS };
        for &kind in ops {
            let run = move || sweep::run(kind, ulp(kind)?, machine);
            add(kind.mnemonic().to_string(), Box::new(run));
        }
        // Under qemu it takes a minute.
        if full || machine.is_wasm() {
            add("digits".into(), Box::new(move || digits(machine)));
        }
        if !machine.is_wasm() {
            add("c-program".into(), Box::new(move || c_program(machine)));
        }
        if full || machine.name == "riscv64" {
            add("large-frame".into(), Box::new(move || large_frame(machine)));
        }
    }
    let missing = ["cc", "qemu-x86_64"]
        .into_iter()
        .find(|tool| host::tool(tool).is_none());
    trials.push(match (missing, cfg!(target_arch = "x86_64")) {
        (Some(tool), _) => skipped("cross/variants".into(), format!("{tool} is not installed")),
        (None, false) => skipped("cross/variants".into(), "this machine is no x86_64"),
        (None, true) => trial("cross/variants".into(), variants),
    });
    Ok(trials)
}

/// How far an op's results may be off, as its file says.
fn ulp(kind: OpKind) -> Result<Option<f64>> {
    let path = files::root().join(format!("ops/{}.mlir", kind.mnemonic()));
    Ok(directive::parse(&files::read(&path)?)?.ulp)
}

impl Machine {
    fn is_wasm(&self) -> bool {
        self.name == "wasm32"
    }

    /// What tests for it need and this machine lacks.
    fn missing(&self) -> Option<String> {
        let tool = self.tools.iter().find(|tool| host::tool(tool).is_none());
        let header = format!("{}/include/stdio.h", self.root());
        let lacks_headers = !self.is_wasm() && !Path::new(&header).exists();
        tool.map(|tool| tool.to_string())
            .or(lacks_headers.then_some(header))
    }

    /// Where Debian has libraries and headers of the machine.
    fn root(&self) -> String {
        format!("/usr/{}-linux-gnu", self.name)
    }

    fn options(&self) -> Options {
        Options {
            target: Some(self.triple.into()),
            target_cpu: self.cpu.into(),
            ..Options::default()
        }
    }

    /// What runs a program of the machine.
    fn runs(&self, program: &Path) -> Command {
        let mut command = Command::new(self.tools[0]);
        if !self.is_wasm() {
            command.arg("-L").arg(self.root());
        }
        command.arg(program);
        command
    }

    /// The program that calls functions of libraries, made once.
    fn caller(&self) -> Result<PathBuf> {
        static MADE: Mutex<Vec<(&str, PathBuf)>> = Mutex::new(vec![]);
        if self.is_wasm() {
            return Ok(host::source("call.mjs"));
        }
        let mut made = MADE.lock().ok().context("no test panics while it builds")?;
        if let Some((_, path)) = made.iter().find(|(name, _)| *name == self.name) {
            return Ok(path.clone());
        }
        let path = folder()?.join(format!("call-{}", self.name));
        let mut cc = Command::new(self.tools[1]);
        cc.args(["-O1", "-Wall", "-Wextra", "-Werror"])
            .arg(host::source("call.c"));
        host::run(cc.arg("-o").arg(&path).arg("-ldl"))?;
        made.push((self.name, path.clone()));
        Ok(path)
    }
}

/// A folder that lives as long as the tests.
fn folder() -> Result<&'static Path> {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    if FOLDER.get().is_none() {
        // Another thread may have been faster.
        let _ = FOLDER.set(tempfile::tempdir()?);
    }
    Ok(FOLDER.get().context("it was just set")?.path())
}

impl Runner for Machine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn skips(&self, _test: &str) -> Option<&'static str> {
        None
    }

    fn load(&self, text: &str) -> Result<Box<dyn Program>> {
        let compiled = cpu::compile(text, self.options(), &[], Emit::Cdylib)?;
        let folder = tempfile::tempdir()?;
        let library = folder.path().join("library");
        let bytes = compiled.artefacts.get(&Emit::Cdylib);
        fs::write(&library, bytes.context("there is no library")?)?;
        let mut command = self.runs(&self.caller()?);
        let child = command
            .arg(&library)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Box::new(Remote {
            manifest: compiled.manifest,
            child: Mutex::new(child),
            _folder: folder,
        }))
    }
}

/// A library in a process that calls it.
struct Remote {
    manifest: Manifest,
    child: Mutex<Child>,
    _folder: tempfile::TempDir,
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            // The process ends with its input.
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

impl Program for Remote {
    fn call(&self, function: &str, dims: &[i64], args: &[Tensor]) -> Result<Vec<Tensor>> {
        let entry = self
            .manifest
            .entry(function)
            .context("there is no such entry")?;
        let names = entry.dims.iter().map(|dim| dim.name.clone());
        let given: Vec<_> = names.zip(dims.iter().copied()).collect();
        let bound = Bound::from_tensors(entry, args.to_vec(), &given)?;
        let leaves: Vec<&Tensor> = bound.params().iter().chain(bound.results()).collect();
        let symbols = [&entry.packed_symbol, &entry.workspace_symbol];
        let mut request = vec![];
        let number = |request: &mut Vec<u8>, value: i64| request.extend(value.to_le_bytes());
        for length in [
            symbols[0].len(),
            symbols[1].len(),
            entry.dims.len(),
            leaves.len(),
        ] {
            number(&mut request, length as i64);
        }
        for symbol in symbols {
            request.extend(symbol.bytes());
        }
        for dim in &entry.dims {
            number(&mut request, bound.dims()[&dim.name]);
        }
        for leaf in &leaves {
            number(&mut request, leaf.bytes().len() as i64);
            request.extend(leaf.bytes());
        }
        let mut child = self.child.lock().ok().context("a call panicked")?;
        let mut answer = |request: &[u8]| -> std::io::Result<(i64, Vec<Vec<u8>>)> {
            let input = child.stdin.as_mut().expect("it is piped");
            input.write_all(request)?;
            input.flush()?;
            let output = child.stdout.as_mut().expect("it is piped");
            let mut status = [0; 8];
            output.read_exact(&mut status)?;
            let mut all = vec![];
            for leaf in &leaves {
                let mut bytes = vec![0; leaf.bytes().len()];
                output.read_exact(&mut bytes)?;
                all.push(bytes);
            }
            Ok((i64::from_le_bytes(status), all))
        };
        let (status, bytes) = match answer(&request) {
            Ok(answer) => answer,
            Err(error) => bail!(
                "the call of {function}: {error}, the process: {:?}",
                child.wait()
            ),
        };
        ensure!(status == 0, "{function}: status {status}");
        let results = bound.results().iter().zip(&bytes[bound.params().len()..]);
        results
            .map(|(like, bytes)| Ok(Tensor::from_bytes(like.dtype(), like.shape(), bytes)?))
            .collect()
    }
}

/// The C program gives the reference's numbers.
fn c_program(machine: &Machine) -> Result<()> {
    let folder = tempfile::tempdir()?;
    host::build(
        &host::model("mlp.dl"),
        folder.path(),
        &["--target", machine.triple],
    )?;
    let inputs = folder.path().join("inputs");
    host::write_inputs(&inputs)?;
    let program = folder.path().join("mlp");
    let mut cc = Command::new(machine.tools[1]);
    cc.args(["-std=c11", "-O1"]);
    cc.arg("-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc");
    cc.arg("-I").arg(folder.path()).arg(host::source("mlp.c"));
    host::run(
        cc.arg(folder.path().join("libmlp.a"))
            .arg("-o")
            .arg(&program),
    )?;
    let mut command = machine.runs(&program);
    command.arg(inputs);
    let output = host::run(command.args([host::BATCH.to_string(), host::STEPS.to_string()]))?;
    host::check_printed(&output)?;
    Ok(())
}

/// A function with so many buffers that its frame is large is compiled: LLVM's code generators fail there first.
fn large_frame(machine: &Machine) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let model = files::root().join("models_std/layers.dl");
    host::build(&model, folder.path(), &["--target", machine.triple])?;
    Ok(())
}

/// A schedule by which sums go in the same order, however many registers there are.
const SAME_ORDER: &str = "[elementwise]\nunroll = 1\n";

/// Training gives the losses of this machine to the last digit, where that does the same arithmetic: vectors of 128 bits, and
/// fused multiply-adds where the other has them.
fn digits(machine: &Machine) -> Result<()> {
    let (here, there) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let model = files::root().join("../examples/digits/digits.dl");
    let data = files::root().join("../examples/digits/data");
    let main = files::root().join("../examples/digits/host-c/main.c");
    let schedule = here.path().join("order.toml");
    fs::write(&schedule, SAME_ORDER)?;
    let schedule = schedule.to_str().context("a path is text")?;
    let flags = ["--schedule", schedule, "--target"];
    let build =
        |folder: &Path, more: &[&str]| host::build(&model, folder, &[&flags[..], more].concat());
    let link = |cc: &str, folder: &Path| -> Result<PathBuf> {
        let program = folder.join("digits");
        let mut cc = Command::new(cc);
        cc.args(["-std=c11", "-O1", "-I"]).arg(folder).arg(&main);
        host::run(cc.arg(folder.join("libdigits.a")).arg("-o").arg(&program))?;
        Ok(program)
    };
    let said = |command: &mut Command| -> Result<String> {
        let output = String::from_utf8(host::run(command)?.stdout)?;
        let (_, line) = output.split_once(": ").context("it prints who it is")?;
        Ok(line.to_string())
    };
    build(there.path(), &[machine.triple])?;
    let actual = match machine.is_wasm() {
        true => said(
            machine
                .runs(&host::source("digits.mjs"))
                .arg(there.path())
                .arg(&data),
        )?,
        false => {
            let program = link(machine.tools[1], there.path())?;
            said(machine.runs(&program).arg(&data))?
        }
    };
    ensure!(actual.contains("test accuracy 0.9"), "{actual}");
    if !cfg!(target_arch = "x86_64") || host::tool("cc").is_none() {
        println!("not compared: this machine is no x86_64 with a C compiler");
        return Ok(());
    }
    let mut like = vec!["x86_64-unknown-linux-gnu", "--target-cpu", "x86-64"];
    if !machine.is_wasm() {
        like.extend(["--target-feature", "+fma"]);
    }
    build(here.path(), &like)?;
    let expected = said(Command::new(link("cc", here.path())?).arg(&data))?;
    ensure!(actual == expected, "{actual}here: {expected}");
    Ok(())
}

/// Every variant gives the reference's numbers, and the one that is taken is the best that the processor has.
fn variants() -> Result<()> {
    const LEVELS: [&str; 4] = ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"];
    let folder = tempfile::tempdir()?;
    let program = host::c_program(folder.path(), &LEVELS.join(","))?;
    let tells = folder.path().join("variants");
    let mut cc = host::cc();
    cc.arg("-I")
        .arg(folder.path())
        .arg(host::source("variants.c"));
    cc.arg("-L").arg(folder.path()).arg("-lmlp");
    host::run(cc.arg("-o").arg(&tells))?;
    let chosen = |command: &mut Command| -> Result<String> {
        command.env("LD_LIBRARY_PATH", folder.path());
        Ok(String::from_utf8(host::run(command)?.stdout)?
            .trim()
            .to_string())
    };
    let best = chosen(&mut Command::new(&tells))?;
    let place = |name: &str| LEVELS.iter().position(|level| *level == name);
    let best = place(&best).with_context(|| format!("`{best}` is none of the variants"))?;
    for (i, level) in LEVELS.iter().enumerate() {
        let found = chosen(Command::new(&tells).env("DLC_CPU", level))?;
        ensure!(
            found == LEVELS[i.min(best)],
            "DLC_CPU={level} gives {found}"
        );
        let inputs = folder.path().join("inputs");
        let mut command = Command::new(&program);
        command.env("DLC_CPU", level).arg(inputs);
        command.args([host::BATCH.to_string(), host::STEPS.to_string()]);
        host::check_printed(&host::run(&mut command)?).with_context(|| level.to_string())?;
    }
    let found = chosen(Command::new(&tells).env("DLC_CPU", "pentium"))?;
    ensure!(found == LEVELS[best], "what is no variant gives {found}");
    for (cpu, level) in [
        ("qemu64", "x86-64"),
        ("Nehalem", "x86-64-v2"),
        ("Haswell", "x86-64-v3"),
    ] {
        let mut qemu = Command::new("qemu-x86_64");
        let found = chosen(qemu.args(["-cpu", cpu]).arg(&tells))?;
        ensure!(found == level, "{cpu} takes {found}");
    }
    Ok(())
}
