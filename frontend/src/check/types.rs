//! Types as the checker sees them: trees of tensors.

use std::sync::Arc;

use crate::ast::DType;
use crate::core::{Dim, TensorType};

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ty {
    /// A tensor; of rank 0 for a scalar.
    Tensor(TensorType),
    /// A struct with the dims it is generic over.
    Struct(StructTy),
    /// A tuple; unit without elements.
    Tuple(Vec<Ty>),
    /// A list.
    List(Box<Ty>, Dim),
    /// A function, for parameters that take function values.
    Fn(Arc<FnTy>),
    /// Something that has been reported.
    Error,
}

/// A struct type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StructTy {
    /// Its number.
    pub id: usize,
    /// Its name.
    pub name: Arc<str>,
    /// Its dims.
    pub dims: Vec<Dim>,
}

/// The type of a function value.
#[derive(Debug, PartialEq)]
pub(crate) struct FnTy {
    /// The parameters.
    pub params: Vec<Ty>,
    /// The result.
    pub result: Ty,
}

impl Ty {
    /// The type of nothing.
    pub fn unit() -> Self {
        Ty::Tuple(Vec::new())
    }

    /// A scalar.
    pub fn scalar(dtype: DType) -> Self {
        Ty::Tensor(TensorType::scalar(dtype))
    }

    /// Whether part of it has been reported.
    pub fn has_error(&self) -> bool {
        match self {
            Ty::Error => true,
            Ty::Tensor(_) | Ty::Struct(_) => false,
            Ty::Tuple(items) => items.iter().any(Ty::has_error),
            Ty::List(element, _) => element.has_error(),
            Ty::Fn(f) => f.result.has_error() || f.params.iter().any(Ty::has_error),
        }
    }

    /// Applies a function to each dim in it.
    pub fn map_dims(&self, f: &dyn Fn(&Dim) -> Dim) -> Ty {
        match self {
            Ty::Tensor(t) => Ty::Tensor(TensorType::new(
                t.dtype,
                t.shape.iter().map(f).collect::<Vec<_>>(),
            )),
            Ty::Struct(s) => Ty::Struct(StructTy {
                id: s.id,
                name: s.name.clone(),
                dims: s.dims.iter().map(f).collect(),
            }),
            Ty::Tuple(items) => Ty::Tuple(items.iter().map(|item| item.map_dims(f)).collect()),
            Ty::List(element, count) => Ty::List(Box::new(element.map_dims(f)), f(count)),
            Ty::Fn(ty) => Ty::Fn(Arc::new(FnTy {
                params: ty.params.iter().map(|param| param.map_dims(f)).collect(),
                result: ty.result.map_dims(f),
            })),
            Ty::Error => Ty::Error,
        }
    }

    /// The dims that stand in it, in order.
    pub fn dims(&self) -> Vec<&Dim> {
        match self {
            Ty::Tensor(t) => t.shape.iter().collect(),
            Ty::Struct(s) => s.dims.iter().collect(),
            Ty::Tuple(items) => items.iter().flat_map(Ty::dims).collect(),
            Ty::List(element, count) => element.dims().into_iter().chain([count]).collect(),
            Ty::Fn(f) => f
                .params
                .iter()
                .flat_map(Ty::dims)
                .chain(f.result.dims())
                .collect(),
            Ty::Error => Vec::new(),
        }
    }
}

impl std::fmt::Display for Ty {
    /// As the language writes it, in the user's names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ty::Tensor(t) => write!(f, "{t}"),
            Ty::Struct(s) => {
                f.write_str(&s.name)?;
                if !s.dims.is_empty() {
                    write!(f, "<{}>", join(&s.dims))?;
                }
                Ok(())
            }
            Ty::Tuple(items) => {
                let comma = if items.len() == 1 { "," } else { "" };
                write!(f, "({}{comma})", join(items))
            }
            Ty::List(element, count) => write!(f, "[{element}; {count}]"),
            Ty::Fn(ty) => {
                write!(f, "fn({})", join(&ty.params))?;
                if ty.result != Ty::unit() {
                    write!(f, " -> {}", ty.result)?;
                }
                Ok(())
            }
            Ty::Error => f.write_str("?"),
        }
    }
}

/// Values separated by commas.
pub(crate) fn join<T: std::fmt::Display>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// `, where D = 64 and F = 256`: the dims whose names hide a number. Empty when there are none.
pub(crate) fn known_dims<'d>(dims: impl IntoIterator<Item = &'d Dim>) -> String {
    let mut known: Vec<String> = Vec::new();
    for dim in dims {
        if let Some(value) = dim.as_const()
            && dim.shown().as_const().is_none()
        {
            let text = format!("{dim} = {value}");
            if !known.contains(&text) {
                known.push(text);
            }
        }
    }
    match known.as_slice() {
        [] => String::new(),
        [one] => format!(", where {one}"),
        [rest @ .., last] => format!(", where {} and {last}", rest.join(", ")),
    }
}
