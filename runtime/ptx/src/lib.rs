//! An interpreter of PTX.

mod address;
mod decode;
mod fault;
mod float;
mod kernel;
mod lanes;
mod launch;
mod lexer;
mod memory;
mod module;
mod op;
mod parser;
mod pure;
mod run;
mod syntax;
mod tensor_map;
mod types;

pub use fault::{Fault, FaultKind};
pub use kernel::{Entry, Param};
pub use launch::{Launch, Options, Report};
pub use lexer::{ParseError, Place};
pub use memory::{Memory, MemoryError};
pub use module::Module;
pub use tensor_map::{Element, Swizzle, TensorMap, TensorMapError};
