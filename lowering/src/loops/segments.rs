//! The steps of the loop that runs in vectors: long vectors first, then what is left.

use super::nest::Extent;
use crate::{emit::Emitter, schedule::ElementwiseSchedule};
use melior::ir::Value;

/// How many elements one step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Width<'c, 'a> {
    /// One.
    Scalar,
    /// So many.
    Vector(i64),
    /// So many at most: those that the mask selects.
    Masked(i64, Value<'c, 'a>),
}

impl Width<'_, '_> {
    /// The length of vectors, if there are any.
    pub fn lanes(&self) -> Option<i64> {
        match self {
            Width::Scalar => None,
            Width::Vector(lanes) | Width::Masked(lanes, _) => Some(*lanes),
        }
    }
}

/// The kind of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One element.
    Scalar,
    /// A vector.
    Vector,
    /// A vector under a mask of what is left.
    Masked,
}

/// Steps of one length.
pub struct Segment<'c, 'a> {
    /// The first index.
    pub low: Value<'c, 'a>,
    /// The end.
    pub high: Value<'c, 'a>,
    /// Elements of a step.
    pub step: i64,
    /// What a step is.
    pub kind: Kind,
    /// Whether there is exactly one step.
    pub single: bool,
}

/// The segments of a loop.
pub fn segments<'c, 'a>(
    e: &Emitter<'c, 'a>,
    extent: Extent<'c, 'a>,
    schedule: &ElementwiseSchedule,
) -> Vec<Segment<'c, 'a>> {
    let rest = match schedule.masked {
        true => (schedule.lanes, Kind::Masked),
        false => (1, Kind::Scalar),
    };
    let mut kinds = vec![(schedule.step(), Kind::Vector)];
    // With masks the last steps of a loop of unknown length are masked all; else whole registers go first.
    let known = matches!(extent, Extent::Known(_));
    if schedule.unroll > 1 && (known || !schedule.masked) {
        kinds.push((schedule.lanes, Kind::Vector));
    }
    kinds.push(rest);
    match extent {
        Extent::Known(count) => {
            let mut at = 0;
            let mut found = vec![];
            for (step, kind) in kinds {
                // One element under a constant mask: LLVM 22 may store two halves for it.
                let (step, kind) = match kind {
                    Kind::Masked if count - at == 1 => (1, Kind::Scalar),
                    _ => (step, kind),
                };
                let steps = match kind {
                    Kind::Masked => (count - at + step - 1) / step,
                    _ => (count - at) / step,
                };
                if steps > 0 {
                    let end = (at + steps * step).min(count);
                    found.push(Segment {
                        low: e.index(at),
                        high: e.index(end),
                        step,
                        kind,
                        single: steps == 1,
                    });
                    at = end;
                }
            }
            found
        }
        Extent::Value(count) => {
            let mut low = e.index(0);
            let mut found = vec![];
            for (step, kind) in kinds {
                let high = match kind {
                    Kind::Vector => {
                        let rest = e.op("arith.remui", &[count, e.index(step)], e.index_type());
                        e.sub(count, rest)
                    }
                    _ => count,
                };
                found.push(Segment {
                    low,
                    high,
                    step,
                    kind,
                    single: false,
                });
                low = high;
            }
            found
        }
    }
}
