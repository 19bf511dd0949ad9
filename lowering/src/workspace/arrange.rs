//! Where buffers of known sizes lie: heuristics for dynamic storage allocation, of which the best is taken.
//!
//! Buffers are placed one by one, each at the lowest gap between those that are alive with it: as in Pisarchyk and Lee,
//! Efficient Memory Management for Deep Neural Net Inference (2020). What decides is the order. Where none of the usual ones
//! does, the buffer that ends highest is placed earlier, again and again.

use std::{cmp::Reverse, collections::BTreeSet};

/// The most orders that are tried from each start,
const ORDERS: usize = 40;
/// and of how many pairs of buffers it is looked at whether they are alive together.
const PAIRS: usize = 1 << 21;

/// A buffer to be placed.
pub struct Block<'x> {
    /// The first and the last time at which it is alive.
    pub live: (usize, usize),
    /// Its bytes.
    pub size: i64,
    /// The numbers of the nests that touch it.
    pub nests: &'x BTreeSet<usize>,
}

/// Places of buffers, by their numbers: a slot and where each begins in it.
#[derive(Clone, Debug)]
pub struct Arrangement {
    /// The places.
    pub places: Vec<(usize, i64)>,
    /// How many slots there are.
    pub slots: usize,
    /// The bytes of all slots.
    pub size: i64,
}

/// Which buffers may be in one slot.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// Those of which no nest touches two.
    Apart,
    /// All.
    Together,
}

#[derive(Default)]
struct Slot {
    /// Buffers, and where they begin.
    members: Vec<(usize, i64)>,
    size: i64,
    nests: BTreeSet<usize>,
}

/// The greatest sum of the bytes of buffers that are alive at one time: no arrangement is smaller.
pub fn bound(blocks: &[Block]) -> i64 {
    let begins = blocks.iter().map(|block| (block.live.0, 1, block.size));
    let ends = blocks
        .iter()
        .map(|block| (block.live.1 + 1, 0, -block.size));
    let mut changes: Vec<_> = begins.chain(ends).collect();
    changes.sort_unstable();
    let alive = changes.iter().scan(0i64, |alive, (_, _, change)| {
        *alive = alive.saturating_add(*change);
        Some(*alive)
    });
    alive.max().unwrap_or(0)
}

/// Places with as many slots as it takes that no nest touches two buffers of one.
pub fn apart(blocks: &[Block]) -> Arrangement {
    let plans = orders(blocks).into_iter();
    let plans = plans.map(|order| in_order(blocks, &order, Rule::Apart));
    let best = plans.min_by_key(|plan| plan.size);
    best.expect("there is an order")
}

/// Places in one slot.
pub fn together(blocks: &[Block]) -> Arrangement {
    let bound = bound(blocks);
    let pairs = blocks.len().pow(2).max(1);
    let tries = (PAIRS / pairs).clamp(1, ORDERS);
    let mut best: Option<Arrangement> = None;
    for mut order in orders(blocks) {
        for _ in 0..tries {
            let plan = in_order(blocks, &order, Rule::Together);
            let end = |position: &usize| {
                let block = order[*position];
                plan.places[block].1 + blocks[block].size
            };
            let highest = (0..order.len()).max_by_key(|i| (end(i), Reverse(*i)));
            if best.as_ref().is_none_or(|best| plan.size < best.size) {
                best = Some(plan);
            }
            match highest {
                Some(highest) if highest > 0 => order[highest / 2..=highest].rotate_right(1),
                _ => break,
            }
            if best.as_ref().is_some_and(|best| best.size <= bound) {
                break;
            }
        }
    }
    best.expect("there is an order")
}

/// Orders to place buffers in. Each is best somewhere.
fn orders(blocks: &[Block]) -> [Vec<usize>; 5] {
    let order = |key: &dyn Fn(&Block) -> (Reverse<i64>, usize)| {
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        order.sort_by_key(|i| key(&blocks[*i]));
        order
    };
    let length = |block: &Block| (block.live.1 - block.live.0 + 1) as i64;
    let area = |block: &Block| block.size.saturating_mul(length(block));
    [
        order(&|block| (Reverse(block.size), block.live.0)),
        order(&|block| (Reverse(block.size), usize::MAX - block.live.1)),
        order(&|block| (Reverse(area(block)), block.live.0)),
        order(&|block| (Reverse(length(block)), block.live.0)),
        order(&|block| (Reverse(0), block.live.0)),
    ]
}

/// Places buffers one by one, each where a slot grows least.
fn in_order(blocks: &[Block], order: &[usize], rule: Rule) -> Arrangement {
    let mut slots: Vec<Slot> = vec![];
    let mut places = vec![(0, 0); blocks.len()];
    for i in order.iter().copied() {
        let block = &blocks[i];
        let free = |slot: &Slot| {
            rule == Rule::Together || !block.nests.iter().any(|nest| slot.nests.contains(nest))
        };
        let fits = slots.iter().enumerate().rev();
        let fits = fits.filter(|(_, slot)| free(slot)).map(|(number, slot)| {
            let from = lowest(blocks, slot, block);
            let growth = (from.saturating_add(block.size) - slot.size).max(0);
            (growth, from, number)
        });
        let fit = fits.min_by_key(|(growth, from, _)| (*growth, *from));
        let fit = fit.filter(|(growth, ..)| {
            rule == Rule::Together || *growth < block.size || block.size == 0
        });
        let (_, from, number) = fit.unwrap_or_else(|| {
            slots.push(Slot::default());
            (block.size, 0, slots.len() - 1)
        });
        let slot = &mut slots[number];
        slot.members.push((i, from));
        slot.size = slot.size.max(from.saturating_add(block.size));
        slot.nests.extend(block.nests);
        places[i] = (number, from);
    }
    Arrangement {
        places,
        slots: slots.len(),
        size: slots.iter().map(|slot| slot.size).sum(),
    }
}

/// Where the lowest gap of a slot that holds a buffer begins.
fn lowest(blocks: &[Block], slot: &Slot, block: &Block) -> i64 {
    let alive = slot.members.iter().filter(|(other, _)| {
        let other = blocks[*other].live;
        other.0 <= block.live.1 && block.live.0 <= other.1
    });
    let taken = alive.map(|(other, from)| (*from, from.saturating_add(blocks[*other].size)));
    let mut taken: Vec<_> = taken.collect();
    taken.sort_unstable();
    let mut at = 0;
    for (from, to) in taken {
        if at + block.size <= from {
            break;
        }
        at = at.max(to);
    }
    at
}
