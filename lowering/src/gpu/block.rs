//! Loops whose rounds are blocks of threads, and what these threads do together.

use crate::emit::Emitter;
use dlc_dialects::ir::edit;
use melior::ir::{
    Attribute, OperationRef, Value, attribute::IntegerAttribute, operation::OperationLike,
};

/// The attribute of a loop each round of which is done by so many threads, all of which run its body; then of the function that
/// is such a round.
pub const BLOCK: &str = "dl.block";

/// The threads of each round of a loop, or of a function that is one.
pub fn threads(op: OperationRef) -> Option<i64> {
    let threads = IntegerAttribute::try_from(op.attribute(BLOCK).ok()?).ok()?;
    Some(threads.value())
}

/// Gives each round of a loop to a block of so many threads.
pub fn give_to_block<'c>(e: &Emitter<'c, '_>, op: OperationRef<'c, '_>, threads: i64) {
    edit::set_attribute(op, BLOCK, attribute(e, threads));
}

/// The attribute that says how many threads there are.
pub fn attribute<'c>(e: &Emitter<'c, '_>, threads: i64) -> Attribute<'c> {
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
