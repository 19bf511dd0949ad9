//! Inputs for calls whose time is of interest, not their results: random where none are given.

use crate::bind::{BindError, Bound, check_names, read_param};
use crate::dims::{self, Actual};
use crate::input::Input;
use crate::random::Random;
use crate::tensor::{Tensor, TensorError};
use dlc_abi::{DType, Entry, Leaf};

/// Whole numbers are below this: as indices and labels they are valid nearly everywhere.
const WHOLE: u64 = 2;

/// Makes the tensors of a call of `entry`; parameters without an input are random: floats standard normal, whole
/// numbers 0 or 1, bools either. Their shapes follow from the given dims and the other inputs.
pub fn bind_or_random(
    entry: &Entry,
    inputs: &[Input],
    given_dims: &[(String, i64)],
    seed: u64,
) -> Result<Bound, BindError> {
    check_names(entry, inputs)?;
    let mut read = Vec::new();
    for param in &entry.params {
        let input = inputs.iter().find(|input| input.name == param.name);
        let tensors = input.map(|input| read_param(&param.tree, input, seed));
        read.push((param.tree.leaves(&param.name), tensors.transpose()?));
    }
    let pairs = read
        .iter()
        .filter_map(|(leaves, tensors)| Some((leaves, tensors.as_ref()?)));
    let pairs = pairs.flat_map(|(leaves, tensors)| leaves.iter().zip(tensors));
    let actual: Vec<Actual<'_>> = pairs
        .map(|(leaf, tensor)| Actual {
            leaf,
            dtype: tensor.dtype(),
            shape: tensor.shape(),
        })
        .collect();
    let dims = dims::solve(entry, &actual, given_dims)?;
    let mut params = Vec::new();
    for (leaves, tensors) in read {
        match tensors {
            Some(tensors) => params.extend(tensors),
            None => {
                for leaf in leaves {
                    let shape = dims::shape_of(entry, &leaf, &dims)?;
                    let tensor = random(&leaf, &shape, seed);
                    params.push(tensor.map_err(|error| BindError::Value {
                        ty: leaf.to_string(),
                        name: leaf.path,
                        error,
                    })?);
                }
            }
        }
    }
    Bound::from_tensors(entry, params, given_dims)
}

fn random(leaf: &Leaf, shape: &[usize], seed: u64) -> Result<Tensor, TensorError> {
    let mut random = Random::new(seed, &leaf.path);
    if leaf.dtype == DType::Key && shape.is_empty() {
        return Ok(Tensor::key(random.bits()));
    }
    let mut tensor = Tensor::zeros(leaf.dtype, shape)?;
    match leaf.dtype.is_float() {
        true => tensor.fill_with(|| random.normal())?,
        false => tensor.fill_with(|| (random.bits() % WHOLE) as f64)?,
    }
    Ok(tensor)
}
