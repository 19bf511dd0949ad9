//! A C++ layer around the C header, `--emit=hpp`: C++17, one header, nothing to link.
//!
//! `namespace STEM` has for each struct its tensors in vectors of their own (`NAME`), to read (`NAME_view`) and to write
//! (`NAME_ref`), and a class `library` with a function for each export, which keeps the workspace. Dims come from sizes and
//! shapes; what is wrong is thrown before the library is called. `cpp/support.hpp.in` checks, by tables that are written here.

mod entry;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dlc_abi::{DType, Manifest, Poly, Tree, dim::Factor, symbol};

use crate::header;
use crate::layout::{StructType, Structs, dims_of, is_empty, leaf_comment, unique, visible};

/// The text of `STEM.hpp`.
pub fn generate(manifest: &Manifest) -> String {
    let module = Module {
        manifest,
        structs: Structs::of(manifest),
    };
    let mut text = module.opening();
    for def in module.structs.iter() {
        text += &module.struct_types(def);
    }
    text + &module.library() + &module.closing()
}

struct Module<'a> {
    manifest: &'a Manifest,
    structs: Structs,
}

/// How a tree is held.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    /// To read.
    View,
    /// To write.
    Ref,
    /// In memory of its own.
    Owned,
}

impl Module<'_> {
    fn namespace(&self) -> String {
        match header::c_name(&self.manifest.stem, "") {
            name if name == "std" => "std_".into(),
            name => name,
        }
    }

    fn guard(&self) -> String {
        format!("DLC_{}_HPP", self.manifest.stem.to_ascii_uppercase())
    }

    fn opening(&self) -> String {
        let stem = &self.manifest.stem;
        format!(
            "// {stem}.hpp, made by {compiler} for {target}; do not edit.\n\
             //\n\
             // Needs C++17 and {stem}.h. f16 and bf16 are held as their bits, a bool as a byte, a key as two uint32_t.\n\
             #ifndef {guard}\n\
             #define {guard}\n\
             \n\
             #include \"{stem}.h\"\n\
             \n\
             #include <array>\n#include <cstddef>\n#include <cstdint>\n#include <cstring>\n#include <initializer_list>\n\
             #include <memory>\n#include <new>\n#include <stdexcept>\n#include <string>\n#include <tuple>\n\
             #include <type_traits>\n#include <utility>\n#include <vector>\n\
             \n\
             namespace {namespace} {{\n\
             \n{SUPPORT}",
            compiler = visible(&self.manifest.compiler),
            target = visible(&self.manifest.target),
            guard = self.guard(),
            namespace = self.namespace(),
        )
    }

    fn closing(&self) -> String {
        let (namespace, guard) = (self.namespace(), self.guard());
        format!("\n}}  // namespace {namespace}\n\n#endif  // {guard}\n")
    }

    fn struct_name(&self, tree: &Tree, held: Held) -> String {
        held_name(&self.structs.get(tree).name, held)
    }

    fn struct_types(&self, def: &StructType) -> String {
        let mut text = String::new();
        for held in [Held::View, Held::Ref, Held::Owned] {
            let what = match held {
                Held::View => "to read",
                Held::Ref => "to write",
                Held::Owned => "in memory of their own",
            };
            let name = held_name(&def.name, held);
            let _ = write!(
                text,
                "\n/// The tensors of a `{}`, {what}.\nstruct {name} {{\n",
                visible(&def.dl_name)
            );
            for (member, tree) in members(&def.fields) {
                let note = match tree {
                    Tree::Tensor { dtype, shape } => leaf_comment(*dtype, shape, def.one_shape),
                    _ => tree.to_string(),
                };
                let zero = match (held, tree.is_plain_scalar()) {
                    (Held::Owned, _) => "{}",
                    _ => "",
                };
                let ty = self.ty(tree, held);
                let _ = writeln!(text, "  {ty} {member}{zero};  // {}", visible(&note));
            }
            text += &self.conversions(def, held);
            text += "};\n";
        }
        text
    }

    /// What a struct becomes by itself, and zeros where dims say how many.
    fn conversions(&self, def: &StructType, held: Held) -> String {
        let list = |to: Held| {
            let items =
                members(&def.fields).map(|(member, tree)| self.held(tree, &member, held, to));
            items.collect::<Vec<_>>().join(", ")
        };
        let view = held_name(&def.name, Held::View);
        let as_view = format!(
            "  operator {view}() const {{ return {{{}}}; }}\n",
            list(Held::View)
        );
        match held {
            Held::View => String::new(),
            Held::Ref => format!("\n{as_view}"),
            Held::Owned => {
                let to_ref = held_name(&def.name, Held::Ref);
                let refs = list(Held::Ref);
                format!(
                    "\n{as_view}  operator {to_ref}() {{ return {{{refs}}}; }}\n{}",
                    self.zeros(def)
                )
            }
        }
    }

    fn zeros(&self, def: &StructType) -> String {
        if !def.one_shape {
            return String::new();
        }
        let dims = dims_of(&def.fields);
        let name = |dim: &String| header::c_name(dim, &self.manifest.stem);
        let parameters: Vec<String> = dims
            .iter()
            .map(|dim| format!("std::size_t {}", name(dim)))
            .collect();
        let owned = held_name(&def.name, Held::Owned);
        let mut text = format!(
            "\n  /// Zeros.\n  static {owned} zeros({}) {{\n    {owned} made;\n",
            parameters.join(", ")
        );
        for (member, tree) in members(&def.fields) {
            self.fill(tree, &format!("made.{member}"), &mut text);
        }
        text + "    return made;\n  }\n"
    }

    /// Statements that give tensors their sizes.
    fn fill(&self, tree: &Tree, place: &str, text: &mut String) {
        match tree {
            Tree::Tensor { shape, .. } if shape.is_empty() => {}
            Tree::Tensor { dtype, shape } => {
                let dim = |name: &str| {
                    format!(
                        "static_cast<std::int64_t>({})",
                        header::c_name(name, &self.manifest.stem)
                    )
                };
                // A key is two numbers.
                let two = (*dtype == DType::Key).then(|| number("2", &dim));
                let sizes = shape.iter().map(|text| number(text, &dim)).chain(two);
                let sizes: Vec<String> = sizes.collect();
                let _ = writeln!(
                    text,
                    "    {place}.resize(static_cast<std::size_t>(detail::fitting({})));",
                    sizes.join(" * ")
                );
            }
            Tree::Struct { fields, .. } => {
                for (member, tree) in members(fields) {
                    self.fill(tree, &format!("{place}.{member}"), text);
                }
            }
            Tree::Tuple(items) => {
                for (i, item) in items.iter().enumerate().filter(|(_, item)| !is_empty(item)) {
                    self.fill(item, &format!("std::get<{i}>({place})"), text);
                }
            }
            Tree::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.fill(item, &format!("{place}[{i}]"), text);
                }
            }
        }
    }

    /// The C++ type of a tree.
    fn ty(&self, tree: &Tree, held: Held) -> String {
        match tree {
            Tree::Tensor { dtype, shape } => match (held, shape.is_empty()) {
                (Held::View, _) => format!("tensor<const {}>", element(*dtype)),
                (Held::Ref, _) => format!("tensor<{}>", element(*dtype)),
                (Held::Owned, true) => value(*dtype),
                (Held::Owned, false) => format!("std::vector<{}>", element(*dtype)),
            },
            Tree::Struct { .. } => self.struct_name(tree, held),
            Tree::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|item| self.ty(item, held)).collect();
                format!("std::tuple<{}>", items.join(", "))
            }
            Tree::List(items) => match items.first() {
                Some(item) => format!("std::array<{}, {}>", self.ty(item, held), items.len()),
                None => "std::tuple<>".into(),
            },
        }
    }

    /// A tree that is held in one way, in another.
    fn held(&self, tree: &Tree, place: &str, from: Held, to: Held) -> String {
        let ty = self.ty(tree, to);
        match tree {
            Tree::Tensor { dtype, shape } => match (from, shape.is_empty(), dtype) {
                (Held::Owned, true, DType::Key) => format!("{ty}({place}.data(), 2)"),
                (Held::Owned, true, _) => format!("{ty}(&{place}, 1)"),
                _ => format!("{ty}({place})"),
            },
            Tree::Struct { .. } => format!("static_cast<{ty}>({place})"),
            Tree::Tuple(items) => {
                let items = items.iter().enumerate();
                let items: Vec<String> = items
                    .map(|(i, item)| self.held(item, &format!("std::get<{i}>({place})"), from, to))
                    .collect();
                format!("{ty}({})", items.join(", "))
            }
            Tree::List(items) if items.is_empty() => "{}".into(),
            Tree::List(items) => {
                let items = items.iter().enumerate();
                let items: Vec<String> = items
                    .map(|(i, item)| self.held(item, &format!("{place}[{i}]"), from, to))
                    .collect();
                format!("{ty}{{{{{}}}}}", items.join(", "))
            }
        }
    }
}

/// The type of an element: one that other libraries of C++ have, too.
fn element(dtype: DType) -> String {
    match dtype {
        DType::F32 | DType::F64 => dtype.c_name().into(),
        _ => format!("std::{}", dtype.c_name()),
    }
}

/// The type of a tensor without axes.
fn value(dtype: DType) -> String {
    match dtype {
        DType::Key => "std::array<std::uint32_t, 2>".into(),
        _ => element(dtype),
    }
}

fn held_name(name: &str, held: Held) -> String {
    let name = match symbol::identifier(name) {
        name if ["error", "tensor", "library", "detail"].contains(&name.as_str()) => {
            format!("{name}_")
        }
        name => header::c_name(&name, ""),
    };
    match held {
        Held::View => format!("{name}_view"),
        Held::Ref => format!("{name}_ref"),
        Held::Owned => name,
    }
}

/// The members of a struct, with names that C++ accepts.
fn members(fields: &[(String, Tree)]) -> impl Iterator<Item = (String, &Tree)> {
    let mut taken: BTreeSet<String> = ["zeros".to_string()].into();
    fields.iter().map(move |(name, tree)| {
        let own = taken.iter().map(String::as_str).collect();
        let name = unique(header::c_name(name, ""), &own);
        taken.insert(name.clone());
        (name, tree)
    })
}

/// An expression of type `detail::number` for the size of an axis; `dim` gives one of type `std::int64_t` for a dim.
fn number(text: &str, dim: &dyn Fn(&str) -> String) -> String {
    match Poly::parse(text) {
        Ok(poly) => polynomial(&poly, dim),
        Err(_) => NOTHING.to_string(),
    }
}

const NOTHING: &str = "detail::number{0, false}";

fn polynomial(poly: &Poly, dim: &dyn Fn(&str) -> String) -> String {
    let some = |value: i128| match i64::try_from(value) {
        Ok(value) => format!("detail::number{{{value}}}"),
        Err(_) => NOTHING.to_string(),
    };
    let terms: Vec<String> = poly
        .terms()
        .into_iter()
        .map(|(coefficient, factors)| {
            let mut product = match (coefficient, factors.is_empty()) {
                (1, false) => vec![],
                _ => vec![some(coefficient)],
            };
            product.extend(factors.iter().map(|factor| match factor {
                Factor::Name(name) => format!("detail::number{{{}}}", dim(name)),
                Factor::FloorDiv(inner, by) => {
                    format!("detail::floor_div({}, {by})", polynomial(inner, dim))
                }
                Factor::Rem(inner, by) => format!("detail::rem({}, {by})", polynomial(inner, dim)),
            }));
            product.join(" * ")
        })
        .collect();
    match terms.is_empty() {
        true => some(0),
        false => terms.join(" + "),
    }
}

const SUPPORT: &str = include_str!("cpp/support.hpp.in");

#[cfg(test)]
mod tests;
