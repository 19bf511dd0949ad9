//! Writes the loops of a plan: each value of the body as far out as it can be, scalars outside the loop that runs in
//! vectors, vectors inside.

use super::{
    Body, Nest, Plan,
    body::{INNERMOST, Loops, Output, set},
    nest::index_of,
    plan::{Walk, load_walk, walk},
    quotient,
    segments::{Kind, Segment, Width, segments},
};
use crate::{
    emit::Emitter,
    linalg::{self, Access},
    scalar,
};
use dlc_dialects::ir::{
    edit,
    inspect::identity,
    shape::{self, ElementClass, class, width},
};
use melior::ir::{OperationRef, Type, TypeLike, Value, ValueLike, operation::OperationLike};
use std::collections::HashMap;

/// Writes the nest with `e`.
pub fn write<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    nest: &Nest<'c, 'a>,
    body: &Body<'c, 'a>,
    plan: &Plan,
) {
    let writer = Writer {
        fma: plan.fma,
        nest,
        body,
        plan,
        arguments: linalg::arguments(nest.block),
        flat: flat_views(e, nest, body, plan),
    };
    let mut state = State {
        index: vec![None; nest.extents.len()],
        values: HashMap::new(),
        bound: 0,
        width: Width::Scalar,
    };
    for single in (0..nest.extents.len()).filter(|i| nest.is_single(*i)) {
        state.bind(single, e.index(0));
    }
    writer.ready(e, &mut state);
    writer.level(e, 0, state);
}

/// What has been written of the body at a place in the loops.
#[derive(Clone)]
struct State<'c, 'a> {
    /// The index of each loop that has begun.
    index: Vec<Option<Value<'c, 'a>>>,
    /// New values by the old ones' identity.
    values: HashMap<usize, Value<'c, 'a>>,
    bound: Loops,
    width: Width<'c, 'a>,
}

impl<'c, 'a> State<'c, 'a> {
    fn bind(&mut self, index: usize, value: Value<'c, 'a>) {
        self.index[index] = Some(value);
        self.bound |= set(index);
    }

    fn indices(&self, loops: &[usize]) -> Vec<Value<'c, 'a>> {
        loops
            .iter()
            .map(|l| self.index[*l].expect("an operand is used inside its loops"))
            .collect()
    }
}

/// A memref as one axis, and the strides of its axes.
struct Flat<'c, 'a> {
    view: Value<'c, 'a>,
    strides: Vec<Value<'c, 'a>>,
}

struct Writer<'x, 'c, 'a> {
    nest: &'x Nest<'c, 'a>,
    body: &'x Body<'c, 'a>,
    plan: &'x Plan,
    fma: bool,
    /// The old body's arguments.
    arguments: Vec<Value<'c, 'a>>,
    /// Views of what is gathered from, by identity.
    flat: HashMap<usize, Flat<'c, 'a>>,
}

impl<'c: 'a, 'a> Writer<'_, 'c, 'a> {
    /// Loops of which each step stands for itself.
    fn level(&self, e: &Emitter<'c, 'a>, depth: usize, state: State<'c, 'a>) {
        if depth == self.plan.carried {
            let mut accumulators = vec![];
            for (access, _) in self.accumulating() {
                accumulators.push(self.load(e, &state, access));
            }
            let sums = self.reduce(e, depth, &state, accumulators);
            for ((access, _), sum) in self.accumulating().zip(sums) {
                self.store(e, &state, access, sum);
            }
            return;
        }
        let index = self.plan.order[depth];
        if self.plan.vector == Some(index) {
            for segment in self.segments(e) {
                self.run(e, &segment, &[], |e, place, width, _| {
                    let state = self.inside(e, &state, index, place, width);
                    self.level(e, depth + 1, state);
                    vec![]
                });
            }
        } else {
            let high = self.nest.extents[index].value(e);
            e.loop_to(high, 1, |e, place| {
                let state = self.inside(e, &state, index, place, state.width);
                self.level(e, depth + 1, state);
            });
        }
    }

    /// Loops that carry accumulators.
    fn reduce(
        &self,
        e: &Emitter<'c, 'a>,
        depth: usize,
        state: &State<'c, 'a>,
        accumulators: Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let Some(&index) = self.plan.order.get(depth) else {
            return self.innermost(e, state.clone(), accumulators);
        };
        if self.plan.vector == Some(index) {
            return self.reduce_vectors(e, index, state, accumulators);
        }
        let high = self.nest.extents[index].value(e);
        e.for_loop(
            (e.index(0), high, e.index(1)),
            &accumulators,
            |e, place, carried| {
                let state = self.inside(e, state, index, place, state.width);
                self.reduce(e, depth + 1, &state, carried.to_vec())
            },
        )
    }

    /// The innermost loop, where it adds up in vectors: their elements are added in a fixed order at the end.
    fn reduce_vectors(
        &self,
        e: &Emitter<'c, 'a>,
        index: usize,
        state: &State<'c, 'a>,
        mut sums: Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let lanes = self.plan.schedule.lanes;
        let kinds = self
            .accumulating()
            .map(|(access, output)| match output {
                Output::Combined(name) => (name.as_str(), shape::element_of(access.value)),
                _ => unreachable!("the plan takes loops that combine"),
            })
            .collect::<Vec<_>>();
        let combine = |e: &Emitter<'c, 'a>, a: &[Value<'c, 'a>], b: &[Value<'c, 'a>]| {
            let pairs = a.iter().zip(b).zip(&kinds);
            pairs
                .map(|((a, b), (name, _))| e.op(name, &[*a, *b], a.r#type()))
                .collect::<Vec<_>>()
        };
        // One register for each accumulator.
        let mut registers: Option<Vec<Value<'c, 'a>>> = None;
        let flush = |e: &Emitter<'c, 'a>,
                     registers: &mut Option<Vec<Value<'c, 'a>>>,
                     sums: &mut Vec<Value<'c, 'a>>| {
            if let Some(registers) = registers.take() {
                let totals = registers.iter().zip(&kinds).map(|(v, (name, _))| {
                    let last = fold(e, *v, 1, name);
                    extract_lane(e, last)
                });
                *sums = combine(e, sums, &totals.collect::<Vec<_>>());
            }
        };
        for segment in self.segments(e) {
            let step = |e: &Emitter<'c, 'a>, place, width, carried: &[Value<'c, 'a>]| {
                let state = self.inside(e, state, index, place, width);
                self.innermost(e, state, carried.to_vec())
            };
            if segment.kind == Kind::Scalar {
                flush(e, &mut registers, &mut sums);
                sums = self.run(e, &segment, &sums, step);
                continue;
            }
            let start = match &registers {
                Some(registers) if segment.step == lanes => registers.clone(),
                _ => kinds
                    .iter()
                    .map(|(name, ty)| neutral(e, name, *ty, segment.step))
                    .collect(),
            };
            let ends = self.run(e, &segment, &start, step);
            registers = Some(match segment.step == lanes {
                true => ends,
                false => ends
                    .iter()
                    .zip(&kinds)
                    .map(|(v, (name, _))| fold(e, *v, lanes, name))
                    .collect(),
            });
        }
        flush(e, &mut registers, &mut sums);
        sums
    }

    /// The body inside all loops; gives the new accumulators.
    fn innermost(
        &self,
        e: &Emitter<'c, 'a>,
        mut state: State<'c, 'a>,
        accumulators: Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let inputs = self.nest.generic.inputs.len();
        let mut old = accumulators.into_iter();
        let mut carried = vec![];
        for (i, output) in self.body.outputs.iter().enumerate() {
            carried.push(output.accumulates().then(|| {
                let value = old.next().expect("one for each accumulating output");
                state
                    .values
                    .insert(identity(self.arguments[inputs + i]), value);
                value
            }));
        }
        state.bound = INNERMOST;
        self.ready(e, &mut state);
        let mut next = vec![];
        for (i, access) in self.nest.generic.outputs.iter().enumerate() {
            let yielded = self.value(&state, self.body.yields[i]);
            match carried[i] {
                None => self.store(e, &state, access, yielded),
                Some(old) => {
                    let lanes = self.lanes(old);
                    let new = self.widened(e, yielded, lanes);
                    // Lanes that are elements of the result are masked when stored, lanes that add up are masked here.
                    let adds = self.plan.vector.is_some_and(|v| !access.loops.contains(&v));
                    next.push(match state.width {
                        Width::Masked(_, mask) if adds => e.select(mask, new, old),
                        _ => new,
                    });
                }
            }
        }
        next
    }

    /// Outputs that add up.
    fn accumulating(&self) -> impl Iterator<Item = (&Access<'c, 'a>, &Output)> {
        let outputs = self.nest.generic.outputs.iter().zip(&self.body.outputs);
        outputs.filter(|(_, output)| output.accumulates())
    }

    fn segments(&self, e: &Emitter<'c, 'a>) -> Vec<Segment<'c, 'a>> {
        let index = self.plan.vector.expect("asked for where there is one");
        segments(e, self.nest.extents[index], &self.plan.schedule)
    }

    /// The steps of a segment.
    fn run(
        &self,
        e: &Emitter<'c, 'a>,
        segment: &Segment<'c, 'a>,
        carried: &[Value<'c, 'a>],
        body: impl FnOnce(
            &Emitter<'c, 'a>,
            Value<'c, 'a>,
            Width<'c, 'a>,
            &[Value<'c, 'a>],
        ) -> Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let width = |e: &Emitter<'c, 'a>, place| match segment.kind {
            Kind::Scalar => Width::Scalar,
            Kind::Vector => Width::Vector(segment.step),
            Kind::Masked => {
                let left = e.sub(segment.high, place);
                let ty = e.ty(&format!("vector<{}xi1>", segment.step));
                Width::Masked(segment.step, e.op("vector.create_mask", &[left], ty))
            }
        };
        if segment.single {
            return body(e, segment.low, width(e, segment.low), carried);
        }
        let bounds = (segment.low, segment.high, e.index(segment.step));
        e.for_loop(bounds, carried, |e, place, carried| {
            body(e, place, width(e, place), carried)
        })
    }

    /// The state inside one more loop.
    fn inside(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        index: usize,
        place: Value<'c, 'a>,
        width: Width<'c, 'a>,
    ) -> State<'c, 'a> {
        let mut state = state.clone();
        state.bind(index, place);
        state.width = width;
        self.ready(e, &mut state);
        state
    }

    /// Writes what depends only on the loops so far.
    fn ready(&self, e: &Emitter<'c, 'a>, state: &mut State<'c, 'a>) {
        let accesses = self
            .nest
            .generic
            .inputs
            .iter()
            .chain(&self.nest.generic.outputs);
        for (argument, access) in self.arguments.iter().zip(accesses) {
            let known = state.values.contains_key(&identity(*argument));
            let depends = self.body.depends(*argument);
            let used = !edit::uses(*argument).is_empty() && depends != INNERMOST;
            if !known && used && depends & !state.bound == 0 {
                let value = self.load(e, state, access);
                state.values.insert(identity(*argument), value);
            }
        }
        for op in &self.body.ops {
            let result = linalg::results(*op)[0];
            if !state.values.contains_key(&identity(result))
                && self.body.depends(result) & !state.bound == 0
            {
                let value = self.op(e, state, *op, result);
                state.values.insert(identity(result), value);
            }
        }
    }

    /// The new value for an old one; values from outside stay.
    fn value(&self, state: &State<'c, 'a>, old: Value<'c, 'a>) -> Value<'c, 'a> {
        state.values.get(&identity(old)).copied().unwrap_or(old)
    }

    /// The length of vectors of what depends on `loops`.
    fn lanes_of(&self, state: &State<'c, 'a>, loops: Loops) -> Option<i64> {
        let vector = self.plan.vector.map_or(0, set);
        (loops & vector & state.bound != 0).then(|| state.width.lanes())?
    }

    fn lanes(&self, value: Value<'c, 'a>) -> Option<i64> {
        value
            .r#type()
            .is_vector()
            .then(|| shape::shape_of(value)[0])
    }

    /// A value as a vector of the given length, if one is given.
    fn widened(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        lanes: Option<i64>,
    ) -> Value<'c, 'a> {
        match lanes {
            Some(lanes) if self.lanes(value).is_none() => {
                let ty = vector(e, lanes, value.r#type());
                e.op("vector.broadcast", &[value], ty)
            }
            _ => value,
        }
    }

    fn op(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        op: OperationRef<'c, 'a>,
        result: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let lanes = self.lanes_of(state, self.body.depends(result));
        if let Some(index) = index_of(op) {
            let place = state.index[index].expect("the loop has begun");
            return match lanes {
                None => place,
                Some(lanes) => {
                    let ty = vector(e, lanes, place.r#type());
                    let place = self.widened(e, place, Some(lanes));
                    e.add(place, e.op("vector.step", &[], ty))
                }
            };
        }
        let name = edit::name(op);
        if name == "memref.load"
            && let Some(lanes) = lanes
        {
            return self.body_load(e, state, op, lanes);
        }
        let operands = op
            .operands()
            .map(|operand| self.value(state, operand))
            .collect::<Vec<_>>();
        if let (Some(lanes), "arith.divf", true) = (lanes, name, self.fma)
            && self.lanes(operands[1]).is_none()
            && width(result.r#type()) >= 32
        {
            return quotient::by_scalar(e, operands[0], operands[1], lanes);
        }
        let operands = operands
            .into_iter()
            .map(|operand| self.widened(e, operand, lanes))
            .collect::<Vec<_>>();
        let ty = match lanes {
            Some(lanes) => vector(e, lanes, result.r#type()),
            None => result.r#type(),
        };
        let attributes = op.attributes().collect::<Vec<_>>();
        let attributes = attributes
            .iter()
            .map(|(name, value)| (name.as_string_ref().as_str().unwrap_or_default(), *value))
            .collect::<Vec<_>>();
        e.op_with(name, &operands, ty, &attributes)
    }

    /// A `memref.load` of the body in a vector.
    fn body_load(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        op: OperationRef<'c, 'a>,
        lanes: i64,
    ) -> Value<'c, 'a> {
        let index = self.plan.vector.expect("vectors come from it");
        let memory = op.operand(0).expect("a load has an operand");
        let mut indices = op
            .operands()
            .skip(1)
            .map(|v| self.value(state, v))
            .collect::<Vec<_>>();
        if load_walk(self.body, op, index) == Walk::Contiguous {
            // The last index is that of the loop; the vector begins there.
            indices.pop();
            indices.push(state.index[index].expect("the loop has begun"));
            return self.load_vector(e, state, memory, &indices, lanes);
        }
        let flat = &self.flat[&identity(memory)];
        let mut base = e.index(0);
        let mut offsets: Option<Value<'c, 'a>> = None;
        for (index, stride) in indices.into_iter().zip(&flat.strides) {
            match self.lanes(index) {
                None => base = e.add(base, e.mul(index, *stride)),
                Some(_) => {
                    let stride = self.widened(e, *stride, Some(lanes));
                    let offset = e.mul(index, stride);
                    offsets = Some(match offsets {
                        Some(offsets) => e.add(offsets, offset),
                        None => offset,
                    });
                }
            }
        }
        let offsets = offsets.expect("an index is a vector");
        self.gather(e, state, flat, base, offsets, lanes)
    }

    /// An element, or a vector of elements, of an operand.
    fn load(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        access: &Access<'c, 'a>,
    ) -> Value<'c, 'a> {
        if !access.value.r#type().is_mem_ref() {
            return access.value;
        }
        let indices = state.indices(&access.loops);
        let Some(lanes) = self.lanes_of(state, super::body::set_of(&access.loops)) else {
            let operands = [&[access.value], &indices[..]].concat();
            return e.op("memref.load", &operands, shape::element_of(access.value));
        };
        let index = self.plan.vector.expect("vectors come from it");
        if walk(access, index) == Walk::Contiguous {
            return self.load_vector(e, state, access.value, &indices, lanes);
        }
        let flat = &self.flat[&identity(access.value)];
        let terms = indices.iter().zip(&flat.strides);
        let base = terms.fold(e.index(0), |sum, (index, stride)| {
            e.add(sum, e.mul(*index, *stride))
        });
        let axis = access
            .loops
            .iter()
            .position(|l| *l == index)
            .expect("the operand has the loop");
        let step = e.op("vector.step", &[], vector(e, lanes, e.index_type()));
        let offsets = e.mul(step, self.widened(e, flat.strides[axis], Some(lanes)));
        self.gather(e, state, flat, base, offsets, lanes)
    }

    fn load_vector(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        memory: Value<'c, 'a>,
        indices: &[Value<'c, 'a>],
        lanes: i64,
    ) -> Value<'c, 'a> {
        let element = shape::element_of(memory);
        let ty = vector(e, lanes, element);
        let place = [&[memory], indices].concat();
        match state.width {
            Width::Masked(_, mask) => {
                let zero = zeros(e, ty, element);
                e.op(
                    "vector.maskedload",
                    &[&place[..], &[mask, zero]].concat(),
                    ty,
                )
            }
            _ => e.op("vector.load", &place, ty),
        }
    }

    fn gather(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        flat: &Flat<'c, 'a>,
        base: Value<'c, 'a>,
        offsets: Value<'c, 'a>,
        lanes: i64,
    ) -> Value<'c, 'a> {
        let element = shape::element_of(flat.view);
        let ty = vector(e, lanes, element);
        let mask = match state.width {
            Width::Masked(_, mask) => mask,
            _ => {
                let ty = vector(e, lanes, e.int_type(1));
                e.constant(ty, e.attr(&format!("dense<true> : {ty}")))
            }
        };
        e.op(
            "vector.gather",
            &[flat.view, base, offsets, mask, zeros(e, ty, element)],
            ty,
        )
    }

    fn store(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        access: &Access<'c, 'a>,
        value: Value<'c, 'a>,
    ) {
        let indices = state.indices(&access.loops);
        match self.lanes_of(state, super::body::set_of(&access.loops)) {
            None => e.effect(
                "memref.store",
                &[&[value, access.value], &indices[..]].concat(),
                &[],
            ),
            Some(lanes) => {
                let value = self.widened(e, value, Some(lanes));
                match state.width {
                    Width::Masked(_, mask) => {
                        let operands = [&[access.value], &indices[..], &[mask, value]].concat();
                        e.effect("vector.maskedstore", &operands, &[]);
                    }
                    _ => e.effect(
                        "vector.store",
                        &[&[value, access.value], &indices[..]].concat(),
                        &[],
                    ),
                }
            }
        }
    }
}

/// Views, made before the loops, of what the loop in vectors does not walk element after element.
fn flat_views<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    nest: &Nest<'c, 'a>,
    body: &Body<'c, 'a>,
    plan: &Plan,
) -> HashMap<usize, Flat<'c, 'a>> {
    let mut views = HashMap::new();
    let Some(index) = plan.vector else {
        return views;
    };
    let inputs = nest.generic.inputs.iter().filter(|access| {
        access.value.r#type().is_mem_ref() && walk(access, index) == Walk::Strided
    });
    let loads = body.ops.iter().filter(|op| {
        edit::name(**op) == "memref.load" && load_walk(body, **op, index) == Walk::Strided
    });
    let loads = loads.filter_map(|op| op.operand(0).ok());
    for memory in inputs.map(|access| access.value).chain(loads) {
        views
            .entry(identity(memory))
            .or_insert_with(|| flat(e, memory));
    }
    views
}

fn flat<'c, 'a>(e: &Emitter<'c, 'a>, memory: Value<'c, 'a>) -> Flat<'c, 'a> {
    let rank = shape::shape_of(memory).len();
    let element = shape::element_of(memory);
    let base = e.ty(&format!("memref<{element}>"));
    let types = [vec![base], vec![e.index_type(); 1 + 2 * rank]].concat();
    let parts = e.build(
        "memref.extract_strided_metadata",
        &[memory],
        &types,
        &[],
        vec![],
    );
    let parts = linalg::results(parts);
    let size = e.index(i64::MAX);
    let attributes = [
        ("operandSegmentSizes", e.attr("array<i32: 1, 1, 1, 0>")),
        ("static_offsets", e.attr("array<i64: -9223372036854775808>")),
        ("static_sizes", e.attr("array<i64: -9223372036854775808>")),
        ("static_strides", e.attr("array<i64: 1>")),
    ];
    let ty = e.ty(&format!("memref<?x{element}, strided<[1], offset: ?>>"));
    let view = e.op_with(
        "memref.reinterpret_cast",
        &[parts[0], parts[1], size],
        ty,
        &attributes,
    );
    Flat {
        view,
        strides: parts[2 + rank..].to_vec(),
    }
}

fn vector<'c>(e: &Emitter<'c, '_>, lanes: i64, element: Type<'c>) -> Type<'c> {
    e.ty(&format!("vector<{lanes}x{element}>"))
}

fn zeros<'c, 'a>(e: &Emitter<'c, 'a>, ty: Type<'c>, element: Type<'c>) -> Value<'c, 'a> {
    let zero = match class(element) {
        ElementClass::Float => "0.0",
        ElementClass::Bool => "false",
        _ => "0",
    };
    e.constant(ty, e.attr(&format!("dense<{zero}> : {ty}")))
}

/// A vector of what changes nothing in a combination.
fn neutral<'c, 'a>(
    e: &Emitter<'c, 'a>,
    name: &str,
    element: Type<'c>,
    lanes: i64,
) -> Value<'c, 'a> {
    let bits = width(element);
    let text = match name {
        "arith.mulf" | "arith.muli" => "1".to_string(),
        "arith.maximumf" => "-inf".into(),
        "arith.minimumf" => "inf".into(),
        "arith.maxsi" => (-(1i128 << (bits - 1))).to_string(),
        "arith.minsi" => ((1i128 << (bits - 1)) - 1).to_string(),
        "arith.minui" | "arith.andi" => "-1".into(),
        _ => "0".into(),
    };
    let scalar = scalar::number(e, element, &text);
    e.op("vector.broadcast", &[scalar], vector(e, lanes, element))
}

/// A vector of `lanes` that combines the elements of a longer one: halves, then their halves.
fn fold<'c, 'a>(
    e: &Emitter<'c, 'a>,
    value: Value<'c, 'a>,
    lanes: i64,
    name: &str,
) -> Value<'c, 'a> {
    let (mut value, mut length) = (value, shape::shape_of(value)[0]);
    let element = shape::element_of(value);
    while length > lanes {
        length /= 2;
        let half = |at: i64| {
            let attributes = [
                ("offsets", e.attr(&format!("[{at}]"))),
                ("sizes", e.attr(&format!("[{length}]"))),
                ("strides", e.attr("[1]")),
            ];
            e.op_with(
                "vector.extract_strided_slice",
                &[value],
                vector(e, length, element),
                &attributes,
            )
        };
        value = e.op(name, &[half(0), half(length)], vector(e, length, element));
    }
    value
}

fn extract_lane<'c, 'a>(e: &Emitter<'c, 'a>, value: Value<'c, 'a>) -> Value<'c, 'a> {
    let at = [("static_position", e.attr("array<i64: 0>"))];
    e.op_with("vector.extract", &[value], shape::element_of(value), &at)
}
