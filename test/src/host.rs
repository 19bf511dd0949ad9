//! Programs in C and Rust that link a built library: `dlc build`, the system's compilers, and the numbers that
//! the programs print.

use crate::{
    compare::{self, Bound},
    files,
    values::{Random, uniform_tensor, whole_tensor},
};
use anyhow::{Context, Result, ensure};
use dlc_abi::DType;
use dlc_driver::compile::{Options, Session, Source};
use dlc_runtime::Tensor;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The features of the model of `test/models/mlp.dl`, as the programs know them too.
const FEATURES: usize = 16;
const HIDDEN: usize = 24;
const CLASSES: usize = 10;

/// Batch and steps of the programs' training.
pub const BATCH: usize = 7;
/// Steps of the programs' training.
pub const STEPS: usize = 5;

/// A program of the system, if it is installed.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The built `dlc`.
pub fn dlc() -> Result<Command> {
    let mut command = Command::new(files::tools()?.join("dlc"));
    // No cache: tests are of what is made.
    command.env("DLC_CACHE_DIR", "");
    Ok(command)
}

/// Runs a command; the error holds what it printed.
pub fn run(command: &mut Command) -> Result<Output> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}

/// A model of `test/models`.
pub fn model(name: &str) -> PathBuf {
    files::root().join("models").join(name)
}

/// A file of `test/end_to_end`.
pub fn source(name: &str) -> PathBuf {
    files::root().join("end_to_end").join(name)
}

/// Builds a model into a folder.
pub fn build(model: &Path, folder: &Path, more: &[&str]) -> Result<()> {
    run(dlc()?
        .arg("build")
        .arg(model)
        .arg("-o")
        .arg(folder)
        .args(more))?;
    Ok(())
}

/// What the model is called with: the leaves of its parameters, the inputs, the labels.
pub fn inputs() -> Result<Vec<Tensor>> {
    let mut random = Random::of("mlp");
    let mut floats = |shape: &[usize]| uniform_tensor(DType::F32, shape, (-0.5, 0.5), &mut random);
    let mut tensors = vec![
        floats(&[FEATURES, HIDDEN])?,
        floats(&[HIDDEN])?,
        floats(&[HIDDEN, CLASSES])?,
        floats(&[CLASSES])?,
        floats(&[BATCH, FEATURES])?,
    ];
    tensors.push(whole_tensor(
        DType::I32,
        &[BATCH],
        (0, CLASSES as i64 - 1),
        &mut random,
    )?);
    Ok(tensors)
}

/// Writes the inputs as the programs read them.
pub fn write_inputs(path: &Path) -> Result<()> {
    let bytes = inputs()?
        .iter()
        .flat_map(|tensor| tensor.bytes().to_vec())
        .collect::<Vec<_>>();
    Ok(fs::write(path, bytes)?)
}

/// What the programs should print, by the reference evaluator.
pub fn expected() -> Result<Vec<f32>> {
    let path = model("mlp.dl");
    let text = files::read(&path)?;
    let source = Source {
        name: "mlp.dl",
        text: &text,
        stem: "mlp",
    };
    let session = Session::new(Options::default());
    let dims = BTreeMap::from([("B".to_string(), BATCH as i64)]);
    let mut tensors = inputs()?;
    let mut losses = vec![];
    for _ in 0..STEPS {
        let mut leaves = tensors.clone();
        leaves.push(Tensor::from_slice(&[], &[0.1f32])?);
        let mut results = session.evaluate(&source, "train_step", &dims, leaves)?;
        let loss = results.pop().context("the loss comes last")?;
        losses.push(loss.to_f64()[0] as f32);
        ensure!(results.len() == 4, "{} parameters", results.len());
        tensors[..4].clone_from_slice(&results);
    }
    let predictions = session.evaluate(&source, "predict", &dims, tensors[..5].to_vec())?;
    let rest = tensors[..4]
        .iter()
        .chain(&predictions)
        .flat_map(|tensor| tensor.to_f64());
    losses.extend(rest.map(|value| value as f32));
    Ok(losses)
}

/// That a program printed the reference's numbers.
pub fn check_printed(output: &Output) -> Result<Vec<f32>> {
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = text
        .lines()
        .map(str::parse)
        .collect::<Result<Vec<f32>, _>>()?;
    let expected = expected()?;
    ensure!(
        numbers.len() == expected.len(),
        "{} numbers, {} expected",
        numbers.len(),
        expected.len()
    );
    let tensor = |values: &[f32]| Tensor::from_slice(&[values.len()], values);
    compare::check(&tensor(&expected)?, &tensor(&numbers)?, Bound::Near(1e-5))?;
    // Training that changes nothing would be equal as well.
    ensure!(
        numbers[STEPS - 1] < numbers[0],
        "the loss does not fall: {:?}",
        &numbers[..STEPS]
    );
    Ok(numbers)
}

/// Builds the model for a CPU, compiles the C program against it, and gives the program.
pub fn c_program(folder: &Path, cpu: &str) -> Result<PathBuf> {
    build(&model("mlp.dl"), folder, &["--target-cpu", cpu])?;
    write_inputs(&folder.join("inputs"))?;
    let program = folder.join("mlp_c");
    let mut cc = cc();
    cc.arg("-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc");
    cc.arg("-I")
        .arg(folder)
        .arg(files::root().join("end_to_end/mlp.c"));
    run(cc.arg(folder.join("libmlp.a")).arg("-o").arg(&program))?;
    Ok(program)
}

/// The C compiler, which takes warnings for errors.
pub fn cc() -> Command {
    let mut cc = Command::new("cc");
    cc.args([
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-g",
        "-O1",
    ]);
    cc
}

/// Builds a model for several threads, and the C program that brings its own; gives the program.
pub fn threads_program(folder: &Path, cpu: &str) -> Result<PathBuf> {
    build(
        &source("threads.dl"),
        folder,
        &["--threads", "--target-cpu", cpu],
    )?;
    let program = folder.join("threads_c");
    let mut cc = cc();
    cc.arg("-pthread")
        .arg("-I")
        .arg(folder)
        .arg(source("threads.c"));
    run(cc.arg(folder.join("libthreads.a")).arg("-o").arg(&program))?;
    Ok(program)
}

/// Builds the model for a GPU, and the C program that calls it on the interpreter; gives the program.
pub fn gpu_program(folder: &Path) -> Result<PathBuf> {
    build(&model("mlp.dl"), folder, &["--gpu", "sm_80"])?;
    let program = folder.join("gpu_c");
    let include = files::root().join("../runtime/gpu-c/include");
    let mut cc = cc();
    cc.arg("-I").arg(folder).arg("-I").arg(include);
    cc.arg(source("gpu.c")).arg(folder.join("libmlp.a"));
    cc.arg(files::tools()?.join("libdlc_gpu_c.a"));
    run(cc.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program))?;
    Ok(program)
}

/// Builds the model with bindings, compiles the Rust program against it, and gives the program.
pub fn rust_program(folder: &Path) -> Result<PathBuf> {
    build(&model("mlp.dl"), folder, &["--emit=staticlib,rust"])?;
    write_inputs(&folder.join("inputs"))?;
    with_bindings(folder, "mlp")
}

/// Builds a model for several threads with bindings, and the Rust program that brings its own; gives the program.
pub fn rust_threads_program(folder: &Path) -> Result<PathBuf> {
    let flags = ["--threads", "--emit=staticlib,rust"];
    build(&source("threads.dl"), folder, &flags)?;
    with_bindings(folder, "threads")
}

/// Compiles the Rust program of that name against the library and the bindings in a folder.
pub fn with_bindings(folder: &Path, stem: &str) -> Result<PathBuf> {
    rust_with_bindings(folder, stem, stem, &[])
}

/// Compiles a Rust program against the library of a name and the bindings in a folder, and libraries of further folders.
pub fn rust_with_bindings(
    folder: &Path,
    stem: &str,
    program: &str,
    folders: &[&Path],
) -> Result<PathBuf> {
    fs::copy(
        folder.join(format!("{stem}.rs")),
        folder.join("bindings.rs"),
    )?;
    fs::copy(source(&format!("{program}.rs")), folder.join("main.rs"))?;
    let made = folder.join(format!("{program}_rust"));
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let mut rustc = Command::new(rustc);
    rustc.args(["--edition=2024", "-O", "-D", "warnings", "-l"]);
    rustc.arg(format!("static={stem}"));
    for folder in folders.iter().chain([&folder]) {
        rustc.arg("-L").arg(folder);
    }
    run(rustc.arg(folder.join("main.rs")).arg("-o").arg(&made))?;
    Ok(made)
}

/// Runs a program on its inputs.
pub fn run_program(program: &Path) -> Result<Output> {
    let inputs = program.with_file_name("inputs");
    run(Command::new(program)
        .arg(inputs)
        .args([BATCH.to_string(), STEPS.to_string()]))
}
