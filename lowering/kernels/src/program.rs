//! What the programs have in common: types of elements, ways matrices are stored, functions of the caller.

/// The type of a matrix's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    Bf16,
    /// IEEE single precision.
    F32,
}

impl Element {
    /// Its name in MLIR, which is also its name in PTX.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
        }
    }

    /// Its bytes.
    pub fn bytes(self) -> i64 {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
        }
    }
}

/// Which axis of a matrix has elements next to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// Rows lie one behind the other: the second stride is 1.
    Rows,
    /// Columns lie one behind the other: the first stride is 1.
    Columns,
}

/// A function of the caller, which is called once for each element of a result and stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee {
    /// Its symbol.
    pub name: String,
    /// The types of the values that it takes after the element and its place. The program has a parameter for each.
    pub captured: Vec<String>,
}
