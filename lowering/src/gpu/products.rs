//! Products of matrices as programs of blocks: the loops around a program, and views of its operands as matrices.

use super::{callee, programs::Programs};
use crate::{
    alias,
    emit::Emitter,
    gpu,
    matmul::{
        call::{Place, Places, offset},
        contraction::{Contraction, Operand},
        epilogue::{Epilogue, Reached},
        numbers::{Kind, Number},
    },
    schedule::gpu::product_tile,
    tasks::{self, SHARED},
    view::{Mixed, reinterpreted},
};
use dlc_dialects::ir::{
    edit,
    inspect::defining_op,
    shape::{self, DYNAMIC},
};
use dlc_kernels::{
    matmul::{Input, Matmul, Output, Start},
    program::{Callee, Element, Storage},
};
use melior::{
    Context, IrRewriter,
    ir::{Attribute, OperationRef, Value},
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

impl<'c: 'a, 'a> Product<'c, 'a> {
    /// Writes the loops in the place of an op; gives what else is gone, if programs take the types.
    pub fn write(
        self,
        cx: &'c Context,
        op: OperationRef<'c, 'a>,
        programs: &mut Programs,
    ) -> Option<Vec<usize>> {
        let x = &self.contraction;
        let [a, b, sum] = [x.numbers.a, x.numbers.b, x.numbers.sum].map(element);
        let (a, b, sum) = (a?, b?, sum?);
        let storage = |by_columns| match by_columns {
            true => Storage::Columns,
            false => Storage::Rows,
        };
        let mut program = Matmul {
            name: String::new(),
            a: Input {
                element: a,
                storage: storage(x.layout.a_by_k),
            },
            b: Input {
                element: b,
                storage: storage(x.layout.b_by_n),
            },
            sum,
            output: Output::Store {
                element: sum,
                start: Start::Result,
            },
            tile: product_tile([a, b, sum], x.sizes),
        };
        if x.layout.b_scattered || program.text().is_err() {
            return None;
        }
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
        let written = epilogue.iter().flat_map(|epilogue| &epilogue.outputs);
        let written = written.filter_map(|output| match output {
            Reached::Memory(operand) => Some(operand.value),
            Reached::Scalar(_) => None,
        });
        for memory in written.chain([x.c.value]) {
            // Each block writes a part of it.
            if let Some(made) = alias::root(memory).and_then(defining_op) {
                edit::set_attribute(made, SHARED, Attribute::unit(cx));
            }
        }
        let places = Places::new(&e, x);
        let mut gone = vec![];
        let mut captured = vec![];
        if let Some(fill) = fill {
            program.output = Output::Store {
                element: sum,
                start: Start::Zero,
            };
            if let Some(epilogue) = epilogue {
                let users = edit::uses(x.c.value).into_iter().map(|(user, _)| user);
                let users = users.filter(|user| {
                    ![op, fill, epilogue.op].contains(user) && edit::name(*user) != "memref.dim"
                });
                let each = callee::Each {
                    contraction: x,
                    places: &places,
                    epilogue: &epilogue,
                    keeps_sums: users.count() > 0,
                };
                let (name, values) = each.write(cx, &e, programs);
                program.output = Output::Call(Callee {
                    name,
                    captured: vec!["index".to_string(); x.outer.len()]
                        .into_iter()
                        .chain(callee::types(&values))
                        .collect(),
                });
                captured = values;
                gone.push(edit::identity(epilogue.op));
                edit::erase(cx, epilogue.op);
            }
            edit::erase(cx, fill);
        }
        let loops = Loops {
            x,
            places,
            callee: programs.program(&program),
            program,
            captured,
        };
        loops.sums(&e, 0, &mut vec![]);
        Some(gone)
    }
}

/// The loops around a program.
struct Loops<'x, 'c, 'a> {
    x: &'x Contraction<'c, 'a>,
    places: Places<'c, 'a>,
    program: Matmul,
    callee: String,
    /// What the function of the elements is given besides the indices of the loops around the program.
    captured: Vec<Value<'c, 'a>>,
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
            let rows = e.ceil_div(self.places.m, self.program.tile_rows());
            let columns = e.ceil_div(self.places.n, self.program.tile_columns());
            let tiles = e.mul(rows, columns);
            let op = e.plain_loop(bounds(e, tiles), |e, tile| self.call(e, tile, indices));
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
        let (x, places) = (self.x, &self.places);
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
        operands.push(matrix(&x.b, &places.b, [&x.k, &x.n]));
        match &self.program.output {
            Output::Store { .. } => operands.push(matrix(&x.c, &places.c, [&x.m, &x.n])),
            Output::Call(_) => {
                operands.extend(indices.iter().map(|(_, index)| *index));
                operands.extend(&self.captured);
            }
        }
        let callee = e.attr(&format!("@{}", self.callee));
        e.effect("func.call", &operands, &[("callee", callee)]);
    }
}

/// An operand as a matrix whose rows and columns each walk some dims as one.
fn matrix<'c: 'a, 'a>(
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
fn element(number: Number) -> Option<Element> {
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
