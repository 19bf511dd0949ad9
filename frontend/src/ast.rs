//! The syntax tree of a DL file, as the parser leaves it: plain data, no types and no resolved names.
//!
//! Every node carries a [`Span`]. Dim expressions are ordinary expressions. The tree is never deeper than
//! [`MAX_DEPTH`]: the parser replaces what would be deeper by an `Error` node and reports it, so walks over the
//! tree (and its drop) may recurse. An `Error` node always means that a diagnostic has been reported already.

pub use dlc_abi::DType;

mod expr;
mod item;
pub mod visit;

pub use expr::{
    Arg, BinaryOp, Block, DimArg, Expr, ExprKind, FieldInit, ForIter, Index, IndexKind, IterKind,
    LambdaParam, Pattern, PatternKind, Stmt, StmtKind, UnaryOp,
};
pub use item::{
    Attribute, Const, DimParam, DimRange, Doc, Field, File, Fn, GenericKind, Import, Item,
    ItemKind, Param, Struct, Test, Type, TypeKind, Use,
};

/// The deepest nesting of brackets in a source file, and the deepest syntax tree.
pub const MAX_DEPTH: u16 = 256;

/// A range of bytes in one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file, as numbered by the [`crate::source::SourceMap`]; 0 is the file given to the compiler.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of file 0.
    pub const fn new(start: u32, end: u32) -> Self {
        Self {
            file: 0,
            start,
            end,
        }
    }

    /// The bytes `start..end` of a file.
    pub const fn in_file(file: u32, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The empty span at the start of this one.
    pub const fn at_start(self) -> Self {
        Self {
            file: self.file,
            start: self.start,
            end: self.start,
        }
    }

    /// The empty span just after this one.
    pub const fn at_end(self) -> Self {
        Self {
            file: self.file,
            start: self.end,
            end: self.end,
        }
    }

    /// The number of bytes.
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether no byte is covered.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// As a range for slicing the text.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A name as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    /// The text.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A name, possibly qualified: `a` or `file::a`. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The segments, outermost first.
    pub segments: Vec<Ident>,
    /// All of it.
    pub span: Span,
}

impl Path {
    /// The name when there is no qualifier.
    pub fn as_ident(&self) -> Option<&Ident> {
        match self.segments.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The last segment: the name of the thing itself.
    pub fn last(&self) -> &Ident {
        self.segments
            .last()
            .expect("a path has at least one segment")
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, segment) in self.segments.iter().enumerate() {
            if i > 0 {
                f.write_str("::")?;
            }
            f.write_str(&segment.name)?;
        }
        Ok(())
    }
}
