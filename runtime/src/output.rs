//! From the tensors of a call to its named outputs.

use std::path::Path;

use dlc_abi::{DType, Entry, Mode, Tree};

use crate::bind::Bound;
use crate::formats::{self, WriteError};
use crate::tensor::Tensor;

impl Bound {
    /// What the call gave in numbers that are no tensors, by the dotted paths of its outputs. Bools are 0 and 1.
    pub fn scalars(&self, entry: &Entry) -> Vec<(String, f64)> {
        let inouts = entry
            .params
            .iter()
            .flat_map(|param| {
                let updated = param.mode == Mode::InOut;
                let leaves = param.tree.leaves(&param.name).into_iter();
                leaves.map(move |leaf| (leaf.path, updated))
            })
            .zip(&self.params)
            .filter(|((_, updated), _)| *updated)
            .map(|((path, _), tensor)| (path, tensor));
        let results = entry.result.iter().flat_map(|tree| tree.leaves("out"));
        let results = results.map(|leaf| leaf.path).zip(&self.results);
        inouts
            .chain(results)
            .filter(|(_, tensor)| tensor.shape().is_empty() && tensor.dtype() != DType::Key)
            .filter_map(|(path, tensor)| Some((path, *tensor.to_f64().first()?)))
            .collect()
    }

    /// The outputs of the call: each `inout` parameter by its name, and the result as `out`.
    pub fn into_outputs(self, entry: &Entry) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut params = self.params.into_iter();
        for param in &entry.params {
            let count = param.tree.leaves("").len();
            let tensors: Vec<Tensor> = params.by_ref().take(count).collect();
            if param.mode == Mode::InOut {
                outputs.push(Output::new(&param.name, &param.tree, tensors));
            }
        }
        if let Some(result) = &entry.result {
            outputs.push(Output::new("out", result, self.results));
        }
        outputs
    }
}

/// The outputs of a call from its `inout` leaves and then its result leaves, as an evaluator
/// gives them.
pub fn outputs_of(entry: &Entry, tensors: Vec<Tensor>) -> Vec<Output> {
    let mut tensors = tensors.into_iter();
    let inouts = entry
        .params
        .iter()
        .filter(|param| param.mode == Mode::InOut)
        .map(|param| (param.name.as_str(), &param.tree));
    inouts
        .chain(entry.result.iter().map(|tree| ("out", tree)))
        .map(|(name, tree)| {
            let count = tree.leaves("").len();
            Output::new(name, tree, tensors.by_ref().take(count).collect())
        })
        .collect()
}

/// A named output of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// `out`, or the name of an `inout` parameter.
    pub name: String,
    /// The type as DL writes it.
    pub ty: String,
    /// Its leaves by dotted path, in order; the path is empty for a tensor.
    pub leaves: Vec<(String, Tensor)>,
}

impl Output {
    fn new(name: &str, tree: &Tree, tensors: Vec<Tensor>) -> Self {
        let leaves = tree.leaves("");
        Self {
            name: name.to_string(),
            ty: tree.to_string(),
            leaves: leaves
                .into_iter()
                .map(|leaf| leaf.path)
                .zip(tensors)
                .collect(),
        }
    }

    /// One line for each leaf.
    pub fn summary(&self) -> String {
        self.leaves
            .iter()
            .map(|(path, tensor)| {
                let dot = if path.is_empty() { "" } else { "." };
                format!("{}{dot}{path}: {}\n", self.name, tensor.summary())
            })
            .collect()
    }

    /// The bytes of a file of the format that the extension of `path` says.
    pub fn encode(&self, path: &Path) -> Result<Vec<u8>, WriteError> {
        match self.leaves.as_slice() {
            [(name, tensor)] if name.is_empty() => formats::encode_tensor(path, tensor),
            leaves => formats::encode_tensors(path, &leaves.iter().cloned().collect()),
        }
    }
}
