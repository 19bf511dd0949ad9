//! The class of the library: a table and a function for each export.

use super::{Held, Module, element, held_name, number, value};
use crate::header;
use crate::layout::{dl_signature, is_empty, unique, visible};
use dlc_abi::{DType, Entry, Leaf, Mode, Poly, Tree, symbol};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Names that functions of the class need.
const OWN: [&str; 6] = [
    "library",
    "error",
    "tensor",
    "detail",
    "std",
    "workspace_bytes",
];

/// Names within a function.
const LOCAL: [&str; 8] = [
    "out", "given", "made", "dims", "leaves", "leaf", "scratch", "status",
];

/// A function as it is put together.
#[derive(Default)]
struct Function {
    parameters: Vec<String>,
    /// What is passed, leaf by leaf.
    given: Vec<String>,
}

impl Module<'_> {
    pub(super) fn library(&self) -> String {
        let mut tables = String::from("\nnamespace detail {\n");
        let mut functions = String::new();
        let mut taken: BTreeSet<String> = OWN.map(str::to_string).into();
        for def in self.structs.iter() {
            let names = [Held::View, Held::Ref, Held::Owned].map(|held| held_name(&def.name, held));
            taken.extend(names);
        }
        for entry in &self.manifest.entries {
            let own = taken.iter().map(String::as_str).collect();
            let name = unique(header::c_name(&entry.name, ""), &own);
            taken.insert(name.clone());
            tables += &self.table(&name, entry);
            functions += &self.function(&name, entry);
        }
        tables += "\n}  // namespace detail\n";
        tables + &self.class(&functions)
    }

    fn class(&self, functions: &str) -> String {
        let stem = &self.manifest.stem;
        let threads = self.manifest.threads > 1;
        let (parameter, kept, member) = match threads {
            true => (
                "const dlc_executor *executor = nullptr",
                " : executor_(executor)",
                "  const dlc_executor *executor_;\n",
            ),
            false => ("", "", ""),
        };
        let note = match threads {
            true => {
                "  /// Calls run on the threads of an executor, where one is given, which has to outlive this.\n"
            }
            false => "",
        };
        format!(
            "\n/// Calls of the library, with the workspace that they use. Threads that call at the same time have one each.\n\
             class library {{\n public:\n\
             \x20 /// Throws where the library that is linked is not that of this header.\n{note}\
             \x20 explicit library({parameter}){kept} {{\n\
             \x20   if (std::strcmp({hash}(), {upper}_ABI_HASH) != 0) {{\n\
             \x20     throw error(0, std::string(\"the library {stem} has the ABI hash \") + {hash}() + \", its header \" + \
             {upper}_ABI_HASH +\n                         \"; build both again with one `dlc build`\");\n\
             \x20   }}\n  }}\n{functions}\n\
             \x20 /// The bytes that calls have needed so far.\n\
             \x20 std::size_t workspace_bytes() const noexcept {{ return dlc_workspace_.bytes(); }}\n\n\
             \x20private:\n  detail::workspace dlc_workspace_;\n{member}}};\n",
            hash = symbol::abi_hash(stem),
            upper = stem.to_ascii_uppercase(),
        )
    }

    /// What is to be checked at a call.
    fn table(&self, name: &str, entry: &Entry) -> String {
        let names: Vec<String> = entry
            .dims
            .iter()
            .map(|dim| format!("{:?}", dim.name))
            .collect();
        let mut text = format!(
            "\ninline const signature &{name}_signature() {{\n  static const signature made = {{\n      {:?},\n      {{{}}},\n      {{\n",
            entry.name,
            names.join(", ")
        );
        for leaf in entry.leaves() {
            let _ = writeln!(
                text,
                "          {{{:?}, {:?}, {{{}}}}},",
                leaf.path,
                shown(&leaf),
                axes(entry, &leaf).join(", ")
            );
        }
        text + "      }};\n  return made;\n}\n"
    }

    fn function(&self, name: &str, entry: &Entry) -> String {
        let mut function = Function::default();
        let mut taken: BTreeSet<String> = LOCAL
            .iter()
            .chain(&OWN)
            .map(|name| (*name).to_string())
            .collect();
        let mut fresh = |name: &str| {
            let own = taken.iter().map(String::as_str).collect();
            let name = unique(header::c_name(name, &self.manifest.stem), &own);
            taken.insert(name.clone());
            name
        };
        let params: Vec<(String, &dlc_abi::Param)> = (entry.params.iter())
            .map(|param| (fresh(&param.name), param))
            .collect();
        for (name, param) in &params {
            self.parameter(name, param.mode, &param.tree, &mut function);
        }
        let (mut returned, mut before, mut after) = ("void".to_string(), "", "");
        let declared;
        match &entry.result {
            Some(Tree::Tensor { dtype, shape }) if shape.is_empty() => {
                returned = value(*dtype);
                declared = format!("    {returned} out{{}};\n");
                (before, after) = (&declared, "    return out;\n");
                function.given.push(passed("out", *dtype));
            }
            Some(tree) => self.parameter("out", Mode::InOut, tree, &mut function),
            None => {}
        }
        let given = self.given_dims(entry, &mut fresh);
        let parameters = given.iter().map(|(name, _)| format!("std::size_t {name}"));
        let parameters: Vec<String> = parameters.chain(function.parameters.clone()).collect();
        let mut text = String::from("\n");
        for line in entry.doc.lines() {
            let _ = writeln!(text, "  /// {}", visible(line).trim_end_matches('\\'));
        }
        let _ = write!(
            text,
            "  ///\n  /// In DL: `{}`\n  {returned} {name}({}) {{\n{before}",
            visible(&dl_signature(entry)),
            parameters.join(", "),
        );
        let known: u64 = given
            .iter()
            .map(|(_, dim)| bit(*dim))
            .fold(0, |all, bit| all | bit);
        let _ = writeln!(
            text,
            "    const std::vector<detail::given> given = {{{}}};\n    std::vector<std::int64_t> dims({});",
            function.given.join(", "),
            entry.dims.len()
        );
        for (name, dim) in &given {
            let _ = writeln!(text, "    dims[{dim}] = static_cast<std::int64_t>({name});");
        }
        let sizes: Vec<String> = (0..entry.dims.len())
            .map(|i| format!("made.dims()[{i}]"))
            .collect();
        let (packed, executor) = match self.manifest.threads > 1 {
            true => (entry.packed_on_symbol(), "executor_, "),
            false => (entry.packed_symbol.clone(), ""),
        };
        let _ = write!(
            text,
            "    const detail::call made(detail::{name}_signature(), given, std::move(dims), {known}u);\n\
             \x20   std::vector<void *> leaves;\n\
             \x20   for (const detail::given &leaf : given) leaves.push_back(leaf.data);\n\
             \x20   void *scratch = dlc_workspace_.reserve({workspace}({sizes}), made, {entry:?});\n\
             \x20   const std::int32_t status =\n        {packed}({executor}made.dims(), leaves.data(), scratch, dlc_workspace_.bytes());\n\
             \x20   made.finish(status, status == 0 ? nullptr : {message}(status));\n{after}  }}\n",
            workspace = entry.workspace_symbol,
            sizes = sizes.join(", "),
            entry = entry.name,
            message = entry.message_symbol(),
        );
        text
    }

    /// The dims that no argument tells, even with its shape: parameters with their numbers.
    fn given_dims(
        &self,
        entry: &Entry,
        fresh: &mut impl FnMut(&str) -> String,
    ) -> Vec<(String, usize)> {
        let steps = crate::dims::steps(entry, &entry.leaves());
        let dims = entry.dims.iter().enumerate();
        dims.filter(|(_, dim)| !steps.iter().any(|step| step.dim == dim.name))
            .map(|(i, dim)| (fresh(&dim.name), i))
            .collect()
    }

    fn parameter(&self, name: &str, mode: Mode, tree: &Tree, function: &mut Function) {
        let held = match mode {
            Mode::In => Held::View,
            Mode::InOut => Held::Ref,
        };
        if let (Mode::In, Tree::Tensor { dtype, shape }) = (mode, tree)
            && shape.is_empty()
        {
            let ty = match dtype {
                DType::Key => format!("const {} &{name}", value(*dtype)),
                _ => format!("{} {name}", element(*dtype)),
            };
            function.parameters.push(ty);
            function.given.push(passed(name, *dtype));
            return;
        }
        let ty = self.ty(tree, held);
        let declared = match tree {
            Tree::Tensor { .. } => format!("{ty} {name}"),
            // There is nothing in it to pass.
            _ if is_empty(tree) => format!("const {ty} &"),
            _ => format!("const {ty} &{name}"),
        };
        function.parameters.push(declared);
        self.leaves(tree, name, &mut function.given);
    }

    /// What is passed of a tree.
    fn leaves(&self, tree: &Tree, place: &str, given: &mut Vec<String>) {
        match tree {
            Tree::Tensor { .. } => given.push(format!("detail::of({place})")),
            Tree::Struct { fields, .. } => {
                for (member, tree) in super::members(fields) {
                    self.leaves(tree, &format!("{place}.{member}"), given);
                }
            }
            Tree::Tuple(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.leaves(item, &format!("std::get<{i}>({place})"), given);
                }
            }
            Tree::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.leaves(item, &format!("{place}[{i}]"), given);
                }
            }
        }
    }
}

/// A tensor without axes that is held as a value.
fn passed(name: &str, dtype: DType) -> String {
    match dtype {
        DType::Key => format!("detail::of(tensor<const std::uint32_t>({name}))"),
        _ => format!("detail::of_value({name})"),
    }
}

/// The type of a leaf; a key is two numbers.
fn shown(leaf: &Leaf) -> String {
    match (leaf.dtype, leaf.shape.as_slice()) {
        (DType::Key, []) => "u32[2]".into(),
        (DType::Key, shape) => format!("u32[{}, 2]", shape.join(", ")),
        _ => leaf.to_string(),
    }
}

/// The axes of a leaf, as the checks read them.
fn axes(entry: &Entry, leaf: &Leaf) -> Vec<String> {
    let two = (leaf.dtype == DType::Key).then(|| "2".to_string());
    leaf.shape
        .iter()
        .chain(&two)
        .map(|text| {
            let at = |name: &str| entry.dims.iter().position(|dim| dim.name == name);
            let names = Poly::parse(text)
                .map(|poly| poly.names())
                .unwrap_or_default();
            let bits = names
                .iter()
                .filter_map(|name| at(name))
                .map(bit)
                .fold(0, |all, bit| all | bit);
            let dim = |name: &str| format!("dims[{}]", at(name).unwrap_or_default());
            let size = number(text, &dim);
            let parameter = match bits {
                0 => "const std::int64_t *",
                _ => "const std::int64_t *dims",
            };
            format!("{{{bits}u, []({parameter}) {{ return {size}; }}}}")
        })
        .collect()
}

fn bit(dim: usize) -> u64 {
    u32::try_from(dim)
        .ok()
        .and_then(|dim| 1u64.checked_shl(dim))
        .unwrap_or(0)
}
