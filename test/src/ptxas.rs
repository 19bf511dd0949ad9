//! Kernels through NVIDIA's assembler, where there is one: it takes all, keeps everything in registers, and uses as many as
//! the tables in `kernels` say, which another version of it is not held against.

use crate::{
    cpu::{self, CPU},
    directive, files, golden, host, opfile, skipped, trial,
};
use anyhow::{Context, Result, ensure};
use dlc_driver::compile::{ARCHITECTURES, Architecture, Emit, Options};
use libtest_mimic::Trial;
use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

/// The assembler.
struct Assembler {
    path: PathBuf,
    /// As it tells, `13.0.88`.
    version: String,
}

/// What a kernel takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Used {
    /// Of a thread.
    registers: u64,
    /// Bytes of shared memory of a block.
    shared: u64,
    /// Bytes of a thread's own memory.
    stack: u64,
    /// Bytes that it writes there and reads for want of registers.
    spilled: u64,
}

/// The trials: models, examples and programs for this alone, whose tables are kept, and the files of ops.
pub fn trials() -> Result<Vec<Trial>> {
    let Some(path) = find() else {
        return Ok(vec![skipped("ptxas".into(), "it is not installed")]);
    };
    let assembler = Arc::new(Assembler::new(path)?);
    let mut trials = vec![];
    for model in [
        files::below("models", "dl")?,
        files::below("../examples", "dl")?,
        files::below("kernels", "dl")?,
    ]
    .concat()
    {
        let assembler = assembler.clone();
        let name = format!("ptxas/{}", files::shown(&model));
        trials.push(trial(name, move || assembler.model(&model)));
    }
    for op in files::below("ops", "mlir")? {
        let text = files::read(&op)?;
        if directive::parse(&text)?.evals.is_empty() {
            continue;
        }
        let assembler = assembler.clone();
        let name = format!("ptxas/{}", files::shown(&op));
        trials.push(trial(name, move || {
            assembler.op(opfile::module_text(&text))
        }));
    }
    Ok(trials)
}

/// Where it is: `PTXAS`, on the path, or with the Python of `DLC_PYTHON`, from the wheel nvidia-cuda-nvcc.
fn find() -> Option<PathBuf> {
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

impl Assembler {
    fn new(path: PathBuf) -> Result<Self> {
        let output = host::run(Command::new(&path).arg("--version"))?;
        let text = String::from_utf8(output.stdout)?;
        // `Cuda compilation tools, release 13.0, V13.0.88`.
        let version = text.split_once(", V").map(|(_, rest)| rest);
        let version = version.and_then(|rest| rest.split_whitespace().next());
        let version = version.context("ptxas does not tell its version")?;
        Ok(Self {
            version: version.to_string(),
            path,
        })
    }

    /// Assembles a file; gives what each kernel takes, by its name.
    fn assemble(&self, text: &Path, of: Architecture) -> Result<BTreeMap<String, Used>> {
        let mut assembler = Command::new(&self.path);
        assembler.args(["-v", "-arch", of.name, "-o"]);
        assembler.arg(text.with_extension("cubin")).arg(text);
        let output = host::run(&mut assembler)?;
        let told = String::from_utf8(output.stderr)?;
        // What ptxas says where it gives up that products are asynchronous: `(C7510) Potential Performance Loss`.
        let serial = told.lines().find(|line| line.contains("(C75"));
        ensure!(
            serial.is_none(),
            "{}: {}",
            of.name,
            serial.unwrap_or_default()
        );
        let all = used(&told)?;
        for (kernel, used) in &all {
            ensure!(
                used.spilled == 0,
                "{}: {kernel} spills {} bytes",
                of.name,
                used.spilled
            );
        }
        Ok(all)
    }

    /// Builds a model for each GPU and assembles its kernels; they take what its table says.
    fn model(&self, model: &Path) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let stem = model.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.context("a model has a name")?;
        let text = folder.path().join(format!("{stem}.ptx"));
        let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (column, architecture) in ARCHITECTURES.iter().enumerate() {
            let name = architecture.name;
            // What is made may depend on the host's CPU.
            let options = ["--gpu", name, "--emit=ptx", "--target-cpu", TABLES_CPU];
            host::build(model, folder.path(), &options)?;
            let all = self.assemble(&text, *architecture)?;
            ensure!(!all.is_empty(), "ptxas tells nothing of kernels");
            for (kernel, used) in all {
                let row = table.entry(kernel).or_default();
                row.resize(column, "-".into());
                row.push(format!("{} {} {}", used.registers, used.shared, used.stack));
            }
        }
        let names: Vec<_> = ARCHITECTURES.iter().map(|one| one.name).collect();
        let mut text = format!(
            "ptxas {}\nkernel: registers, bytes shared, bytes on the stack for {}\n\n",
            self.version,
            names.join(" | ")
        );
        for (kernel, row) in table {
            writeln!(text, "{kernel}: {}", row.join(" | "))?;
        }
        let shown = files::shown(model);
        let name = shown.trim_start_matches("../").replace('/', "-");
        let path = files::root()
            .join("kernels")
            .join(name)
            .with_extension("txt");
        let first = fs::read_to_string(&path).unwrap_or_default();
        let first = first.lines().next().unwrap_or_default();
        if !golden::blessing() && first != format!("ptxas {}", self.version) {
            println!(
                "skipped the table of {shown}: it is of {first}, here is ptxas {}",
                self.version
            );
            return Ok(());
        }
        golden::check(&path, &text)
    }

    /// Assembles the kernels of a module's functions for each GPU.
    fn op(&self, text: &str) -> Result<()> {
        let folder = tempfile::tempdir()?;
        for architecture in ARCHITECTURES {
            let options = Options {
                gpu: Some(*architecture),
                ..(CPU.options)()
            };
            let compiled = cpu::compile(text, options, &[], Emit::Ptx)?;
            let path = folder.path().join("op.ptx");
            fs::write(&path, &compiled.artefacts[&Emit::Ptx])?;
            self.assemble(&path, *architecture)?;
        }
        Ok(())
    }
}

/// The CPU of the host for which tables are made.
const TABLES_CPU: &str = "x86-64-v3";

/// What the assembler tells of kernels:
/// ```text
/// ptxas info    : Compiling entry function 'f' for 'sm_80'
///     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
/// ptxas info    : Used 32 registers, used 1 barriers, 8 bytes cumulative stack size, 1024 bytes smem, 536 bytes cmem[0]
/// ```
fn used(told: &str) -> Result<BTreeMap<String, Used>> {
    let mut all = BTreeMap::new();
    let mut kernel = None;
    for line in told.lines() {
        if let Some((_, name)) = line.split_once("Compiling entry function '") {
            let name = name.split('\'').next().unwrap_or_default().to_string();
            all.insert(name.clone(), Used::default());
            kernel = Some(name);
        }
        let Some(used) = kernel.as_ref().and_then(|name| all.get_mut(name)) else {
            continue;
        };
        for part in line.split(',') {
            let mut words = part
                .split_whitespace()
                .skip_while(|word| word.parse::<u64>().is_err());
            let Some(count) = words.next() else { continue };
            let count: u64 = count.parse()?;
            match words.collect::<Vec<_>>().join(" ").as_str() {
                "registers" => used.registers = count,
                "bytes smem" => used.shared = count,
                "bytes stack frame" => used.stack = count,
                "bytes spill stores" | "bytes spill loads" => used.spilled += count,
                _ => {}
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read() {
        let told = "ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'f' for 'sm_80'
ptxas info    : Function properties for f
    48 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers, 1024 bytes smem, 536 bytes cmem[0]
ptxas info    : Compile time = 13.837 ms
ptxas info    : Compiling entry function 'g' for 'sm_80'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers, 400 bytes cmem[0]
";
        let used = used(told).expect("it is read");
        let f = Used {
            registers: 32,
            shared: 1024,
            stack: 48,
            spilled: 20,
        };
        let g = Used {
            registers: 8,
            ..Used::default()
        };
        assert_eq!(
            used,
            BTreeMap::from([("f".to_string(), f), ("g".to_string(), g)])
        );
    }
}
