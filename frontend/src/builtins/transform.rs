//! Built-ins: transformations of functions, and what only tests do.

use crate::builtins::Builtin;

/// Built-ins whose argument `wrt` names parameters.
pub(super) const RAW: &[&str] = &["grad", "value_and_grad", "check_grad"];

pub(super) const TABLE: &[Builtin] = &[];
