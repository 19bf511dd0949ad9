//! What a library that was built with `--trace` tells while it runs, and whom.
//!
//! `STEM_trace(function, context)` sets a function of the program's, which is then called when an entry or a piece of work in
//! it begins and ends, on the thread of the call; null unsets it. It is one variable of the library: it is not to be changed
//! while an entry runs. Spans of one call are nested. On Linux, where the program sets none, the library writes a file of
//! Chrome's traces into the folder that [`FOLDER`] names, if it does.

use std::ffi::{c_char, c_void};

/// The variable that names a folder. In it the library writes `STEM-PROCESS.json`.
pub const FOLDER: &str = "DLC_TRACE";

/// A piece of work. The texts end with NUL and stay as long as the library is loaded.
#[repr(C)]
#[derive(Debug)]
pub struct Span {
    /// The export.
    pub entry: *const c_char,
    /// What it is: `call` for the whole of the export, `control` for loops and branches of the program, `product` or `loops`.
    pub what: *const c_char,
    /// The source file, from the folder of the one that was compiled.
    pub file: *const c_char,
    /// The line, from 1; 0 where none is known.
    pub line: i32,
    /// The column, from 1.
    pub column: i32,
}

/// The types as a header declares them.
pub const C_DECLARATION: &str = "\
#ifndef DLC_TRACE
#define DLC_TRACE
/* A piece of work. */
typedef struct dlc_span {
  /* The export. */
  const char *entry;
  /* What it is: call for the whole of the export, control for loops and branches of the
   * program, product or loops. */
  const char *what;
  /* The source file, and line and column from 1; the line is 0 where none is known. */
  const char *file;
  int32_t line, column;
} dlc_span;
/* Called where a piece of work begins, and then with ends = 1, on the thread of the call. Those of one call are nested. */
typedef void dlc_tracer(void *context, const dlc_span *span, int32_t ends);
#endif
";

/// What is called: with what the program gave, the piece of work, and 0 where it begins, 1 where it ends.
pub type Tracer = unsafe extern "C" fn(*mut c_void, *const Span, i32);

/// The type of `STEM_trace`.
pub type SetTracer = unsafe extern "C" fn(Option<Tracer>, *mut c_void);
