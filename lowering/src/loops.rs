//! Loops from `linalg.generic` on memrefs: the nest and its body as read, the choice of the loop that runs in vectors,
//! and the writing of it all. The `vectorize-generics` pass drives it.

mod accumulator;
pub mod ahead;
pub mod body;
mod memory;
pub mod nest;
mod parts;
mod pieces;
pub mod plan;
mod quotient;
pub mod segments;
mod team;
mod vectors;
pub mod write;

pub use body::Body;
pub use nest::Nest;
pub use plan::Plan;
pub use vectors::neutral_element;
