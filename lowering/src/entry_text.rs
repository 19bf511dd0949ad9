//! The C functions of an entry, as text in the `llvm` dialect; the calling convention stands here and in `dlc-abi`.

mod chosen;
mod guards;
mod messages;
mod named;
mod variants;

pub use chosen::{declarations, declared};
use guards::{Guards, NULL};
pub use messages::abi_hash;
use messages::message;
pub(crate) use messages::string_constant;
use named::c_type;
pub use variants::choice;

use crate::{
    entry::{Entry, Role},
    size::Checked,
};
use dlc_abi::{Poly, WORKSPACE_ALIGN, status, symbol};
use std::fmt::Write;

/// An argument of an entry's body.
pub enum Argument {
    /// A dim.
    Dim,
    /// A tensor of the caller.
    Leaf {
        /// The memref type.
        memref: String,
        /// The extents, as far as constant or from the dims.
        extents: Vec<Poly>,
        /// Whether the body only reads it.
        read_only: bool,
    },
    /// Where the status of the first failure goes.
    Failed,
    /// What runs tasks, or null.
    Executor,
    /// Memory in the workspace.
    Slot,
}

/// What C passes the size of a workspace as: the name in the text, and the type.
fn sizes(entry: &Entry) -> (&'static str, &'static str) {
    match entry.address_bits {
        64 => ("%bytes", "i64"),
        _ => ("%size", "i32"),
    }
}

const WRITTEN: &str = "writing to a string succeeds";

fn implementation(symbol: &str) -> String {
    format!("{symbol}__impl")
}

fn dim_values(entry: &Entry) -> Vec<(String, String)> {
    entry
        .dims
        .iter()
        .enumerate()
        .map(|(i, dim)| (dim.name.clone(), format!("%d{i}")))
        .collect()
}

/// The function on pointers that the body moves to: it makes a memref for each, in order, by a cast.
pub fn body(entry: &Entry, arguments: &[Argument]) -> String {
    let dims = dim_values(entry);
    let mut parameters = vec![];
    let mut code = Checked::new(&dims);
    for (i, argument) in arguments.iter().enumerate() {
        match argument {
            Argument::Dim => {
                parameters.push(format!("%d{i}: i64"));
                code.let_(&format!(
                    "builtin.unrealized_conversion_cast %d{i} : i64 to index"
                ));
            }
            Argument::Leaf {
                memref,
                extents,
                read_only,
            } => {
                let read_only = if *read_only { ", llvm.readonly" } else { "" };
                parameters.push(format!(
                    "%p{i}: !llvm.ptr {{llvm.noalias, llvm.nonnull, llvm.noundef{read_only}}}"
                ));
                let extents: Vec<_> = extents.iter().map(|extent| code.poly(extent)).collect();
                memref_from_pointer(&mut code, &format!("%p{i}"), &extents, memref);
            }
            Argument::Failed => {
                parameters.push(format!(
                    "%p{i}: !llvm.ptr {{llvm.noalias, llvm.nonnull, llvm.noundef}}"
                ));
                memref_from_pointer(&mut code, &format!("%p{i}"), &[], "memref<i32>");
            }
            Argument::Executor => {
                parameters.push(format!("%p{i}: !llvm.ptr"));
                // One cast for each argument, as callers of this text count.
                code.let_(&format!(
                    "builtin.unrealized_conversion_cast %p{i} : !llvm.ptr to !llvm.ptr"
                ));
            }
            Argument::Slot => {
                let align = WORKSPACE_ALIGN;
                parameters.push(format!(
                    "%p{i}: !llvm.ptr {{llvm.noalias, llvm.nonnull, llvm.align = {align} : i64}}"
                ));
                // Views of a slot do not ask for its size.
                let size = code.constant(0);
                memref_from_pointer(&mut code, &format!("%p{i}"), &[size], "memref<?xi8>");
            }
        }
    }
    format!(
        "llvm.func internal @{}({}) attributes {{no_inline}} {{\n{}  llvm.return\n}}\n",
        implementation(&entry.symbol),
        parameters.join(", "),
        code.code
    )
}

/// A descriptor with row-major strides, cast to its memref type.
fn memref_from_pointer(code: &mut Checked, pointer: &str, extents: &[String], memref: &str) {
    let rank = extents.len();
    let ty = match rank {
        0 => "!llvm.struct<(ptr, ptr, i64)>".to_string(),
        _ => format!("!llvm.struct<(ptr, ptr, i64, array<{rank} x i64>, array<{rank} x i64>)>"),
    };
    let mut at = code.let_(&format!("llvm.mlir.poison : {ty}"));
    let zero = code.constant(0);
    let mut fields = vec![
        ("0".to_string(), pointer.to_string()),
        ("1".into(), pointer.into()),
        ("2".into(), zero),
    ];
    let mut stride = code.constant(1);
    for (axis, extent) in extents.iter().enumerate().rev() {
        fields.push((format!("3, {axis}"), extent.clone()));
        fields.push((format!("4, {axis}"), stride.clone()));
        if axis > 0 {
            stride = code.let_(&format!("llvm.mul {stride}, {extent} overflow<nsw> : i64"));
        }
    }
    for (place, value) in fields {
        at = code.let_(&format!("llvm.insertvalue {value}, {at}[{place}] : {ty}"));
    }
    code.let_(&format!(
        "builtin.unrealized_conversion_cast {at} : {ty} to {memref}"
    ));
}

/// Every function that a caller sees, and a declaration of the body.
pub fn functions(entry: &Entry, slots: &[Vec<Poly>]) -> String {
    let failed = usize::from(entry.failed.is_some());
    let executor = usize::from(entry.executor.is_some());
    let pointers = vec!["!llvm.ptr"; entry.leaves.len() + failed + executor + slots.len()];
    let types = [vec!["i64"; entry.dims.len()], pointers]
        .concat()
        .join(", ");
    let declaration = format!("llvm.func @{}({types})\n", implementation(&entry.symbol));
    let own = [declaration, workspace(entry, slots), packed(entry, slots)].join("");
    let declared = match &entry.chooses {
        Some(library) if !entry.gpu => declarations(library, false) + &chosen::declaration(entry),
        _ => String::new(),
    };
    let front = match (&entry.variant, entry.variants.first()) {
        (None, _) => String::new(),
        // Callers' functions stand beside the first.
        (this, first) if this.as_ref() != first => return declared + &own,
        _ => variants::front(entry, &entry.variants),
    };
    let all = declared + &own + &front + &named::entries(entry);
    match (entry.gpu, &entry.chooses) {
        (true, Some(library)) => {
            all + &declarations(library, true) + &chosen::on_device(entry, library)
        }
        // Messages are those of the entry on the CPU.
        (true, None) => all,
        (false, _) => all + &message(entry),
    }
}

/// The size of the workspace, or -1 (SIZE_MAX) where a size overflows.
fn workspace(entry: &Entry, slots: &[Vec<Poly>]) -> String {
    let dims = dim_values(entry);
    let mut code = Checked::new(&dims).with_addresses(entry.address_bits);
    let zero = code.constant(0);
    let not_negative = |code: &mut Checked, value: &str| {
        let negative = code.let_(&format!("llvm.icmp \"slt\" {value}, {zero} : i64"));
        code.flag(&negative);
    };
    for (_, value) in &dims {
        not_negative(&mut code, value);
    }
    for leaf in &entry.leaves {
        if leaf.shape.iter().all(|extent| extent.as_const().is_some()) {
            continue;
        }
        let mut size = code.constant(leaf.dtype.size() as i64);
        for extent in &leaf.shape {
            let known = extent.as_const().is_some();
            let extent = code.poly(extent);
            if !known {
                not_negative(&mut code, &extent);
            }
            size = code.mul(&size, &extent);
        }
    }
    let mut total = offsets(&mut code, slots).1;
    if entry.gpu {
        let tail = code.constant(named::tail_bytes(entry));
        total = code.add(&total, &tail);
    }
    let (_, ty) = sizes(entry);
    if ty == "i32" {
        // No object is larger, as differences of addresses are signed.
        let most = code.constant(i32::MAX.into());
        let large = code.let_(&format!("llvm.icmp \"sgt\" {total}, {most} : i64"));
        code.flag(&large);
    }
    let overflow = code.overflow.clone();
    let none = code.constant(-1);
    let mut result = code.let_(&format!(
        "llvm.select {overflow}, {none}, {total} : i1, i64"
    ));
    if ty == "i32" {
        result = code.let_(&format!("llvm.trunc {result} : i64 to i32"));
    }
    let parameters: Vec<_> = dims
        .iter()
        .map(|(_, value)| format!("{value}: i64"))
        .collect();
    format!(
        "llvm.func {}@{}({}) -> {ty} {}{{\n{}  llvm.return {result} : {ty}\n}}\n",
        variants::visibility(entry),
        workspace_symbol(entry),
        parameters.join(", "),
        variants::for_least(entry),
        code.code
    )
}

fn workspace_symbol(entry: &Entry) -> String {
    match entry.gpu {
        true => symbol::workspace_gpu(&entry.symbol),
        false => variants::own(entry, &symbol::workspace(&entry.symbol)),
    }
}

/// Where each slot begins in the workspace, and where the last one ends.
fn offsets(code: &mut Checked, slots: &[Vec<Poly>]) -> (Vec<String>, String) {
    let mut at = code.constant(0);
    let mut offsets = vec![];
    for sizes in slots {
        offsets.push(at.clone());
        let mut largest = code.constant(0);
        for size in sizes {
            let size = code.poly(size);
            largest = code.max(&largest, &size);
        }
        let largest = code.round_up(&largest, WORKSPACE_ALIGN as i64);
        at = code.add(&at, &largest);
    }
    (offsets, at)
}

/// The entry for loaders: checks everything, lays out the slots and calls the body.
fn packed(entry: &Entry, slots: &[Vec<Poly>]) -> String {
    let dims = dim_values(entry);
    let scalars = scalars_in_checks(entry);
    let named = scalars
        .iter()
        .map(|i| (entry.leaves[*i].path.clone(), format!("%x{i}")));
    let names: Vec<_> = dims.iter().cloned().chain(named).collect();
    let mut g = Guards {
        code: Checked::new(&names).with_addresses(entry.address_bits),
        count: 0,
    };
    g.code.code += NULL;
    if entry.gpu {
        g.not_null("%executor");
    }
    if !dims.is_empty() {
        g.not_null("%dims");
        for (i, (_, value)) in dims.iter().enumerate() {
            let loaded = g.load("%dims", i, "i64");
            // A name that polynomials use.
            writeln!(g.code.code, "  {value} = llvm.add {loaded}, %zero : i64").expect(WRITTEN);
        }
    }
    let mut pointers = vec![];
    if !entry.leaves.is_empty() {
        g.not_null("%leaves");
        for i in 0..entry.leaves.len() {
            let pointer = g.load("%leaves", i, "!llvm.ptr");
            g.not_null(&pointer);
            pointers.push(pointer);
        }
    }
    for i in scalars {
        let ty = c_type(entry.leaves[i].dtype);
        let place = match entry.gpu {
            true => g.fetch(&pointers[i], ty, entry.leaves[i].dtype.size()),
            false => pointers[i].clone(),
        };
        let loaded = g
            .code
            .let_(&format!("llvm.load {place} : !llvm.ptr -> {ty}"));
        let wide = match ty {
            "i64" => format!("llvm.add {loaded}, %zero : i64"),
            _ => format!("llvm.sext {loaded} : {ty} to i64"),
        };
        writeln!(g.code.code, "  %x{i} = {wide}").expect(WRITTEN);
    }
    let mut code = status::CHECK;
    for (dim, (_, value)) in entry.dims.iter().zip(&dims) {
        let min = g.code.constant(dim.min);
        let mut inside = g
            .code
            .let_(&format!("llvm.icmp \"sge\" {value}, {min} : i64"));
        if let Some(max) = dim.max {
            let max = g.code.constant(max);
            let below = g
                .code
                .let_(&format!("llvm.icmp \"sle\" {value}, {max} : i64"));
            inside = g.code.let_(&format!("llvm.and {inside}, {below} : i1"));
        }
        g.holds(&inside, code);
        code += 1;
    }
    for check in &entry.checks {
        let left = g.code.poly(&check.left);
        let right = g.code.poly(&check.right);
        let fits = g
            .code
            .let_(&format!("llvm.xor {}, %yes : i1", g.code.overflow));
        g.holds(&fits, status::SIZE_OVERFLOW);
        let relation = match check.relation.as_str() {
            "==" => "eq",
            "!=" => "ne",
            "<" => "slt",
            "<=" => "sle",
            ">" => "sgt",
            _ => "sge",
        };
        let holds = g
            .code
            .let_(&format!("llvm.icmp \"{relation}\" {left}, {right} : i64"));
        g.holds(&holds, code);
        code += 1;
    }
    let values: Vec<_> = dims.iter().map(|(_, value)| value.as_str()).collect();
    let types = vec!["i64"; dims.len()].join(", ");
    let workspace = workspace_symbol(entry);
    let (bytes, size) = sizes(entry);
    let mut need = g.code.let_(&format!(
        "llvm.call @{workspace}({}) : ({types}) -> {size}",
        values.join(", ")
    ));
    if size == "i32" {
        need = g.code.let_(&format!("llvm.sext {need} : i32 to i64"));
    }
    let fits = g
        .code
        .let_(&format!("llvm.icmp \"sge\" {need}, %zero : i64"));
    g.holds(&fits, status::SIZE_OVERFLOW);
    if !slots.is_empty() {
        let unneeded = g
            .code
            .let_(&format!("llvm.icmp \"eq\" {need}, %zero : i64"));
        let mut unless_unneeded = |condition: &str, status: i32| {
            let condition = g
                .code
                .let_(&format!("llvm.or {condition}, {unneeded} : i1"));
            g.holds(&condition, status);
        };
        unless_unneeded("%has_workspace", status::NULL_POINTER);
        unless_unneeded("%aligned", status::MISALIGNED);
        let enough = g
            .code
            .let_(&format!("llvm.icmp \"uge\" %bytes, {need} : i64"));
        g.holds(&enough, status::SHORT_WORKSPACE);
    }
    if entry.chooses.is_some() && !entry.gpu {
        chosen::ask(&mut g, entry);
    }
    if entry.failed.is_some() {
        g.code.code += "  llvm.store %ok, %failed : i32, !llvm.ptr\n";
        pointers.push("%failed".into());
    }
    if entry.executor.is_some() {
        pointers.push("%executor".into());
    }
    let (offsets, _) = offsets(&mut g.code, slots);
    for offset in offsets {
        let slot =
            format!("llvm.getelementptr %workspace[{offset}] : (!llvm.ptr, i64) -> !llvm.ptr, i8");
        pointers.push(g.code.let_(&slot));
    }
    let arguments: Vec<_> = values
        .iter()
        .map(|v| v.to_string())
        .chain(pointers.iter().cloned())
        .collect();
    let types = [vec!["i64"; dims.len()], vec!["!llvm.ptr"; pointers.len()]]
        .concat()
        .join(", ");
    let call = format!(
        "  llvm.call @{}({}) : ({types}) -> ()\n",
        implementation(&entry.symbol),
        arguments.join(", ")
    );
    g.code.code += &call;
    let result = match entry.failed.is_none() {
        true => "%ok".into(),
        false => g.code.let_("llvm.load %failed : !llvm.ptr -> i32"),
    };
    let failed = match entry.failed.is_none() {
        true => "",
        false => {
            "  %one = llvm.mlir.constant(1 : i64) : i64
  %failed = llvm.alloca %one x i32 : (i64) -> !llvm.ptr
"
        }
    };
    // Constants that every path has.
    let align = WORKSPACE_ALIGN - 1;
    let plain = variants::own(entry, &symbol::packed(&entry.symbol));
    let arguments =
        format!("%dims: !llvm.ptr, %leaves: !llvm.ptr, %workspace: !llvm.ptr, {bytes}: {size}");
    let (name, executor, wrapper) = match entry.executor {
        None => (plain, "", String::new()),
        Some(_) if entry.variant.is_some() => {
            let name = variants::own(entry, &symbol::packed_on(&entry.symbol));
            (name, "%executor: !llvm.ptr, ", String::new())
        }
        Some(_) if entry.gpu => {
            let name = symbol::packed_gpu(&entry.symbol);
            (name, "%executor: !llvm.ptr, ", String::new())
        }
        Some(_) => {
            let name = symbol::packed_on(&entry.symbol);
            let wrapper = format!(
                "llvm.func @{plain}({arguments}) -> i32 {{
  %none = llvm.mlir.zero : !llvm.ptr
  %status = llvm.call @{name}(%none, %dims, %leaves, %workspace, {bytes}) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr, {size}) -> i32
  llvm.return %status : i32
}}
"
            );
            (name, "%executor: !llvm.ptr, ", wrapper)
        }
    };
    let visibility = variants::visibility(entry);
    let widened = match size {
        "i32" => "  %bytes = llvm.zext %size : i32 to i64\n",
        _ => "",
    };
    let head = format!(
        "{wrapper}llvm.func {visibility}@{name}({executor}{arguments}) -> i32 {{
{widened}  %zero = llvm.mlir.constant(0 : i64) : i64
  %ok = llvm.mlir.constant(0 : i32) : i32
  %yes = llvm.mlir.constant(true) : i1
{failed}  %nothing = llvm.mlir.zero : !llvm.ptr
  %has_workspace = llvm.icmp \"ne\" %workspace, %nothing : !llvm.ptr
  %address = llvm.ptrtoint %workspace : !llvm.ptr to i64
  %mask = llvm.mlir.constant({align} : i64) : i64
  %low = llvm.and %address, %mask : i64
  %aligned = llvm.icmp \"eq\" %low, %zero : i64
"
    );
    head + &g.end(&result)
}

/// The leaves whose values conditions are on.
fn scalars_in_checks(entry: &Entry) -> Vec<usize> {
    let asked = |path: &String| {
        let names = |poly: &Poly| poly.names().contains(path);
        entry
            .checks
            .iter()
            .any(|check| names(&check.left) || names(&check.right))
    };
    (0..entry.leaves.len())
        .filter(|i| {
            let leaf = &entry.leaves[*i];
            leaf.role != Role::Out && leaf.shape.is_empty() && asked(&leaf.path)
        })
        .collect()
}
