//! How long it takes to fork tasks that do nothing: `cargo xtask bench --pieces`.

use std::ffi::c_void;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use dlc_pool::Pool;

unsafe extern "C" fn nothing(_: *mut c_void, index: i64) {
    black_box(index);
}

fn fork(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fork");
    for threads in [1, 2] {
        let pool = Pool::new(threads).expect("threads can be started");
        let executor = pool.executor();
        for tasks in [2, 64] {
            group.bench_function(format!("{tasks} tasks, {threads} threads"), |bencher| {
                // SAFETY: the pool is there, and the task touches no memory.
                bencher.iter(|| unsafe {
                    (executor.run)(executor.context, tasks, nothing, std::ptr::null_mut());
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, fork);
criterion_main!(benches);
