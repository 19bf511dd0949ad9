//! Whole uses of the compiler: libraries linked into C and Rust programs, what they may call and when they may
//! allocate, the same bytes twice, bad input, the examples, pipelines without each optional pass, the size of workspaces,
//! and JAX's numbers.

use anyhow::{Context, Result, ensure};
use dlc_test::{
    bad_input, chosen, cross, differential, examples, files, host, memory, ptxas, skipped, trial,
};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::{
    collections::BTreeSet,
    fs,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    dlc_test::run(trials)
}

fn trials(arguments: &Arguments) -> Result<Vec<Trial>> {
    if !arguments.list {
        files::build_tools()?;
    }
    let mut trials = vec![];
    let mut add = |name: &str, needs: &[&str], run: fn() -> Result<()>| {
        let missing = needs.iter().find(|tool| host::tool(tool).is_none());
        trials.push(match missing {
            Some(tool) => skipped(name.into(), format!("{tool} is not installed")),
            None => trial(name.into(), run),
        });
    };
    add("c-program", &["cc"], c_program);
    add("c-program-memcheck", &["cc", "valgrind"], memcheck);
    add("c-threads", &["cc"], c_threads);
    add("c-threads-races", &["cc", "valgrind"], races);
    add("c-gpu", &["cc"], c_gpu);
    add("chosen-device", &["cc"], chosen::run);
    add("header-in-c++", &["c++"], header_in_cpp);
    add("rust-program", &["rustc"], rust_program);
    add("rust-threads", &["rustc"], rust_threads);
    add("undefined-symbols", &["nm"], undefined_symbols);
    add("same-bytes-twice", &[], same_bytes);
    add("faults-apply", &["git"], faults_apply);
    for bad in bad_input::TABLE {
        trials.push(trial(format!("bad-input/{}", bad.name), || {
            bad_input::run(bad)
        }));
    }
    for name in examples::names()? {
        trials.push(trial(format!("example/{name}"), move || {
            examples::run(&name)
        }));
    }
    for (name, run) in differential::trials()? {
        trials.push(trial(format!("differential/{name}"), run));
    }
    trials.extend(cross::trials()?);
    trials.extend(ptxas::trials()?);
    for (name, run) in memory::trials()? {
        trials.push(trial(format!("workspace/{name}"), run));
    }
    for (name, script) in [
        ("jax", "jax_compare.py"),
        ("batches", "batches_compare.py"),
        ("pytorch", "models_compare.py"),
        ("builtins-table", "builtins_table.py"),
        ("derivatives-table", "derivatives_table.py"),
        ("memory", "memory_compare.py"),
        ("gpu-bench", "gpu_bench_compare.py"),
    ] {
        trials.push(Trial::ignorable_test(
            name,
            move || match bad_input::python(script) {
                Ok(None) => Ok(Completion::Completed),
                Ok(Some(reason)) => {
                    println!("skipped {name}: {reason}");
                    Ok(Completion::ignored_with(reason))
                }
                Err(error) => Err(Failed::from(format!("{error:#}"))),
            },
        ));
    }
    Ok(trials)
}

/// The program exits with a status of its own where the training loop allocates.
fn c_program() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = host::c_program(folder.path(), "native")?;
    host::check_printed(&host::run_program(&program)?)?;
    Ok(())
}

/// The program exits with a status of its own where bits differ or nothing runs on threads.
fn c_threads() -> Result<()> {
    let folder = tempfile::tempdir()?;
    host::run(&mut Command::new(host::threads_program(
        folder.path(),
        "native",
    )?))?;
    Ok(())
}

/// The program fails where the numbers are not those of the CPU, or a status is another than it should be.
fn c_gpu() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut program = Command::new(host::gpu_program(folder.path())?);
    host::run(program.env("DLC_DEVICE", "cpu"))?;
    Ok(())
}

/// No two threads touch memory that one of them writes, for a CPU whose instructions valgrind knows.
fn races() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = host::threads_program(folder.path(), "x86-64-v3")?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=helgrind", "--error-exitcode=9", "--quiet"]);
    host::run(valgrind.arg(program))?;
    Ok(())
}

/// For a CPU whose instructions valgrind knows.
fn memcheck() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = host::c_program(folder.path(), "x86-64-v3")?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args([
        "--error-exitcode=99",
        "--leak-check=full",
        "--show-leak-kinds=all",
        "--quiet",
    ]);
    valgrind
        .args(["--errors-for-leak-kinds=definite"])
        .arg(&program);
    valgrind.arg(folder.path().join("inputs"));
    let output = host::run(valgrind.args([host::BATCH.to_string(), host::STEPS.to_string()]))?;
    ensure!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    host::check_printed(&output)?;
    Ok(())
}

fn header_in_cpp() -> Result<()> {
    let folder = tempfile::tempdir()?;
    host::build(&host::model("mlp.dl"), folder.path(), &["--emit=header"])?;
    let source = folder.path().join("main.cpp");
    fs::write(
        &source,
        "#include \"mlp.h\"\n#include \"mlp.h\"\nint main() { return mlp_train_step_workspace(1) == 0; }\n",
    )?;
    let mut cpp = Command::new("c++");
    cpp.args([
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-c",
        "-o",
    ]);
    host::run(cpp.arg(folder.path().join("main.o")).arg(source))?;
    Ok(())
}

/// The planted faults of `faults.py` are patches of the code as it is.
fn faults_apply() -> Result<()> {
    let mut patches = 0;
    for entry in fs::read_dir(files::root().join("faults"))? {
        let patch = entry?.path();
        let mut git = Command::new("git");
        git.args(["apply", "--check"])
            .arg(&patch)
            .current_dir(files::root().join(".."));
        host::run(&mut git).with_context(|| format!("{} does not apply", patch.display()))?;
        patches += 1;
    }
    ensure!(patches == 30, "there are {patches} faults, not 30");
    Ok(())
}

/// The bindings call the library that C calls, so the numbers are the same to the last bit.
fn rust_program() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let rust = host::check_printed(&host::run_program(&host::rust_program(folder.path())?)?)?;
    if host::tool("cc").is_some() {
        let program = host::c_program(folder.path(), "native")?;
        let c = host::check_printed(&host::run_program(&program)?)?;
        ensure!(
            rust == c,
            "the C and the Rust program print different numbers"
        );
    }
    Ok(())
}

/// The program fails where bits differ or nothing runs on threads.
fn rust_threads() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = host::rust_threads_program(folder.path())?;
    host::run(&mut Command::new(program)).map(|_| ())
}

/// What a library may want of the C library; nothing of its mathematical part, and no memory.
const ALLOWED: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

fn undefined_symbols() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for model in files::models()? {
        let stem = model
            .file_stem()
            .and_then(|stem| stem.to_str())
            .context("a model has a name")?;
        host::build(&model, folder.path(), &[])?;
        for (file, flags) in [
            (format!("lib{stem}.a"), &[][..]),
            (format!("lib{stem}.so"), &["-D"]),
        ] {
            let mut nm = Command::new("nm");
            let output = host::run(nm.args(flags).arg(folder.path().join(&file)))?;
            let text = String::from_utf8(output.stdout)?;
            // `U name`, with the version of the C library after an `@`; weak ones need not be there. Before the letter of
            // what is there stands its value.
            let lines = || text.lines().map(str::split_whitespace);
            let defined: BTreeSet<_> = lines().filter_map(|mut words| words.nth(2)).collect();
            let wanted = lines()
                .filter_map(|mut words| words.next().filter(|word| *word == "U").and(words.next()));
            let wanted = wanted.filter(|symbol| !defined.contains(symbol));
            for symbol in wanted.map(|symbol| symbol.split('@').next().unwrap_or(symbol)) {
                ensure!(ALLOWED.contains(&symbol), "{file} wants {symbol}");
            }
        }
    }
    Ok(())
}

fn same_bytes() -> Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    const KINDS: &str = "--emit=dl,linalg,loops,llvm-mlir,llvm-ir,asm,obj,staticlib,cdylib,header,hpp,rust,wheel,pkg-config,manifest";
    for folder in &folders {
        // Another place and another name of the folder of the source must not show.
        let source = folder.path().join("mlp.dl");
        fs::copy(host::model("mlp.dl"), &source)?;
        let out = folder.path().join("out");
        host::run(
            host::dlc()?
                .current_dir(folder.path())
                .args(["build", "mlp.dl", KINDS, "-o"])
                .arg(&out),
        )?;
    }
    let names = |i: usize| -> Result<Vec<_>> {
        let entries = fs::read_dir(folders[i].path().join("out"))?;
        let mut names = entries
            .map(|entry| Ok(entry?.file_name()))
            .collect::<Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    };
    let found = names(0)?;
    ensure!(found == names(1)?, "other files");
    ensure!(found.len() >= 15, "only {found:?}");
    for name in found {
        let read = |i: usize| fs::read(folders[i].path().join("out").join(&name));
        ensure!(read(0)? == read(1)?, "{} differs", name.display());
    }
    Ok(())
}
