//! Derivatives of `dl` functions, made in `dl`: the rule of every op, the engine that runs the rules backwards
//! through a function, and the passes built on them.
//!
//! Naming law: the adjoint of `x`, which is the gradient of the loss with respect to it, is `x_adj`; its tangent, which
//! is its derivative in the direction that was given, is `x_tan`.

pub mod activity;
pub mod batch;
pub mod bounds;
pub mod calls;
pub mod cuts;
pub mod expander;
pub mod forward;
pub mod functions;
pub mod keep;
pub mod passes;
pub mod request;
pub mod reverse;
pub mod rules;
pub mod simplify;
pub mod site;
pub mod stage;
pub mod trail;
pub mod transform;
