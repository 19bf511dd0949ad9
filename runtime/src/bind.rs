//! From the inputs of `dlc run` to the tensors of a call.

use std::path::Path;

use dlc_abi::{DType, Entry, Leaf, Param, Tree};

use crate::dims::{self, Actual, DimError, Dims};
use crate::formats::{self, ReadError};
use crate::input::{Input, Value};
use crate::tensor::{Tensor, TensorError};
use crate::tree::NamedTensors;

/// Inputs that an entry can't be called with.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A parameter has no input.
    #[error("{entry}: no input for {name}: {ty}")]
    Missing {
        /// The entry.
        entry: String,
        /// The parameter.
        name: String,
        /// Its type.
        ty: String,
    },
    /// An input has the name of no parameter.
    #[error("{entry}: there is no parameter {name}")]
    Unknown {
        /// The entry.
        entry: String,
        /// The name of the input.
        name: String,
        /// The parameters that there are.
        known: Vec<String>,
    },
    /// Two inputs have one name.
    #[error("{entry}: two inputs for {name}")]
    Twice {
        /// The entry.
        entry: String,
        /// The parameter.
        name: String,
    },
    /// A file could not be read.
    #[error("{name}: {error}")]
    Read {
        /// The parameter.
        name: String,
        /// Why.
        error: ReadError,
    },
    /// A value is none of the parameter's type.
    #[error("{name}: {ty}: {error}")]
    Value {
        /// The leaf.
        name: String,
        /// Its type.
        ty: String,
        /// Why.
        error: TensorError,
    },
    /// A tree needs a file.
    #[error("{name} is {ty}, a tree of tensors")]
    NeedsFile {
        /// The parameter.
        name: String,
        /// Its type.
        ty: String,
    },
    /// A file lacks leaves.
    #[error("{}: {ty} has leaves that the file lacks: {}", path.display(), missing.join(", "))]
    Leaves {
        /// The file.
        path: std::path::PathBuf,
        /// The type of the parameter.
        ty: String,
        /// The leaves that are missing.
        missing: Vec<String>,
        /// The names that the file has besides.
        extra: Vec<String>,
    },
    /// A file has leaves that the parameter lacks.
    #[error("{}: {ty} has no leaf {}", path.display(), extra.join(", "))]
    Extra {
        /// The file.
        path: std::path::PathBuf,
        /// The type of the parameter.
        ty: String,
        /// The names that are too many.
        extra: Vec<String>,
    },
    /// Shapes or dims don't fit.
    #[error(transparent)]
    Dim(#[from] DimError),
    /// A result is too large.
    #[error("{entry}: {name}: {error}")]
    Result {
        /// The entry.
        entry: String,
        /// The leaf.
        name: String,
        /// Why.
        error: TensorError,
    },
}

impl BindError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            BindError::Missing { name, ty, .. } => {
                Some(format!("give it with --input {name}={}", example(ty)))
            }
            BindError::Unknown { known, .. } if known.is_empty() => {
                Some("it has no parameters".to_string())
            }
            BindError::Unknown { known, .. } => {
                Some(format!("its parameters are {}", known.join(", ")))
            }
            BindError::Twice { .. } => Some("leave one out".to_string()),
            BindError::Read { error, .. } => error.help(),
            BindError::Value { error, .. } => Some(match error {
                TensorError::Overflow { .. } | TensorError::Memory { .. } => {
                    "make it smaller".to_string()
                }
                _ => "give a value of that type; `dlc run --help` lists the forms".to_string(),
            }),
            BindError::NeedsFile { name, .. } => Some(format!(
                "give a file with its leaves, --input {name}=@{name}.npz or .safetensors"
            )),
            BindError::Leaves { extra, .. } if !extra.is_empty() => {
                Some(format!("the file has besides: {}", extra.join(", ")))
            }
            BindError::Leaves { .. } | BindError::Extra { .. } => {
                Some("keys are dotted paths, such as w1, blocks.0.wqkv, or 0".to_string())
            }
            BindError::Dim(error) => error.help(),
            BindError::Result { .. } => Some("make the dims smaller".to_string()),
        }
    }

    /// Whether a file was missing or unreadable, as opposed to wrong.
    pub fn is_io(&self) -> bool {
        matches!(
            self,
            BindError::Read {
                error: ReadError::File(_),
                ..
            }
        )
    }
}

/// The value of a tensor that is one signed integer.
fn integer(tensor: &Tensor) -> Option<i64> {
    let signed = matches!(tensor.dtype(), DType::I8 | DType::I32 | DType::I64);
    if !signed || !tensor.shape().is_empty() {
        return None;
    }
    let bytes = tensor.bytes();
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    let above = 64 - 8 * bytes.len() as u32;
    Some(i64::from_le_bytes(word) << above >> above)
}

/// A value that could stand for a type.
fn example(ty: &str) -> &'static str {
    match ty {
        "key" => "key(42)",
        "bool" => "true",
        _ if ty.starts_with(|c: char| c.is_ascii_uppercase() || c == '(' || c == '[') => {
            "@FILE.npz"
        }
        _ if ty.contains('[') => "@FILE.npy",
        _ => "1",
    }
}

/// The tensors of a call, all of the right type and shape.
#[derive(Debug, Clone)]
pub struct Bound {
    pub(crate) entry: String,
    pub(crate) dims: Vec<i64>,
    pub(crate) by_name: Dims,
    pub(crate) params: Vec<Tensor>,
    pub(crate) results: Vec<Tensor>,
}

/// Makes the tensors of a call of `entry` from its inputs.
pub fn bind(
    entry: &Entry,
    inputs: &[Input],
    given_dims: &[(String, i64)],
    seed: u64,
) -> Result<Bound, BindError> {
    let given = read_params(entry, inputs, seed)?;
    let params = given.into_iter().zip(&entry.params);
    let params = params.map(|(tensors, param)| {
        tensors.ok_or_else(|| BindError::Missing {
            entry: entry.name.clone(),
            name: param.name.clone(),
            ty: param.tree.to_string(),
        })
    });
    let params: Vec<_> = params.collect::<Result<_, _>>()?;
    Bound::from_tensors(entry, params.into_iter().flatten().collect(), given_dims)
}

/// The tensors of each parameter, in leaf order; none of those without an input.
pub(crate) fn read_params(
    entry: &Entry,
    inputs: &[Input],
    seed: u64,
) -> Result<Vec<Option<Vec<Tensor>>>, BindError> {
    check_names(entry, inputs)?;
    let read = |param: &Param| {
        let input = inputs.iter().find(|input| input.name == param.name);
        input
            .map(|input| read_param(&param.tree, input, seed))
            .transpose()
    };
    entry.params.iter().map(read).collect()
}

/// What is known of dims by tensors.
pub(crate) fn actual<'a>(pairs: impl Iterator<Item = (&'a Leaf, &'a Tensor)>) -> Vec<Actual<'a>> {
    let actual = pairs.map(|(leaf, tensor)| Actual {
        leaf,
        dtype: tensor.dtype(),
        shape: tensor.shape(),
    });
    actual.collect()
}

fn check_names(entry: &Entry, inputs: &[Input]) -> Result<(), BindError> {
    for (i, input) in inputs.iter().enumerate() {
        if !entry.params.iter().any(|param| param.name == input.name) {
            return Err(BindError::Unknown {
                entry: entry.name.clone(),
                name: input.name.clone(),
                known: entry.params.iter().map(|p| p.name.clone()).collect(),
            });
        }
        if inputs[..i].iter().any(|other| other.name == input.name) {
            return Err(BindError::Twice {
                entry: entry.name.clone(),
                name: input.name.clone(),
            });
        }
    }
    Ok(())
}

/// The tensors of one parameter, in leaf order.
fn read_param(tree: &Tree, input: &Input, seed: u64) -> Result<Vec<Tensor>, BindError> {
    let name = &input.name;
    let read_error = |error| BindError::Read {
        name: name.clone(),
        error,
    };
    match (tree, &input.value) {
        (Tree::Tensor { dtype, .. }, Value::File(path)) => {
            let tensor = formats::read_tensor(path).map_err(read_error)?;
            Ok(vec![as_param(tensor, *dtype)])
        }
        (Tree::Tensor { dtype, .. }, value) => {
            let tensor = value
                .tensor(name, *dtype, seed)
                .expect("only a file is no tensor by itself");
            let tensor = tensor.map_err(|error| BindError::Value {
                name: name.clone(),
                ty: tree.to_string(),
                error,
            })?;
            Ok(vec![tensor])
        }
        (_, Value::File(path)) => {
            let tensors = formats::read_tensors(path).map_err(read_error)?;
            take_leaves(tree, tensors, path)
        }
        _ => Err(BindError::NeedsFile {
            name: name.clone(),
            ty: tree.to_string(),
        }),
    }
}

/// A file holds keys as `u32`.
fn as_param(tensor: Tensor, dtype: DType) -> Tensor {
    if dtype == DType::Key {
        tensor.into_keys().unwrap_or_else(|tensor| tensor)
    } else {
        tensor
    }
}

fn take_leaves(
    tree: &Tree,
    mut tensors: NamedTensors,
    path: &Path,
) -> Result<Vec<Tensor>, BindError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for leaf in tree.leaves("") {
        match tensors.remove(&leaf.path) {
            Some(tensor) => found.push(as_param(tensor, leaf.dtype)),
            None => missing.push(leaf.path),
        }
    }
    let extra: Vec<String> = tensors.names().map(str::to_string).collect();
    let (path, ty) = (path.to_path_buf(), tree.to_string());
    if !missing.is_empty() {
        return Err(BindError::Leaves {
            path,
            ty,
            missing,
            extra,
        });
    }
    if !extra.is_empty() {
        return Err(BindError::Extra { path, ty, extra });
    }
    Ok(found)
}

impl Bound {
    /// A call with parameter leaves that are already tensors, in manifest order; solves the dims and allocates the results.
    pub fn from_tensors(
        entry: &Entry,
        params: Vec<Tensor>,
        given_dims: &[(String, i64)],
    ) -> Result<Self, BindError> {
        let leaves = entry.param_leaves();
        if let Some(leaf) = leaves.get(params.len()) {
            return Err(BindError::Missing {
                entry: entry.name.clone(),
                name: leaf.path.clone(),
                ty: leaf.to_string(),
            });
        }
        let actual = actual(leaves.iter().zip(&params));
        let by_name = dims::solve(entry, &actual, given_dims)?;
        let mut values = by_name.clone();
        for (leaf, tensor) in leaves.iter().zip(&params) {
            if let Some(value) = integer(tensor) {
                values.entry(leaf.path.clone()).or_insert(value);
            }
        }
        dims::check_conditions(entry, &values)?;
        let mut results = Vec::new();
        for leaf in entry.result_leaves() {
            let shape = dims::shape_of(entry, &leaf, &by_name)?;
            let tensor = Tensor::zeros(leaf.dtype, &shape);
            results.push(tensor.map_err(|error| BindError::Result {
                entry: entry.name.clone(),
                name: leaf.path,
                error,
            })?);
        }
        Ok(Self {
            entry: entry.name.clone(),
            dims: entry.dims.iter().map(|dim| by_name[&dim.name]).collect(),
            by_name,
            params,
            results,
        })
    }

    /// The dims by name.
    pub fn dims(&self) -> &Dims {
        &self.by_name
    }

    /// The leaves of the parameters, in manifest order.
    pub fn params(&self) -> &[Tensor] {
        &self.params
    }

    /// The leaves of the result, in manifest order; zeros before a call.
    pub fn results(&self) -> &[Tensor] {
        &self.results
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use dlc_abi::{Condition, DimRange, Mode, Param, Status, status};

    pub(crate) fn leaf(path: &str, dtype: DType, shape: &[&str]) -> Leaf {
        Leaf {
            path: path.into(),
            dtype,
            shape: shape.iter().map(|dim| dim.to_string()).collect(),
        }
    }

    /// An entry `train_step` without parameters.
    pub(crate) fn entry(dims: &[(&str, i64, Option<i64>)], conditions: &[&str]) -> Entry {
        Entry {
            name: "train_step".into(),
            doc: String::new(),
            symbol: "tiny_train_step".into(),
            packed_symbol: "tiny_train_step_packed".into(),
            workspace_symbol: "tiny_train_step_workspace".into(),
            dims: dims
                .iter()
                .map(|&(name, min, max)| DimRange {
                    name: name.into(),
                    min,
                    max,
                })
                .collect(),
            conditions: conditions
                .iter()
                .map(|text| Condition {
                    text: text.to_string(),
                    status: 20,
                    source: "tiny.dl:37".into(),
                })
                .collect(),
            params: vec![],
            result: None,
            statuses: dims
                .iter()
                .map(|&(name, min, max)| Status {
                    code: 16,
                    message: status::range_message("train_step", name, min, max, "tiny.dl:36"),
                })
                .collect(),
        }
    }

    pub(crate) fn tensor(dtype: DType, shape: &[&str]) -> Tree {
        Tree::Tensor {
            dtype,
            shape: shape.iter().map(|dim| dim.to_string()).collect(),
        }
    }

    /// `train_step<B>(inout p: Params, x: f32[B, 2], lr: f32, k: key) -> (f32, i32[B])`
    pub(crate) fn sample() -> Entry {
        let param = |name: &str, mode, tree| Param {
            name: name.into(),
            mode,
            tree,
        };
        let params = Tree::Struct {
            name: "Params".into(),
            fields: vec![
                ("w".into(), tensor(DType::F32, &["2"])),
                ("keys".into(), Tree::List(vec![tensor(DType::Key, &[])])),
            ],
        };
        let mut entry = entry(&[("B", 1, Some(64))], &[]);
        entry.params = vec![
            param("p", Mode::InOut, params),
            param("x", Mode::In, tensor(DType::F32, &["B", "2"])),
            param("lr", Mode::In, tensor(DType::F32, &[])),
            param("k", Mode::In, tensor(DType::Key, &[])),
        ];
        entry.result = Some(Tree::Tuple(vec![
            tensor(DType::F32, &[]),
            tensor(DType::I32, &["B"]),
        ]));
        entry
    }

    fn params_file(folder: &Path) -> String {
        let path = folder.join("p.npz");
        let tensors = NamedTensors::from_iter([
            (
                "w".to_string(),
                Tensor::full(DType::F32, &[2], 1.0).unwrap(),
            ),
            ("keys.0".to_string(), Tensor::key(3)),
        ]);
        formats::write_tensors(&path, &tensors).unwrap();
        path.display().to_string()
    }

    fn inputs(texts: &[&str]) -> Vec<Input> {
        texts
            .iter()
            .map(|text| Input::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn inputs_become_leaves_and_results_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let p = format!("p=@{}", params_file(folder.path()));
        let inputs = inputs(&[&p, "x=normal(7,2)", "lr=0.1", "k=key(42)"]);
        let bound = bind(&sample(), &inputs, &[], 0).unwrap();
        assert_eq!(bound.dims, [7]);
        let types: Vec<_> = bound.params.iter().map(Tensor::type_text).collect();
        assert_eq!(types, ["f32[2]", "key", "f32[7, 2]", "f32", "key"]);
        let outputs = bound.into_outputs(&sample());
        let names: Vec<_> = outputs.iter().map(|output| output.name.as_str()).collect();
        assert_eq!(names, ["p", "out"]);
        assert!(
            outputs[0]
                .summary()
                .starts_with("p.w: f32[2]  mean 1  first values 1 1\n")
        );
        assert!(outputs[1].summary().contains("out.1: i32[7]"));
        let path = folder.path().join("new.safetensors");
        std::fs::write(&path, outputs[0].encode(&path).unwrap()).unwrap();
        let back = formats::read_tensors(&path).unwrap();
        assert_eq!(back.names().collect::<Vec<_>>(), ["keys.0", "w"]);
        assert!(outputs[0].encode(Path::new("p.npy")).is_err());
    }

    #[test]
    fn wrong_inputs_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let p = format!("p=@{}", params_file(folder.path()));
        let good = [p.as_str(), "x=zeros(7,2)", "lr=0.1", "k=key(42)"];
        let error = |replaced: usize, by: &str| {
            let mut texts = good.to_vec();
            if by.is_empty() {
                texts.remove(replaced);
            } else {
                texts[replaced] = by;
            }
            let error = bind(&sample(), &inputs(&texts), &[], 0).unwrap_err();
            assert!(error.help().is_some() || error.to_string().starts_with("DL1003"));
            error.to_string()
        };
        assert_eq!(error(2, ""), "train_step: no input for lr: f32");
        assert_eq!(error(2, "rl=1"), "train_step: there is no parameter rl");
        assert_eq!(error(2, "x=1"), "train_step: two inputs for x");
        assert_eq!(error(2, "lr=true"), "lr: f32: true is no f32");
        assert_eq!(error(0, "p=1"), "p is Params, a tree of tensors");
        assert_eq!(
            error(1, "x=zeros(7,2):f64"),
            "DL1006 train_step: x is f64, expected f32"
        );
        assert_eq!(
            error(1, "x=zeros(7,3)"),
            "DL1003 train_step: x has shape [7, 3], expected [B, 2] with B = 7"
        );
        assert!(error(1, "x=@none.npy").starts_with("x: cannot read none.npy"));
        assert!(error(0, "p=@x.npy").contains("a tree of them is wanted"));
        let path = folder.path().join("q.npz");
        let tensors = NamedTensors::from_iter([("w0".to_string(), Tensor::key(3))]);
        formats::write_tensors(&path, &tensors).unwrap();
        let text = error(0, &format!("p=@{}", path.display()));
        assert!(
            text.ends_with("Params has leaves that the file lacks: w, keys.0"),
            "{text}"
        );
    }

    #[test]
    fn tensors_bind_too() {
        let entry = sample();
        assert!(matches!(
            Bound::from_tensors(&entry, vec![], &[]),
            Err(BindError::Missing { .. })
        ));
    }
}
