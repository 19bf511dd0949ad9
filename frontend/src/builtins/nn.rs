//! Built-ins: nn.

use crate::builtins::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
