//! Built-ins: tree.

use crate::builtins::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
