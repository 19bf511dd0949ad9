/* What a call costs from C: `call` prints, as JSON, the nanoseconds of one of the perceptron 64-64-10 of workloads.dl on one row of
   inputs. The median of some rounds of many calls each. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "workloads.h"

enum { INPUTS = 64, HIDDEN = 64, OUTPUTS = 10, CALLS = 20000, ROUNDS = 31 };

static double nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Numbers around 0, from the beginning of a cache line. */
static float *some(size_t count) {
  static uint32_t state = 1;
  float *numbers = aligned_alloc(64, (4 * count + 63) / 64 * 64);
  if (!numbers) exit(1);
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    numbers[i] = (float)(state >> 8) / 16777216.0f - 0.5f;
  }
  return numbers;
}

int main(void) {
  workloads_Small p = {some(INPUTS * HIDDEN), some(HIDDEN), some(HIDDEN * OUTPUTS), some(OUTPUTS)};
  float *x = some(INPUTS), *out = some(OUTPUTS);
  size_t bytes = workloads_small_infer_workspace(1);
  void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!workspace) return 1;
  double times[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    double start = nanoseconds();
    for (int call = 0; call < CALLS; call++) {
      int32_t status = workloads_small_infer(1, &p, x, out, workspace, bytes);
      if (status) {
        fprintf(stderr, "%s\n", workloads_small_infer_message(status));
        return 1;
      }
    }
    times[round] = (nanoseconds() - start) / CALLS;
  }
  qsort(times, ROUNDS, sizeof *times, ascending);
  printf("{\"nanoseconds\": %.1f}\n", times[ROUNDS / 2]);
  return 0;
}
