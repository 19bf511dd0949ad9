//! Trees: the leaves of types and values, and values made of leaves.

use std::rc::Rc;

use crate::ast::Span;
use crate::check::Checker;
use crate::check::types::Ty;
use crate::check::value::{NodeId, Parts, Reported, Res, StructValue, Value};
use crate::core::TensorType;

/// The most parts of a tree.
pub(super) const MAX_PARTS: u64 = 1 << 17;

/// A leaf of a type.
pub(crate) struct Leaf {
    /// The dotted path.
    pub path: String,
    /// Its type.
    pub ty: TensorType,
}

impl<'a> Checker<'a> {
    /// The leaves of a type in order.
    pub(crate) fn leaves(&mut self, ty: &Ty, root: &str, span: Span) -> Res<Vec<Leaf>> {
        self.check_tree_size(ty, span)?;
        let mut leaves = Vec::new();
        self.collect_leaves(ty, root.to_string(), span, &mut leaves)?;
        Ok(leaves)
    }

    fn collect_leaves(
        &mut self,
        ty: &Ty,
        path: String,
        span: Span,
        leaves: &mut Vec<Leaf>,
    ) -> Res<()> {
        match ty {
            Ty::Tensor(tensor) => leaves.push(Leaf {
                path,
                ty: tensor.clone(),
            }),
            Ty::Struct(s) => {
                for (name, ty) in self.fields(s) {
                    self.collect_leaves(&ty, format!("{path}.{name}"), span, leaves)?;
                }
            }
            Ty::Tuple(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.collect_leaves(item, format!("{path}.{i}"), span, leaves)?;
                }
            }
            Ty::List(element, count) => {
                let count = self.list_length(count, span)?;
                for i in 0..count {
                    self.collect_leaves(element, format!("{path}.{i}"), span, leaves)?;
                }
            }
            Ty::Fn(_) | Ty::Error => return Err(Reported),
        }
        Ok(())
    }

    /// The length of a list, which has to be a number of a sensible size.
    pub(crate) fn list_length(&mut self, count: &crate::core::Dim, span: Span) -> Res<usize> {
        const MOST: i64 = 1 << 16;
        let count = self.known_number(count, "the length of a list", span)?;
        if count > MOST {
            let message = format!("a list of {count} elements is too long; {MOST} is the limit");
            return self.error(crate::diagnostic::Code::DL0216, message, span);
        }
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Reports a type of very many parts.
    fn check_tree_size(&mut self, ty: &Ty, span: Span) -> Res<()> {
        if self.tree_size(ty) > MAX_PARTS {
            let message = format!("`{ty}` has more than {MAX_PARTS} parts");
            return self.error(crate::diagnostic::Code::DL0216, message, span);
        }
        Ok(())
    }

    /// The number of parts of a tree, itself counted. Each struct type is counted once, however often it occurs.
    pub(super) fn tree_size(&mut self, ty: &Ty) -> u64 {
        match ty {
            Ty::Struct(s) => {
                let key = (s.id, s.dims.clone());
                if let Some(size) = self.tree_sizes.get(&key) {
                    return *size;
                }
                let mut size = 1u64;
                for (_, field) in self.fields(s) {
                    size = size.saturating_add(self.tree_size(&field));
                }
                self.tree_sizes.insert(key, size);
                size
            }
            Ty::Tuple(items) => items.iter().fold(1, |size: u64, item| {
                size.saturating_add(self.tree_size(item))
            }),
            Ty::List(element, count) => {
                let count = count.as_const().and_then(|count| u64::try_from(count).ok());
                let element = self.tree_size(element);
                count.unwrap_or(1).saturating_mul(element).saturating_add(1)
            }
            Ty::Tensor(_) | Ty::Fn(_) | Ty::Error => 1,
        }
    }

    /// A value of a type whose leaves are made by a function, which is told their paths.
    pub(crate) fn value_of(
        &mut self,
        ty: &Ty,
        root: &str,
        span: Span,
        leaf: &mut dyn FnMut(&mut Self, &str, &TensorType) -> Res<NodeId>,
    ) -> Res<Value<'a>> {
        self.check_tree_size(ty, span)?;
        self.value_of_parts(ty, root, span, leaf)
    }

    fn value_of_parts(
        &mut self,
        ty: &Ty,
        root: &str,
        span: Span,
        leaf: &mut dyn FnMut(&mut Self, &str, &TensorType) -> Res<NodeId>,
    ) -> Res<Value<'a>> {
        Ok(match ty {
            Ty::Tensor(tensor) => Value::Tensor(leaf(self, root, tensor)?),
            Ty::Struct(s) => {
                let mut fields = Vec::new();
                for (name, ty) in self.fields(s) {
                    fields.push(self.value_of_parts(&ty, &format!("{root}.{name}"), span, leaf)?);
                }
                Value::Struct(Rc::new(StructValue {
                    ty: s.clone(),
                    fields: Parts::new(fields),
                }))
            }
            Ty::Tuple(items) => {
                let mut values = Vec::new();
                for (i, item) in items.iter().enumerate() {
                    values.push(self.value_of_parts(item, &format!("{root}.{i}"), span, leaf)?);
                }
                Value::tuple(values)
            }
            Ty::List(element, count) => {
                let mut values = Vec::new();
                for i in 0..self.list_length(count, span)? {
                    values.push(self.value_of_parts(
                        element,
                        &format!("{root}.{i}"),
                        span,
                        leaf,
                    )?);
                }
                Value::list(values)
            }
            Ty::Fn(_) | Ty::Error => return Err(Reported),
        })
    }

    /// The type of a value; a literal has that which it has alone. `None` for what has no type, such as text.
    pub(crate) fn type_of(&self, value: &Value<'a>) -> Option<Ty> {
        use crate::ast::DType;
        use crate::check::consts::Number;
        Some(match value {
            Value::Tensor(id) => Ty::Tensor(self.ty(*id).clone()),
            Value::Num(num) => Ty::scalar(num.default_dtype()),
            Value::Dim(_) => Ty::scalar(DType::I64),
            Value::Struct(s) => Ty::Struct(s.ty.clone()),
            Value::Tuple(items) => Ty::Tuple(
                items
                    .iter()
                    .map(|item| self.type_of(item))
                    .collect::<Option<_>>()?,
            ),
            Value::List(items) => {
                let element = match items.first() {
                    Some(first) => self.type_of(first)?,
                    None => Ty::Error,
                };
                Ty::List(
                    Box::new(element),
                    crate::core::Dim::constant(items.len() as i64),
                )
            }
            Value::Error => Ty::Error,
            Value::Str(_) | Value::None | Value::DType(_) | Value::Fn(_) => return None,
        })
    }

    /// Whether two types are equal, dims compared by what is known.
    pub(crate) fn same_type(&self, a: &Ty, b: &Ty) -> bool {
        match (a, b) {
            (Ty::Error, _) | (_, Ty::Error) => true,
            (Ty::Tensor(a), Ty::Tensor(b)) => {
                a.dtype == b.dtype && self.same_shape(&a.shape, &b.shape)
            }
            (Ty::Struct(a), Ty::Struct(b)) => a.id == b.id && self.same_shape(&a.dims, &b.dims),
            (Ty::Tuple(a), Ty::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_type(a, b))
            }
            (Ty::List(a, m), Ty::List(b, n)) => self.same_dim(m, n) && self.same_type(a, b),
            _ => false,
        }
    }

    /// Applies a function to each leaf of a tree.
    pub(crate) fn map_leaves(
        &mut self,
        value: &Value<'a>,
        f: &mut dyn FnMut(&mut Self, &Value<'a>) -> Res<Value<'a>>,
    ) -> Res<Value<'a>> {
        match value.parts() {
            None => f(self, value),
            Some(parts) => {
                let parts: Vec<Res<Value<'a>>> =
                    parts.iter().map(|part| self.map_leaves(part, f)).collect();
                Ok(value.with_parts(parts.into_iter().collect::<Res<_>>()?))
            }
        }
    }
}
