//! Fusion of `linalg.generic` ops on tensors: what is known of an op and of its neighbours, and the joining of two.
//! The `fuse-elementwise` pass decides.

pub mod join;
pub mod neighbours;
pub mod node;
pub mod space;

pub use join::join;
pub use node::Node;
pub use space::Spaces;
