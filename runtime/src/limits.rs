//! What the machine can do: multiply-adds in registers, and copies through memory.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// What some threads can do together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// f32 operations of fused multiply-adds, in 10⁹ a second; each counts 2.
    pub gflops: f64,
    /// Bytes that a copy reads and writes, in 10⁹ a second.
    pub gbytes: f64,
}

/// Steps of a round of multiply-adds, and floats that a round copies.
const STEPS: usize = 1 << 18;
const COPIED: usize = 16 << 20;
const ROUNDS: usize = 9;

/// Measures the machine for some tenths of a second, on so many threads at once; the best of some rounds.
pub fn measure(threads: usize) -> Limits {
    let threads = threads.max(1);
    let lanes = multiply(1);
    let flops = 2.0 * (lanes * STEPS * threads) as f64;
    let multiplying = best(threads, &mut vec![(); threads], |()| {
        multiply(STEPS);
    });
    let mut memory: Vec<_> = (0..threads)
        .map(|_| (vec![0.5f32; COPIED], vec![0.0f32; COPIED]))
        .collect();
    let copying = best(threads, &mut memory, |(from, to)| {
        to.copy_from_slice(black_box(from));
        black_box(to);
    });
    Limits {
        gflops: flops / multiplying.as_secs_f64() / 1e9,
        gbytes: (8 * COPIED * threads) as f64 / copying.as_secs_f64() / 1e9,
    }
}

/// The least time of a round on all threads.
fn best<T: Send>(threads: usize, data: &mut [T], work: impl Fn(&mut T) + Sync) -> Duration {
    let round = |data: &mut [T]| {
        let start = Instant::now();
        match data {
            [one] => work(one),
            all => std::thread::scope(|scope| {
                for one in all.iter_mut() {
                    scope.spawn(|| work(one));
                }
            }),
        }
        start.elapsed()
    };
    debug_assert_eq!(threads, data.len());
    (0..ROUNDS).map(|_| round(data)).min().unwrap_or_default()
}

/// Multiply-adds of as many vectors as hide their latency; gives how many floats a step has.
fn multiply(steps: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has the instructions.
            return unsafe { wide(steps) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the CPU has the instructions.
            return unsafe { narrow(steps) };
        }
    }
    plain(steps)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide(steps: usize) -> usize {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_set1_ps};
    let (x, y) = (
        _mm512_set1_ps(black_box(0.5)),
        _mm512_set1_ps(black_box(0.5)),
    );
    let mut sums = [_mm512_set1_ps(0.5); 24];
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, x, y);
        }
    }
    for sum in sums {
        black_box(_mm512_reduce_add_ps(sum));
    }
    24 * 16
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn narrow(steps: usize) -> usize {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};
    let (x, y) = (
        _mm256_set1_ps(black_box(0.5)),
        _mm256_set1_ps(black_box(0.5)),
    );
    let mut sums = [_mm256_set1_ps(0.5); 12];
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, x, y);
        }
    }
    for sum in sums {
        black_box(_mm256_cvtss_f32(sum));
    }
    12 * 8
}

/// In vectors of 128 bits, as every target has them.
fn plain(steps: usize) -> usize {
    let (x, y) = (black_box([0.5f32; 4]), black_box([0.5f32; 4]));
    let mut sums = [[0.5f32; 4]; 12];
    for _ in 0..steps {
        for sum in &mut sums {
            for lane in 0..4 {
                sum[lane] = sum[lane] * x[lane] + y[lane];
            }
        }
    }
    black_box(sums);
    12 * 4
}
