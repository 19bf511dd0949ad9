//! Entries of a library that has its code for several CPUs: what is called in each, and what chooses.

use super::{dim_values, sizes};
use crate::{
    entry::Entry,
    variants::{self, quoted},
};
use dlc_abi::symbol;
use std::fmt::Write;

/// The parameters of a function: names and types.
type Parameters = Vec<(String, String)>;

/// The name of an entry's own function, which is that of its variant where there are several.
pub(super) fn own(entry: &Entry, name: &str) -> String {
    match &entry.variant {
        Some(variant) => quoted(&variants::symbol(name, variant)),
        None => name.to_string(),
    }
}

/// How others see an entry's own functions.
pub(super) fn visibility(entry: &Entry) -> &'static str {
    match entry.variant {
        Some(_) => "hidden ",
        None => "",
    }
}

/// The attributes of a function that every machine runs, whichever variant it is of.
pub(super) fn for_least(entry: &Entry) -> String {
    match entry.variants.first() {
        Some(cpu) => format!("attributes {{target_cpu = \"{cpu}\"}} "),
        None => String::new(),
    }
}

/// The functions that a caller sees: they call those of the chosen variant. The workspace is that of the variant that needs
/// most, so that its size does not depend on the machine.
pub(super) fn front(entry: &Entry, names: &[String]) -> String {
    let library = &entry.library;
    let (bytes, size) = sizes(entry);
    let dims: Parameters = dim_values(entry)
        .into_iter()
        .map(|(_, value)| (value, "i64".to_string()))
        .collect();
    let packed = [
        ("%dims", "!llvm.ptr"),
        ("%leaves", "!llvm.ptr"),
        ("%workspace", "!llvm.ptr"),
        (bytes, size),
    ];
    let packed = packed.map(|(name, ty)| (name.to_string(), ty.to_string()));
    let plain = symbol::packed(&entry.symbol);
    let mut text = choice(library);
    text += &greatest(&symbol::workspace(&entry.symbol), &dims, (names, size));
    match entry.executor {
        None => text += &dispatched(&plain, &packed, names, library),
        Some(_) => {
            let executor = ("%executor".to_string(), "!llvm.ptr".to_string());
            let on = [&[executor][..], &packed].concat();
            let name = symbol::packed_on(&entry.symbol);
            text += &dispatched(&name, &on, names, library);
            write!(
                text,
                "llvm.func @{plain}({}) -> i32 {{
  %none = llvm.mlir.zero : !llvm.ptr
  %status = llvm.call @{name}(%none, {}) : (!llvm.ptr, {}) -> i32
  llvm.return %status : i32
}}
",
                parameters(&packed),
                values(&packed),
                types(&packed)
            )
            .expect(super::WRITTEN);
        }
    }
    text
}

/// A declaration of what tells the number of the variant to take.
pub fn choice(library: &str) -> String {
    format!(
        "llvm.func @{}() -> i32\n",
        quoted(&variants::choice(library))
    )
}

/// A function that passes its call on to that of the chosen variant.
fn dispatched(name: &str, list: &[(String, String)], names: &[String], library: &str) -> String {
    let mut text = declarations(name, list, (names, "i32"));
    let (values, types) = (values(list), types(list));
    let cases = (1..names.len()).map(|i| format!("\n    {i}: ^v{i}"));
    write!(
        text,
        "llvm.func @{name}({}) -> i32 {{
  %chosen = llvm.call @{}() : () -> i32
  llvm.switch %chosen : i32, ^v0 [{}
  ]
",
        parameters(list),
        quoted(&variants::choice(library)),
        cases.collect::<Vec<_>>().join(",")
    )
    .expect(super::WRITTEN);
    for (i, variant) in names.iter().enumerate() {
        let callee = quoted(&variants::symbol(name, variant));
        write!(
            text,
            "^v{i}:
  %status{i} = llvm.call @{callee}({values}) : ({types}) -> i32
  llvm.return %status{i} : i32
"
        )
        .expect(super::WRITTEN);
    }
    text + "}\n"
}

/// A function that gives the greatest of what those of the variants give.
fn greatest(name: &str, list: &[(String, String)], (names, ty): (&[String], &str)) -> String {
    let mut text = declarations(name, list, (names, ty));
    let (values, types) = (values(list), types(list));
    writeln!(
        text,
        "llvm.func @{name}({}) -> {ty} {{\n  %most0 = llvm.mlir.constant(0 : {ty}) : {ty}",
        parameters(list)
    )
    .expect(super::WRITTEN);
    for (i, variant) in names.iter().enumerate() {
        let callee = quoted(&variants::symbol(name, variant));
        writeln!(
            text,
            "  %size{i} = llvm.call @{callee}({values}) : ({types}) -> {ty}
  %most{next} = llvm.intr.umax(%most{i}, %size{i}) : ({ty}, {ty}) -> {ty}",
            next = i + 1
        )
        .expect(super::WRITTEN);
    }
    text + &format!("  llvm.return %most{} : {ty}\n}}\n", names.len())
}

/// Declarations of what the first variant's module does not define: the functions of the others.
fn declarations(name: &str, list: &[(String, String)], (names, ty): (&[String], &str)) -> String {
    let declared = names[1..].iter().map(|variant| {
        let callee = quoted(&variants::symbol(name, variant));
        format!("llvm.func hidden @{callee}({}) -> {ty}\n", types(list))
    });
    declared.collect()
}

fn parameters(list: &[(String, String)]) -> String {
    let all = list.iter().map(|(name, ty)| format!("{name}: {ty}"));
    all.collect::<Vec<_>>().join(", ")
}

fn values(list: &[(String, String)]) -> String {
    let all = list.iter().map(|(name, _)| name.as_str());
    all.collect::<Vec<_>>().join(", ")
}

fn types(list: &[(String, String)]) -> String {
    let all = list.iter().map(|(_, ty)| ty.as_str());
    all.collect::<Vec<_>>().join(", ")
}
