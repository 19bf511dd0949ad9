//! Calls the library of threads.dl through its bindings, on threads of its own: the same bits as on one, with tasks that
//! really ran.

#[path = "bindings.rs"]
mod threads;

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use threads::{Executor, Workspace};

type Task = unsafe extern "C" fn(data: *mut c_void, index: i64);

/// What a task needs on another thread: the library lets it go there.
struct Sent(Task, *mut c_void);

unsafe impl Sync for Sent {}

impl Sent {
    fn call(&self, index: i64) {
        unsafe { self.0(self.1, index) }
    }
}

/// Each task on a thread of its own; counts them.
unsafe extern "C" fn run(context: *mut c_void, count: i64, task: Task, data: *mut c_void) {
    let tasks = unsafe { &*context.cast::<AtomicUsize>() };
    let sent = &Sent(task, data);
    std::thread::scope(|scope| {
        for index in 0..count {
            tasks.fetch_add(1, Ordering::Relaxed);
            scope.spawn(move || sent.call(index));
        }
    });
}

fn main() {
    let rows = 500;
    let numbers = |count: usize| (0..count).map(|i| (i % 97) as f32 / 97.0 - 0.5).collect::<Vec<_>>();
    let (x, w) = (numbers(rows * 200), numbers(200 * 300));
    let (mut alone, mut together) = (vec![0.0; rows * 300], vec![0.0; rows * 300]);
    let mut workspace = Workspace::new();
    threads::layer(rows, &x, &w, &mut alone, &mut workspace).expect("it runs alone");
    let tasks = AtomicUsize::new(0);
    let executor = unsafe { Executor::new(3, run, (&raw const tasks).cast_mut().cast()) };
    threads::layer_on(&executor, rows, &x, &w, &mut together, &mut workspace).expect("it runs on threads");
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&alone), bits(&together));
    assert!(alone.iter().any(|value| *value != 0.0));
    let tasks = tasks.into_inner();
    assert!(tasks > 1, "{tasks} tasks");
    let many = threads::layer_on(&executor, 5000, &x, &w, &mut together, &mut workspace);
    many.expect_err("5000 is outside 1..=4096");
}
