/* Trains and evaluates the compiled classifier from C: `main DATA_DIR [LOSSES]`.
 *
 * LOSSES gets a line for each epoch, the bits of its mean loss, by which the hosts in other languages are compared.
 * The order of the samples is the Rust host's, so both print the same loss and accuracy. All memory is
 * allocated before the training loop; the library allocates none. */
#include "digits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 64, HIDDEN = 128, CLASSES = 10, BATCH = 32, EPOCHS = 60 };

static void fail(const char *what, const char *why) {
    fprintf(stderr, "digits: %s: %s\n", what, why);
    exit(1);
}

static void *allocate(size_t bytes) {
    /* aligned_alloc wants a multiple of the alignment. */
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    if (!p) fail("memory", "none left");
    return p;
}

/* The data of a NumPy file of format version 1, whose header says `descr`; `*rows` is its first dim. */
static void *read_npy(const char *folder, const char *name, const char *descr, size_t row_bytes, size_t *rows) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) fail(path, "cannot be opened");
    unsigned char head[10];
    char header[1024];
    if (fread(head, 1, 10, file) != 10 || memcmp(head, "\x93NUMPY\x01", 7)) fail(path, "is no NumPy file");
    size_t length = head[8] + 256u * head[9];
    if (length >= sizeof header || fread(header, 1, length, file) != length) fail(path, "is truncated");
    header[length] = 0;
    const char *shape = strstr(header, "'shape': (");
    if (!strstr(header, descr) || !shape) fail(path, "holds another type");
    *rows = (size_t)strtoull(shape + 10, NULL, 10);
    void *data = allocate(*rows * row_bytes);
    if (fread(data, row_bytes, *rows, file) != *rows) fail(path, "is truncated");
    fclose(file);
    return data;
}

/* Knuth's MMIX generator; the high bits are the good ones. */
static uint64_t random_state = 1;
static size_t random_below(size_t n) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((random_state >> 33) % n);
}

static digits_Params allocate_params(void) {
    digits_Params p;
    p.w1 = allocate(PIXELS * HIDDEN * sizeof(float));
    p.b1 = allocate(HIDDEN * sizeof(float));
    p.w2 = allocate(HIDDEN * CLASSES * sizeof(float));
    p.b2 = allocate(CLASSES * sizeof(float));
    return p;
}

static void free_params(digits_Params p) {
    free(p.w1);
    free(p.b1);
    free(p.w2);
    free(p.b2);
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) fail("usage", "main DATA_DIR [LOSSES]");
    FILE *losses = argc == 3 ? fopen(argv[2], "w") : NULL;
    if (argc == 3 && !losses) fail(argv[2], "cannot be written");
    size_t n, m;
    uint8_t *images = read_npy(argv[1], "images.npy", "|u1", PIXELS, &n);
    int32_t *labels = read_npy(argv[1], "labels.npy", "<i4", sizeof(int32_t), &m);
    if (n != m) fail("data", "images and labels differ in number");

    /* Every fifth sample is held back. */
    size_t *train = allocate(n * sizeof *train), *test = allocate(n * sizeof *test), trains = 0, tests = 0;
    for (size_t i = 0; i < n; ++i) {
        if (i % 5 == 0) test[tests++] = i;
        else train[trains++] = i;
    }

    digits_State state = {allocate_params(), allocate_params(), allocate_params(), allocate(sizeof(float))};
    uint8_t *batch_images = allocate(n * PIXELS);
    int32_t *batch_labels = allocate(n * sizeof *batch_labels), *predicted = allocate(n * sizeof *predicted);

    size_t bytes = digits_init_workspace();
    if (digits_train_step_workspace(BATCH) > bytes) bytes = digits_train_step_workspace(BATCH);
    if (digits_predict_workspace((int64_t)tests) > bytes) bytes = digits_predict_workspace((int64_t)tests);
    void *workspace = allocate(bytes);

    const uint32_t key[2] = {0, 42};
    int32_t status = digits_init(key, &state, workspace, bytes);
    if (status) fail("init", digits_init_message(status));

    float loss = 0;
    double mean = 0;
    for (int epoch = 0; epoch < EPOCHS; ++epoch) {
        for (size_t i = trains - 1; i > 0; --i) {
            size_t j = random_below(i + 1), t = train[i];
            train[i] = train[j];
            train[j] = t;
        }
        mean = 0;
        for (size_t at = 0; at < trains; at += BATCH) {
            size_t b = trains - at < BATCH ? trains - at : BATCH;
            for (size_t i = 0; i < b; ++i) {
                memcpy(batch_images + i * PIXELS, images + train[at + i] * PIXELS, PIXELS);
                batch_labels[i] = labels[train[at + i]];
            }
            status = digits_train_step((int64_t)b, &state, batch_images, batch_labels, 1e-3f, &loss, workspace, bytes);
            if (status) fail("train_step", digits_train_step_message(status));
            mean += (double)loss * (double)b;
        }
        mean /= (double)trains;
        uint64_t bits;
        memcpy(&bits, &mean, sizeof bits);
        if (losses) fprintf(losses, "%016" PRIx64 "\n", bits);
    }

    for (size_t i = 0; i < tests; ++i) memcpy(batch_images + i * PIXELS, images + test[i] * PIXELS, PIXELS);
    status = digits_predict((int64_t)tests, &state.params, batch_images, predicted, workspace, bytes);
    if (status) fail("predict", digits_predict_message(status));
    size_t right = 0;
    for (size_t i = 0; i < tests; ++i) right += predicted[i] == labels[test[i]];
    printf("C: mean loss of the last epoch %.6f, test accuracy %.4f (%zu of %zu)\n", mean, (double)right / (double)tests, right, tests);

    if (losses && fclose(losses)) fail(argv[2], "cannot be written");
    free_params(state.params);
    free_params(state.m);
    free_params(state.v);
    free(state.step);
    free(images);
    free(labels);
    free(train);
    free(test);
    free(batch_images);
    free(batch_labels);
    free(predicted);
    free(workspace);
    return 0;
}
