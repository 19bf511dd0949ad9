//! What every device does alike: the interpreter on any machine, and a GPU where there is one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::{CStr, c_void};

use dlc_gpu::{
    Address, Capability, DeviceBuffer, EncodedMap, Gpu, GpuError, Image, Images, Kernel, Settings,
    Shape,
};

/// Kernels for 8.0 and above; the numbers are `u32`.
const ABOVE_80: &CStr = c"
.version 8.0
.target sm_80
.address_size 64
.extern .shared .align 16 .b8 dynamic[];

// Adds d to n numbers at p.
.visible .entry add(.param .u64 p, .param .u32 n, .param .u32 d)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [p];
  ld.param.u32 %r1, [n];
  ld.param.u32 %r7, [d];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r5, %r1;
  @%p1 bra DONE;
  cvta.to.global.u64 %rd1, %rd1;
  mul.wide.s32 %rd2, %r5, 4;
  add.s64 %rd3, %rd1, %rd2;
  ld.global.u32 %r6, [%rd3];
  add.s32 %r6, %r6, %r7;
  st.global.u32 [%rd3], %r6;
DONE:
  ret;
}

// Turns round the numbers at p, one for each thread, by way of the last bytes of shared memory.
.visible .entry turn(.param .u64 p, .param .u32 shared)
{
  .reg .b32 %r<10>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [p];
  ld.param.u32 %r1, [shared];
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  cvta.to.global.u64 %rd1, %rd1;
  mul.wide.u32 %rd2, %r3, 4;
  add.s64 %rd3, %rd1, %rd2;
  ld.global.u32 %r4, [%rd3];
  mov.u32 %r5, dynamic;
  add.s32 %r5, %r5, %r1;
  shl.b32 %r6, %r3, 2;
  sub.s32 %r7, %r5, %r6;
  st.shared.u32 [%r7+-4], %r4;
  bar.sync 0;
  shl.b32 %r8, %r2, 2;
  sub.s32 %r9, %r5, %r8;
  add.s32 %r9, %r9, %r6;
  ld.shared.u32 %r4, [%r9];
  st.global.u32 [%rd3], %r4;
  ret;
}
";

/// Kernels for 9.0.
const ONLY_90: &CStr = c"
.version 8.0
.target sm_90a
.address_size 64

// Writes how many blocks its cluster has to p, once for each block.
.visible .entry clusters(.param .u64 p)
{
  .reg .b32 %r<4>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [p];
  cvta.to.global.u64 %rd1, %rd1;
  mov.u32 %r1, %ctaid.x;
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd3, %rd1, %rd2;
  mov.u32 %r2, %cluster_nctaid.x;
  st.global.u32 [%rd3], %r2;
  ret;
}

// Copies a tile of 8 rows of 32 numbers at x, y of a tensor to p.
.visible .entry tile(.param .align 64 .b8 map[128], .param .u32 x, .param .u32 y, .param .u64 p)
{
  .shared .align 1024 .b8 rows[1024];
  .shared .align 8 .b64 barrier;
  .reg .pred %p<4>;
  .reg .b32 %r<12>;
  .reg .b64 %rd<8>;
  ld.param.u32 %r1, [x];
  ld.param.u32 %r2, [y];
  ld.param.u64 %rd1, [p];
  cvta.to.global.u64 %rd1, %rd1;
  mov.b64 %rd2, map;
  cvta.param.u64 %rd3, %rd2;
  mov.u32 %r3, %tid.x;
  mov.u32 %r4, rows;
  mov.u32 %r5, barrier;
  mov.u32 %r6, 1;
  mov.u32 %r7, 1024;
  setp.ne.s32 %p1, %r3, 0;
  @%p1 bra WAIT;
  mbarrier.init.shared.b64 [%r5], %r6;
  fence.mbarrier_init.release.cluster;
  mbarrier.arrive.expect_tx.shared.b64 %rd4, [%r5], %r7;
  cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r4], [%rd3, {%r1, %r2}], [%r5];
WAIT:
  bar.sync 0;
AGAIN:
  mbarrier.try_wait.parity.shared.b64 %p2, [%r5], 0;
  @!%p2 bra AGAIN;
  shl.b32 %r8, %r3, 2;
  add.s32 %r9, %r4, %r8;
  mul.wide.u32 %rd5, %r3, 4;
  add.s64 %rd6, %rd1, %rd5;
  ld.shared.u32 %r10, [%r9];
  st.global.u32 [%rd6], %r10;
  ret;
}
";

/// The interpreter as two devices, and the first GPU.
fn devices() -> Vec<Gpu> {
    let emulated = [80, 90].map(|capability| {
        Gpu::emulated(Settings {
            capability: Capability(capability),
            ..Settings::default()
        })
    });
    let mut devices = Vec::from(emulated);
    match Gpu::open(0) {
        Ok(gpu) => devices.push(gpu),
        Err(GpuError::NoDriver | GpuError::NoDevice { .. }) => println!("skipped: no GPU"),
        Err(error) => panic!("{error}"),
    }
    devices
}

fn has(gpu: &Gpu, capability: u32) -> bool {
    gpu.memory().device().about().capability == Capability(capability)
}

fn kernel(gpu: &Gpu, text: &CStr, (name, parameters): (&str, usize)) -> Kernel {
    let images = Images {
        images: vec![Image {
            capability: Capability(if text == ONLY_90 { 90 } else { 80 }),
            text,
        }],
        kernels: vec![(name, parameters)],
    };
    gpu.memory().device().load(&images).unwrap().remove(0)
}

/// Launches a kernel on values that are there.
fn launch(
    gpu: &Gpu,
    kernel: &Kernel,
    shape: &Shape,
    arguments: &[*const c_void],
) -> Result<(), GpuError> {
    // SAFETY: the tests give what their kernels take.
    unsafe { gpu.memory().device().launch(kernel, shape, arguments) }
}

fn at<T>(value: &T) -> *const c_void {
    std::ptr::from_ref(value).cast()
}

fn upload(gpu: &Gpu, numbers: &[u32]) -> DeviceBuffer {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    gpu.buffer_of(&bytes).unwrap()
}

fn download(buffer: &DeviceBuffer) -> Vec<u32> {
    let mut bytes = vec![0; buffer.bytes() as usize];
    buffer.download(&mut bytes).unwrap();
    let words = bytes.chunks_exact(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

#[test]
fn kernels_copies_and_fills() {
    for gpu in devices() {
        let add = kernel(&gpu, ABOVE_80, ("add", 3));
        let x = upload(&gpu, &(0..1000).collect::<Vec<_>>());
        let y = gpu.buffer(4000).unwrap();
        y.fill(1).unwrap();
        let (address, n, d) = (x.address().0, 900_u32, 5_u32);
        let shape = Shape::line(8, 128);
        launch(&gpu, &add, &shape, &[at(&address), at(&n), at(&d)]).unwrap();
        // SAFETY: there is as much room.
        unsafe {
            let device = gpu.memory().device();
            device.copy(y.address(), x.address(), 3996).unwrap();
        }
        let found = download(&y);
        let expected = (0..899).map(|i| i + 5).collect::<Vec<_>>();
        assert_eq!(found[..899], expected);
        assert_eq!(found[899..902], [904, 900, 901]);
        assert_eq!(found[999], 0x0101_0101);
    }
}

#[test]
fn shared_memory_up_to_the_limit() {
    for gpu in devices() {
        let turn = kernel(&gpu, ABOVE_80, ("turn", 2));
        for shared in [1024, gpu.memory().device().about().limits.shared] {
            let x = upload(&gpu, &(0..256).collect::<Vec<_>>());
            let address = x.address().0;
            let mut shape = Shape::line(1, 256);
            shape.shared = i64::from(shared);
            launch(&gpu, &turn, &shape, &[at(&address), at(&shared)]).unwrap();
            assert_eq!(download(&x), (0..256).rev().collect::<Vec<_>>());
        }
    }
}

#[test]
fn graphs_do_what_was_captured_again() {
    for gpu in devices() {
        let add = kernel(&gpu, ABOVE_80, ("add", 3));
        let (x, n) = (gpu.buffer(256).unwrap(), 64_u32);
        let (address, mut start, mut d) = (x.address().0, [3_u8; 256], 1_u32);
        let graph = gpu.capture::<GpuError>(|gpu| {
            x.upload(&start)?;
            for _ in 0..5 {
                let arguments = [at(&address), at(&n), at(&d)];
                launch(gpu, &add, &Shape::line(1, 64), &arguments)?;
                d *= 2;
            }
            Ok(())
        });
        let graph = graph.unwrap();
        start.fill(9);
        for _ in 0..3 {
            x.fill(0).unwrap();
            // SAFETY: the buffer is there.
            unsafe { graph.launch().unwrap() };
            assert_eq!(download(&x), [0x0303_0303 + 31; 64]);
        }
    }
}

#[test]
fn clusters_are_launched() {
    for gpu in devices().iter().filter(|gpu| has(gpu, 90)) {
        let clusters = kernel(gpu, ONLY_90, ("clusters", 1));
        for blocks in [1, 2, 4] {
            let x = upload(gpu, &[0; 8]);
            let address = x.address().0;
            let mut shape = Shape::line(8, 32);
            shape.cluster[0] = blocks;
            launch(gpu, &clusters, &shape, &[at(&address)]).unwrap();
            assert_eq!(download(&x), [blocks as u32; 8]);
        }
    }
}

/// Rows of 100 numbers, of which tiles are read within, across the edge, and swizzled.
#[test]
fn tiles_are_read_by_tensor_maps() {
    let (columns, rows) = (100_u32, 20_u32);
    for gpu in devices().iter().filter(|gpu| has(gpu, 90)) {
        let tile = kernel(gpu, ONLY_90, ("tile", 4));
        let numbers: Vec<u32> = (0..columns * rows).map(|i| i + 1).collect();
        let x = upload(gpu, &numbers);
        let y = gpu.buffer(1024).unwrap();
        for (swizzle, column, row) in [(0, 0, 0), (0, 60, 10), (0, 80, 15), (128, 4, 3)] {
            let map: EncodedMap = map_of(gpu, x.address(), [columns, rows], swizzle);
            let (column, row, to): (u32, u32, u64) = (column, row, y.address().0);
            let arguments = [at(&map), at(&column), at(&row), at(&to)];
            launch(gpu, &tile, &Shape::line(1, 256), &arguments).unwrap();
            let expected: Vec<u32> = (0..256)
                .map(|place| {
                    let (i, j) = (place / 32, place % 32);
                    // Pieces of 4 numbers change places by the number of the row.
                    let j = if swizzle == 128 { j ^ ((i % 8) * 4) } else { j };
                    let (i, j) = (row + i, column + j);
                    let inside = i < rows && j < columns;
                    if inside { i * columns + j + 1 } else { 0 }
                })
                .collect();
            assert_eq!(download(&y), expected, "{swizzle} {column} {row}");
        }
    }
}

fn map_of(gpu: &Gpu, address: Address, [columns, rows]: [u32; 2], swizzle: i64) -> EncodedMap {
    let how = dlc_abi::device::TensorMap {
        address: address.as_mut_ptr(),
        element: 2,
        rank: 2,
        sizes: [i64::from(columns), i64::from(rows), 0, 0, 0],
        strides: [0, i64::from(columns) * 4, 0, 0, 0],
        tile: [32, 8, 0, 0, 0],
        swizzle,
    };
    gpu.memory().device().tensor_map(&how).unwrap()
}

#[test]
fn text_that_is_no_ptx_is_refused() {
    let text = c".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry add(.param .u64 p)\n{\n  frobnicate;\n}\n";
    for gpu in devices() {
        let images = Images {
            images: vec![Image {
                capability: Capability(80),
                text,
            }],
            kernels: vec![("add", 1)],
        };
        let error = gpu.memory().device().load(&images).unwrap_err();
        assert!(matches!(error, GpuError::Kernels { .. }), "{error}");
        assert!(error.to_string().contains('6'), "the line: {error}");
    }
}

#[test]
fn more_memory_than_there_is_is_an_error() {
    for gpu in devices() {
        let total = gpu.memory().device().about().total_bytes;
        let error = gpu.buffer(total * 2).unwrap_err();
        assert!(matches!(error, GpuError::Memory { .. }), "{error}");
        assert!(gpu.buffer(1000).is_ok(), "it goes on");
    }
}
