//! What an element of memory is made of, through the ops that make it one from another: a term, equal to another where both are the
//! same number, whichever buffers hold it on the way.

use crate::{
    alias::{self, Effects, blocks},
    linalg::{Access, Generic, Iterator, arguments, results},
    loops::nest::index_of,
    matmul::fill::is_zero,
    walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
};
use melior::ir::{
    BlockLike, OperationRef, Value, ValueLike, attribute::FloatAttribute, operation::OperationLike,
};
use std::collections::{HashMap, HashSet};

/// A term's number among [`Terms`].
pub type Term = usize;

/// Memory and the op that reads it.
pub type Read<'c, 'a> = (Value<'c, 'a>, OperationRef<'c, 'a>);

/// How a row becomes one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Its largest.
    Largest,
    /// Its sum.
    Sum,
}

/// A term. Axes are variables: those of batches, then row and key.
#[derive(Clone)]
pub enum Node<'c, 'a> {
    /// An element of memory.
    Element(Access<'c, 'a>),
    /// The place along an axis.
    Index(usize),
    /// A number that is the same for all elements.
    Value(Value<'c, 'a>),
    /// 1.
    One,
    /// What an op makes of others; only its name and attributes count.
    Apply(OperationRef<'c, 'a>, Vec<Term>),
    /// Of all keys of a row.
    Row(Fold, Term),
}

/// All terms of a function that are looked at, each once.
#[derive(Default)]
pub struct Terms<'c, 'a> {
    nodes: Vec<Node<'c, 'a>>,
    /// Whether a product that has an element for each row and key is in it.
    by_pairs: Vec<bool>,
    known: HashMap<String, Term>,
    elements: HashMap<(Depth, usize, Vec<usize>), Term>,
    /// Buffers that hold the same as others do.
    copies: HashSet<usize>,
    writers: HashMap<usize, Option<OperationRef<'c, 'a>>>,
}

/// Through which ops a term is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Depth {
    /// Those that make an element for each row and key, or a number for each row, of products.
    Pairs,
    /// All, so that equal terms are the same number, wherever it is kept.
    All,
}

/// A generic op, with the variable of each of its loops.
struct Place<'x, 'c, 'a> {
    depth: Depth,
    generic: &'x Generic<'c, 'a>,
    op: OperationRef<'c, 'a>,
    variables: HashMap<usize, usize>,
}

impl<'c: 'a, 'a> Terms<'c, 'a> {
    /// A term.
    pub fn node(&self, term: Term) -> &Node<'c, 'a> {
        &self.nodes[term]
    }

    /// Whether a product that has an element for each row and key is in a term.
    pub fn is_by_pairs(&self, term: Term) -> bool {
        self.by_pairs[term]
    }

    /// The operands of an op of that name.
    pub fn operands(&self, term: Term, name: &str) -> Option<Vec<Term>> {
        match self.node(term) {
            Node::Apply(op, operands) if walk::is(*op, name) => Some(operands.clone()),
            _ => None,
        }
    }

    /// What a row's number is made of.
    pub fn row(&self, term: Term, wanted: Fold) -> Option<Term> {
        match self.node(term) {
            Node::Row(fold, of) if *fold == wanted => Some(*of),
            _ => None,
        }
    }

    /// The value of a constant.
    pub fn number(&self, term: Term) -> Option<f64> {
        let Node::Value(value) = self.node(term) else {
            return None;
        };
        number(*value)
    }

    /// An element of memory, with a variable for each axis.
    pub fn element(&mut self, memory: Value<'c, 'a>, at: &[usize]) -> Term {
        self.followed(memory, at, Depth::Pairs)
    }

    fn followed(&mut self, memory: Value<'c, 'a>, at: &[usize], depth: Depth) -> Term {
        let key = (depth, identity(memory), at.to_vec());
        if let Some(known) = self.elements.get(&key) {
            return *known;
        }
        let term = match (self.made(memory, at, depth), depth) {
            (Some(term), Depth::All) => term,
            (Some(term), Depth::Pairs) if self.by_pairs[term] || self.is_beside(memory, at) => term,
            (Some(_), Depth::Pairs) => {
                let whole = self.followed(memory, at, Depth::All);
                let term = self.kept(format!("as {whole}"), memory, at);
                if let Node::Element(first) = self.node(term)
                    && first.value != memory
                {
                    let both = [first.value, memory].map(identity);
                    self.copies.extend(both);
                }
                term
            }
            (None, _) => self.kept(format!("{}{at:?}", identity(memory)), memory, at),
        };
        self.elements.insert(key, term);
        term
    }

    /// Whether the op that writes memory makes elements for rows and keys of products as well, at the same places.
    fn is_beside(&mut self, memory: Value<'c, 'a>, at: &[usize]) -> bool {
        let generic = self.writer(memory).and_then(Generic::read);
        let outputs = generic.map(|generic| generic.outputs).unwrap_or_default();
        let own = outputs.iter().find(|output| output.value == memory);
        let own = own.map(|own| own.loops.clone());
        let others = outputs.iter();
        let mut others =
            others.filter(|other| other.value != memory && Some(&other.loops) == own.as_ref());
        others.any(|other| {
            let made = self.made(other.value, at, Depth::Pairs);
            made.is_some_and(|term| self.by_pairs[term])
        })
    }

    /// An element that is read of memory.
    fn kept(&mut self, name: String, memory: Value<'c, 'a>, at: &[usize]) -> Term {
        let access = Access {
            value: memory,
            loops: at.to_vec(),
        };
        let by_pairs = self.is_product(memory) && at.len() > 1 && is_in_order(at);
        self.intern(name, Node::Element(access), by_pairs)
    }

    /// The same term with 1 in the place of a part.
    pub fn with_one(&mut self, term: Term, part: Term) -> Term {
        if term == part {
            return self.intern("1".into(), Node::One, false);
        }
        match self.node(term).clone() {
            Node::Apply(op, operands) => {
                let operands = operands.iter();
                let operands = operands
                    .map(|operand| self.with_one(*operand, part))
                    .collect();
                self.apply(op, operands)
            }
            _ => term,
        }
    }

    /// All terms in one.
    pub fn inside(&self, term: Term) -> Vec<Term> {
        let mut found = vec![];
        let mut seen = HashSet::new();
        let mut next = vec![term];
        while let Some(term) = next.pop() {
            if !seen.insert(term) {
                continue;
            }
            found.push(term);
            match self.node(term) {
                Node::Apply(_, operands) => next.extend(operands),
                Node::Row(_, of) => next.push(*of),
                _ => {}
            }
        }
        found
    }

    /// The one op that writes a buffer, but for fills before it, in the block where it is made.
    pub fn writer(&mut self, buffer: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        let key = identity(buffer);
        if let Some(known) = self.writers.get(&key) {
            return *known;
        }
        let found = writer(buffer);
        self.writers.insert(key, found);
        found
    }

    /// Adds a read of memory, and where other buffers hold the same, those of the ops that make it, too.
    pub fn reads(&mut self, (memory, reader): Read<'c, 'a>, found: &mut Vec<Read<'c, 'a>>) {
        match self.copies.contains(&identity(memory)) {
            true => self.deep_reads((memory, reader), found),
            false => found.push((memory, reader)),
        }
    }

    fn deep_reads(&mut self, (memory, reader): Read<'c, 'a>, found: &mut Vec<Read<'c, 'a>>) {
        if found.contains(&(memory, reader)) {
            return;
        }
        found.push((memory, reader));
        if let Some(op) = self.writer(memory).filter(|_| !self.is_product(memory)) {
            for read in Effects::of(op).reads {
                self.deep_reads((read, op), found);
            }
        }
    }

    fn is_product(&mut self, memory: Value<'c, 'a>) -> bool {
        let generic = self.writer(memory).and_then(Generic::read);
        generic.is_some_and(|generic| generic.is_contraction())
    }

    /// An element as the one op makes it that writes the memory.
    fn made(&mut self, memory: Value<'c, 'a>, at: &[usize], depth: Depth) -> Option<Term> {
        let op = self.writer(memory)?;
        let generic = Generic::read(op).filter(|generic| !generic.is_contraction())?;
        let which = generic.outputs.iter().position(|o| o.value == memory)?;
        let output = &generic.outputs[which];
        let variables = output.loops.iter().copied().zip(at.iter().copied());
        let variables: HashMap<_, _> = variables.collect();
        let end = blocks(op).first()?.terminator()?;
        let value = end.operand(which).ok()?;
        let all = 0..generic.iterators.len();
        let others: Vec<_> = all.filter(|l| !variables.contains_key(l)).collect();
        let mut place = Place {
            depth,
            generic: &generic,
            op,
            variables,
        };
        match others[..] {
            _ if place.variables.len() != at.len() => None,
            [] => self.value(&place, value),
            [over] if is_in_order(at) && generic.iterators[over] == Iterator::Reduction => {
                place.variables.insert(over, at.len());
                self.folded(&place, (memory, which), value)
            }
            _ => None,
        }
    }

    /// What a row becomes, of the number that an op's round gives.
    fn folded(
        &mut self,
        place: &Place<'_, 'c, 'a>,
        (memory, which): (Value<'c, 'a>, usize),
        value: Value<'c, 'a>,
    ) -> Option<Term> {
        let before = arguments(blocks(place.op)[0])[place.generic.inputs.len() + which];
        let op = defining_op(value)?;
        let start = fill(memory, place.op)?.operand(0).ok()?;
        let fold = match edit::name(op) {
            "arith.maximumf" if number(start) == Some(f64::NEG_INFINITY) => Fold::Largest,
            "arith.addf" if is_zero(start) => Fold::Sum,
            _ => return None,
        };
        let operands = [op.operand(0).ok()?, op.operand(1).ok()?];
        let [number] = operands
            .into_iter()
            .filter(|value| *value != before)
            .collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let of = self.value(place, number)?;
        // Rows of anything else are memory.
        let node = Node::Row(fold, of);
        self.by_pairs[of].then(|| self.intern(format!("{fold:?} {of}"), node, true))
    }

    fn value(&mut self, place: &Place<'_, 'c, 'a>, value: Value<'c, 'a>) -> Option<Term> {
        let body = blocks(place.op)[0];
        if let Some(at) = arguments(body).iter().position(|number| *number == value) {
            let input = place.generic.inputs.get(at)?;
            if !alias::is_memref(input.value) {
                return Some(self.outside(input.value));
            }
            let at = input.loops.iter().map(|l| place.variables.get(l).copied());
            let at = at.collect::<Option<Vec<_>>>()?;
            return Some(self.followed(input.value, &at, place.depth));
        }
        let Some(op) = defining_op(value).filter(|op| op.block() == Some(body)) else {
            return Some(self.outside(value));
        };
        if let Some(l) = index_of(op) {
            let variable = *place.variables.get(&l)?;
            return Some(self.intern(format!("index {variable}"), Node::Index(variable), false));
        }
        let name = edit::name(op);
        let computes = name.starts_with("arith.") || name.starts_with("math.");
        let plain = (computes || name == "memref.load") && op.region_count() == 0;
        if !plain || results(op).len() != 1 {
            return None;
        }
        let operands = op.operands().collect::<Vec<_>>().into_iter();
        let operands = operands.map(|operand| self.value(place, operand));
        let operands = operands.collect::<Option<Vec<_>>>()?;
        Some(self.apply(op, operands))
    }

    fn outside(&mut self, value: Value<'c, 'a>) -> Term {
        self.intern(
            format!("value {}", identity(value)),
            Node::Value(value),
            false,
        )
    }

    fn apply(&mut self, op: OperationRef<'c, 'a>, mut operands: Vec<Term>) -> Term {
        let name = edit::name(op);
        if ["arith.addf", "arith.mulf", "arith.maximumf"].contains(&name) {
            operands.sort_unstable();
        }
        let attributes = op.attributes().map(|(name, value)| {
            let name = name.as_string_ref();
            format!("{}={value}", name.as_str().unwrap_or_default())
        });
        let attributes = attributes.collect::<Vec<_>>();
        let ty = results(op)[0].r#type();
        let key = format!("{name} {attributes:?} {operands:?} {ty}");
        let by_pairs = operands.iter().any(|operand| self.by_pairs[*operand]);
        self.intern(key, Node::Apply(op, operands), by_pairs)
    }

    fn intern(&mut self, key: String, node: Node<'c, 'a>, by_pairs: bool) -> Term {
        *self.known.entry(key).or_insert_with(|| {
            self.nodes.push(node);
            self.by_pairs.push(by_pairs);
            self.nodes.len() - 1
        })
    }
}

/// The value of a constant.
pub fn number(value: Value) -> Option<f64> {
    let constant = defining_op(value)?.attribute("value").ok()?;
    Some(FloatAttribute::try_from(constant).ok()?.value())
}

/// Whether variables are the first, in their order.
fn is_in_order(at: &[usize]) -> bool {
    at.iter().copied().eq(0..at.len())
}

fn writer<'c: 'a, 'a>(buffer: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    let made = defining_op(buffer).filter(|op| walk::is(*op, "memref.alloc"))?;
    let views = alias::views(buffer);
    let mut writers = vec![];
    for (op, _) in &views.uses {
        let mut written = Effects::of(*op).writes.into_iter();
        if written.any(|to| views.values.contains(&to)) && !writers.contains(op) {
            writers.push(*op);
        }
    }
    let (fills, others): (Vec<_>, Vec<_>) = writers
        .into_iter()
        .partition(|op| walk::is(*op, "linalg.fill"));
    let [op] = others[..] else { return None };
    let generic = Generic::read(op)?;
    let reads = generic.inputs.iter();
    let mut reads = reads.filter(|input| views.values.contains(&input.value));
    let own = generic.outputs.iter().filter(|o| o.value == buffer).count() == 1;
    let first =
        |fill: &OperationRef<'c, 'a>| fill.block() == op.block() && fill.is_before_in_block(op);
    let here = op.block() == made.block() && fills.iter().all(first);
    (own && here && reads.next().is_none()).then_some(op)
}

/// The one fill of a buffer, before an op.
pub fn fill<'c: 'a, 'a>(
    buffer: Value<'c, 'a>,
    before: OperationRef<'c, 'a>,
) -> Option<OperationRef<'c, 'a>> {
    let uses = edit::uses(buffer).into_iter().map(|(op, _)| op);
    let mut fills = uses.filter(|op| walk::is(*op, "linalg.fill"));
    let only = fills.next().filter(|_| fills.next().is_none())?;
    let first = only.block() == before.block() && only.is_before_in_block(before);
    first.then_some(only)
}
