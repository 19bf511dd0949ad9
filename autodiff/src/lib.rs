//! Derivatives of `dl` functions, made in `dl`: the rule of every op, the engine that runs the rules backwards
//! through a function, and the passes built on them.
//!
//! Naming law: the adjoint of `x`, which is the gradient of the loss with respect to it, is `x_adj`.

pub mod functions;
pub mod gradient;
pub mod passes;
pub mod reverse;
pub mod rules;
pub mod simplify;
