//! Expressions, statements, blocks and patterns.

use super::{Ident, Path, Span, Type};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands; the parentheses around it belong to it.
    pub span: Span,
    /// How deep the tree below is; a leaf has 0.
    pub(crate) depth: u16,
}

/// What an [`Expr`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `1`, `1_000`, `0x1f`.
    Int(u64),
    /// `1.5`, `1e-3`.
    Float(f64),
    /// `true`, `false`.
    Bool(bool),
    /// `none`.
    None,
    /// `"…"`, with the escapes replaced.
    Str(String),
    /// A name, possibly qualified: a variable, dim, constant, function, built-in or dtype (`f32` in `f32(x)`).
    Path(Path),
    /// `-x`, `!x`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `x + y`, `x @ y`, `x && y`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `f(x, axis=0)`, `f<T=8>(x)`, `f32(x)`, `grad(f)(x)`.
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// The dims given explicitly, in `<…>`.
        dims: Vec<DimArg>,
        /// The arguments: positional ones first (the parser checks that).
        args: Vec<Arg>,
        /// `(…)` with its parentheses.
        args_span: Span,
    },
    /// `x[i, 1:3, ..., none]`.
    Index {
        /// What is indexed.
        base: Box<Expr>,
        /// One entry for each comma-separated index.
        indices: Vec<Index>,
        /// `[…]` with its brackets.
        index_span: Span,
    },
    /// `p.w`.
    Field {
        /// The struct value.
        base: Box<Expr>,
        /// The field.
        name: Ident,
    },
    /// `t.0`.
    TupleField {
        /// The tuple.
        base: Box<Expr>,
        /// The position.
        index: u32,
        /// Where the number stands.
        index_span: Span,
    },
    /// `if c { … } else { … }`.
    If {
        /// The condition.
        cond: Box<Expr>,
        /// The block for true.
        then: Block,
        /// A `Block` or another `If`.
        otherwise: Option<Box<Expr>>,
    },
    /// `{ … }`.
    Block(Block),
    /// `|x, y| expr`.
    Lambda {
        /// The parameters.
        params: Vec<LambdaParam>,
        /// The value.
        body: Box<Expr>,
    },
    /// `Name { a: …, ..old }`.
    Struct {
        /// The struct's name.
        path: Path,
        /// The dims given explicitly, in `<…>`.
        dims: Vec<DimArg>,
        /// The fields given.
        fields: Vec<FieldInit>,
        /// `..old`.
        base: Option<Box<Expr>>,
    },
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `(a, b)`, `(a,)`, `()`.
    Tuple(Vec<Expr>),
    /// `a..b`, `a..=b`. Only as the source of a `for`, where it becomes [`IterKind::Range`]; anywhere else the
    /// parser has reported it, so treat it as `Error`.
    Range {
        /// The first value.
        start: Box<Expr>,
        /// The end.
        end: Box<Expr>,
        /// `..=`.
        inclusive: bool,
    },
    /// Something that has been reported already.
    Error,
}

impl ExprKind {
    /// How deep the tree is; a leaf has 0. Blocks and statements do not count, what holds them does.
    pub(crate) fn depth(&self) -> u16 {
        let dims_depth =
            |dims: &[DimArg]| dims.iter().map(|dim| dim.value.depth).max().unwrap_or(0);
        let of = |depth: Option<u16>| depth.unwrap_or(0);
        let below = match self {
            Self::Int(_)
            | Self::Float(_)
            | Self::Bool(_)
            | Self::None
            | Self::Str(_)
            | Self::Path(_)
            | Self::Error => {
                return 0;
            }
            Self::Unary { operand, .. } => operand.depth,
            Self::Binary { left, right, .. } => left.depth.max(right.depth),
            Self::Call {
                callee, dims, args, ..
            } => callee
                .depth
                .max(dims_depth(dims))
                .max(of(args.iter().map(|arg| arg.value.depth).max())),
            Self::Index { base, indices, .. } => {
                base.depth.max(of(indices.iter().map(Index::depth).max()))
            }
            Self::Field { base, .. } | Self::TupleField { base, .. } => base.depth,
            Self::If {
                cond,
                then,
                otherwise,
            } => cond
                .depth
                .max(then.depth)
                .max(of(otherwise.as_ref().map(|value| value.depth))),
            Self::Block(block) => block.depth,
            Self::Lambda { params, body } => {
                let param = |param: &LambdaParam| {
                    param
                        .pattern
                        .depth
                        .max(of(param.ty.as_ref().map(|ty| ty.depth)))
                };
                body.depth.max(of(params.iter().map(param).max()))
            }
            Self::Struct {
                dims, fields, base, ..
            } => dims_depth(dims)
                .max(of(fields.iter().map(|field| field.value.depth).max()))
                .max(of(base.as_ref().map(|value| value.depth))),
            Self::List(values) | Self::Tuple(values) => {
                of(values.iter().map(|value| value.depth).max())
            }
            Self::Range { start, end, .. } => start.depth.max(end.depth),
        };
        below + 1
    }
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `!`
    Not,
}

impl UnaryOp {
    /// As written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Neg => "-",
            Self::Not => "!",
        }
    }
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `@`
    MatMul,
    /// `**`
    Pow,
}

impl BinaryOp {
    /// As written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::MatMul => "@",
            Self::Pow => "**",
        }
    }

    /// How tightly it binds: 1 for `||` up to 6 for `**`.
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Rem | Self::MatMul => 5,
            Self::Pow => 6,
        }
    }

    /// Whether it is one of `== != < <= > >=`.
    pub const fn is_comparison(self) -> bool {
        self.precedence() == 3
    }
}

/// An argument of a call or an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// The name before `=`, for a keyword argument.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
    /// All of it.
    pub span: Span,
}

/// A dim given explicitly: `T=8` in `f<T=8>(x)`, `D` or `D=64` in the type `Block<D>`.
#[derive(Clone, Debug, PartialEq)]
pub struct DimArg {
    /// The name before `=`; always there in a call.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
    /// All of it.
    pub span: Span,
}

/// One index of `x[…]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// What it is.
    pub kind: IndexKind,
    /// Where it stands.
    pub span: Span,
}

impl Index {
    fn depth(&self) -> u16 {
        match &self.kind {
            IndexKind::At(value) => value.depth,
            IndexKind::Slice { start, end, step } => [start, end, step]
                .into_iter()
                .flatten()
                .map(|value| value.depth)
                .max()
                .unwrap_or(0),
            IndexKind::Ellipsis | IndexKind::NewAxis => 0,
        }
    }
}

/// What an [`Index`] is.
#[allow(
    clippy::large_enum_variant,
    reason = "indices are few, and boxes would be in the way of matching"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum IndexKind {
    /// `x[i]`; also a name `newaxis`, which is a built-in constant that may be shadowed.
    At(Expr),
    /// `x[a:b:c]`, each part optional.
    Slice {
        /// The first index.
        start: Option<Expr>,
        /// The end, not included.
        end: Option<Expr>,
        /// The step.
        step: Option<Expr>,
    },
    /// `...`.
    Ellipsis,
    /// `none`: a new axis of size 1.
    NewAxis,
}

/// A field in a struct literal; `Name { a }` is short for `Name { a: a }`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldInit {
    /// The field.
    pub name: Ident,
    /// Its value.
    pub value: Expr,
    /// All of it.
    pub span: Span,
}

/// A parameter of a function value.
#[derive(Clone, Debug, PartialEq)]
pub struct LambdaParam {
    /// What it binds.
    pub pattern: Pattern,
    /// The type, where one is written.
    pub ty: Option<Type>,
}

/// What `let`, `var`, `for` and function values bind.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Where it stands.
    pub span: Span,
    /// How deep the tree below is.
    pub(crate) depth: u16,
}

/// What a [`Pattern`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum PatternKind {
    /// A name.
    Name(Ident),
    /// `_`: binds nothing.
    Wildcard,
    /// `(a, b)`.
    Tuple(Vec<Pattern>),
    /// Something that has been reported already.
    Error,
}

/// `{ … }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// The statements, without the tail.
    pub stmts: Vec<Stmt>,
    /// The last statement when it is an expression: the block's value (an `if` without `else` may stand here too).
    pub tail: Option<Box<Expr>>,
    /// Where it stands, with its braces.
    pub span: Span,
    /// How deep the tree below is.
    pub(crate) depth: u16,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
    /// How deep the tree below is.
    pub(crate) depth: u16,
}

/// What a [`Stmt`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `let (a, b) = …`.
    Let {
        /// What is bound.
        pattern: Pattern,
        /// The type, where one is written.
        ty: Option<Type>,
        /// The value.
        value: Expr,
    },
    /// `var x = …`.
    Var {
        /// What is bound.
        pattern: Pattern,
        /// The type, where one is written.
        ty: Option<Type>,
        /// The value.
        value: Expr,
    },
    /// `x = …`, `x += …`, `x[i].w = …`, `(a, b) = …`.
    Assign {
        /// A path, field, tuple field or index of a target, or a tuple of targets (the parser checks that).
        target: Expr,
        /// The operator of a compound assignment.
        op: Option<BinaryOp>,
        /// Where `=` or `+=` stands.
        op_span: Span,
        /// The value.
        value: Expr,
    },
    /// An expression whose value is not used.
    Expr(Expr),
    /// `for p in … { … }`.
    For {
        /// What is bound at each step.
        pattern: Pattern,
        /// What is gone through.
        iter: ForIter,
        /// The body.
        body: Block,
    },
    /// `while c { … }`, `while c within n { … }`.
    While {
        /// The condition.
        cond: Expr,
        /// The most rounds that there may be, where that is declared.
        bound: Option<Expr>,
        /// The body.
        body: Block,
    },
    /// `return e`; only as the last statement of a function (the checker's rule).
    Return(Option<Expr>),
    /// Something that has been reported already.
    Error,
}

/// What a `for` goes through: `0..n`, `reversed(0..n)`, `xs`, `enumerate(xs)`, `enumerate(reversed(xs))`.
#[derive(Clone, Debug, PartialEq)]
pub struct ForIter {
    /// Inside `enumerate(…)`: the pattern is a pair of position and value.
    pub enumerate: bool,
    /// Inside `reversed(…)`.
    pub reversed: bool,
    /// What is inside.
    pub kind: IterKind,
    /// All of it.
    pub span: Span,
}

/// What is inside a [`ForIter`].
#[derive(Clone, Debug, PartialEq)]
pub enum IterKind {
    /// `a..b`, `a..=b`.
    Range {
        /// The first value.
        start: Expr,
        /// The end.
        end: Expr,
        /// `..=`.
        inclusive: bool,
    },
    /// The leading axis of a tensor, or a list.
    Values(Expr),
}
