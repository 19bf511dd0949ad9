//! Buffers that each lane has for itself.

use crate::{emit::Emitter, schedule::LINE, size::element_bytes};
use dlc_dialects::ir::shape::{self, DYNAMIC};
use melior::ir::{OperationRef, Value, ValueLike, operation::OperationLike, r#type::MemRefType};

/// A buffer that each lane has for itself.
pub struct Private<'c, 'a> {
    /// What made it.
    pub alloc: OperationRef<'c, 'a>,
    /// The memory.
    pub value: Value<'c, 'a>,
    /// Whether it is on the stack of a lane; else in the workspace.
    pub on_stack: bool,
}

impl<'c: 'a, 'a> Private<'c, 'a> {
    /// Memory for `most` lanes; nothing for buffers on the stack.
    pub fn make(&self, e: &Emitter<'c, 'a>, most: Value<'c, 'a>) -> Option<Memory<'c, 'a>> {
        if self.on_stack {
            return None;
        }
        let element = element_bytes(shape::element_of(self.value)).expect("buffers hold numbers");
        let known = shape::shape_of(self.value)
            .into_iter()
            .filter(|d| *d != DYNAMIC);
        let known = e.index(known.product::<i64>() * element);
        let bytes = self
            .alloc
            .operands()
            .fold(known, |bytes, size| e.mul(bytes, size));
        // Lanes share no cache line.
        let bytes = e.plus(bytes, LINE);
        let all = e.mul(bytes, most);
        let memory = e.alloc(&[all], "memref<?xi8>");
        let stride = e.mul(e.div(bytes, e.index(LINE)), e.index(LINE));
        Some(Memory { memory, stride })
    }

    /// The buffer of a lane.
    pub fn own(
        &self,
        e: &Emitter<'c, 'a>,
        all: Option<Memory<'c, 'a>>,
        lane: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let ty = self.value.r#type();
        match all {
            None => e.stack(&ty.to_string()),
            Some(Memory { memory, stride }) => {
                let operands = [memory, e.mul(lane, stride)];
                let operands = operands
                    .into_iter()
                    .chain(self.alloc.operands())
                    .collect::<Vec<_>>();
                e.op("memref.view", &operands, ty)
            }
        }
    }
}

/// Memory of all lanes, and the bytes from one to the next.
#[derive(Clone, Copy)]
pub struct Memory<'c, 'a> {
    memory: Value<'c, 'a>,
    stride: Value<'c, 'a>,
}

/// The size of a buffer in bytes, if it is known when compiling.
pub fn static_bytes(buffer: Value) -> Option<i64> {
    let ty = MemRefType::try_from(buffer.r#type()).ok()?;
    let element = element_bytes(shape::element(ty.into()))?;
    shape::shape_of(buffer)
        .into_iter()
        .try_fold(element, |bytes, dim| (dim != DYNAMIC).then(|| bytes * dim))
}
