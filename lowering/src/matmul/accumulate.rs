//! Products that are only added to something, such as a gradient that a loop adds up, add to it themselves.

use super::{contraction::Contraction, epilogue::Epilogue, fill::fill_before};
use crate::{
    alias,
    linalg::{self, Generic},
};
use dlc_dialects::ir::{edit, inspect::defining_op};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, RegionLike, Value, operation::OperationLike},
};

/// Lets a product whose result one op adds to some memory add to that memory; gives the contraction that it is then, if it is
/// one, and the identity of the op, which is gone.
pub(crate) fn accumulate<'c: 'a, 'a>(
    cx: &'c Context,
    op: OperationRef<'c, 'a>,
    x: &Contraction<'c, 'a>,
) -> Option<(Option<Contraction<'c, 'a>>, usize)> {
    let c = x.c.value;
    let fill = fill_before(op, c)?;
    let found = Epilogue::find(op, &x.made()?, i64::MIN)?;
    let reader = found.op;
    let into = memory_added_to(reader, c)?;
    let uses = edit::uses(c);
    let only = uses
        .iter()
        .all(|(user, _)| [op, fill, reader].contains(user));
    let made = defining_op(c).filter(|op| edit::name(*op) == "memref.alloc")?;
    if !only {
        return None;
    }
    found.tell(
        op,
        c,
        2,
        "is added up by the product that makes its operand",
    );
    let rewriter = IrRewriter::new(cx);
    for needed in &found.needed {
        rewriter.as_rewriter_base().move_op_before(*needed, op);
    }
    edit::set_operand(op, 2, into);
    let gone = edit::identity(reader);
    for op in [reader, fill, made] {
        edit::erase(cx, op);
    }
    Some((Contraction::read(op), gone))
}

/// The memory to which an op adds `c`, element by element at the same place, if it does nothing else.
fn memory_added_to<'c: 'a, 'a>(
    reader: OperationRef<'c, 'a>,
    c: Value<'c, 'a>,
) -> Option<Value<'c, 'a>> {
    let generic = Generic::read(reader)?;
    let [output] = &generic.outputs[..] else {
        return None;
    };
    // The product writes its result in the order of its own axes.
    let mut reads = generic.inputs.iter().filter(|access| access.value == c);
    if !reads.all(|access| access.loops == output.loops) {
        return None;
    }
    let body = reader.region(0).ok()?.first_block()?;
    let [sum, end] = alias::operations(body)[..] else {
        return None;
    };
    let added = ["arith.addf", "arith.addi"].contains(&edit::name(sum));
    if !added || end.operand(0) != Ok(sum.result(0).ok()?.into()) {
        return None;
    }
    let operands = generic.inputs.iter().chain([output]);
    let operands = operands.zip(linalg::arguments(body));
    let of = |i: usize| {
        let value = sum.operand(i).ok()?;
        let mut operands = operands.clone();
        Some(operands.find(|(_, argument)| *argument == value)?.0.value)
    };
    let others = [of(0)?, of(1)?];
    let to = output.value;
    (others == [c, to] || others == [to, c]).then_some(to)
}
