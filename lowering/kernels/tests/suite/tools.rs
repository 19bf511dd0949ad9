//! From a program to PTX by the tools of LLVM's installation, and arguments of kernels.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use dlc_ptx::Entry;

/// What becomes of func, arith, scf, memref and nvvm on the way to LLVM's dialect.
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

/// PTX of the function `kernel` of a module for a chip, such as `sm_80`.
pub fn ptx(module: &str, chip: &str) -> String {
    let llvm = tool("mlir-opt", &[&format!("--pass-pipeline={PASSES}")], module);
    let llvm = tool("mlir-translate", &["--mlir-to-llvmir"], &llvm);
    // What functions of MLIR's func dialect can't say.
    let llvm = llvm.replace("define void @kernel(", "define ptx_kernel void @kernel(");
    let llvm = llvm.replace(BY_VALUE, &format!("{BY_VALUE} \"nvvm.grid_constant\""));
    let (triple, chip) = ("-mtriple=nvptx64-nvidia-cuda", format!("-mcpu={chip}"));
    let passes = [
        "-S",
        triple,
        &chip,
        "-passes=internalize,default<O3>",
        "-internalize-public-api-list=kernel",
    ];
    let llvm = tool("opt", &passes, &llvm);
    tool("llc", &["-O3", triple, &chip, "-mattr=+ptx80"], &llvm)
}

/// The type of a parameter that is a tensor map.
pub const MAP: &str = "!llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>}";
/// What that is in LLVM's text.
const BY_VALUE: &str = "byval([128 x i8])";

/// What a program's function takes before its own parameters.
#[derive(Clone, Copy, Debug)]
pub enum First {
    /// The number of a piece of work, of which the kernel's first parameter says how many there are; a block does each so many-th.
    Piece,
    /// The numbers of the block and of all blocks.
    Block,
}

/// The function `kernel`, which calls a function whose own parameters have these types in blocks of so many threads, of which so many
/// are to be on a multiprocessor.
pub fn kernel(
    function: &str,
    first: First,
    types: &[String],
    [threads, blocks]: [i64; 2],
) -> String {
    let parameters = types.iter().enumerate();
    let mut parameters: Vec<_> = parameters.map(|(at, ty)| format!("%p{at}: {ty}")).collect();
    let names: String = (0..types.len()).map(|at| format!(", %p{at}")).collect();
    // Of what a parameter is, a call takes no attributes.
    let types = types.iter().map(|ty| ty.split(" {").next().unwrap());
    let types: String = types.map(|ty| format!(", {ty}")).collect();
    let call = match first {
        First::Piece => {
            parameters.insert(0, "%count: index".to_string());
            format!(
                "scf.for %number = %block to %count step %blocks {{
                   func.call @{function}(%number{names}) : (index{types}) -> ()
                 }}"
            )
        }
        First::Block => {
            format!("func.call @{function}(%block, %blocks{names}) : (index, index{types}) -> ()")
        }
    };
    format!(
        "func.func @kernel({}) attributes {{
           passthrough = [[\"nvvm.reqntid\", \"{threads}\"], [\"nvvm.minctasm\", \"{blocks}\"]]
         }} {{
           %x = nvvm.read.ptx.sreg.ctaid.x : i32
           %y = nvvm.read.ptx.sreg.nctaid.x : i32
           %block = arith.index_cast %x : i32 to index
           %blocks = arith.index_cast %y : i32 to index
           {call}
           func.return
         }}
        ",
        parameters.join(", ")
    )
}

/// What a kernel is called with, parameter by parameter.
#[derive(Clone, Debug, Default)]
pub struct Arguments(Vec<Vec<u8>>);

impl Arguments {
    /// A size or a place.
    pub fn index(&mut self, value: i64) {
        self.0.push(value.to_le_bytes().to_vec());
    }

    pub fn f32(&mut self, value: f32) {
        self.0.push(value.to_le_bytes().to_vec());
    }

    /// A memref: its address (twice) and first element, sizes and strides in elements.
    pub fn memref(&mut self, address: u64, offset: i64, sizes: &[i64], strides: &[i64]) {
        let address = address as i64;
        for number in [&[address, address, offset], sizes, strides].concat() {
            self.index(number);
        }
    }

    /// A tensor map of 128 bytes.
    pub fn map(&mut self, bytes: &[u8]) {
        self.0.push(bytes.to_vec());
    }

    /// The bytes of a kernel's parameters.
    pub fn bytes(&self, entry: &Entry) -> Vec<u8> {
        assert_eq!(entry.params().len(), self.0.len());
        let mut bytes = vec![0; entry.param_bytes()];
        for (param, value) in entry.params().iter().zip(&self.0) {
            bytes[param.offset..param.offset + param.size].copy_from_slice(value);
        }
        bytes
    }
}
