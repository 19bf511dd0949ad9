//! How attention looks: the ops from the product of Q and K to that by V, each of which alone reads what the one before makes.

use super::{Found, number};
use crate::{
    alias::{self, Effects, blocks, operations},
    gpu::products::{is_between, storages},
    linalg::{Generic, arguments, results},
    matmul::{
        contraction::Contraction,
        fill::{fill_before, is_zero},
    },
    walk,
};
use dlc_dialects::ir::{edit, inspect::defining_op};
use dlc_kernels::program::Storage;
use melior::ir::{BlockLike, OperationRef, Value, operation::OperationLike};

impl<'c: 'a, 'a> Found<'c, 'a> {
    /// Of the product by V.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let values = Contraction::read(op)?;
        let weights = values.a.value;
        let divide = writer(weights, &[op])?;
        let quotient = Generic::read(divide).filter(Generic::is_parallel)?;
        let [over, end] = body(divide)?[..] else {
            return None;
        };
        let numbers = arguments(blocks(divide)[0]);
        let of = |generic: &Generic<'c, 'a>, numbers: &[Value<'c, 'a>], value: Value<'c, 'a>| {
            let at = numbers.iter().position(|number| *number == value)?;
            Some(generic.inputs.get(at)?.clone())
        };
        let is_quotient = edit::name(over) == "arith.divf" && yields(end, 0)? == results(over)[0];
        let exponential = of(&quotient, &numbers, over.operand(0).ok()?).filter(|_| is_quotient)?;
        let sum = of(&quotient, &numbers, over.operand(1).ok()?)?;
        // The exponentials and their sum.
        let exps = writer(exponential.value, &[divide])?;
        let generic = Generic::read(exps)?;
        let numbers = arguments(blocks(exps)[0]);
        let [to_sum, to_exponential] = &generic.outputs[..] else {
            return None;
        };
        let own = to_sum.value == sum.value && to_exponential.value == exponential.value;
        let end = blocks(exps)[0].terminator().filter(|_| own)?;
        let exp = defining_op(yields(end, 1)?).filter(|op| walk::is(*op, "math.exp"))?;
        let add = defining_op(yields(end, 0)?).filter(|op| walk::is(*op, "arith.addf"))?;
        let adds = add.operands().any(|value| value == results(exp)[0]);
        let minus = defining_op(exp.operand(0).ok()?);
        let minus = minus.filter(|op| walk::is(*op, "arith.subf") && adds)?;
        let again = minus.operand(0).ok()?;
        let most = of(&generic, &numbers, minus.operand(1).ok()?)?;
        let sum_fill = fill(sum.value, &[exps, divide])?;
        let of_sum = [Some(sum_fill), Some(exps), Some(divide)];
        is_between(sum.value, &of_sum).then_some(())?;
        // All over the last axis, the others in their order.
        let by_rows = |whole: &[usize], row: &[usize]| {
            whole.split_last().is_some_and(|(_, rest)| rest == row)
        };
        let result = &quotient.outputs.first()?.loops;
        let (whole, own_sums) = (&to_exponential.loops, &to_sum.loops);
        let rows = exponential.loops == *result
            && by_rows(result, &sum.loops)
            && by_rows(whole, own_sums)
            && by_rows(whole, &most.loops);
        // The largest scores, perhaps with the scores.
        let limit = writer(most.value, &[exps])?;
        let largest = Generic::read(limit)?;
        let numbers_of_limit = arguments(blocks(limit)[0]);
        let end = blocks(limit)[0].terminator()?;
        let max = defining_op(yields(end, 0)?).filter(|op| walk::is(*op, "arith.maximumf"))?;
        let before = numbers_of_limit[largest.inputs.len()];
        let score = max.operands().find(|value| *value != before)?;
        let most_fill = fill(most.value, &[limit, exps])?;
        let limits = largest.outputs[0].loops.len() + 1 == whole.len();
        let fine = rows
            && limits
            && is_zero(sum_fill.operand(0).ok()?)
            && is_lowest(most_fill.operand(0).ok()?);
        let kept = of(&generic, &numbers, again);
        let (again, over) = match (&largest.outputs[..], kept) {
            // Scores that were kept.
            ([_, scores], Some(kept)) if kept.value == scores.value => {
                let same = kept.loops == *whole && yields(end, 1)? == score;
                same.then_some(())?;
                writer(kept.value, &[exps]).filter(|op| *op == limit)?;
                (None, scores.loops.clone())
            }
            // Scores that are made again.
            ([_], _) => {
                let same = Same {
                    a: (&largest, &numbers_of_limit),
                    b: (&generic, &numbers),
                };
                same.values(score, again).then_some(())?;
                (Some(exps), whole.clone())
            }
            _ => return None,
        };
        let mut inputs = largest.inputs.iter();
        let readers = [Some(limit), again];
        let readers: Vec<_> = readers.into_iter().flatten().collect();
        let multiply = inputs.find_map(|input| {
            let op = writer(input.value, &readers)?;
            Some(op).filter(|op| Contraction::read(*op).is_some())
        })?;
        let scores = Contraction::read(multiply)?;
        let zeros = fill_before(multiply, scores.c.value)?;
        let found = Self {
            scores,
            values,
            largest,
            limit,
            score,
            over,
            ops: vec![zeros, multiply, most_fill, limit, sum_fill, exps, divide],
        };
        (fine && found.suits(op)).then_some(found)
    }

    /// Whether the axes of all are those of batches, rows and keys, and nothing between writes what is read.
    fn suits(&self, op: OperationRef<'c, 'a>) -> bool {
        let (x, y) = (&self.scores, &self.values);
        let rank = x.c.dims.len();
        let one = [&x.m, &x.n, &x.k, &y.m, &y.n, &y.k]
            .iter()
            .all(|group| group.len() == 1);
        if !one || rank < 2 || y.a.dims.len() != rank || !x.outer_sums.is_empty() {
            return false;
        }
        let last = [rank - 2, rank - 1];
        let axes = last.map(|axis| x.c.dims[axis]) == [x.m[0], x.n[0]]
            && last.map(|axis| y.a.dims[axis]) == [y.m[0], y.k[0]]
            && x.outer.len() == rank - 2
            && y.outer.len() == rank - 2;
        let [of_q, of_k] = storages(x);
        let [_, of_v] = storages(y);
        let stored = [of_q, of_k, of_v] == [Storage::Rows, Storage::Columns, Storage::Rows];
        let limits = self.largest.inputs.iter();
        let scores = limits
            .filter(|input| input.value == x.c.value)
            .collect::<Vec<_>>();
        let [scores] = scores[..] else { return false };
        let in_order = scores.loops.len() == rank
            && self.largest.iterators.len() == rank
            && self.largest.outputs.iter().all(|output| {
                let axes = output.loops.len();
                axes + 1 >= rank && output.loops == scores.loops[..axes]
            })
            && self.over == scores.loops;
        let first = self
            .ops
            .iter()
            .min_by(|a, b| match a.is_before_in_block(**b) {
                true => std::cmp::Ordering::Less,
                false => std::cmp::Ordering::Greater,
            });
        let Some(first) = first else { return false };
        let between = std::iter::successors(first.next_in_block(), |op| op.next_in_block());
        let between = between.take_while(|other| *other != op);
        let others = between.filter(|op| !self.ops.contains(op));
        let read: Vec<_> = Effects::of(self.ops[1])
            .reads
            .into_iter()
            .chain(Effects::of(self.limit).reads)
            .collect();
        let written = others.flat_map(|op| Effects::of(op).writes);
        let untouched = written
            .into_iter()
            .all(|to| !read.iter().any(|from| alias::may_alias(to, *from)));
        axes && stored && in_order && untouched && !x.layout.b_scattered && !y.layout.b_scattered
    }
}

/// Two bodies that are given the same memory.
struct Same<'x, 'c, 'a> {
    a: (&'x Generic<'c, 'a>, &'x [Value<'c, 'a>]),
    b: (&'x Generic<'c, 'a>, &'x [Value<'c, 'a>]),
}

impl<'c: 'a, 'a> Same<'_, 'c, 'a> {
    /// Whether a value of one is made as one of the other is.
    fn values(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> bool {
        let input = |(generic, numbers): (&Generic<'c, 'a>, &[Value<'c, 'a>]), value| {
            let at = numbers.iter().position(|number| *number == value)?;
            let input = generic.inputs.get(at)?;
            Some((input.value, input.loops.clone()))
        };
        if a == b {
            return true;
        }
        if let (Some(a), Some(b)) = (input(self.a, a), input(self.b, b)) {
            return a == b;
        }
        let (Some(x), Some(y)) = (defining_op(a), defining_op(b)) else {
            return false;
        };
        let attributes = |op: OperationRef<'c, 'a>| {
            let all = op.attributes().map(|(name, value)| {
                (
                    name.as_string_ref()
                        .as_str()
                        .unwrap_or_default()
                        .to_string(),
                    value.to_string(),
                )
            });
            all.collect::<Vec<_>>()
        };
        edit::name(x) == edit::name(y)
            && edit::name(x) != "memref.load"
            && x.operand_count() == y.operand_count()
            && attributes(x) == attributes(y)
            && x.operands()
                .zip(y.operands())
                .all(|(a, b)| self.values(a, b))
    }
}

/// The one op that writes a buffer which, but for fills and sizes, only others of these read.
fn writer<'c: 'a, 'a>(
    buffer: Value<'c, 'a>,
    readers: &[OperationRef<'c, 'a>],
) -> Option<OperationRef<'c, 'a>> {
    let made = defining_op(buffer).filter(|op| walk::is(*op, "memref.alloc"))?;
    let uses = edit::uses(buffer).into_iter().map(|(op, _)| op);
    let mut others = uses.filter(|op| {
        !readers.contains(op) && !["linalg.fill", "memref.dim"].contains(&edit::name(*op))
    });
    let writer = others.next()?;
    let same = others.all(|op| op == writer) && made.block() == writer.block();
    (same && walk::is(writer, "linalg.generic") && writer.block() == readers[0].block())
        .then_some(writer)
}

/// The fill of a buffer.
fn fill<'c: 'a, 'a>(
    buffer: Value<'c, 'a>,
    users: &[OperationRef<'c, 'a>],
) -> Option<OperationRef<'c, 'a>> {
    let uses = edit::uses(buffer).into_iter().map(|(op, _)| op);
    let mut fills = uses.filter(|op| walk::is(*op, "linalg.fill"));
    let only = fills.next()?;
    (fills.next().is_none() && only.is_before_in_block(users[0])).then_some(only)
}

fn body<'c: 'a, 'a>(op: OperationRef<'c, 'a>) -> Option<Vec<OperationRef<'c, 'a>>> {
    blocks(op).first().map(|block| operations(*block))
}

fn yields<'c: 'a, 'a>(end: OperationRef<'c, 'a>, place: usize) -> Option<Value<'c, 'a>> {
    end.operand(place).ok()
}

fn is_lowest(value: Value) -> bool {
    number(value) == Some(f64::NEG_INFINITY)
}
