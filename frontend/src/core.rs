//! The typed core: what the checker makes of a file and what emission turns into the `dl` dialect.
//!
//! A function is a list of nodes in the order of their evaluation; each node names earlier ones. Structs, tuples,
//! lists, generic dims with known values, built-ins and function values are gone; `Prim` has one case for each kind
//! of `dl` op. Nothing here refers to MLIR.

mod shape;
mod testing;

use dlc_abi::dim::Poly;
use dlc_abi::manifest::Entry;

pub use self::shape::{Dim, TensorType};
pub use self::testing::{Assertion, AssertionKind, GradientPart, TEST_ENTRY, Test, tolerances};
use crate::ast::{DType, Span};
use crate::diagnostic::Code;

/// A number known when compiling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Num {
    /// An integer; between the least `i64` and the greatest `u64`.
    Int(i128),
    /// A float.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

impl std::fmt::Display for Num {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Num::Int(value) => write!(f, "{value}"),
            Num::Float(value) => write!(f, "{value:?}"),
            Num::Bool(value) => write!(f, "{value}"),
        }
    }
}

/// The number of a node in its function.
pub type NodeIndex = u32;

/// The number of a function in its program.
pub type FuncIndex = usize;

/// What a call of a derivative gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivativeKind {
    /// The gradients of the first result, which is a scalar, one for each `wrt`.
    Gradient,
    /// The results, and the gradients of the first one.
    ValueAndGradient,
    /// From cotangents of the float results, gradients.
    Vjp,
    /// The results, and from a tangent for each `wrt` the tangents of the float results.
    Jvp,
}

/// What the operands of a product are rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// bf16, on every target.
    Bf16,
    /// f16, on every target.
    F16,
    /// tf32, where a target multiplies such; other targets do not round.
    Tf32,
}

impl Precision {
    /// As `@precision` and the `dl` ops name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::Tf32 => "tf32",
        }
    }

    /// Whether products of this dtype are rounded.
    pub fn rounds(self, dtype: DType) -> bool {
        match self {
            Self::Bf16 | Self::F16 => matches!(dtype, DType::F32 | DType::F64),
            Self::Tf32 => dtype == DType::F32,
        }
    }
}

/// What a node does. The names are those of the `dl` ops, which say what each means.
#[derive(Clone, Debug, PartialEq)]
pub enum Prim {
    /// The n-th parameter.
    Param(u32),
    /// An elementwise op by its mnemonic, such as `add`, `select` or `convert`.
    Elementwise(&'static str),
    /// One number for all elements, or one for each.
    Constant(Vec<Num>),
    /// A dim as an `i64`.
    DimValue(Dim),
    /// Each element is its position along an axis.
    Iota {
        /// The axis.
        axis: usize,
    },
    /// Sum of products.
    DotGeneral {
        /// Batch axes of both.
        batch: Vec<(usize, usize)>,
        /// Contracted axes of both.
        contract: Vec<(usize, usize)>,
        /// What the operands are rounded to.
        precision: Option<Precision>,
    },
    /// Sums of products of windows, without padding.
    Conv {
        /// The step from window to window on each axis in space.
        strides: Vec<i64>,
        /// The step within a window on each axis in space.
        dilations: Vec<i64>,
        /// The number of groups of channels.
        groups: i64,
        /// What the operands are rounded to.
        precision: Option<Precision>,
    },
    /// `sum`, `max`, `min`, `prod` of each window.
    ReduceWindow {
        /// Which.
        kind: &'static str,
        /// The size of the window on each axis.
        window: Vec<i64>,
        /// The step from window to window on each axis.
        strides: Vec<i64>,
    },
    /// `sum`, `max`, `min`, `prod`, `any`, `all` over axes.
    Reduce {
        /// Which.
        kind: &'static str,
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// `argmax`, `argmin` along an axis.
    ArgReduce {
        /// Which.
        kind: &'static str,
        /// The axis.
        axis: usize,
    },
    /// Where the first, second, … element along an axis lies.
    Argsort {
        /// The axis.
        axis: usize,
        /// Whether the greatest comes first.
        descending: bool,
    },
    /// `sum`, `prod`, `max`, `min` of each element and those before it along an axis.
    Cumulative {
        /// Which.
        kind: &'static str,
        /// The axis.
        axis: usize,
        /// Whether it is those after it.
        reverse: bool,
    },
    /// Axis i becomes axis `axes[i]`; the others are new.
    Broadcast {
        /// Where the operand's axes go.
        axes: Vec<usize>,
    },
    /// The same elements in another shape.
    Reshape,
    /// Axis i of the result is axis `permutation[i]`.
    Transpose {
        /// The permutation.
        permutation: Vec<usize>,
    },
    /// Turned over along axes.
    Reverse {
        /// The axes, ascending.
        axes: Vec<usize>,
    },
    /// One after another along an axis.
    Concatenate {
        /// The axis.
        axis: usize,
    },
    /// A part.
    Slice {
        /// The first index of each axis.
        starts: Vec<Dim>,
        /// The step of each axis.
        strides: Vec<i64>,
    },
    /// With a part replaced.
    UpdateSlice {
        /// The first index of each axis.
        starts: Vec<Dim>,
        /// The step of each axis.
        strides: Vec<i64>,
    },
    /// Inside a tensor of a value.
    Pad {
        /// How much comes before on each axis.
        low: Vec<Dim>,
        /// How much comes between two elements on each axis.
        interior: Vec<i64>,
    },
    /// Slices at ids along an axis.
    Take {
        /// The axis.
        axis: usize,
    },
    /// Elements at ids along an axis.
    TakeAlongAxis {
        /// The axis.
        axis: usize,
    },
    /// Elements added at ids along an axis.
    ScatterAddAlongAxis {
        /// The axis.
        axis: usize,
    },
    /// Slices put (`set`) or added (`add`) at ids along an axis, in order.
    Scatter {
        /// Which.
        kind: &'static str,
        /// The axis.
        axis: usize,
    },
    /// Random bits of a key.
    RandomBits,
    /// `u32[..., 2]` taken as keys.
    KeyFromBits,
    /// A line of a text and the operands on the standard output. It gives nothing; no node names it.
    Print {
        /// The text, which comes first.
        text: String,
    },
    /// A condition, the operand, that makes the call of the entry fail where it does not hold. It gives nothing; no node
    /// names it.
    Check {
        /// The code of the failure.
        code: Code,
        /// What is said of it.
        text: String,
    },
    /// A call; `Result` nodes name what it gives.
    Call {
        /// Whom.
        func: FuncIndex,
        /// The callee's dims in terms of the caller's.
        dims: Vec<Dim>,
        /// The types of its results.
        results: Vec<TensorType>,
    },
    /// A call of a derivative. What is given behind the arguments, and what it gives, `kind` says.
    Derivative {
        /// Of whom.
        func: FuncIndex,
        /// The callee's dims in terms of the caller's.
        dims: Vec<Dim>,
        /// Positions among the callee's parameters.
        wrt: Vec<u32>,
        /// What it gives.
        kind: DerivativeKind,
        /// The types of its results.
        results: Vec<TensorType>,
    },
    /// A call of a function for each element of a batch. Tensors have a further axis where an axis is named.
    Vmap {
        /// Of whom.
        func: FuncIndex,
        /// The callee's dims in terms of the caller's.
        dims: Vec<Dim>,
        /// The number of elements.
        size: Dim,
        /// For each parameter of the callee the axis of the batch.
        in_axes: Vec<Option<u32>>,
        /// For each of its results.
        out_axes: Vec<Option<u32>>,
        /// The types of what it gives.
        results: Vec<TensorType>,
    },
    /// A name for an integer scalar, an `i64`, by which later nodes have it as a dim where a slice starts.
    Index(String),
    /// A number of rounds, counted from 0. The operands are the number where `rounds` does not say it, the values that
    /// are carried, and what `body` captures; the results are the carried values after the last round.
    For {
        /// The name of the round's number, which is a dim in the body.
        index: String,
        /// The number of rounds, none if it is negative; without it the first operand says it, an `i64`.
        rounds: Option<Dim>,
        /// A round: from the carried values before it to those after it.
        body: Box<Region>,
        /// The types of the carried values.
        results: Vec<TensorType>,
    },
    /// Rounds for as long as a condition holds. The operands are the values that are carried, what `cond` captures and
    /// what `body` captures.
    While {
        /// Where the rounds are counted, the name of the number of those before, a dim in both regions. `cond` holds only
        /// while it is below a number from outside.
        counter: Option<String>,
        /// From the carried values to the condition and the carried values.
        cond: Box<Region>,
        /// A round: from the carried values that `cond` gave to those after it.
        body: Box<Region>,
        /// The types of the carried values.
        results: Vec<TensorType>,
    },
    /// One of two. The operands are the condition, what `then` captures and what `otherwise` captures.
    If {
        /// Where the condition holds.
        then: Box<Region>,
        /// Where it does not.
        otherwise: Box<Region>,
        /// The types of what both give.
        results: Vec<TensorType>,
    },
    /// The n-th result of a call, a loop or a branch.
    Result(u32),
    /// The result of a function value that is known by its type only. Never in a program that is emitted.
    Opaque,
}

impl Prim {
    /// The regions of a loop or a branch, in order.
    pub fn regions(&self) -> Vec<&Region> {
        match self {
            Prim::For { body, .. } => vec![body],
            Prim::While { cond, body, .. } => vec![cond, body],
            Prim::If {
                then, otherwise, ..
            } => vec![then, otherwise],
            _ => Vec::new(),
        }
    }
}

/// Steps inside a node, with numbers of their own. `Param(n)` is the n-th of the values that the node passes in, and
/// after these what is captured from around it. The dims of the function are known in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// The types of what the node passes in.
    pub params: Vec<TensorType>,
    /// How many values are captured.
    pub captures: usize,
    /// The steps.
    pub nodes: Vec<Node>,
    /// What it gives.
    pub results: Vec<NodeIndex>,
}

/// One step of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it does.
    pub op: Prim,
    /// Its operands.
    pub args: Vec<NodeIndex>,
    /// Its type; that of the first result for a call, if there is one.
    pub ty: TensorType,
    /// The place in the source it came from.
    pub span: Span,
}

/// A parameter of a function: one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The dotted path, `p.w1`.
    pub path: String,
    /// Its type.
    pub ty: TensorType,
    /// Whether the caller sees changes.
    pub inout: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A result of a function: one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct FuncResult {
    /// The dotted path, `out.0` or `p.w1`.
    pub path: String,
    /// The node.
    pub node: NodeIndex,
}

/// A condition that an entry checks when it is called.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// As in the manifest: both sides as canonical polynomials.
    pub text: String,
    /// The left side.
    pub lhs: Poly,
    /// `==`, `!=`, `<`, `<=`, `>` or `>=`.
    pub rel: &'static str,
    /// The right side.
    pub rhs: Poly,
    /// What the caller is told.
    pub message: String,
}

/// What makes a function an entry point of the library.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryInfo {
    /// The C name.
    pub symbol: String,
    /// The least and greatest value of each dim.
    pub ranges: Vec<(i64, Option<i64>)>,
    /// What is said of each dim outside its range.
    pub range_messages: Vec<String>,
    /// The conditions after the ranges.
    pub checks: Vec<Check>,
    /// What is said of each check in the body that fails.
    pub failures: Vec<String>,
}

/// A function.
#[derive(Clone, Debug, PartialEq)]
pub struct Func {
    /// Its symbol.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// The dims that are passed to it.
    pub dims: Vec<String>,
    /// The tensors that are passed to it.
    pub params: Vec<Param>,
    /// The steps.
    pub nodes: Vec<Node>,
    /// What it returns: the final values of `inout` leaves, in the order of the parameters, then its result's leaves.
    pub results: Vec<FuncResult>,
    /// For an export.
    pub entry: Option<EntryInfo>,
    /// How calls of it are differentiated.
    pub rules: Rules,
}

/// What a function says of its own derivative. A call of one that says something stays a call while derivatives are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether reverse mode keeps the arguments alone.
    pub checkpoint: bool,
    /// Of reverse mode: from the parameters and a cotangent for each float result, a gradient for each float parameter.
    pub vjp: Option<FuncIndex>,
    /// Of forward mode: from the parameters and a tangent for each that is a float, a tangent for each float result.
    pub jvp: Option<FuncIndex>,
}

impl Rules {
    /// Whether there is anything.
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

/// What a program is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// The exports of the file are the entries.
    #[default]
    Library,
    /// The test of this position in the file is the only entry, by the name [`TEST_ENTRY`].
    Test(usize),
}

/// What a file is checked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What the program is made for.
    pub goal: Goal,
    /// Whether an index that is out of range makes the call fail, where it is clamped otherwise.
    pub check_bounds: bool,
    /// Whether each entry has variants that take an executor.
    pub threads: bool,
    /// Whether each entry has variants that take a device.
    pub gpu: bool,
}

/// A checked file.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Program {
    /// The functions; calls name them by position.
    pub funcs: Vec<Func>,
    /// What the manifest says of the exports, in the order of the source.
    pub entries: Vec<Entry>,
    /// The tests of the file, in order.
    pub tests: Vec<Test>,
    /// The stem of the file as a C identifier; every symbol of the library starts with it.
    pub stem: String,
}
