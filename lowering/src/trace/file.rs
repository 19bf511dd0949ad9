//! The function that writes a file of Chrome's traces, <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMh4h6I0nSsKchNAySU>,
//! when the variable `DLC_TRACE` names a folder as the library is first called.

use super::{SPAN, TRACER};
use crate::entry_text::string_constant;
use dlc_abi::trace::FOLDER;

/// The most bytes of the path of a file, as Linux has it.
const MAX_PATH: usize = 4096;

/// What is called first, and then decides what is called.
pub fn start(stem: &str) -> String {
    format!("{stem}.trace_start")
}

/// The functions of the C library that the text calls.
pub const CALLED: [&str; 15] = [
    "clock_gettime",
    "fflush",
    "flockfile",
    "fopen",
    "fprintf",
    "fputs",
    "fseek",
    "funlockfile",
    "getenv",
    "getpid",
    "gettid",
    "mkdir",
    "perror",
    "sched_yield",
    "snprintf",
];

/// The functions in the `llvm` dialect. Whenever no call runs, the file is whole: what ends it is written behind each call, and
/// taken back by the next.
pub fn module(stem: &str) -> String {
    let start = start(stem);
    let constants: String = [
        ("variable", FOLDER),
        ("path", &format!("%s/{stem}-%d.json")),
        ("mode", "w"),
        ("begin", "[\n"),
        ("next", ",\n"),
        ("close", "\n]\n"),
        (
            "event",
            "%s{\"ph\":\"%c\",%s,\"pid\":%d,\"tid\":%d,\"ts\":%lld.%03lld}",
        ),
    ]
    .iter()
    .map(|(name, text)| string_constant(&format!("@{stem}.trace_{name}"), text))
    .collect();
    format!(
        "llvm.func @clock_gettime(i32, !llvm.ptr) -> i32
llvm.func @fflush(!llvm.ptr) -> i32
llvm.func @flockfile(!llvm.ptr)
llvm.func @fopen(!llvm.ptr, !llvm.ptr) -> !llvm.ptr
llvm.func @fprintf(!llvm.ptr, !llvm.ptr, ...) -> i32
llvm.func @fputs(!llvm.ptr, !llvm.ptr) -> i32
llvm.func @fseek(!llvm.ptr, i64, i32) -> i32
llvm.func @funlockfile(!llvm.ptr)
llvm.func @getenv(!llvm.ptr) -> !llvm.ptr
llvm.func @getpid() -> i32
llvm.func @gettid() -> i32
llvm.func @mkdir(!llvm.ptr, i32) -> i32
llvm.func @perror(!llvm.ptr)
llvm.func @sched_yield() -> i32
llvm.func @snprintf(!llvm.ptr, i64, !llvm.ptr, ...) -> i32
{constants}llvm.mlir.global internal @{stem}.trace_asks(0 : i32) {{addr_space = 0 : i32}} : i32
llvm.mlir.global internal @{stem}.trace_state(0 : i32) {{addr_space = 0 : i32}} : i32
llvm.func internal @{start}(%context: !llvm.ptr, %span: !llvm.ptr, %ends: i32) attributes {{passthrough = [\"noinline\"]}} {{
  %null = llvm.mlir.zero : !llvm.ptr
  %0 = llvm.mlir.constant(0 : i32) : i32
  %1 = llvm.mlir.constant(1 : i32) : i32
  %this = llvm.mlir.addressof @{start} : !llvm.ptr
  %tracer = llvm.mlir.addressof @{stem}.tracer : !llvm.ptr
  %place = llvm.getelementptr %tracer[0, 1] : (!llvm.ptr) -> !llvm.ptr, {TRACER}
  %asks = llvm.mlir.addressof @{stem}.trace_asks : !llvm.ptr
  %taken = llvm.cmpxchg %asks, %0, %1 acq_rel monotonic : !llvm.ptr, i32
  %is_first = llvm.extractvalue %taken[1] : !llvm.struct<(i32, i1)>
  llvm.cond_br %is_first, ^ask, ^wait
^ask:
  %variable = llvm.mlir.addressof @{stem}.trace_variable : !llvm.ptr
  %folder = llvm.call @getenv(%variable) : (!llvm.ptr) -> !llvm.ptr
  %is_asked = llvm.icmp \"ne\" %folder, %null : !llvm.ptr
  llvm.cond_br %is_asked, ^read, ^decide(%null : !llvm.ptr)
^read:
  %zero = llvm.mlir.constant(0 : i8) : i8
  %letter = llvm.load %folder : !llvm.ptr -> i8
  %is_named = llvm.icmp \"ne\" %letter, %zero : i8
  llvm.cond_br %is_named, ^open, ^decide(%null : !llvm.ptr)
^open:
  %all = llvm.mlir.constant(511 : i32) : i32
  %made = llvm.call @mkdir(%folder, %all) : (!llvm.ptr, i32) -> i32
  %most = llvm.mlir.constant({MAX_PATH} : i64) : i64
  %path = llvm.alloca %most x i8 : (i64) -> !llvm.ptr
  %format = llvm.mlir.addressof @{stem}.trace_path : !llvm.ptr
  %process = llvm.call @getpid() : () -> i32
  %length = llvm.call @snprintf(%path, %most, %format, %folder, %process) vararg(!llvm.func<i32 (ptr, i64, ptr, ...)>) : (!llvm.ptr, i64, !llvm.ptr, !llvm.ptr, i32) -> i32
  %mode = llvm.mlir.addressof @{stem}.trace_mode : !llvm.ptr
  %file = llvm.call @fopen(%path, %mode) : (!llvm.ptr, !llvm.ptr) -> !llvm.ptr
  %is_open = llvm.icmp \"ne\" %file, %null : !llvm.ptr
  %write = llvm.mlir.addressof @{stem}.trace_write : !llvm.ptr
  llvm.store %file, %place : !llvm.ptr, !llvm.ptr
  llvm.cond_br %is_open, ^decide(%write : !llvm.ptr), ^fail
^fail:
  llvm.call @perror(%path) : (!llvm.ptr) -> ()
  llvm.br ^decide(%null : !llvm.ptr)
^decide(%who: !llvm.ptr):
  llvm.store %who, %tracer atomic release {{alignment = 8 : i64}} : !llvm.ptr, !llvm.ptr
  llvm.br ^look
^wait:
  %yielded = llvm.call @sched_yield() : () -> i32
  llvm.br ^look
^look:
  %function = llvm.load %tracer atomic acquire {{alignment = 8 : i64}} : !llvm.ptr -> !llvm.ptr
  %is_open_question = llvm.icmp \"eq\" %function, %this : !llvm.ptr
  llvm.cond_br %is_open_question, ^wait, ^known
^known:
  %is_set = llvm.icmp \"ne\" %function, %null : !llvm.ptr
  llvm.cond_br %is_set, ^tell, ^done
^tell:
  %given = llvm.load %place : !llvm.ptr -> !llvm.ptr
  llvm.call %function(%given, %span, %ends) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i32) -> ()
  llvm.br ^done
^done:
  llvm.return
}}
llvm.func internal @{stem}.trace_write(%file: !llvm.ptr, %span: !llvm.ptr, %ends: i32) attributes {{passthrough = [\"noinline\"]}} {{
  %0 = llvm.mlir.constant(0 : i32) : i32
  %1 = llvm.mlir.constant(1 : i32) : i32
  %2 = llvm.mlir.constant(2 : i32) : i32
  %thousand = llvm.mlir.constant(1000 : i64) : i64
  %million = llvm.mlir.constant(1000000 : i64) : i64
  llvm.call @flockfile(%file) : (!llvm.ptr) -> ()
  %time = llvm.alloca %1 x !llvm.struct<(i64, i64)> : (i32) -> !llvm.ptr
  %told = llvm.call @clock_gettime(%1, %time) : (i32, !llvm.ptr) -> i32
  %seconds = llvm.load %time : !llvm.ptr -> i64
  %behind = llvm.getelementptr %time[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<(i64, i64)>
  %nanoseconds = llvm.load %behind : !llvm.ptr -> i64
  %whole = llvm.mul %seconds, %million : i64
  %more = llvm.sdiv %nanoseconds, %thousand : i64
  %microseconds = llvm.add %whole, %more : i64
  %rest = llvm.srem %nanoseconds, %thousand : i64
  %state = llvm.mlir.addressof @{stem}.trace_state : !llvm.ptr
  %before = llvm.load %state : !llvm.ptr -> i32
  %is_closed = llvm.icmp \"eq\" %before, %2 : i32
  llvm.cond_br %is_closed, ^reopen, ^write
^reopen:
  %back = llvm.mlir.constant(-3 : i64) : i64
  %moved = llvm.call @fseek(%file, %back, %1) : (!llvm.ptr, i64, i32) -> i32
  llvm.br ^write
^write:
  %is_first = llvm.icmp \"eq\" %before, %0 : i32
  %begin = llvm.mlir.addressof @{stem}.trace_begin : !llvm.ptr
  %next = llvm.mlir.addressof @{stem}.trace_next : !llvm.ptr
  %separator = llvm.select %is_first, %begin, %next : i1, !llvm.ptr
  %does_end = llvm.icmp \"ne\" %ends, %0 : i32
  %b = llvm.mlir.constant({b} : i32) : i32
  %e = llvm.mlir.constant({e} : i32) : i32
  %phase = llvm.select %does_end, %e, %b : i1, i32
  %about = llvm.getelementptr %span[0, 5] : (!llvm.ptr) -> !llvm.ptr, {SPAN}
  %members = llvm.load %about : !llvm.ptr -> !llvm.ptr
  %process = llvm.call @getpid() : () -> i32
  %thread = llvm.call @gettid() : () -> i32
  %format = llvm.mlir.addressof @{stem}.trace_event : !llvm.ptr
  %written = llvm.call @fprintf(%file, %format, %separator, %phase, %members, %process, %thread, %microseconds, %rest) vararg(!llvm.func<i32 (ptr, ptr, ...)>) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i32, !llvm.ptr, i32, i32, i64, i64) -> i32
  %which = llvm.getelementptr %span[0, 6] : (!llvm.ptr) -> !llvm.ptr, {SPAN}
  %is_call = llvm.load %which : !llvm.ptr -> i32
  %closes = llvm.and %is_call, %ends : i32
  %after = llvm.add %closes, %1 : i32
  llvm.store %after, %state : i32, !llvm.ptr
  %does_close = llvm.icmp \"ne\" %closes, %0 : i32
  llvm.cond_br %does_close, ^close, ^done
^close:
  %end = llvm.mlir.addressof @{stem}.trace_close : !llvm.ptr
  %put = llvm.call @fputs(%end, %file) : (!llvm.ptr, !llvm.ptr) -> i32
  %flushed = llvm.call @fflush(%file) : (!llvm.ptr) -> i32
  llvm.br ^done
^done:
  llvm.call @funlockfile(%file) : (!llvm.ptr) -> ()
  llvm.return
}}
",
        b = u32::from('B'),
        e = u32::from('E'),
    )
}
