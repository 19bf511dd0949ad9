//! A ring of stages in shared memory, each with two barriers: one says that it is full, one that it is empty.

use super::{Function, Value, byte};

/// Bytes of a barrier.
const BARRIER: i64 = 8;
/// After how many nanoseconds at most a waiting thread looks again.
const LOOK_AGAIN: i64 = 10_000_000;

pub(super) struct Ring {
    shared: Value,
    /// Where the barriers are, those of full stages first.
    place: i64,
    stages: i64,
}

/// Where one is in the ring: the stage, and the parity of the phase of its barrier that is waited for.
#[derive(Clone)]
pub(super) struct Turn {
    pub stage: Value,
    pub phase: Value,
}

impl Turn {
    /// From the values that a loop carries.
    pub fn of(values: &[Value]) -> Self {
        Self {
            stage: values[0].clone(),
            phase: values[1].clone(),
        }
    }

    /// As values that a loop carries.
    pub fn values(self) -> Vec<Value> {
        vec![self.stage, self.phase]
    }
}

impl Ring {
    /// Bytes of the barriers.
    pub fn bytes(stages: i64) -> i64 {
        2 * BARRIER * stages
    }

    pub fn new(shared: &Value, place: i64, stages: i64) -> Self {
        Self {
            shared: shared.clone(),
            place,
            stages,
        }
    }

    /// Makes the barriers: a stage is full when one thread has said how many bytes come and they are there, and empty when
    /// so many warpgroups have read it.
    pub fn start(&self, f: &mut Function, readers: i64) {
        let (writers, readers) = (f.i32(1), f.i32(readers));
        for stage in 0..self.stages {
            let stage = f.i32(stage);
            for (barrier, count) in [
                (self.full(f, &stage), &writers),
                (self.empty(f, &stage), &readers),
            ] {
                f.line(&format!(
                    "nvvm.mbarrier.init {barrier}, {count} : !llvm.ptr<3>, i32"
                ));
            }
        }
        f.line("nvvm.fence.mbarrier.init");
    }

    /// The first turn of one who fills stages, who need not wait, or of one who reads them.
    pub fn first(&self, f: &mut Function, waits: Waits) -> Turn {
        let phase = match waits {
            Waits::ForEmpty => 1,
            Waits::ForFull => 0,
        };
        Turn {
            stage: f.i32(0),
            phase: f.i32(phase),
        }
    }

    pub fn full(&self, f: &mut Function, stage: &Value) -> Value {
        self.barrier(f, stage, self.place)
    }

    pub fn empty(&self, f: &mut Function, stage: &Value) -> Value {
        self.barrier(f, stage, self.place + BARRIER * self.stages)
    }

    fn barrier(&self, f: &mut Function, stage: &Value, base: i64) -> Value {
        let offset = f.with("arith.muli", stage, BARRIER);
        let offset = f.with("arith.addi", &offset, base);
        byte(f, &self.shared, &offset)
    }

    /// Waits until the phase of a parity has ended.
    pub fn wait(&self, f: &mut Function, barrier: &Value, phase: &Value) {
        let ticks = f.i32(LOOK_AGAIN);
        f.line(&format!(
            "nvvm.mbarrier.try_wait.parity {barrier}, {phase}, {ticks} : !llvm.ptr<3>, i32, i32"
        ));
    }

    /// Says that a stage was read.
    pub fn release(&self, f: &mut Function, stage: &Value) {
        let barrier = self.empty(f, stage);
        f.op(
            &format!("nvvm.mbarrier.arrive {barrier} : !llvm.ptr<3> -> i64"),
            "i64",
        );
    }

    /// The turn after one.
    pub fn next(&self, f: &mut Function, turn: &Turn) -> Turn {
        let stage = f.with("arith.addi", &turn.stage, 1);
        let stages = f.i32(self.stages);
        let wraps = f.cmp("eq", &stage, &stages);
        let first = f.i32(0);
        let stage = f.select(&wraps, &first, &stage);
        let flip = f.cast("arith.extui", &wraps, "i32");
        let phase = f.xor(&turn.phase, &flip);
        Turn { stage, phase }
    }
}

/// What one waits for in the ring.
pub(super) enum Waits {
    ForEmpty,
    ForFull,
}
