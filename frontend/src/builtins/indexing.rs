//! Built-ins: indexing.

use crate::builtins::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
