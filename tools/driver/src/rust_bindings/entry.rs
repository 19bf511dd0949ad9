//! The functions of the bindings, for each entry one or two.

use super::expression::{axes, rust_name};
use super::{Held, Module, element, element_of, rust_fields};
use crate::layout::{dl_signature, leaf_comment, unique, visible};
use dlc_abi::{DType, Entry, Mode, Tree};
use std::collections::BTreeSet;
use std::fmt::Write as _;

impl Module<'_> {
    pub(super) fn entry(&self, entry: &Entry) -> String {
        let mut call = CallBody::default();
        let own = ["out", "workspace"].into_iter();
        let own = own.chain(self.threads().map(|()| "executor"));
        let mut taken: BTreeSet<String> = own.map(str::to_string).collect();
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
        let alone = Variant {
            entry,
            name: rust_name(&entry.name),
            doc: "",
            passed: "",
            packed: entry.packed_symbol.clone(),
        };
        let text = self.entry_text(&alone, &dims, &parameters, &returned, result, &call);
        if self.threads().is_none() {
            return text;
        }
        let on = Variant {
            entry,
            name: rust_name(&format!("{}_on", entry.name)),
            doc: "On the threads of an executor; the results are the same bits.\n///\n/// ",
            passed: "executor, ",
            packed: entry.packed_on_symbol(),
        };
        parameters.insert(0, "executor: &Executor".to_string());
        text + &self.entry_text(&on, &dims, &parameters, &returned, result, &call)
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
                for (i, item) in items.iter().enumerate() {
                    let place = element_of(tree, place, i);
                    self.leaf_pointers(&format!("{path}.{i}"), &place, item, held, call);
                }
            }
        }
    }

    fn entry_text(
        &self,
        variant: &Variant,
        dims: &[String],
        parameters: &[String],
        returned: &str,
        result: &str,
        call: &CallBody,
    ) -> String {
        let (entry, name) = (variant.entry, &variant.name);
        let mut text = String::from("\n");
        for line in entry.doc.lines() {
            let _ = writeln!(text, "/// {}", visible(line));
        }
        let _ = writeln!(
            text,
            "///\n/// {}In DL: `{}`",
            variant.doc,
            visible(&dl_signature(entry))
        );
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
             \x20       dlc_support::{packed}({passed}dims.as_ptr(), leaves.as_ptr(), scratch.cast(), workspace.bytes())\n\
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
            packed = variant.packed,
            passed = variant.passed,
            message = entry.message_symbol(),
        );
        text
    }
}

/// A function for an entry, and how it calls the library.
struct Variant<'x> {
    entry: &'x Entry,
    name: String,
    /// What its documentation says of it.
    doc: &'x str,
    /// What it passes to the library before the rest.
    passed: &'x str,
    /// The function of the library.
    packed: String,
}

/// The body of a function as it is put together.
#[derive(Default)]
struct CallBody {
    checks: String,
    before: String,
    pointers: Vec<String>,
}
