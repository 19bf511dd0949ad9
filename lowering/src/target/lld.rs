//! LLVM's linkers, in this process: nothing else is needed where libraries are made.

use std::{
    ffi::{CString, OsString, c_char, c_int, c_void},
    sync::Mutex,
};

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn dlc_lld(
        words: *const *const c_char,
        count: usize,
        say: extern "C" fn(*const c_char, usize, *mut c_void),
        to: *mut c_void,
    ) -> c_int;
}

/// Where nothing is made for Linux, nothing is linked.
#[cfg(not(target_os = "linux"))]
unsafe fn dlc_lld(
    _: *const *const c_char,
    _: usize,
    _: extern "C" fn(*const c_char, usize, *mut c_void),
    _: *mut c_void,
) -> c_int {
    1
}

/// The linkers' state, which is one for the process: whether they can be called.
static USABLE: Mutex<bool> = Mutex::new(true);

/// A linker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linker {
    /// For ELF, whatever the processor.
    Elf,
    /// For WebAssembly.
    Wasm,
}

/// Links as the arguments of `ld.lld` or `wasm-ld` say, on one thread. An error is what the linker says.
pub fn link(linker: Linker, arguments: &[OsString]) -> Result<(), String> {
    let name = match linker {
        Linker::Elf => "ld.lld",
        Linker::Wasm => "wasm-ld",
    };
    let words = [name.into(), "--threads=1".into()];
    let words = words.iter().chain(arguments);
    let words = words.map(|word| CString::new(word.as_encoded_bytes()));
    let words: Vec<CString> = words
        .collect::<Result<_, _>>()
        .map_err(|_| "an argument has a NUL in it".to_string())?;
    let pointers: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    // A panic elsewhere while it was locked leaves it as it was.
    let mut usable = USABLE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if !*usable {
        return Err("the linker has failed before in this process".to_string());
    }
    let mut said = String::new();
    // SAFETY: the words end with NUL and live until the call returns; `say` is called during it, with `said`.
    let status = unsafe {
        dlc_lld(
            pointers.as_ptr(),
            pointers.len(),
            say,
            (&raw mut said).cast(),
        )
    };
    *usable = status >= 0;
    match status {
        0 => Ok(()),
        _ => Err(said.trim_end().to_string()),
    }
}

/// Adds a text to the string at `to`.
extern "C" fn say(text: *const c_char, length: usize, to: *mut c_void) {
    // SAFETY: `dlc_lld` passes a text of this length, and what `link` gave it.
    let (text, said) = unsafe {
        let text = std::slice::from_raw_parts(text.cast::<u8>(), length);
        (text, &mut *to.cast::<String>())
    };
    said.push_str(&String::from_utf8_lossy(text));
}
