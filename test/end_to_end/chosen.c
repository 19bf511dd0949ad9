/* Calls an entry twice and prints the status of each, or all that it wrote, and whether the workspace is as it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chosen.h"

enum { N = 40 };

int main(void) {
  float w[24], x[N * 6], out[4] = {-1, -1, -1, -1};
  int32_t rounds = 7;
  for (int i = 0; i < 24; i++) w[i] = (float)(i % 5);
  for (int i = 0; i < N * 6; i++) x[i] = (float)(i % 7);
  chosen_Params p = {w, &rounds};
  size_t bytes = chosen_step_workspace(N);
  unsigned char *workspace = aligned_alloc(64, bytes + 64 - bytes % 64);
  if (!workspace) return 1;
  for (int call = 0; call < 2; call++) {
    memset(workspace, 0xa5, bytes);
    int32_t status = chosen_step(N, &p, x, 2.0f, out, workspace, bytes);
    if (status) printf("status %d: %s\n", (int)status, chosen_step_message(status));
    printf("%g %g %g %g, %g, %d\n", out[0], out[1], out[2], out[3], w[23], (int)rounds);
    size_t same = 0;
    while (same < bytes && workspace[same] == 0xa5) same++;
    printf("the workspace is %s\n", same == bytes ? "as it was" : "used");
  }
  free(workspace);
  return 0;
}
