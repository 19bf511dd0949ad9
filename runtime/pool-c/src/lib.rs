//! The pool of threads for programs in C: the functions of `include/dlc_pool.h`.

use dlc_abi::Executor;

use dlc_pool::Pool;

/// A pool with its executor, which C programs hold a pointer to.
pub struct Handle {
    executor: Executor,
    _pool: Pool,
}

/// A pool of so many threads; null where there can be none.
#[unsafe(no_mangle)]
pub extern "C" fn dlc_pool_new(threads: i64) -> *mut Handle {
    let pool = usize::try_from(threads)
        .ok()
        .and_then(|threads| Pool::new(threads).ok());
    pool.map_or(std::ptr::null_mut(), |pool| {
        let executor = pool.executor();
        Box::into_raw(Box::new(Handle {
            executor,
            _pool: pool,
        }))
    })
}

/// The executor of a pool.
///
/// # Safety
/// `pool` is null or comes from `dlc_pool_new` and is not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_pool_executor(pool: *const Handle) -> *const Executor {
    // SAFETY: the caller's promise.
    let pool = unsafe { pool.as_ref() };
    pool.map_or(std::ptr::null(), |pool| &raw const pool.executor)
}

/// Ends a pool.
///
/// # Safety
/// `pool` is null or comes from `dlc_pool_new`, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlc_pool_free(pool: *mut Handle) {
    if !pool.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(pool) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_come_and_go() {
        assert!(dlc_pool_new(0).is_null() && dlc_pool_new(-1).is_null());
        let pool = dlc_pool_new(2);
        // SAFETY: the pool is there until it is freed; null is allowed.
        unsafe {
            assert_eq!((*dlc_pool_executor(pool)).threads, 2);
            assert!(dlc_pool_executor(std::ptr::null()).is_null());
            dlc_pool_free(pool);
            dlc_pool_free(std::ptr::null_mut());
        }
    }

    #[test]
    fn the_header_declares_the_executor_as_libraries_do() {
        let header = include_str!("../include/dlc_pool.h");
        assert!(header.contains(dlc_abi::executor::C_DECLARATION));
    }
}
