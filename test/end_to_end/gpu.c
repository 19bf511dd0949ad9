/* Trains on the CPU and on the interpreter in the place of a GPU, where parameters stay on the device, and compares; then
 * calls the entry with a device that fails, one that is missing, and a workspace that is too small. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlc_gpu.h"
#include "mlp.h"

enum { BATCH = 5, STEPS = 3, LEAVES = 4, INPUTS = 16, HIDDEN = 24, CLASSES = 10 };
static const size_t SIZES[LEAVES] = {INPUTS * HIDDEN, HIDDEN, HIDDEN * CLASSES, CLASSES};

#define ENSURE(holds, text)                                   \
  do {                                                        \
    if (!(holds)) {                                           \
      fprintf(stderr, "line %d: %s\n", __LINE__, text);       \
      exit(1);                                                \
    }                                                         \
  } while (0)

static float values[LEAVES][INPUTS * HIDDEN], x[BATCH * INPUTS];
static int32_t labels[BATCH];

static void fill(void) {
  unsigned state = 1;
  for (int leaf = 0; leaf < LEAVES; leaf++)
    for (size_t i = 0; i < SIZES[leaf]; i++)
      values[leaf][i] = ((state = state * 1664525u + 1013904223u) >> 8) / 8388608.0f * 0.1f - 0.1f;
  for (int i = 0; i < BATCH * INPUTS; i++)
    x[i] = ((state = state * 1664525u + 1013904223u) >> 8) / 16777216.0f;
  for (int i = 0; i < BATCH; i++) labels[i] = i % CLASSES;
}

static mlp_Params params(float *const leaves[LEAVES]) {
  mlp_Params p;
  memcpy(&p, leaves, sizeof p);
  return p;
}

static int32_t refuses(void *context, const dlc_launch *launch) {
  (void)context;
  (void)launch;
  return 1;
}

int main(void) {
  float losses[2][STEPS];
  static float after[2][LEAVES][INPUTS * HIDDEN];
  fill();

  float *host[LEAVES];
  for (int i = 0; i < LEAVES; i++) {
    memcpy(after[0][i], values[i], SIZES[i] * sizeof(float));
    host[i] = after[0][i];
  }
  mlp_Params p = params(host);
  size_t bytes = mlp_train_step_workspace(BATCH);
  void *workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
  ENSURE(workspace, "no memory");
  for (int i = 0; i < STEPS; i++)
    ENSURE(!mlp_train_step(BATCH, &p, x, labels, 0.1f, &losses[0][i], workspace, bytes), "a step on the CPU");

  dlc_gpu *gpu;
  ENSURE(!dlc_gpu_open_emulated(80, &gpu), dlc_gpu_message(NULL));
  const dlc_device *device = dlc_gpu_device(gpu);
  void *leaves[LEAVES], *there[2], *loss, *scratch;
  for (int i = 0; i < LEAVES; i++) {
    int64_t size = (int64_t)(SIZES[i] * sizeof(float));
    ENSURE(!dlc_gpu_alloc(gpu, size, &leaves[i]), dlc_gpu_message(gpu));
    ENSURE(!dlc_gpu_upload(gpu, leaves[i], values[i], size), dlc_gpu_message(gpu));
  }
  size_t on_device = mlp_train_step_workspace_gpu(BATCH);
  ENSURE(!dlc_gpu_alloc(gpu, sizeof x, &there[0]), dlc_gpu_message(gpu));
  ENSURE(!dlc_gpu_alloc(gpu, sizeof labels, &there[1]), dlc_gpu_message(gpu));
  ENSURE(!dlc_gpu_alloc(gpu, sizeof(float), &loss), dlc_gpu_message(gpu));
  ENSURE(!dlc_gpu_alloc(gpu, (int64_t)on_device, &scratch), dlc_gpu_message(gpu));
  ENSURE(!dlc_gpu_upload(gpu, there[0], x, sizeof x), dlc_gpu_message(gpu));
  ENSURE(!dlc_gpu_upload(gpu, there[1], labels, sizeof labels), dlc_gpu_message(gpu));
  float *pointers[LEAVES];
  memcpy(pointers, leaves, sizeof pointers);
  mlp_Params q = params(pointers);
  for (int i = 0; i < STEPS; i++) {
    int32_t status = mlp_train_step_gpu(device, BATCH, &q, there[0], there[1], 0.1f, loss, scratch, on_device);
    ENSURE(!status, dlc_gpu_message(gpu));
    ENSURE(!dlc_gpu_download(gpu, &losses[1][i], loss, sizeof(float)), dlc_gpu_message(gpu));
  }
  for (int i = 0; i < LEAVES; i++)
    ENSURE(!dlc_gpu_download(gpu, after[1][i], leaves[i], (int64_t)(SIZES[i] * sizeof(float))), dlc_gpu_message(gpu));

  ENSURE(losses[0][STEPS - 1] < losses[0][0], "the loss does not fall");
  for (int i = 0; i < STEPS; i++)
    ENSURE(fabsf(losses[0][i] - losses[1][i]) <= 1e-5f * fabsf(losses[0][i]), "the losses differ");
  for (int leaf = 0; leaf < LEAVES; leaf++)
    for (size_t i = 0; i < SIZES[leaf]; i++)
      ENSURE(fabsf(after[0][leaf][i] - after[1][leaf][i]) <= 1e-5f, "the parameters differ");

  dlc_device bad = *device;
  bad.launch = refuses;
  int32_t status = mlp_train_step_gpu(&bad, BATCH, &q, there[0], there[1], 0.1f, loss, scratch, on_device);
  ENSURE(status == 5, "a device that fails");
  ENSURE(!strcmp(mlp_train_step_message(status), "DL1015 train_step: the device failed; it says why"),
         mlp_train_step_message(status));
  status = mlp_train_step_gpu(NULL, BATCH, &q, there[0], there[1], 0.1f, loss, scratch, on_device);
  ENSURE(status == 1, "no device");
  status = mlp_train_step_gpu(device, BATCH, &q, there[0], there[1], 0.1f, loss, scratch, on_device - 1);
  ENSURE(status == 2, "a workspace that is too small");

  dlc_gpu_free(gpu);
  free(workspace);
  return 0;
}
