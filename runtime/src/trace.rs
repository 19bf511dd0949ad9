//! A timeline of calls on the CPU: what a library that was built with `--trace` tells, in the format of Chrome's traces.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use dlc_abi::trace::{SetTracer, Span};
use dlc_gpu::chrome;
use serde_json::json;

use crate::library::Library;

/// A timeline keeps so many pieces of work at most: a loop of many rounds would fill memory.
const MOST: usize = 1 << 20;

/// A traced library and what it tells.
#[derive(Debug)]
pub struct Recording {
    library: Library,
    set: SetTracer,
    // In a box, as the library keeps its address.
    kept: Box<Mutex<Kept>>,
}

/// A piece of work that was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The export that it is part of.
    pub entry: String,
    /// `call` for the whole of the export, else what it is.
    pub what: String,
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where none is known.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The number of the thread that it was done on, from 0.
    pub thread: u64,
    /// When it began, from the beginning of the recording,
    pub begin: Duration,
    /// and how long it took.
    pub duration: Duration,
}

#[derive(Debug)]
struct Kept {
    start: Instant,
    threads: HashMap<ThreadId, Thread>,
    done: Vec<Done>,
    left_out: usize,
}

#[derive(Debug, Default)]
struct Thread {
    number: u64,
    /// When what has begun did.
    open: Vec<Duration>,
}

impl Recording {
    /// Listens to a library, of which `set` is the function that sets who does.
    pub(crate) fn new(library: Library, set: SetTracer) -> Self {
        let kept = Box::new(Mutex::new(Kept {
            start: Instant::now(),
            threads: HashMap::new(),
            done: vec![],
            left_out: 0,
        }));
        let context = (&raw const *kept).cast_mut().cast::<c_void>();
        // SAFETY: calls borrow the library, so none runs; the context stays where it is until it is unset.
        unsafe { set(Some(tell), context) };
        Self { library, set, kept }
    }

    /// What was done so far, in the order in which it ended.
    pub fn done(&self) -> Vec<Done> {
        locked(&self.kept).done.clone()
    }

    /// How many pieces of work were done when there was no room for more.
    pub fn left_out(&self) -> usize {
        locked(&self.kept).left_out
    }

    /// The timeline so far. `name` gives what is shown of a piece of work.
    pub fn json(&self, name: impl Fn(&Done) -> String) -> String {
        let spans = self.done().into_iter().map(|done| chrome::Span {
            name: name(&done),
            category: if done.what == "call" { "call" } else { "nest" },
            thread: done.thread,
            begin: done.begin.as_secs_f64() * 1e6,
            duration: done.duration.as_secs_f64() * 1e6,
            about: json!({
                "entry": done.entry,
                "what": done.what,
                "file": done.file,
                "line": done.line,
                "column": done.column,
            }),
        });
        chrome::text("CPU", spans)
    }
}

impl Deref for Recording {
    type Target = Library;

    fn deref(&self) -> &Library {
        &self.library
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // SAFETY: calls borrow this, so none runs, and the library is still loaded.
        unsafe { (self.set)(None, std::ptr::null_mut()) };
    }
}

/// What the library calls.
unsafe extern "C" fn tell(context: *mut c_void, span: *const Span, ends: i32) {
    let now = Instant::now();
    // SAFETY: the context is that of a recording that is still there, and the span is the library's.
    let (kept, span) = unsafe { (&*context.cast::<Mutex<Kept>>(), &*span) };
    let mut kept = locked(kept);
    let now = now.saturating_duration_since(kept.start);
    let next = kept.threads.len() as u64;
    let thread = kept.threads.entry(std::thread::current().id());
    let thread = thread.or_insert_with(|| Thread {
        number: next,
        open: vec![],
    });
    if ends == 0 {
        thread.open.push(now);
        return;
    }
    let (number, Some(begin)) = (thread.number, thread.open.pop()) else {
        return;
    };
    if kept.done.len() == MOST {
        kept.left_out += 1;
        return;
    }
    let done = Done {
        entry: text(span.entry),
        what: text(span.what),
        file: text(span.file),
        line: usize::try_from(span.line).unwrap_or(0),
        column: usize::try_from(span.column).unwrap_or(0),
        thread: number,
        begin,
        duration: now.saturating_sub(begin),
    };
    kept.done.push(done);
}

/// A text of the library.
fn text(text: *const c_char) -> String {
    // SAFETY: texts of spans end with NUL.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_string_lossy().into_owned()
}

fn locked(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
