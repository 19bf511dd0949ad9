//! How a library for a GPU has a device chosen for calls that name none: by a function of the program's, which it looks for
//! once, by name, as it links nothing. `dlc_abi::choice` says what it then asks.

use crate::entry_text::string_constant;
use dlc_abi::{
    choice::{FUNCTION, LIBRARY, VARIABLE},
    status,
};

/// The attribute of a module whose plain entries have a device chosen.
pub const CHOOSES: &str = "dl.chooses";

/// [`dlc_abi::choice::Call`] in the `llvm` dialect.
pub const CALL_TYPE: &str = "!llvm.struct<(i64, ptr, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr)>";
/// [`dlc_abi::choice::Runtime`].
pub const RUNTIME_TYPE: &str = "!llvm.struct<(ptr, ptr)>";

/// What a library may ask of the program; each may be missing.
const ASKED: [&str; 4] = [FUNCTION, "dlopen", "dlsym", "getenv"];

/// The function that gives what was found, or null. It and those below are the library's own: no function of C has such a name.
pub fn runtime(library: &str) -> String {
    format!("{library}.runtime")
}

/// The function that gives the words of the last failure on a chosen device, or null.
pub fn words(library: &str) -> String {
    format!("{library}.words")
}

/// The function that has an entry's call done on a device; it gives the call's status, or [`dlc_abi::choice::ON_CPU`].
pub fn on_device(entry: &str) -> String {
    format!("{entry}.device")
}

/// Where this is done: libraries of other systems are loaded in other ways, and there is no NVIDIA GPU on most.
pub fn is_for(triple: &str) -> bool {
    triple.contains("linux")
}

/// The functions that other modules of a library declare, as a module of its own: it is the only one that has a variable.
///
/// The variable is null until it is known, and 1 where there is nothing. Several threads may look at the same time, and find
/// the same. Where there is nothing and the environment asks for a device, what is found refuses all calls.
pub fn module(library: &str) -> String {
    let (runtime, words) = (runtime(library), words(library));
    let texts = [
        string_constant("@library", LIBRARY),
        string_constant("@function", FUNCTION),
        string_constant("@variable", VARIABLE),
    ]
    .concat();
    let [function, open, find, environment] = ASKED;
    let (refusal, missing) = (refusal(), is_cpu("%value"));
    // 2 is RTLD_NOW.
    format!(
        "{texts}llvm.func extern_weak @{function}() -> !llvm.ptr
llvm.func extern_weak @{open}(!llvm.ptr, i32) -> !llvm.ptr
llvm.func extern_weak @{find}(!llvm.ptr, !llvm.ptr) -> !llvm.ptr
llvm.func extern_weak @{environment}(!llvm.ptr) -> !llvm.ptr
{refusal}llvm.mlir.global internal @known() {{addr_space = 0 : i32, alignment = 8 : i64}} : !llvm.ptr {{
  %null = llvm.mlir.zero : !llvm.ptr
  llvm.return %null : !llvm.ptr
}}
llvm.func hidden @{runtime}() -> !llvm.ptr {{
  %null = llvm.mlir.zero : !llvm.ptr
  %one = llvm.mlir.constant(1 : i64) : i64
  %none = llvm.inttoptr %one : i64 to !llvm.ptr
  %now = llvm.mlir.constant(2 : i32) : i32
  %place = llvm.mlir.addressof @known : !llvm.ptr
  %known = llvm.load %place atomic acquire {{alignment = 8 : i64}} : !llvm.ptr -> !llvm.ptr
  %is_known = llvm.icmp \"ne\" %known, %null : !llvm.ptr
  llvm.cond_br %is_known, ^give(%known : !llvm.ptr), ^look
^look:
  %linked = llvm.mlir.addressof @{function} : !llvm.ptr
  %is_linked = llvm.icmp \"ne\" %linked, %null : !llvm.ptr
  llvm.cond_br %is_linked, ^ask(%linked : !llvm.ptr), ^load
^load:
  %open = llvm.mlir.addressof @{open} : !llvm.ptr
  %opens = llvm.icmp \"ne\" %open, %null : !llvm.ptr
  %find = llvm.mlir.addressof @{find} : !llvm.ptr
  %finds = llvm.icmp \"ne\" %find, %null : !llvm.ptr
  %can = llvm.and %opens, %finds : i1
  llvm.cond_br %can, ^open, ^missing
^open:
  %path = llvm.mlir.addressof @library : !llvm.ptr
  %library = llvm.call %open(%path, %now) : !llvm.ptr, (!llvm.ptr, i32) -> !llvm.ptr
  %is_open = llvm.icmp \"ne\" %library, %null : !llvm.ptr
  llvm.cond_br %is_open, ^find, ^missing
^find:
  %name = llvm.mlir.addressof @function : !llvm.ptr
  %found = llvm.call %find(%library, %name) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> !llvm.ptr
  %is_found = llvm.icmp \"ne\" %found, %null : !llvm.ptr
  llvm.cond_br %is_found, ^ask(%found : !llvm.ptr), ^missing
^ask(%function: !llvm.ptr):
  %runtime = llvm.call %function() : !llvm.ptr, () -> !llvm.ptr
  llvm.br ^keep(%runtime : !llvm.ptr)
^missing:
  %environment = llvm.mlir.addressof @{environment} : !llvm.ptr
  %has = llvm.icmp \"ne\" %environment, %null : !llvm.ptr
  llvm.cond_br %has, ^read, ^keep(%none : !llvm.ptr)
^read:
  %variable = llvm.mlir.addressof @variable : !llvm.ptr
  %value = llvm.call %environment(%variable) : !llvm.ptr, (!llvm.ptr) -> !llvm.ptr
  %is_set = llvm.icmp \"ne\" %value, %null : !llvm.ptr
  llvm.cond_br %is_set, ^at0, ^keep(%none : !llvm.ptr)
{missing}^refuse:
  %refusal = llvm.mlir.addressof @refusal : !llvm.ptr
  llvm.br ^keep(%refusal : !llvm.ptr)
^keep(%new: !llvm.ptr):
  llvm.store %new, %place atomic release {{alignment = 8 : i64}} : !llvm.ptr, !llvm.ptr
  llvm.br ^give(%new : !llvm.ptr)
^give(%given: !llvm.ptr):
  %nothing = llvm.icmp \"eq\" %given, %none : !llvm.ptr
  %result = llvm.select %nothing, %null, %given : i1, !llvm.ptr
  llvm.return %result : !llvm.ptr
}}
llvm.func hidden @{words}() -> !llvm.ptr {{
  %null = llvm.mlir.zero : !llvm.ptr
  %runtime = llvm.call @{runtime}() : () -> !llvm.ptr
  %is_there = llvm.icmp \"ne\" %runtime, %null : !llvm.ptr
  llvm.cond_br %is_there, ^ask, ^none
^ask:
  %at = llvm.getelementptr %runtime[0, 1] : (!llvm.ptr) -> !llvm.ptr, {RUNTIME_TYPE}
  %message = llvm.load %at : !llvm.ptr -> !llvm.ptr
  %words = llvm.call %message() : !llvm.ptr, () -> !llvm.ptr
  llvm.return %words : !llvm.ptr
^none:
  llvm.return %null : !llvm.ptr
}}
"
    )
}

/// What takes the place of a runtime where a device is asked for and nothing can be found that chooses one.
fn refusal() -> String {
    let status = status::NO_DEVICE;
    format!(
        "llvm.func internal @refuse(%call: !llvm.ptr) -> i32 {{
  %status = llvm.mlir.constant({status} : i32) : i32
  llvm.return %status : i32
}}
llvm.func internal @silence() -> !llvm.ptr {{
  %null = llvm.mlir.zero : !llvm.ptr
  llvm.return %null : !llvm.ptr
}}
llvm.mlir.global internal constant @refusal() : {RUNTIME_TYPE} {{
  %0 = llvm.mlir.poison : {RUNTIME_TYPE}
  %call = llvm.mlir.addressof @refuse : !llvm.ptr
  %message = llvm.mlir.addressof @silence : !llvm.ptr
  %1 = llvm.insertvalue %call, %0[0] : {RUNTIME_TYPE}
  %2 = llvm.insertvalue %message, %1[1] : {RUNTIME_TYPE}
  llvm.return %2 : {RUNTIME_TYPE}
}}
"
    )
}

/// Compares a text with `cpu`, from the block `^at0` on; an empty text is as good. Goes to `^refuse` for any other.
fn is_cpu(text: &str) -> String {
    let mut code = String::new();
    for (i, byte) in b"cpu\0".iter().enumerate() {
        let next = match byte {
            0 => "^keep(%none : !llvm.ptr)".to_string(),
            _ => format!("^at{}", i + 1),
        };
        let otherwise = match i {
            0 => "^first",
            _ => "^refuse",
        };
        code += &format!(
            "^at{i}:
  %place{i} = llvm.getelementptr {text}[{i}] : (!llvm.ptr) -> !llvm.ptr, i8
  %byte{i} = llvm.load %place{i} : !llvm.ptr -> i8
  %like{i} = llvm.mlir.constant({byte} : i8) : i8
  %same{i} = llvm.icmp \"eq\" %byte{i}, %like{i} : i8
  llvm.cond_br %same{i}, {next}, {otherwise}
"
        );
    }
    code + "^first:
  %end = llvm.mlir.constant(0 : i8) : i8
  %empty = llvm.icmp \"eq\" %byte0, %end : i8
  llvm.cond_br %empty, ^keep(%none : !llvm.ptr), ^refuse
"
}
