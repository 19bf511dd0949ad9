//! Who runs the parts of a call that may run at the same time: the struct that host programs pass to `_on` entries.
//!
//! It is plain C, as the header of a library declares it, so that a host program may bring a pool of its own.

use std::ffi::c_void;

/// One part of a call: called once for each index.
pub type Task = unsafe extern "C" fn(data: *mut c_void, index: i64);

/// Runs tasks; the `dlc_executor` of C.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Executor {
    /// The tasks of one call of `run` that are worth having: about the threads that there are. With 1, `run` is not
    /// called. A library takes no more than it was built for.
    pub threads: i64,
    /// Calls `task(data, index)` for each index from 0 to `count` - 1, in any order and on any threads, and returns when
    /// all have returned. It may be called from several threads at a time if the entries are.
    pub run: unsafe extern "C" fn(context: *mut c_void, count: i64, task: Task, data: *mut c_void),
    /// Passed to `run`.
    pub context: *mut c_void,
}

/// How C declares it, guarded, so that several headers may.
pub const C_DECLARATION: &str = "\
#ifndef DLC_EXECUTOR
#define DLC_EXECUTOR
/* Runs the parts of a call that may run at the same time, on threads of the program. */
typedef struct dlc_executor {
  /* The threads that there are; a library uses no more than it was built for. */
  int64_t threads;
  /* Calls task(data, index) for each index from 0 to count - 1, in any order and on
   * any threads, and returns when all have returned. */
  void (*run)(void *context, int64_t count, void (*task)(void *data, int64_t index), void *data);
  /* Passed to run. */
  void *context;
} dlc_executor;
#endif
";
