//! Attention of 16-bit numbers as a program of blocks: two products and the softmax between them, where nothing else reads what is
//! between.
//!
//! The program keeps scores in f32 and takes keys beyond a causal bound for absent. So a row all of whose scores are infinite and
//! negative is NaN, where large negative ones in their place would give the mean of all values.

mod pattern;

use super::{
    products::{Target, element, is_between, matrix, rounded_to},
    programs::Programs,
};
use crate::{
    alias::{self, blocks, operations},
    emit::Emitter,
    gpu,
    linalg::{Access, Generic, arguments, results},
    loops::nest::index_of,
    matmul::{
        call::{Places, offset, place},
        contraction::{Contraction, Operand},
        epilogue::Epilogue,
        fill::fill_before,
    },
    schedule::{self, gpu::most_shared},
    tasks, walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape,
};
use dlc_kernels::{
    attention::{Attention, Bound, Statistics},
    program::{Callee, Element},
};
use melior::{
    Context, IrRewriter,
    ir::{
        OperationRef, Value, ValueLike,
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
    /// The loops of the axes where scores become exponentials, in the numbers of the op before, if they are made again there.
    over: Vec<usize>,
    /// All ops, but the last product.
    ops: Vec<OperationRef<'c, 'a>>,
}

impl<'c: 'a, 'a> Found<'c, 'a> {
    /// Writes the loops in the place of the last product, if there is a program for them; gives what is gone besides it.
    pub fn write(
        self,
        cx: &'c Context,
        op: OperationRef<'c, 'a>,
        programs: &mut Programs,
    ) -> Option<Vec<usize>> {
        let (x, y) = (&self.scores, &self.values);
        let number = element(x.numbers.a)?;
        let suits = [x.numbers.b, y.numbers.b]
            .iter()
            .all(|other| element(*other) == Some(number))
            && element(y.numbers.sum) == Some(Element::F32);
        let zeros = fill_before(op, y.c.value).filter(|_| suits)?;
        let (head, value_head) = (x.sizes.k?, y.sizes.n?);
        let epilogue = y.made().and_then(|made| Epilogue::find(op, &made, 0));
        let rounded = epilogue
            .as_ref()
            .filter(|epilogue| is_between(y.c.value, &[Some(op), Some(zeros), Some(epilogue.op)]));
        let rounded = rounded.and_then(|epilogue| Some((epilogue.op, rounded_to(epilogue, y)?)));
        // Other blocks still read what a block's result would be written over.
        let written = rounded.as_ref().map_or(y.c.value, |(_, to)| to.value);
        let inputs = self.largest.inputs.iter().map(|input| input.value);
        let inputs = inputs.filter(|input| alias::is_memref(*input) && *input != x.c.value);
        let mut read = inputs.chain([x.a.value, x.b.value, y.b.value]);
        if read.any(|from| alias::may_alias(from, written)) {
            return None;
        }
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
        program.rows = Attention::usual_rows(head, value_head, program.score.as_ref());
        let func = alias::ancestors(op).pop()?;
        let most = most_shared(schedule::Target::of(func.parent_operation()?).gpu);
        if !program.is_supported() || program.shared_bytes() > most {
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

fn number(value: Value) -> Option<f64> {
    let constant = defining_op(value)?.attribute("value").ok()?;
    Some(FloatAttribute::try_from(constant).ok()?.value())
}
