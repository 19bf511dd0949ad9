//! Threads for the calls of built libraries, as an executor of the calling convention: for programs in Rust; those in
//! C have the functions of `runtime/pool-c`.

use std::ffi::c_void;

use dlc_abi::executor::{Executor, Task};
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
    others: Option<Box<ThreadPool>>,
    threads: usize,
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
                Some(Box::new(pool))
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

/// What tasks share, which is theirs to synchronise.
#[derive(Clone, Copy)]
struct Data(*mut c_void);

// SAFETY: an executor may call tasks on any thread; that is what the calling convention says of them.
unsafe impl Send for Data {}

impl Data {
    /// # Safety
    /// The task takes this data.
    unsafe fn call(self, task: Task, index: i64) {
        // SAFETY: the caller's promise.
        unsafe { task(self.0, index) }
    }
}

/// # Safety
/// `context` comes from `executor` of a pool that is still there, and `task` takes `data` on any thread.
unsafe extern "C" fn run(context: *mut c_void, count: i64, task: Task, data: *mut c_void) {
    let data = Data(data);
    // SAFETY: the pool is there, and is not changed.
    let pool = unsafe { context.cast_const().cast::<ThreadPool>().as_ref() };
    let Some(pool) = pool else {
        // SAFETY: the caller's promise.
        (0..count).for_each(|index| unsafe { data.call(task, index) });
        return;
    };
    pool.in_place_scope(|scope| {
        for index in 1..count {
            // SAFETY: the caller's promise; the scope ends before `data` does.
            scope.spawn(move |_| unsafe { data.call(task, index) });
        }
        if count > 0 {
            // SAFETY: the caller's promise.
            unsafe { data.call(task, 0) };
        }
    });
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

    #[test]
    fn no_threads_are_refused() {
        assert_eq!(
            Pool::new(0).unwrap_err().to_string(),
            "a pool of no threads"
        );
    }
}
