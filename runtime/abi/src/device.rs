//! What a library asks of a GPU: the struct that host programs pass to `_gpu` entries, and what a library gives to it.
//!
//! It is plain C, so that a host program may bring its own stream and memory. A library keeps nothing: what it loads on a
//! device, the device keeps, by the address and the hash of its kernels.

use std::ffi::{c_char, c_void};

/// The text of all kernels for one kind of device; the `dlc_image` of C.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Image {
    /// What it was made for: `80` for compute capability 8.0 and above, `90` for 9.0 only, whose text is for `sm_90a`.
    pub capability: i64,
    /// PTX, ended by a zero byte.
    pub text: *const c_char,
}

/// A kernel; the `dlc_kernel` of C.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// The name of its entry in every image, ended by a zero byte.
    pub name: *const c_char,
    /// How many parameters it has.
    pub parameters: i64,
}

/// All kernels of a library; the `dlc_kernels` of C.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Kernels {
    /// 32 hexadecimal digits of a hash of all texts, ended by a zero byte.
    pub hash: *const c_char,
    /// How many images there are.
    pub images: i64,
    /// The images; a device takes the one made for the most that it has.
    pub image: *const Image,
    /// How many kernels there are.
    pub count: i64,
    /// The kernels.
    pub kernel: *const Kernel,
}

/// A launch of a kernel; the `dlc_launch` of C.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Launch {
    /// The kernels of the library.
    pub kernels: *const Kernels,
    /// Which of them.
    pub kernel: i64,
    /// Blocks along x, y and z. With a 0 among them nothing is to be done.
    pub grid: [i64; 3],
    /// Threads of a block along x, y and z.
    pub block: [i64; 3],
    /// Blocks of a cluster along x, y and z; ones where there are no clusters.
    pub cluster: [i64; 3],
    /// Bytes of dynamic shared memory of a block.
    pub shared: i64,
    /// Where the value of each parameter is; they are read before the launch returns.
    pub arguments: *const *const c_void,
}

/// The most axes of a tensor that is read and written by tiles.
pub const TENSOR_MAP_RANK: usize = 5;
/// The size of a tensor map in bytes, which is also its alignment at most.
pub const TENSOR_MAP_BYTES: usize = 128;

/// How a tensor map is to be made, as `cuTensorMapEncodeTiled` takes it; the `dlc_tensor_map` of C. Axes are listed
/// innermost first. What lies outside reads as zeros and is not written.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct TensorMap {
    /// The tensor on the device, aligned to 16 bytes.
    pub address: *mut c_void,
    /// The number of the element type in `CUtensorMapDataType`.
    pub element: i64,
    /// How many axes there are, 1 to 5.
    pub rank: i64,
    /// The length of each axis.
    pub sizes: [i64; TENSOR_MAP_RANK],
    /// Bytes from one element of an axis to the next, multiples of 16; the first is not read.
    pub strides: [i64; TENSOR_MAP_RANK],
    /// The length of a tile along each axis.
    pub tile: [i64; TENSOR_MAP_RANK],
    /// Bytes within which 16-byte pieces change places in shared memory: 0, 32, 64 or 128.
    pub swizzle: i64,
}

/// From the memory of the program to that of the device; the first may be written again at once.
pub const TO_DEVICE: i32 = 0;
/// From the memory of the device to that of the program, where it is when the call returns.
pub const FROM_DEVICE: i32 = 1;
/// Within the memory of the device.
pub const ON_DEVICE: i32 = 2;

/// A device, or what stands for one; the `dlc_device` of C. Its functions give 0, or a status of their own for which the
/// entry returns [`crate::status::DEVICE`]. Work is done in the order of the calls; only copies from the device wait for it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Device {
    /// Its compute capability, ten times the major number and the minor one.
    pub capability: i64,
    /// Its multiprocessors.
    pub processors: i64,
    /// Launches a kernel.
    pub launch: unsafe extern "C" fn(context: *mut c_void, launch: *const Launch) -> i32,
    /// Copies so many bytes.
    pub copy: unsafe extern "C" fn(
        context: *mut c_void,
        to: *mut c_void,
        from: *const c_void,
        bytes: i64,
        way: i32,
    ) -> i32,
    /// Makes a tensor map, of `TENSOR_MAP_BYTES` at `map`, which is aligned to 64.
    pub tensor_map:
        unsafe extern "C" fn(context: *mut c_void, map: *mut c_void, how: *const TensorMap) -> i32,
    /// Passed to each.
    pub context: *mut c_void,
}

/// How C declares all of it, guarded, so that several headers may.
pub const C_DECLARATION: &str = "\
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
";
