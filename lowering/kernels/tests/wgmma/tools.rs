//! From text of MLIR to PTX by the tools of LLVM's installation, and random numbers.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What becomes of func, arith, scf, memref and nvvm on the way to LLVM's dialect.
const PASSES: &str = "builtin.module(canonicalize,cse,loop-invariant-code-motion,expand-strided-metadata,lower-affine,\
    arith-expand{include-bf16=true},convert-scf-to-cf,convert-to-llvm,reconcile-unrealized-casts)";

/// PTX of a module for a chip, such as `sm_80`.
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
            &["-S", "-mtriple=nvptx64-nvidia-cuda", "-passes=default<O3>"],
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
    }
    fs::read_to_string(file("module.ptx")).unwrap()
}

/// A parameter of a kernel.
pub enum Parameter {
    /// A size, of 64 bits.
    Index,
    /// A memref of elements of a type and of a rank, with all strides and an offset, as pointers (twice), offset, sizes, strides.
    Memref(&'static str, usize),
    /// A tensor map of 128 bytes, as its address.
    Map,
}

impl Parameter {
    /// The type that the function has in its place.
    pub fn ty(&self) -> String {
        match self {
            Self::Index => "index".to_string(),
            Self::Memref(element, rank) => format!(
                "memref<{}{element}, strided<[{}], offset: ?>>",
                "?x".repeat(*rank),
                vec!["?"; *rank].join(", ")
            ),
            Self::Map => "!llvm.ptr".to_string(),
        }
    }
}

/// A function `kernel` that calls a function with the number of the block, that of blocks, and what its parameters give.
pub fn kernel(function: &str, parameters: &[Parameter], attributes: &str) -> String {
    const MAP: &str =
        "{llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}";
    let mut body = String::new();
    let mut head = vec![];
    for (at, parameter) in parameters.iter().enumerate() {
        let ty = parameter.ty();
        match parameter {
            Parameter::Map => head.push(format!("%p{at}: {ty} {MAP}")),
            Parameter::Index => {
                head.push(format!("%i{at}: i64"));
                writeln!(body, "%p{at} = arith.index_cast %i{at} : i64 to index").unwrap();
            }
            Parameter::Memref(_, rank) => {
                let whole = format!(
                    "!llvm.struct<(ptr, ptr, i64, array<{rank} x i64>, array<{rank} x i64>)>"
                );
                writeln!(body, "%m{at}_0 = llvm.mlir.undef : {whole}").unwrap();
                let mut places = vec![
                    ("!llvm.ptr", "0".to_string()),
                    ("!llvm.ptr", "1".to_string()),
                ];
                places.push(("i64", "2".to_string()));
                for part in [3, 4] {
                    places.extend((0..*rank).map(|axis| ("i64", format!("{part}, {axis}"))));
                }
                for (next, (ty, place)) in places.iter().enumerate() {
                    head.push(format!("%q{at}_{next}: {ty}"));
                    let to = next + 1;
                    writeln!(
                        body,
                        "%m{at}_{to} = llvm.insertvalue %q{at}_{next}, %m{at}_{next}[{place}] : {whole}"
                    )
                    .unwrap();
                }
                let last = places.len();
                writeln!(
                    body,
                    "%p{at} = builtin.unrealized_conversion_cast %m{at}_{last} : {whole} to {ty}"
                )
                .unwrap();
            }
        }
    }
    let names: Vec<_> = (0..parameters.len()).map(|at| format!("%p{at}")).collect();
    let types: Vec<_> = parameters.iter().map(Parameter::ty).collect();
    format!(
        "llvm.func @kernel({}) attributes {{nvvm.kernel, {attributes}}} {{
           %x = nvvm.read.ptx.sreg.ctaid.x : i32
           %y = nvvm.read.ptx.sreg.nctaid.x : i32
           %block = arith.index_cast %x : i32 to index
           %blocks = arith.index_cast %y : i32 to index
           {body}
           func.call @{function}(%block, %blocks, {}) : (index, index, {}) -> ()
           llvm.return
         }}",
        head.join(", "),
        names.join(", "),
        types.join(", "),
    )
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
