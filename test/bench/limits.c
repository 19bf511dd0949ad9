/* What the machine can do: `limits THREADS` prints, as JSON, GFLOP/s of fused multiply-adds in f32 and GB/s of a copy through memory,
   bytes read and written both counted. The best of some rounds, on all threads at once. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define LANES 16
#define SUMS 24
#define STREAM(to, from) _mm512_stream_ps(to, _mm512_loadu_ps(from))
#elif defined(__AVX__)
#define LANES 8
#define SUMS 12
#define STREAM(to, from) _mm256_stream_ps(to, _mm256_loadu_ps(from))
#else
#define LANES 4
#define SUMS 12
#define STREAM(to, from) memcpy(to, from, 4 * LANES)
#endif

typedef float Vector __attribute__((vector_size(4 * LANES)));

enum { STEPS = 2000000, COPIED = 16 << 20, ROUNDS = 15, MOST_THREADS = 256 };

/* What a thread works on, and where it leaves what it computed, so that nothing is optimised away. */
struct Work {
  float *from, *to;
  float sum;
};

/* More sums than the latency of the units times their number. */
static void *multiply(void *argument) {
  struct Work *work = argument;
  Vector sums[SUMS], x, y;
  memcpy(&x, work->from, sizeof x);
  memcpy(&y, work->from + LANES, sizeof y);
  memcpy(sums, work->from, sizeof sums);
  for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 24
    for (int i = 0; i < SUMS; i++) sums[i] = sums[i] * x + y;
  for (int i = 1; i < SUMS; i++) sums[0] += sums[i];
  work->sum = sums[0][0];
  return NULL;
}

static void *copy(void *argument) {
  struct Work *work = argument;
  for (size_t at = 0; at < COPIED; at += LANES) STREAM(work->to + at, work->from + at);
  return NULL;
}

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The least time of a round. */
static double best(void *(*body)(void *), struct Work *work, int threads) {
  double least = 1e30;
  for (int round = 0; round < ROUNDS; round++) {
    pthread_t others[MOST_THREADS];
    double start = seconds();
    for (int i = 1; i < threads; i++)
      if (pthread_create(&others[i], NULL, body, &work[i])) exit(1);
    body(&work[0]);
    for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
    double time = seconds() - start;
    if (time < least) least = time;
  }
  return least;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1;
  if (threads < 1 || threads > MOST_THREADS) return 1;
  struct Work work[MOST_THREADS];
  for (int i = 0; i < threads; i++) {
    work[i].from = aligned_alloc(64, 4 * (size_t)COPIED);
    work[i].to = aligned_alloc(64, 4 * (size_t)COPIED);
    if (!work[i].from || !work[i].to) return 1;
    for (size_t at = 0; at < COPIED; at++) work[i].from[at] = 0.5f;
    memset(work[i].to, 0, 4 * (size_t)COPIED);
  }
  double flops = 2.0 * LANES * SUMS * STEPS * threads, bytes = 8.0 * COPIED * threads;
  double multiplying = best(multiply, work, threads), copying = best(copy, work, threads);
  printf("{\"gflops\": %.1f, \"gbytes\": %.2f}\n", flops / multiplying / 1e9, bytes / copying / 1e9);
  return work[0].sum == 0.0f;
}
