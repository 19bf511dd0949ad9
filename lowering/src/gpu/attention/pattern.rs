//! How attention looks: the products and what is between them, which nothing else reads.

use super::{
    part::{Pairs, Part},
    terms::{Fold, Node, Term, Terms},
};
use crate::{
    alias::{self, blocks},
    linalg::Generic,
    walk,
};
use dlc_dialects::ir::{edit, inspect::defining_op};
use melior::ir::{BlockLike, OperationRef, Value, operation::OperationLike};

/// Attention, and its gradient where that is made of its weights.
pub(crate) struct Found<'c, 'a> {
    pub(super) terms: Terms<'c, 'a>,
    /// Q by K.
    pub(super) scores: Part<'c, 'a>,
    /// The weights by V.
    pub(super) values: Part<'c, 'a>,
    /// What products become.
    pub(super) score: Term,
    /// The product in it.
    pub(super) product: Term,
    pub(super) gradient: Option<Gradient<'c, 'a>>,
    /// What is between the products.
    pub(super) between: Vec<OperationRef<'c, 'a>>,
    /// The memory of that.
    pub(super) buffers: Vec<Value<'c, 'a>>,
}

/// The products that make a gradient.
pub(super) struct Gradient<'c, 'a> {
    /// The result's gradient by V: the gradient of the weights.
    pub change: Part<'c, 'a>,
    /// The gradient of the products by K.
    pub of_q: Option<Part<'c, 'a>>,
    /// The same transposed, by Q.
    pub of_k: Option<Part<'c, 'a>>,
    /// The weights transposed, by the result's gradient.
    pub of_v: Option<Part<'c, 'a>>,
    /// What the scores' gradient is multiplied by to be that of the products: a term with the scores' gradient as 1.
    pub slope: Term,
}

/// Products and what stands between them, as far as one follows from another.
#[derive(Default)]
struct Closure<'c, 'a> {
    /// Buffers of pairs and rows.
    buffers: Vec<Value<'c, 'a>>,
    /// Products that are added to scores, and stay.
    added: Vec<Value<'c, 'a>>,
    between: Vec<OperationRef<'c, 'a>>,
    fills: Vec<OperationRef<'c, 'a>>,
    /// Products that make such a buffer.
    making: Vec<OperationRef<'c, 'a>>,
    /// Products that read one.
    reading: Vec<OperationRef<'c, 'a>>,
}

impl<'c: 'a, 'a> Found<'c, 'a> {
    /// Of the product by V.
    pub fn read(op: OperationRef<'c, 'a>) -> Option<Self> {
        let values = Part::read(op, Pairs::Rows)?;
        let mut terms = Terms::default();
        let weights = values.x.a.value;
        let writer = terms.writer(weights)?;
        may_be_weights(weights, writer).then_some(())?;
        let exact = terms.element(weights, &values.pairs());
        let exact = unrounded(&terms, exact);
        let score = softmax(&terms, exact)?;
        let products = products(&terms, score);
        let mut scores = products.iter().filter_map(|(term, memory)| {
            let scores = Part::read(terms.writer(*memory)?, Pairs::Result)?;
            Some((*term, scores))
        });
        let (product, scores) = scores.next()?;
        let added = products.into_iter().filter(|(term, _)| *term != product);
        let mut closure = Closure {
            added: added.map(|(_, memory)| memory).collect(),
            ..Closure::default()
        };
        closure.take(&mut terms, weights)?;
        let of_gradient = |ops: &[OperationRef<'c, 'a>]| {
            let ops = ops.iter().copied();
            let ops = ops.filter(|other| ![op, scores.op].contains(other));
            ops.collect::<Vec<_>>()
        };
        let parts = of_gradient(&closure.reading);
        let gradient = match of_gradient(&closure.making)[..] {
            [] if parts.is_empty() => None,
            [change] => {
                let change = Part::read(change, Pairs::Result)?;
                Some(Gradient::read(&mut terms, change, exact, &parts)?)
            }
            _ => return None,
        };
        let found = Self {
            between: [closure.between, closure.fills, closure.making].concat(),
            buffers: closure.buffers,
            terms,
            scores,
            values,
            score,
            product,
            gradient,
        };
        found.is_whole().then_some(found)
    }

    /// Whether all products have the same axes, read nothing else of what is between, and scores and slopes are functions of an
    /// element.
    fn is_whole(&self) -> bool {
        let gradient = self.gradient.as_ref();
        let change = gradient.map(|gradient| &gradient.change);
        let is_own = |value: Value<'c, 'a>| self.buffers.contains(&value);
        let inner = [&self.scores].into_iter().chain(change);
        let from_outside = inner
            .clone()
            .all(|part| !is_own(part.x.a.value) && !is_own(part.x.b.value));
        let parts = self.parts();
        let of_pairs = parts.iter().all(|part| {
            let x = &part.x;
            is_own(x.a.value) && !is_own(x.b.value) && !is_own(x.c.value)
        });
        let ranks = inner.chain(parts).map(|part| part.loops.len());
        let same = ranks
            .into_iter()
            .all(|rank| rank == self.scores.loops.len());
        let slope = gradient.map(|gradient| gradient.slope);
        let mut computed = [self.score].into_iter().chain(slope);
        from_outside && of_pairs && same && computed.all(|term| self.is_of_an_element(term))
    }

    /// Whether a term needs no more than an element of the product of Q and K, places, and what is not between.
    fn is_of_an_element(&self, term: Term) -> bool {
        let terms = &self.terms;
        terms
            .inside(term)
            .into_iter()
            .all(|term| match terms.node(term) {
                Node::Row(..) => false,
                Node::Element(access) => {
                    term == self.product || !self.buffers.contains(&access.value)
                }
                _ => true,
            })
    }

    /// All products that make a result.
    pub(super) fn parts(&self) -> Vec<&Part<'c, 'a>> {
        let gradient = self.gradient.iter();
        let gradient = gradient.flat_map(Gradient::parts);
        [&self.values].into_iter().chain(gradient).collect()
    }
}

impl<'c: 'a, 'a> Gradient<'c, 'a> {
    /// Of the weights' change and all products of weights but that by V.
    fn read(
        terms: &mut Terms<'c, 'a>,
        change: Part<'c, 'a>,
        weights: Term,
        parts: &[OperationRef<'c, 'a>],
    ) -> Option<Self> {
        let changed = terms.element(change.x.c.value, &change.pairs());
        let (mut of_q, mut of_k, mut of_v) = (None, None, None);
        let mut slope = None;
        for op in parts {
            let rows = Part::read(*op, Pairs::Rows);
            let part = rows.or_else(|| Part::read(*op, Pairs::Keys))?;
            let pairs = terms.element(part.x.a.value, &part.pairs());
            let pairs = unrounded(terms, pairs);
            let is_by_keys = part.x.k == [part.row()];
            let place = match (pairs == weights, is_by_keys) {
                (true, true) => &mut of_v,
                (false, true) => &mut of_k,
                (false, false) => &mut of_q,
                (true, false) => return None,
            };
            if pairs != weights {
                let of_scores = scores_gradient(terms, pairs, weights, changed)?;
                is_multiple(terms, pairs, of_scores).then_some(())?;
                let found = terms.with_one(pairs, of_scores);
                (*slope.get_or_insert(found) == found).then_some(())?;
            }
            place.is_none().then_some(())?;
            *place = Some(part);
        }
        Some(Self {
            change,
            of_q,
            of_k,
            of_v,
            slope: slope?,
        })
    }

    /// The products that make a result.
    pub fn parts(&self) -> Vec<&Part<'c, 'a>> {
        let parts = [&self.of_q, &self.of_k, &self.of_v];
        parts.into_iter().flatten().collect()
    }
}

impl<'c: 'a, 'a> Closure<'c, 'a> {
    /// Takes a buffer, all that makes it of pairs or rows, and all that reads it. Nothing if that is more than generic ops.
    fn take(&mut self, terms: &mut Terms<'c, 'a>, buffer: Value<'c, 'a>) -> Option<()> {
        if self.buffers.contains(&buffer) {
            return Some(());
        }
        self.buffers.push(buffer);
        let writer = terms.writer(buffer)?;
        for (user, _) in edit::uses(buffer) {
            match edit::name(user) {
                "memref.dim" => {}
                "linalg.fill" => self.fills.push(user),
                "linalg.generic" => self.user(terms, (user, writer))?,
                _ => return None,
            }
        }
        Some(())
    }

    fn user(
        &mut self,
        terms: &mut Terms<'c, 'a>,
        (op, writer): (OperationRef<'c, 'a>, OperationRef<'c, 'a>),
    ) -> Option<()> {
        let generic = Generic::read(op).filter(|_| op.block() == writer.block())?;
        if generic.is_contraction() {
            let list = match op == writer {
                true => &mut self.making,
                false => &mut self.reading,
            };
            if !list.contains(&op) {
                list.push(op);
            }
            return Some(());
        }
        if self.between.contains(&op) {
            return Some(());
        }
        self.between.push(op);
        for output in &generic.outputs {
            self.take(terms, output.value)?;
        }
        let inputs = generic.inputs.iter();
        let inputs = inputs.filter(|input| alias::is_memref(input.value));
        let inputs = inputs.filter(|input| !self.added.contains(&input.value));
        for input in inputs.collect::<Vec<_>>() {
            let at: Vec<_> = (0..input.loops.len()).collect();
            let term = terms.element(input.value, &at);
            if terms.is_by_pairs(term) {
                self.take(terms, input.value)?;
            }
        }
        Some(())
    }
}

/// The products in a score, with their memory.
fn products<'c: 'a, 'a>(terms: &Terms<'c, 'a>, score: Term) -> Vec<(Term, Value<'c, 'a>)> {
    let inside = terms.inside(score).into_iter();
    let inside = inside.filter(|term| terms.is_by_pairs(*term));
    let products = inside.filter_map(|term| match terms.node(term) {
        Node::Element(access) => Some((term, access.value)),
        _ => None,
    });
    products.collect()
}

/// Whether an op may make weights, as far as its body tells: a quotient, rounded or not.
fn may_be_weights<'c: 'a, 'a>(memory: Value<'c, 'a>, op: OperationRef<'c, 'a>) -> bool {
    let quotient = || {
        let generic = Generic::read(op)?;
        let which = generic.outputs.iter().position(|o| o.value == memory)?;
        let end = blocks(op).first()?.terminator()?;
        let made = defining_op(end.operand(which).ok()?)?;
        let exact = match edit::name(made) {
            "arith.truncf" => defining_op(made.operand(0).ok()?),
            _ => Some(made),
        };
        Some(exact.is_none_or(|op| walk::is(op, "arith.divf")))
    };
    quotient().unwrap_or(false)
}

/// A term before it is rounded to what a product multiplies.
fn unrounded(terms: &Terms, term: Term) -> Term {
    let of = terms.operands(term, "arith.truncf");
    of.map_or(term, |of| of[0])
}

/// The scores of which a term is the softmax by rows.
fn softmax(terms: &Terms, term: Term) -> Option<Term> {
    let [exponential, sum] = terms.operands(term, "arith.divf")?[..] else {
        return None;
    };
    let [exponent] = terms.operands(exponential, "math.exp")?[..] else {
        return None;
    };
    let [score, most] = terms.operands(exponent, "arith.subf")?[..] else {
        return None;
    };
    let fits =
        terms.row(sum, Fold::Sum)? == exponential && terms.row(most, Fold::Largest)? == score;
    fits.then_some(score)
}

/// The gradient of scores in a term: weights by how their change differs from the mean of the row.
fn scores_gradient(terms: &Terms, inside: Term, weights: Term, change: Term) -> Option<Term> {
    let of_two = |term: Term, wanted: [Term; 2]| {
        let found = terms.operands(term, "arith.mulf");
        found.is_some_and(|found| found == wanted || found == [wanted[1], wanted[0]])
    };
    let is_difference = |term: Term| {
        let of = terms.operands(term, "arith.subf").unwrap_or_default();
        let [from, mean] = of[..] else { return false };
        let of = terms.row(mean, Fold::Sum);
        from == change && of.is_some_and(|of| of_two(of, [weights, change]))
    };
    let all = terms.inside(inside).into_iter();
    let mut found = all.filter(|term| {
        let of = terms.operands(*term, "arith.mulf").unwrap_or_default();
        of.contains(&weights) && of.iter().any(|of| is_difference(*of))
    });
    found.next()
}

/// Whether a term is a part of it times what does not depend on it, which can be computed from an element of the products alone.
fn is_multiple(terms: &Terms, term: Term, part: Term) -> bool {
    if term == part {
        return true;
    }
    let Node::Apply(op, operands) = terms.node(term) else {
        return false;
    };
    let has = |term: Term| terms.inside(term).contains(&part);
    let zero = |term: Term| terms.number(term) == Some(0.0);
    match (edit::name(*op), &operands[..]) {
        ("arith.mulf", [a, b]) => {
            has(*a) != has(*b)
                && [a, b]
                    .iter()
                    .all(|x| !has(**x) || is_multiple(terms, **x, part))
        }
        ("arith.divf", [a, b]) => !has(*b) && is_multiple(terms, *a, part),
        ("arith.negf", [a]) => is_multiple(terms, *a, part),
        ("arith.select", [which, a, b]) => {
            let all = [a, b]
                .iter()
                .all(|x| zero(**x) || is_multiple(terms, **x, part));
            !has(*which) && all
        }
        _ => false,
    }
}
