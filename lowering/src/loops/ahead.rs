//! Prefetches in the loop that runs in vectors: of what it will reach soon, or of what others will after it.

use super::{
    nest::Ahead,
    plan::{Walk, walk},
    segments::Width,
    write::{State, Writer},
};
use crate::{
    emit::{Emitter, Prefetch},
    linalg::Access,
    size::element_bytes,
};
use dlc_dialects::ir::shape::{self, DYNAMIC};
use melior::ir::{TypeLike, Value, ValueLike};

impl<'c: 'a, 'a> Writer<'_, 'c, 'a> {
    /// Prefetches of a step that begins at `place` of the loop in vectors; one for each cache line.
    pub(super) fn bring(&self, e: &Emitter<'c, 'a>, state: &State<'c, 'a>, place: Value<'c, 'a>) {
        let Width::Vector(step) = state.width else {
            return;
        };
        // Steps of one register are what remains of a row, ahead of which nothing of the same row is.
        if step <= self.plan.schedule.lanes && self.nest.ahead.is_none() {
            return;
        }
        let inputs = &self.nest.generic.inputs;
        let chosen: Vec<(&Access<'c, 'a>, Prefetch, i64)> = match &self.nest.ahead {
            Some(all) => {
                let one = |ahead: &Ahead| (&inputs[ahead.input], ahead.access, 0);
                all.iter().map(one).collect()
            }
            None => {
                let distance = self.plan.schedule.prefetch;
                let reads = inputs
                    .iter()
                    .map(|access| (access, Prefetch::Read, distance));
                let outputs = self.nest.generic.outputs.iter();
                let writes = outputs.map(|access| (access, Prefetch::Write, distance));
                let all = reads.chain(writes);
                all.filter(|(access, ..)| is_far(access.value, self.plan.near))
                    .collect()
            }
        };
        let vector = self
            .plan
            .vector
            .expect("a step of vectors is one of a loop");
        for (access, how, distance) in chosen {
            let begun = access.loops.iter().all(|l| state.index[*l].is_some());
            if !begun || walk(access, vector) != Walk::Contiguous {
                continue;
            }
            let bytes = element_bytes(shape::element_of(access.value))
                .unwrap_or(1)
                .max(1);
            let line = (self.plan.schedule.line_bytes() / bytes).max(1);
            let mut at = state.indices(&access.loops);
            at.pop();
            for offset in (0..step).step_by(line as usize) {
                let near = e.plus(place, distance + offset);
                e.prefetch(access.value, &[&at[..], &[near]].concat(), how, 3);
            }
        }
    }
}

/// Whether a buffer may be too large to be in a near cache when it is walked.
fn is_far(buffer: Value, near: i64) -> bool {
    if !buffer.r#type().is_mem_ref() {
        return false;
    }
    let shape = shape::shape_of(buffer);
    let bytes = element_bytes(shape::element_of(buffer)).unwrap_or(1);
    shape.contains(&DYNAMIC) || shape.iter().product::<i64>() * bytes > near
}
