/* Trains the model of test/models/mlp.dl: `mlp INPUTS BATCH STEPS`.
 *
 * INPUTS holds the parameters, the inputs and the labels, one after another. Prints the loss of each step, the
 * parameters after the last, and the predictions, one number a line. Exits with 3 if the training loop allocated. */
#include "mlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 16, HIDDEN = 24, CLASSES = 10 };

/* The linker sends every call of the program and of the library here (--wrap). */
static long allocations;
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes) { allocations++; return __real_malloc(bytes); }
void *__wrap_calloc(size_t count, size_t bytes) { allocations++; return __real_calloc(count, bytes); }
void *__wrap_realloc(void *old, size_t bytes) { allocations++; return __real_realloc(old, bytes); }
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    allocations++;
    return __real_aligned_alloc(alignment, bytes);
}

static void *read_part(FILE *file, size_t bytes) {
    void *data = malloc(bytes);
    if (!data || fread(data, 1, bytes, file) != bytes) {
        fprintf(stderr, "the inputs are too short\n");
        exit(1);
    }
    return data;
}

static void print(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) printf("%.9g\n", (double)values[i]);
}

/* `status` should be `expected`, and its message begin with `text`. */
static void expect(int32_t status, int32_t expected, const char *message, const char *text) {
    if (status != expected || strncmp(message, text, strlen(text))) {
        fprintf(stderr, "status %d (%s), expected %d (%s)\n", (int)status, message, (int)expected, text);
        exit(2);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 1;
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 1;
    int64_t batch = strtoll(argv[2], NULL, 10), steps = strtoll(argv[3], NULL, 10);
    mlp_Params p;
    p.w1 = read_part(file, FEATURES * HIDDEN * sizeof(float));
    p.b1 = read_part(file, HIDDEN * sizeof(float));
    p.w2 = read_part(file, HIDDEN * CLASSES * sizeof(float));
    p.b2 = read_part(file, CLASSES * sizeof(float));
    float *x = read_part(file, (size_t)batch * FEATURES * sizeof(float));
    int32_t *labels = read_part(file, (size_t)batch * sizeof(int32_t));
    int32_t *predictions = malloc((size_t)batch * sizeof(int32_t));
    float *losses = malloc((size_t)steps * sizeof(float));
    fclose(file);

    size_t bytes = mlp_train_step_workspace(batch), more = mlp_predict_workspace(batch);
    if (more > bytes) bytes = more;
    bytes = (bytes + 63) / 64 * 64 + 64;
    unsigned char *workspace = aligned_alloc(64, bytes);
    if (!workspace || !predictions || !losses) return 1;
    if (strcmp(mlp_abi_hash(), MLP_ABI_HASH)) return 1;

    /* What is refused leaves everything as it was. */
    float loss = -1;
    expect(mlp_train_step(65, &p, x, labels, 0.1f, &loss, workspace, bytes), 16, mlp_train_step_message(16), "DL1001");
    expect(mlp_train_step(0, &p, x, labels, 0.1f, &loss, workspace, bytes), 16, mlp_train_step_message(16), "DL1001");
    expect(mlp_train_step(batch, NULL, x, labels, 0.1f, &loss, workspace, bytes), 1, mlp_train_step_message(1), "DL1011");
    expect(mlp_train_step(batch, &p, NULL, labels, 0.1f, &loss, workspace, bytes), 1, mlp_train_step_message(1), "DL1011");
    expect(mlp_train_step(batch, &p, x, labels, 0.1f, NULL, workspace, bytes), 1, mlp_train_step_message(1), "DL1011");
    if (mlp_train_step_workspace(batch)) {
        expect(mlp_train_step(batch, &p, x, labels, 0.1f, &loss, workspace, 0), 2, mlp_train_step_message(2), "DL1012");
        expect(mlp_train_step(batch, &p, x, labels, 0.1f, &loss, workspace + 4, bytes - 4), 4, mlp_train_step_message(4), "DL1014");
    }
    float *w1 = p.w1;
    p.w1 = NULL;
    expect(mlp_train_step(batch, &p, x, labels, 0.1f, &loss, workspace, bytes), 1, mlp_train_step_message(1), "DL1011");
    p.w1 = w1;
    if (loss != -1) return 2;

    long before = allocations;
    for (int64_t step = 0; step < steps; step++) {
        int32_t status = mlp_train_step(batch, &p, x, labels, 0.1f, &losses[step], workspace, bytes);
        if (status) {
            fprintf(stderr, "%s\n", mlp_train_step_message(status));
            return 1;
        }
    }
    if (mlp_predict(batch, &p, x, predictions, workspace, bytes)) return 1;
    if (allocations != before) return 3;

    print(losses, (size_t)steps);
    print(p.w1, FEATURES * HIDDEN);
    print(p.b1, HIDDEN);
    print(p.w2, HIDDEN * CLASSES);
    print(p.b2, CLASSES);
    for (int64_t i = 0; i < batch; i++) printf("%d\n", (int)predictions[i]);
    free(p.w1); free(p.b1); free(p.w2); free(p.b2);
    free(x); free(labels); free(predictions); free(losses); free(workspace);
    return 0;
}
