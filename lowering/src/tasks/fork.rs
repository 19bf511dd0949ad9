//! Which loops of a block one fork can serve: loops that do not touch what another of them writes, with little between them.
//!
//! A loop joins by moving up to the first one, and what it needs moves before that; what depends on the loops stays behind
//! them. As all are in one place then, a buffer that only one of them reads must not be needed for what another makes:
//! where one would begin to live while another ends, the fork ends instead. So it does where lanes would get too many buffers.

use super::{REST, divisible::Divisible, independent, private::static_bytes};
use crate::{
    alias::{self, Effects, in_block, views},
    linalg::results,
    schedule::FORK_BUFFERS,
    size::constant,
    walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, Value, operation::OperationLike},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Loops that lanes share, of one block.
pub struct Fork<'c, 'a> {
    /// The loops, in order.
    pub loops: Vec<Divisible<'c, 'a>>,
}

/// The buffers that ops touch, by identity.
#[derive(Default)]
struct Touched<'c, 'a> {
    reads: BTreeMap<usize, Value<'c, 'a>>,
    writes: BTreeMap<usize, Value<'c, 'a>>,
    /// Whether some can't be told.
    unknown: bool,
}

/// The search for loops that join a first one.
struct Search<'c, 'a> {
    first: OperationRef<'c, 'a>,
    /// The memory of the last loop, with what it is the rest of, and that of the others.
    last: Touched<'c, 'a>,
    others: Touched<'c, 'a>,
    /// What stays behind the loops: its memory, and its results.
    behind: Touched<'c, 'a>,
    made: HashSet<usize>,
    /// What stands after the first loop and could go before it, by its place.
    free: HashMap<usize, usize>,
    /// What does, by its place.
    moved: BTreeMap<usize, OperationRef<'c, 'a>>,
    /// Bytes of a buffer that count as few.
    few: i64,
}

impl<'c: 'a, 'a> Fork<'c, 'a> {
    /// The loops that can go with a first one, whose private buffers take `stack` bytes together with its own; what they need
    /// is moved before it.
    pub fn gather(
        cx: &'c Context,
        func: OperationRef<'c, 'a>,
        first: Divisible<'c, 'a>,
        stack: i64,
    ) -> Self {
        if !first.is_light() {
            return Self { loops: vec![first] };
        }
        let mut left = stack - first.stack;
        let mut search = Search {
            first: first.op,
            last: Touched::of(first.op),
            others: Touched::default(),
            behind: Touched::default(),
            made: HashSet::new(),
            free: HashMap::new(),
            moved: BTreeMap::new(),
            few: stack,
        };
        let mut loops = vec![first];
        let ops = std::iter::successors(search.first.next_in_block(), |op| op.next_in_block());
        for (place, op) in ops.enumerate() {
            let touched = Touched::of(op);
            let rest = loops.last().is_some_and(|last| is_rest_of(op, last.op));
            let free = search.is_free(op, &touched, rest);
            let one = match independent(op) == Some(true) && free && is_simple(op) {
                true => Divisible::read(cx, func, op, left).filter(Divisible::is_light),
                false => None,
            };
            if let Some(one) =
                one.filter(|_| search.has_room(&touched) && !search.prolongs(op, &touched))
            {
                left -= one.stack;
                search.need(op);
                search.join(touched, rest);
                loops.push(one);
            } else if free && goes_before(op) {
                search.free.insert(edit::identity(op), place);
                if walk::is(op, "memref.load") {
                    search.take(op, place);
                }
            } else if search.may_stay(op, &touched) {
                search.behind.add(touched);
                search.made.extend(results(op).into_iter().map(identity));
            } else {
                break;
            }
        }
        for op in search.moved.into_values() {
            IrRewriter::new(cx)
                .as_rewriter_base()
                .move_op_before(op, loops[0].op);
        }
        Self { loops }
    }
}

/// Whether a marked loop calls nothing and makes no buffers, so that it can go with others.
pub fn is_simple(op: OperationRef) -> bool {
    walk::inside(op)
        .iter()
        .all(|op| !["func.call", "memref.alloc"].contains(&edit::name(*op)))
}

/// Whether a loop takes the rounds that another one leaves.
fn is_rest_of(op: OperationRef, last: OperationRef) -> bool {
    let meets = |low: Value, high: Value| {
        identity(low) == identity(high)
            || constant(low).is_some() && constant(low) == constant(high)
    };
    op.has_attribute(REST)
        && matches!((op.operand(0), last.operand(1)), (Ok(low), Ok(high)) if meets(low, high))
}

/// Whether an op only names memory, reads a number or computes one.
fn goes_before(op: OperationRef) -> bool {
    let name = edit::name(op);
    let names = [
        "memref.alloc",
        "memref.cast",
        "memref.collapse_shape",
        "memref.dim",
        "memref.expand_shape",
        "memref.load",
        "memref.reinterpret_cast",
        "memref.subview",
        "memref.view",
    ];
    let arithmetic = ["arith.", "math.", "vector."];
    let computes = arithmetic.iter().any(|dialect| name.starts_with(dialect));
    computes && !op.operands().any(alias::is_memref) || names.contains(&name)
}

impl<'c: 'a, 'a> Search<'c, 'a> {
    /// Whether an op depends on nothing from the first loop on, and nothing of that on it, but for the last loop where the op
    /// takes the rest of its rounds.
    fn is_free(&self, op: OperationRef<'c, 'a>, touched: &Touched<'c, 'a>, rest: bool) -> bool {
        let apart = rest || !touched.collides(&self.last);
        let needs = |op: &OperationRef<'c, 'a>| {
            op.operands()
                .any(|value| self.made.contains(&identity(value)))
        };
        !needs(&op)
            && !walk::inside(op).iter().any(needs)
            && apart
            && !touched.collides(&self.others)
            && !touched.collides(&self.behind)
    }

    /// Takes a loop in.
    fn join(&mut self, touched: Touched<'c, 'a>, is_rest: bool) {
        if !is_rest {
            self.others.add(std::mem::take(&mut self.last));
        }
        self.last.add(touched);
    }

    /// Whether loops that come after an op may go before it: it does nothing but to memory, of buffers to few bytes, and is no
    /// loop for a fork of its own.
    fn may_stay(&self, op: OperationRef<'c, 'a>, touched: &Touched<'c, 'a>) -> bool {
        let name = edit::name(op);
        let known = ["memref.prefetch", "memref.store", "scf.for", "scf.if"].contains(&name);
        let forks = independent(op) == Some(true) && !op.has_attribute(REST);
        (known || name.starts_with("vector.") || goes_before(op))
            && !forks
            && walk::named(op, "func.call").is_empty()
            && !touched.unknown
            && touched.large(self.few).next().is_none()
    }

    /// Whether the loops and one more touch no more buffers than lanes may get.
    fn has_room(&self, touched: &Touched<'c, 'a>) -> bool {
        let all = [&self.others, &self.last, touched];
        let all = all
            .iter()
            .flat_map(|t| t.reads.keys().chain(t.writes.keys()));
        all.collect::<HashSet<_>>().len() <= FORK_BUFFERS
    }

    /// Whether a buffer would live longer beside others: the loop is the first to touch a large one, while another is not needed
    /// any more.
    fn prolongs(&self, op: OperationRef<'c, 'a>, touched: &Touched<'c, 'a>) -> bool {
        let users = |buffer: Value<'c, 'a>| {
            let block = op.block();
            let uses = views(buffer).uses.into_iter();
            uses.filter_map(move |(user, _)| in_block(user, &*block?))
        };
        let begins = |buffer| {
            let before = |user: OperationRef<'c, 'a>| user.is_before_in_block(op);
            !users(buffer).any(|user| before(user) && !goes_before(user))
        };
        let ends = |buffer| users(buffer).all(|user| user != op && user.is_before_in_block(op));
        let mut large = self.others.large(self.few).chain(self.last.large(self.few));
        touched.large(self.few).any(begins) && large.any(ends)
    }

    /// Lets what an op uses go before the first loop.
    fn need(&mut self, op: OperationRef<'c, 'a>) {
        let inside = walk::inside(op).into_iter().chain([op]);
        let used = inside.flat_map(|op| op.operands().collect::<Vec<_>>());
        for made in used.filter_map(defining_op) {
            if let Some(place) = self.free.get(&edit::identity(made)) {
                self.take(made, *place);
            }
        }
    }

    /// Lets an op go before the first loop, and what it uses.
    fn take(&mut self, op: OperationRef<'c, 'a>, place: usize) {
        if self.moved.insert(place, op).is_none() {
            self.need(op);
        }
    }
}

impl<'c: 'a, 'a> Touched<'c, 'a> {
    fn of(op: OperationRef<'c, 'a>) -> Self {
        let mut touched = Self::default();
        let effects = Effects::of(op);
        for (values, found) in [
            (effects.reads, &mut touched.reads),
            (effects.writes, &mut touched.writes),
        ] {
            for value in values {
                match alias::root(value) {
                    Some(root) => {
                        found.insert(identity(root), root);
                    }
                    None => touched.unknown = true,
                }
            }
        }
        touched
    }

    fn add(&mut self, other: Self) {
        self.reads.extend(other.reads);
        self.writes.extend(other.writes);
        self.unknown |= other.unknown;
    }

    fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.writes.is_empty() && !self.unknown
    }

    /// Whether one writes what the other touches.
    fn collides(&self, other: &Self) -> bool {
        let writes = |a: &Self, b: &Self| {
            let mut written = a.writes.keys();
            written.any(|root| b.reads.contains_key(root) || b.writes.contains_key(root))
        };
        let blind = |a: &Self, b: &Self| a.unknown && !b.is_empty();
        writes(self, other) || writes(other, self) || blind(self, other) || blind(other, self)
    }

    /// The buffers of the function that are made here and have more than a few bytes.
    fn large(&self, few: i64) -> impl Iterator<Item = Value<'c, 'a>> {
        let made_here = |value: &Value<'c, 'a>| {
            defining_op(*value).is_some_and(|op| walk::is(op, "memref.alloc"))
        };
        let all = self.reads.values().chain(self.writes.values()).copied();
        all.filter(made_here)
            .filter(move |value| static_bytes(*value).is_none_or(|bytes| bytes > few))
    }
}
