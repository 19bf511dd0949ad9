//! A GPU by NVIDIA's driver, which is loaded at run time.
//!
//! All work goes to one stream, of our own or the program's. Nothing of cudarc but the driver's raw functions is used, as
//! what its safe layer keeps of each buffer costs time at each launch.

mod about;
mod driver;
mod graph;
mod marks;
mod modules;
mod session;
mod staging;

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::{self, CUresult};
use dlc_abi::device::{TENSOR_MAP_RANK, TensorMap};

use crate::device::{About, Address, Device, EncodedMap, Graph, Kernel};
use crate::error::GpuError;
use crate::image::Images;
use crate::launch::{Fitted, Shape};
use crate::tensor_map;
use graph::Copied;
use marks::Marks;
use modules::Modules;
use session::{Ended, Session};
use staging::Staging;

/// A GPU by NVIDIA's driver.
#[derive(Debug)]
pub struct Cuda {
    inner: Arc<Inner>,
}

/// What graphs need as well.
#[derive(Debug)]
struct Inner {
    session: Session,
    about: About,
    modules: Mutex<Modules>,
    staging: Mutex<Staging>,
    /// What is being captured, if anything is.
    captured: Mutex<Option<Copied>>,
    marks: Mutex<Marks>,
}

impl Cuda {
    /// A GPU by its number, from 0: its primary context, and a stream of our own.
    ///
    /// # Errors
    /// [`GpuError::NoDriver`], [`GpuError::OldDriver`], [`GpuError::NoDevice`], or what the driver says.
    pub fn open(ordinal: i32) -> Result<Self, GpuError> {
        Self::of(Session::open(ordinal)?)
    }

    /// The GPU of a stream that the program has, on which all work is done: a `CUstream`, which is a `cudaStream_t`. For
    /// null it is the default stream of the current context.
    ///
    /// # Errors
    /// As [`Cuda::open`], and where there is no context.
    ///
    /// # Safety
    /// It is such a stream, and it and its context outlive what is made here.
    pub unsafe fn with_stream(stream: *mut c_void) -> Result<Self, GpuError> {
        // SAFETY: the caller's promise.
        Self::of(unsafe { Session::of_stream(stream)? })
    }

    fn of(session: Session) -> Result<Self, GpuError> {
        Ok(Self {
            inner: Arc::new(Inner {
                about: about::about(session.device())?,
                session,
                modules: Mutex::default(),
                staging: Mutex::new(Staging::new()),
                captured: Mutex::default(),
                marks: Mutex::default(),
            }),
        })
    }
}

impl Inner {
    fn not_captured(&self, what: &str) -> Result<(), GpuError> {
        match *locked(&self.captured) {
            None => Ok(()),
            Some(_) => Err(GpuError::captured(what)),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A device that is lost does nothing more.
        let _ = self.session.synchronise();
        locked(&self.modules).unload(&self.session);
        locked(&self.staging).free(&self.session);
        locked(&self.marks).free(&self.session);
    }
}

impl Device for Cuda {
    fn about(&self) -> &About {
        &self.inner.about
    }

    fn free_bytes(&self) -> Result<u64, GpuError> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: it writes two numbers.
        self.inner.session.run("cuMemGetInfo", || unsafe {
            sys::cuMemGetInfo_v2(&raw mut free, &raw mut total)
        })?;
        Ok(free as u64)
    }

    fn alloc(&self, bytes: u64) -> Result<Address, GpuError> {
        self.inner.not_captured("memory is asked for")?;
        let mut address = 0;
        // SAFETY: it writes an address.
        let allocated = self.inner.session.run("cuMemAlloc", || unsafe {
            sys::cuMemAlloc_v2(&raw mut address, bytes.max(1) as usize)
        });
        match allocated {
            Ok(()) => Ok(Address(address)),
            Err(Ended::Failed(failure)) if failure.code == CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                Err(GpuError::Memory {
                    needed: bytes,
                    free: self.free_bytes()?,
                    total: self.inner.about.total_bytes,
                })
            }
            Err(other) => Err(other.into()),
        }
    }

    unsafe fn free(&self, address: Address) -> Result<(), GpuError> {
        self.inner.not_captured("memory is freed")?;
        // SAFETY: the caller's promise.
        self.inner
            .session
            .run("cuMemFree", || unsafe { sys::cuMemFree_v2(address.0) })?;
        Ok(())
    }

    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), GpuError> {
        let session = &self.inner.session;
        if from.is_empty() {
            return Ok(());
        }
        let mut captured = locked(&self.inner.captured);
        let Some(copied) = captured.as_mut() else {
            drop(captured);
            // SAFETY: the caller's promise.
            return unsafe { locked(&self.inner.staging).upload(session, to.0, from) };
        };
        let copy: Box<[u8]> = from.into();
        // SAFETY: the caller's promise; the graph keeps the copy.
        unsafe { staging::copy(session, to.0, copy.as_ptr(), copy.len())? };
        copied.push(copy);
        Ok(())
    }

    unsafe fn download(&self, to: &mut [u8], from: Address) -> Result<(), GpuError> {
        self.inner.not_captured("a copy from the device")?;
        let session = &self.inner.session;
        if !to.is_empty() {
            // SAFETY: the caller's promise; `to` is there until all is done.
            session.run("cuMemcpyDtoHAsync", || unsafe {
                sys::cuMemcpyDtoHAsync_v2(
                    to.as_mut_ptr().cast(),
                    from.0,
                    to.len(),
                    session.stream(),
                )
            })?;
        }
        self.synchronise()
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Result<(), GpuError> {
        let session = &self.inner.session;
        if bytes > 0 {
            // SAFETY: the caller's promise.
            session.run("cuMemcpyDtoDAsync", || unsafe {
                sys::cuMemcpyDtoDAsync_v2(to.0, from.0, bytes as usize, session.stream())
            })?;
        }
        Ok(())
    }

    unsafe fn fill(&self, to: Address, byte: u8, bytes: u64) -> Result<(), GpuError> {
        let session = &self.inner.session;
        if bytes > 0 {
            // SAFETY: the caller's promise.
            session.run("cuMemsetD8Async", || unsafe {
                sys::cuMemsetD8Async(to.0, byte, bytes as usize, session.stream())
            })?;
        }
        Ok(())
    }

    fn load(&self, images: &Images<'_>) -> Result<Vec<Kernel>, GpuError> {
        locked(&self.inner.modules).load(&self.inner.session, &self.inner.about, images)
    }

    unsafe fn launch(
        &self,
        kernel: &Kernel,
        shape: &Shape,
        arguments: &[*const c_void],
    ) -> Result<(), GpuError> {
        let inner = &*self.inner;
        let Some(fitted) = shape.fit(&inner.about, kernel, arguments.len())? else {
            return Ok(());
        };
        let function = locked(&inner.modules).function(&inner.session, kernel, fitted.shared)?;
        let mut cluster = cluster_attribute(&fitted);
        let config = sys::CUlaunchConfig {
            gridDimX: fitted.grid[0],
            gridDimY: fitted.grid[1],
            gridDimZ: fitted.grid[2],
            blockDimX: fitted.block[0],
            blockDimY: fitted.block[1],
            blockDimZ: fitted.block[2],
            sharedMemBytes: fitted.shared,
            hStream: inner.session.stream(),
            attrs: &raw mut cluster,
            numAttrs: u32::from(fitted.cluster != [1; 3]),
        };
        // The driver reads the values at the arguments, and writes nothing.
        let arguments = arguments.as_ptr().cast_mut().cast::<*mut c_void>();
        // SAFETY: the function is loaded, and the caller promises what it reads and writes.
        let launched = inner.session.run("cuLaunchKernelEx", || unsafe {
            sys::cuLaunchKernelEx(&raw const config, function, arguments, std::ptr::null_mut())
        });
        launched.map_err(|ended| match ended {
            Ended::Failed(failure) => GpuError::Launch {
                kernel: kernel.name.clone(),
                message: failure.message(),
            },
            lost => lost.into(),
        })
    }

    fn tensor_map(&self, how: &TensorMap) -> Result<EncodedMap, GpuError> {
        tensor_map::check(how, self.inner.about.capability)?;
        encode(&self.inner.session, how)
    }

    fn synchronise(&self) -> Result<(), GpuError> {
        self.inner.not_captured("waiting for the device")?;
        self.inner.session.synchronise()?;
        Ok(())
    }

    fn begin_capture(&self) -> Result<(), GpuError> {
        self.inner.not_captured("a capture")?;
        graph::begin(&self.inner.session)?;
        *locked(&self.inner.captured) = Some(Copied::new());
        Ok(())
    }

    fn end_capture(&self) -> Result<Box<dyn Graph>, GpuError> {
        let copied = locked(&self.inner.captured).take();
        let copied = copied.ok_or_else(GpuError::not_captured)?;
        Ok(Box::new(graph::end(&self.inner, copied)?))
    }

    fn mark(&self) -> Result<usize, GpuError> {
        self.inner.not_captured("a mark")?;
        locked(&self.inner.marks).add(&self.inner.session)
    }

    fn marks(&self) -> Result<Vec<f64>, GpuError> {
        self.synchronise()?;
        locked(&self.inner.marks).take(&self.inner.session)
    }
}

fn cluster_attribute(fitted: &Fitted) -> sys::CUlaunchAttribute {
    let [x, y, z] = fitted.cluster;
    // SAFETY: it is plain numbers, for which zeros are values.
    let mut attribute: sys::CUlaunchAttribute = unsafe { std::mem::zeroed() };
    attribute.id = sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    attribute.value.clusterDim = sys::CUlaunchAttributeValue_union__bindgen_ty_1 { x, y, z };
    attribute
}

/// Makes a map whose limits were checked.
fn encode(session: &Session, how: &TensorMap) -> Result<EncodedMap, GpuError> {
    use sys::CUtensorMapSwizzle as Swizzle;
    let swizzle = match how.swizzle {
        32 => Swizzle::CU_TENSOR_MAP_SWIZZLE_32B,
        64 => Swizzle::CU_TENSOR_MAP_SWIZZLE_64B,
        128 => Swizzle::CU_TENSOR_MAP_SWIZZLE_128B,
        _ => Swizzle::CU_TENSOR_MAP_SWIZZLE_NONE,
    };
    let sizes = how.sizes.map(|size| size as u64);
    let strides = how.strides.map(|stride| stride as u64);
    let tile = how.tile.map(|tile| tile as u32);
    let steps = [1_u32; TENSOR_MAP_RANK];
    let mut map = sys::CUtensorMap { opaque: [0; 16] };
    // SAFETY: all lists are as long as the rank, and the strides are those of all axes but the first.
    let made = session.run("cuTensorMapEncodeTiled", || unsafe {
        sys::cuTensorMapEncodeTiled(
            &raw mut map,
            element_type(how.element),
            how.rank as u32,
            how.address,
            sizes.as_ptr(),
            strides[1..].as_ptr(),
            tile.as_ptr(),
            steps.as_ptr(),
            sys::CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
            swizzle,
            sys::CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
            sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
        )
    });
    made?;
    // SAFETY: both are 128 bytes, aligned to 64.
    Ok(EncodedMap(unsafe {
        std::mem::transmute::<[u64; 16], [u8; 128]>(map.opaque)
    }))
}

/// The element type of a number that was checked.
fn element_type(number: i64) -> sys::CUtensorMapDataType {
    use sys::CUtensorMapDataType as Type;
    match number {
        0 => Type::CU_TENSOR_MAP_DATA_TYPE_UINT8,
        1 => Type::CU_TENSOR_MAP_DATA_TYPE_UINT16,
        2 => Type::CU_TENSOR_MAP_DATA_TYPE_UINT32,
        3 => Type::CU_TENSOR_MAP_DATA_TYPE_INT32,
        4 => Type::CU_TENSOR_MAP_DATA_TYPE_UINT64,
        5 => Type::CU_TENSOR_MAP_DATA_TYPE_INT64,
        6 => Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
        7 => Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
        8 => Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT64,
        9 => Type::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
        10 => Type::CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ,
        11 => Type::CU_TENSOR_MAP_DATA_TYPE_TFLOAT32,
        _ => Type::CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
