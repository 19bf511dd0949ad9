//! Sums of all elements in parts, which do not depend on each other: threads can share them, and how they are cut follows from
//! sizes alone, so the bits do not depend on who adds up what.

use super::{
    body::Output,
    nest::Extent,
    write::{State, Writer},
};
use crate::{emit::Emitter, linalg::Iterator, schedule::MOST_PARTS, tasks};
use dlc_dialects::ir::shape;
use melior::ir::Value;

/// Some steps of a loop.
#[derive(Clone, Copy)]
pub struct Range<'c, 'a> {
    /// The first.
    pub low: Value<'c, 'a>,
    /// How many.
    pub length: Extent<'c, 'a>,
}

/// How the outermost loop is cut.
pub(super) struct Parts<'c, 'a> {
    count: Extent<'c, 'a>,
    /// Steps of a part; the last one may have fewer.
    length: Extent<'c, 'a>,
    /// Steps of all parts.
    all: Extent<'c, 'a>,
}

impl<'c: 'a, 'a> Writer<'_, 'c, 'a> {
    /// The parts, where the nest adds up over all its loops, stands in no loop that is divided, and there is more than one
    /// part.
    pub(super) fn parts(&self, e: &Emitter<'c, 'a>) -> Option<Parts<'c, 'a>> {
        let (outermost, inner) = self.plan.order.split_first()?;
        let adds_up = |i: &usize| self.nest.generic.iterators[*i] == Iterator::Reduction;
        let combines = |output: &Output| *output != Output::Carried;
        if self.plan.carried > 0
            || !self.plan.order.iter().all(adds_up)
            || !self.body.outputs.iter().all(combines)
            || e.around().any(|op| tasks::independent(op).is_some())
        {
            return None;
        }
        let least = self.plan.schedule.part;
        let step = match self.plan.vector == Some(*outermost) {
            true => self.plan.schedule.step(),
            false => 1,
        };
        let all = self.nest.extents[*outermost];
        let known = |extent: Extent| match extent {
            Extent::Known(n) => Some(n),
            Extent::Value(_) => None,
        };
        let inner = || inner.iter().map(|i| self.nest.extents[*i]);
        let elements = inner().try_fold(1, |product: i64, extent| Some(product * known(extent)?));
        if let (Some(n), Some(elements)) = (known(all), elements) {
            let count = (n * elements / least).min(n).min(MOST_PARTS);
            if count < 2 {
                return None;
            }
            let length = (n + count - 1) / count;
            let length = (length + step - 1) / step * step;
            let count = (n + length - 1) / length;
            return (count > 1).then_some(Parts {
                count: Extent::Known(count),
                length: Extent::Known(length),
                all,
            });
        }
        let one = e.index(1);
        let n = all.value(e);
        let elements = inner().fold(one, |product, extent| e.mul(product, extent.value(e)));
        let enough = e.div(e.index(least), e.max(elements, one));
        let length = e.max(e.max(enough, one), e.ceil_div(n, MOST_PARTS));
        let length = e.mul(e.ceil_div(length, step), e.index(step));
        let count = e.div(e.sub(e.add(n, length), one), length);
        Some(Parts {
            count: Extent::Value(count),
            length: Extent::Value(length),
            all,
        })
    }

    /// The steps that a loop takes.
    pub(super) fn extent(&self, state: &State<'c, 'a>, index: usize) -> Extent<'c, 'a> {
        match state.range.filter(|_| self.plan.order[0] == index) {
            Some(range) => range.length,
            None => self.nest.extents[index],
        }
    }

    /// The index of a loop at one of the steps that it takes.
    pub(super) fn place(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        index: usize,
        step: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        match state.range.filter(|_| self.plan.order[0] == index) {
            Some(range) => e.add(range.low, step),
            None => step,
        }
    }

    /// Writes the nest as a loop over parts, which keeps what each gives, and one that adds that up, in order.
    pub(super) fn in_parts(
        &self,
        e: &Emitter<'c, 'a>,
        parts: &Parts<'c, 'a>,
        state: &State<'c, 'a>,
    ) {
        let kinds = self.accumulating();
        let kinds = kinds.map(|(access, output)| (output.name(), shape::element_of(access.value)));
        let kinds = kinds.collect::<Vec<_>>();
        let most = match parts.count {
            Extent::Known(count) => count,
            Extent::Value(_) => MOST_PARTS,
        };
        let given = kinds
            .iter()
            .map(|(_, ty)| e.alloc(&[], &format!("memref<{most}x{ty}>")));
        let given = given.collect::<Vec<_>>();
        let bounds = (e.index(0), parts.count.value(e), e.index(1));
        let op = e.plain_loop(bounds, |e, part| {
            let low = e.mul(part, parts.length.value(e));
            let length = match (parts.all, parts.length) {
                (Extent::Known(all), Extent::Known(length)) if all % length == 0 => parts.length,
                _ => Extent::Value(e.min(parts.length.value(e), e.sub(parts.all.value(e), low))),
            };
            let mut state = state.clone();
            state.range = Some(Range { low, length });
            let sums = self.reduce(e, 0, &state, self.neutral(e));
            let keep = |e: &Emitter<'c, 'a>, sums: Vec<Value<'c, 'a>>| {
                for (sum, given) in sums.into_iter().zip(&given) {
                    e.effect("memref.store", &[sum, *given, part], &[]);
                }
            };
            match &self.team {
                Some(team) => {
                    let sums = self.exchange(e, team, sums);
                    team.first(e, |e| keep(e, sums));
                }
                None => keep(e, sums),
            }
        });
        tasks::mark(e, op, true);
        if let Some(team) = &self.team {
            team.give(e, op);
        }
        let accumulating = self.accumulating();
        let start = accumulating.map(|(access, _)| self.load(e, state, access));
        let start = start.collect::<Vec<_>>();
        let sums = e.for_loop(bounds, &start, |e, part, sums| {
            let given = given.iter().zip(&kinds);
            let given = given.map(|(given, (_, ty))| e.op("memref.load", &[*given, part], *ty));
            self.combined(e, sums, &given.collect::<Vec<_>>())
        });
        for ((access, _), sum) in self.accumulating().zip(sums) {
            self.store(e, state, access, sum);
        }
    }
}
