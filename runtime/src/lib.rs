//! What runs outside the compiler: tensors, the file formats that hold them, the values that
//! `dlc run` takes, and the loader of built libraries.
//!
//! Invariants: nothing here knows the compiler; every reader refuses what it does not understand
//! and never allocates by a length that it has not checked; every file is written beside its
//! destination and renamed.

mod buffer;

pub mod file;
pub mod formats;

pub mod npy;
pub mod npz;

pub mod safetensors;
pub mod tensor;
pub mod tree;

pub use file::FileError;
pub use formats::{ReadError, WriteError};
pub use tensor::{Element, Tensor, TensorError};
pub use tree::NamedTensors;
