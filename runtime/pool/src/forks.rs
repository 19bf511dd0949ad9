//! Tasks that wait for a thread, and threads that look for tasks.
//!
//! A fork puts its tasks into a queue and wakes as many threads as it needs besides those that look already; the caller
//! takes tasks too, so that a fork ends though no thread comes. No task is left behind: a thread says that it looks no more
//! before it looks for the last time, and a fork asks who looks after its tasks are in the queue.

use std::{
    ffi::c_void,
    hint,
    sync::atomic::{AtomicI64, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crossbeam_queue::SegQueue;
use dlc_abi::executor::Task;

/// How long a thread looks for the next task before it goes to sleep: longer than what a call does between two forks, and as
/// long as waking takes, so that at most half of the time is lost.
const PATIENCE: Duration = Duration::from_micros(100);
/// Looks between two readings of the clock, or before the caller lets others run.
const LOOKS: u32 = 64;

/// One task of a fork.
#[derive(Debug)]
struct Item {
    task: Task,
    data: *mut c_void,
    index: i64,
    /// Tasks of the fork that are not done, of those in the queue. It is there until all are.
    left: *const AtomicI64,
}

// SAFETY: an executor may call tasks on any thread; that is what the calling convention says of them.
unsafe impl Send for Item {}

impl Item {
    fn run(self) {
        // SAFETY: `Forks::run` returns, which ends the promise that its caller gave, when `left` is 0.
        unsafe {
            (self.task)(self.data, self.index);
            (*self.left).fetch_sub(1, Ordering::Release);
        }
    }
}

/// The tasks and who looks for them.
#[derive(Debug, Default)]
pub(crate) struct Forks {
    waiting: SegQueue<Item>,
    /// Threads that look for a task at this moment.
    looking: AtomicUsize,
}

impl Forks {
    /// Runs `count` tasks, here and on threads that look for some; `wake` lets so many more look.
    ///
    /// # Safety
    /// `task` takes `data` and any index below `count` on any thread.
    pub unsafe fn run(&self, count: i64, task: Task, data: *mut c_void, wake: impl Fn(usize)) {
        let left = AtomicI64::new((count - 1).max(0));
        for index in 1..count {
            self.waiting.push(Item {
                task,
                data,
                index,
                left: &left,
            });
        }
        let wanted = usize::try_from(count - 1).unwrap_or(0);
        wake(wanted.saturating_sub(self.looking.load(Ordering::SeqCst)));
        if count > 0 {
            // SAFETY: the caller's promise.
            unsafe { task(data, 0) };
        }
        let mut looks = 0_u32;
        while left.load(Ordering::Acquire) > 0 {
            match self.waiting.pop() {
                Some(item) => item.run(),
                None if looks % LOOKS == LOOKS - 1 => thread::yield_now(),
                None => hint::spin_loop(),
            }
            looks = looks.wrapping_add(1);
        }
    }

    /// Takes tasks until none has come for a while.
    pub fn look(&self) {
        loop {
            self.looking.fetch_add(1, Ordering::SeqCst);
            let found = self.wait();
            self.looking.fetch_sub(1, Ordering::SeqCst);
            match found.or_else(|| self.waiting.pop()) {
                Some(item) => item.run(),
                None => return,
            }
        }
    }

    fn wait(&self) -> Option<Item> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            for _ in 0..LOOKS {
                if let Some(item) = self.waiting.pop() {
                    return Some(item);
                }
                hint::spin_loop();
            }
        }
        None
    }
}
