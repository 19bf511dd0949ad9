//! Attention of 16-bit numbers as a program of blocks: two products and the softmax between them, where nothing else reads what is
//! between.
//!
//! The program keeps scores in f32 and takes keys beyond a causal bound for absent. So a row all of whose scores are infinite and
//! negative is NaN, where large negative ones in their place would give the mean of all values.

use super::{
    products::{Target, element, matrix, rounded_to, storages},
    programs::Programs,
};
use crate::{
    alias::{self, Effects, blocks, operations},
    emit::Emitter,
    gpu,
    linalg::{Access, Generic, arguments, results},
    loops::nest::index_of,
    matmul::{
        call::{Places, offset, place},
        contraction::{Contraction, Operand},
        epilogue::Epilogue,
        fill::{fill_before, is_zero},
    },
    tasks, walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape,
};
use dlc_kernels::{
    attention::{Attention, Bound, Statistics},
    program::{Callee, Element, Storage},
};
use melior::{
    Context, IrRewriter,
    ir::{
        BlockLike, OperationRef, Value, ValueLike,
        attribute::{FloatAttribute, IntegerAttribute},
        operation::OperationLike,
    },
};
use std::collections::HashMap;

/// What it was found to be.
pub(crate) struct Found<'c, 'a> {
    /// Q by K.
    scores: Contraction<'c, 'a>,
    /// The softmax by V.
    values: Contraction<'c, 'a>,
    /// The op that takes the largest score of each row, whose body makes scores of products.
    largest: Generic<'c, 'a>,
    limit: OperationRef<'c, 'a>,
    /// What it takes the largest of.
    score: Value<'c, 'a>,
    /// All ops, but the last product.
    ops: Vec<OperationRef<'c, 'a>>,
}

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
        // The largest scores, perhaps with the scores.
        let limit = writer(most.value, &[exps])?;
        let largest = Generic::read(limit)?;
        let numbers_of_limit = arguments(blocks(limit)[0]);
        let end = blocks(limit)[0].terminator()?;
        let max = defining_op(yields(end, 0)?).filter(|op| walk::is(*op, "arith.maximumf"))?;
        let before = numbers_of_limit[largest.inputs.len()];
        let score = max.operands().find(|value| *value != before)?;
        let most_fill = fill(most.value, &[limit, exps])?;
        let fine = is_zero(sum_fill.operand(0).ok()?) && is_lowest(most_fill.operand(0).ok()?);
        let kept = of(&generic, &numbers, again);
        let products = match (&largest.outputs[..], kept) {
            // Scores that were kept.
            ([_, scores], Some(kept)) if kept.value == scores.value => {
                (yields(end, 1)? == score).then_some(())?;
                writer(kept.value, &[exps]).filter(|op| *op == limit)?;
                None
            }
            // Scores that are made again.
            ([_], _) => {
                let same = Same {
                    a: (&largest, &numbers_of_limit),
                    b: (&generic, &numbers),
                };
                same.values(score, again).then_some(())?;
                Some(exps)
            }
            _ => return None,
        };
        let mut inputs = largest.inputs.iter();
        let readers = [Some(limit), products];
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
        let in_order = scores.loops.len() == rank && self.largest.iterators.len() == rank;
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

    /// Writes the loops in the place of the last product, if there is a program for them; gives what is gone besides it.
    pub fn write(
        self,
        cx: &'c Context,
        op: OperationRef<'c, 'a>,
        programs: &mut Programs,
    ) -> Option<Vec<usize>> {
        let (x, y) = (&self.scores, &self.values);
        let number = element(x.numbers.a)?;
        let suits = matches!(number, Element::F16 | Element::Bf16)
            && [x.numbers.b, y.numbers.b]
                .iter()
                .all(|other| element(*other) == Some(number))
            && element(y.numbers.sum) == Some(Element::F32);
        let zeros = fill_before(op, y.c.value).filter(|_| suits)?;
        let (head, value_head) = (x.sizes.k?, y.sizes.n?);
        let epilogue = y.made().and_then(|made| Epilogue::find(op, &made, 0));
        let rounded = epilogue.as_ref().filter(|epilogue| {
            let mut users = edit::uses(y.c.value).into_iter();
            users.all(|(user, _)| {
                [op, zeros, epilogue.op].contains(&user) || edit::name(user) == "memref.dim"
            })
        });
        let rounded = rounded.and_then(|epilogue| Some((epilogue.op, rounded_to(epilogue, y)?)));
        let (bound, score) = self.bound();
        let plain = self.scale(score);
        let mut program = Attention {
            name: String::new(),
            element: number,
            result: match &rounded {
                Some((_, to)) => element_of(to)?,
                None => Element::F32,
            },
            head,
            value_head,
            bound,
            score: None,
            statistics: Statistics::No,
            rows: 64,
        };
        if !program.is_supported() {
            return None;
        }
        let e = Emitter::before(cx, op);
        if let (Some(_), Some(epilogue)) = (&rounded, &epilogue) {
            let rewriter = IrRewriter::new(cx);
            for needed in &epilogue.needed {
                rewriter.as_rewriter_base().move_op_before(*needed, op);
            }
        }
        let (scale, captured) = match plain {
            Some(scale) => (scale.unwrap_or_else(|| one(&e)), vec![]),
            None => {
                let (callee, captured) = self.callee(cx, &e, score, programs);
                program.score = Some(callee);
                (one(&e), captured)
            }
        };
        program.rows = Attention::usual_rows(head, value_head, program.score.as_ref());
        let target = Target {
            element: program.result,
            operand: rounded
                .as_ref()
                .map_or_else(|| y.c.clone(), |(_, to)| to.clone()),
            place: place(&e, rounded.as_ref().map_or(&y.c, |(_, to)| to)),
        };
        let loops = Loops {
            found: &self,
            places: [Places::new(&e, x), Places::new(&e, y)],
            target: &target,
            name: programs.attention(&program),
            program,
            scale,
            captured,
        };
        if let Some(made) = alias::root(target.operand.value).and_then(defining_op) {
            edit::set_attribute(made, tasks::SHARED, melior::ir::Attribute::unit(cx));
        }
        loops.write(&e, &mut vec![]);
        let rounding = rounded.map(|(op, _)| op);
        // The last first: what reads a result goes before what makes it.
        let gone = rounding
            .into_iter()
            .chain([zeros])
            .chain(self.ops.iter().rev().copied());
        let gone: Vec<_> = gone.collect();
        let identities = gone.iter().map(|op| edit::identity(*op)).collect();
        gone.into_iter().for_each(|op| edit::erase(cx, op));
        Some(identities)
    }

    /// The keys that a row sees, and the score without what says so.
    fn bound(&self) -> (Bound, Value<'c, 'a>) {
        let causal = || {
            let select = defining_op(self.score).filter(|op| walk::is(*op, "arith.select"))?;
            let cmp = defining_op(select.operand(0).ok()?)?;
            let predicate = IntegerAttribute::try_from(cmp.attribute("predicate").ok()?).ok()?;
            let position = |place: usize| {
                let cast = defining_op(cmp.operand(place).ok()?)?;
                let index = match edit::name(cast) {
                    "arith.index_cast" => defining_op(cast.operand(0).ok()?)?,
                    _ => cast,
                };
                index_of(index)
            };
            let [.., row, key] = self.axes()[..] else {
                return None;
            };
            const SIGNED_AT_LEAST: i64 = 5;
            let fits = walk::is(cmp, "arith.cmpi")
                && predicate.value() == SIGNED_AT_LEAST
                && (position(0)?, position(1)?) == (row, key)
                && is_low(select.operand(2).ok()?);
            fits.then(|| select.operand(1).ok())?
        };
        match causal() {
            Some(score) => (Bound::Causal, score),
            None => (Bound::None, self.score),
        }
    }

    /// The loops of the op for the axes of the products.
    fn axes(&self) -> Vec<usize> {
        let products = self.scores.c.value;
        let mut inputs = self.largest.inputs.iter();
        let found = inputs.find(|input| input.value == products);
        found.map(|input| input.loops.clone()).unwrap_or_default()
    }

    /// The product that an op's body is given.
    fn product(&self) -> Option<Value<'c, 'a>> {
        let mut inputs = self.largest.inputs.iter();
        let at = inputs.position(|input| input.value == self.scores.c.value)?;
        Some(arguments(blocks(self.limit)[0])[at])
    }

    /// What a product is multiplied by, if the score is no more than that: nothing for the product itself.
    fn scale(&self, score: Value<'c, 'a>) -> Option<Option<Value<'c, 'a>>> {
        let product = self.product()?;
        if score == product {
            return Some(None);
        }
        let by = defining_op(score).filter(|op| walk::is(*op, "arith.mulf"))?;
        let other = by.operands().find(|value| *value != product)?;
        let inside = |value: Value<'c, 'a>| {
            let made = defining_op(value).map(|op| op.block() == Some(blocks(self.limit)[0]));
            made.unwrap_or(true)
        };
        let of_product = by.operands().any(|value| value == product);
        (of_product && !inside(other)).then_some(Some(other))
    }

    /// Writes the function of scores; gives it and the last of what it captures, behind the indices of the loops around.
    fn callee(
        &self,
        cx: &'c Context,
        e: &Emitter<'c, 'a>,
        score: Value<'c, 'a>,
        programs: &mut Programs,
    ) -> (Callee, Vec<Value<'c, 'a>>) {
        let body = blocks(self.limit)[0];
        let inner = operations(body);
        let own = inner
            .iter()
            .flat_map(|op| results(*op))
            .chain(arguments(body));
        let own: Vec<_> = own.map(identity).collect();
        let inputs = self.largest.inputs.iter().map(|input| input.value);
        let inputs = inputs.filter(|value| *value != self.scores.c.value);
        let read = inner
            .iter()
            .flat_map(|op| op.operands().collect::<Vec<_>>());
        let read = read.filter(|value| !own.contains(&identity(*value)));
        let mut captured: Vec<Value<'c, 'a>> = vec![];
        for value in inputs.chain(read) {
            if !captured.contains(&value) {
                captured.push(value);
            }
        }
        let name = programs.callee();
        let axes = self.axes();
        let index = e.index_type();
        let leading = [vec![e.ty("f32")], vec![index; axes.len()]].concat();
        let all = captured.iter().map(|value| value.r#type());
        let all: Vec<_> = leading.iter().copied().chain(all).collect();
        let func = e.around().find(|op| walk::is(*op, "func.func"));
        let module = Emitter::before(cx, func.expect("the product stands in a function"));
        module.function_giving((&name, &[]), &all, &[e.ty("f32")], |e, given| {
            let (own, rest) = given.split_at(leading.len());
            // Row and key come before what is around.
            let (batch, last) = (&own[3..], &own[1..3]);
            let places = batch.iter().chain(last).copied();
            let index: HashMap<usize, Value<'c, 'a>> = axes.iter().copied().zip(places).collect();
            let known = captured.iter().zip(rest);
            let known: HashMap<usize, Value<'c, 'a>> = known
                .map(|(value, given)| (identity(*value), *given))
                .collect();
            let load = |access: &Access<'c, 'a>| {
                let memory = known[&identity(access.value)];
                let places = access.loops.iter().map(|l| index[l]);
                let operands: Vec<_> = [memory].into_iter().chain(places).collect();
                e.op("memref.load", &operands, shape::element_of(access.value))
            };
            let is_scalar = |value: Value| !alias::is_memref(value);
            let elements = self.largest.inputs.iter().map(|input| match () {
                () if input.value == self.scores.c.value => own[0],
                () if is_scalar(input.value) => known[&identity(input.value)],
                () => load(input),
            });
            // What the largest was before is not read.
            let outputs = self.largest.outputs.iter().map(|_| own[0]);
            let elements: Vec<_> = elements.chain(outputs).collect();
            let at = inner.iter().position(|op| results(*op).contains(&score));
            let copy = e.insert((*self.limit).clone());
            let copied = blocks(copy)[0];
            for (old, new) in arguments(copied).into_iter().zip(elements) {
                edit::replace_uses(old, new);
            }
            let ops = operations(copied);
            let found = at.map_or(own[0], |at| results(ops[at])[0]);
            let rewriter = IrRewriter::new(cx);
            for op in &ops[..ops.len() - 1] {
                for (place, value) in op.operands().enumerate().collect::<Vec<_>>() {
                    if let Some(given) = known.get(&identity(value)) {
                        edit::set_operand(*op, place, *given);
                    }
                }
                if let Some(l) = index_of(*op) {
                    edit::replace_uses(results(*op)[0], index[&l]);
                } else {
                    rewriter.as_rewriter_base().move_op_before(*op, copy);
                }
            }
            edit::erase(cx, copy);
            vec![found]
        });
        let outer = vec!["index".to_string(); axes.len() - 2];
        let types = super::callee::types(&captured);
        let callee = Callee {
            name,
            captured: [outer, types].concat(),
        };
        (callee, captured)
    }
}

/// The loops around the program.
struct Loops<'x, 'c, 'a> {
    found: &'x Found<'c, 'a>,
    places: [Places<'c, 'a>; 2],
    target: &'x Target<'c, 'a>,
    program: Attention,
    name: String,
    scale: Value<'c, 'a>,
    captured: Vec<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Loops<'_, 'c, 'a> {
    fn write(&self, e: &Emitter<'c, 'a>, batch: &mut Vec<Value<'c, 'a>>) {
        let x = &self.found.scores;
        let bounds = |e: &Emitter<'c, 'a>, size| (e.index(0), size, e.index(1));
        if batch.len() < x.outer.len() {
            let dim = x.c.dims[batch.len()];
            let size = self.places[0].size(x, dim);
            e.parallel_loop(bounds(e, size), |e, index| {
                batch.push(index);
                self.write(e, batch);
                batch.pop();
            });
            return;
        }
        let tiles = e.ceil_div(self.places[0].m, self.program.rows);
        let op = e.plain_loop(bounds(e, tiles), |e, tile| self.call(e, tile, batch));
        tasks::mark(e, op, true);
        gpu::give_to_block(e, op, self.program.threads());
        gpu::give_shared(e, op, self.program.shared_bytes());
    }

    fn call(&self, e: &Emitter<'c, 'a>, tile: Value<'c, 'a>, batch: &[Value<'c, 'a>]) {
        let (x, y) = (&self.found.scores, &self.found.values);
        let [of_x, of_y] = &self.places;
        let indices = |dims: &[usize]| {
            dims.iter()
                .copied()
                .zip(batch.iter().copied())
                .collect::<Vec<_>>()
        };
        let (in_x, in_y) = (indices(&x.c.dims), indices(&y.a.dims));
        let (rows, keys) = (of_x.m, of_x.n);
        let view = |operand, place, indices: &[(usize, Value<'c, 'a>)], (dims, sizes)| {
            matrix(
                e,
                (operand, place),
                offset(e, operand, place, indices),
                (dims, sizes),
            )
        };
        let mut operands = vec![tile, rows, keys, e.index(0), self.scale];
        operands.push(view(
            &x.a,
            &of_x.a,
            &in_x,
            ([&x.m[..], &x.k], [rows, of_x.k]),
        ));
        operands.push(view(
            &x.b,
            &of_x.b,
            &in_x,
            ([&x.n[..], &x.k], [keys, of_x.k]),
        ));
        operands.push(view(
            &y.b,
            &of_y.b,
            &in_y,
            ([&y.k[..], &y.n], [keys, of_y.n]),
        ));
        let Target { operand, place, .. } = self.target;
        operands.push(view(
            operand,
            place,
            &in_y,
            ([&y.m[..], &y.n], [rows, of_y.n]),
        ));
        if self.program.score.is_some() {
            operands.extend(batch);
            operands.extend(&self.captured);
        }
        let callee = e.attr(&format!("@{}", self.name));
        e.effect("func.call", &operands, &[("callee", callee)]);
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

fn number(value: Value) -> Option<f64> {
    let constant = defining_op(value)?.attribute("value").ok()?;
    Some(FloatAttribute::try_from(constant).ok()?.value())
}

fn is_lowest(value: Value) -> bool {
    number(value) == Some(f64::NEG_INFINITY)
}

/// Whether the exponential of a number, less any other score, is 0.
fn is_low(value: Value) -> bool {
    number(value).is_some_and(|number| number < -1e38)
}

fn one<'c: 'a, 'a>(e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
    let ty = e.ty("f32");
    e.constant(ty, e.attr("1.0 : f32"))
}

fn element_of(operand: &Operand) -> Option<Element> {
    element(crate::matmul::numbers::Number::of(shape::element_of(
        operand.value,
    ))?)
}
