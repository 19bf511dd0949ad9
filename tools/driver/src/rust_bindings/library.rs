//! `Library` of the bindings: a function for each export that takes dims from its arguments and has the workspace.
//!
//! It solves the dims and calls the free function, which checks every length.

use super::expression::{polynomial, rust_name};
use super::{Held, Module, element, element_of};
use crate::layout::{dl_signature, unique, visible};
use dlc_abi::{DType, Entry, Mode, Poly, Tree};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `Library`, and tensors with a shape or without.
const TYPES: &str = include_str!("library.rs.in");

/// A method as it is put together.
#[derive(Default)]
struct Method {
    parameters: Vec<String>,
    /// Makes tensors of what is passed.
    tensors: String,
    /// What the free function is passed.
    passed: Vec<String>,
    /// A row for each tensor with axes.
    rows: Vec<String>,
}

impl Module<'_> {
    pub(super) fn library(&self) -> String {
        let mut taken: BTreeSet<String> = ["new", "workspace_bytes"].map(str::to_string).into();
        let mut methods = String::new();
        for entry in &self.manifest.entries {
            let own = taken.iter().map(String::as_str).collect();
            let name = unique(rust_name(&entry.name), &own);
            taken.insert(name.clone());
            methods += &self.method(&name, entry);
        }
        format!("\n{TYPES}\n#[allow(dead_code, non_snake_case)]\nimpl Library {{{methods}}}\n")
    }

    fn method(&self, name: &str, entry: &Entry) -> String {
        let mut method = Method::default();
        let mut taken: BTreeSet<String> = ["out", "sizes"].map(str::to_string).into();
        let mut fresh = |name: &str| {
            let name = unique(rust_name(name), &taken.iter().map(String::as_str).collect());
            taken.insert(name.clone());
            name
        };
        let steps = crate::dims::steps(entry, &entry.leaves());
        let told = |dim: &str| steps.iter().any(|step| step.dim == dim);
        let dims: Vec<(String, bool)> = entry
            .dims
            .iter()
            .map(|dim| (fresh(&dim.name), told(&dim.name)))
            .collect();
        let given = dims.iter().filter(|(_, told)| !told);
        method
            .parameters
            .extend(given.map(|(name, _)| format!("{name}: usize")));
        for param in &entry.params {
            let name = fresh(&param.name);
            self.argument(
                entry,
                (&name, &param.name),
                param.mode,
                &param.tree,
                &mut method,
            );
        }
        let returned = match &entry.result {
            Some(Tree::Tensor { dtype, shape }) if shape.is_empty() => match dtype {
                DType::Key => "[u32; 2]".to_string(),
                _ => element(*dtype).to_string(),
            },
            Some(tree) => {
                self.argument(entry, ("out", "out"), Mode::InOut, tree, &mut method);
                "()".into()
            }
            None => "()".into(),
        };
        let sizes: Vec<String> = dims
            .iter()
            .map(|(name, told)| match told {
                true => "::std::option::Option::None".into(),
                false => format!("::std::option::Option::Some({name})"),
            })
            .collect();
        let names: Vec<String> = entry
            .dims
            .iter()
            .map(|dim| format!("{:?}", dim.name))
            .collect();
        let numbers = (0..dims.len()).map(|i| format!("sizes[{i}]"));
        let passed: Vec<String> = numbers
            .chain(method.passed)
            .chain(["&mut self.workspace".to_string()])
            .collect();
        let mut text = String::from("\n");
        for line in entry.doc.lines() {
            let _ = writeln!(text, "    /// {}", visible(line));
        }
        let _ = write!(
            text,
            "    ///\n    /// In DL: `{signature}`\n    #[allow(clippy::too_many_arguments, unused_variables)]\n\
             \x20   pub fn {name}<'a>(&mut self, {parameters}) -> ::std::result::Result<{returned}, Error> {{\n{tensors}\
             \x20       let sizes = dlc_support::solve(\n            {entry:?},\n            [{names}],\n            [{sizes}],\n\
             \x20           &[{rows}\n            ],\n        )?;\n\
             \x20       self::{free}({passed})\n    }}\n",
            signature = visible(&dl_signature(entry)),
            parameters = method.parameters.join(", "),
            tensors = method.tensors,
            entry = entry.name,
            names = names.join(", "),
            sizes = sizes.join(", "),
            rows = method.rows.concat(),
            free = rust_name(&entry.name),
            passed = passed.join(", "),
        );
        text
    }

    /// Declares an argument, under its name here and in DL.
    fn argument(
        &self,
        entry: &Entry,
        (name, path): (&str, &str),
        mode: Mode,
        tree: &Tree,
        method: &mut Method,
    ) {
        let held = match mode {
            Mode::In => Held::Shared,
            Mode::InOut => Held::Mutable,
        };
        if let Tree::Tensor { dtype, shape } = tree
            && !shape.is_empty()
        {
            let (ty, element) = match mode {
                Mode::In => ("Tensor", element(*dtype)),
                Mode::InOut => ("TensorMut", element(*dtype)),
            };
            method.parameters.push(format!(
                "{name}: impl ::std::convert::Into<{ty}<'a, {element}>>"
            ));
            let _ = writeln!(
                method.tensors,
                "        let {name}: {ty}<'a, {element}> = {name}.into();"
            );
            method.passed.push(format!("{name}.data"));
            let given = format!("{name}.given({path:?})");
            method.rows.push(row(entry, &given, *dtype, shape));
            return;
        }
        let ty = match (mode, tree) {
            (Mode::In, Tree::Tensor { dtype, .. }) if tree.is_plain_scalar() => {
                element(*dtype).to_string()
            }
            (Mode::In, Tree::Struct { .. }) => format!("&{}", self.ty(tree, held, "")),
            (Mode::InOut, Tree::Struct { .. }) => format!("&mut {}", self.ty(tree, held, "")),
            _ => self.ty(tree, held, ""),
        };
        method.parameters.push(format!("{name}: {ty}"));
        method.passed.push(name.to_string());
        self.rows(entry, (path, name), tree, &mut method.rows);
    }

    /// The tensors of a tree, which are slices.
    fn rows(
        &self,
        entry: &Entry,
        (path, place): (&str, &str),
        tree: &Tree,
        rows: &mut Vec<String>,
    ) {
        match tree {
            Tree::Tensor { shape, .. } if shape.is_empty() => {}
            Tree::Tensor { dtype, shape } => {
                let given = format!("dlc_support::Given::flat({path:?}, {place}.len())");
                rows.push(row(entry, &given, *dtype, shape));
            }
            Tree::Struct { fields, .. } => {
                for (name, tree) in fields {
                    let (path, place) = (
                        format!("{path}.{name}"),
                        format!("{place}.{}", rust_name(name)),
                    );
                    self.rows(entry, (&path, &place), tree, rows);
                }
            }
            Tree::Tuple(items) | Tree::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    let place = element_of(tree, place, i);
                    self.rows(entry, (&format!("{path}.{i}"), &place), item, rows);
                }
            }
        }
    }
}

/// What is passed, its type, and its axes: the dims in each as bits, and its size.
fn row(entry: &Entry, given: &str, dtype: DType, shape: &[String]) -> String {
    // A key is two numbers.
    let two = (dtype == DType::Key).then(|| "2".to_string());
    let axes = shape.iter().chain(&two).map(|text| {
        let poly = Poly::parse(text).unwrap_or_default();
        let at = |name: &str| entry.dims.iter().position(|dim| dim.name == name);
        let names = poly.names();
        let dims = names.iter().filter_map(|name| at(name));
        let bits = dims.fold(0u64, |bits, dim| {
            bits | 1u64.checked_shl(dim as u32).unwrap_or(0)
        });
        let size = polynomial(&poly, &|name| match at(name) {
            Some(dim) => format!("d[{dim}]"),
            None => "::std::option::Option::None".into(),
        });
        let parameter = if bits == 0 { "_" } else { "d" };
        format!("({bits}, |{parameter}| {size})")
    });
    let axes: Vec<String> = axes.collect();
    let texts: Vec<&str> = shape.iter().chain(&two).map(String::as_str).collect();
    let name = if dtype == DType::Key {
        "u32"
    } else {
        dtype.dl_name()
    };
    format!(
        "\n                ({given}, {:?}, &[{}]),",
        format!("{name}[{}]", texts.join(", ")),
        axes.join(", ")
    )
}
