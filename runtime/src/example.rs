//! Inputs for calls whose time is of interest, not their results: random where none are given.

use crate::bind::{BindError, Bound, actual, read_params};
use crate::dims;
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
    let leaves = entry
        .params
        .iter()
        .map(|param| param.tree.leaves(&param.name));
    let read = read_params(entry, inputs, seed)?;
    let read: Vec<(Vec<Leaf>, Option<Vec<Tensor>>)> = leaves.zip(read).collect();
    let given = read
        .iter()
        .filter_map(|(leaves, tensors)| Some((leaves, tensors.as_ref()?)));
    let pairs = given.flat_map(|(leaves, tensors)| leaves.iter().zip(tensors));
    let dims = dims::solve(entry, &actual(pairs), given_dims)?;
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
