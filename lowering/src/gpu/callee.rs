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
        numbers::Number,
    },
    walk,
};
use dlc_dialects::ir::{
    edit,
    inspect::{defining_op, identity},
    shape,
};
use dlc_kernels::program::Callee;
use melior::{
    Context, IrRewriter,
    ir::{BlockLike, Type, TypeLike, Value, ValueLike, operation::OperationLike},
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

/// What a function is given before what it captures, and what it does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The sum, its row and column, and the indices of the loops around the program. It stores.
    Tile,
    /// The sum, the number of the product in its batch, row and column. It stores.
    Batch,
    /// The same; it gives the one result, as f32.
    Through,
}

/// A function, and what is to be passed to it behind its own parameters.
pub struct Made<'c, 'a> {
    /// What a program knows of it.
    pub callee: Callee,
    /// Values for the last of what it captures; indices of loops come before them.
    pub values: Vec<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Each<'_, 'c, 'a> {
    /// The one result of 16 bits of an op that stores nothing else, and what it holds.
    pub fn through(&self) -> Option<(Number, &Operand<'c, 'a>)> {
        let [Reached::Memory(to)] = &self.epilogue.outputs[..] else {
            return None;
        };
        let x = self.contraction;
        let number = Number::of(shape::element_of(to.value))?;
        let suits = number.is_float() && number.bits == 16 && x.numbers.sum.bits == 32;
        let reads = self.epilogue.inputs.iter();
        // The function is also called again, when a result may be there already.
        let reads = reads.filter(|input| match input {
            Reached::Memory(input) => input.value == to.value,
            Reached::Scalar(_) => false,
        });
        let apart = reads.count() == 0;
        let as_one = to.holds(&x.m) && to.holds(&x.n);
        (suits && apart && as_one && !self.keeps_sums).then_some((number, to))
    }

    /// Writes the function of an element.
    pub fn write(
        &self,
        cx: &'c Context,
        e: &Emitter<'c, 'a>,
        form: Form,
        programs: &mut Programs,
    ) -> Made<'c, 'a> {
        let x = self.contraction;
        let name = programs.callee();
        let values = self.captured();
        let sum = e.ty(&x.numbers.sum.ty());
        let outer = match form {
            Form::Tile => x.outer.len(),
            Form::Batch | Form::Through => 1,
        };
        let leading = [vec![sum], vec![e.index_type(); 2 + outer]].concat();
        let captured = values.iter().map(|value| value.r#type());
        let all: Vec<Type<'c>> = leading.iter().copied().chain(captured).collect();
        let func = e.around().find(|op| walk::is(*op, "func.func"));
        let func = func.expect("the product stands in a function");
        let results = match form {
            Form::Through => vec![e.ty("f32")],
            Form::Tile | Form::Batch => vec![],
        };
        let module = Emitter::before(cx, func);
        module.function_giving((&name, &[]), &all, &results, |e, given| {
            let (own, rest) = given.split_at(leading.len());
            let known = values.iter().zip(rest);
            let known = known.map(|(value, given)| (identity(*value), *given));
            let known = known.collect();
            let (rows, outer) = match form {
                Form::Tile => (&own[1..3], own[3..].to_vec()),
                Form::Batch | Form::Through => (&own[2..4], self.outer(e, own[1], &known)),
            };
            let place = Element {
                sum: own[0],
                row: rows[0],
                column: rows[1],
                outer,
            };
            self.body(cx, e, &place, (form, &known))
        });
        let indices = match form {
            Form::Tile => outer,
            Form::Batch | Form::Through => 0,
        };
        let captured = vec!["index".to_string(); indices].into_iter();
        let captured = captured.chain(types(&values)).collect();
        Made {
            callee: Callee { name, captured },
            values,
        }
    }

    /// The indices of the loops around the program, of the number of a product.
    fn outer(
        &self,
        e: &Emitter<'c, 'a>,
        number: Value<'c, 'a>,
        known: &HashMap<usize, Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let x = self.contraction;
        let mut left = number;
        let mut indices = vec![];
        for dim in x.outer.iter().skip(1).rev() {
            let size = known[&identity(self.places.size(x, *dim))];
            indices.push(e.op("arith.remui", &[left, size], e.index_type()));
            left = e.div(left, size);
        }
        indices.extend(x.outer.first().map(|_| left));
        indices.reverse();
        indices
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
        for dim in [&x.m, &x.n, &x.outer]
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
        place: &Element<'c, 'a>,
        (form, known): (Form, &HashMap<usize, Value<'c, 'a>>),
    ) -> Vec<Value<'c, 'a>> {
        let x = self.contraction;
        let (sum, outer) = (place.sum, &place.outer);
        let mut indices: HashMap<usize, Value<'c, 'a>> = HashMap::new();
        indices.extend(x.outer.iter().copied().zip(outer.iter().copied()));
        for (group, number) in [(&x.m, place.row), (&x.n, place.column)] {
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
        if form == Form::Through {
            let value = as_f32(e, results[0]);
            edit::erase(cx, copy);
            return vec![value];
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
        vec![]
    }
}

/// Writes the function of an element of a right operand whose elements lie anywhere, by its depth and column: given are the indices of
/// the loops around the program, those that add products up first.
pub fn gather<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    x: &Contraction<'c, 'a>,
    places: &Places<'c, 'a>,
    programs: &mut Programs,
) -> Made<'c, 'a> {
    let name = programs.callee();
    let groups = [&x.k, &x.n];
    let inner = groups.iter().flat_map(|group| group.iter().skip(1));
    let sizes = inner.map(|dim| places.size(x, *dim));
    let values: Vec<_> = [x.b.value].into_iter().chain(sizes).collect();
    let around = [&x.outer_sums[..], &x.outer].concat();
    let leading = 2 + around.len();
    let captured = values.iter().map(|value| value.r#type());
    let all = vec![e.index_type(); leading].into_iter().chain(captured);
    let all: Vec<Type<'c>> = all.collect();
    let func = e.around().find(|op| walk::is(*op, "func.func"));
    let module = Emitter::before(e.context(), func.expect("the product stands in a function"));
    let element = shape::element_of(x.b.value);
    module.function_giving((&name, &[]), &all, &[element], |e, given| {
        let mut indices: HashMap<usize, Value<'c, 'a>> = HashMap::new();
        indices.extend(
            around
                .iter()
                .copied()
                .zip(given[2..leading].iter().copied()),
        );
        let mut sizes = given[leading + 1..].to_vec();
        for (group, number) in groups.into_iter().zip(given).rev() {
            let mut left = *number;
            for dim in group.iter().skip(1).rev() {
                let size = sizes.pop().expect("each but the first is given");
                indices.insert(*dim, e.op("arith.remui", &[left, size], e.index_type()));
                left = e.div(left, size);
            }
            indices.extend(group.first().map(|dim| (*dim, left)));
        }
        let at = x.b.dims.iter().map(|dim| indices[dim]);
        let operands: Vec<_> = [given[leading]].into_iter().chain(at).collect();
        vec![e.op("memref.load", &operands, element)]
    });
    let around = vec!["index".to_string(); around.len()];
    Made {
        callee: Callee {
            name,
            captured: [around, types(&values)].concat(),
        },
        values,
    }
}

/// An element of the result, where the loops around have chosen a product.
struct Element<'c, 'a> {
    sum: Value<'c, 'a>,
    row: Value<'c, 'a>,
    column: Value<'c, 'a>,
    outer: Vec<Value<'c, 'a>>,
}

/// A number of 16 bits as the f32 that it was rounded from, or is.
fn as_f32<'c: 'a, 'a>(e: &Emitter<'c, 'a>, value: Value<'c, 'a>) -> Value<'c, 'a> {
    let rounded = defining_op(value).filter(|op| edit::name(*op) == "arith.truncf");
    let wide = rounded.and_then(|op| op.operand(0).ok());
    match wide.filter(|wide| wide.r#type().is_f32()) {
        Some(wide) => wide,
        None => e.op("arith.extf", &[value], e.ty("f32")),
    }
}
