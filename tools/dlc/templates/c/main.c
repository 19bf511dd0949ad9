/* Trains the network of spiral.dl on points that it makes, and prints the loss as it falls.
 *
 * All memory is the program's: the model takes pointers and allocates none. */
#include "spiral.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* HIDDEN and ARMS as in spiral.dl. */
enum { HIDDEN = 32, ARMS = 3, POINTS = 100 * ARMS, STEPS = 500 };

static void check(int32_t status, const char *message) {
    if (status == 0) return;
    fprintf(stderr, "%s\n", message);
    exit(1);
}

static float *numbers(size_t n) {
    float *p = calloc(n, sizeof *p);
    if (p == NULL) check(1, "no memory");
    return p;
}

static spiral_Params new_params(void) {
    spiral_Params p = {
        .w1 = numbers(2 * HIDDEN), .b1 = numbers(HIDDEN), .w2 = numbers(HIDDEN * ARMS), .b2 = numbers(ARMS)};
    return p;
}

/* Points on the arms of a spiral, and the arm of each. */
static void make_spiral(float points[POINTS][2], int32_t arms[POINTS]) {
    for (int i = 0; i < POINTS; ++i) {
        double radius = (double)(i / ARMS + 1) / (POINTS / ARMS);
        double angle = 4 * radius + 2 * 3.141592653589793 / ARMS * (i % ARMS);
        points[i][0] = (float)(radius * cos(angle));
        points[i][1] = (float)(radius * sin(angle));
        arms[i] = i % ARMS;
    }
}

int main(void) {
    static float points[POINTS][2];
    static int32_t arms[POINTS], predicted[POINTS];
    make_spiral(points, arms);

    /* The structs are those of spiral.dl, with a pointer for each tensor. */
    int32_t step = 0;
    spiral_State state = {.params = new_params(), .adam = {.m = new_params(), .v = new_params(), .step = &step}};

    /* Scratch memory for any of the calls below. */
    size_t bytes = spiral_init_workspace();
    if (spiral_train_step_workspace(POINTS) > bytes) bytes = spiral_train_step_workspace(POINTS);
    if (spiral_predict_workspace(POINTS) > bytes) bytes = spiral_predict_workspace(POINTS);
    void *workspace = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (workspace == NULL) check(1, "no memory");

    const uint32_t key[2] = {0, 42};
    int32_t status = spiral_init(key, &state, workspace, bytes);
    check(status, spiral_init_message(status));

    float loss;
    for (int i = 0; i <= STEPS; ++i) {
        status = spiral_train_step(POINTS, &state, &points[0][0], arms, 0.02f, &loss, workspace, bytes);
        check(status, spiral_train_step_message(status));
        if (i % 100 == 0) printf("step %3d  loss %.4f\n", i, loss);
    }

    status = spiral_predict(POINTS, &state.params, &points[0][0], predicted, workspace, bytes);
    check(status, spiral_predict_message(status));
    int right = 0;
    for (int i = 0; i < POINTS; ++i) right += predicted[i] == arms[i];
    printf("%d of %d points are told right\n", right, POINTS);
    return 0;
}
