//! Functions of an element of a product that are terms: what makes a score, and its derivative.

use super::{
    pattern::Found,
    terms::{Node, Term},
};
use crate::{
    alias::is_memref,
    emit::Emitter,
    gpu::{callee::types, programs::Programs},
    linalg::results,
    walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape,
};
use dlc_kernels::program::Callee;
use melior::ir::{OperationRef, Value, ValueLike};
use std::collections::HashMap;

/// A function, and what is to be passed to it behind the indices of batches.
pub(super) struct Made<'c, 'a> {
    pub callee: Callee,
    pub values: Vec<Value<'c, 'a>>,
}

/// What a function knows inside.
struct Inside<'c, 'a> {
    product: Value<'c, 'a>,
    /// The place along each axis.
    places: Vec<Value<'c, 'a>>,
    captured: HashMap<usize, Value<'c, 'a>>,
    written: HashMap<Term, Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Found<'c, 'a> {
    /// Writes the function that makes a term of an element of the product.
    pub(super) fn function(
        &self,
        e: &Emitter<'c, 'a>,
        term: Term,
        programs: &mut Programs,
    ) -> Made<'c, 'a> {
        let name = programs.callee();
        let values = self.captured(term);
        let rank = self.scores.loops.len();
        let leading = [vec![e.ty("f32")], vec![e.index_type(); rank]].concat();
        let captured = values.iter().map(|value| value.r#type());
        let all: Vec<_> = leading.iter().copied().chain(captured).collect();
        let func = e.around().find(|op| walk::is(*op, "func.func"));
        let func = func.expect("products stand in a function");
        let module = Emitter::before(e.context(), func);
        module.function_giving((&name, &[]), &all, &[e.ty("f32")], |e, given| {
            let (own, rest) = given.split_at(leading.len());
            let known = values.iter().map(|value| identity(*value));
            let mut inside = Inside {
                product: own[0],
                // Row and key come before batches.
                places: [&own[3..], &own[1..3]].concat(),
                captured: known.zip(rest.iter().copied()).collect(),
                written: HashMap::new(),
            };
            vec![self.write_term(e, term, &mut inside)]
        });
        let batch = vec!["index".to_string(); rank - 2];
        Made {
            callee: Callee {
                name,
                captured: [batch, types(&values)].concat(),
            },
            values,
        }
    }

    /// What a term reads of the code around.
    fn captured(&self, term: Term) -> Vec<Value<'c, 'a>> {
        let mut values = vec![];
        for inside in self.terms.inside(term) {
            let value = match self.terms.node(inside) {
                Node::Element(access) if inside != self.product => access.value,
                Node::Value(value) if constant(*value).is_none() => *value,
                _ => continue,
            };
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    fn write_term(
        &self,
        e: &Emitter<'c, 'a>,
        term: Term,
        inside: &mut Inside<'c, 'a>,
    ) -> Value<'c, 'a> {
        if let Some(written) = inside.written.get(&term) {
            return *written;
        }
        let known = |value: Value<'c, 'a>| inside.captured[&identity(value)];
        let written = match self.terms.node(term) {
            Node::Element(_) if term == self.product => inside.product,
            Node::Element(access) => {
                let places = access.loops.iter().map(|axis| inside.places[*axis]);
                let operands: Vec<_> = [known(access.value)].into_iter().chain(places).collect();
                e.op("memref.load", &operands, shape::element_of(access.value))
            }
            Node::Index(axis) => inside.places[*axis],
            Node::Value(value) => match constant(*value) {
                Some(op) => results(e.insert((*op).clone()))[0],
                None => known(*value),
            },
            Node::One => e.constant(e.ty("f32"), e.attr("1.0 : f32")),
            Node::Apply(op, operands) => {
                let operands = operands.iter();
                let operands = operands.map(|operand| self.write_term(e, *operand, inside));
                let operands: Vec<_> = operands.collect();
                let copy = e.insert((**op).clone());
                for (place, operand) in operands.into_iter().enumerate() {
                    edit::set_operand(copy, place, operand);
                }
                results(copy)[0]
            }
            Node::Row(..) => unreachable!("what is of rows is no function of an element"),
        };
        inside.written.insert(term, written);
        written
    }

    /// Memory that a term reads.
    pub(super) fn memory_in(&self, term: Term) -> Vec<Value<'c, 'a>> {
        let captured = self.captured(term).into_iter();
        captured.filter(|value| is_memref(*value)).collect()
    }
}

fn constant<'c: 'a, 'a>(value: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    defining_op(value).filter(|op| walk::is(*op, "arith.constant"))
}
