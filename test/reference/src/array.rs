//! Arrays as the evaluator holds them: the bits of each element in a word, so that movement of data keeps
//! every bit and arithmetic decodes what it reads.

use crate::scalar::Scalar;
use dlc_abi::DType;
use dlc_runtime::{Tensor, TensorError};

/// More elements than any test has; what is larger is taken for a mistake.
const MOST_ELEMENTS: usize = 1 << 30;

/// A dense array in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub dtype: DType,
    pub shape: Vec<usize>,
    /// The bits of each element, zero-extended.
    pub bits: Vec<u64>,
}

impl Array {
    /// An array made element by element from the position of each.
    pub fn from_fn(
        dtype: DType,
        shape: &[usize],
        mut element: impl FnMut(&[usize]) -> Result<u64, String>,
    ) -> Result<Self, String> {
        let mut bits = Vec::with_capacity(count(shape)?);
        for_each_position(shape, |position| {
            bits.push(element(position)?);
            Ok(())
        })?;
        Ok(Self {
            dtype,
            shape: shape.to_vec(),
            bits,
        })
    }

    /// The array of a tensor; a key is two `u32` on a last axis.
    pub fn from_tensor(tensor: &Tensor) -> Self {
        let (dtype, shape) = tensor.stored_as();
        let bits = tensor
            .bytes()
            .chunks_exact(dtype.size())
            .map(|bytes| {
                let mut word = [0; 8];
                word[..bytes.len()].copy_from_slice(bytes);
                u64::from_le_bytes(word)
            })
            .collect();
        Self { dtype, shape, bits }
    }

    /// The tensor of an array.
    pub fn to_tensor(&self) -> Result<Tensor, TensorError> {
        let size = self.dtype.size();
        let bytes = self
            .bits
            .iter()
            .flat_map(|bits| bits.to_le_bytes().into_iter().take(size))
            .collect::<Vec<_>>();
        Tensor::from_bytes(self.dtype, &self.shape, &bytes)
    }

    /// The element at a position, decoded.
    pub fn at(&self, position: &[usize]) -> Scalar {
        Scalar::decode(self.dtype, self.bits_at(position))
    }

    /// The bits of the element at a position.
    pub fn bits_at(&self, position: &[usize]) -> u64 {
        self.bits[offset(&self.shape, position)]
    }

    /// The elements, decoded.
    pub fn scalars(&self) -> impl Iterator<Item = Scalar> {
        self.bits
            .iter()
            .map(|&bits| Scalar::decode(self.dtype, bits))
    }
}

/// The number of elements of a shape.
pub(crate) fn count(shape: &[usize]) -> Result<usize, String> {
    shape
        .iter()
        .try_fold(1usize, |product, &dim| product.checked_mul(dim))
        .filter(|&product| product <= MOST_ELEMENTS)
        .ok_or_else(|| format!("shape {shape:?} has more than {MOST_ELEMENTS} elements"))
}

/// Where the element at a position stands in row-major order.
pub(crate) fn offset(shape: &[usize], position: &[usize]) -> usize {
    debug_assert_eq!(shape.len(), position.len());
    shape
        .iter()
        .zip(position)
        .fold(0, |offset, (&dim, &at)| offset * dim + at)
}

/// Calls `visit` with every position of a shape, in row-major order.
pub(crate) fn for_each_position(
    shape: &[usize],
    mut visit: impl FnMut(&[usize]) -> Result<(), String>,
) -> Result<(), String> {
    if shape.contains(&0) {
        return Ok(());
    }
    let mut position = vec![0; shape.len()];
    loop {
        visit(&position)?;
        // Counts up in the last axis, carrying to the left.
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return Ok(());
            }
            axis -= 1;
            position[axis] += 1;
            if position[axis] < shape[axis] {
                break;
            }
            position[axis] = 0;
        }
    }
}
