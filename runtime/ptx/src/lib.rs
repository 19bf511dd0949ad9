//! An interpreter of PTX, so that code for GPUs is tested without one.
//!
//! A [`Module`] is parsed and decoded; what the interpreter does not know is an error with its place. A [`Launch`] runs a kernel on a
//! [`Memory`] and gives a [`Report`], or a [`Fault`] with block, thread, line and text: an access out of bounds, a race, a
//! barrier that never ends, a copy that is not waited for.
//!
//! Each lane of a warp has its place in the code; lanes at the same place execute together. Asynchronous copies and products
//! complete as late as they may, or at times that follow from a seed ([`Options::seed`]), as does the order of warps and blocks.
//!
//! Not modelled: time, weak orders of memory between accesses that are synchronised, proxies other than by `fence.proxy.async`,
//! errors of approximate instructions, and the order and rounding in which hardware sums products (see `run/matrix.rs`).
//!
//! ```
//! use dlc_ptx::{Launch, Memory, Module, Options};
//!
//! let module = Module::parse(
//!     ".version 8.0
//!      .target sm_80
//!      .address_size 64
//!      .visible .entry twice(.param .u64 values)
//!      {
//!          .reg .b32 %r<4>; .reg .b64 %rd<4>;
//!          mov.u32 %r1, %tid.x;
//!          ld.param.u64 %rd1, [values];
//!          mad.wide.u32 %rd2, %r1, 4, %rd1;
//!          ld.global.u32 %r2, [%rd2];
//!          shl.b32 %r2, %r2, 1;
//!          st.global.u32 [%rd2], %r2;
//!          ret;
//!      }",
//! )?;
//! let mut memory = Memory::new();
//! let values = memory.alloc_copy(&[1, 0, 0, 0, 5, 0, 0, 0]);
//! let params = values.to_le_bytes();
//! module.launch("twice", &Launch::linear(1, 2), &params, &mut memory, &Options::default())?;
//! assert_eq!(memory.read(values, 8)?, [2, 0, 0, 0, 10, 0, 0, 0]);
//! // A third thread is outside.
//! let fault = module
//!     .launch("twice", &Launch::linear(1, 3), &params, &mut memory, &Options::default())
//!     .unwrap_err();
//! assert_eq!((fault.threads, fault.line), (vec![[2, 0, 0]], 10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
