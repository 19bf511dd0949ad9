//! What runs outside the compiler: tensors, the file formats that hold them, the values that
//! `dlc run` takes, and the loader of built libraries.
//!
//! On WebAssembly there are no libraries to load, and the loader is left out.
//!
//! Invariants: nothing here knows the compiler; every reader refuses what it does not understand
//! and never allocates by a length that it has not checked; every file is written beside its
//! destination and renamed.

mod buffer;
mod number;

pub mod bind;
pub mod dims;
pub mod example;
pub mod file;
pub mod formats;
pub mod input;
#[cfg(not(target_family = "wasm"))]
pub mod library;
pub mod limits;
pub mod npy;
pub mod npz;
pub mod output;
pub mod random;
pub mod safetensors;
pub mod tensor;
#[cfg(not(target_family = "wasm"))]
pub mod trace;
pub mod tree;

pub use bind::{BindError, Bound, bind};
pub use dims::DimError;
#[cfg(not(target_family = "wasm"))]
pub use dlc_pool::{Pool, PoolError};
pub use file::FileError;
pub use formats::{ReadError, WriteError};
pub use input::{Input, InputError, Value};
#[cfg(not(target_family = "wasm"))]
pub use library::{Library, LibraryError};
pub use output::Output;
pub use tensor::{Element, Tensor, TensorError};
pub use tree::NamedTensors;
