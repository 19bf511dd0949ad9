//! A Python package that calls a built library, `--emit=python`: `STEM/` with typed functions, what they share, and the library.
//!
//! Nothing but Python's standard library is needed where it runs. The functions are generated; the rest is the same for every
//! model and interprets the manifest: `python/library.py` checks a call, `python/arrays.py` knows arrays.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dlc_abi::{DType, Entry, Manifest, Mode, Param, Tree, symbol};

use crate::dims;
use crate::layout::{StructType, Structs, dl_signature, leaf_comment, unique, visible};

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path in the folder of the package.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The generated file of a package.
pub const MODULE: &str = "__init__.py";

/// What every package has beside the generated module and the library.
const SHARED: [(&str, &str); 3] = [
    ("_arrays.py", include_str!("python/arrays.py")),
    ("_library.py", include_str!("python/library.py")),
    // Tells type checkers that the package has its own annotations.
    ("py.typed", ""),
];

/// The name of the package of a model, under which Python imports it.
pub fn package_name(stem: &str) -> String {
    python_name(stem)
}

/// The files of a package: its module, as [`generate`] gives it, what all share, and the shared library.
pub fn package(stem: &str, module: &[u8], library: &[u8]) -> Vec<File> {
    let mut files = vec![File {
        name: MODULE.into(),
        bytes: module.to_vec(),
    }];
    files.extend(SHARED.map(|(name, text)| File {
        name: name.into(),
        bytes: text.into(),
    }));
    files.push(File {
        name: format!("lib{stem}.so"),
        bytes: library.to_vec(),
    });
    files
}

/// The text of the module, `STEM/__init__.py`.
pub fn generate(manifest: &Manifest) -> String {
    let mut module = Module {
        manifest,
        structs: Structs::of(manifest),
        taken: OWN.iter().map(|name| (*name).to_string()).collect(),
    };
    let classes: Vec<(String, StructType)> = module
        .structs
        .iter()
        .cloned()
        .collect::<Vec<_>>()
        .into_iter()
        .map(|def| (module.fresh(&def.name), def))
        .collect();
    let mut text = module.opening();
    for (class, def) in &classes {
        text += &struct_class(class, def);
    }
    text += &module.loading(&classes);
    let entries: Vec<(String, &Entry)> = manifest
        .entries
        .iter()
        .map(|entry| (module.fresh(&entry.name), entry))
        .collect();
    let class_of = |tree: &Tree| {
        let name = &module.structs.get(tree).name;
        let found = classes.iter().find(|(_, def)| def.name == *name);
        found.map_or_else(|| name.clone(), |(class, _)| class.clone())
    };
    for (name, entry) in &entries {
        text += &function(name, entry, &class_of);
    }
    let public = classes.iter().map(|(name, _)| name);
    let public = public.chain(entries.iter().map(|(name, _)| name));
    let public: Vec<String> = public.map(|name| format!("{name:?}")).collect();
    let _ = write!(
        text,
        "\n__all__ = [{}]\n",
        [&["\"CallError\"".to_string()][..], &public]
            .concat()
            .join(", ")
    );
    text
}

/// Names of the module itself, and of the packages that it is made of.
const OWN: [&str; 10] = [
    "Any",
    "Array",
    "CallError",
    "_Library",
    "_arrays",
    "_dataclass",
    "_dlc",
    "_library",
    "_pathlib",
    "annotations",
];

struct Module<'a> {
    manifest: &'a Manifest,
    structs: Structs,
    taken: BTreeSet<String>,
}

impl Module<'_> {
    fn fresh(&mut self, name: &str) -> String {
        let taken = self.taken.iter().map(String::as_str).collect();
        let name = unique(python_name(name), &taken);
        self.taken.insert(name.clone());
        name
    }

    fn opening(&self) -> String {
        let stem = &self.manifest.stem;
        let exports: String = self
            .manifest
            .entries
            .iter()
            .map(|entry| format!("    {}\n", docstring(&dl_signature(entry))))
            .collect();
        format!(
            "\"\"\"{stem}, made by {compiler} for {target}; do not edit.\n\
             \n\
             Its exports, as DL declares them:\n\
             \n\
             {exports}\n\
             Tensors are arrays in C order of NumPy, PyTorch, JAX or whatever has `__dlpack__`, `__array_interface__` or a\n\
             buffer, in memory of the CPU, and are not copied. Trees are objects with the fields as attributes, mappings with\n\
             them as keys, or mappings with dotted paths to all tensors. What is `inout` is changed in place. Results are\n\
             arrays of PyTorch or JAX where an argument is one, else of NumPy; bf16 without ml_dtypes is uint16 in NumPy.\n\
             A key is an int, as for jax.random.key, or two uint32.\n\
             \"\"\"\n\
             \n\
             from __future__ import annotations\n\
             \n\
             import pathlib as _pathlib\n\
             from dataclasses import dataclass as _dataclass\n\
             from typing import Any\n\
             \n\
             from ._library import CallError\n\
             from ._library import Library as _Library\n\
             \n\
             Array = Any\n",
            compiler = docstring(&self.manifest.compiler),
            target = docstring(&self.manifest.target),
        )
    }

    /// Opens the library when the module is imported.
    fn loading(&self, classes: &[(String, StructType)]) -> String {
        let mut text = String::from("\n\n_dlc = _Library(\n    _pathlib.Path(__file__).parent,\n");
        let json = serde_json::to_string(self.manifest).expect("a manifest has only string keys");
        // A text of JSON without what is not ASCII is one of Python, too.
        let _ = writeln!(text, "    {},", literal(&json));
        text += "    [\n";
        for (class, def) in classes {
            let fields: String = def
                .fields
                .iter()
                .map(|(name, _)| format!("{}, ", literal(name)))
                .collect();
            let name = literal(&def.dl_name);
            let _ = writeln!(text, "        ({class}, {name}, ({fields})),");
        }
        text + "    ],\n)\n"
    }
}

fn struct_class(class: &str, def: &StructType) -> String {
    let mut text = format!(
        "\n\n@_dataclass(eq=False)\nclass {class}:\n    \"\"\"The tensors of a `{}`.\"\"\"\n\n",
        docstring(&def.name)
    );
    for (name, tree) in &def.fields {
        let field = python_name(name);
        let note = match tree {
            Tree::Tensor { dtype, shape } => leaf_comment(*dtype, shape, def.one_shape),
            _ => tree.to_string(),
        };
        let _ = writeln!(text, "    #: {}\n    {field}: Any", visible(&note));
    }
    if def.fields.is_empty() {
        text += "    pass\n";
    }
    text
}

/// A function that calls an entry.
fn function(name: &str, entry: &Entry, class_of: &dyn Fn(&Tree) -> String) -> String {
    let mut taken: BTreeSet<String> = ["_dlc".to_string()].into();
    let mut fresh = |name: &str| {
        let name = unique(
            python_name(name),
            &taken.iter().map(String::as_str).collect(),
        );
        taken.insert(name.clone());
        name
    };
    let params: Vec<(String, &Param)> = entry
        .params
        .iter()
        .map(|param| (fresh(&param.name), param))
        .collect();
    let given: Vec<(String, String)> = dims::not_inferred(entry)
        .into_iter()
        .map(|dim| (fresh(&dim), dim))
        .collect();
    let mut declared: Vec<String> = params
        .iter()
        .map(|(name, param)| format!("{name}: {}", annotation(param, class_of)))
        .collect();
    if !given.is_empty() {
        declared.push("*".into());
        declared.extend(given.iter().map(|(name, _)| format!("{name}: int")));
    }
    let returned = entry.result.as_ref().map_or_else(
        || "None".to_string(),
        |tree| result_annotation(tree, true, class_of),
    );
    let mut text = format!("\n\ndef {name}({}) -> {returned}:\n", declared.join(", "));
    text += &documentation(entry, &params, &given);
    let arguments: String = params.iter().map(|(name, _)| format!("{name}, ")).collect();
    let dims: Vec<String> = given
        .iter()
        .map(|(name, dim)| format!("{}: {name}", literal(dim)))
        .collect();
    let _ = writeln!(
        text,
        "    return _dlc.call({}, ({}), {{{}}})",
        literal(&entry.name),
        arguments.trim_end(),
        dims.join(", ")
    );
    text
}

fn documentation(entry: &Entry, params: &[(String, &Param)], given: &[(String, String)]) -> String {
    let mut text = String::from("    \"\"\"");
    for line in entry.doc.lines() {
        let _ = write!(text, "{}\n    ", docstring(line.trim()));
    }
    if !entry.doc.is_empty() {
        text += "\n    ";
    }
    let _ = writeln!(text, "In DL: {}\n", docstring(&dl_signature(entry)));
    for (name, param) in params {
        let mode = match param.mode {
            Mode::In => "",
            Mode::InOut => "inout ",
        };
        let _ = writeln!(
            text,
            "    {name}: {mode}{}",
            docstring(&param.tree.to_string())
        );
        if !matches!(param.tree, Tree::Tensor { .. }) {
            for leaf in param.tree.leaves(&param.name) {
                let row = format!("{}: {leaf}", leaf.path);
                let _ = writeln!(text, "        {}", docstring(&row));
            }
        }
    }
    for (name, dim) in given {
        let _ = writeln!(
            text,
            "    {name}: the dim {}, which no shape tells",
            docstring(dim)
        );
    }
    if let Some(result) = &entry.result {
        let _ = writeln!(text, "    returns: {}", docstring(&result.to_string()));
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n    \"\"\"\n"
}

fn annotation(param: &Param, class_of: &dyn Fn(&Tree) -> String) -> String {
    match &param.tree {
        Tree::Tensor { dtype, shape } if shape.is_empty() && param.mode == Mode::In => {
            format!("{} | Array", number(*dtype))
        }
        Tree::Tensor { .. } => "Array".into(),
        Tree::Struct { .. } => format!("{} | Any", class_of(&param.tree)),
        Tree::Tuple(_) | Tree::List(_) => "Any".into(),
    }
}

/// The type of a result; numbers stand in it only where no struct or list is around them.
fn result_annotation(tree: &Tree, is_outside: bool, class_of: &dyn Fn(&Tree) -> String) -> String {
    match tree {
        Tree::Tensor { dtype, .. } if is_outside && tree.is_plain_scalar() => {
            number(*dtype).to_string()
        }
        Tree::Tensor { .. } => "Array".into(),
        Tree::Struct { .. } => class_of(tree),
        Tree::List(items) => match items.first() {
            Some(item) => format!("list[{}]", result_annotation(item, false, class_of)),
            None => "list[Any]".into(),
        },
        Tree::Tuple(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| result_annotation(item, is_outside, class_of))
                .collect();
            match items.is_empty() {
                true => "tuple[()]".into(),
                false => format!("tuple[{}]", items.join(", ")),
            }
        }
    }
}

fn number(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        dtype if dtype.is_float() => "float",
        _ => "int",
    }
}

/// A text as Python writes it.
fn literal(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
        }
    }
    quoted + "\""
}

/// Text in one line that does not end a docstring.
fn docstring(text: &str) -> String {
    visible(text).replace('\\', "/").replace('"', "'")
}

/// A name that is no keyword of Python, nor one that Python treats in a way of its own.
fn python_name(name: &str) -> String {
    let name = symbol::identifier(name);
    if name.starts_with("__") {
        // Names that begin so are changed within classes, unless they end so.
        format!("{name}__")
    } else if KEYWORDS.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

#[cfg(test)]
mod tests;
