//! The plan of an entry's workspace: which buffers share memory, and how the plan is told.
//!
//! `plan-workspace` gives each buffer a place by [`assign`]; where a module asks for it by [`ASKED`], the pass also notes on the
//! entry what it has decided, which [`read`] gives to who shows it.

use crate::entry::Entry;
use arrange::{Arrangement, Block};
use bytes::{Basis, Sum};
use dlc_abi::{DimRange, Poly};
use dlc_dialects::{ir::edit, pass::INTERNAL};
use melior::{
    Context,
    ir::{
        Attribute, Identifier, Type,
        attribute::{ArrayAttribute, DictionaryAttribute, IntegerAttribute, StringAttribute},
        operation::OperationLike,
    },
};
use std::collections::BTreeSet;

mod arrange;
mod bytes;

/// The attribute of a module whose plans are asked for.
pub const ASKED: &str = "dl.tell_workspace";
/// The attribute of an entry with its plan.
const PLAN: &str = "dl.workspace";

/// What dims are taken to be where buffers are compared, as far as their ranges allow,
const SAMPLES: [i64; 4] = [1, 16, 256, 4096];
/// and the number of those that are typical.
const TYPICAL: usize = 2;
/// Plans for more buffers are judged where dims are typical only, which takes a fraction of the time.
const MANY: usize = 256;
/// What a plan may take above what is alive, in thousandths, without another one being sought.
const TOLERANCE: i64 = 30;

/// A buffer to be placed.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// The numbers of the first and the last op that may touch it.
    pub live: (usize, usize),
    /// Its size.
    pub bytes: Poly,
    /// The numbers of the nests of loops, calls and other ops that touch it.
    pub nests: BTreeSet<usize>,
}

/// Memory for some buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot {
    /// The numbers of the buffers, and where each begins: the maximum of polynomials.
    pub members: Vec<(usize, Vec<Poly>)>,
    /// Polynomials whose maximum is its size.
    pub sizes: Vec<Poly>,
}

/// The typical value of a dim.
pub fn typical(name: &str, dims: &[DimRange]) -> i64 {
    sample(SAMPLES[TYPICAL], name, dims)
}

/// A size, or what comes nearest in the range of a dim.
fn sample(size: i64, name: &str, dims: &[DimRange]) -> i64 {
    let dim = dims.iter().find(|dim| dim.name == name);
    let most = dim.and_then(|dim| dim.max).unwrap_or(i64::MAX);
    size.min(most).max(dim.map_or(0, |dim| dim.min))
}

/// Gives each buffer a slot and an offset in it, such that two that are alive together do not overlap, for all dims of
/// their ranges.
///
/// Where it costs little, no nest touches two buffers of one slot: so all that it touches are different arguments, which
/// don't alias. Else all buffers share one slot. Which one of two lies above the other is decided for some sample of dims; a
/// buffer begins where the last of those ends that are alive with it and beneath it. Of plans that take little more than is
/// alive where dims are typical, the best for the other samples is taken.
pub fn assign(buffers: &[Buffer], dims: &[DimRange]) -> Vec<Slot> {
    if buffers.is_empty() {
        return vec![];
    }
    let planner = Planner::new(buffers, dims);
    let apart = planner.plan(&arrange::apart(&planner.blocks(TYPICAL)));
    let samples = match dims.is_empty() || buffers.len() > MANY {
        true => TYPICAL..TYPICAL + 1,
        false => 0..SAMPLES.len(),
    };
    let mut excess = apart.excess[samples.clone()].iter();
    if excess.all(|excess| *excess <= TOLERANCE) {
        return apart.slots;
    }
    let together = samples.map(|sample| arrange::together(&planner.blocks(sample)));
    let together = together.map(|arrangement| planner.plan(&arrangement));
    let plans = std::iter::once(apart).chain(together);
    let best = plans.min_by_key(|plan| {
        let most = plan.excess.iter().max().copied();
        (plan.excess[TYPICAL].max(TOLERANCE), most)
    });
    best.expect("there is a plan").slots
}

/// What makes slots of an arrangement.
struct Planner<'x> {
    buffers: &'x [Buffer],
    basis: Basis<'x>,
    sizes: Vec<Sizes>,
    /// What is alive at the most, at each sample.
    bounds: [i64; SAMPLES.len()],
}

struct Plan {
    slots: Vec<Slot>,
    /// What it takes above what is alive, in thousandths, at each sample.
    excess: [i64; SAMPLES.len()],
}

/// The size of a buffer.
struct Sizes {
    exact: Sum,
    /// In whole cache lines.
    whole: Sum,
}

impl<'x> Planner<'x> {
    fn new(buffers: &'x [Buffer], dims: &'x [DimRange]) -> Self {
        let mut basis = Basis::new(dims);
        let sizes = buffers.iter().map(|buffer| Sizes {
            exact: basis.sum(&buffer.bytes),
            whole: basis.sum(&bytes::aligned(&buffer.bytes)),
        });
        let sizes = sizes.collect();
        let bounds = [0; SAMPLES.len()];
        let mut planner = Self {
            buffers,
            basis,
            sizes,
            bounds,
        };
        planner.bounds = std::array::from_fn(|sample| arrange::bound(&planner.blocks(sample)));
        planner
    }

    /// The buffers at a sample of dims.
    fn blocks(&self, sample: usize) -> Vec<Block<'x>> {
        let blocks = self.buffers.iter().zip(&self.sizes);
        let blocks = blocks.map(|(buffer, sizes)| Block {
            live: buffer.live,
            size: self.basis.at(&sizes.whole, sample),
            nests: &buffer.nests,
        });
        blocks.collect()
    }

    /// The slots of an arrangement.
    fn plan(&self, arrangement: &Arrangement) -> Plan {
        let mut order: Vec<usize> = (0..self.buffers.len()).collect();
        // One that is placed at the same height as another that is alive with it has no bytes at the sample.
        order.sort_by_key(|i| (arrangement.places[*i], *i));
        let mut slots = vec![Slot::default(); arrangement.slots];
        let mut totals = [0i64; SAMPLES.len()];
        for members in order.chunk_by(|a, b| arrangement.places[*a].0 == arrangement.places[*b].0) {
            let slot = &mut slots[arrangement.places[members[0]].0];
            let mut sizes = vec![];
            let mut offsets: Vec<Vec<Sum>> = vec![];
            for (count, i) in members.iter().enumerate() {
                let offset = self.above(&members[..count], &offsets, *i);
                for sum in &offset {
                    let end = self.basis.add(sum, &self.sizes[*i].exact);
                    self.basis.add_to_maximum(&mut sizes, end);
                }
                offsets.push(offset);
            }
            for (sample, total) in totals.iter_mut().enumerate() {
                let most = sizes.iter().map(|sum| self.basis.at(sum, sample)).max();
                *total = total.saturating_add(most.unwrap_or(0));
            }
            slot.sizes = sizes.iter().map(|sum| self.basis.poly(sum)).collect();
            let polys = |sums: &Vec<Sum>| sums.iter().map(|sum| self.basis.poly(sum)).collect();
            let offsets = offsets.iter().map(polys);
            slot.members = members.iter().copied().zip(offsets).collect();
        }
        let excess = std::array::from_fn(|sample| {
            let (total, bound) = (totals[sample], self.bounds[sample].max(1));
            (total - bound).saturating_mul(1000) / bound
        });
        Plan { slots, excess }
    }

    /// Where a buffer begins that lies above others, as far as they are alive with it.
    fn above(&self, beneath: &[usize], offsets: &[Vec<Sum>], i: usize) -> Vec<Sum> {
        let live = self.buffers[i].live;
        let mut offset = vec![];
        // The last are the highest, which make most others needless.
        for (other, from) in beneath.iter().zip(offsets).rev() {
            let alive = self.buffers[*other].live;
            if alive.0 <= live.1 && live.0 <= alive.1 {
                for sum in from {
                    let end = self.basis.add(sum, &self.sizes[*other].whole);
                    self.basis.add_to_maximum(&mut offset, end);
                }
            }
        }
        if offset.is_empty() {
            offset.push(vec![]);
        }
        offset
    }
}

/// What a plan says of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Its type, such as `f32[B, 64]`.
    pub ty: String,
    /// Its size.
    pub bytes: Poly,
    /// The number of its slot.
    pub slot: usize,
    /// Where it begins in the slot: the maximum of polynomials.
    pub offset: Vec<Poly>,
    /// The numbers of the first and the last op that may touch it.
    pub live: (usize, usize),
    /// MLIR's texts of the places of the op that made it, and of those two.
    pub places: [String; 3],
}

/// Notes a plan on an entry.
pub fn note<'c>(cx: &'c Context, entry: &Entry<'c, '_>, placed: &[Placed]) {
    let text = |text: &str| Attribute::from(StringAttribute::new(cx, text));
    let index = Type::index(cx);
    let number = |n: usize| Attribute::from(IntegerAttribute::new(index, n as i64));
    let polys = |polys: &[Poly]| {
        let texts: Vec<_> = polys.iter().map(|poly| text(&poly.to_string())).collect();
        Attribute::from(ArrayAttribute::new(cx, &texts))
    };
    let buffers = placed.iter().map(|buffer| {
        let fields = [
            ("bytes", text(&buffer.bytes.to_string())),
            ("first", text(&buffer.places[1])),
            ("from", number(buffer.live.0)),
            ("last", text(&buffer.places[2])),
            ("made", text(&buffer.places[0])),
            ("offset", polys(&buffer.offset)),
            ("slot", number(buffer.slot)),
            ("to", number(buffer.live.1)),
            ("type", text(&buffer.ty)),
        ];
        let fields = fields.map(|(name, value)| (Identifier::new(cx, name), value));
        DictionaryAttribute::new(cx, &fields).into()
    });
    let buffers: Vec<Attribute> = buffers.collect();
    edit::set_attribute(entry.func, PLAN, ArrayAttribute::new(cx, &buffers).into());
}

/// The plan noted on an entry; nothing where none was asked for.
pub fn read(entry: &Entry) -> Result<Option<Vec<Placed>>, String> {
    let Ok(plan) = entry.func.attribute(PLAN) else {
        return Ok(None);
    };
    let wrong = || format!("{INTERNAL}: `{PLAN}` of {} is malformed", entry.symbol);
    let all = ArrayAttribute::try_from(plan).map_err(|_| wrong())?;
    let placed = (0..all.len()).map(|i| placed(all.element(i).ok()?));
    placed
        .collect::<Option<Vec<_>>>()
        .ok_or_else(wrong)
        .map(Some)
}

fn placed(buffer: Attribute) -> Option<Placed> {
    let fields = DictionaryAttribute::try_from(buffer).ok()?;
    let text = |name: &str| crate::entry::string(fields.element_by_name(name));
    let number = |name: &str| {
        let number = IntegerAttribute::try_from(fields.element_by_name(name)?).ok()?;
        usize::try_from(number.value()).ok()
    };
    let offset = crate::entry::strings(fields.element_by_name("offset")).ok()?;
    Some(Placed {
        ty: text("type")?,
        bytes: Poly::parse(&text("bytes")?).ok()?,
        slot: number("slot")?,
        offset: (offset.iter().map(|text| Poly::parse(text).ok())).collect::<Option<_>>()?,
        live: (number("from")?, number("to")?),
        places: [text("made")?, text("first")?, text("last")?],
    })
}

#[cfg(test)]
mod tests;
