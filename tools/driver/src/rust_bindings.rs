//! Safe Rust bindings of a built library, `--emit=rust`.
//!
//! The module depends on nothing but `std`; the user's `build.rs` links the library. It goes
//! through the packed entry: dims, then every leaf by pointer. Before that it checks the library's
//! ABI hash and the length of every slice against its shape, so that no call can reach memory it
//! was not given.

use std::fmt::Write as _;

use dlc_abi::{DType, Manifest, Tree, symbol};
use expression::{axes, rust_name};

use crate::layout::{StructType, Structs, dims_of, leaf_comment, visible};

mod entry;
mod expression;
mod library;
mod on_device;

/// The text of `STEM.rs`.
pub fn generate(manifest: &Manifest) -> String {
    let module = Module {
        manifest,
        structs: Structs::of(manifest),
    };
    let mut text = module.opening();
    for def in module.structs.iter() {
        text += &module.struct_types(def);
        if manifest.gpu.is_some() {
            text += &module.device_struct(def);
        }
    }
    for entry in &manifest.entries {
        text += &module.entry(entry);
        if manifest.gpu.is_some() {
            text += &module.device_entry(entry);
        }
    }
    text += &module.library();
    text += &module.support();
    text
}

struct Module<'a> {
    manifest: &'a Manifest,
    structs: Structs,
}

/// How a tree is held.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    /// Shared slices.
    Shared,
    /// Slices to write.
    Mutable,
    /// Vectors of its own.
    Owned,
}

impl Module<'_> {
    fn opening(&self) -> String {
        let stem = &self.manifest.stem;
        format!(
            "// {stem}.rs, made by {compiler} for {target}; do not edit.\n\
             //\n\
             // Declare it as a module, and link the library in build.rs:\n\
             //     println!(\"cargo:rustc-link-search=native=FOLDER\");\n\
             //     println!(\"cargo:rustc-link-lib=static={stem}\");\n\
             //\n\
             // Tensors are slices in C order (last axis fastest). f16 and bf16 are held as their\n\
             // bits. A key is two u32; key(42) is [0, 42].\n\
             {chosen}\n\
             /// The hash of all signatures here; every call compares it with the library's.\n\
             pub const ABI_HASH: &str = {hash:?};\n",
            compiler = visible(&self.manifest.compiler),
            target = visible(&self.manifest.target),
            hash = self.manifest.abi_hash,
            chosen = self.manifest.gpu.as_ref().map_or("", |_| CHOSEN),
        ) + OPENING
            + self.threads().map_or("", |()| EXECUTOR)
            + self.manifest.gpu.as_ref().map_or("", |_| on_device::TYPES)
    }

    /// Something where calls may run on several threads.
    fn threads(&self) -> Option<()> {
        (self.manifest.threads > 1).then_some(())
    }

    fn struct_name(&self, tree: &Tree, held: Held) -> String {
        held_name(&self.structs.get(tree).name, held)
    }

    fn struct_types(&self, def: &StructType) -> String {
        let mut text = String::new();
        for held in [Held::Shared, Held::Mutable, Held::Owned] {
            let name = held_name(&def.name, held);
            let what = match held {
                Held::Shared => "The tensors of a `NAME`, to read.",
                Held::Mutable => "The tensors of a `NAME`, to write.",
                Held::Owned => "The tensors of a `NAME` in memory of their own.",
            };
            let derive = match held {
                Held::Shared => "Debug, Clone, Copy",
                Held::Mutable => "Debug",
                Held::Owned => "Debug, Clone, PartialEq",
            };
            let has_leaves = def.fields.iter().any(|(_, tree)| uses_lifetime(tree));
            let lifetime = match held {
                Held::Owned => "",
                _ if has_leaves => "<'a>",
                _ => "",
            };
            let _ = write!(
                text,
                "\n/// {}\n#[derive({derive})]\n#[allow(dead_code, non_snake_case, non_camel_case_types)]\npub struct {name}{lifetime} {{\n",
                what.replace("NAME", &def.name)
            );
            for (field, tree) in rust_fields(&def.fields) {
                let note = field_comment(tree, def.one_shape);
                let ty = self.ty(tree, held, "'a ");
                let _ = writeln!(text, "    /// {note}\n    pub {field}: {ty},");
            }
            text += "}\n";
        }
        text + &self.owned_methods(def)
    }

    /// `view`, `view_mut` and, where the shapes need nothing but dims, `zeros`.
    fn owned_methods(&self, def: &StructType) -> String {
        let owned = held_name(&def.name, Held::Owned);
        let mut text = format!("\n#[allow(dead_code, non_snake_case)]\nimpl {owned} {{\n");
        let has_leaves = def.fields.iter().any(|(_, tree)| uses_lifetime(tree));
        let elided = if has_leaves { "<'_>" } else { "" };
        for (held, method, receiver, what) in [
            (Held::Shared, "view", "&self", "The tensors, to read."),
            (
                Held::Mutable,
                "view_mut",
                "&mut self",
                "The tensors, to write.",
            ),
        ] {
            let view = held_name(&def.name, held);
            let _ = write!(
                text,
                "    /// {what}\n    pub fn {method}({receiver}) -> {view}{elided} {{\n        {view} {{\n"
            );
            for (field, tree) in rust_fields(&def.fields) {
                let value = self.view(tree, &format!("self.{field}"), held);
                let _ = writeln!(text, "            {field}: {value},");
            }
            text += "        }\n    }\n";
        }
        if def.one_shape {
            let dims = dims_of(&def.fields);
            let parameters: Vec<String> = dims
                .iter()
                .map(|dim| format!("{}: usize", rust_name(dim)))
                .collect();
            let _ = write!(
                text,
                "    /// Zeros; nothing when a size does not fit.\n    pub fn zeros({}) -> ::std::option::Option<Self> {{\n",
                parameters.join(", ")
            );
            for dim in &dims {
                let name = rust_name(dim);
                let _ = writeln!(text, "        let {name} = i64::try_from({name}).ok();");
            }
            let _ = writeln!(text, "        ::std::option::Option::Some({owned} {{");
            for (field, tree) in rust_fields(&def.fields) {
                let _ = writeln!(text, "            {field}: {},", self.zeros(tree));
            }
            text += "        })\n    }\n";
        }
        text + "}\n"
    }

    /// The Rust type of a tree; `lifetime` is `'a ` or empty.
    fn ty(&self, tree: &Tree, held: Held, lifetime: &str) -> String {
        match tree {
            Tree::Tensor { dtype, shape } => {
                let (element, scalar) = (element(*dtype), shape.is_empty());
                let value = match dtype {
                    DType::Key => "[u32; 2]".to_string(),
                    _ => element.to_string(),
                };
                match (held, scalar) {
                    (Held::Shared, true) => format!("&{lifetime}{value}"),
                    (Held::Mutable, true) => format!("&{lifetime}mut {value}"),
                    (Held::Owned, true) => value,
                    (Held::Shared, false) => format!("&{lifetime}[{element}]"),
                    (Held::Mutable, false) => format!("&{lifetime}mut [{element}]"),
                    (Held::Owned, false) => format!("::std::vec::Vec<{element}>"),
                }
            }
            Tree::Struct { .. } => {
                let name = self.struct_name(tree, held);
                if held == Held::Owned || !uses_lifetime(tree) {
                    return name;
                }
                let lifetime = match lifetime.trim() {
                    "" => "'_",
                    lifetime => lifetime,
                };
                format!("{name}<{lifetime}>")
            }
            Tree::Tuple(items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| self.ty(item, held, lifetime))
                    .collect();
                tuple(&items)
            }
            Tree::List(items) => match items.first() {
                Some(item) => format!("[{}; {}]", self.ty(item, held, lifetime), items.len()),
                None => "()".to_string(),
            },
        }
    }

    /// An expression that borrows an owned tree.
    fn view(&self, tree: &Tree, place: &str, held: Held) -> String {
        let borrow = match held {
            Held::Mutable => "&mut ",
            _ => "&",
        };
        match tree {
            Tree::Tensor { shape, .. } if shape.is_empty() => format!("{borrow}{place}"),
            Tree::Tensor { .. } => format!("{borrow}{place}[..]"),
            Tree::Struct { .. } => match held {
                Held::Mutable => format!("{place}.view_mut()"),
                _ => format!("{place}.view()"),
            },
            Tree::Tuple(items) => {
                let items = items.iter().enumerate();
                let items: Vec<_> = items
                    .map(|(i, item)| self.view(item, &format!("{place}.{i}"), held))
                    .collect();
                tuple(&items)
            }
            Tree::List(items) if items.is_empty() => "()".to_string(),
            Tree::List(items) => match held {
                // Elements of an array can't be borrowed one by one for writing.
                Held::Mutable => {
                    format!("{place}.each_mut().map(|item| {})", self.item(items, held))
                }
                _ => format!("{place}.each_ref().map(|item| {})", self.item(items, held)),
            },
        }
    }

    /// What a closure over the elements of a list makes of `item`, a reference.
    fn item(&self, items: &[Tree], held: Held) -> String {
        match items.first() {
            Some(Tree::Tensor { shape, .. }) if shape.is_empty() => "item".to_string(),
            Some(item) => self.view(item, "item", held),
            None => "()".to_string(),
        }
    }

    fn zeros(&self, tree: &Tree) -> String {
        match tree {
            Tree::Tensor { dtype, shape } => {
                let zero = match dtype {
                    DType::Bool => "false",
                    dtype if dtype.is_float() && dtype.size() >= 4 => "0.0",
                    _ => "0",
                };
                match (shape.is_empty(), dtype) {
                    (true, DType::Key) => "[0; 2]".to_string(),
                    (true, _) => zero.to_string(),
                    (false, _) => format!(
                        "::std::vec![{zero}; dlc_support::length({}, {})?]",
                        axes(shape),
                        dtype.parts()
                    ),
                }
            }
            Tree::Struct { fields, .. } => {
                let def = self.structs.get(tree);
                if def.one_shape {
                    let dims: Vec<_> = dims_of(&def.fields)
                        .iter()
                        .map(|dim| format!("{}?.try_into().ok()?", rust_name(dim)))
                        .collect();
                    let name = held_name(&def.name, Held::Owned);
                    return format!("{name}::zeros({})?", dims.join(", "));
                }
                let name = self.struct_name(tree, Held::Owned);
                let fields: Vec<_> = rust_fields(fields)
                    .map(|(field, tree)| format!("{field}: {}", self.zeros(tree)))
                    .collect();
                format!("{name} {{ {} }}", fields.join(", "))
            }
            Tree::Tuple(items) => {
                let items: Vec<_> = items.iter().map(|item| self.zeros(item)).collect();
                tuple(&items)
            }
            Tree::List(items) if items.is_empty() => "()".to_string(),
            Tree::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.zeros(item)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }

    /// What the functions above share, and the symbols of the library.
    fn support(&self) -> String {
        let mut symbols = format!(
            "        pub fn {}() -> *const c_char;\n",
            symbol::abi_hash(&self.manifest.stem)
        );
        for entry in &self.manifest.entries {
            let dims: Vec<_> = (0..entry.dims.len())
                .map(|i| format!("d{i}: i64"))
                .collect();
            let _ = write!(
                symbols,
                "        pub fn {}({}) -> usize;\n        pub fn {}(status: i32) -> *const c_char;\n",
                entry.workspace_symbol,
                dims.join(", "),
                entry.message_symbol(),
            );
            let on = self.threads().map(|()| {
                let executor = "\n            executor: *const super::Executor,";
                (entry.packed_on_symbol(), executor)
            });
            for (symbol, executor) in [(entry.packed_symbol.clone(), "")].into_iter().chain(on) {
                let _ = write!(
                    symbols,
                    "        pub fn {symbol}({executor}\n            dims: *const i64,\n            \
                     leaves: *const *mut c_void,\n            workspace: *mut c_void,\n            \
                     workspace_bytes: usize,\n        ) -> i32;\n",
                );
            }
        }
        if self.manifest.gpu.is_some() {
            let entries = self.manifest.entries.iter();
            symbols.extend(entries.map(|entry| self.device_symbols(entry)));
        }
        SUPPORT
            .replace("@SOLVE@", SOLVE)
            .replace("@SYMBOLS@", &symbols)
            .replace("@HASH@", &symbol::abi_hash(&self.manifest.stem))
    }
}

fn element(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        _ => dtype.rust_name(),
    }
}

fn held_name(name: &str, held: Held) -> String {
    let name = match name {
        "Error" | "Executor" | "Workspace" | "Device" | "OnDevice" | "Library" | "Tensor"
        | "dlc_support" | "Self" => {
            format!("{name}_")
        }
        _ => rust_name(name),
    };
    match held {
        Held::Shared => name,
        Held::Mutable => format!("{name}Mut"),
        Held::Owned => format!("{name}Buf"),
    }
}

/// Whether the borrowed form of a tree borrows anything.
fn uses_lifetime(tree: &Tree) -> bool {
    !tree.leaves("").is_empty()
}

fn rust_fields(fields: &[(String, Tree)]) -> impl Iterator<Item = (String, &Tree)> {
    fields.iter().map(|(name, tree)| (rust_name(name), tree))
}

fn field_comment(tree: &Tree, one_shape: bool) -> String {
    match tree {
        Tree::Tensor { dtype, shape } => format!("`{}`", leaf_comment(*dtype, shape, one_shape)),
        _ => format!("`{tree}`"),
    }
}

/// The place of an element of a tuple or a list.
fn element_of(tree: &Tree, place: &str, index: usize) -> String {
    match tree {
        Tree::List(_) => format!("{place}[{index}]"),
        _ => format!("{place}.{index}"),
    }
}

fn tuple(items: &[String]) -> String {
    match items {
        [one] => format!("({one},)"),
        items => format!("({})", items.join(", ")),
    }
}

/// The types that every module has.
const OPENING: &str = include_str!("rust_bindings/opening.rs.in");

/// What is said of functions that take no device, where there are others.
const CHOSEN: &str = "//
// Functions that take no device run on a GPU where there is one and libdlc_gpu_c.so is found, else on
// the CPU, and copy all slices in each call. The environment variable DLC_DEVICE says otherwise, as
// cpu. Those for tensors that stay on a GPU end with _gpu.
";

/// The type that modules of libraries for several threads have, too.
const EXECUTOR: &str = include_str!("rust_bindings/executor.rs.in");

/// What the functions of every module share; `@SYMBOLS@` and `@HASH@` are replaced.
const SUPPORT: &str = include_str!("rust_bindings/support.rs.in");

/// How dims follow from shapes.
const SOLVE: &str = include_str!("rust_bindings/solve.rs.in");

#[cfg(test)]
mod tests;
