//! Safe Rust bindings of a built library, `--emit=rust`.
//!
//! The module depends on nothing but `std`; the user's `build.rs` links the library. It goes
//! through the packed entry: dims, then every leaf by pointer. Before that it checks the library's
//! ABI hash and the length of every slice against its shape, so that no call can reach memory it
//! was not given.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dlc_abi::{DType, Entry, Manifest, Mode, Poly, Tree, symbol};
use expression::{axes, rust_name};

use crate::layout::{StructType, Structs, dl_signature, leaf_comment, unique, visible};

mod expression;

/// The text of `STEM.rs`.
pub fn generate(manifest: &Manifest) -> String {
    let module = Module {
        manifest,
        structs: Structs::of(manifest),
    };
    let mut text = module.opening();
    for def in module.structs.iter() {
        text += &module.struct_types(def);
    }
    for entry in &manifest.entries {
        text += &module.entry(entry);
    }
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
             \n\
             /// The hash of all signatures here; every call compares it with the library's.\n\
             pub const ABI_HASH: &str = {hash:?};\n",
            compiler = visible(&self.manifest.compiler),
            target = visible(&self.manifest.target),
            hash = self.manifest.abi_hash,
        ) + OPENING
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

    fn entry(&self, entry: &Entry) -> String {
        let mut call = CallBody::default();
        let mut taken: BTreeSet<String> = ["out", "workspace"].map(str::to_string).into();
        let mut parameters = Vec::new();
        let mut fresh = |name: &str| {
            let name = unique(rust_name(name), &taken.iter().map(String::as_str).collect());
            taken.insert(name.clone());
            name
        };
        // Dims stand in shapes under their own names; they come first, so that they keep them.
        let dims: Vec<String> = entry.dims.iter().map(|dim| fresh(&dim.name)).collect();
        parameters.extend(dims.iter().map(|name| format!("{name}: usize")));
        for param in &entry.params {
            let name = fresh(&param.name);
            parameters.push(self.parameter(&name, param.mode, &param.tree, &mut call));
        }
        let mut returned = "()".to_string();
        match &entry.result {
            Some(Tree::Tensor { dtype, shape }) if shape.is_empty() => {
                returned = match dtype {
                    DType::Key => "[u32; 2]".to_string(),
                    _ => element(*dtype).to_string(),
                };
                let zero = self.zeros(entry.result.as_ref().expect("it was just matched"));
                let _ = writeln!(call.before, "    let mut out: {returned} = {zero};");
                call.pointers.push("(&raw mut out).cast()".to_string());
            }
            Some(tree) => {
                parameters.push(self.parameter("out", Mode::InOut, tree, &mut call));
            }
            None => {}
        }
        parameters.push("workspace: &mut Workspace".to_string());
        let result = if returned == "()" { "()" } else { "out" };
        self.entry_text(entry, &dims, &parameters, &returned, result, &call)
    }

    /// Declares a parameter; adds its checks and pointers to the body.
    fn parameter(&self, name: &str, mode: Mode, tree: &Tree, call: &mut CallBody) -> String {
        let held = match mode {
            Mode::In => Held::Shared,
            Mode::InOut => Held::Mutable,
        };
        let ty = match (mode, tree) {
            (Mode::In, Tree::Tensor { dtype, .. }) if tree.is_plain_scalar() => {
                call.pointers
                    .push(format!("(&raw const {name}).cast_mut().cast()"));
                return format!("{name}: {}", element(*dtype));
            }
            (Mode::In, Tree::Struct { .. }) => format!("&{}", self.ty(tree, held, "")),
            (Mode::InOut, Tree::Struct { .. }) => format!("&mut {}", self.ty(tree, held, "")),
            _ => self.ty(tree, held, ""),
        };
        self.leaf_pointers(name, name, tree, held, call);
        format!("{name}: {ty}")
    }

    fn leaf_pointers(&self, path: &str, place: &str, tree: &Tree, held: Held, call: &mut CallBody) {
        match tree {
            Tree::Tensor { dtype, shape } => {
                let mutable = held == Held::Mutable;
                let pointer = match (shape.is_empty(), mutable) {
                    (true, true) => format!("::std::ptr::from_mut({place}).cast()"),
                    (true, false) => format!("::std::ptr::from_ref({place}).cast_mut().cast()"),
                    (false, true) => format!("{place}.as_mut_ptr().cast()"),
                    (false, false) => format!("{place}.as_ptr().cast_mut().cast()"),
                };
                if mutable && shape.is_empty() && place != path {
                    call.pointers
                        .push(pointer.replace(place, &format!("&mut *{place}")));
                } else {
                    call.pointers.push(pointer);
                }
                if !shape.is_empty() {
                    let _ = writeln!(
                        call.checks,
                        "    call.check({path:?}, {:?}, {}, {}, {place}.len())?;",
                        leaf_comment(*dtype, shape, true),
                        axes(shape),
                        dtype.parts()
                    );
                }
            }
            Tree::Struct { fields, .. } => {
                let names = rust_fields(fields).zip(fields);
                for ((field, tree), (name, _)) in names {
                    let (path, place) = (format!("{path}.{name}"), format!("{place}.{field}"));
                    self.leaf_pointers(&path, &place, tree, held, call);
                }
            }
            Tree::Tuple(items) | Tree::List(items) => {
                let is_list = matches!(tree, Tree::List(_));
                for (i, item) in items.iter().enumerate() {
                    let place = match is_list {
                        true => format!("{place}[{i}]"),
                        false => format!("{place}.{i}"),
                    };
                    self.leaf_pointers(&format!("{path}.{i}"), &place, item, held, call);
                }
            }
        }
    }

    fn entry_text(
        &self,
        entry: &Entry,
        dims: &[String],
        parameters: &[String],
        returned: &str,
        result: &str,
        call: &CallBody,
    ) -> String {
        let name = rust_name(&entry.name);
        let mut text = String::from("\n");
        for line in entry.doc.lines() {
            let _ = writeln!(text, "/// {}", visible(line));
        }
        let _ = writeln!(text, "///\n/// In DL: `{}`", visible(&dl_signature(entry)));
        let lints = "dead_code, non_snake_case, unused_mut, unused_variables, clippy::too_many_arguments, \
                     clippy::borrow_deref_ref";
        let values: Vec<String> = entry
            .dims
            .iter()
            .zip(dims)
            .map(|(dim, name)| format!("({:?}, {name})", dim.name))
            .collect();
        let unwrapped: Vec<String> = dims
            .iter()
            .enumerate()
            .map(|(i, _)| format!("dims[{i}]"))
            .collect();
        let _ = write!(
            text,
            "#[allow({lints})]\n\
             pub fn {name}({parameters}) -> ::std::result::Result<{returned}, Error> {{\n\
             \x20   let call = dlc_support::Call {{ entry: {entry_name:?}, dims: &[{values}] }};\n\
             \x20   call.check_library()?;\n\
             \x20   let dims: [i64; {count}] = [{converted}];\n\
             {names}{checks}{before}\
             \x20   // SAFETY: the hash agrees, so the function takes one i64 for each dim.\n\
             \x20   let bytes = unsafe {{ dlc_support::{workspace}({unwrapped}) }};\n\
             \x20   let scratch = workspace.reserve(bytes, &call)?;\n\
             \x20   let leaves: [*mut ::std::ffi::c_void; {leaves}] = [\n{pointers}    ];\n\
             \x20   // SAFETY: the hash agrees, and for these dims every leaf has the length that\n\
             \x20   // its shape asks for, in memory of its own type that is borrowed for the call.\n\
             \x20   let status = unsafe {{\n\
             \x20       dlc_support::{packed}(dims.as_ptr(), leaves.as_ptr(), scratch.cast(), workspace.bytes())\n\
             \x20   }};\n\
             \x20   // SAFETY: the function takes any status and returns a static text.\n\
             \x20   call.finish(status, || unsafe {{ dlc_support::{message}(status) }})?;\n\
             \x20   ::std::result::Result::Ok({result})\n\
             }}\n",
            parameters = parameters.join(", "),
            entry_name = entry.name,
            values = values.join(", "),
            count = dims.len(),
            converted = dims
                .iter()
                .map(|dim| format!("call.dim({dim})?"))
                .collect::<Vec<_>>()
                .join(", "),
            names = dims
                .iter()
                .enumerate()
                .map(|(i, dim)| {
                    format!("    let {dim} = ::std::option::Option::Some(dims[{i}]);\n")
                })
                .collect::<String>(),
            checks = call.checks,
            before = call.before,
            workspace = entry.workspace_symbol,
            unwrapped = unwrapped.join(", "),
            leaves = call.pointers.len(),
            pointers = call
                .pointers
                .iter()
                .map(|pointer| format!("        {pointer},\n"))
                .collect::<String>(),
            packed = entry.packed_symbol,
            message = entry.message_symbol(),
        );
        text
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
                "        pub fn {}({}) -> usize;\n        pub fn {}(status: i32) -> *const c_char;\n        \
                 pub fn {}(\n            dims: *const i64,\n            leaves: *const *mut c_void,\n            \
                 workspace: *mut c_void,\n            workspace_bytes: usize,\n        ) -> i32;\n",
                entry.workspace_symbol,
                dims.join(", "),
                entry.message_symbol(),
                entry.packed_symbol,
            );
        }
        SUPPORT
            .replace("@SYMBOLS@", &symbols)
            .replace("@HASH@", &symbol::abi_hash(&self.manifest.stem))
    }
}

/// The body of a function as it is put together.
#[derive(Default)]
struct CallBody {
    checks: String,
    before: String,
    pointers: Vec<String>,
}

fn element(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        _ => dtype.rust_name(),
    }
}

fn held_name(name: &str, held: Held) -> String {
    let name = match name {
        "Error" | "Workspace" | "dlc_support" | "Self" => format!("{name}_"),
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

/// The dims that the shapes of some fields need, in alphabetical order.
fn dims_of(fields: &[(String, Tree)]) -> BTreeSet<String> {
    fields
        .iter()
        .flat_map(|(_, tree)| tree.leaves(""))
        .flat_map(|leaf| leaf.shape)
        .filter_map(|text| Poly::parse(&text).ok())
        .flat_map(|poly| poly.names())
        .collect()
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

fn tuple(items: &[String]) -> String {
    match items {
        [one] => format!("({one},)"),
        items => format!("({})", items.join(", ")),
    }
}

/// The types that every module has.
const OPENING: &str = include_str!("rust_bindings/opening.rs.in");

/// What the functions of every module share; `@SYMBOLS@` and `@HASH@` are replaced.
const SUPPORT: &str = include_str!("rust_bindings/support.rs.in");

#[cfg(test)]
mod tests;
