//! The manifest of a built library: what each entry point takes and gives, as JSON.

mod error;
mod symbols;

pub use error::ManifestError;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::{ABI_VERSION, symbol};

/// What a built library holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Manifest {
    /// The format of this file; [`Manifest::FORMAT`].
    pub format: u32,
    /// The compiler and its version.
    pub compiler: String,
    /// The stem of the source file, as a C identifier; every symbol starts with it.
    pub stem: String,
    /// The version of the calling convention.
    pub abi_version: u32,
    /// The hash of all signatures; the library gives the same from `STEM_abi_hash()`.
    pub abi_hash: String,
    /// The target triple and CPU.
    pub target: String,
    /// The most threads on which a call runs; with more than one, entries have variants that take an executor.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub threads: u32,
    /// The GPU that entries have variants for, which take a device, `sm_80` or `sm_90a`; none without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// Whether calls tell what they do to a function that `STEM_trace` sets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub traced: bool,
    /// The CPUs that the library has its code for, from the least; none where that is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<String>,
    /// The entry points, in source order.
    pub entries: Vec<Entry>,
    /// The structs that entries use, each after those it holds.
    pub structs: Vec<StructDef>,
}

fn one() -> u32 {
    1
}

fn is_one(threads: &u32) -> bool {
    *threads == 1
}

/// One entry point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// The name of the export in DL.
    pub name: String,
    /// Its doc comment, may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// The C function.
    pub symbol: String,
    /// The uniform function for loaders.
    pub packed_symbol: String,
    /// The function that gives the workspace's size.
    pub workspace_symbol: String,
    /// The dims, in the order in which they are passed.
    pub dims: Vec<DimRange>,
    /// The `where` conditions that are checked at a call.
    pub conditions: Vec<Condition>,
    /// The parameters, in order.
    pub params: Vec<Param>,
    /// The result; nothing for unit.
    pub result: Option<Tree>,
    /// The statuses that the entry may return, except 0.
    pub statuses: Vec<Status>,
}

/// A dim parameter and its range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DimRange {
    /// Its name.
    pub name: String,
    /// The smallest value allowed.
    pub min: i64,
    /// The largest value allowed; nothing for no limit.
    pub max: Option<i64>,
}

/// A condition that is checked at a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Condition {
    /// `LHS REL RHS`, both sides canonical dim texts, such as `(D % 4) == 0`.
    pub text: String,
    /// What the entry returns when it does not hold.
    pub status: i32,
    /// Where it is written, such as `tiny.dl:36`.
    pub source: String,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Who writes it.
    pub mode: Mode,
    /// Its type.
    pub tree: Tree,
}

/// Whether an entry writes a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Only read.
    In,
    /// Read and written in place.
    InOut,
}

/// A status that an entry may return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// The number.
    pub code: i32,
    /// What it means.
    pub message: String,
}

/// A struct that entries use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StructDef {
    /// Its name in DL.
    pub name: String,
    /// Its fields, in order; the shapes are those of its first use.
    pub fields: Vec<(String, Tree)>,
}

/// The type of a parameter or result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tree {
    /// A tensor; rank 0 for a scalar.
    Tensor {
        /// The element type.
        dtype: DType,
        /// One canonical dim text per axis.
        shape: Vec<String>,
    },
    /// A struct.
    Struct {
        /// Its name in DL.
        name: String,
        /// Its fields, in order.
        fields: Vec<(String, Tree)>,
    },
    /// A tuple.
    Tuple(Vec<Tree>),
    /// A list of equally typed elements.
    List(Vec<Tree>),
}

/// A tensor in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The dotted path, `p.blocks.0.wqkv`; the root alone for a tensor.
    pub path: String,
    /// The element type.
    pub dtype: DType,
    /// One canonical dim text per axis.
    pub shape: Vec<String>,
}

impl fmt::Display for Leaf {
    /// `f32[B, 64]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, self.dtype, &self.shape)
    }
}

fn write_type(f: &mut fmt::Formatter<'_>, dtype: DType, shape: &[String]) -> fmt::Result {
    write!(f, "{dtype}")?;
    if !shape.is_empty() {
        write!(f, "[{}]", shape.join(", "))?;
    }
    Ok(())
}

impl fmt::Display for Tree {
    /// The type as DL writes it: `f32[B, 64]`, `Params`, `(f32, i32)`, `[Block; 2]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tree::Tensor { dtype, shape } => write_type(f, *dtype, shape),
            Tree::Struct { name, .. } => f.write_str(name),
            Tree::Tuple(items) => {
                f.write_str("(")?;
                for (i, item) in items.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                let end = if items.len() == 1 { ",)" } else { ")" };
                f.write_str(end)
            }
            Tree::List(items) => match items.first() {
                Some(first) => write!(f, "[{first}; {}]", items.len()),
                None => f.write_str("[; 0]"),
            },
        }
    }
}

impl Tree {
    /// The tensors, in order, with dotted paths that start with `root`.
    pub fn leaves(&self, root: &str) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.collect_leaves(root.to_string(), &mut leaves);
        leaves
    }

    fn collect_leaves(&self, path: String, leaves: &mut Vec<Leaf>) {
        match self {
            Tree::Tensor { dtype, shape } => leaves.push(Leaf {
                path,
                dtype: *dtype,
                shape: shape.clone(),
            }),
            Tree::Struct { fields, .. } => {
                for (name, field) in fields {
                    field.collect_leaves(join(&path, name), leaves);
                }
            }
            Tree::Tuple(items) | Tree::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    item.collect_leaves(join(&path, &i.to_string()), leaves);
                }
            }
        }
    }

    /// Whether this is a tensor of rank 0 that C passes by value: a scalar other than a key.
    pub fn is_plain_scalar(&self) -> bool {
        matches!(self, Tree::Tensor { dtype, shape } if shape.is_empty() && *dtype != DType::Key)
    }

    fn collect_structs(&self, structs: &mut Vec<StructDef>) {
        match self {
            Tree::Tensor { .. } => {}
            Tree::Struct { name, fields } => {
                for (_, field) in fields {
                    field.collect_structs(structs);
                }
                if !structs.iter().any(|known| known.name == *name) {
                    structs.push(StructDef {
                        name: name.clone(),
                        fields: fields.clone(),
                    });
                }
            }
            Tree::Tuple(items) | Tree::List(items) => {
                for item in items {
                    item.collect_structs(structs);
                }
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_string()
    } else {
        format!("{path}.{name}")
    }
}

impl Entry {
    /// The leaves in the order in which the packed entry takes them: those of every parameter,
    /// then those of the result (`out`, `out.0`, `out.w1`).
    pub fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = self.param_leaves();
        leaves.extend(self.result_leaves());
        leaves
    }

    /// The leaves of the parameters, in order.
    pub fn param_leaves(&self) -> Vec<Leaf> {
        self.params
            .iter()
            .flat_map(|param| param.tree.leaves(&param.name))
            .collect()
    }

    /// The leaves of the result, in order.
    pub fn result_leaves(&self) -> Vec<Leaf> {
        self.result
            .as_ref()
            .map(|tree| tree.leaves("out"))
            .unwrap_or_default()
    }

    /// The signature as text; every change that a caller can notice changes it.
    pub fn signature(&self) -> String {
        let mut text = format!("{}<", self.symbol);
        for (i, dim) in self.dims.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let range = crate::status::range_text(dim.min, dim.max);
            text += &format!("{comma}{} in {range}", dim.name);
        }
        text += ">(";
        for (i, param) in self.params.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let mode = match param.mode {
                Mode::In => "",
                Mode::InOut => "inout ",
            };
            text += &format!("{comma}{mode}{}: {}", param.name, layout(&param.tree));
        }
        text += ")";
        if let Some(result) = &self.result {
            text += &format!(" -> {}", layout(result));
        }
        for condition in &self.conditions {
            text += &format!(" where {}", condition.text);
        }
        text
    }
}

/// The type with its structs spelt out.
fn layout(tree: &Tree) -> String {
    let list = |items: &[Tree]| items.iter().map(layout).collect::<Vec<_>>().join(", ");
    match tree {
        Tree::Tensor { .. } => tree.to_string(),
        Tree::Struct { name, fields } => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, tree)| format!("{name}: {}", layout(tree)))
                .collect();
            format!("{name} {{ {} }}", fields.join(", "))
        }
        Tree::Tuple(items) => format!("({})", list(items)),
        Tree::List(items) => format!("[{}]", list(items)),
    }
}

impl Manifest {
    /// The format that this version writes and reads.
    pub const FORMAT: u32 = 1;

    /// A manifest of `entries`, with hash and structs filled in.
    pub fn new(compiler: &str, stem: &str, target: &str, entries: Vec<Entry>) -> Self {
        let mut structs = Vec::new();
        for entry in &entries {
            for param in &entry.params {
                param.tree.collect_structs(&mut structs);
            }
            if let Some(result) = &entry.result {
                result.collect_structs(&mut structs);
            }
        }
        let mut manifest = Self {
            format: Self::FORMAT,
            compiler: compiler.to_string(),
            stem: symbol::identifier(stem),
            abi_version: ABI_VERSION,
            abi_hash: String::new(),
            target: target.to_string(),
            threads: 1,
            gpu: None,
            traced: false,
            cpus: vec![],
            entries,
            structs,
        };
        manifest.abi_hash = manifest.compute_hash();
        manifest
    }

    /// The same of a library whose calls run on up to so many threads.
    pub fn with_threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self.abi_hash = self.compute_hash();
        self
    }

    /// The same of a library whose calls run on a GPU, too, if one is named.
    pub fn with_gpu(mut self, gpu: Option<&str>) -> Self {
        self.gpu = gpu.map(str::to_string);
        self.abi_hash = self.compute_hash();
        self
    }

    /// The same of a library whose calls tell what they do.
    pub fn with_tracing(mut self) -> Self {
        self.traced = true;
        self.abi_hash = self.compute_hash();
        self
    }

    /// The same of a library that has its code for these CPUs, if there are several.
    pub fn with_cpus(mut self, cpus: &[String]) -> Self {
        self.cpus = cpus.to_vec();
        self
    }

    /// The functions of the library that its header declares.
    pub fn exported_symbols(&self) -> Vec<String> {
        let mut symbols = vec![symbol::abi_hash(&self.stem)];
        if self.traced {
            symbols.push(symbol::trace(&self.stem));
        }
        if !self.cpus.is_empty() {
            symbols.push(symbol::cpu(&self.stem));
        }
        for entry in &self.entries {
            symbols.push(entry.symbol.clone());
            symbols.push(entry.packed_symbol.clone());
            symbols.push(entry.workspace_symbol.clone());
            symbols.push(entry.message_symbol());
            if self.threads > 1 {
                symbols.push(entry.on_symbol());
                symbols.push(entry.packed_on_symbol());
            }
            if self.gpu.is_some() {
                symbols.push(entry.gpu_symbol());
                symbols.push(entry.packed_gpu_symbol());
                symbols.push(entry.workspace_gpu_symbol());
            }
        }
        symbols
    }

    /// The hash of the calling convention and all signatures.
    pub fn compute_hash(&self) -> String {
        let mut text = format!("abi {}\nstem {}\n", self.abi_version, self.stem);
        if self.threads > 1 {
            text += &format!("threads {}\n", self.threads);
        }
        if let Some(gpu) = &self.gpu {
            text += &format!("gpu {gpu}\n");
        }
        if self.traced {
            text += "traced\n";
        }
        for entry in &self.entries {
            text += &entry.signature();
            text.push('\n');
        }
        blake3::hash(text.as_bytes()).to_hex().as_str()[..32].to_string()
    }

    /// The entry of an export.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The manifest as a JSON file.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a manifest has only string keys");
        text.push('\n');
        text
    }

    /// The JSON schema of manifests of this format.
    #[cfg(feature = "schema")]
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Manifest);
        let mut text =
            serde_json::to_string_pretty(&schema).expect("a schema has only string keys");
        text.push('\n');
        text
    }

    /// Reads a JSON file and checks its format and hash.
    pub fn from_json(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_str(text).map_err(ManifestError::Json)?;
        if manifest.format != Self::FORMAT {
            return Err(ManifestError::Format(manifest.format));
        }
        let computed = manifest.compute_hash();
        if computed != manifest.abi_hash {
            return Err(ManifestError::Hash {
                stored: manifest.abi_hash,
                computed,
            });
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests;
