//! Types of random programs: dims that are known or have names, tensors and trees of them.

use std::fmt::Write;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dtype {
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `i32`.
    I32,
    /// `bool`.
    Bool,
}

impl Dtype {
    /// Its name in DL.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::I32 => "i32",
            Dtype::Bool => "bool",
        }
    }

    /// Whether it has derivatives.
    pub fn is_float(self) -> bool {
        matches!(self, Dtype::F32 | Dtype::F64)
    }
}

/// A size: a polynomial in the dims of a function, which are known by their positions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(Vec<(Vec<usize>, i64)>);

impl Dim {
    /// A number.
    pub fn known(value: i64) -> Self {
        Dim(match value {
            0 => vec![],
            _ => vec![(vec![], value)],
        })
    }

    /// A dim with a name.
    pub fn named(position: usize) -> Self {
        Dim(vec![(vec![position], 1)])
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<i64> {
        match self.0.as_slice() {
            [] => Some(0),
            [(factors, value)] if factors.is_empty() => Some(*value),
            _ => None,
        }
    }

    /// The position, if it is one name alone.
    pub fn name(&self) -> Option<usize> {
        match self.0.as_slice() {
            [(factors, 1)] if factors.len() == 1 => Some(factors[0]),
            _ => None,
        }
    }

    /// Whether it is the number 1, which broadcasts.
    pub fn is_one(&self) -> bool {
        self.number() == Some(1)
    }

    fn sum(terms: impl Iterator<Item = (Vec<usize>, i64)>) -> Self {
        let mut sum = std::collections::BTreeMap::new();
        for (factors, value) in terms {
            *sum.entry(factors).or_insert(0) += value;
        }
        Dim(sum.into_iter().filter(|(_, value)| *value != 0).collect())
    }

    /// `self + other`.
    pub fn plus(&self, other: &Dim) -> Self {
        Self::sum(self.0.iter().chain(&other.0).cloned())
    }

    /// `self * other`.
    pub fn times(&self, other: &Dim) -> Self {
        Self::sum(self.0.iter().flat_map(|(a, x)| {
            other.0.iter().map(move |(b, y)| {
                let mut factors = [a.as_slice(), b].concat();
                factors.sort();
                (factors, x * y)
            })
        }))
    }

    /// Its value.
    pub fn at(&self, sizes: &[i64]) -> i64 {
        let terms = self.0.iter();
        let value = |(factors, value): &(Vec<usize>, i64)| {
            value * factors.iter().map(|&i| sizes[i]).product::<i64>()
        };
        terms.map(value).sum()
    }

    /// With other dims in the place of the named ones.
    pub fn substituted(&self, dims: &[Dim]) -> Self {
        let terms = self.0.iter().map(|(factors, value)| {
            let factors = factors.iter().map(|&i| dims[i].clone());
            factors.fold(Dim::known(*value), |product, dim| product.times(&dim))
        });
        terms.fold(Dim::known(0), |sum, term| sum.plus(&term))
    }

    /// In DL.
    pub fn text(&self, names: &[String]) -> String {
        let mut text = String::new();
        for (factors, value) in self.0.iter().rev() {
            let sign = match (*value < 0, text.is_empty()) {
                (true, true) => "-",
                (true, false) => " - ",
                (false, true) => "",
                (false, false) => " + ",
            };
            text += sign;
            let mut words = factors
                .iter()
                .map(|&i| names[i].clone())
                .collect::<Vec<_>>();
            if value.abs() != 1 || words.is_empty() {
                words.insert(0, value.abs().to_string());
            }
            text += &words.join(" * ");
        }
        match text.is_empty() {
            true => "0".into(),
            false => text,
        }
    }
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A tensor.
    Tensor(Dtype, Vec<Dim>),
    /// A tuple.
    Tuple(Vec<Type>),
    /// A struct by its position in the program, with the types of its fields; these are named `f0`, `f1`, ….
    Struct(usize, Vec<Type>),
    /// A list.
    List(Box<Type>, usize),
}

impl Type {
    /// The types of its parts; none of a tensor.
    pub fn parts(&self) -> Vec<Type> {
        match self {
            Type::Tensor(..) => vec![],
            Type::Tuple(parts) | Type::Struct(_, parts) => parts.clone(),
            Type::List(part, count) => vec![(**part).clone(); *count],
        }
    }

    /// The types of its tensors, in order.
    pub fn leaves(&self) -> Vec<(Dtype, Vec<Dim>)> {
        match self {
            Type::Tensor(dtype, shape) => vec![(*dtype, shape.clone())],
            _ => self.parts().iter().flat_map(Type::leaves).collect(),
        }
    }

    /// Its element type and shape, of a tensor.
    pub fn tensor(&self) -> Option<(Dtype, &[Dim])> {
        match self {
            Type::Tensor(dtype, shape) => Some((*dtype, shape)),
            _ => None,
        }
    }

    /// Its shape, of a tensor; else that of a scalar.
    pub fn shape(&self) -> &[Dim] {
        self.tensor().map_or(&[], |(_, shape)| shape)
    }

    /// Whether it is a tensor of floats.
    pub fn is_float(&self) -> bool {
        self.tensor().is_some_and(|(dtype, _)| dtype.is_float())
    }

    /// Whether all of its tensors are of floats.
    pub fn all_floats(&self) -> bool {
        self.leaves().iter().all(|(dtype, _)| dtype.is_float())
    }

    /// Whether any of its tensors is of floats.
    pub fn any_floats(&self) -> bool {
        self.leaves().iter().any(|(dtype, _)| dtype.is_float())
    }

    /// With other dims in the place of the named ones.
    pub fn substituted(&self, dims: &[Dim]) -> Self {
        let all = |parts: &[Type]| parts.iter().map(|part| part.substituted(dims)).collect();
        match self {
            Type::Tensor(dtype, shape) => {
                let shape = shape.iter().map(|dim| dim.substituted(dims));
                Type::Tensor(*dtype, shape.collect())
            }
            Type::Tuple(parts) => Type::Tuple(all(parts)),
            Type::Struct(position, parts) => Type::Struct(*position, all(parts)),
            Type::List(part, count) => Type::List(Box::new(part.substituted(dims)), *count),
        }
    }

    /// In DL.
    pub fn text(&self, names: &[String]) -> String {
        match self {
            Type::Tensor(dtype, shape) if shape.is_empty() => dtype.name().into(),
            Type::Tensor(dtype, shape) => format!("{}{}", dtype.name(), shape_text(shape, names)),
            Type::Tuple(parts) => {
                let parts = parts.iter().map(|part| part.text(names));
                tuple_text(&parts.collect::<Vec<_>>())
            }
            Type::Struct(position, _) => struct_name(*position),
            Type::List(part, count) => format!("[{}; {count}]", part.text(names)),
        }
    }
}

/// `[2, N]`.
pub fn shape_text(shape: &[Dim], names: &[String]) -> String {
    let mut text = String::from("[");
    for (position, dim) in shape.iter().enumerate() {
        let comma = if position > 0 { ", " } else { "" };
        write!(text, "{comma}{}", dim.text(names)).expect("strings take everything");
    }
    text + "]"
}

/// `(a, b)`, `(a,)`.
pub fn tuple_text(parts: &[String]) -> String {
    match parts {
        [one] => format!("({one},)"),
        _ => format!("({})", parts.join(", ")),
    }
}

/// What a struct is called.
pub fn struct_name(position: usize) -> String {
    format!("S{position}")
}
