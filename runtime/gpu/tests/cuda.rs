//! The device by NVIDIA's driver, on a driver of the tests (`driver.c`), which any machine has.
//!
//! It is loaded under the name by which the driver's library is looked for, so it comes before one that is there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::{CStr, c_int, c_void};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use dlc_gpu::{Capability, Cuda, Device, Gpu, GpuError, Image, Images, Kernel, Shape, Traced};

/// What the driver lets tests set and see; the `struct fake` of C.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Fake {
    version: i64,
    devices: i64,
    is_stub: i64,
    capability: i64,
    refuses_cubins: i64,
    room: i64,
    alive: i64,
    links: i64,
    loads: i64,
    launches: i64,
    cluster: i64,
    shared: i64,
    synchronised: i64,
    map_rank: i64,
    map_stride: i64,
}

/// The driver, for one test at a time; a folder for cubins stays for all.
struct Driver {
    library: libloading::Library,
    cache: tempfile::TempDir,
}

struct Turn {
    driver: &'static Driver,
    _alone: MutexGuard<'static, ()>,
}

fn build() -> Option<Driver> {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libcuda.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/driver.c");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]);
    cc.args(["-shared", "-fPIC", "-Wl,-soname,libcuda.so", "-o"]);
    let Ok(status) = cc.arg(&library).arg(source).status() else {
        println!("skipped: no cc");
        return None;
    };
    assert!(status.success());
    // SAFETY: it has no initialisers. Kept open, it is found by its name.
    let library = unsafe { libloading::Library::new(library) }.unwrap();
    let cache = tempfile::tempdir().unwrap();
    // SAFETY: no other thread of this process reads the environment before: all wait for the driver.
    unsafe { std::env::set_var("DLC_CACHE_DIR", cache.path()) };
    Some(Driver { library, cache })
}

/// The driver as it is in the beginning.
fn turn() -> Option<Turn> {
    static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let driver = DRIVER.get_or_init(build).as_ref()?;
    for file in std::fs::read_dir(driver.cache.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let turn = Turn {
        driver,
        _alone: alone,
    };
    turn.call::<()>(b"fake_reset");
    Some(turn)
}

impl Turn {
    fn call<T>(&self, name: &[u8]) -> T {
        // SAFETY: the functions asked for take nothing and return this.
        unsafe {
            let function = self.driver.library.get::<unsafe extern "C" fn() -> T>(name);
            function.unwrap()()
        }
    }

    fn fake(&self) -> *mut Fake {
        // SAFETY: it is a variable of this type.
        unsafe { *self.driver.library.get::<*mut Fake>(b"fake").unwrap() }
    }

    fn see(&self) -> Fake {
        // SAFETY: the driver is used by this thread only.
        unsafe { *self.fake() }
    }

    fn set(&self, change: impl FnOnce(&mut Fake)) {
        // SAFETY: as above.
        change(unsafe { &mut *self.fake() });
    }

    /// Nothing is left, and no context is current.
    fn ended(&self) {
        assert_eq!(self.see().alive, 0, "all is freed");
        assert_eq!(self.call::<c_int>(b"fake_depth"), 0);
    }
}

/// Kernels that take an address and a number of bytes, `add_one` first, by text for 8.0 and for 9.0.
fn images<'a>(texts: [&'a CStr; 2], names: &[&'a str]) -> Images<'a> {
    let image = |capability, text| Image {
        capability: Capability(capability),
        text,
    };
    Images {
        images: vec![image(80, texts[0]), image(90, texts[1])],
        kernels: names.iter().map(|name| (*name, 2)).collect(),
    }
}

const TEXTS: [&CStr; 2] = [c"for 80: add_one", c"for 90: add_one fail crash"];

fn load(device: &dyn Device) -> Vec<Kernel> {
    device
        .load(&images(TEXTS, &["add_one", "fail", "crash"]))
        .unwrap()
}

fn launch(
    device: &dyn Device,
    kernel: &Kernel,
    shape: &Shape,
    (address, bytes): (u64, u64),
) -> Result<(), GpuError> {
    let arguments = [(&raw const address).cast(), (&raw const bytes).cast()];
    // SAFETY: kernels of the driver take these.
    unsafe { device.launch(kernel, shape, &arguments) }
}

#[test]
fn without_a_device_or_with_an_old_driver_opening_says_so() {
    let Some(turn) = turn() else { return };
    let refused = |change: fn(&mut Fake), words: &str| {
        turn.call::<()>(b"fake_reset");
        turn.set(change);
        assert_eq!(Cuda::open(0).unwrap_err().to_string(), words);
        turn.ended();
    };
    refused(
        |fake| fake.devices = 0,
        "there is no GPU 0: the driver has 0",
    );
    refused(
        |fake| fake.version = 11040,
        "the driver is one for CUDA 11.4, CUDA 12.0 is needed; install a newer driver",
    );
    refused(
        |fake| fake.is_stub = 1,
        "no driver: libcuda.so.1 of NVIDIA's driver can't be loaded; the library works on the CPU",
    );
    turn.call::<()>(b"fake_reset");
    for ordinal in [1, -1] {
        let error = Cuda::open(ordinal).unwrap_err().to_string();
        let expected = format!("there is no GPU {ordinal}: the driver has 1");
        assert_eq!(error, expected);
    }
}

#[test]
fn a_device_says_what_it_is() {
    let Some(turn) = turn() else { return };
    let cuda = Cuda::open(0).unwrap();
    let about = cuda.about().clone();
    assert_eq!(
        (about.name.as_str(), about.processors),
        ("Fake driver", 132)
    );
    assert_eq!(about.capability.to_string(), "9.0");
    assert_eq!(about.limits.grid, [2_147_483_647, 65535, 65535]);
    assert_eq!(about.limits.block, [1024, 1024, 64]);
    let limits = about.limits;
    assert_eq!(
        (limits.threads, limits.shared, limits.cluster),
        (1024, 232_448, 8)
    );
    assert_eq!(about.total_bytes, 1 << 24);
    assert_eq!(cuda.free_bytes(), Ok(1 << 24));
    drop(cuda);
    turn.ended();
}

#[test]
fn copies_fills_and_launches_go_in_order() {
    let Some(turn) = turn() else { return };
    let gpu = Gpu::open(0).unwrap();
    let device = gpu.memory().device().as_ref();
    let add_one = &load(device)[0];
    let mut source = vec![5_u8; 1000];
    let a = gpu.buffer_of(&source).unwrap();
    // The driver has not read it yet.
    source.fill(99);
    let b = gpu.buffer(1000).unwrap();
    b.fill(7).unwrap();
    launch(device, add_one, &Shape::line(1, 32), (a.address().0, 500)).unwrap();
    // SAFETY: there is as much room.
    unsafe { device.copy(b.address(), a.address(), 600).unwrap() };
    let mut back = vec![0; 1000];
    b.download(&mut back).unwrap();
    assert_eq!(
        (back[0], back[499], back[500], back[599], back[600]),
        (6, 6, 5, 5, 7)
    );
    let before = turn.see().synchronised;
    let small: Vec<_> = (0..10).map(|i| gpu.buffer_of(&[i; 64]).unwrap()).collect();
    assert_eq!(
        turn.see().synchronised,
        before,
        "small copies wait for nothing"
    );
    // More than is staged, and so much together that what is on its way must arrive first.
    for bytes in [3 << 20, 700 << 10, 700 << 10, 1 << 20] {
        let mut source = vec![1_u8; bytes];
        let buffer = gpu.buffer_of(&source).unwrap();
        source.fill(2);
        let mut back = vec![0; bytes];
        buffer.download(&mut back).unwrap();
        assert!(back.iter().all(|byte| *byte == 1));
    }
    drop((a, b, small, gpu));
    turn.ended();
}

#[test]
fn shared_memory_and_clusters_reach_the_driver() {
    let Some(turn) = turn() else { return };
    let cuda = Cuda::open(0).unwrap();
    let add_one = &load(&cuda)[0];
    let mut shape = Shape::line(4, 32);
    shape.shared = 200_000;
    launch(&cuda, add_one, &shape, (0, 0)).unwrap();
    assert_eq!((turn.see().shared, turn.see().cluster), (200_000, 0));
    shape.cluster[0] = 2;
    launch(&cuda, add_one, &shape, (0, 0)).unwrap();
    assert_eq!(turn.see().cluster, 2);
    shape.shared = 300_000;
    assert!(launch(&cuda, add_one, &shape, (0, 0)).is_err());
    shape = Shape::line(0, 32);
    launch(&cuda, add_one, &shape, (0, 0)).unwrap();
    assert_eq!(turn.see().launches, 2, "the driver saw no other");
    drop(cuda);
    turn.ended();
}

#[test]
fn the_image_is_that_for_the_device() {
    let Some(turn) = turn() else { return };
    turn.set(|fake| fake.capability = 89);
    let cuda = Cuda::open(0).unwrap();
    cuda.load(&images(TEXTS, &["add_one"])).unwrap();
    let error = cuda.load(&images(TEXTS, &["crash"])).unwrap_err();
    assert!(error.to_string().contains("no kernel crash in their text"));
    turn.set(|fake| fake.capability = 75);
    let old = Cuda::open(0).unwrap();
    let error = old.load(&images(TEXTS, &["add_one"])).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Fake driver has compute capability 7.5")
    );
    drop((cuda, old));
    turn.ended();
}

#[test]
fn refused_ptx_comes_with_the_drivers_words() {
    let Some(turn) = turn() else { return };
    let cuda = Cuda::open(0).unwrap();
    let texts = [c"refused"; 2];
    let error = cuda.load(&images(texts, &["add_one"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the device refuses the kernels of the library: CUDA_ERROR_INVALID_PTX (words)\n\
         ptxas application ptx input, line 3; error"
    );
    drop(cuda);
    turn.ended();
}

#[test]
fn cubins_are_made_once_and_again_when_they_are_broken() {
    let Some(turn) = turn() else { return };
    for (links, round) in [(1, "made"), (1, "kept")] {
        let cuda = Cuda::open(0).unwrap();
        load(&cuda);
        assert_eq!(turn.see().links, links, "{round}");
    }
    let files = || std::fs::read_dir(turn.driver.cache.path()).unwrap();
    let file = files().next().unwrap().unwrap().path();
    std::fs::write(&file, "broken").unwrap();
    load(&Cuda::open(0).unwrap());
    assert_eq!(turn.see().links, 2);
    assert!(std::fs::read(&file).unwrap().ends_with(b"crash\0"));
    turn.set(|fake| fake.version = 12090);
    load(&Cuda::open(0).unwrap());
    assert_eq!(turn.see().links, 3, "by another driver");
    assert_eq!(files().count(), 2);
    turn.set(|fake| fake.refuses_cubins = 1);
    load(&Cuda::open(0).unwrap());
    assert_eq!(files().count(), 1, "what can't be loaded is not kept");
    turn.ended();
}

#[test]
fn a_failed_launch_is_one_error_and_a_crash_is_for_good() {
    let Some(turn) = turn() else { return };
    let gpu = Gpu::open(0).unwrap();
    let device = gpu.memory().device().as_ref();
    let [add_one, fail, crash] = load(device).try_into().unwrap();
    let shape = Shape::line(1, 32);
    let error = launch(device, &fail, &shape, (0, 0))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("the launch of fail failed: "), "{error}");
    let buffer = gpu.buffer_of(&[1; 8]).unwrap();
    launch(device, &add_one, &shape, (buffer.address().0, 8)).unwrap();
    gpu.synchronise().unwrap();
    launch(device, &crash, &shape, (0, 0)).unwrap();
    let lost = "the device is lost, for every later call too; start the program again. What failed: \
                cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal access)";
    assert_eq!(gpu.synchronise().unwrap_err().to_string(), lost);
    assert_eq!(gpu.buffer(9999).unwrap_err().to_string(), lost);
    let again = launch(device, &add_one, &shape, (0, 0)).unwrap_err();
    assert_eq!(again.to_string(), lost);
    assert_eq!(buffer.upload(&[0; 8]).unwrap_err().to_string(), lost);
    drop((buffer, gpu));
    assert_eq!(turn.call::<c_int>(b"fake_depth"), 0);
}

#[test]
fn too_little_memory_is_an_error_with_numbers() {
    let Some(turn) = turn() else { return };
    let gpu = Gpu::open(0).unwrap();
    let half = gpu.buffer(8 << 20).unwrap();
    assert_eq!(
        gpu.buffer((8 << 20) + 1).unwrap_err().to_string(),
        "no memory on the device for 9437184 bytes: 8388608 bytes of 16777216 are free; make the dims smaller"
    );
    drop(half);
    let all = gpu.buffer(16 << 20).unwrap();
    drop((all, gpu));
    turn.ended();
}

#[test]
fn a_step_is_captured_and_done_many_times() {
    let Some(turn) = turn() else { return };
    let gpu = Gpu::open(0).unwrap();
    let device = gpu.memory().device().as_ref();
    let add_one = &load(device)[0];
    let (a, b) = (gpu.buffer(8).unwrap(), gpu.buffer_of(&[10; 8]).unwrap());
    let mut value = [3_u8; 8];
    let graph = gpu.capture::<GpuError>(|_| {
        a.upload(&value)?;
        launch(device, add_one, &Shape::line(1, 32), (a.address().0, 8))?;
        launch(device, add_one, &Shape::line(1, 32), (b.address().0, 8))
    });
    let graph = graph.unwrap();
    value.fill(0);
    let mut back = [0; 8];
    b.download(&mut back).unwrap();
    assert_eq!(back, [10; 8], "nothing is done yet");
    for _ in 0..3 {
        // SAFETY: the buffers are there.
        unsafe { graph.launch().unwrap() };
    }
    a.download(&mut back).unwrap();
    assert_eq!(back, [4; 8]);
    b.download(&mut back).unwrap();
    assert_eq!(back, [13; 8]);
    drop((a, b, gpu));
    drop(graph);
    turn.ended();
}

#[test]
fn marks_are_events_of_the_stream() {
    let Some(turn) = turn() else { return };
    let traced = Arc::new(Traced::new(Arc::new(Cuda::open(0).unwrap())));
    let gpu = Gpu::new(traced.clone());
    let add_one = load(&*traced).remove(0);
    let buffer = gpu.buffer_of(&[1; 8]).unwrap();
    let at = (buffer.address().0, 8);
    launch(&*traced, &add_one, &Shape::line(3, 32), at).unwrap();
    let graph = gpu
        .capture::<GpuError>(|_| launch(&*traced, &add_one, &Shape::line(1, 32), at))
        .unwrap();
    // SAFETY: the buffer is there.
    unsafe { graph.launch().unwrap() };
    buffer.download(&mut [0; 8]).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&traced.json().unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let events = events.iter().filter(|event| event["ph"] == "X");
    let seen: Vec<_> = events
        .map(|event| {
            let times = ["ts", "dur"].map(|key| event[key].as_f64().unwrap());
            (event["name"].as_str().unwrap(), times)
        })
        .collect();
    // Between two marks of the driver there are 250 microseconds.
    let expected = [
        ("copy to the device", [0.0, 250.0]),
        ("add_one", [500.0, 250.0]),
        ("graph", [1000.0, 250.0]),
        ("copy from the device", [1500.0, 250.0]),
    ];
    assert_eq!(seen, expected);
    traced.mark().unwrap();
    drop((graph, buffer, gpu, traced));
    turn.ended();
}

#[test]
fn what_a_capture_cannot_have_is_named_and_ends_it() {
    let Some(turn) = turn() else { return };
    let gpu = Gpu::open(0).unwrap();
    let buffer = gpu.buffer_of(&[1; 8]).unwrap();
    let named = |work: &dyn Fn() -> Result<(), GpuError>, what: &str| {
        let error = gpu.capture(|_| work()).unwrap_err().to_string();
        let expected = format!("{what} while work is captured; do it before or after");
        assert_eq!(error, expected);
        gpu.synchronise().unwrap();
    };
    named(&|| buffer.download(&mut [0; 8]), "a copy from the device");
    named(&|| gpu.buffer(5000).map(|_| ()), "memory is asked for");
    named(&|| gpu.synchronise(), "waiting for the device");
    let nested = || gpu.capture::<GpuError>(|_| Ok(())).map(|_| ());
    named(&nested, "a capture");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        gpu.capture::<GpuError>(|_| panic!("of the test"))
            .map(|_| ())
    }));
    assert!(panicked.is_err());
    gpu.synchronise().unwrap();
    let device = gpu.memory().device();
    let error = device.end_capture().unwrap_err().to_string();
    assert_eq!(error, "nothing is captured that could end");
    drop((buffer, gpu));
    turn.ended();
}

#[test]
fn a_stream_of_the_program_is_used_and_left_alone() {
    let Some(turn) = turn() else { return };
    let stream = turn.call::<*mut c_void>(b"fake_stream");
    // SAFETY: it is a stream of the driver.
    let gpu = unsafe { Gpu::with_stream(stream) }.unwrap();
    let buffer = gpu.buffer_of(&[1; 8]).unwrap();
    let mut back = [0; 8];
    buffer.download(&mut back).unwrap();
    assert_eq!(back, [1; 8]);
    drop((buffer, gpu));
    turn.ended();
    // SAFETY: null is allowed; no context is current.
    let error = unsafe { Gpu::with_stream(std::ptr::null_mut()) }.unwrap_err();
    assert!(
        error.to_string().starts_with("cuStreamGetCtx failed"),
        "{error}"
    );
}

#[test]
fn tensor_maps_are_made_by_the_driver() {
    let Some(turn) = turn() else { return };
    let cuda = Cuda::open(0).unwrap();
    let mut how = dlc_abi::device::TensorMap {
        address: std::ptr::without_provenance_mut(0x1000),
        element: 9,
        rank: 2,
        sizes: [256, 128, 0, 0, 0],
        strides: [0, 512, 0, 0, 0],
        tile: [64, 32, 0, 0, 0],
        swizzle: 128,
    };
    let map = cuda.tensor_map(&how).unwrap();
    let word = |at: usize| u64::from_le_bytes(map.0[8 * at..8 * at + 8].try_into().unwrap());
    assert_eq!((word(0), word(1), word(15)), (0x1000, 128, 64));
    assert_eq!((turn.see().map_rank, turn.see().map_stride), (2, 512));
    how.tile[0] = 1000;
    assert!(cuda.tensor_map(&how).is_err());
    drop(cuda);
    turn.ended();
}

#[test]
fn libraries_on_threads_without_a_context() {
    let Some(turn) = turn() else { return };
    let gpu = Arc::new(Gpu::open(0).unwrap());
    std::thread::scope(|scope| {
        let gpu = &gpu;
        // The driver of the tests is no driver for several threads at a time.
        let other = scope.spawn(move || {
            let buffer = gpu.buffer_of(&[4; 8]).unwrap();
            let mut back = [0; 8];
            buffer.download(&mut back).unwrap();
            back
        });
        assert_eq!(other.join().unwrap(), [4; 8]);
    });
    drop(gpu);
    turn.ended();
}
