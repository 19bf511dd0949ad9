//! Calls for which a device is chosen: how an entry asks for it, and what it hands over.

use super::{WRITTEN, dim_values, guards::Guards, workspace_symbol};
use crate::{
    choice::{self, CALL_TYPE, RUNTIME_TYPE},
    entry::{Entry, Role},
    entry_text::string_constant,
    gpu::{KERNELS, KERNELS_TYPE},
    size::Checked,
    variants,
};
use dlc_abi::{
    choice::{IN, INOUT, ON_CPU, OUT, VERSION},
    status, symbol,
};
use std::fmt::Write;

/// What the entries of a module have of the library's other modules.
pub fn declarations(library: &str, on_device: bool) -> String {
    match on_device {
        true => format!(
            "llvm.func @{}() -> !llvm.ptr\nllvm.mlir.global external constant @{library}{KERNELS}() : {KERNELS_TYPE}\n",
            choice::runtime(library)
        ),
        false => format!("llvm.func @{}() -> !llvm.ptr\n", choice::words(library)),
    }
}

/// The names of all that entries declare of the library's other modules.
pub fn declared(library: &str) -> [String; 4] {
    let kernels = format!("{library}{KERNELS}");
    [
        choice::runtime(library),
        choice::words(library),
        variants::choice(library),
        kernels,
    ]
}

/// A declaration of what an entry calls, on the CPU.
pub(super) fn declaration(entry: &Entry) -> String {
    format!(
        "llvm.func @{}(!llvm.ptr, !llvm.ptr) -> i32\n",
        choice::on_device(&entry.symbol)
    )
}

/// Has a device do the call and returns its status, or goes on. What has an executor stays on the CPU.
pub(super) fn ask(g: &mut Guards, entry: &Entry) {
    let ask = match entry.executor {
        Some(_) => {
            "  %alone = llvm.icmp \"eq\" %executor, %null : !llvm.ptr\n  llvm.cond_br %alone, ^ask, ^here\n"
        }
        None => "  llvm.br ^ask\n",
    };
    write!(
        g.code.code,
        "  %left = llvm.mlir.constant({ON_CPU} : i32) : i32
{ask}^ask:
  %asked = llvm.call @{}(%dims, %leaves) : (!llvm.ptr, !llvm.ptr) -> i32
  %is_left = llvm.icmp \"eq\" %asked, %left : i32
  llvm.cond_br %is_left, ^here, ^fail(%asked : i32)
^here:
",
        choice::on_device(&entry.symbol)
    )
    .expect(WRITTEN);
}

/// The words of a status: those of what chose the device, where it is one of such a call and there are any.
pub(super) fn words(code: &mut Checked, library: &str, otherwise: &str) {
    let mut is_chosen = "%no".to_string();
    for status in status::ON_CHOSEN {
        let status = code.let_(&format!("llvm.mlir.constant({status} : i32) : i32"));
        let this = code.let_(&format!("llvm.icmp \"eq\" %status, {status} : i32"));
        is_chosen = code.let_(&format!("llvm.or {is_chosen}, {this} : i1"));
    }
    write!(
        code.code,
        "  llvm.cond_br {is_chosen}, ^ask, ^give({otherwise} : !llvm.ptr)
^ask:
  %null = llvm.mlir.zero : !llvm.ptr
  %words = llvm.call @{}() : () -> !llvm.ptr
  %silent = llvm.icmp \"eq\" %words, %null : !llvm.ptr
  %best = llvm.select %silent, {otherwise}, %words : i1, !llvm.ptr
  llvm.br ^give(%best : !llvm.ptr)
^give(%text: !llvm.ptr):
",
        choice::words(library)
    )
    .expect(WRITTEN);
}

/// The function that has a call done on a device, of checked dims and pointers.
pub(super) fn on_device(entry: &Entry, library: &str) -> String {
    let dims = dim_values(entry);
    let symbol = choice::on_device(&entry.symbol);
    let mut g = Guards {
        code: Checked::new(&dims),
        count: 0,
    };
    for (i, (_, value)) in dims.iter().enumerate() {
        let loaded = g.load("%dims", i, "i64");
        // A name that polynomials use.
        writeln!(g.code.code, "  {value} = llvm.add {loaded}, %zero : i64").expect(WRITTEN);
    }
    for (i, leaf) in entry.leaves.iter().enumerate() {
        let mut size = g.code.constant(leaf.dtype.size() as i64);
        for extent in &leaf.shape {
            let extent = g.code.poly(extent);
            size = g.code.mul(&size, &extent);
        }
        g.store("%sizes", i, &size, "i64");
    }
    let values: Vec<_> = dims.iter().map(|(_, value)| value.as_str()).collect();
    let workspace = g.code.let_(&format!(
        "llvm.call @{}({}) : ({}) -> i64",
        workspace_symbol(entry),
        values.join(", "),
        vec!["i64"; dims.len()].join(", ")
    ));
    let address = |g: &mut Guards, of: &str| {
        g.code
            .let_(&format!("llvm.mlir.addressof @{of} : !llvm.ptr"))
    };
    let (version, count) = (
        g.code.constant(VERSION),
        g.code.constant(entry.leaves.len() as i64),
    );
    let fields = [
        (version, "i64"),
        (address(&mut g, &format!("{symbol}.name")), "!llvm.ptr"),
        (address(&mut g, &format!("{library}{KERNELS}")), "!llvm.ptr"),
        (
            address(&mut g, &symbol::packed_gpu(&entry.symbol)),
            "!llvm.ptr",
        ),
        (workspace, "i64"),
        ("%dims".into(), "!llvm.ptr"),
        (count, "i64"),
        ("%leaves".into(), "!llvm.ptr"),
        ("%sizes".into(), "!llvm.ptr"),
        (address(&mut g, &format!("{symbol}.roles")), "!llvm.ptr"),
    ];
    for (i, (value, ty)) in fields.iter().enumerate() {
        let at = g.code.let_(&format!(
            "llvm.getelementptr %call[0, {i}] : (!llvm.ptr) -> !llvm.ptr, {CALL_TYPE}"
        ));
        writeln!(g.code.code, "  llvm.store {value}, {at} : {ty}, !llvm.ptr").expect(WRITTEN);
    }
    let roles = entry.leaves.iter().map(|leaf| match leaf.role {
        Role::In => IN as char,
        Role::InOut => INOUT as char,
        Role::Out => OUT as char,
    });
    let texts = [
        string_constant(&format!("@{symbol}.name"), &entry.name),
        string_constant(&format!("@{symbol}.roles"), &roles.collect::<String>()),
    ]
    .concat();
    format!(
        "{texts}llvm.func hidden @{symbol}(%dims: !llvm.ptr, %leaves: !llvm.ptr) -> i32 {{
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %left = llvm.mlir.constant({ON_CPU} : i32) : i32
  %null = llvm.mlir.zero : !llvm.ptr
  %sizes = llvm.alloca %one x !llvm.array<{} x i64> : (i64) -> !llvm.ptr
  %call = llvm.alloca %one x {CALL_TYPE} : (i64) -> !llvm.ptr
  %runtime = llvm.call @{}() : () -> !llvm.ptr
  %is_there = llvm.icmp \"ne\" %runtime, %null : !llvm.ptr
  llvm.cond_br %is_there, ^ask, ^here
^here:
  llvm.return %left : i32
^ask:
{}  %at = llvm.getelementptr %runtime[0, 0] : (!llvm.ptr) -> !llvm.ptr, {RUNTIME_TYPE}
  %function = llvm.load %at : !llvm.ptr -> !llvm.ptr
  %status = llvm.call %function(%call) : !llvm.ptr, (!llvm.ptr) -> i32
  llvm.return %status : i32
}}
",
        entry.leaves.len().max(1),
        choice::runtime(library),
        g.code.code
    )
}
