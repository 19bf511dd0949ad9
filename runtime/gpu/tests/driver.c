/* A driver for the tests: memory of the program, and a stream that does nothing before it is waited for. It refuses what
 * is out of order, as calls without a current context, and counts what is alive. Programs that are not the tests' set it by
 * variables of the environment. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK, INVALID = 1, NO_ROOM = 2, STUB = 34, NO_DEVICE = 100, BAD_IMAGE = 200, NO_CONTEXT = 201, BAD_PTX = 218,
       NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, NO_RESOURCES = 701, CANT_CAPTURE = 900, BAD_CAPTURE = 901 };

/* What the tests set and see, as they declare it. */
struct fake {
  int64_t version, devices, is_stub, capability, refuses_cubins, room;
  int64_t alive, links, loads, launches, cluster, shared, synchronised, map_rank, map_stride;
} fake;

typedef struct op { int kind; char *to; const char *from; size_t bytes; int byte; struct op *next; } op;
enum { COPY, FILL, ADD_ONE, CRASH, MARK };
typedef struct { op *first, **last; } list;
typedef struct { char *text; } module;
typedef struct { module *module; char name[64]; int shared; } function;

static struct context { int device; } context;
static struct stream { list work, *captured; } ours, theirs;
static __thread void *current[8];
static __thread int depth;
static int lost;

#define CURRENT if (!depth || current[depth - 1] != &context) return NO_CONTEXT; if (lost) return ILLEGAL_ADDRESS

void fake_reset(void) {
  memset(&fake, 0, sizeof fake);
  fake.version = 12080; fake.devices = 1; fake.capability = 90; fake.room = 1 << 24;
  memset(&ours, 0, sizeof ours); memset(&theirs, 0, sizeof theirs);
  ours.work.last = &ours.work.first; theirs.work.last = &theirs.work.first;
  lost = 0; depth = 0;
}
/* What every kernel does, and every text, whatever its words. */
static int crashes, refuses;
static int64_t set(const char *name, int64_t otherwise) { const char *text = getenv(name); return text ? atoll(text) : otherwise; }
__attribute__((constructor)) static void begin(void) {
  fake_reset();
  fake.capability = set("FAKE_CAPABILITY", fake.capability);
  fake.room = set("FAKE_ROOM", fake.room);
  crashes = set("FAKE_CRASHES", 0); refuses = set("FAKE_REFUSES", 0);
}
/* The stream of the program, and whether its context is current. */
void *fake_stream(void) { return &theirs; }
int fake_depth(void) { return depth; }

int cuDriverGetVersion(int *version) { *version = fake.version; return OK; }
int cuInit(unsigned flags) { return flags ? INVALID : fake.is_stub ? STUB : fake.devices ? OK : NO_DEVICE; }
int cuGetErrorName(int error, const char **text) {
  *text = error == ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS" : error == BAD_PTX ? "CUDA_ERROR_INVALID_PTX" : "CUDA_ERROR"; return OK;
}
int cuGetErrorString(int error, const char **text) { *text = error == ILLEGAL_ADDRESS ? "an illegal access" : "words"; return OK; }
int cuDeviceGetCount(int *count) { *count = fake.devices; return OK; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return OK; }
int cuDeviceGetName(char *name, int bytes, int device) { (void)device; strncpy(name, "Fake driver", bytes); return OK; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = fake.room; return OK; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  switch (attribute) {
  case 1: case 2: case 3: *value = 1024; break;      /* threads, and along x and y */
  case 4: *value = 64; break;
  case 5: *value = 2147483647; break;
  case 6: case 7: *value = 65535; break;
  case 16: *value = 132; break;
  case 75: *value = fake.capability / 10; break;
  case 76: *value = fake.capability % 10; break;
  case 97: *value = 232448; break;
  case 120: *value = fake.capability >= 90; break;
  default: return INVALID;
  }
  return OK;
}
int cuDevicePrimaryCtxRetain(void **out, int device) { context.device = device; fake.alive++; *out = &context; return OK; }
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; fake.alive--; return OK; }
int cuCtxGetCurrent(void **out) { *out = depth ? current[depth - 1] : 0; return OK; }
int cuCtxPushCurrent_v2(void *c) { current[depth++] = c; return OK; }
int cuCtxPopCurrent_v2(void **out) { if (!depth) return NO_CONTEXT; *out = current[--depth]; return OK; }
int cuCtxGetDevice(int *device) { CURRENT; *device = context.device; return OK; }
int cuStreamCreate(void **out, unsigned flags) { CURRENT; if (flags != 1) return INVALID; fake.alive++; *out = &ours; return OK; }
int cuStreamDestroy_v2(void *s) { CURRENT; if (s != &ours) return INVALID; fake.alive--; return OK; }
int cuStreamGetCtx(void *s, void **out) { if (!s && !depth) return NO_CONTEXT; *out = &context; return OK; }

static int enqueue(struct stream *s, op what) {
  if (!s) s = &theirs;
  op *made = malloc(sizeof *made);
  *made = what; made->next = 0;
  list *to = s->captured ? s->captured : &s->work;
  *to->last = made; to->last = &made->next;
  return OK;
}
/* The time is how many marks were reached, 0.25 ms each. */
static int64_t marked;
static void perform(const op *o) {
  switch (o->kind) {
  case COPY: memmove(o->to, o->from, o->bytes); break;
  case FILL: memset(o->to, o->byte, o->bytes); break;
  case ADD_ONE: for (size_t i = 0; i < o->bytes; i++) o->to[i]++; break;
  case CRASH: lost = 1; break;
  case MARK: *(int64_t *)o->to = ++marked; break;
  }
}
static void drop(list *l) { for (op *o = l->first, *next; o; o = next) { next = o->next; free(o); } l->first = 0; l->last = &l->first; }
int cuStreamSynchronize(struct stream *s) {
  CURRENT;
  if (!s) s = &theirs;
  if (s->captured) return CANT_CAPTURE;
  fake.synchronised++;
  for (op *o = s->work.first; o && !lost; o = o->next) perform(o);
  drop(&s->work);
  return lost ? ILLEGAL_ADDRESS : OK;
}
int cuStreamBeginCapture_v2(struct stream *s, int mode) {
  CURRENT;
  if (!s) return CANT_CAPTURE;
  if (mode != 2 || s->captured) return INVALID;
  s->captured = calloc(1, sizeof *s->captured); s->captured->last = &s->captured->first; fake.alive++;
  return OK;
}
int cuStreamEndCapture(struct stream *s, list **graph) {
  CURRENT;
  if (!s->captured) return BAD_CAPTURE;
  *graph = s->captured; s->captured = 0;
  return OK;
}
int cuGraphDestroy(list *graph) { CURRENT; drop(graph); free(graph); fake.alive--; return OK; }
int cuGraphInstantiateWithFlags(list **exec, list *graph, unsigned long long flags) {
  CURRENT;
  if (flags) return INVALID;
  *exec = calloc(1, sizeof **exec); (*exec)->last = &(*exec)->first; fake.alive++;
  for (op *o = graph->first; o; o = o->next) {
    op *made = malloc(sizeof *made);
    *made = *o; made->next = 0; *(*exec)->last = made; (*exec)->last = &made->next;
  }
  return OK;
}
int cuGraphLaunch(list *exec, struct stream *s) { CURRENT; for (op *o = exec->first; o; o = o->next) enqueue(s, *o); return OK; }
int cuGraphExecDestroy(list *exec) { CURRENT; drop(exec); free(exec); fake.alive--; return OK; }

int cuEventCreate(int64_t **out, unsigned flags) { CURRENT; if (flags) return INVALID; fake.alive++; *out = calloc(1, sizeof **out); return OK; }
int cuEventRecord(int64_t *event, struct stream *s) { CURRENT; return enqueue(s, (op){MARK, (char *)event, 0, 0, 0, 0}); }
int cuEventElapsedTime(float *ms, int64_t *from, int64_t *to) { CURRENT; if (!*from || !*to) return INVALID; *ms = (*to - *from) * 0.25f; return OK; }
int cuEventDestroy_v2(int64_t *event) { CURRENT; fake.alive--; free(event); return OK; }

/* The size of an allocation stands before it. */
int cuMemAlloc_v2(char **out, size_t bytes) {
  CURRENT;
  if ((int64_t)bytes > fake.room) return NO_ROOM;
  char *start = aligned_alloc(256, (bytes + 511) / 256 * 256);
  memcpy(start, &bytes, sizeof bytes);
  memset(start + 256, 0xee, bytes);
  fake.room -= bytes; fake.alive++; *out = start + 256;
  return OK;
}
int cuMemFree_v2(char *address) {
  CURRENT;
  size_t bytes;
  memcpy(&bytes, address - 256, sizeof bytes);
  fake.room += bytes; fake.alive--; free(address - 256);
  return OK;
}
int cuMemGetInfo_v2(size_t *unused, size_t *total) { CURRENT; *unused = fake.room; *total = 1 << 24; return OK; }
int cuMemAllocHost_v2(void **out, size_t bytes) { CURRENT; fake.alive++; *out = malloc(bytes); return OK; }
int cuMemFreeHost(void *memory) { CURRENT; fake.alive--; free(memory); return OK; }
int cuMemcpyHtoDAsync_v2(char *to, const char *from, size_t bytes, struct stream *s) { CURRENT; return enqueue(s, (op){COPY, to, from, bytes, 0, 0}); }
int cuMemcpyDtoHAsync_v2(char *to, const char *from, size_t bytes, struct stream *s) { CURRENT; return enqueue(s, (op){COPY, to, from, bytes, 0, 0}); }
int cuMemcpyDtoDAsync_v2(char *to, const char *from, size_t bytes, struct stream *s) { CURRENT; return enqueue(s, (op){COPY, to, from, bytes, 0, 0}); }
int cuMemsetD8Async(char *to, unsigned char byte, size_t bytes, struct stream *s) { CURRENT; return enqueue(s, (op){FILL, to, 0, bytes, byte, 0}); }

/* Both options are the log and its size. */
static int refuse(unsigned count, const int *options, void **values) {
  if (count != 2 || options[0] != 5 || options[1] != 6 || (size_t)values[1] < 64) return INVALID;
  strcpy(values[0], "ptxas application ptx input, line 3; error");
  return BAD_PTX;
}
int cuModuleLoadDataEx(module **out, const char *text, unsigned count, int *options, void **values) {
  CURRENT;
  if (refuses || strstr(text, "refused")) return refuse(count, options, values);
  if (fake.refuses_cubins && !strncmp(text, "CUBIN", 5)) return BAD_IMAGE;
  fake.loads++; fake.alive++;
  *out = malloc(sizeof **out); (*out)->text = strdup(text);
  return OK;
}
int cuModuleUnload(module *m) { CURRENT; fake.alive--; free(m->text); free(m); return OK; }
int cuModuleGetFunction(function **out, module *m, const char *name) {
  CURRENT;
  if (!strstr(m->text, name)) return NOT_FOUND;
  function *f = calloc(1, sizeof *f);
  f->module = m; strcpy(f->name, name); f->shared = 48 << 10; *out = f;
  return OK;
}
int cuFuncSetAttribute(function *f, int attribute, int value) { CURRENT; if (attribute != 8) return INVALID; f->shared = value; return OK; }

typedef struct { char *text, *cubin; } linking;
int cuLinkCreate_v2(unsigned count, int *options, void **values, linking **out) {
  CURRENT;
  if (count != 2 || options[0] != 5 || !values[0]) return INVALID;
  fake.alive++; *out = calloc(1, sizeof **out);
  return OK;
}
int cuLinkAddData_v2(linking *l, int type, const char *text, size_t bytes, const char *name, unsigned count, int *options, void **values) {
  CURRENT;
  (void)options; (void)values;
  if (type != 1 || !name || count || bytes != strlen(text) + 1) return INVALID;
  if (refuses || strstr(text, "refused")) return BAD_PTX;
  l->text = strdup(text);
  return OK;
}
int cuLinkComplete(linking *l, void **cubin, size_t *bytes) {
  CURRENT;
  fake.links++;
  *bytes = strlen(l->text) + 7;
  l->cubin = malloc(*bytes); strcpy(l->cubin, "CUBIN:"); strcat(l->cubin, l->text); *cubin = l->cubin;
  return OK;
}
int cuLinkDestroy(linking *l) { CURRENT; fake.alive--; free(l->text); free(l->cubin); free(l); return OK; }

typedef struct { int id; char pad[4]; struct { unsigned x, y, z; char rest[52]; } value; } attribute;
typedef struct { unsigned grid[3], block[3], shared; struct stream *stream; attribute *attributes; unsigned count; } config;
/* All kernels take an address and a number of bytes. */
int cuLaunchKernelEx(const config *c, function *f, void **arguments, void **extra) {
  CURRENT;
  if (extra || (int)c->shared > f->shared || !c->grid[0] || !c->block[0]) return INVALID;
  if (!strcmp(f->name, "fail")) return NO_RESOURCES;
  fake.launches++; fake.shared = c->shared;
  fake.cluster = c->count == 1 && c->attributes->id == 4 ? c->attributes->value.x : 0;
  return enqueue(c->stream, (op){crashes || !strcmp(f->name, "crash") ? CRASH : ADD_ONE, *(char **)arguments[0], 0, *(size_t *)arguments[1], 0, 0});
}
int cuTensorMapEncodeTiled(uint64_t *map, int type, unsigned rank, void *address, const uint64_t *sizes, const uint64_t *strides,
                           const unsigned *tile, const unsigned *steps, int interleave, int swizzle, int promotion, int fill) {
  CURRENT;
  if (type != 9 || interleave || swizzle != 3 || fill || promotion != 2 || steps[0] != 1) return INVALID;
  memset(map, 0, 128);
  map[0] = (uint64_t)address; map[1] = sizes[1]; map[15] = tile[0];
  fake.map_rank = rank; fake.map_stride = strides[0];
  return OK;
}
