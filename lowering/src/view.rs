//! Views of memory: what a memref is made of, and another memref of the same memory.

use crate::{
    emit::{Emitter, Int},
    linalg,
};
use dlc_dialects::ir::shape::{self, DYNAMIC};
use melior::ir::{
    Attribute, Type, Value, ValueLike,
    attribute::{ArrayAttribute, IntegerAttribute},
    r#type::MemRefType,
};

/// Numbers of which some are known when compiling.
#[derive(Default)]
pub struct Mixed<'c, 'a> {
    /// Each number, or [`DYNAMIC`].
    pub known: Vec<i64>,
    /// Those that are found at run time.
    pub values: Vec<Value<'c, 'a>>,
}

impl<'c, 'a> Mixed<'c, 'a> {
    /// One more; its value is made if it is not known.
    pub fn push(&mut self, known: i64, value: impl FnOnce() -> Value<'c, 'a>) {
        self.known.push(known);
        if known == DYNAMIC {
            self.values.push(value());
        }
    }

    fn text(&self) -> String {
        if self.known.is_empty() {
            return "array<i64>".into();
        }
        let known = self.known.iter().map(i64::to_string).collect::<Vec<_>>();
        format!("array<i64: {}>", known.join(", "))
    }
}

/// A view of a memref without axes of one element: each of its axes is a group of axes of which no more than one is longer.
/// Nothing where more are, or may be.
pub fn without_unit_axes<'c, 'a>(
    e: &Emitter<'c, 'a>,
    memory: Value<'c, 'a>,
    reassociation: Attribute<'c>,
) -> Option<Value<'c, 'a>> {
    let axes = ArrayAttribute::try_from(reassociation).ok()?;
    let ty = MemRefType::try_from(memory.r#type()).ok()?;
    let ((strides, offset), shape) = (ty.strides_and_offset(), shape::shape_of(memory));
    let mut kept = vec![];
    for i in 0..axes.len() {
        let group = ArrayAttribute::try_from(axes.element(i).ok()?).ok()?;
        let group = (0..group.len()).map(|i| {
            let axis = IntegerAttribute::try_from(group.element(i).ok()?).ok()?;
            usize::try_from(axis.value()).ok()
        });
        let group = group.collect::<Option<Vec<_>>>()?;
        let mut long = group.iter().filter(|axis| shape[**axis] != 1);
        let axis = *long.next().or(group.first())?;
        if long.next().is_some() {
            return None;
        }
        // MLIR takes no stride for known that would be another's if the size were 1.
        let certain = group.first() == Some(&axis) || shape[axis] != DYNAMIC;
        let stride = if certain { strides[axis] } else { DYNAMIC };
        kept.push((shape[axis], stride));
    }
    let text = |n: i64| match n {
        DYNAMIC => "?".to_string(),
        n => n.to_string(),
    };
    let dims = kept.iter().map(|(size, _)| text(*size) + "x");
    let strides = kept.iter().map(|(_, stride)| text(*stride));
    let layout = match ty.affine_map().is_identity() {
        true => String::new(),
        false => {
            let strides = strides.collect::<Vec<_>>().join(", ");
            format!(", strided<[{strides}], offset: {}>", text(offset))
        }
    };
    let (dims, element) = (dims.collect::<String>(), shape::element_of(memory));
    let ty = e.ty(&format!("memref<{dims}{element}{layout}>"));
    let attributes = [("reassociation", reassociation)];
    Some(e.op_with("memref.collapse_shape", &[memory], ty, &attributes))
}

/// The size of an axis of a memref.
pub fn size<'c, 'a>(e: &Emitter<'c, 'a>, memory: Value<'c, 'a>, axis: usize) -> Value<'c, 'a> {
    match shape::shape_of(memory)[axis] {
        DYNAMIC => {
            let axis = e.index(axis as i64);
            e.op("memref.dim", &[memory, axis], e.index_type())
        }
        known => e.index(known),
    }
}

/// Base, offset, sizes and strides of a memref.
pub fn metadata<'c, 'a>(e: &Emitter<'c, 'a>, memory: Value<'c, 'a>) -> Vec<Value<'c, 'a>> {
    let rank = shape::shape_of(memory).len();
    let base = e.ty(&format!("memref<{}>", shape::element_of(memory)));
    let types = [vec![base], vec![e.index_type(); 1 + 2 * rank]].concat();
    linalg::results(e.build(
        "memref.extract_strided_metadata",
        &[memory],
        &types,
        &[],
        vec![],
    ))
}

/// The address of an element of a memref that is so many elements behind its memory's first, of so many bytes each.
pub fn address<'c, 'a>(
    e: &Emitter<'c, 'a>,
    memory: Value<'c, 'a>,
    offset: Value<'c, 'a>,
    bytes: i64,
) -> Value<'c, 'a> {
    let name = "memref.extract_aligned_pointer_as_index";
    let base = e.op(name, &[memory], e.index_type());
    e.add(base, e.mul(offset, e.index(bytes)))
}

/// Whether all of some indices are multiples of a power of two.
pub fn are_multiples<'c, 'a>(
    e: &Emitter<'c, 'a>,
    indices: &[Value<'c, 'a>],
    of: i64,
) -> Value<'c, 'a> {
    let all = indices.iter().copied();
    let all = all.reduce(|a, b| e.op("arith.ori", &[a, b], a.r#type()));
    let all = all.unwrap_or_else(|| e.index(0));
    let rest = e.op("arith.andi", &[all, e.index(of - 1)], all.r#type());
    e.cmp(Int::Eq, rest, e.index(0))
}

/// The memory of a memref with another offset, sizes and strides.
pub fn reinterpreted<'c, 'a>(
    e: &Emitter<'c, 'a>,
    whole: Value<'c, 'a>,
    [offsets, sizes, strides]: [Mixed<'c, 'a>; 3],
    ty: Type<'c>,
) -> Value<'c, 'a> {
    let segments = format!(
        "array<i32: 1, {}, {}, {}>",
        offsets.values.len(),
        sizes.values.len(),
        strides.values.len()
    );
    let attributes = [
        ("operandSegmentSizes", e.attr(&segments)),
        ("static_offsets", e.attr(&offsets.text())),
        ("static_sizes", e.attr(&sizes.text())),
        ("static_strides", e.attr(&strides.text())),
    ];
    let operands = [vec![whole], offsets.values, sizes.values, strides.values].concat();
    e.op_with("memref.reinterpret_cast", &operands, ty, &attributes)
}
