//! What an expression is while checking: a tree of nodes, or something known at compile time.

use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{DType, Expr, LambdaParam, Span};
use crate::check::batch::Axes;
use crate::check::derivative::Target;
use crate::check::env::Scope;
use crate::check::types::{FnTy, StructTy, Ty};
use crate::core::{Dim, NodeIndex, Num};

/// An error that the user has been told of already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reported;

/// The result of checking something.
pub(crate) type Res<T> = Result<T, Reported>;

/// A node in one of the functions under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId {
    /// The function under construction.
    pub frame: u32,
    /// The node in it.
    pub index: NodeIndex,
}

/// The value of an expression.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    /// A tensor.
    Tensor(NodeId),
    /// A literal or a constant: it takes the dtype of what it meets.
    Num(Num),
    /// A dim used as a number, an `i64`.
    Dim(Dim),
    /// Text.
    Str(Rc<str>),
    /// `none`.
    None,
    /// A dtype.
    DType(DType),
    /// A tuple; unit without elements.
    Tuple(Rc<Parts<'a>>),
    /// A list.
    List(Rc<Parts<'a>>),
    /// A struct.
    Struct(Rc<StructValue<'a>>),
    /// A function.
    Fn(Rc<FnValue<'a>>),
    /// Something that has been reported.
    Error,
}

/// The value of a struct.
pub(crate) struct StructValue<'a> {
    /// Its type.
    pub ty: StructTy,
    /// Its fields, in the order of the declaration.
    pub fields: Parts<'a>,
}

/// The parts of a tree. As trees share parts, one may have very many more of them than there is memory, so what is asked
/// of all of them is found when it is made.
pub(crate) struct Parts<'a> {
    items: Vec<Value<'a>>,
    count: u64,
    has_error: bool,
}

impl<'a> Parts<'a> {
    /// These parts.
    pub fn new(items: Vec<Value<'a>>) -> Self {
        let count = |all: u64, item: &Value<'a>| all.saturating_add(item.part_count());
        Self {
            count: items.iter().fold(0, count),
            has_error: items.iter().any(Value::has_error),
            items,
        }
    }
}

impl<'a> std::ops::Deref for Parts<'a> {
    type Target = Vec<Value<'a>>;
    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

/// A function value.
pub(crate) enum FnValue<'a> {
    /// A function of the file, by number.
    Item(usize),
    /// A built-in, by position in the table.
    Builtin(usize),
    /// A conversion.
    Cast(DType),
    /// `|x| …`.
    Lambda {
        /// The parameters.
        params: &'a [LambdaParam],
        /// The value.
        body: &'a Expr,
        /// The names in reach where it is written.
        scope: Rc<Scope<'a>>,
        /// All of it.
        span: Span,
    },
    /// `grad(f, wrt=…)`, `value_and_grad(f, …)`.
    Grad(GradFn<'a>),
    /// `vmap(f, …)`.
    Vmap(VmapFn<'a>),
    /// `jacobian(f, wrt=…)`, `hessian(f, wrt=…)`.
    Jacobian(JacobianFn<'a>),
    /// What `vjp` gives to take cotangents back.
    Pullback(Pullback<'a>),
    /// A parameter that takes a function, while its function is checked by itself.
    Opaque(Arc<FnTy>),
}

/// A function with its arguments, and what is needed to call its derivative with cotangents.
pub(crate) struct Pullback<'a> {
    /// What is differentiated.
    pub target: Target<'a>,
    /// Where.
    pub span: Span,
}

/// A derivative of a function.
pub(crate) struct GradFn<'a> {
    /// Of what.
    pub f: Rc<FnValue<'a>>,
    /// Which parameters.
    pub wrt: Vec<usize>,
    /// Whether `wrt` was one name, so that the result is one tree.
    pub single: bool,
    /// Whether the function gives more than the value.
    pub has_aux: bool,
    /// Whether the value is wanted too.
    pub value: bool,
    /// Where the derivative is taken.
    pub span: Span,
}

/// A function of each element of a batch.
pub(crate) struct VmapFn<'a> {
    /// Of what.
    pub f: Rc<FnValue<'a>>,
    /// The axes of the arguments.
    pub in_axes: Axes,
    /// The axes of the result.
    pub out_axes: Axes,
    /// Where the batch is made.
    pub span: Span,
}

/// All derivatives of a function's results.
pub(crate) struct JacobianFn<'a> {
    /// Of what; of a Hessian the gradient.
    pub f: Rc<FnValue<'a>>,
    /// Which parameters.
    pub wrt: Vec<usize>,
    /// Whether `wrt` was one name.
    pub single: bool,
    /// Whether it is a Hessian.
    pub is_hessian: bool,
    /// Where it is taken.
    pub span: Span,
}

impl<'a> Value<'a> {
    /// The value of something without a value.
    pub fn unit() -> Self {
        Value::tuple(Vec::new())
    }

    /// A tuple.
    pub fn tuple(items: Vec<Value<'a>>) -> Self {
        Value::Tuple(Rc::new(Parts::new(items)))
    }

    /// A list.
    pub fn list(items: Vec<Value<'a>>) -> Self {
        Value::List(Rc::new(Parts::new(items)))
    }

    /// An integer literal.
    pub fn int(value: i64) -> Self {
        Value::Num(Num::Int(value.into()))
    }

    /// The parts of a tree; none for a leaf.
    pub fn parts(&self) -> Option<&[Value<'a>]> {
        self.tree().map(|parts| parts.items.as_slice())
    }

    fn tree(&self) -> Option<&Parts<'a>> {
        match self {
            Value::Tuple(items) | Value::List(items) => Some(items),
            Value::Struct(s) => Some(&s.fields),
            _ => None,
        }
    }

    /// Whether it is or holds something that has been reported.
    pub fn has_error(&self) -> bool {
        matches!(self, Value::Error) || self.tree().is_some_and(|parts| parts.has_error)
    }

    /// How many parts it has, those of its parts and itself counted.
    pub fn part_count(&self) -> u64 {
        let parts = self.tree().map_or(0, |parts| parts.count);
        parts.saturating_add(1)
    }

    /// A tree of the same structure with other parts.
    pub fn with_parts(&self, parts: Vec<Value<'a>>) -> Value<'a> {
        match self {
            Value::Tuple(_) => Value::tuple(parts),
            Value::List(_) => Value::list(parts),
            Value::Struct(s) => Value::Struct(Rc::new(StructValue {
                ty: s.ty.clone(),
                fields: Parts::new(parts),
            })),
            other => other.clone(),
        }
    }

    /// What is no tree in it, in order.
    pub fn leaves(&self) -> Vec<Value<'a>> {
        match self.parts() {
            Some(parts) => parts.iter().flat_map(Value::leaves).collect(),
            None => vec![self.clone()],
        }
    }

    /// All tensors in it, in order.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        self.collect_nodes(&mut nodes);
        nodes
    }

    fn collect_nodes(&self, nodes: &mut Vec<NodeId>) {
        if let Value::Tensor(id) = self {
            nodes.push(*id);
        }
        for part in self.parts().unwrap_or_default() {
            part.collect_nodes(nodes);
        }
    }
}

/// What kind of thing a type is, for messages: `a tensor`, `a struct`.
pub(crate) fn kind_of_type(ty: &Ty) -> &'static str {
    match ty {
        Ty::Tensor(_) => "a tensor",
        Ty::Struct(_) => "a struct",
        Ty::Tuple(items) if items.is_empty() => "nothing",
        Ty::Tuple(_) => "a tuple",
        Ty::List(..) => "a list",
        Ty::Fn(_) => "a function",
        Ty::Error => "an error",
    }
}
