//! Products of matrices as programs of blocks: the loops around a program, and views of its operands as matrices.

use super::{
    callee::{self, Each, Form},
    hopper::Hopper,
    programs::Programs,
};
use crate::{
    alias::{blocks, operations},
    emit::Emitter,
    gpu,
    matmul::{
        call::{Place, Places, offset, place},
        contraction::{Contraction, Operand, Rounding},
        epilogue::{Epilogue, Reached},
        numbers::{Kind, Number},
    },
    schedule::gpu::{product_tile, tf32_tile},
    tasks,
    view::{Mixed, reinterpreted},
};
use dlc_dialects::ir::{
    edit,
    inspect::defining_op,
    shape::{self, DYNAMIC},
};
use dlc_kernels::{
    matmul::{Input, Matmul, Output, Start},
    program::{Element, Storage},
};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, TypeLike, Value, operation::OperationLike},
};

/// A product and what is done with its result.
pub(crate) struct Product<'c, 'a> {
    /// What it multiplies.
    pub contraction: Contraction<'c, 'a>,
    /// What fills the result with zeros before, if that is certain.
    pub fill: Option<OperationRef<'c, 'a>>,
    /// What goes through its elements.
    pub epilogue: Option<Epilogue<'c, 'a>>,
}

/// Where results of a product go that are stored as they are.
pub(super) struct Target<'c, 'a> {
    /// The memory, with the product's dims.
    pub operand: Operand<'c, 'a>,
    /// Where it is.
    pub place: Place<'c, 'a>,
    /// What it holds.
    pub element: Element,
}

impl<'c: 'a, 'a> Product<'c, 'a> {
    /// Writes the loops in the place of an op; gives what else is gone, if programs take the types.
    pub fn write(
        self,
        cx: &'c Context,
        op: OperationRef<'c, 'a>,
        programs: &mut Programs,
    ) -> Option<Vec<usize>> {
        let x = &self.contraction;
        let mut program = program(x)?;
        // Sums over loops around the program add up in memory.
        let fill = self.fill.filter(|_| x.outer_sums.is_empty());
        let epilogue = self.epilogue.filter(|_| fill.is_some());
        let e = Emitter::before(cx, op);
        if let Some(epilogue) = &epilogue {
            let rewriter = IrRewriter::new(cx);
            for needed in &epilogue.needed {
                rewriter.as_rewriter_base().move_op_before(*needed, op);
            }
        }
        share(&e, x, epilogue.as_ref());
        let keeps_sums = epilogue
            .as_ref()
            .is_some_and(|epilogue| !is_between(x.c.value, &[Some(op), fill, Some(epilogue.op)]));
        let places = Places::new(&e, x);
        let rounded = epilogue.as_ref().filter(|_| !keeps_sums);
        let rounded = rounded.and_then(|epilogue| rounded_to(epilogue, x));
        let each = match (&rounded, &epilogue) {
            (None, Some(epilogue)) => Some(Each {
                contraction: x,
                places: &places,
                epilogue,
                keeps_sums,
            }),
            _ => None,
        };
        let operand = rounded.unwrap_or_else(|| x.c.clone());
        let target = Target {
            element: element(Number::of(shape::element_of(operand.value))?)?,
            place: place(&e, &operand),
            operand,
        };
        let start = match fill {
            Some(_) => Start::Zero,
            None => Start::Result,
        };
        program.output = Output::Store {
            element: target.element,
            start,
        };
        let mut gathered = vec![];
        if x.layout.b_scattered {
            let made = callee::gather(&e, x, &places, programs);
            program.gather = Some(made.callee);
            gathered = made.values;
        }
        let hopper = fill.and_then(|_| Hopper::of(&e, (x, &places), (&target, &each), programs));
        let mut captured = vec![];
        if let Some(each) = &each {
            let made = each.write(cx, &e, Form::Tile, programs);
            program.output = Output::Call(made.callee);
            captured = made.values;
        }
        let rows = e.ceil_div(places.m, program.tile_rows());
        let columns = e.ceil_div(places.n, program.tile_columns());
        let loops = Loops {
            x,
            places: &places,
            tiles: e.mul(rows, columns),
            target: &target,
            callee: programs.product(&program),
            program,
            captured,
            gathered,
        };
        match hopper {
            Some(hopper) => {
                let fits = hopper.fits(&e);
                e.if_else(
                    fits,
                    &[],
                    |e| {
                        hopper.write(e);
                        vec![]
                    },
                    |e| {
                        loops.sums(e, 0, &mut vec![]);
                        vec![]
                    },
                );
            }
            None => loops.sums(&e, 0, &mut vec![]),
        }
        let gone = epilogue.map(|epilogue| epilogue.op).into_iter();
        let gone: Vec<_> = gone.chain(fill).collect();
        let identities = gone.iter().map(|op| edit::identity(*op)).collect();
        gone.into_iter().for_each(|op| edit::erase(cx, op));
        Some(identities)
    }
}

/// The program of a product, which adds to its result, if there is one.
fn program(x: &Contraction) -> Option<Matmul> {
    let [a, b, sum] = [x.numbers.a, x.numbers.b, x.numbers.sum].map(element);
    let (a, b, sum) = (a?, b?, sum?);
    let [of_a, of_b] = storages(x);
    let program = Matmul {
        name: String::new(),
        a: Input {
            element: a,
            storage: of_a,
        },
        b: Input {
            element: b,
            storage: of_b,
        },
        gather: None,
        sum,
        output: Output::Store {
            element: sum,
            start: Start::Result,
        },
        tile: match (x.rounding, [a, b, sum]) {
            (Rounding::Tf32, [Element::F32, Element::F32, Element::F32]) => tf32_tile(x.sizes),
            (_, types) => product_tile(types, x.sizes),
        },
    };
    program.text().is_ok().then_some(program)
}

/// How A and B lie in memory.
pub(super) fn storages(x: &Contraction) -> [Storage; 2] {
    [x.layout.a_by_k, x.layout.b_by_n].map(|by_columns| match by_columns {
        true => Storage::Columns,
        false => Storage::Rows,
    })
}

/// Says of what a product writes that each block writes a part of it.
fn share<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    x: &Contraction<'c, 'a>,
    epilogue: Option<&Epilogue<'c, 'a>>,
) {
    let written = epilogue.into_iter().flat_map(|epilogue| &epilogue.outputs);
    let written = written.filter_map(|output| match output {
        Reached::Memory(operand) => Some(operand.value),
        Reached::Scalar(_) => None,
    });
    for memory in written.chain([x.c.value]) {
        tasks::share_buffer(e, memory);
    }
}

/// Whether a buffer is made here, and no other op than these reads or writes it.
pub(super) fn is_between<'c: 'a, 'a>(
    buffer: Value<'c, 'a>,
    ops: &[Option<OperationRef<'c, 'a>>],
) -> bool {
    let made = defining_op(buffer).is_some_and(|op| edit::name(op) == "memref.alloc");
    let mut users = edit::uses(buffer).into_iter();
    made && users.all(|(user, _)| ops.contains(&Some(user)) || edit::name(user) == "memref.dim")
}

/// Where an op puts sums that it only rounds.
pub(super) fn rounded_to<'c: 'a, 'a>(
    epilogue: &Epilogue<'c, 'a>,
    x: &Contraction<'c, 'a>,
) -> Option<Operand<'c, 'a>> {
    let ([Reached::Memory(from)], [Reached::Memory(to)]) =
        (&epilogue.inputs[..], &epilogue.outputs[..])
    else {
        return None;
    };
    let [round, end] = operations(*blocks(epilogue.op).first()?)[..] else {
        return None;
    };
    let rounds =
        edit::name(round) == "arith.truncf" && end.operand(0) == round.result(0).map(Value::from);
    let same = from.value == x.c.value && to.holds(&x.m) && to.holds(&x.n);
    let element = shape::element_of(to.value);
    let known = element.is_f16() || element.is_bf16();
    (rounds && same && known && x.numbers.sum.bits == 32).then(|| to.clone())
}

/// The loops around a program.
struct Loops<'x, 'c, 'a> {
    x: &'x Contraction<'c, 'a>,
    places: &'x Places<'c, 'a>,
    /// The blocks of each product.
    tiles: Value<'c, 'a>,
    target: &'x Target<'c, 'a>,
    program: Matmul,
    callee: String,
    /// What the function of the elements is given besides the indices of the loops around the program.
    captured: Vec<Value<'c, 'a>>,
    /// What the function of B's elements is given besides the indices of all loops around the program.
    gathered: Vec<Value<'c, 'a>>,
}

type Indices<'c, 'a> = Vec<(usize, Value<'c, 'a>)>;

impl<'c: 'a, 'a> Loops<'_, 'c, 'a> {
    /// The loops whose products add up, one after the other.
    fn sums(&self, e: &Emitter<'c, 'a>, depth: usize, indices: &mut Indices<'c, 'a>) {
        let Some(dim) = self.x.outer_sums.get(depth) else {
            self.products(e, 0, indices);
            return;
        };
        let size = self.places.size(self.x, *dim);
        e.loop_to(size, 1, |e, index| {
            indices.push((*dim, index));
            self.sums(e, depth + 1, indices);
            indices.pop();
        });
    }

    /// The loops that select a product, whose rounds are blocks.
    fn products(&self, e: &Emitter<'c, 'a>, depth: usize, indices: &mut Indices<'c, 'a>) {
        let bounds = |e: &Emitter<'c, 'a>, size| (e.index(0), size, e.index(1));
        let Some(dim) = self.x.outer.get(depth) else {
            let op = e.plain_loop(bounds(e, self.tiles), |e, tile| self.call(e, tile, indices));
            tasks::mark(e, op, true);
            gpu::give_to_block(e, op, self.program.threads());
            gpu::give_shared(e, op, self.program.shared_bytes());
            return;
        };
        let size = self.places.size(self.x, *dim);
        e.parallel_loop(bounds(e, size), |e, index| {
            indices.push((*dim, index));
            self.products(e, depth + 1, indices);
            indices.pop();
        });
    }

    fn call(&self, e: &Emitter<'c, 'a>, tile: Value<'c, 'a>, indices: &Indices<'c, 'a>) {
        let (x, places) = (self.x, self.places);
        let matrix = |operand: &Operand<'c, 'a>, place: &Place<'c, 'a>, dims: [&[usize]; 2]| {
            let sizes = [dims[0], dims[1]].map(|dims| match () {
                () if dims == x.m => places.m,
                () if dims == x.n => places.n,
                () => places.k,
            });
            let offset = offset(e, operand, place, indices);
            matrix(e, (operand, place), offset, (dims, sizes))
        };
        let mut operands = vec![tile, places.m, places.n, places.k];
        operands.push(matrix(&x.a, &places.a, [&x.m, &x.k]));
        if !x.layout.b_scattered {
            operands.push(matrix(&x.b, &places.b, [&x.k, &x.n]));
        }
        match &self.program.output {
            Output::Store { .. } => {
                let Target { operand, place, .. } = self.target;
                operands.push(matrix(operand, place, [&x.m, &x.n]));
            }
            Output::Call(_) => {
                operands.extend(indices.iter().map(|(_, index)| *index));
                operands.extend(&self.captured);
            }
        }
        if x.layout.b_scattered {
            operands.extend(indices.iter().map(|(_, index)| *index));
            operands.extend(&self.gathered);
        }
        let callee = e.attr(&format!("@{}", self.callee));
        e.effect("func.call", &operands, &[("callee", callee)]);
    }
}

/// An operand as a matrix whose rows and columns each walk some dims as one.
pub(super) fn matrix<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    (operand, place): (&Operand<'c, 'a>, &Place<'c, 'a>),
    offset: Value<'c, 'a>,
    (dims, sizes): ([&[usize]; 2], [Value<'c, 'a>; 2]),
) -> Value<'c, 'a> {
    let mut parts = [(); 3].map(|()| Mixed::default());
    parts[0].push(DYNAMIC, || offset);
    for (dims, size) in dims.into_iter().zip(sizes) {
        parts[1].push(DYNAMIC, || size);
        let axis = dims.last().and_then(|dim| operand.axis(*dim));
        // An axis of one element.
        let stride = axis.map_or_else(|| e.index(1), |axis| place.strides[axis]);
        parts[2].push(DYNAMIC, || stride);
    }
    let element = shape::element_of(operand.value);
    let ty = e.ty(&format!(
        "memref<?x?x{element}, strided<[?, ?], offset: ?>>"
    ));
    reinterpreted(e, operand.value, parts, ty)
}

/// What programs call a type of numbers.
pub(super) fn element(number: Number) -> Option<Element> {
    Some(match (number.kind, number.bits) {
        (Kind::Float, 16) => Element::F16,
        (Kind::Bfloat, 16) => Element::Bf16,
        (Kind::Float, 32) => Element::F32,
        (Kind::Float, 64) => Element::F64,
        (Kind::Signed, 8) => Element::I8,
        (Kind::Unsigned, 8) => Element::U8,
        (Kind::Signed, 32) => Element::I32,
        (Kind::Signed, 64) => Element::I64,
        _ => return None,
    })
}
