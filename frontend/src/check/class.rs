//! Classes of dtypes that operations are defined for.

use crate::ast::DType;
use crate::check::consts::{is_float, is_integer};

/// The dtype class that an operation is defined for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Float types.
    Float,
    /// Integers and floats.
    Number,
    /// Integers.
    Integer,
    /// Integers and bool.
    Bits,
    /// Bool.
    Bool,
    /// All but keys.
    NoKey,
}

impl Class {
    /// Whether a dtype is in it.
    pub fn has(self, dtype: DType) -> bool {
        match self {
            Class::Float => is_float(dtype),
            Class::Number => is_float(dtype) || is_integer(dtype),
            Class::Integer => is_integer(dtype),
            Class::Bits => is_integer(dtype) || dtype == DType::Bool,
            Class::Bool => dtype == DType::Bool,
            Class::NoKey => dtype != DType::Key,
        }
    }

    /// For messages.
    pub fn text(self) -> &'static str {
        match self {
            Class::Float => "floats",
            Class::Number => "numbers",
            Class::Integer => "integers",
            Class::Bits => "integers and `bool`",
            Class::Bool => "`bool`",
            Class::NoKey => "anything but keys",
        }
    }
}
