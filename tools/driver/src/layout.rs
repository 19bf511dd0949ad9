//! The struct types of a manifest, as header and bindings declare them: one for each DL struct
//! and layout, with a name that is unique.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dlc_abi::{DType, Entry, Manifest, Mode, Poly, Tree, symbol};

/// The struct types of a manifest, each after those it holds.
#[derive(Debug, Default)]
pub struct Structs {
    defs: Vec<StructType>,
}

/// A struct type.
#[derive(Debug, Clone)]
pub struct StructType {
    /// Its name, an identifier that no other has.
    pub name: String,
    /// Its name in DL, which another with the same may have.
    pub dl_name: String,
    /// Its fields; the shapes are those of its first use.
    pub fields: Vec<(String, Tree)>,
    /// Whether its leaves have the same shapes wherever it is used.
    pub one_shape: bool,
    key: String,
}

impl Structs {
    /// Collects the structs of all entries.
    pub fn of(manifest: &Manifest) -> Self {
        let mut structs = Self::default();
        for entry in &manifest.entries {
            let params = entry.params.iter().map(|param| &param.tree);
            for tree in params.chain(&entry.result) {
                structs.collect(tree);
            }
        }
        structs
    }

    fn collect(&mut self, tree: &Tree) {
        match tree {
            Tree::Tensor { .. } => {}
            Tree::Tuple(items) | Tree::List(items) => {
                items.iter().for_each(|item| self.collect(item));
            }
            Tree::Struct { name, fields } => {
                fields.iter().for_each(|(_, field)| self.collect(field));
                let key = key(tree);
                if let Some(known) = self.defs.iter_mut().find(|def| def.key == key) {
                    known.one_shape &= known.fields == *fields;
                    return;
                }
                let taken: BTreeSet<&str> = self.defs.iter().map(|d| d.name.as_str()).collect();
                self.defs.push(StructType {
                    name: unique(symbol::identifier(name), &taken),
                    dl_name: name.clone(),
                    fields: fields.clone(),
                    one_shape: true,
                    key,
                });
            }
        }
    }

    /// The struct types, each after those it holds.
    pub fn iter(&self) -> impl Iterator<Item = &StructType> {
        self.defs.iter()
    }

    /// The type of a struct.
    pub fn get(&self, tree: &Tree) -> &StructType {
        let key = key(tree);
        self.defs
            .iter()
            .find(|def| def.key == key)
            .expect("every struct of the manifest was collected")
    }
}

/// `name`, or with the first number that makes it new.
pub fn unique(name: String, taken: &BTreeSet<&str>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while taken.contains(candidate.as_str()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

/// Name and memory layout of a tree; shapes are no part of it, as a leaf is a pointer.
fn key(tree: &Tree) -> String {
    let list = |items: &[Tree]| items.iter().map(key).collect::<Vec<_>>().join(",");
    match tree {
        Tree::Tensor { dtype, .. } => dtype.to_string(),
        Tree::Struct { name, fields } => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, tree)| format!("{name}:{}", key(tree)))
                .collect();
            format!("{name}{{{}}}", fields.join(","))
        }
        Tree::Tuple(items) => format!("({})", list(items)),
        Tree::List(items) => format!("[{}]", list(items)),
    }
}

/// The dims that the shapes of some fields need, in alphabetical order.
pub fn dims_of(fields: &[(String, Tree)]) -> BTreeSet<String> {
    fields
        .iter()
        .flat_map(|(_, tree)| tree.leaves(""))
        .flat_map(|leaf| leaf.shape)
        .filter_map(|text| Poly::parse(&text).ok())
        .flat_map(|poly| poly.names())
        .collect()
}

/// Whether there is no tensor in a tree; it then takes no memory in a struct.
pub fn is_empty(tree: &Tree) -> bool {
    tree.leaves("").is_empty()
}

/// The type of a leaf for a comment: `f32[B, 64]`, or `f32[…]` where it differs between uses.
pub fn leaf_comment(dtype: DType, shape: &[String], one_shape: bool) -> String {
    match (shape.is_empty(), one_shape) {
        (true, _) => dtype.to_string(),
        (false, true) => format!("{dtype}[{}]", shape.join(", ")),
        (false, false) => format!("{dtype}, rank {}", shape.len()),
    }
}

/// The signature as the user wrote it, near enough.
pub fn dl_signature(entry: &Entry) -> String {
    let dims: Vec<_> = entry
        .dims
        .iter()
        .map(|dim| {
            let range = dlc_abi::status::range_text(dim.min, dim.max);
            format!("{} in {range}", dim.name)
        })
        .collect();
    let params: Vec<_> = entry
        .params
        .iter()
        .map(|param| {
            let mode = match param.mode {
                Mode::In => "",
                Mode::InOut => "inout ",
            };
            format!("{mode}{}: {}", param.name, param.tree)
        })
        .collect();
    let mut text = format!("fn {}", entry.name);
    if !dims.is_empty() {
        let _ = write!(text, "<{}>", dims.join(", "));
    }
    let _ = write!(text, "({})", params.join(", "));
    if let Some(result) = &entry.result {
        let _ = write!(text, " -> {result}");
    }
    text
}

/// Text in one line, without marks that hide code from a reader.
pub fn visible(text: &str) -> String {
    let reorders = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|&c| !c.is_control() && !reorders(c))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use dlc_abi::{Condition, DimRange, Param, Status, status};

    pub(crate) fn tensor(dtype: DType, shape: &[&str]) -> Tree {
        Tree::Tensor {
            dtype,
            shape: shape.iter().map(|dim| dim.to_string()).collect(),
        }
    }

    fn pair(a: &str) -> Tree {
        Tree::Struct {
            name: "Pair".into(),
            fields: vec![
                ("a".into(), tensor(DType::F32, &[a])),
                ("b".into(), tensor(DType::I32, &[])),
            ],
        }
    }

    fn params() -> Tree {
        let block = Tree::Struct {
            name: "Block".into(),
            fields: vec![
                ("w".into(), tensor(DType::F32, &["64", "64"])),
                ("class".into(), tensor(DType::BF16, &["D"])),
            ],
        };
        Tree::Struct {
            name: "Params".into(),
            fields: vec![
                ("emb".into(), tensor(DType::F32, &["10", "64"])),
                ("blocks".into(), Tree::List(vec![block.clone(), block])),
                ("key".into(), tensor(DType::Key, &[])),
                (
                    "pair".into(),
                    Tree::Tuple(vec![tensor(DType::I64, &[]), pair("D")]),
                ),
                ("none".into(), Tree::List(vec![])),
                (
                    "grid".into(),
                    Tree::List(vec![
                        Tree::List(vec![tensor(DType::F64, &["2"]), tensor(DType::F64, &["2"])]),
                        Tree::List(vec![tensor(DType::F64, &["2"]), tensor(DType::F64, &["2"])]),
                    ]),
                ),
            ],
        }
    }

    /// A manifest with every kind of parameter and result, and with awkward names.
    pub(crate) fn sample() -> Manifest {
        let param = |name: &str, mode, tree| Param {
            name: name.into(),
            mode,
            tree,
        };
        let entry = |name: &str, params, result| {
            let symbol = symbol::entry("tiny", name);
            Entry {
                name: name.into(),
                doc: "Does one step.\nNever writes /* or */, nor ??/ \u{202e}marks.".into(),
                packed_symbol: symbol::packed(&symbol),
                workspace_symbol: symbol::workspace(&symbol),
                symbol,
                dims: vec![
                    DimRange {
                        name: "B".into(),
                        min: 1,
                        max: Some(64),
                    },
                    DimRange {
                        name: "D".into(),
                        min: 0,
                        max: None,
                    },
                ],
                conditions: vec![Condition {
                    text: "(D % 4) == 0".into(),
                    status: 18,
                    source: "tiny.dl:3".into(),
                }],
                params,
                result,
                statuses: vec![
                    Status {
                        code: 1,
                        message: status::common_message(name, 1).unwrap(),
                    },
                    Status {
                        code: 16,
                        message: status::range_message(name, "B", 1, Some(64), "tiny.dl:3"),
                    },
                ],
            }
        };
        let entries = vec![
            entry(
                "step",
                vec![
                    param("p", Mode::InOut, params()),
                    param(
                        "x",
                        Mode::In,
                        tensor(DType::F32, &["B", "(D / 4)", "2*D + 1"]),
                    ),
                    param("int", Mode::In, tensor(DType::I32, &[])),
                    param("out", Mode::InOut, tensor(DType::F32, &[])),
                    param("k", Mode::In, tensor(DType::Key, &["B"])),
                    param("B", Mode::In, tensor(DType::Bool, &[])),
                ],
                Some(tensor(DType::F32, &[])),
            ),
            entry(
                "init",
                vec![param("key", Mode::In, tensor(DType::Key, &[]))],
                Some(params()),
            ),
            entry(
                "pair",
                vec![
                    param(
                        "t",
                        Mode::In,
                        Tree::Tuple(vec![pair("B"), tensor(DType::U8, &[])]),
                    ),
                    param(
                        "l",
                        Mode::InOut,
                        Tree::List(vec![tensor(DType::F16, &["B"]), tensor(DType::F16, &["B"])]),
                    ),
                    param("e", Mode::In, Tree::Tuple(vec![])),
                ],
                Some(Tree::Tuple(vec![
                    tensor(DType::F32, &["B"]),
                    tensor(DType::I32, &[]),
                ])),
            ),
            entry("unit", vec![], None),
        ];
        Manifest::new(
            "dlc 0.1.0",
            "tiny",
            "x86_64-unknown-linux-gnu native",
            entries,
        )
    }

    #[test]
    fn structs_come_after_those_they_hold() {
        let manifest = sample();
        let structs = Structs::of(&manifest);
        let names: Vec<_> = structs.iter().map(|def| def.name.as_str()).collect();
        assert_eq!(names, ["Block", "Pair", "Params"]);
        let shapes: Vec<_> = structs.iter().map(|def| def.one_shape).collect();
        assert_eq!(shapes, [true, false, true]);
    }

    #[test]
    fn layouts_of_one_name_are_told_apart() {
        let mut manifest = sample();
        let other = Tree::Struct {
            name: "Pair".into(),
            fields: vec![("a".into(), tensor(DType::F64, &["3"]))],
        };
        manifest.entries[3].result = Some(other);
        let structs = Structs::of(&manifest);
        let names: Vec<_> = structs.iter().map(|def| def.name.as_str()).collect();
        assert_eq!(names, ["Block", "Pair", "Params", "Pair_2"]);
    }
}
