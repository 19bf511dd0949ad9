//! The hand-over to LLVM: from a module in the `llvm` dialect to LLVM IR, assembly and objects.

pub mod cpu;
pub mod gpu;
mod lld;
mod machine;
mod parts;
pub mod place;

pub use cpu::{CodegenError, CodegenOptions, Form, Made, Objects, emit, host_triple, llvm_version};
pub use lld::{Linker, link};
pub use place::{Place, Processor};
