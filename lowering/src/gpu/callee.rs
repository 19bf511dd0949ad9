//! What goes through the elements of a product, as a function of one of them, which a program calls.

use super::programs::Programs;
use crate::{
    alias::{blocks, operations},
    emit::Emitter,
    linalg::{arguments, results},
    matmul::{
        call::Places,
        contraction::{Contraction, Operand},
        epilogue::{Epilogue, Reached},
    },
    walk,
};
use dlc_dialects::ir::{edit, inspect::identity, shape};
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, Type, Value, ValueLike, operation::OperationLike},
};
use std::collections::{HashMap, HashSet};

/// An op that goes through the elements of a product.
pub struct Each<'x, 'c, 'a> {
    /// The product.
    pub contraction: &'x Contraction<'c, 'a>,
    /// Its operands.
    pub places: &'x Places<'c, 'a>,
    /// The op.
    pub epilogue: &'x Epilogue<'c, 'a>,
    /// Whether the sums are stored as well.
    pub keeps_sums: bool,
}

/// Types as text.
pub fn types(values: &[Value]) -> Vec<String> {
    values
        .iter()
        .map(|value| value.r#type().to_string())
        .collect()
}

impl<'c: 'a, 'a> Each<'_, 'c, 'a> {
    /// Writes the function of a sum, its row and column, the indices of the loops around the program, and what it reads of the code
    /// around; gives its name and the latter, the indices' types with it.
    pub fn write(
        &self,
        cx: &'c Context,
        e: &Emitter<'c, 'a>,
        programs: &mut Programs,
    ) -> (String, Vec<Value<'c, 'a>>) {
        let x = self.contraction;
        let name = programs.callee();
        let captured = self.captured();
        let sum = e.ty(&x.numbers.sum.ty());
        let index = e.index_type();
        let leading = [vec![sum], vec![index; 2 + x.outer.len()]].concat();
        let all = captured.iter().map(|value| value.r#type());
        let all: Vec<Type<'c>> = leading.iter().copied().chain(all).collect();
        let func = e.around().find(|op| walk::is(*op, "func.func"));
        let func = func.expect("the product stands in a function");
        Emitter::before(cx, func).private_function(&name, &all, &[], |e, given| {
            let (own, rest) = given.split_at(leading.len());
            let known = captured.iter().zip(rest);
            let known = known.map(|(value, given)| (identity(*value), *given));
            self.body(cx, e, own, &known.collect());
        });
        (name, captured)
    }

    /// What the function reads of the code around: memory, numbers, and the sizes of dims that rows or columns walk as one.
    fn captured(&self) -> Vec<Value<'c, 'a>> {
        let x = self.contraction;
        let value = |operand: &Reached<'c, 'a>| match operand {
            Reached::Scalar(value) => *value,
            Reached::Memory(operand) => operand.value,
        };
        // Of the product's result it is given the element.
        let inputs = self.epilogue.inputs.iter().map(value);
        let inputs = inputs.filter(|value| *value != x.c.value);
        let mut values: Vec<_> = inputs
            .chain(self.epilogue.outputs.iter().map(value))
            .collect();
        let body = blocks(self.epilogue.op)[0];
        let inside = operations(body);
        let made = inside
            .iter()
            .flat_map(|op| results(*op))
            .chain(arguments(body));
        let made: HashSet<_> = made.map(identity).collect();
        let read = inside
            .iter()
            .flat_map(|op| op.operands().collect::<Vec<_>>());
        values.extend(read.filter(|value| !made.contains(&identity(*value))));
        if self.keeps_sums {
            values.push(x.c.value);
        }
        for dim in [&x.m, &x.n]
            .into_iter()
            .flat_map(|group| group.iter().skip(1))
        {
            values.push(self.places.size(x, *dim));
        }
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(identity(*value)));
        values
    }

    fn body(
        &self,
        cx: &'c Context,
        e: &Emitter<'c, 'a>,
        own: &[Value<'c, 'a>],
        known: &HashMap<usize, Value<'c, 'a>>,
    ) {
        let x = self.contraction;
        let (sum, outer) = (own[0], &own[3..]);
        let mut indices: HashMap<usize, Value<'c, 'a>> = HashMap::new();
        indices.extend(x.outer.iter().copied().zip(outer.iter().copied()));
        for (group, number) in [(&x.m, own[1]), (&x.n, own[2])] {
            let mut left = number;
            for dim in group.iter().skip(1).rev() {
                let size = known[&identity(self.places.size(x, *dim))];
                indices.insert(*dim, e.op("arith.remui", &[left, size], e.index_type()));
                left = e.div(left, size);
            }
            indices.extend(group.first().map(|dim| (*dim, left)));
        }
        let at = |operand: &Operand<'c, 'a>| {
            let places = operand.dims.iter().map(|dim| indices[dim]);
            let memory = known[&identity(operand.value)];
            [memory].into_iter().chain(places).collect::<Vec<_>>()
        };
        let load = |operand: &Reached<'c, 'a>| match operand {
            Reached::Scalar(value) => known[&identity(*value)],
            Reached::Memory(operand) if operand.value == x.c.value => sum,
            Reached::Memory(operand) => {
                let element = shape::element_of(operand.value);
                e.op("memref.load", &at(operand), element)
            }
        };
        // What was in the results before is read where they are read as well.
        let operands = self.epilogue.inputs.iter().chain(&self.epilogue.outputs);
        let given: Vec<_> = operands.map(load).collect();
        // The op's body, of copies that read what the function is given.
        let copy = e.insert((*self.epilogue.op).clone());
        let body = blocks(copy)[0];
        for op in operations(body) {
            for (place, value) in op.operands().enumerate().collect::<Vec<_>>() {
                if let Some(given) = known.get(&identity(value)) {
                    edit::set_operand(op, place, *given);
                }
            }
        }
        let yielded = body.terminator().expect("a body ends");
        let rewriter = IrRewriter::new(cx);
        let rewriter = rewriter.as_rewriter_base();
        let results: Vec<_> = {
            let arguments = arguments(body);
            for (old, new) in arguments.iter().zip(&given) {
                edit::replace_uses(*old, *new);
            }
            yielded.operands().collect()
        };
        for op in operations(body) {
            if op != yielded {
                rewriter.move_op_before(op, copy);
            }
        }
        for (output, value) in self.epilogue.outputs.iter().zip(results) {
            if let Reached::Memory(operand) = output {
                e.effect("memref.store", &[&[value], &at(operand)[..]].concat(), &[]);
            }
        }
        if self.keeps_sums {
            e.effect("memref.store", &[&[sum], &at(&x.c)[..]].concat(), &[]);
        }
        edit::erase(cx, copy);
    }
}
