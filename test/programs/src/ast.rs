//! Random programs as trees, typed: what is generated, printed as DL, evaluated and shrunk.

use crate::types::{Dim, Dtype, Type};

/// A program: functions of which the last is the one under test.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it was made from; its arguments are drawn from it too.
    pub seed: u64,
    /// The fields of each struct.
    pub structs: Vec<Vec<Type>>,
    /// The functions; each calls only those before it.
    pub functions: Vec<Function>,
    /// The values of the dims of the last function.
    pub sizes: Vec<i64>,
}

impl Program {
    /// The function under test.
    pub fn main(&self) -> &Function {
        self.functions.last().expect("a program has a function")
    }
}

/// A dim of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct DimDeclaration {
    /// Its name.
    pub name: String,
    /// The least value that it may have.
    pub least: i64,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Attributes before it, as written.
    pub attributes: Vec<String>,
    /// Its dims; each is a size of a parameter by itself.
    pub dims: Vec<DimDeclaration>,
    /// Its parameters.
    pub params: Vec<(String, Type)>,
    /// Its statements.
    pub body: Vec<Statement>,
    /// Its result.
    pub value: Expr,
}

impl Function {
    /// The names of its dims.
    pub fn dim_names(&self) -> Vec<String> {
        self.dims.iter().map(|dim| dim.name.clone()).collect()
    }
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `let name = value`.
    Let(String, Expr),
    /// `let (a, b) = value`.
    LetTuple(Vec<String>, Expr),
    /// `var name = value`.
    Var(String, Expr),
    /// `name = value`.
    Assign(String, Expr),
    /// `name[index] += value`: the variable, its type, the index, the computed indices and the value.
    Update {
        /// The variable.
        name: String,
        /// Which elements.
        index: Vec<Index>,
        /// The computed indices in order.
        indices: Vec<Expr>,
        /// What becomes of them.
        how: Update,
        /// The other operand.
        value: Expr,
    },
    /// `for variable in range { body }`.
    For {
        /// The variable of the loop; that of the position and that of the slice, for a tensor.
        variables: Vec<String>,
        /// What it goes over.
        range: Range,
        /// The statements of a round.
        body: Vec<Statement>,
    },
    /// `while condition within bound { body }`.
    While(Expr, i64, Vec<Statement>),
    /// `if condition { then } else { otherwise }`.
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// `let (value, back) = vjp(f, args)` and `let gradients = back(cotangent)`.
    Pullback {
        /// The variable of the value.
        value: String,
        /// The variable of the gradients, a tuple.
        gradients: String,
        /// The function.
        of: Callable,
        /// Its arguments.
        args: Vec<Expr>,
        /// What is pulled back.
        cotangent: Expr,
    },
}

/// What becomes of elements that are updated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Update {
    /// `=`.
    Set,
    /// `+=`.
    Add,
    /// `-=`.
    Subtract,
    /// `*=`.
    Multiply,
}

/// What a loop goes over.
#[derive(Clone, Debug)]
pub enum Range {
    /// `0..count`.
    UpTo(Dim),
    /// `reversed(0..count)`.
    DownFrom(Dim),
    /// `0..n` for an integer scalar.
    Computed(Expr),
    /// The slices of a tensor along its first axis.
    Slices(Expr),
}

/// A function as an argument.
#[derive(Clone, Debug)]
pub enum Callable {
    /// One of the program's, by position.
    Named(usize),
    /// `|a, b| value`; it sees the variables around it.
    Lambda(Vec<(String, Type)>, Box<Expr>),
}

/// One part of an index.
#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    /// A number.
    At(i64),
    /// `start:stop:step`.
    Slice(Option<i64>, Option<i64>, i64),
    /// `...`.
    Rest,
    /// `none`.
    New,
    /// The next computed index: an integer scalar or tensor.
    Computed,
}

/// A typed expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What is done.
    pub op: Op,
    /// With what.
    pub args: Vec<Expr>,
    /// What it gives.
    pub ty: Type,
}

impl Expr {
    /// A tensor.
    pub fn tensor(op: Op, args: Vec<Expr>, dtype: Dtype, shape: Vec<Dim>) -> Self {
        let ty = Type::Tensor(dtype, shape);
        Expr { op, args, ty }
    }

    /// A variable.
    pub fn var(name: &str, ty: Type) -> Self {
        Expr {
            op: Op::Var(name.into()),
            args: vec![],
            ty,
        }
    }

    /// A scalar.
    pub fn number(value: f64, dtype: Dtype) -> Self {
        Self::tensor(Op::Number(value), vec![], dtype, vec![])
    }

    /// Its element type; of a tree, that of its first tensor.
    pub fn dtype(&self) -> Dtype {
        self.ty.leaves().first().map_or(Dtype::F64, |leaf| leaf.0)
    }

    /// Its shape, of a tensor.
    pub fn shape(&self) -> &[Dim] {
        self.ty.shape()
    }

    /// Its rank, of a tensor.
    pub fn rank(&self) -> usize {
        self.shape().len()
    }

    /// A part of a tree.
    pub fn part(self, position: usize) -> Self {
        let ty = self.ty.parts().swap_remove(position);
        Expr {
            op: Op::Part(position),
            args: vec![self],
            ty,
        }
    }

    /// A function of one tensor, element by element.
    pub fn unary(op: Unary, x: Expr) -> Self {
        let ty = x.ty.clone();
        Expr {
            op: Op::Unary(op),
            args: vec![x],
            ty,
        }
    }
}

/// A function of one number.
#[allow(missing_docs, reason = "they are named as in DL")]
#[rustfmt::skip]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    Negative, Abs, Sign, Square, Sqrt, Rsqrt, Reciprocal, Exp, Expm1, Log, Log1p, Log2, Log10, Sin, Cos, Tan, Asin, Acos,
    Atan, Sinh, Cosh, Tanh, Erf, Sigmoid, Softplus, Relu, Gelu, GeluExact, Silu, Elu, LeakyRelu, LogSigmoid, Floor, Ceil,
    Round, Trunc, StopGradient, Not,
}

/// A function of two numbers.
#[allow(missing_docs, reason = "they are named as in DL")]
#[rustfmt::skip]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    Add, Subtract, Multiply, Divide, Remainder, Pow, Maximum, Minimum, Atan2, Logaddexp, Less, LessEqual, Greater,
    GreaterEqual, And, Or, Xor,
}

/// What is made of the elements along axes.
#[allow(missing_docs, reason = "they are named as in DL")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    Sum,
    Mean,
    Prod,
    Max,
    Min,
    Var,
    Std,
    Logsumexp,
    All,
    Any,
}

/// What is made of the elements so far.
#[allow(missing_docs, reason = "they are named as in DL")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cumulative {
    Cumsum,
    Cumprod,
    Cummax,
    Cummin,
}

/// The options of a convolution, for each axis in space.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// How far the window moves.
    pub stride: Vec<i64>,
    /// Zeros before and after.
    pub padding: Vec<(i64, i64)>,
    /// The distance of the elements of the window.
    pub dilation: Vec<i64>,
    /// Channels are connected within these only.
    pub groups: i64,
    /// Whether each element adds to a window, instead of a window to each element.
    pub transposed: bool,
}

/// The options of a pool, for each axis in space.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Whether the greatest element is taken, else the mean.
    pub greatest: bool,
    /// The size of the window.
    pub window: Vec<i64>,
    /// How far it moves.
    pub stride: Vec<i64>,
    /// What is added on both sides.
    pub padding: Vec<i64>,
    /// Whether a mean counts the padding.
    pub counts_padding: bool,
}

/// Which derivative is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// `grad(f, wrt=…)(args)`.
    Grad(Vec<usize>),
    /// `value_and_grad(f, wrt=…)(args)`.
    ValueAndGrad(Vec<usize>),
    /// `jvp(f, (args), (tangents))`.
    Jvp,
    /// `hvp(f, (args), (directions))`.
    Hvp,
    /// `jacobian(f, wrt=…)(args)`.
    Jacobian(usize),
    /// `hessian(f, wrt=…)(args)`.
    Hessian(usize),
}

/// An operation.
#[derive(Clone, Debug)]
pub enum Op {
    /// A variable.
    Var(String),
    /// A number of rank 0.
    Number(f64),
    /// A tensor of one number.
    Full(f64),
    /// Positions along an axis.
    Iota(usize),
    /// A dim as a number.
    Size(Dim),
    /// A function of each element.
    Unary(Unary),
    /// A function of two elements, with broadcasting.
    Binary(Binary),
    /// `x ** n` for a whole number.
    Power(i64),
    /// `where(cond, a, b)`.
    Where,
    /// `clip(x, lo, hi)`.
    Clip(f64, f64),
    /// A conversion to the dtype of the result.
    Cast,
    /// A reduction: axes (all without), and whether they stay.
    Reduce(Reduction, Option<Vec<i64>>, bool),
    /// `argmax`, or else `argmin`, along an axis.
    ArgReduce(bool, i64),
    /// A reduction of all elements so far along an axis, or from the end.
    Cumulate(Cumulative, i64, bool),
    /// `softmax`, or with true `log_softmax`.
    Softmax(bool, i64),
    /// `layer_norm(x, scale, bias)`.
    LayerNorm,
    /// `rms_norm(x, scale)`.
    RmsNorm,
    /// `a @ b`.
    Matmul,
    /// `outer(a, b)`.
    Outer,
    /// `einsum(subscripts, …)`.
    Einsum(String),
    /// `conv1d`, `conv2d` and their transposes: x and w.
    Conv(Convolution),
    /// `max_pool`, `avg_pool`.
    Pool(Pool),
    /// To the shape of the result.
    Reshape,
    /// The axes in another order.
    Permute(Vec<usize>),
    /// An axis of size 1.
    ExpandDims(i64),
    /// Without an axis of size 1.
    Squeeze(i64),
    /// To the shape of the result.
    BroadcastTo,
    /// Backwards along an axis.
    Flip(i64),
    /// Moved along an axis.
    Roll(i64, i64),
    /// A value around it: widths for each axis.
    Pad(Vec<(i64, i64)>, f64),
    /// The whole repeated along each axis.
    Tile(Vec<i64>),
    /// Each element repeated along an axis.
    Repeat(i64, i64),
    /// One after the other.
    Concat(i64),
    /// Along a new axis.
    Stack(i64),
    /// Parts of sizes along an axis, in a tuple.
    Split(Vec<i64>, i64),
    /// The lower triangle, or with true the upper.
    Triangle(bool, i64),
    /// `x[index]`; the computed indices are the further operands.
    Index(Vec<Index>),
    /// `take(x, ids, axis)`.
    Take(i64),
    /// `take_along_axis(x, ids, axis)`.
    TakeAlong(i64),
    /// `scatter_add(x, ids, updates, axis)`.
    ScatterAdd(i64),
    /// `dynamic_slice(x, starts, sizes)`, the starts being operands.
    DynamicSlice(Vec<i64>),
    /// `dynamic_update_slice(x, update, starts)`.
    DynamicUpdate,
    /// `one_hot(ids, n)`.
    OneHot(i64),
    /// In order along an axis, or with true backwards.
    Sort(i64, bool),
    /// Where they were.
    Argsort(i64, bool),
    /// The greatest of the last axis, and where they were.
    TopK(i64),
    /// `if c { a } else { b }`.
    If,
    /// A tuple.
    Tuple,
    /// A list.
    List,
    /// A struct, by position.
    Struct(usize),
    /// A part of a tuple, struct or list.
    Part(usize),
    /// A call of one of the program's functions.
    Call(usize),
    /// `map(f, list)`.
    Map(Callable),
    /// `vmap(f, in_axes, out_axes)(args)`: which axis of each argument goes away, and where it comes back.
    Vmap(Callable, Vec<Option<i64>>, i64),
    /// A derivative: the arguments, then the tangents or directions of those that have floats.
    Derivative(Mode, Callable),
}
