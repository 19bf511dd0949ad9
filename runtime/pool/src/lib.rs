//! Threads for the calls of built libraries, as an executor of the calling convention: for programs in Rust; those in
//! C have the functions of `runtime/pool-c`.
//!
//! The threads are rayon's, which fall asleep at once when there is nothing to do, and take about 0.1 ms to wake. A
//! call forks every some tens of microseconds, so a thread that has done a task looks for the next one for a while (`forks`).

mod forks;

use std::ffi::c_void;
use std::sync::Arc;

use dlc_abi::executor::{Executor, Task};
use forks::Forks;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A number of threads that is none, or threads that the system does not give.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No thread at all.
    #[error("a pool of no threads")]
    None,
    /// The system's refusal.
    #[error("can't start {threads} threads: {message}")]
    Start {
        /// How many.
        threads: usize,
        /// Why.
        message: String,
    },
}

/// Threads that run the tasks of calls; the calling thread is one of them.
///
/// ```
/// let pool = dlc_pool::Pool::new(2)?;
/// assert_eq!(pool.executor().threads, 2);
/// # Ok::<(), dlc_pool::PoolError>(())
/// ```
#[derive(Debug)]
pub struct Pool {
    /// The threads beside the caller's; none for a pool of one.
    others: Option<Box<Others>>,
    threads: usize,
}

/// Threads and what they share.
#[derive(Debug)]
struct Others {
    threads: ThreadPool,
    forks: Arc<Forks>,
}

impl Pool {
    /// A pool in which so many threads work on a call.
    pub fn new(threads: usize) -> Result<Self, PoolError> {
        if threads == 0 {
            return Err(PoolError::None);
        }
        let others = match threads - 1 {
            0 => None,
            others => {
                let pool = ThreadPoolBuilder::new()
                    .num_threads(others)
                    .thread_name(|i| format!("dlc-{}", i + 1))
                    .build();
                let pool = pool.map_err(|error| PoolError::Start {
                    threads: others,
                    message: error.to_string(),
                })?;
                Some(Box::new(Others {
                    threads: pool,
                    forks: Arc::new(Forks::default()),
                }))
            }
        };
        Ok(Self { others, threads })
    }

    /// How many threads work on a call.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The executor to pass to an `_on` entry, valid as long as the pool.
    pub fn executor(&self) -> Executor {
        let context = self
            .others
            .as_deref()
            .map_or(std::ptr::null(), std::ptr::from_ref);
        Executor {
            threads: self.threads as i64,
            run,
            context: context.cast_mut().cast::<c_void>(),
        }
    }
}

/// # Safety
/// `context` comes from `executor` of a pool that is still there, and `task` takes `data` on any thread.
unsafe extern "C" fn run(context: *mut c_void, count: i64, task: Task, data: *mut c_void) {
    // SAFETY: the pool is there, and is not changed.
    let others = unsafe { context.cast_const().cast::<Others>().as_ref() };
    match others {
        // SAFETY: the caller's promise.
        None => (0..count).for_each(|index| unsafe { task(data, index) }),
        // SAFETY: the caller's promise.
        Some(others) => unsafe { others.fork(count, task, data) },
    }
}

impl Others {
    /// Runs tasks on all threads; returns when all are done.
    ///
    /// # Safety
    /// `task` takes `data` on any thread.
    unsafe fn fork(&self, count: i64, task: Task, data: *mut c_void) {
        let wake = |threads: usize| {
            let threads = threads.min(self.threads.current_num_threads());
            for _ in 0..threads {
                let forks = Arc::clone(&self.forks);
                self.threads.spawn(move || forks.look());
            }
        };
        // SAFETY: the caller's promise.
        unsafe { self.forks.run(count, task, data, wake) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    unsafe extern "C" fn add(data: *mut c_void, index: i64) {
        // SAFETY: the tests pass one of these.
        let sums = unsafe { &*data.cast::<[AtomicI64; 2]>() };
        sums[0].fetch_add(1, Ordering::Relaxed);
        sums[1].fetch_add(index, Ordering::Relaxed);
    }

    #[test]
    fn every_task_runs_once() {
        for threads in [1, 2, 5] {
            let pool = Pool::new(threads).unwrap();
            let executor = pool.executor();
            assert_eq!(
                (pool.threads(), executor.threads),
                (threads, threads as i64)
            );
            for count in [0, 1, 2, 100] {
                let mut sums = [AtomicI64::new(0), AtomicI64::new(0)];
                let data = std::ptr::from_mut(&mut sums).cast::<c_void>();
                // SAFETY: the pool and the sums are there, and the task adds to the sums atomically.
                unsafe { (executor.run)(executor.context, count, add, data) };
                let sums = sums.map(AtomicI64::into_inner);
                assert_eq!(sums, [count, count * (count - 1).max(0) / 2]);
            }
        }
    }

    /// Forks from within tasks, on a pool that runs others at the same time.
    #[test]
    fn forks_inside_of_forks() {
        struct Both<'x>(Executor, &'x [AtomicI64; 2]);
        unsafe extern "C" fn again(data: *mut c_void, _: i64) {
            // SAFETY: the test passes one of these.
            let Both(executor, sums) = unsafe { &*data.cast::<Both>() };
            let sums = std::ptr::from_ref(*sums).cast_mut().cast::<c_void>();
            // SAFETY: the pool outlives the test's calls.
            unsafe { (executor.run)(executor.context, 10, add, sums) };
        }
        let pool = Pool::new(3).unwrap();
        let sums = [AtomicI64::new(0), AtomicI64::new(0)];
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut both = Both(pool.executor(), &sums);
                    let data = std::ptr::from_mut(&mut both).cast::<c_void>();
                    for _ in 0..50 {
                        // SAFETY: as above.
                        unsafe { (both.0.run)(both.0.context, 7, again, data) };
                    }
                });
            }
        });
        let sums = sums.map(AtomicI64::into_inner);
        assert_eq!(sums, [4 * 50 * 7 * 10, 4 * 50 * 7 * 45]);
    }

    #[test]
    fn no_threads_are_refused() {
        assert_eq!(
            Pool::new(0).unwrap_err().to_string(),
            "a pool of no threads"
        );
    }
}
