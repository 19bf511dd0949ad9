//! The values of the oracle: dense arrays of numbers, and trees of them.

use crate::{num::Num, types::Dtype};

/// Why a program is not one that numbers can be compared of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reject {
    /// Where it is, the function has no derivative, or rounding decides which way it goes.
    Kink(&'static str),
    /// A number is too large, or none.
    Large,
    /// An index outside of its axis, or something of nothing.
    Range,
    /// Derivatives nested deeper than the oracle's numbers are.
    Deep,
    /// It takes too long.
    Long,
}

/// What evaluation gives.
pub type Result<T> = std::result::Result<T, Reject>;

/// A dense array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The element type.
    pub dtype: Dtype,
    /// The size of each axis.
    pub shape: Vec<usize>,
    /// The elements, the last axis fastest.
    pub data: Vec<Num>,
}

/// All positions of a shape, in order.
pub fn positions(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = shape.to_vec();
    let count = shape.iter().product::<usize>();
    (0..count).map(move |mut number| {
        let mut position = vec![0; shape.len()];
        for (index, size) in position.iter_mut().zip(&shape).rev() {
            *index = number % size;
            number /= size;
        }
        position
    })
}

/// An axis that may count from the end.
pub fn axis(axis: i64, rank: usize) -> usize {
    match axis < 0 {
        true => (axis + rank as i64) as usize,
        false => axis as usize,
    }
}

/// The shape that two broadcast to.
pub fn broadcast(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], i: usize| match (i + shape.len()).checked_sub(rank) {
        Some(i) => shape[i],
        None => 1,
    };
    let sizes = (0..rank).map(|i| match (size(a, i), size(b, i)) {
        (1, size) => size,
        (size, _) => size,
    });
    sizes.collect()
}

impl Array {
    /// An array whose elements are computed from their positions.
    pub fn new(dtype: Dtype, shape: &[usize], element: impl FnMut(&[usize]) -> Num) -> Self {
        let mut element = element;
        Self {
            dtype,
            shape: shape.to_vec(),
            data: positions(shape)
                .map(|position| element(&position))
                .collect(),
        }
    }

    /// The same where an element may not exist.
    pub fn attempt(
        dtype: Dtype,
        shape: &[usize],
        mut element: impl FnMut(&[usize]) -> Result<Num>,
    ) -> Result<Self> {
        let data = positions(shape).map(|position| element(&position));
        Ok(Self {
            dtype,
            shape: shape.to_vec(),
            data: data.collect::<Result<_>>()?,
        })
    }

    /// A number.
    pub fn scalar(dtype: Dtype, value: Num) -> Self {
        Self {
            dtype,
            shape: vec![],
            data: vec![value],
        }
    }

    /// How many axes it has.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Where an element stands.
    fn offset(&self, position: &[usize]) -> usize {
        let axes = self.shape.iter().zip(position);
        axes.fold(0, |offset, (size, index)| offset * size + index)
    }

    /// An element.
    pub fn at(&self, position: &[usize]) -> Num {
        self.data[self.offset(position)]
    }

    /// An element, to be changed.
    pub fn at_mut(&mut self, position: &[usize]) -> &mut Num {
        let offset = self.offset(position);
        &mut self.data[offset]
    }

    /// The element that broadcasting puts at a position.
    pub fn broadcast_at(&self, position: &[usize]) -> Num {
        let own = &position[position.len() - self.rank()..];
        let own = own.iter().zip(&self.shape);
        let own = own.map(|(index, size)| if *size == 1 { 0 } else { *index });
        self.at(&own.collect::<Vec<_>>())
    }

    /// The only element of a scalar.
    pub fn item(&self) -> Num {
        self.data[0]
    }

    /// A part of it along its first axis.
    pub fn slice(&self, axis: usize, index: usize) -> Array {
        let mut shape = self.shape.clone();
        shape.remove(axis);
        Array::new(self.dtype, &shape, |position| {
            let mut position = position.to_vec();
            position.insert(axis, index);
            self.at(&position)
        })
    }

    /// Arrays of one shape along a new axis.
    pub fn stack(parts: &[Array], axis: usize) -> Array {
        let mut shape = parts[0].shape.clone();
        shape.insert(axis, parts.len());
        Array::new(parts[0].dtype, &shape, |position| {
            let mut position = position.to_vec();
            let part = position.remove(axis);
            parts[part].at(&position)
        })
    }

    /// With another number for each.
    pub fn map(&self, mut f: impl FnMut(Num) -> Num) -> Array {
        Array {
            dtype: self.dtype,
            shape: self.shape.clone(),
            data: self.data.iter().map(|x| f(*x)).collect(),
        }
    }
}

/// An array or a tree of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An array.
    Array(Array),
    /// A tuple, struct or list.
    Tree(Vec<Value>),
}

impl Value {
    /// The array that it is.
    pub fn array(&self) -> &Array {
        match self {
            Value::Array(array) => array,
            Value::Tree(_) => panic!("a tree where the types have a tensor"),
        }
    }

    /// The parts of the tree that it is.
    pub fn tree(&self) -> &[Value] {
        match self {
            Value::Tree(parts) => parts,
            Value::Array(_) => panic!("a tensor where the types have a tree"),
        }
    }

    /// Its arrays, in order.
    pub fn leaves(&self) -> Vec<&Array> {
        match self {
            Value::Array(array) => vec![array],
            Value::Tree(parts) => parts.iter().flat_map(Value::leaves).collect(),
        }
    }

    /// A tree of the same structure, from arrays in order.
    pub fn rebuilt(&self, leaves: &mut impl Iterator<Item = Array>) -> Value {
        match self {
            Value::Array(_) => Value::Array(leaves.next().expect("as many leaves as before")),
            Value::Tree(parts) => {
                Value::Tree(parts.iter().map(|part| part.rebuilt(leaves)).collect())
            }
        }
    }

    /// With another array for each.
    pub fn map(&self, f: impl FnMut(&Array) -> Array) -> Value {
        let leaves = self.leaves().into_iter().map(f).collect::<Vec<_>>();
        self.rebuilt(&mut leaves.into_iter())
    }
}
