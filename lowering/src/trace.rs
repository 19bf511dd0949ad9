//! What a library has that tells when its pieces of work begin and end: a table of them, and a function that a program sets,
//! which is called each time. `dlc_abi::trace` is the other side. Until a program sets one, a file is written where that is
//! asked for (`file.rs`).

mod file;

pub use file::CALLED;

use crate::entry_text::string_constant;
use dlc_abi::symbol;
use serde_json::json;
use std::fmt::Write;

/// The attribute of a module whose library tells.
pub const TRACED: &str = "dl.traced";
/// The attribute of a module that says where loops and branches of the program stand, as texts of locations.
pub const CONTROL: &str = "dl.control";

/// The attribute of a module whose library writes files when it is asked to.
pub const TRACE_FILES: &str = "dl.trace_files";

/// [`dlc_abi::trace::Span`] in the `llvm` dialect, with what files say of it and whether it is a whole call.
const SPAN: &str = "!llvm.struct<(ptr, ptr, ptr, i32, i32, ptr, i32)>";
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

impl Span {
    fn is_call(&self) -> bool {
        self.what == "call"
    }

    /// The members of an event of Chrome's traces that are the same each time.
    fn event(&self) -> String {
        let (line, column) = self.place;
        let name = match self.is_call() {
            true => self.entry.clone(),
            false => format!("{}:{line} {}", self.file, self.what),
        };
        let members = json!({
            "name": name,
            "cat": if self.is_call() { "call" } else { "nest" },
            "args": {
                "entry": self.entry,
                "what": self.what,
                "file": self.file,
                "line": line,
                "column": column,
            },
        });
        let text = members.to_string();
        text[1..text.len() - 1].to_string()
    }
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
    fn text(self, stem: &str, files: bool) -> String {
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
        let (writer, first) = match files {
            true => (
                file::module(stem),
                format!("llvm.mlir.addressof @{} : !llvm.ptr", file::start(stem)),
            ),
            false => (String::new(), "llvm.mlir.zero : !llvm.ptr".to_string()),
        };
        format!(
            "{writer}llvm.mlir.global {linkage} @{stem}.tracer() {{addr_space = 0 : i32, alignment = 8 : i64}} : {TRACER} {{
  %zero = llvm.mlir.zero : {TRACER}
  %first = {first}
  %tracer = llvm.insertvalue %first, %zero[0] : {TRACER}
  llvm.return %tracer : {TRACER}
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

/// The table and the functions, in the `llvm` dialect. With `files` they are written when that is asked for.
pub fn module(stem: &str, spans: &[Span], keeps: Keeps, files: bool) -> String {
    let (mark, variable) = (mark(stem), keeps.text(stem, files));
    let events: Vec<String> = spans.iter().map(Span::event).collect();
    let mut texts: Vec<&str> = spans
        .iter()
        .zip(&events)
        .flat_map(|(span, event)| [&*span.entry, &*span.what, &*span.file, event])
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
    for (i, (span, event)) in spans.iter().zip(&events).enumerate() {
        let words = [&span.entry, &span.what, &span.file, event];
        let [entry, what, file, event] = words.map(|one| text(one));
        let ((line, column), is_call) = (span.place, i32::from(span.is_call()));
        write!(
            module,
            "  %e{i} = llvm.mlir.addressof {entry} : !llvm.ptr
  %w{i} = llvm.mlir.addressof {what} : !llvm.ptr
  %f{i} = llvm.mlir.addressof {file} : !llvm.ptr
  %l{i} = llvm.mlir.constant({line} : i32) : i32
  %c{i} = llvm.mlir.constant({column} : i32) : i32
  %j{i} = llvm.mlir.addressof {event} : !llvm.ptr
  %k{i} = llvm.mlir.constant({is_call} : i32) : i32
  %s{i} = llvm.mlir.poison : {SPAN}
  %t{i} = llvm.insertvalue %e{i}, %s{i}[0] : {SPAN}
  %u{i} = llvm.insertvalue %w{i}, %t{i}[1] : {SPAN}
  %v{i} = llvm.insertvalue %f{i}, %u{i}[2] : {SPAN}
  %x{i} = llvm.insertvalue %l{i}, %v{i}[3] : {SPAN}
  %y{i} = llvm.insertvalue %c{i}, %x{i}[4] : {SPAN}
  %z{i} = llvm.insertvalue %j{i}, %y{i}[5] : {SPAN}
  %b{i} = llvm.insertvalue %k{i}, %z{i}[6] : {SPAN}
  %a{next} = llvm.insertvalue %b{i}, %a{i}[{i}] : {table}
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
  %function = llvm.load %tracer atomic acquire {{alignment = 8 : i64}} : !llvm.ptr -> !llvm.ptr
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
