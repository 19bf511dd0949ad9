//! The hand-over to LLVM: from a module in the `llvm` dialect to LLVM IR, assembly and objects.

pub mod cpu;

pub use cpu::{CodegenError, CodegenOptions, Form, emit, host_triple, llvm_version};
