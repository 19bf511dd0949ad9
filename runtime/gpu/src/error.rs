//! What can go wrong with a device, in words that say what to do.

use crate::device::Capability;

/// Why a device did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// There is no driver on this machine.
    #[error(
        "no driver: libcuda.so.1 of NVIDIA's driver can't be loaded; the library works on the CPU"
    )]
    NoDriver,
    /// The driver lacks functions that are needed.
    #[error("the driver is one for CUDA {found}, CUDA {needed} is needed; install a newer driver")]
    OldDriver {
        /// What it is for, as `11.4`.
        found: String,
        /// The least that is needed.
        needed: String,
    },
    /// The driver has no such device.
    #[error("there is no GPU {ordinal}: the driver has {count}")]
    NoDevice {
        /// The number asked for, from 0.
        ordinal: i32,
        /// How many there are.
        count: i32,
    },
    /// No image of a library runs on the device.
    #[error(
        "{device} has compute capability {capability}, the kernels of the library are for {images}; \
         use a newer GPU, or the entries for the CPU"
    )]
    OldDevice {
        /// The device's name.
        device: String,
        /// What it has.
        capability: Capability,
        /// What the images are for.
        images: String,
    },
    /// There is too little memory.
    #[error(
        "no memory on the device for {needed} bytes: {free} bytes of {total} are free; make the dims smaller"
    )]
    Memory {
        /// The bytes asked for.
        needed: u64,
        /// The bytes that are free.
        free: u64,
        /// The bytes that the device has.
        total: u64,
    },
    /// The text of kernels is refused.
    #[error("the device refuses the kernels of the library: {log}")]
    Kernels {
        /// What the driver's compiler says, or what the text lacks.
        log: String,
    },
    /// A launch that no device could do, or not this one.
    #[error("the launch of {kernel} is refused: {message}")]
    BadLaunch {
        /// The kernel.
        kernel: String,
        /// Why.
        message: String,
    },
    /// A launch that failed.
    #[error("the launch of {kernel} failed: {message}")]
    Launch {
        /// The kernel.
        kernel: String,
        /// Why.
        message: String,
    },
    /// A kernel or the device failed in a way after which nothing goes on.
    #[error(
        "the device is lost, for every later call too; start the program again. What failed: {first}"
    )]
    Lost {
        /// The first failure.
        first: String,
    },
    /// Something that is none of what the function takes.
    #[error("{0}")]
    Argument(String),
    /// Any other refusal of the driver.
    #[error("{call} failed: {message}")]
    Driver {
        /// The function of the driver.
        call: &'static str,
        /// The error's name and the driver's words.
        message: String,
    },
    /// A mistake of this crate.
    #[error("internal error: {0}")]
    Internal(String),
}

impl GpuError {
    /// What can't be done while work is captured.
    pub(crate) fn captured(what: &str) -> Self {
        Self::Argument(format!(
            "{what} while work is captured; do it before or after"
        ))
    }

    /// The end of a capture that did not begin.
    pub(crate) fn not_captured() -> Self {
        Self::Argument("nothing is captured that could end".to_string())
    }

    /// A kernel that another device loaded.
    pub(crate) fn another_device(kernel: &str) -> Self {
        Self::Argument(format!("the kernel {kernel} is of another device"))
    }

    /// The number that stands for its kind where errors are numbers; never 0.
    pub fn status(&self) -> i32 {
        match self {
            Self::NoDriver | Self::OldDriver { .. } => 1,
            Self::NoDevice { .. } => 2,
            Self::OldDevice { .. } => 3,
            Self::Memory { .. } => 4,
            Self::Kernels { .. } => 5,
            Self::BadLaunch { .. } | Self::Launch { .. } => 6,
            Self::Lost { .. } => 7,
            Self::Argument(_) => 8,
            Self::Driver { .. } => 9,
            Self::Internal(_) => 10,
        }
    }
}
