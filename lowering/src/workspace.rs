//! The plan of an entry's workspace: which buffers share memory, and how the plan is told.
//!
//! `plan-workspace` gives each buffer a place by [`assign`]; where a module asks for it by [`ASKED`], the pass also notes on the
//! entry what it has decided, which [`read`] gives to who shows it.

use crate::{entry::Entry, size};
use dlc_abi::{DimRange, Poly, WORKSPACE_ALIGN, dim::Factor};
use dlc_dialects::{ir::edit, pass::INTERNAL};
use melior::{
    Context,
    ir::{
        Attribute, Identifier, Type,
        attribute::{ArrayAttribute, DictionaryAttribute, IntegerAttribute, StringAttribute},
        operation::OperationLike,
    },
};
use std::{cmp::Reverse, collections::BTreeSet};

/// The attribute of a module whose plans are asked for.
pub const ASKED: &str = "dl.tell_workspace";
/// The attribute of an entry with its plan.
const PLAN: &str = "dl.workspace";

/// What a dim counts for when buffers of several dims are compared.
pub const TYPICAL: i64 = 256;

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

/// Memory for buffers of which no nest touches two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot {
    /// The numbers of the buffers, and where each begins.
    pub members: Vec<(usize, Poly)>,
    /// Polynomials whose maximum is its size.
    pub sizes: Vec<Poly>,
}

/// The value of a dim at which buffers are compared.
pub fn typical(name: &str, dims: &[DimRange]) -> i64 {
    let dim = dims.iter().find(|dim| dim.name == name);
    let most = dim.and_then(|dim| dim.max).unwrap_or(i64::MAX);
    TYPICAL.min(most)
}

/// Gives each buffer a slot and an offset in it. Two that are alive together may lie side by side in a slot only if no nest
/// touches both: so all that one nest touches are different arguments, which don't alias. Buffers are taken in the order of
/// their sizes, the largest first, and each goes where its slot grows least: into a gap, if there is one, as in Pisarchyk
/// and Lee, Efficient Memory Management for Deep Neural Net Inference (2020). Sizes are compared where dims are typical;
/// that buffers are disjoint holds for all dims of their ranges.
pub fn assign(buffers: &[Buffer], dims: &[DimRange]) -> Vec<Slot> {
    let planner = Planner { buffers, dims };
    let sizes: Vec<i64> = (buffers
        .iter()
        .map(|buffer| planner.at(&aligned(&buffer.bytes))))
    .collect();
    let order = |key: &dyn Fn(usize) -> (Reverse<i64>, usize)| {
        let mut order: Vec<usize> = (0..buffers.len()).collect();
        order.sort_by_key(|i| key(*i));
        order
    };
    let length = |i: usize| (buffers[i].live.1 - buffers[i].live.0 + 1) as i64;
    let orders = [
        order(&|i| (Reverse(sizes[i]), buffers[i].live.0)),
        order(&|i| (Reverse(sizes[i]), usize::MAX - buffers[i].live.1)),
        order(&|i| {
            (
                Reverse(sizes[i].saturating_mul(length(i))),
                buffers[i].live.0,
            )
        }),
        order(&|i| (Reverse(length(i)), buffers[i].live.0)),
        order(&|i| (Reverse(0), buffers[i].live.0)),
    ];
    // Each is best somewhere; the smallest plan is taken.
    let plans = orders.map(|order| planner.in_order(&order, &sizes));
    let total = |plan: &Vec<Open>| plan.iter().map(|slot| slot.size).sum::<i64>();
    let best = plans.into_iter().min_by_key(total);
    let slots = best.into_iter().flatten();
    slots.map(|open| open.slot).collect()
}

/// Bytes in whole cache lines.
fn aligned(bytes: &Poly) -> Poly {
    const LINE: i64 = WORKSPACE_ALIGN as i64;
    let whole = |(coefficient, _): &(i128, Vec<Factor>)| coefficient % i128::from(LINE) == 0;
    match bytes.terms().iter().all(whole) {
        true => bytes.clone(),
        false => {
            let lines = (bytes.clone() + Poly::constant(LINE - 1)).floor_div(LINE);
            lines.expect("a line has some bytes") * Poly::constant(LINE)
        }
    }
}

struct Planner<'x> {
    buffers: &'x [Buffer],
    dims: &'x [DimRange],
}

/// A slot that may take more buffers.
#[derive(Default)]
struct Open {
    slot: Slot,
    /// Where each member begins and ends.
    spots: Vec<Spot>,
    /// Its bytes where dims are typical.
    size: i64,
    nests: BTreeSet<usize>,
}

struct Spot {
    buffer: usize,
    offset: Poly,
    end: Poly,
    /// The same where dims are typical.
    span: (i64, i64),
}

/// A place for a buffer: at the beginning of a slot, or behind a member.
#[derive(Clone, Copy, Default)]
struct Fit {
    /// By how much the slot grows, where dims are typical.
    growth: i64,
    /// Where it begins, where dims are typical.
    from: i64,
    /// The number of the spot before it.
    after: Option<usize>,
}

impl Open {
    /// Where a place begins.
    fn offset(&self, fit: Fit) -> Poly {
        fit.after
            .map_or(Poly::zero(), |spot| self.spots[spot].end.clone())
    }
}

impl Planner<'_> {
    /// Places buffers one by one.
    fn in_order(&self, order: &[usize], sizes: &[i64]) -> Vec<Open> {
        let mut open: Vec<Open> = vec![];
        for i in order.iter().copied() {
            let places = open.iter().enumerate().rev().flat_map(|(number, slot)| {
                let fits = self.fits(slot, i, sizes[i]).into_iter();
                fits.map(move |fit| (number, fit))
            });
            let mut places: Vec<_> = places.collect();
            places.sort_by_key(|(_, fit)| (fit.growth, fit.from));
            let mut places = places.into_iter();
            let found = places.find(|(number, fit)| self.is_free(&open[*number], i, *fit));
            let (number, fit) = found.unwrap_or_else(|| {
                open.push(Open::default());
                (open.len() - 1, Fit::default())
            });
            self.put(&mut open[number], i, fit, sizes[i]);
        }
        open
    }

    /// Bytes where dims are typical.
    fn at(&self, bytes: &Poly) -> i64 {
        let bytes = bytes.eval(&|name| Some(typical(name, self.dims)));
        bytes.unwrap_or(i64::MAX / 4)
    }

    /// Whether `a >= b` for all dims in their ranges.
    fn holds(&self, a: &Poly, b: &Poly) -> bool {
        if let (Some(a), Some(b)) = (a.as_const(), b.as_const()) {
            return a >= b;
        }
        // Dims count from their least values, so that `16*B*T >= 4*B` shows where B and T are at least 1.
        let least = |name: &str| {
            let dim = self
                .dims
                .iter()
                .find(|dim| dim.name == name && dim.min > 0)?;
            Some(Poly::name(name) + Poly::constant(dim.min))
        };
        size::dominates(&a.substitute_with(&least), &b.substitute_with(&least))
    }

    /// The members of a slot that are alive together with a buffer.
    fn neighbours<'a>(&self, slot: &'a Open, i: usize) -> impl Iterator<Item = (usize, &'a Spot)> {
        let live = self.buffers[i].live;
        let buffers = self.buffers;
        slot.spots.iter().enumerate().filter(move |(_, spot)| {
            let other = buffers[spot.buffer].live;
            other.0 <= live.1 && live.0 <= other.1
        })
    }

    /// The places for a buffer in a slot which cost less than a slot of its own, where dims are typical.
    fn fits(&self, slot: &Open, i: usize, size: i64) -> Vec<Fit> {
        if !slot.nests.is_disjoint(&self.buffers[i].nests) {
            return vec![];
        }
        let spans: Vec<_> = self
            .neighbours(slot, i)
            .map(|(_, spot)| spot.span)
            .collect();
        let ends = self
            .neighbours(slot, i)
            .map(|(n, spot)| (spot.span.1, Some(n)));
        let starts = std::iter::once((0, None)).chain(ends);
        let fits = starts.filter_map(|(from, after)| {
            let to = from.saturating_add(size);
            let free = spans.iter().all(|span| to <= span.0 || span.1 <= from);
            let growth = (to - slot.size).max(0);
            (free && (growth < size || size == 0)).then_some(Fit {
                growth,
                from,
                after,
            })
        });
        fits.collect()
    }

    /// Whether a place is free for all dims.
    fn is_free(&self, slot: &Open, i: usize, fit: Fit) -> bool {
        let offset = slot.offset(fit);
        let end = offset.clone() + self.buffers[i].bytes.clone();
        self.neighbours(slot, i)
            .all(|(_, spot)| self.holds(&spot.offset, &end) || self.holds(&offset, &spot.end))
    }

    fn put(&self, open: &mut Open, i: usize, fit: Fit, size: i64) {
        let buffer = &self.buffers[i];
        let offset = open.offset(fit);
        let end = offset.clone() + buffer.bytes.clone();
        let sizes = &mut open.slot.sizes;
        if !sizes.iter().any(|size| self.holds(size, &end)) {
            sizes.retain(|size| !self.holds(&end, size));
            sizes.push(end.clone());
        }
        open.slot.members.push((i, offset.clone()));
        open.spots.push(Spot {
            buffer: i,
            end: aligned(&end),
            span: (fit.from, fit.from + size),
            offset,
        });
        open.size = open.size.max(fit.from + size);
        open.nests.extend(&buffer.nests);
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
    /// Where it begins in the slot.
    pub offset: Poly,
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
    let buffers = placed.iter().map(|buffer| {
        let fields = [
            ("bytes", text(&buffer.bytes.to_string())),
            ("first", text(&buffer.places[1])),
            ("from", number(buffer.live.0)),
            ("last", text(&buffer.places[2])),
            ("made", text(&buffer.places[0])),
            ("offset", text(&buffer.offset.to_string())),
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
    Some(Placed {
        ty: text("type")?,
        bytes: Poly::parse(&text("bytes")?).ok()?,
        slot: number("slot")?,
        offset: Poly::parse(&text("offset")?).ok()?,
        live: (number("from")?, number("to")?),
        places: [text("made")?, text("first")?, text("last")?],
    })
}
