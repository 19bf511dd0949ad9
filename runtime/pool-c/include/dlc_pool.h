/* Threads for the calls of libraries that `dlc build --threads` made; link libdlc_pool_c.a or libdlc_pool_c.so.
 *
 *   dlc_pool *pool = dlc_pool_new(4);
 *   model_step_on(dlc_pool_executor(pool), ...);
 *   dlc_pool_free(pool);
 *
 * A program that has threads of its own fills in a dlc_executor instead. */
#ifndef DLC_POOL_H
#define DLC_POOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef DLC_EXECUTOR
#define DLC_EXECUTOR
/* Runs the parts of a call that may run at the same time, on threads of the program. */
typedef struct dlc_executor {
  /* The threads that there are; a library uses no more than it was built for. */
  int64_t threads;
  /* Calls task(data, index) for each index from 0 to count - 1, in any order and on
   * any threads, and returns when all have returned. */
  void (*run)(void *context, int64_t count, void (*task)(void *data, int64_t index), void *data);
  /* Passed to run. */
  void *context;
} dlc_executor;
#endif

typedef struct dlc_pool dlc_pool;

/* A pool in which so many threads work on a call, the calling one among them; NULL if threads is less than 1 or the
 * system gives none. */
dlc_pool *dlc_pool_new(int64_t threads);
/* What to pass to `_on` entries, from any threads, until the pool is freed; NULL for NULL. */
const dlc_executor *dlc_pool_executor(const dlc_pool *pool);
/* Ends the threads; no call may be running. Nothing for NULL. */
void dlc_pool_free(dlc_pool *pool);

#ifdef __cplusplus
}
#endif

#endif /* DLC_POOL_H */
