//! The reference evaluator of the `dl` dialect: clear and slow, the oracle of every test.
//!
//! Each op is one function over whole arrays, written from the op's record and from nothing else. Floats
//! are computed in `f64`, sums included, and rounded once to the element type; integers wrap. What
//! compiled code leaves to the caller (an index out of range, a slice outside its tensor) is an error here.

mod arith;
mod array;
mod contract;
mod control;
mod differences;
mod elementwise;
mod error;
mod function;
mod index;
mod math;
mod order;
mod print;
mod random;
mod reduce;
mod scalar;
mod shape;
mod value;
mod window;

pub use differences::{Asked, MOST_STEPS, evaluate_by_differences};
pub use error::EvalError;
pub use function::evaluate;
pub use random::threefry2x32;
