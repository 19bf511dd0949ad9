//! The functions for a GPU, whose tensors are in its memory: structs of addresses, and for each entry a call and the size of
//! its workspace.

use super::expression::{axes, rust_name};
use super::{Module, element, element_of, field_comment, rust_fields, tuple};
use crate::layout::{StructType, dl_signature, is_empty, leaf_comment, unique, visible};
use dlc_abi::{Entry, Mode, Tree};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The types that modules of libraries for a GPU have.
pub(super) const TYPES: &str = include_str!("device.rs.in");

/// An address, as C passes it.
const ADDRESS: &str = "*mut ::std::ffi::c_void";

/// A function as it is put together.
#[derive(Default)]
struct Call {
    /// The parameters of the function, behind the device.
    parameters: Vec<String>,
    /// The checks of lengths.
    checks: String,
    /// What it passes to the library, and the types of that.
    passed: Vec<String>,
    types: Vec<String>,
}

impl Module<'_> {
    /// The struct of addresses of a struct.
    pub(super) fn device_struct(&self, def: &StructType) -> String {
        let name = device_name(&def.name);
        let mut text = format!(
            "\n/// The tensors of a `{}` on a device.\n#[derive(Debug, Clone, Copy)]\n\
             #[allow(dead_code, non_snake_case, non_camel_case_types)]\npub struct {name} {{\n",
            def.name
        );
        for (field, tree) in rust_fields(&def.fields) {
            let note = field_comment(tree, def.one_shape);
            let ty = self.device_type(tree);
            let _ = writeln!(text, "    /// {note}\n    pub {field}: {ty},");
        }
        text + "}\n"
    }

    fn device_type(&self, tree: &Tree) -> String {
        let all = |items: &[Tree]| {
            items
                .iter()
                .map(|item| self.device_type(item))
                .collect::<Vec<_>>()
        };
        match tree {
            Tree::Tensor { dtype, .. } => format!("OnDevice<{}>", element(*dtype)),
            Tree::Struct { .. } => device_name(&self.structs.get(tree).name),
            Tree::Tuple(items) => tuple(&all(items)),
            Tree::List(items) => match items.first() {
                Some(item) => format!("[{}; {}]", self.device_type(item), items.len()),
                None => "()".to_string(),
            },
        }
    }

    /// The functions of an entry.
    pub(super) fn device_entry(&self, entry: &Entry) -> String {
        let mut taken: BTreeSet<String> = ["device", "out", "workspace"].map(str::to_string).into();
        let mut fresh = |name: &str| {
            let name = unique(rust_name(name), &taken.iter().map(String::as_str).collect());
            taken.insert(name.clone());
            name
        };
        let dims: Vec<String> = entry.dims.iter().map(|dim| fresh(&dim.name)).collect();
        let mut call = Call::default();
        for param in &entry.params {
            let name = fresh(&param.name);
            match (param.mode, &param.tree) {
                (Mode::In, Tree::Tensor { dtype, .. }) if param.tree.is_plain_scalar() => {
                    let ty = element(*dtype).to_string();
                    call.parameters.push(format!("{name}: {ty}"));
                    call.passed.push(name);
                    call.types.push(ty);
                }
                (_, tree) => self.device_parameter(&name, tree, &mut call),
            }
        }
        if let Some(tree) = &entry.result {
            self.device_parameter("out", tree, &mut call);
        }
        self.device_call(entry, &dims, &call) + &self.device_workspace(entry, &dims)
    }

    /// A tensor, or a tree, of which C takes the address of an array of addresses, and nothing where there is none.
    fn device_parameter(&self, name: &str, tree: &Tree, call: &mut Call) {
        let ty = self.device_type(tree);
        let borrowed = match tree {
            Tree::Struct { .. } => "&",
            _ => "",
        };
        call.parameters.push(format!("{name}: {borrowed}{ty}"));
        let mut addresses = vec![];
        device_leaves((name, name), tree, &mut call.checks, &mut addresses);
        match tree {
            Tree::Tensor { .. } => {
                call.passed.extend(addresses);
                call.types.push(ADDRESS.to_string());
            }
            tree if is_empty(tree) => {}
            _ => {
                call.passed
                    .push(format!("[{}].as_ptr()", addresses.join(", ")));
                call.types.push(format!("*const {ADDRESS}"));
            }
        }
    }

    fn device_call(&self, entry: &Entry, dims: &[String], call: &Call) -> String {
        let name = rust_name(&format!("{}_gpu", entry.name));
        let mut text = String::from("\n");
        for line in entry.doc.lines() {
            let _ = writeln!(text, "/// {}", visible(line));
        }
        let counts = dims.iter().map(|name| format!("{name}: usize"));
        let parameters = ["device: Device".to_string()].into_iter().chain(counts);
        let parameters = parameters.chain(call.parameters.iter().cloned());
        let parameters = parameters.chain(["workspace: OnDevice<u8>".to_string()]);
        let names: String = (dims.iter().enumerate())
            .map(|(i, dim)| format!("    let {dim} = ::std::option::Option::Some(dims[{i}]);\n"))
            .collect();
        let numbers = (0..dims.len()).map(|i| format!("dims[{i}]"));
        let passed = ["device.device".to_string()].into_iter().chain(numbers);
        let passed = passed.chain(call.passed.iter().cloned());
        let passed = passed.chain([
            "workspace.address".to_string(),
            "workspace.length".to_string(),
        ]);
        let _ = write!(
            text,
            "///\n/// On a GPU, where all tensors and the workspace are. It returns when all is asked for; copies from the device \
             wait.\n///\n/// In DL: `{signature}`\n\
             {LINTS}\
             pub fn {name}({parameters}) -> ::std::result::Result<(), Error> {{\n\
             {begin}{names}{checks}\
             \x20   // SAFETY: the hash agrees, so the function takes these; for these dims every leaf has the length that its\n\
             \x20   // shape asks for, and is where whoever made it has promised.\n\
             \x20   let status = unsafe {{\n\
             \x20       dlc_support::{symbol}({passed})\n\
             \x20   }};\n\
             \x20   // SAFETY: the function takes any status and returns a static text.\n\
             \x20   call.finish(status, || unsafe {{ dlc_support::{message}(status) }})\n\
             }}\n",
            signature = visible(&dl_signature(entry)),
            parameters = parameters.collect::<Vec<_>>().join(", "),
            begin = begin(entry, dims),
            checks = call.checks,
            symbol = entry.gpu_symbol(),
            passed = passed.collect::<Vec<_>>().join(", "),
            message = entry.message_symbol(),
        );
        text
    }

    fn device_workspace(&self, entry: &Entry, dims: &[String]) -> String {
        let name = rust_name(&format!("{}_workspace_gpu", entry.name));
        let parameters = dims.iter().map(|name| format!("{name}: usize"));
        let numbers = (0..dims.len()).map(|i| format!("dims[{i}]"));
        format!(
            "\n/// Bytes of the workspace of [`{call}`] on the device.\n\
             {LINTS}\
             pub fn {name}({parameters}) -> ::std::result::Result<usize, Error> {{\n\
             {begin}\
             \x20   // SAFETY: the hash agrees, so the function takes one i64 for each dim.\n\
             \x20   match unsafe {{ dlc_support::{symbol}({numbers}) }} {{\n\
             \x20       usize::MAX => ::std::result::Result::Err(Error::Workspace {{ entry: call.entry, dims: call.values() }}),\n\
             \x20       bytes => ::std::result::Result::Ok(bytes),\n\
             \x20   }}\n}}\n",
            call = rust_name(&format!("{}_gpu", entry.name)),
            parameters = parameters.collect::<Vec<_>>().join(", "),
            begin = begin(entry, dims),
            symbol = entry.workspace_gpu_symbol(),
            numbers = numbers.collect::<Vec<_>>().join(", "),
        )
    }

    /// The functions of the library.
    pub(super) fn device_symbols(&self, entry: &Entry) -> String {
        let mut call = Call::default();
        for param in &entry.params {
            match (param.mode, &param.tree) {
                (Mode::In, Tree::Tensor { dtype, .. }) if param.tree.is_plain_scalar() => {
                    call.types.push(element(*dtype).to_string());
                }
                (_, tree) => self.device_parameter("p", tree, &mut call),
            }
        }
        if let Some(tree) = &entry.result {
            self.device_parameter("out", tree, &mut call);
        }
        let dims = vec!["i64".to_string(); entry.dims.len()];
        let device = "*const ::std::ffi::c_void".to_string();
        let workspace = [ADDRESS.to_string(), "usize".to_string()];
        let types = [vec![device], dims.clone(), call.types, workspace.to_vec()].concat();
        let list = |types: &[String]| {
            let named = types
                .iter()
                .enumerate()
                .map(|(i, ty)| format!("a{i}: {ty}"));
            named.collect::<Vec<_>>().join(", ")
        };
        format!(
            "        pub fn {}({}) -> i32;\n        pub fn {}({}) -> usize;\n",
            entry.gpu_symbol(),
            list(&types),
            entry.workspace_gpu_symbol(),
            list(&dims)
        )
    }
}

const LINTS: &str =
    "#[allow(dead_code, non_snake_case, unused_variables, clippy::too_many_arguments)]\n";

/// How functions begin: what their messages need, the check of the library, the dims as C takes them.
fn begin(entry: &Entry, dims: &[String]) -> String {
    let values = entry.dims.iter().zip(dims);
    let values = values.map(|(dim, name)| format!("({:?}, {name})", dim.name));
    let converted = dims.iter().map(|dim| format!("call.dim({dim})?"));
    format!(
        "    let call = dlc_support::Call {{ entry: {:?}, dims: &[{}] }};\n    call.check_library()?;\n    \
         let dims: [i64; {}] = [{}];\n",
        entry.name,
        values.collect::<Vec<_>>().join(", "),
        dims.len(),
        converted.collect::<Vec<_>>().join(", ")
    )
}

/// Checks the lengths of all leaves, and adds their addresses.
fn device_leaves(
    (path, place): (&str, &str),
    tree: &Tree,
    checks: &mut String,
    addresses: &mut Vec<String>,
) {
    match tree {
        Tree::Tensor { dtype, shape } => {
            let _ = writeln!(
                checks,
                "    call.check({path:?}, {:?}, {}, {}, {place}.length)?;",
                leaf_comment(*dtype, shape, true),
                axes(shape),
                dtype.parts()
            );
            addresses.push(format!("{place}.address"));
        }
        Tree::Struct { fields, .. } => {
            for ((field, tree), (name, _)) in rust_fields(fields).zip(fields) {
                let (path, place) = (format!("{path}.{name}"), format!("{place}.{field}"));
                device_leaves((&path, &place), tree, checks, addresses);
            }
        }
        Tree::Tuple(items) | Tree::List(items) => {
            for (i, item) in items.iter().enumerate() {
                let place = element_of(tree, place, i);
                device_leaves((&format!("{path}.{i}"), &place), item, checks, addresses);
            }
        }
    }
}

/// The name of a struct of addresses.
fn device_name(name: &str) -> String {
    format!("{}OnDevice", rust_name(name))
}
