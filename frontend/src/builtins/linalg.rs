//! Built-ins: linalg.

use crate::builtins::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
