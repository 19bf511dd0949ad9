//! What interpreters of IR read: a value's identity and the elements of a constant.

use super::shape;
use melior::{
    StringRef,
    ir::{
        Attribute, AttributeLike, OperationRef, Type, Value, ValueLike,
        attribute::{ArrayAttribute, DenseElementsAttribute, StringAttribute},
        block::BlockArgument,
        operation::OperationResult,
    },
};

/// A number that two uses of one value share, and no other value of the module has.
pub fn identity(value: Value) -> usize {
    value.to_raw().ptr as usize
}

/// The operation that made a value; none for an argument of a block. A conversion that fails would print the value,
/// which costs, so it is not tried.
pub fn defining_op<'c, 'a>(value: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    match value.is_operation_result() {
        true => OperationResult::try_from(value).ok().map(|y| y.owner()),
        false => None,
    }
}

/// The text of a string attribute. That of an empty one has no address, which melior does not expect.
pub fn text<'c>(attribute: StringAttribute<'c>) -> &'c str {
    let raw = unsafe { mlir_sys::mlirStringAttrGetValue(attribute.to_raw()) };
    match raw.length {
        0 => "",
        _ => attribute.value(),
    }
}

/// Whether an operation uses a value.
pub fn is_used(value: Value) -> bool {
    unsafe { !mlir_sys::mlirOpOperandIsNull(mlir_sys::mlirValueGetFirstUse(value.to_raw())) }
}

/// The bits of each element of a `dense` attribute, zero-extended; `None` for another attribute.
/// A splat gives all its elements.
pub fn dense_bits(attribute: Attribute) -> Option<Vec<u64>> {
    let dense = DenseElementsAttribute::try_from(attribute).ok()?;
    let ty = unsafe { Type::from_raw(mlir_sys::mlirAttributeGetType(attribute.to_raw())) };
    let count = dense.len();
    let width = shape::width(shape::element(ty));
    if width == 1 {
        return (0..count)
            .map(|i| Some(u64::from(dense.bool_element(i).ok()?)))
            .collect();
    }
    let bytes = width as usize / 8;
    let stored = match dense.is_splat() {
        true => count.min(1),
        false => count,
    };
    // MLIR stores elements of whole bytes one after another, a splat once, in the host's order.
    let raw = match stored {
        0 => &[],
        _ => unsafe { std::slice::from_raw_parts(dense.raw_data().cast::<u8>(), stored * bytes) },
    };
    let read = |i: usize| {
        let mut word = [0; 8];
        word[..bytes].copy_from_slice(&raw[i * bytes..(i + 1) * bytes]);
        u64::from_le_bytes(word)
    };
    Some((0..count).map(|i| read(i.min(stored - 1))).collect())
}

/// The value as an argument of a block, if it is one. (melior's `try_from` prints the function for its error.)
pub fn argument<'c, 'a>(value: Value<'c, 'a>) -> Option<BlockArgument<'c, 'a>> {
    match value.is_block_argument() {
        true => BlockArgument::try_from(value).ok(),
        false => None,
    }
}

/// The operation whose region a block argument belongs to; `None` for a value that is no argument.
pub fn region_of<'c, 'a>(value: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    let argument = argument(value)?;
    unsafe {
        let block = mlir_sys::mlirBlockArgumentGetOwner(argument.to_raw());
        OperationRef::from_option_raw(mlir_sys::mlirBlockGetParentOperation(block))
    }
}

/// The loops that a map such as `affine_map<(d0, d1, d2) -> (d2, d0)>` selects; `None` for other maps.
pub fn selected_dims(attribute: Attribute) -> Option<Vec<usize>> {
    unsafe {
        if !mlir_sys::mlirAttributeIsAAffineMap(attribute.to_raw()) {
            return None;
        }
        let map = mlir_sys::mlirAffineMapAttrGetValue(attribute.to_raw());
        (0..mlir_sys::mlirAffineMapGetNumResults(map))
            .map(|i| {
                let result = mlir_sys::mlirAffineMapGetResult(map, i);
                let dim = mlir_sys::mlirAffineExprIsADim(result);
                dim.then(|| mlir_sys::mlirAffineDimExprGetPosition(result) as usize)
            })
            .collect()
    }
}

/// Which elements of an array are the attribute that a text says. Attributes that are equal are one, and to read one text
/// takes less than to print the elements.
pub fn equal(array: ArrayAttribute, text: &str) -> Vec<bool> {
    let raw = array.to_raw();
    unsafe {
        let context = mlir_sys::mlirAttributeGetContext(raw);
        let wanted = mlir_sys::mlirAttributeParseGet(context, StringRef::new(text).to_raw());
        let element = |i| mlir_sys::mlirArrayAttrGetElement(raw, i);
        let indices = 0..array.len() as isize;
        indices
            .map(|i| mlir_sys::mlirAttributeEqual(element(i), wanted))
            .collect()
    }
}
