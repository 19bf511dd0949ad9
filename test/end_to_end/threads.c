/* Calls threads.dl on one thread, on threads of its own, and in an odd order: `threads_c`.
 *
 * Exits with 0 if the results are the same bits each time, and tasks have run on both threads. */
#include "threads.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, FEATURES = 200, COLUMNS = 300 };

typedef void (*task)(void *, int64_t);
typedef struct { task task; void *data; int64_t from, to; } part;

static void *run_part(void *argument) {
    part *p = argument;
    for (int64_t i = p->from; i < p->to; i++) p->task(p->data, i);
    return NULL;
}

static long forks;

/* Half of the tasks on a thread of their own. */
static void on_threads(void *context, int64_t count, task f, void *data) {
    (void)context;
    forks++;
    part first = {f, data, 0, count / 2}, second = {f, data, count / 2, count};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_part, &second)) exit(1);
    run_part(&first);
    pthread_join(thread, NULL);
}

/* The last one first. */
static void backwards(void *context, int64_t count, task f, void *data) {
    (void)context;
    for (int64_t i = count; i-- > 0;) f(data, i);
}

static float value(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 16777216.0f - 0.5f;
}

static float x[ROWS * FEATURES], w[FEATURES * COLUMNS], results[3][ROWS * COLUMNS];

static void call(const dlc_executor *executor, float *to) {
    size_t bytes = threads_layer_workspace(ROWS);
    void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
    int32_t status = threads_layer_on(executor, ROWS, x, w, to, workspace, bytes);
    if (status) {
        fprintf(stderr, "%s\n", threads_layer_message(status));
        exit(1);
    }
    free(workspace);
}

int main(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = value(&state);
    for (size_t i = 0; i < sizeof w / sizeof *w; i++) w[i] = value(&state);
    dlc_executor threads = {2, on_threads, NULL}, odd = {5, backwards, NULL};
    call(NULL, results[0]);
    call(&threads, results[1]);
    call(&odd, results[2]);
    for (int i = 1; i < 3; i++)
        if (memcmp(results[0], results[i], sizeof results[0])) {
            fprintf(stderr, "other bits with executor %d\n", i);
            return 2;
        }
    if (!forks) {
        fprintf(stderr, "nothing ran on threads\n");
        return 3;
    }
    return 0;
}
