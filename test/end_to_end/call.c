/* Calls functions of a library, as its standard input says: `call LIBRARY`.
 *
 * A request is, in numbers of 64 bits: lengths of two names, how many dims and leaves there are; then the names of the packed
 * entry and of the function for its workspace, the dims, and for each leaf its size and its bytes. The answer is the status
 * and the bytes of all leaves. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int32_t packed(const int64_t *dims, void *const *leaves, void *workspace, size_t bytes);
/* Functions that take fewer find theirs in the first registers. */
typedef size_t workspace(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);

enum { MOST_DIMS = 8, MOST_LEAVES = 64, NAME = 256 };

static FILE *answers;

static void take(void *to, size_t bytes) {
    if (bytes && fread(to, bytes, 1, stdin) != 1) exit(3);
}

static void give(const void *from, size_t bytes) {
    if (bytes && fwrite(from, bytes, 1, answers) != 1) exit(4);
}

static void *allocate(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (!p) exit(5);
    return p;
}

int main(int argc, char **argv) {
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library) {
        fprintf(stderr, "no library: %s\n", dlerror());
        return 2;
    }
    /* What the library prints does not come between answers. */
    answers = fdopen(dup(1), "wb");
    dup2(2, 1);
    uint64_t head[4];
    while (fread(head, sizeof head, 1, stdin) == 1) {
        char names[2][NAME] = {{0}};
        int64_t dims[MOST_DIMS] = {0};
        void *leaves[MOST_LEAVES];
        uint64_t sizes[MOST_LEAVES];
        if (head[0] >= NAME || head[1] >= NAME || head[2] > MOST_DIMS || head[3] > MOST_LEAVES) return 6;
        take(names[0], head[0]);
        take(names[1], head[1]);
        take(dims, head[2] * sizeof *dims);
        for (uint64_t i = 0; i < head[3]; ++i) {
            take(&sizes[i], sizeof *sizes);
            leaves[i] = allocate(sizes[i]);
            take(leaves[i], sizes[i]);
        }
        packed *call = (packed *)dlsym(library, names[0]);
        workspace *needs = (workspace *)dlsym(library, names[1]);
        if (!call || !needs) return 7;
        size_t bytes = needs(dims[0], dims[1], dims[2], dims[3], dims[4], dims[5], dims[6], dims[7]);
        void *memory = allocate(bytes);
        int64_t status = call(dims, leaves, memory, bytes);
        give(&status, sizeof status);
        for (uint64_t i = 0; i < head[3]; ++i) {
            give(leaves[i], sizes[i]);
            free(leaves[i]);
        }
        fflush(answers);
        free(memory);
    }
    return 0;
}
