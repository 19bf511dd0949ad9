//! The code by which lanes share loops: pieces, which each takes from a counter until none is left.

use super::{PARALLEL, REST, TASK, divisible::Divisible, lanes, private::Memory};
use crate::{
    emit::{Emitter, Int},
    entry::body,
    walk,
    work::{Amount, UNKNOWN_ROUNDS, Work},
};
use dlc_dialects::ir::{edit, inspect::identity};
use melior::{
    Context,
    ir::{OperationRef, RegionLike, Value, operation::OperationLike},
};

/// The rounds of a loop and the work of one.
pub type Amounts<'c, 'a> = (Amount<'c, 'a>, Amount<'c, 'a>);

/// The rounds of loops and the work of one of each, before the first; nothing if all that is known to be less than two
/// pieces.
pub fn amounts<'c: 'a, 'a>(
    cx: &'c Context,
    ops: &[OperationRef<'c, 'a>],
    piece: i64,
) -> Option<Vec<Amounts<'c, 'a>>> {
    let e = Emitter::before(cx, ops[0]);
    let mut found = vec![];
    let mut total = Some(0_i64);
    for op in ops {
        let work = Work::new(e, *op);
        let body = op.region(0).ok()?.first_block()?;
        let rounds = match op.has_attribute(REST) {
            true => Amount::Known(UNKNOWN_ROUNDS),
            false => work.rounds(*op)?,
        };
        let round = work.of_block(body);
        total = match (total, known(rounds, round)) {
            (Some(total), Some(work)) => Some(total.saturating_add(work)),
            _ => None,
        };
        found.push((rounds, round));
    }
    total
        .is_none_or(|total| total >= 2 * piece)
        .then_some(found)
}

/// The work of a loop, if it is known when compiling.
fn known(rounds: Amount, round: Amount) -> Option<i64> {
    match (rounds, round) {
        (Amount::Known(rounds), Amount::Known(round)) => Some(rounds.saturating_mul(round)),
        _ => None,
    }
}

/// Loops that lanes share.
pub struct Shared<'c, 'a> {
    /// The context.
    pub cx: &'c Context,
    /// The function in which they stand.
    pub func: OperationRef<'c, 'a>,
    /// Its executor.
    pub executor: Value<'c, 'a>,
    /// Lanes that there may be.
    pub most: i64,
    /// Work of a piece.
    pub piece: i64,
    /// The loops, of which none touches what another writes.
    pub loops: Vec<Divisible<'c, 'a>>,
}

/// What some pieces are of.
enum Part<'x, 'c, 'a> {
    /// Each piece takes so many rounds of a loop.
    Rounds(&'x Divisible<'c, 'a>, Value<'c, 'a>),
    /// The piece takes short loops.
    Loops(Vec<&'x Divisible<'c, 'a>>),
}

/// A part, and its first piece; nothing for 0.
type Placed<'x, 'c, 'a> = (Option<Value<'c, 'a>>, Part<'x, 'c, 'a>);

/// What lanes use in the place of what stands outside.
struct Own<'c, 'a> {
    executor: Value<'c, 'a>,
    /// For buffers of all loops, in order.
    buffers: Vec<(Value<'c, 'a>, Value<'c, 'a>)>,
}

impl<'c: 'a, 'a> Shared<'c, 'a> {
    /// Divides the loops, of these amounts; `next` is the function's counter of pieces, once there is one.
    pub fn divide(self, amounts: &[Amounts<'c, 'a>], next: &mut Option<Value<'c, 'a>>) {
        let e = Emitter::before(self.cx, self.loops[0].op);
        let one = e.index(1);
        let (parts, pieces) = self.parts(&e, amounts);
        let useful = match parts.len() {
            1 => pieces,
            _ => e.min(pieces, self.worth(&e, amounts)),
        };
        let lanes = e.min(lanes(&e, self.executor), useful);
        let lanes = e.max(lanes, one);
        // What rounds call runs on several threads only if the rounds do not.
        let alone = e.cmp(Int::Eq, lanes, one);
        let none = e.op("llvm.mlir.zero", &[], e.ty("!llvm.ptr"));
        let inner = e.select(alone, self.executor, none);
        let private = || self.loops.iter().flat_map(|one| &one.private);
        let all: Vec<Option<Memory>> = private().map(|b| b.make(&e, e.index(self.most))).collect();
        let counter = *next.get_or_insert_with(|| self.counter(&e));
        let i64 = e.int_type(64);
        let number = |n: i64| e.constant(i64, e.attr(&format!("{n} : i64")));
        let (zero, first) = (number(0), number(1));
        e.effect("memref.store", &[zero, counter], &[]);
        let take = |e: &Emitter<'c, 'a>| {
            // `addi` in arith's numbering.
            let kind = [("kind", e.attr("1 : i64"))];
            let piece = e.op_with("memref.atomic_rmw", &[first, counter], i64, &kind);
            e.op("arith.index_cast", &[piece], e.index_type())
        };
        let task = e.plain_loop((e.index(0), lanes, one), |e, lane| {
            let buffers = private().zip(&all);
            let own = Own {
                executor: inner,
                buffers: buffers
                    .map(|(b, all)| (b.value, b.own(e, *all, lane)))
                    .collect(),
            };
            e.while_loop(
                &[take(e)],
                |e, piece| e.cmp(Int::Slt, piece[0], pieces),
                |e, piece| {
                    self.choose(e, &parts, piece[0], &own);
                    vec![take(e)]
                },
            );
        });
        edit::set_attribute(task, TASK, e.attr("unit"));
        drop(parts);
        for one in self.loops {
            edit::erase(self.cx, one.op);
            for buffer in one.private {
                edit::erase(self.cx, buffer.alloc);
            }
        }
    }

    /// How many pieces the work of all loops would be: some of theirs may be of little.
    fn worth(&self, e: &Emitter<'c, 'a>, amounts: &[Amounts<'c, 'a>]) -> Value<'c, 'a> {
        let works = amounts.iter();
        let works = works.map(|(rounds, round)| rounds.times(e, *round));
        let total = works.fold(Amount::Known(0), |sum, work| sum.plus(e, work));
        e.ceil_div(total.value(e), self.piece)
    }

    /// What the pieces are of, and how many there are: long loops one after another, then short ones by some together.
    fn parts(
        &self,
        e: &Emitter<'c, 'a>,
        amounts: &[Amounts<'c, 'a>],
    ) -> (Vec<Placed<'_, 'c, 'a>>, Value<'c, 'a>) {
        let one = e.index(1);
        let mut parts = vec![];
        let mut pieces: Option<Value<'c, 'a>> = None;
        let mut place = |part, count| {
            parts.push((pieces, part));
            pieces = Some(pieces.map_or(count, |pieces| e.add(pieces, count)));
        };
        let mut short: Vec<(i64, Vec<&Divisible>)> = vec![];
        for (divisible, (rounds, round)) in self.loops.iter().zip(amounts) {
            let short_enough = |work: &i64| divisible.is_rest || *work <= self.piece;
            if let Some(work) = known(*rounds, *round).filter(short_enough) {
                match short.last_mut() {
                    Some((sum, loops)) if *sum + work <= self.piece => {
                        *sum += work;
                        loops.push(divisible);
                    }
                    _ => short.push((work, vec![divisible])),
                }
                continue;
            }
            let (rounds, round) = (rounds.value(e), round.value(e));
            let enough = e.div(e.index(self.piece), e.max(round, one));
            let enough = e.max(enough, one);
            let count = e.div(e.sub(e.add(rounds, enough), one), enough);
            place(Part::Rounds(divisible, enough), count);
        }
        for (_, loops) in short {
            place(Part::Loops(loops), one);
        }
        (parts, pieces.expect("there is a loop to divide"))
    }

    /// Computes a piece: the one of these parts to which it belongs is found by halves.
    fn choose(
        &self,
        e: &Emitter<'c, 'a>,
        parts: &[Placed<'_, 'c, 'a>],
        piece: Value<'c, 'a>,
        own: &Own<'c, 'a>,
    ) {
        let [(begin, part)] = parts else {
            let (first, second) = parts.split_at(parts.len() / 2);
            let begin = second[0]
                .0
                .expect("a part has others before it, or is the first");
            let earlier = e.cmp(Int::Slt, piece, begin);
            let go = |e: &Emitter<'c, 'a>, parts| {
                self.choose(e, parts, piece, own);
                vec![]
            };
            e.if_else(earlier, &[], |e| go(e, first), |e| go(e, second));
            return;
        };
        match part {
            Part::Loops(loops) => loops.iter().for_each(|one| {
                self.copy(e, one, own);
            }),
            Part::Rounds(one, size) => {
                let bounds = [0, 1, 2].map(|i| one.op.operand(i).expect("a loop has bounds"));
                let [low, high, step] = bounds;
                let size = e.mul(*size, step);
                let piece = begin.map_or(piece, |begin| e.sub(piece, begin));
                let from = e.add(low, e.mul(piece, size));
                let to = e.min(e.add(from, size), high);
                let copy = self.copy(e, one, own);
                edit::set_operand(copy, 0, from);
                edit::set_operand(copy, 1, to);
            }
        }
    }

    /// A loop with what a lane has for itself.
    fn copy(
        &self,
        e: &Emitter<'c, 'a>,
        one: &Divisible<'c, 'a>,
        own: &Own<'c, 'a>,
    ) -> OperationRef<'c, 'a> {
        let copy = e.insert((*one.op).clone());
        edit::remove_attribute(copy, PARALLEL);
        edit::remove_attribute(copy, REST);
        replace_inside(copy, self.executor, own.executor);
        for (buffer, own) in &own.buffers {
            replace_inside(copy, *buffer, *own);
        }
        copy
    }

    /// The memory where lanes count pieces, in the function's frame: one for all its loops, as they run one by one.
    fn counter(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        let body = body(self.func).expect("a function with a loop has a body");
        let e = Emitter::at_start(self.cx, e.location(), body);
        e.stack("memref<i64>")
    }
}

/// Lets the ops inside another one use a value in the place of another.
fn replace_inside<'c, 'a>(root: OperationRef<'c, 'a>, old: Value<'c, 'a>, new: Value<'c, 'a>) {
    for op in walk::inside(root) {
        for (i, x) in op.operands().enumerate() {
            if identity(x) == identity(old) {
                edit::set_operand(op, i, new);
            }
        }
    }
}
