//! Built-ins: random.

use crate::builtins::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
