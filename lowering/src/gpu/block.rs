//! Loops whose rounds are blocks of threads, and what these threads do together.

use crate::emit::Emitter;
use dlc_dialects::ir::edit;
use melior::ir::{
    Attribute, OperationRef, Value, attribute::IntegerAttribute, operation::OperationLike,
};

/// The attribute of a loop each round of which is done by so many threads, all of which run its body; then of the function that
/// is such a round.
pub const BLOCK: &str = "dl.block";

/// The attribute of such a loop or function that says how many bytes of dynamic shared memory a block has.
pub const DYNAMIC_SHARED: &str = "dl.dynamic_shared";

/// The threads of each round of a loop, or of a function that is one.
pub fn threads(op: OperationRef) -> Option<i64> {
    let threads = IntegerAttribute::try_from(op.attribute(BLOCK).ok()?).ok()?;
    Some(threads.value())
}

/// Gives each round of a loop to a block of so many threads.
pub fn give_to_block<'c>(e: &Emitter<'c, '_>, op: OperationRef<'c, '_>, threads: i64) {
    edit::set_attribute(op, BLOCK, attribute(e, threads));
}

/// Gives each block so many bytes of dynamic shared memory.
pub fn give_shared<'c>(e: &Emitter<'c, '_>, op: OperationRef<'c, '_>, bytes: i64) {
    if bytes > 0 {
        edit::set_attribute(op, DYNAMIC_SHARED, attribute(e, bytes));
    }
}

/// The bytes of dynamic shared memory of each round of a loop, or of a function that is one.
pub fn dynamic_shared(op: OperationRef) -> i64 {
    let bytes = op.attribute(DYNAMIC_SHARED).ok();
    let bytes = bytes.and_then(|bytes| IntegerAttribute::try_from(bytes).ok());
    bytes.map_or(0, |bytes| bytes.value())
}

fn attribute<'c>(e: &Emitter<'c, '_>, threads: i64) -> Attribute<'c> {
    IntegerAttribute::new(e.int_type(64), threads).into()
}

/// Whether a place is in a round of such a loop.
pub fn in_block(e: &Emitter) -> bool {
    e.around().any(|op| threads(op).is_some())
}

/// The number of the thread in its block.
pub fn thread<'c, 'a>(e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
    let own = e.op("nvvm.read.ptx.sreg.tid.x", &[], e.int_type(32));
    e.op("arith.index_castui", &[own], e.index_type())
}

/// Waits for all threads of the block; what they have written before can be read behind it.
pub fn barrier(e: &Emitter) {
    e.effect("nvvm.barrier0", &[], &[]);
}
