//! Changes to IR in place: attributes, uses, and operations moved between modules.
//!
//! Operations are handed around as borrowing references, so the caller keeps the one rule that Rust can't see:
//! an operation is not used after it has been erased.

use melior::{
    Context, IrRewriter,
    ir::{
        Attribute, BlockLike, Location, Module, Operation, OperationRef, Value, ValueLike,
        operation::{OperationLike, OperationMutLike, OperationRefMut},
    },
};

/// Sets an attribute of an operation.
pub fn set_attribute<'c>(op: OperationRef<'c, '_>, name: &str, value: Attribute<'c>) {
    let mut op = unsafe { OperationRefMut::from_raw(op.to_raw()) };
    op.set_attribute(name, value);
}

/// Removes an attribute; nothing if there is none.
pub fn remove_attribute(op: OperationRef, name: &str) {
    let mut op = unsafe { OperationRefMut::from_raw(op.to_raw()) };
    // It fails only where there is none.
    let _ = op.remove_attribute(name);
}

/// Says that an operation stands elsewhere in the source.
pub fn set_location<'c>(op: OperationRef<'c, '_>, location: Location<'c>) {
    unsafe { mlir_sys::mlirOperationSetLocation(op.to_raw(), location.to_raw()) }
}

/// Sets an operand of an operation.
pub fn set_operand<'c>(op: OperationRef<'c, '_>, index: usize, value: Value<'c, '_>) {
    unsafe { mlir_sys::mlirOperationSetOperand(op.to_raw(), index as isize, value.to_raw()) }
}

/// The uses of a value: operations and which operand it is there, each operation's in no particular order.
pub fn uses<'c, 'a>(value: Value<'c, 'a>) -> Vec<(OperationRef<'c, 'a>, usize)> {
    let mut found = vec![];
    unsafe {
        let mut at = mlir_sys::mlirValueGetFirstUse(value.to_raw());
        while !mlir_sys::mlirOpOperandIsNull(at) {
            let owner = OperationRef::from_raw(mlir_sys::mlirOpOperandGetOwner(at));
            found.push((owner, mlir_sys::mlirOpOperandGetOperandNumber(at) as usize));
            at = mlir_sys::mlirOpOperandGetNextUse(at);
        }
    }
    found
}

/// Lets every use of a value use another one.
pub fn replace_uses(of: Value, with: Value) {
    unsafe { mlir_sys::mlirValueReplaceAllUsesOfWith(of.to_raw(), with.to_raw()) }
}

/// Removes an operation for good. Its results must have no uses.
pub fn erase<'c>(context: &'c Context, op: OperationRef<'c, '_>) {
    IrRewriter::new(context).as_rewriter_base().erase_op(op);
}

/// Moves the blocks of an operation's region, whose arguments and operations stay what they are, to the empty region
/// of that number of another operation.
pub fn take_region<'c>(from: OperationRef<'c, '_>, to: OperationRef<'c, '_>, index: usize) {
    let region = |op: OperationRef<'c, '_>| unsafe {
        mlir_sys::mlirOperationGetRegion(op.to_raw(), index as isize)
    };
    unsafe { mlir_sys::mlirRegionTakeBody(region(to), region(from)) }
}

/// A number that two references to one operation share, and no other operation alive has.
pub fn identity(op: OperationRef) -> usize {
    op.to_raw().ptr as usize
}

/// Moves the operations of a module's body, or those that `keep` accepts, before an operation; the others
/// go away with the module.
pub fn move_module_before<'c, 'a>(
    context: &'c Context,
    module: &Module<'c>,
    before: OperationRef<'c, 'a>,
    keep: impl Fn(OperationRef<'c, 'a>) -> bool,
) -> Vec<OperationRef<'c, 'a>> {
    let mut moved = vec![];
    let rewriter = IrRewriter::new(context);
    let mut next = module.body().first_operation();
    while let Some(op) = next {
        next = op.next_in_block();
        // The operation lives as long as the module that it moves to.
        let op: OperationRef<'c, 'a> = unsafe { OperationRef::from_raw(op.to_raw()) };
        if keep(op) {
            rewriter.as_rewriter_base().move_op_before(op, before);
            moved.push(op);
        }
    }
    moved
}

/// The name of an operation, as text that lives as long as the context.
pub fn name<'c>(op: OperationRef<'c, '_>) -> &'c str {
    let name = op.name();
    let text = name.as_string_ref().as_str().unwrap_or_default();
    // Names are interned in the context.
    unsafe { std::mem::transmute::<&str, &'c str>(text) }
}

/// A copy of a module.
pub fn clone_module<'c>(module: &Module<'c>) -> Module<'c> {
    let copy = unsafe {
        Operation::from_raw(mlir_sys::mlirOperationClone(module.as_operation().to_raw()))
    };
    Module::from_operation(copy).expect("the copy of a module is a module")
}
