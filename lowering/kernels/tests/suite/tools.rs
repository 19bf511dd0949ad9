//! From a program to PTX by LLVM's tools, and parameters of kernels.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use dlc_kernels::program::Storage;

/// What makes MLIR's LLVM dialect of a program.
const PASSES: &str = "builtin.module(canonicalize,cse,loop-invariant-code-motion,expand-strided-metadata,lower-affine,\
                      arith-expand{include-bf16=true},convert-scf-to-cf,convert-to-llvm,reconcile-unrealized-casts)";

/// Runs one of LLVM's tools on a text.
fn tool(name: &str, arguments: &[&str], input: &str) -> String {
    let prefix = std::env::var_os("LLVM_PREFIX").unwrap_or_else(|| "/usr/lib/llvm-22".into());
    let path = PathBuf::from(prefix).join("bin").join(name);
    let mut child = Command::new(&path)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A tool that fails does not read all; its status says so.
        scope.spawn(move || stdin.write_all(input.as_bytes()).ok());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{name} fails on\n{input}");
    String::from_utf8(output.stdout).unwrap()
}

/// PTX of the function `kernel` of a module, for blocks of so many threads.
pub fn ptx(module: &str, threads: i64, chip: &str) -> String {
    let llvm = tool("mlir-opt", &[&format!("--pass-pipeline={PASSES}")], module);
    let llvm = tool("mlir-translate", &["--mlir-to-llvmir"], &llvm);
    let llvm = llvm.replace("define void @kernel(", "define ptx_kernel void @kernel(");
    let passes = [
        "-S",
        "-mtriple=nvptx64-nvidia-cuda",
        "-passes=internalize,default<O3>",
        "-internalize-public-api-list=kernel",
    ];
    let llvm = tool("opt", &passes, &llvm);
    let ptx = tool("llc", &[&format!("-mcpu={chip}"), "-mattr=+ptx80"], &llvm);
    let threads = format!(".reqntid {threads}");
    assert!(ptx.contains(&threads), "no {threads} in\n{ptx}");
    ptx
}

/// The function `kernel`, which runs a function with the number of the block and the kernel's own parameters.
pub fn kernel(function: &str, types: &[String], threads: i64) -> String {
    let list = |first: &[&str], with: &dyn Fn(usize, &String) -> String| {
        let own = types.iter().enumerate().map(|(at, ty)| with(at, ty));
        let all: Vec<_> = first
            .iter()
            .map(|text| text.to_string())
            .chain(own)
            .collect();
        all.join(", ")
    };
    format!(
        "func.func @kernel({}) attributes {{passthrough = [[\"nvvm.reqntid\", \"{threads}\"]]}} {{\n  \
         %block = nvvm.read.ptx.sreg.ctaid.x : i32\n  %number = arith.index_cast %block : i32 to index\n  \
         func.call @{function}({}) : ({}) -> ()\n  func.return\n}}\n",
        list(&[], &|at, ty| format!("%p{at}: {ty}")),
        list(&["%number"], &|at, _| format!("%p{at}")),
        list(&["index"], &|_, ty| ty.clone()),
    )
}

/// The bytes of a kernel's parameters.
#[derive(Clone, Default)]
pub struct Params(pub Vec<u8>);

impl Params {
    /// A size.
    pub fn index(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// A memref of two dimensions: address, first element, sizes and what is from one row, or column, to the next.
    pub fn matrix(
        &mut self,
        (address, offset): (u64, usize),
        [rows, columns]: [usize; 2],
        (storage, pitch): (Storage, usize),
    ) {
        let strides = match storage {
            Storage::Rows => [pitch, 1],
            Storage::Columns => [1, pitch],
        };
        self.index(address);
        self.index(address);
        for value in [offset, rows, columns, strides[0], strides[1]] {
            self.index(value as u64);
        }
    }
}
