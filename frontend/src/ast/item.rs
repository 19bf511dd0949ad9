//! Files, items and types.

use std::collections::{BTreeMap, BTreeSet};

use super::{Arg, Block, DType, DimArg, Expr, Ident, Path, Span};

/// A source file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The `//!` comments.
    pub docs: Vec<Doc>,
    /// The items, in order.
    pub items: Vec<Item>,
    /// The names in what did not parse. If one of them is not known, that follows from what has been reported.
    pub broken_names: BTreeSet<String>,
    /// The names that stand in items other than `use` and `import`, whatever they stand for.
    pub mentioned: BTreeSet<String>,
    /// The names `NAME` in `std::NAME`, and where each stands first.
    pub std_modules: BTreeMap<String, Span>,
    /// All of it.
    pub span: Span,
}

/// One line of a doc comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Doc {
    /// The text after `///` or `//!`, without one leading blank.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// An item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The doc comment.
    pub docs: Vec<Doc>,
    /// The attributes; the parser allows them before functions only.
    pub attrs: Vec<Attribute>,
    /// What it is.
    pub kind: ItemKind,
    /// Where it stands, from the first keyword to the end, without attributes and docs.
    pub span: Span,
}

/// What an [`Item`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `const NAME = EXPR`.
    Const(Const),
    /// `struct Name<A> { … }`.
    Struct(Struct),
    /// `fn …`, `export fn …`.
    Fn(Fn),
    /// `import "path"`.
    Import(Import),
    /// `use file::{a, b}`.
    Use(Use),
    /// `test "name" { … }`.
    Test(Test),
    /// An item that does not parse and has been reported; its name where it has one, so that its uses need not be
    /// reported too.
    Bad(Option<Ident>),
}

/// `@name(args)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: Ident,
    /// The arguments.
    pub args: Vec<Arg>,
    /// All of it, with `@`.
    pub span: Span,
}

/// `const NAME = EXPR`.
#[derive(Clone, Debug, PartialEq)]
pub struct Const {
    /// The name.
    pub name: Ident,
    /// The value.
    pub value: Expr,
}

/// `struct Name<A, B> { field: Type, … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// The name.
    pub name: Ident,
    /// The dims it is generic over.
    pub dims: Vec<DimParam>,
    /// The fields.
    pub fields: Vec<Field>,
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The doc comment.
    pub docs: Vec<Doc>,
    /// The name.
    pub name: Ident,
    /// The type.
    pub ty: Type,
    /// All of it.
    pub span: Span,
}

/// `fn name<DIMS>(PARAMS) -> TYPE where CONDITIONS { BODY }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fn {
    /// Whether `export` stands before it.
    pub export: bool,
    /// The name.
    pub name: Ident,
    /// The dims.
    pub dims: Vec<DimParam>,
    /// The parameters.
    pub params: Vec<Param>,
    /// The result type; `None` is unit.
    pub result: Option<Type>,
    /// The conditions after `where`.
    pub conditions: Vec<Expr>,
    /// The body.
    pub body: Block,
    /// From `fn` (or `export`) to the end of the result type or conditions.
    pub header_span: Span,
}

/// A parameter in `<…>`: `T`, `B in 1..=64`, `tree P`, `float F`, `dtype E`.
#[derive(Clone, Debug, PartialEq)]
pub struct DimParam {
    /// What it stands for.
    pub kind: GenericKind,
    /// The name.
    pub name: Ident,
    /// The range, where one is written.
    pub range: Option<DimRange>,
    /// All of it.
    pub span: Span,
}

/// What a parameter in `<…>` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenericKind {
    /// A dim.
    Dim,
    /// A tree of tensors, whatever its structure.
    Tree,
    /// A dtype.
    DType,
    /// One of the float dtypes.
    Float,
}

impl GenericKind {
    /// The word before the name; empty for a dim.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dim => "",
            Self::Tree => "tree",
            Self::DType => "dtype",
            Self::Float => "float",
        }
    }
}

/// The range of a dim: `1..=64`, `1..65`, `1..`, `..=64`.
#[derive(Clone, Debug, PartialEq)]
pub struct DimRange {
    /// The least value.
    pub start: Option<Expr>,
    /// The end.
    pub end: Option<Expr>,
    /// `..=`: the end is included.
    pub inclusive: bool,
    /// All of it.
    pub span: Span,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Where `inout` stands, if it does.
    pub inout: Option<Span>,
    /// The name.
    pub name: Ident,
    /// The type.
    pub ty: Type,
    /// The value where a call gives none.
    pub default: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// `import "path/file.dl"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The path as written, with the escapes replaced.
    pub path: String,
    /// Where the string stands.
    pub path_span: Span,
}

/// `use file::{a, b}` or `use std::nn::linear`.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// What stands before the last `::`; empty in `use std`.
    pub prefix: Vec<Ident>,
    /// The names brought in.
    pub names: Vec<Ident>,
}

/// `test "name" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The name, with the escapes replaced.
    pub name: String,
    /// Where the string stands.
    pub name_span: Span,
    /// The body.
    pub body: Block,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub span: Span,
    /// How deep the tree below is.
    pub(crate) depth: u16,
}

/// What a [`Type`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `f32`, `f32[B, T]`, `key[N]`.
    Tensor {
        /// The dtype.
        dtype: DType,
        /// Where the dtype stands.
        dtype_span: Span,
        /// Where `...` stands for any leading axes, if it does.
        leading: Option<Span>,
        /// The dims after it; none for rank 0.
        dims: Vec<Expr>,
    },
    /// `F[N]`, where `F` is a dtype parameter of the function or struct.
    Generic {
        /// The parameter.
        dtype: Ident,
        /// Where `...` stands for any leading axes, if it does.
        leading: Option<Span>,
        /// The dims after it.
        dims: Vec<Expr>,
    },
    /// `Block`, `Block<D>`, `nn::Linear<N=4>`.
    Named {
        /// The struct's name.
        path: Path,
        /// Its dims.
        dims: Vec<DimArg>,
    },
    /// `(A, B)`; `()` is unit.
    Tuple(Vec<Type>),
    /// `[T; N]`.
    List {
        /// The type of each element.
        element: Box<Type>,
        /// How many.
        count: Box<Expr>,
    },
    /// `fn(A, B) -> C`; an extension, for parameters that take functions.
    Fn {
        /// The parameters.
        params: Vec<Type>,
        /// The result; `None` is unit.
        result: Option<Box<Type>>,
    },
    /// Something that has been reported already.
    Error,
}
