//! Loads and stores of a nest: elements, vectors, vectors under a mask, and what is gathered.

use super::{
    Body, Nest, Plan,
    body::set_of,
    plan::{Walk, load_walk, walk},
    segments::Width,
    vectors::{vector, zeros},
    write::{State, Writer},
};
use crate::{
    emit::Emitter,
    linalg::{self, Access},
    schedule::gpu::ACCESS,
};
use dlc_dialects::ir::{
    edit,
    inspect::identity,
    shape::{self, width},
};
use melior::ir::{
    Attribute, OperationRef, TypeLike, Value, ValueLike, attribute::IntegerAttribute,
    operation::OperationLike, r#type::MemRefType,
};
use std::collections::HashMap;

/// A memref as one axis, and the strides of its axes.
pub struct Flat<'c, 'a> {
    view: Value<'c, 'a>,
    strides: Vec<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Writer<'_, 'c, 'a> {
    /// A `memref.load` of the body in a vector.
    pub(super) fn body_load(
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
    pub(super) fn load(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        access: &Access<'c, 'a>,
    ) -> Value<'c, 'a> {
        if !access.value.r#type().is_mem_ref() {
            return access.value;
        }
        let indices = state.indices(&access.loops);
        let Some(lanes) = self.lanes_of(state, set_of(&access.loops)) else {
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
        if stride(access.value, axis) == Some(2) {
            return self.load_every_second(e, state, flat, base, lanes);
        }
        let step = e.op("vector.step", &[], vector(e, lanes, e.index_type()));
        let offsets = e.mul(step, self.widened(e, flat.strides[axis], Some(lanes)));
        self.gather(e, state, flat, base, offsets, lanes)
    }

    pub(super) fn load_vector(
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
            _ => e.op_with("vector.load", &place, ty, &self.alignment(e, memory, lanes)),
        }
    }

    /// What vectors of memory may be taken to lie at multiples of, if that is more than their elements'.
    fn alignment(
        &self,
        e: &Emitter<'c, 'a>,
        memory: Value<'c, 'a>,
        lanes: i64,
    ) -> Vec<(&'static str, Attribute<'c>)> {
        if !self.plan.gpu {
            return vec![];
        }
        let bytes = lanes * i64::from(width(shape::element_of(memory))) / 8;
        let attribute = IntegerAttribute::new(e.int_type(64), bytes.min(ACCESS));
        vec![("alignment", attribute.into())]
    }

    /// Elements with one between them each, which is not read: it need not be there behind the last.
    fn load_every_second(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        flat: &Flat<'c, 'a>,
        base: Value<'c, 'a>,
        lanes: i64,
    ) -> Value<'c, 'a> {
        let element = shape::element_of(flat.view);
        let (ty, pairs) = (vector(e, lanes, element), vector(e, 2 * lanes, element));
        let [one, both] = [lanes, 2 * lanes].map(|lanes| vector(e, lanes, e.int_type(1)));
        let mask = match state.width {
            Width::Masked(_, mask) => {
                let none = e.constant(one, e.attr(&format!("dense<false> : {one}")));
                e.op("vector.interleave", &[mask, none], both)
            }
            _ => {
                let pair = vec!["true, false"; lanes as usize].join(", ");
                e.constant(both, e.attr(&format!("dense<[{pair}]> : {both}")))
            }
        };
        let operands = [flat.view, base, mask, zeros(e, pairs, element)];
        let loaded = e.op("vector.maskedload", &operands, pairs);
        let parts = e.build("vector.deinterleave", &[loaded], &[ty; 2], &[], vec![]);
        linalg::results(parts)[0]
    }

    pub(super) fn gather(
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

    pub(super) fn store(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        access: &Access<'c, 'a>,
        value: Value<'c, 'a>,
    ) {
        let indices = state.indices(&access.loops);
        match self.lanes_of(state, set_of(&access.loops)) {
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
                        &self.alignment(e, access.value, lanes),
                    ),
                }
            }
        }
    }
}

/// Views, made before the loops, of what the loop in vectors does not walk element after element.
pub fn flat_views<'c: 'a, 'a>(
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

/// How far the elements of an axis are apart, if that is known.
fn stride(memory: Value, axis: usize) -> Option<i64> {
    let ty = MemRefType::try_from(memory.r#type()).ok()?;
    let stride = ty.strides_and_offset().0[axis];
    (stride != shape::DYNAMIC).then_some(stride)
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
