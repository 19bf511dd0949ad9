//! What a library has that tells when its pieces of work begin and end: a table of them, and a function that a program sets,
//! which is called each time. `dlc_abi::trace` is the other side.

use crate::entry_text::string_constant;
use dlc_abi::symbol;
use std::fmt::Write;

/// The attribute of a module whose library tells.
pub const TRACED: &str = "dl.traced";
/// The attribute of a module that says where loops and branches of the program stand, as texts of locations.
pub const CONTROL: &str = "dl.control";

/// [`dlc_abi::trace::Span`] in the `llvm` dialect.
const SPAN: &str = "!llvm.struct<(ptr, ptr, ptr, i32, i32)>";
/// The function that is set, and what it is given.
const TRACER: &str = "!llvm.struct<(ptr, ptr)>";

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The export that it is part of.
    pub entry: String,
    /// What it is, such as `product`; `call` for the whole.
    pub what: String,
    /// The file.
    pub file: String,
    /// The line and the column, from 1; 0 where none is known.
    pub place: (usize, usize),
}

/// The function that tells of the beginning of a piece of work, by twice its number, or of its end, by one more. No function
/// of C has such a name.
pub fn mark(stem: &str) -> String {
    format!("{stem}.mark")
}

/// Where the variable is that holds what is set. It is one for a library, and not to be changed during calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// In this module, which is the library.
    Alone,
    /// In this module, for those of other CPUs, too.
    ForAll,
    /// In the module of the first CPU.
    Elsewhere,
}

impl Keeps {
    /// The variable, and the function that sets it.
    fn text(self, stem: &str) -> String {
        let linkage = match self {
            Keeps::Alone => "internal",
            Keeps::ForAll => "external hidden",
            Keeps::Elsewhere => {
                return format!(
                    "llvm.mlir.global external hidden @{stem}.tracer() {{addr_space = 0 : i32, alignment = 8 : i64}} : {TRACER}\n"
                );
            }
        };
        let set = symbol::trace(stem);
        format!(
            "llvm.mlir.global {linkage} @{stem}.tracer() {{addr_space = 0 : i32, alignment = 8 : i64}} : {TRACER} {{
  %zero = llvm.mlir.zero : {TRACER}
  llvm.return %zero : {TRACER}
}}
llvm.func @{set}(%function: !llvm.ptr, %context: !llvm.ptr) {{
  %tracer = llvm.mlir.addressof @{stem}.tracer : !llvm.ptr
  llvm.store %function, %tracer : !llvm.ptr, !llvm.ptr
  %place = llvm.getelementptr %tracer[0, 1] : (!llvm.ptr) -> !llvm.ptr, {TRACER}
  llvm.store %context, %place : !llvm.ptr, !llvm.ptr
  llvm.return
}}
"
        )
    }
}

/// The table and the functions, in the `llvm` dialect.
pub fn module(stem: &str, spans: &[Span], keeps: Keeps) -> String {
    let (mark, variable) = (mark(stem), keeps.text(stem));
    let mut texts: Vec<&str> = spans
        .iter()
        .flat_map(|span| [&*span.entry, &*span.what, &*span.file])
        .collect();
    texts.sort_unstable();
    texts.dedup();
    let text = |wanted: &str| {
        let number = texts.binary_search(&wanted);
        format!("@{stem}.text{}", number.expect("it is among them"))
    };
    let mut module = String::new();
    for one in &texts {
        module += &string_constant(&text(one), one);
    }
    let table = format!("!llvm.array<{} x {SPAN}>", spans.len());
    let written = "writing to a string succeeds";
    writeln!(
        module,
        "llvm.mlir.global internal constant @{stem}.spans() : {table} {{\n  %a0 = llvm.mlir.poison : {table}"
    )
    .expect(written);
    for (i, span) in spans.iter().enumerate() {
        let [entry, what, file] = [&span.entry, &span.what, &span.file].map(|one| text(one));
        let (line, column) = span.place;
        write!(
            module,
            "  %e{i} = llvm.mlir.addressof {entry} : !llvm.ptr
  %w{i} = llvm.mlir.addressof {what} : !llvm.ptr
  %f{i} = llvm.mlir.addressof {file} : !llvm.ptr
  %l{i} = llvm.mlir.constant({line} : i32) : i32
  %c{i} = llvm.mlir.constant({column} : i32) : i32
  %s{i} = llvm.mlir.poison : {SPAN}
  %t{i} = llvm.insertvalue %e{i}, %s{i}[0] : {SPAN}
  %u{i} = llvm.insertvalue %w{i}, %t{i}[1] : {SPAN}
  %v{i} = llvm.insertvalue %f{i}, %u{i}[2] : {SPAN}
  %x{i} = llvm.insertvalue %l{i}, %v{i}[3] : {SPAN}
  %y{i} = llvm.insertvalue %c{i}, %x{i}[4] : {SPAN}
  %a{next} = llvm.insertvalue %y{i}, %a{i}[{i}] : {table}
",
            next = i + 1
        )
        .expect(written);
    }
    let count = spans.len();
    module
        + &format!(
            "  llvm.return %a{count} : {table}
}}
{variable}llvm.func internal @{mark}(%number: i32) attributes {{passthrough = [\"noinline\"]}} {{
  %null = llvm.mlir.zero : !llvm.ptr
  %one = llvm.mlir.constant(1 : i32) : i32
  %tracer = llvm.mlir.addressof @{stem}.tracer : !llvm.ptr
  %function = llvm.load %tracer : !llvm.ptr -> !llvm.ptr
  %is_set = llvm.icmp \"ne\" %function, %null : !llvm.ptr
  llvm.cond_br %is_set, ^tell, ^done
^tell:
  %place = llvm.getelementptr %tracer[0, 1] : (!llvm.ptr) -> !llvm.ptr, {TRACER}
  %context = llvm.load %place : !llvm.ptr -> !llvm.ptr
  %index = llvm.lshr %number, %one : i32
  %ends = llvm.and %number, %one : i32
  %table = llvm.mlir.addressof @{stem}.spans : !llvm.ptr
  %span = llvm.getelementptr %table[%index] : (!llvm.ptr, i32) -> !llvm.ptr, {SPAN}
  llvm.call %function(%context, %span, %ends) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i32) -> ()
  llvm.br ^done
^done:
  llvm.return
}}
"
        )
}
