/* GPUs for the calls of libraries built with `--gpu`; link libdlc_gpu_c.a or libdlc_gpu_c.so. NVIDIA's driver is looked
 * for when a GPU is opened; nothing else of CUDA is needed. Functions as model_f need none of what is below, but find the
 * library; those as model_f_gpu take a device:
 *
 *   dlc_gpu *gpu;
 *   if (dlc_gpu_open(0, &gpu)) { puts(dlc_gpu_message(NULL)); return 1; }
 *   void *x;
 *   dlc_gpu_alloc(gpu, bytes, &x);
 *   dlc_gpu_upload(gpu, x, input, bytes);
 *   if (model_f_gpu(dlc_gpu_device(gpu), ..., x, ...)) puts(dlc_gpu_message(gpu));
 *   dlc_gpu_free(gpu);
 *
 * A program that has memory and a stream of its own fills in a dlc_device instead, or opens its stream. A gpu may be used
 * from several threads; work is done in the order of the calls. A null gpu is refused with DLC_GPU_ARGUMENT. */
#ifndef DLC_GPU_H
#define DLC_GPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef DLC_DEVICE
#define DLC_DEVICE
/* The text of all kernels for one kind of device. */
typedef struct dlc_image {
  /* 80 for compute capability 8.0 and above, 90 for 9.0 only. */
  int64_t capability;
  /* PTX. */
  const char *text;
} dlc_image;

typedef struct dlc_kernel {
  /* The name of its entry in every image. */
  const char *name;
  /* How many parameters it has. */
  int64_t parameters;
} dlc_kernel;

/* All kernels of a library. */
typedef struct dlc_kernels {
  /* 32 hexadecimal digits of a hash of all texts. */
  const char *hash;
  /* The images; a device takes the one made for the most that it has. */
  int64_t images;
  const dlc_image *image;
  int64_t count;
  const dlc_kernel *kernel;
} dlc_kernels;

/* A launch of a kernel. */
typedef struct dlc_launch {
  const dlc_kernels *kernels;
  /* Which of them. */
  int64_t kernel;
  /* Blocks along x, y and z; with a 0 among them nothing is to be done. */
  int64_t grid[3];
  /* Threads of a block. */
  int64_t block[3];
  /* Blocks of a cluster; ones where there are no clusters. */
  int64_t cluster[3];
  /* Bytes of dynamic shared memory of a block. */
  int64_t shared;
  /* Where the value of each parameter is; they are read before the launch returns. */
  const void *const *arguments;
} dlc_launch;

/* How a tensor map is to be made, as cuTensorMapEncodeTiled takes it; axes are listed innermost first. */
typedef struct dlc_tensor_map {
  /* The tensor on the device, aligned to 16 bytes. */
  void *address;
  /* The number of the element type in CUtensorMapDataType. */
  int64_t element;
  /* How many axes there are, 1 to 5. */
  int64_t rank;
  /* The length of each axis. */
  int64_t sizes[5];
  /* Bytes from one element of an axis to the next, multiples of 16; the first is not read. */
  int64_t strides[5];
  /* The length of a tile along each axis. */
  int64_t tile[5];
  /* Bytes within which 16-byte pieces change places in shared memory: 0, 32, 64 or 128. */
  int64_t swizzle;
} dlc_tensor_map;

/* What way a copy goes: from the memory of the program, which may be written again at once; to it; or neither. */
#define DLC_TO_DEVICE 0
#define DLC_FROM_DEVICE 1
#define DLC_ON_DEVICE 2

/* What a GPU does for a library. Functions return 0, or a status of their own, for which an entry returns 5. Work is
 * done in the order of the calls; only copies from the device wait for it. */
typedef struct dlc_device {
  /* Its compute capability, ten times the major number and the minor one. */
  int64_t capability;
  /* Its multiprocessors. */
  int64_t processors;
  int32_t (*launch)(void *context, const dlc_launch *launch);
  int32_t (*copy)(void *context, void *to, const void *from, int64_t bytes, int32_t way);
  /* Writes 128 bytes at map, which is aligned to 64. */
  int32_t (*tensor_map)(void *context, void *map, const dlc_tensor_map *how);
  /* Passed to each. */
  void *context;
} dlc_device;
#endif
typedef struct dlc_gpu dlc_gpu;
typedef struct dlc_graph dlc_graph;

/* What functions return, of this header and of a dlc_device. */
enum {
  DLC_GPU_OK = 0,
  /* There is no driver, or it is too old. */
  DLC_GPU_NO_DRIVER = 1,
  DLC_GPU_NO_DEVICE = 2,
  /* The device is older than the kernels of the library. */
  DLC_GPU_OLD_DEVICE = 3,
  DLC_GPU_NO_MEMORY = 4,
  /* The kernels of the library are refused. */
  DLC_GPU_KERNELS = 5,
  /* A launch is refused or failed. */
  DLC_GPU_LAUNCH = 6,
  /* The device failed for good: nothing more can be done in this process. */
  DLC_GPU_LOST = 7,
  /* An argument is none that the function takes. */
  DLC_GPU_ARGUMENT = 8,
  /* Another function of the driver failed. */
  DLC_GPU_DRIVER = 9,
  DLC_GPU_INTERNAL = 10
};

/* Opens a GPU by its number, from 0, with a stream of its own. What fails leaves NULL in *gpu. */
int32_t dlc_gpu_open(int32_t ordinal, dlc_gpu **gpu);
/* Opens the GPU of a stream of the program, a CUstream or cudaStream_t, on which all work is done from then on; NULL is
 * the default stream of the current context. The stream outlives the gpu. */
int32_t dlc_gpu_open_stream(void *cuda_stream, dlc_gpu **gpu);
/* Opens an interpreter in the place of a GPU, of a compute capability, 80 or 90 say, with 1 GiB of memory. It stops at the
 * first fault of a kernel and names its line; it is for tests, and slow. */
int32_t dlc_gpu_open_emulated(int64_t capability, dlc_gpu **gpu);
/* Frees all memory of a gpu, and ends it; its graphs are freed before. Nothing for NULL. */
void dlc_gpu_free(dlc_gpu *gpu);

/* What to pass to `_gpu` entries, until the gpu is freed; NULL for NULL. */
const dlc_device *dlc_gpu_device(const dlc_gpu *gpu);
/* The words of the last error of a gpu, in these functions and in entries; for NULL those of the last error on this
 * thread that is of no gpu, as of opening one. Empty if there was none. They stay until the thread asks again. */
const char *dlc_gpu_message(const dlc_gpu *gpu);

/* So many bytes on the device, aligned to 256. */
int32_t dlc_gpu_alloc(dlc_gpu *gpu, int64_t bytes, void **address);
/* Gives back what dlc_gpu_alloc gave; it is kept for the next use, which the work before does not disturb. */
int32_t dlc_gpu_release(dlc_gpu *gpu, void *address);
/* Gives back to the driver all that is kept. */
int32_t dlc_gpu_trim(dlc_gpu *gpu);
/* Copies to the device; `from` may be written again at once. */
int32_t dlc_gpu_upload(dlc_gpu *gpu, void *to, const void *from, int64_t bytes);
/* Copies from the device, and waits for it. */
int32_t dlc_gpu_download(dlc_gpu *gpu, void *to, const void *from, int64_t bytes);
/* Waits for all work. What failed in it is returned here, or by a later call. */
int32_t dlc_gpu_synchronize(dlc_gpu *gpu);

/* From here on, what calls of entries would do is noted and not done, until dlc_gpu_end_capture. Values that are no
 * pointers stay what they are now. Meanwhile nothing is copied from the device and no memory is taken. */
int32_t dlc_gpu_begin_capture(dlc_gpu *gpu);
/* What was noted, to be done with one launch each time; NULL is left where it can't be. */
int32_t dlc_gpu_end_capture(dlc_gpu *gpu, dlc_graph **graph);
/* Does it once more; the memory that it uses is still there. */
int32_t dlc_graph_launch(dlc_gpu *gpu, dlc_graph *graph);
/* Nothing for NULL. */
void dlc_graph_free(dlc_graph *graph);

/* By this function a library that was built with `--gpu` finds a device for entries that are passed none, as model_f. It
 * looks in the program first, then in libdlc_gpu_c.so. A program that links libdlc_gpu_c.a has it with the linker's option
 * `-u dlc_gpu_runtime`; programs do not call it. */
typedef struct dlc_runtime dlc_runtime;
const dlc_runtime *dlc_gpu_runtime(void);

#ifdef __cplusplus
}
#endif

#endif /* DLC_GPU_H */
