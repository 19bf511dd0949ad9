//! The functions that give texts, and constant texts.

use super::{WRITTEN, chosen};
use crate::{entry::Entry, size::Checked};
use dlc_abi::{status, symbol};
use std::fmt::Write;

/// The text of a status.
pub(super) fn message(entry: &Entry) -> String {
    let symbol = symbol::message(&entry.symbol);
    let mut constants = String::new();
    let mut code = Checked::new(&[]);
    let mut constant = |code: &mut Checked, name: &str, text: &str| {
        let global = format!("@{symbol}__{name}");
        constants += &string_constant(&global, text);
        code.let_(&format!("llvm.mlir.addressof {global} : !llvm.ptr"))
    };
    let mut found = constant(
        &mut code,
        "unknown",
        &format!("DL1010 {}: unknown status", entry.name),
    );
    let known = entry
        .statuses()
        .into_iter()
        .map(|status| (status.code, status.message));
    let on_gpu = status::ON_GPU
        .iter()
        .filter(|(number, ..)| entry.chooses.is_some() || *number == status::DEVICE);
    let on_gpu = on_gpu
        .filter_map(|(number, ..)| Some((*number, status::device_message(&entry.name, *number)?)));
    let ok = [(status::OK, "ok".to_string())];
    for (number, text) in known.chain(ok).chain(on_gpu) {
        let text = constant(&mut code, &number.to_string(), &text);
        let number = code.let_(&format!("llvm.mlir.constant({number} : i32) : i32"));
        let this = code.let_(&format!("llvm.icmp \"eq\" %status, {number} : i32"));
        found = code.let_(&format!(
            "llvm.select {this}, {text}, {found} : i1, !llvm.ptr"
        ));
    }
    if let Some(library) = &entry.chooses {
        chosen::words(&mut code, library, &found);
        found = "%text".into();
    }
    let code = code.code;
    format!(
        "{constants}llvm.func @{symbol}(%status: i32) -> !llvm.ptr {{\n{code}  llvm.return {found} : !llvm.ptr\n}}\n"
    )
}

/// `const char *STEM_abi_hash(void)`.
pub fn abi_hash(stem: &str, hash: &str) -> String {
    let symbol = symbol::abi_hash(stem);
    let global = format!("@{symbol}__text");
    format!(
        "{}llvm.func @{symbol}() -> !llvm.ptr {{\n  %text = llvm.mlir.addressof {global} : !llvm.ptr\n  \
         llvm.return %text : !llvm.ptr\n}}\n",
        string_constant(&global, hash)
    )
}

/// A constant C string.
pub(crate) fn string_constant(global: &str, text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => write!(escaped, "\\{byte:02X}").expect(WRITTEN),
            b' '..=b'~' => escaped.push(byte as char),
            _ => write!(escaped, "\\{byte:02X}").expect(WRITTEN),
        }
    }
    format!(
        "llvm.mlir.global internal unnamed_addr constant {global}(\"{escaped}\\00\") {{addr_space = 0 : i32}}\n"
    )
}
