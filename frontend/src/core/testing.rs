//! The tests of a program: what they assert, and in which order the results of a test's entry are.

use crate::ast::{DType, Span};

/// The name of the entry that runs a test.
pub const TEST_ENTRY: &str = "test";

/// A `test` item.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// What it asserts, in order; known for the test that the program is made for.
    pub assertions: Vec<Assertion>,
}

/// Something that a test asserts. The results of the test's entry are those of its assertions, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    /// The call.
    pub span: Span,
    /// What it compares.
    pub kind: AssertionKind,
}

/// What an [`Assertion`] compares.
#[derive(Clone, Debug, PartialEq)]
pub enum AssertionKind {
    /// One result: a truth value.
    Holds,
    /// Three results of one shape: where a comparison holds, which it has to do everywhere, and its sides.
    Compares,
    /// Two results for each leaf, of one shape or one of them a scalar: both sides.
    Close {
        /// The dotted paths of the leaves; empty for a tensor.
        leaves: Vec<String>,
        /// The relative tolerance, unless it follows from the dtype.
        rtol: Option<f64>,
        /// The absolute tolerance, unless it follows from the dtype.
        atol: Option<f64>,
    },
    /// Results of `f64`: the function at a point, and two for each part: derivatives that the compiler made, and a list
    /// of the function's values at `step`, `-step`, `step / 2` and `-step / 2` from the point for each of these.
    Gradient {
        /// What is changed.
        parts: Vec<GradientPart>,
        /// The dtype that the function computes in.
        dtype: DType,
        /// How far the function is followed.
        step: f64,
        /// The relative tolerance.
        rtol: f64,
        /// The absolute tolerance.
        atol: f64,
    },
}

/// What a gradient is compared in.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientPart {
    /// What is changed, as it is shown.
    pub name: String,
    /// Whether it is changed in one random direction, not in each number.
    pub random: bool,
}

/// How far two numbers of a dtype may be apart, relatively and absolutely, where an assertion does not say it:
/// `rtol * |b| + atol`. Integers and truth values are equal or not.
pub fn tolerances(dtype: DType, rtol: Option<f64>, atol: Option<f64>) -> (f64, f64) {
    let (r, a) = match dtype {
        DType::F64 => (1e-7, 1e-9),
        DType::F32 => (1e-5, 1e-6),
        DType::F16 => (1e-3, 1e-4),
        DType::BF16 => (1.6e-2, 1e-3),
        _ => (0.0, 0.0),
    };
    (rtol.unwrap_or(r), atol.unwrap_or(a))
}
