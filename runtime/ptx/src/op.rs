//! Decoded instructions: operands are slots of a warp's registers.
//!
//! Constants, addresses of variables and special registers have slots too, which are filled when a warp starts.

use crate::lanes::Apply;
use crate::syntax::Space;

/// A register of a warp.
pub(crate) type Slot = u32;

/// An instruction with what it reads and writes.
pub(crate) struct Instruction {
    pub op: Op,
    /// The predicate, and whether it is negated.
    pub guard: Option<(Slot, bool)>,
    pub line: u32,
    pub reads: Box<[Slot]>,
    pub writes: Box<[Slot]>,
}

pub(crate) enum Op {
    Pure(Box<[Step]>),
    /// Copies the second register to the first.
    Move(Slot, Slot),
    Load(Load),
    Store(Store),
    Atomic(Atomic),
    Clock(Slot),
    Branch(u32),
    BranchTable(Slot, Box<[u32]>),
    Exit,
    Trap,
    Nothing,
    ActiveMask(Slot),
    Collective(Collective),
    Barrier(Barrier),
    ClusterArrive,
    ClusterWait,
    ProxyFence,
    MBarrier(MBarrier),
    Copy(Copy),
    Bulk(Bulk),
    Matrix(Matrix),
    Wgmma(Box<Wgmma>),
    WgmmaFence,
    WgmmaCommit,
    WgmmaWait(u32),
}

/// A computation in all lanes.
pub(crate) struct Step {
    pub apply: Apply,
    pub sources: [Slot; 4],
    pub result: Slot,
}

/// `[base+offset]` in a space.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub space: Space,
    pub base: Slot,
    pub offset: i64,
}

pub(crate) struct Load {
    pub place: Place,
    /// Bytes of an element.
    pub bytes: usize,
    /// Bits of the register that an element with a sign is extended to.
    pub extend: Option<u32>,
    pub results: Box<[Slot]>,
    /// Whether it takes part in synchronisation: volatile, relaxed or acquire.
    pub strong: bool,
}

pub(crate) struct Store {
    pub place: Place,
    pub bytes: usize,
    pub values: Box<[Slot]>,
    pub strong: bool,
}

/// What an atomic makes of the old value and its operands.
pub(crate) type Update = Box<dyn Fn(u64, u64, u64) -> u64 + Send + Sync>;

pub(crate) struct Atomic {
    pub place: Place,
    pub bytes: usize,
    pub results: Option<Box<[Slot]>>,
    pub values: Box<[Slot]>,
    /// What is stored, of compare-and-swap.
    pub second: Slot,
    pub update: Update,
}

#[derive(Clone, Copy)]
pub(crate) enum Shuffle {
    Up,
    Down,
    Butterfly,
    Index,
}

#[derive(Clone, Copy)]
pub(crate) enum Vote {
    All,
    Any,
    Uniform,
    Ballot,
}

/// Instructions of several lanes; `members` are the lanes that take part.
pub(crate) struct Collective {
    pub members: Slot,
    pub kind: CollectiveKind,
}

pub(crate) enum CollectiveKind {
    Shuffle {
        mode: Shuffle,
        result: Slot,
        inside: Option<Slot>,
        value: Slot,
        lane: Slot,
        clamp: Slot,
    },
    Vote {
        mode: Vote,
        result: Slot,
        value: Slot,
    },
    MatchAny {
        result: Slot,
        value: Slot,
    },
    MatchAll {
        result: Slot,
        same: Option<Slot>,
        value: Slot,
    },
    Reduce {
        result: Slot,
        value: Slot,
        update: Update,
    },
    Elect {
        result: Slot,
        elected: Slot,
    },
    Sync,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Reduction {
    And,
    Or,
    Count,
}

#[derive(Clone, Copy)]
pub(crate) enum BarrierKind {
    Sync,
    Arrive,
    Reduce {
        reduction: Reduction,
        value: Slot,
        result: Slot,
    },
}

#[derive(Clone, Copy)]
pub(crate) struct Barrier {
    pub id: Slot,
    pub count: Option<Slot>,
    pub kind: BarrierKind,
    /// Whether all lanes of a warp must come together.
    pub aligned: bool,
}

pub(crate) struct MBarrier {
    pub place: Place,
    pub kind: MBarrierKind,
}

pub(crate) enum MBarrierKind {
    Init(Slot),
    Invalidate,
    Arrive {
        count: Option<Slot>,
        /// Bytes that are expected before it arrives.
        expect: Option<Slot>,
        result: Option<Slot>,
        drops: bool,
        no_complete: bool,
    },
    Expect(Slot),
    Complete(Slot),
    Test {
        result: Slot,
        /// A phase's parity, or the token of an arrival.
        phase: Slot,
        by_parity: bool,
        may_block: bool,
    },
    /// `mbarrier.pending_count` takes a token, not a place.
    PendingCount {
        result: Slot,
        token: Slot,
    },
}

/// `cp.async` without `bulk`.
pub(crate) enum Copy {
    Start {
        to: Place,
        from: Place,
        bytes: usize,
        /// Bytes that are read; the rest becomes zero.
        size: Option<Slot>,
        /// A predicate by which nothing is read.
        ignore: Option<Slot>,
    },
    Commit,
    /// Until at most so many groups are left; all copies without a number.
    Wait(Option<u32>),
    Arrive {
        place: Place,
        increments: bool,
    },
}

/// One side of a bulk copy.
pub(crate) enum Side {
    /// As many bytes as the operand says.
    Plain(Place),
    /// A box of a tensor.
    Box(Place, Box<[Slot]>),
}

/// `cp.async.bulk`, also of tensors.
pub(crate) enum Bulk {
    Load {
        to: Place,
        from: Side,
        size: Option<Slot>,
        barrier: Place,
        multicast: Option<Slot>,
    },
    Store {
        to: Side,
        from: Place,
        size: Option<Slot>,
        /// Bytes of an element and what is done to it.
        reduce: Option<(usize, std::sync::Arc<Update>)>,
    },
    Prefetch,
    Commit,
    Wait {
        left: u32,
        /// Whether it is enough that the sources were read.
        reads: bool,
    },
}

/// What the operands of a matrix product are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    F16,
    Bf16,
    Tf32,
    F64,
    /// Bytes with or without a sign.
    Byte {
        signed: bool,
    },
}

impl Element {
    pub fn bytes(self) -> u32 {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::Tf32 => 4,
            Self::F64 => 8,
            Self::Byte { .. } => 1,
        }
    }
}

/// What the sums of a matrix product are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sum {
    F16,
    F32,
    F64,
    S32 { saturates: bool },
}

pub(crate) enum Matrix {
    Load {
        place: Place,
        transposes: bool,
        results: Box<[Slot]>,
    },
    Store {
        place: Place,
        transposes: bool,
        values: Box<[Slot]>,
    },
    Transpose {
        result: Slot,
        value: Slot,
    },
    Product {
        depth: u32,
        left: Element,
        right: Element,
        sum: Sum,
        d: Box<[Slot]>,
        a: Box<[Slot]>,
        b: Box<[Slot]>,
        c: Box<[Slot]>,
    },
    /// `setmaxnreg`, which all lanes execute together.
    Registers,
}

/// The left operand of `wgmma`.
#[derive(Clone)]
pub(crate) enum Left {
    Descriptor(Slot),
    Registers(Box<[Slot]>),
}

/// `wgmma.mma_async`.
#[derive(Clone)]
pub(crate) struct Wgmma {
    pub columns: u32,
    pub depth: u32,
    pub left_element: Element,
    pub right_element: Element,
    pub sum: Sum,
    pub d: Box<[Slot]>,
    pub left: Left,
    pub right: Slot,
    /// A predicate by which the old sums count.
    pub adds: Slot,
    pub negates_left: bool,
    pub negates_right: bool,
    /// Whether the operands are M-major and N-major rather than K-major.
    pub transposes_left: bool,
    pub transposes_right: bool,
}
