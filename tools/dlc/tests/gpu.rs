//! `--target gpu` where there is no GPU, or one on which a program does not run: what is said, and that the CPU still does; and
//! timelines.
//!
//! The driver is that of `dlc-gpu`'s tests, which is found before one that is there; variables of the environment say what it
//! lacks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a program.
fn program() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "export fn f<N in 1..=4096>(x: f32[N]) -> f32[N] { x + 1.0 }\ntest \"one\" { assert(sum(ones([3])) == 3.0) }\n";
    std::fs::write(folder.path().join("m.dl"), text).unwrap();
    folder
}

/// A library of the driver's name, of a source; nothing without a C compiler.
fn driver(folder: &Path, source: &Path) -> Option<()> {
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-x", "c"]);
    let built = cc.arg(source).arg("-o").arg(folder.join("libcuda.so"));
    match built.status() {
        Ok(status) => assert!(status.success()),
        Err(_) => {
            println!("skipped: no cc");
            return None;
        }
    }
    std::fs::copy(folder.join("libcuda.so"), folder.join("libcuda.so.1")).unwrap();
    Some(())
}

fn fake() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runtime/gpu/tests/driver.c")
}

/// The status and what is said, with the driver of a folder that is set so.
fn run(folder: &Path, arguments: &[&str], set: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("DLC_CACHE_DIR", "")
        .env("LD_LIBRARY_PATH", folder)
        .envs(set.iter().copied())
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

const ON_GPU: [&str; 6] = ["run", "m.dl", "--target", "gpu", "--input", "x=ones(1000)"];
const ON_CPU: [&str; 4] = ["run", "m.dl", "--input", "x=ones(1000)"];

#[test]
fn without_a_driver() {
    let folder = program();
    let Some(()) = driver(folder.path(), Path::new("/dev/null")) else {
        return;
    };
    let said = "error: no driver: libcuda.so.1 of NVIDIA's driver can't be loaded; the library works on the CPU\n\
                help: `--target gpu-emulated` needs none, and is slow\n";
    for arguments in [&ON_GPU[..], &["test", "m.dl", "--target", "gpu"]] {
        let expected = (Some(1), said.to_string());
        assert_eq!(run(folder.path(), arguments, &[]), expected);
    }
    assert_eq!(run(folder.path(), &ON_CPU, &[]), (Some(0), String::new()));
}

#[test]
fn what_a_gpu_lacks_is_said() {
    let folder = program();
    let Some(()) = driver(folder.path(), &fake()) else {
        return;
    };
    for (set, expected) in [
        (
            &[("FAKE_CAPABILITY", "75")][..],
            "error: f: Fake driver has compute capability 7.5, the kernels of the library are for 8.0 and above; use a newer GPU, or the entries for the CPU",
        ),
        (
            &[("FAKE_ROOM", "5000")],
            "error: no memory on the device for 8000 bytes: 5000 bytes of 5000 are free; make the dims smaller",
        ),
        (
            &[("FAKE_CRASHES", "1")],
            "error: the device is lost, for every later call too; start the program again. What failed: \
             cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal access)",
        ),
        (
            &[("FAKE_REFUSES", "1")],
            "error: f: the device refuses the kernels of the library: CUDA_ERROR_INVALID_PTX (words)\n\
             ptxas application ptx input, line 3; error",
        ),
    ] {
        let (status, said) = run(folder.path(), &ON_GPU, set);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(run(folder.path(), &ON_CPU, set), (Some(0), String::new()));
    }
}

#[test]
fn a_timeline() {
    let folder = program();
    let arguments = [
        "run",
        "m.dl",
        "--target",
        "gpu-emulated",
        "--input",
        "x=ones(300)",
        "--trace",
        "trace.json",
    ];
    assert_eq!(
        run(folder.path(), &arguments, &[]),
        (Some(0), String::new())
    );
    let text = std::fs::read_to_string(folder.path().join("trace.json")).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let kernels: Vec<_> = events.iter().filter(|one| one["cat"] == "kernel").collect();
    assert_eq!(kernels.len(), 1, "{text}");
    let name = kernels[0]["name"].as_str().unwrap();
    assert!(name.starts_with("m_f_"), "{name}");
    assert!(kernels[0]["dur"].as_f64().unwrap() > 0.0);
    let (grid, block) = (&kernels[0]["args"]["grid"], &kernels[0]["args"]["block"]);
    let threads = grid[0].as_i64().unwrap() * block[0].as_i64().unwrap();
    // A thread takes four numbers at most.
    assert!(4 * threads >= 300, "{text}");
    let ends = events.windows(2).skip(1).all(|two| {
        let end = two[0]["ts"].as_f64().unwrap() + two[0]["dur"].as_f64().unwrap();
        end <= two[1]["ts"].as_f64().unwrap()
    });
    assert!(ends, "one thing after the other: {text}");
}
