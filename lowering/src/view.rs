//! Views of memory: what a memref is made of, and another memref of the same memory.

use crate::{emit::Emitter, linalg};
use dlc_dialects::ir::shape::{self, DYNAMIC};
use melior::ir::{Type, Value};

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
