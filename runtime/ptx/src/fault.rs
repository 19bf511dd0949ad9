//! What can go wrong while a kernel runs, and where it did.

use std::fmt;

/// The kind of a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The launch does not fit the kernel or the device.
    InvalidLaunch,
    /// An access outside of what is allocated.
    OutOfBounds,
    /// An address that is no multiple of the size accessed.
    Misaligned,
    /// A read of memory that nothing was written to.
    Uninitialised,
    /// Two accesses, one of them a write, that nothing orders.
    Race,
    /// An access to what an asynchronous copy or product still reads or writes.
    Pending,
    /// Data written by ordinary stores that an asynchronous unit reads without `fence.proxy.async` between.
    ProxyFence,
    /// Registers of a `wgmma` used before its wait, or changed after the last `wgmma.fence`.
    Accumulator,
    /// Nothing can go on.
    Deadlock,
    /// Lanes of a warp wait at different places for each other.
    Divergence,
    /// A barrier used against its rules, as by more arrivals than it expects.
    Barrier,
    /// More instructions than the options allow.
    EndlessLoop,
    /// An operand that the instruction does not take.
    InvalidOperand,
    /// `trap`.
    Trap,
}

/// A run that failed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure.
    pub kind: FaultKind,
    /// What happened.
    pub message: String,
    /// The kernel.
    pub kernel: String,
    /// The block.
    pub block: [u32; 3],
    /// The threads in the block; empty where it is the block as a whole.
    pub threads: Vec<[u32; 3]>,
    /// The line of the PTX text, counted from 1; 0 where it is none.
    pub line: u32,
    /// The line's text.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel `{}`", self.kernel)?;
        if self.kind != FaultKind::InvalidLaunch {
            write!(f, ", block {:?}", self.block)?;
        }
        if let Some(first) = self.threads.first() {
            write!(f, ", thread {first:?}")?;
            if self.threads.len() > 1 {
                write!(f, " and {} more", self.threads.len() - 1)?;
            }
        }
        write!(f, ": {}", self.message)?;
        if self.line > 0 {
            write!(f, "\n  line {}: {}", self.line, self.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// A failure before it is known where it happened.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub kind: FaultKind,
    pub message: String,
    /// The lanes of the warp.
    pub lanes: u32,
}

impl Trouble {
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            lanes: 0,
        }
    }

    pub fn at_lane(mut self, lane: usize) -> Self {
        self.lanes = 1 << lane;
        self
    }
}

/// What running a part of a kernel gives.
pub(crate) type Outcome<T> = Result<T, Trouble>;

/// Fails.
pub(crate) fn fail<T>(kind: FaultKind, message: impl Into<String>) -> Outcome<T> {
    Err(Trouble::new(kind, message))
}
