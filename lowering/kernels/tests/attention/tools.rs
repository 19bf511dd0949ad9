//! From text of MLIR to PTX by the tools of LLVM's installation, and random numbers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What becomes of func, arith, scf, memref and nvvm on the way to LLVM's dialect.
const PASSES: &str = "builtin.module(canonicalize,cse,loop-invariant-code-motion,expand-strided-metadata,lower-affine,\
    arith-expand{include-bf16=true},convert-scf-to-cf,convert-to-llvm,reconcile-unrealized-casts)";

/// PTX of a module for a chip, such as `sm_80`. Only the function `kernel` stays visible.
pub fn ptx(module: &str, chip: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("module.mlir"), module).unwrap();
    let steps: [(&str, &[&str], [&str; 2]); 4] = [
        (
            "mlir-opt",
            &["--pass-pipeline", PASSES],
            ["module.mlir", "llvm.mlir"],
        ),
        (
            "mlir-translate",
            &["--mlir-to-llvmir"],
            ["llvm.mlir", "module.ll"],
        ),
        (
            "opt",
            &[
                "-S",
                "-mtriple=nvptx64-nvidia-cuda",
                "-passes=internalize<preserve-gv=kernel>,default<O3>",
            ],
            ["module.ll", "optimised.ll"],
        ),
        (
            "llc",
            &["-O3", "-mtriple=nvptx64-nvidia-cuda", "-mattr=+ptx80"],
            ["optimised.ll", "module.ptx"],
        ),
    ];
    for (tool, arguments, [from, to]) in steps {
        let mut command = Command::new(prefix().join("bin").join(tool));
        command
            .args(arguments)
            .arg(file(from))
            .arg("-o")
            .arg(file(to));
        if matches!(tool, "opt" | "llc") {
            command.arg(format!("-mcpu={chip}"));
        }
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{tool}: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tool}: {errors}");
        if tool == "mlir-translate" {
            let text = fs::read_to_string(file(to)).unwrap();
            let text = text.replace("define void @kernel(", "define ptx_kernel void @kernel(");
            fs::write(file(to), text).unwrap();
        }
    }
    fs::read_to_string(file("module.ptx")).unwrap()
}

fn prefix() -> PathBuf {
    match std::env::var_os("LLVM_PREFIX") {
        Some(prefix) => PathBuf::from(prefix),
        None => Path::new("/usr/lib/llvm-22").to_path_buf(),
    }
}

/// A sequence of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Between -1 and 1.
    pub fn float(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}
