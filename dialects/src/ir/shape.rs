//! Shapes and element types of tensor and memref types, in plain Rust terms.

use melior::{
    Context,
    ir::{
        Type, TypeLike, Value, ValueLike,
        r#type::{IntegerType, RankedTensorType},
    },
};

/// What a dynamic dim is in [`shape`].
pub const DYNAMIC: i64 = i64::MIN;

/// The dims of a tensor, memref or vector type, [`DYNAMIC`] where `?`; empty for other types.
pub fn shape(ty: Type) -> Vec<i64> {
    let raw = ty.to_raw();
    unsafe {
        if !mlir_sys::mlirTypeIsAShaped(raw) || !mlir_sys::mlirShapedTypeHasRank(raw) {
            return vec![];
        }
        (0..mlir_sys::mlirShapedTypeGetRank(raw))
            .map(
                |i| match mlir_sys::mlirShapedTypeIsDynamicDim(raw, i as isize) {
                    true => DYNAMIC,
                    false => mlir_sys::mlirShapedTypeGetDimSize(raw, i as isize),
                },
            )
            .collect()
    }
}

/// The dims of a value's type.
pub fn shape_of(value: Value) -> Vec<i64> {
    shape(value.r#type())
}

/// The element type of a tensor, memref or vector type; a scalar type itself.
pub fn element(ty: Type<'_>) -> Type<'_> {
    unsafe {
        match mlir_sys::mlirTypeIsAShaped(ty.to_raw()) {
            true => Type::from_raw(mlir_sys::mlirShapedTypeGetElementType(ty.to_raw())),
            false => ty,
        }
    }
}

/// The element type of a value.
pub fn element_of<'c>(value: Value<'c, '_>) -> Type<'c> {
    element(value.r#type())
}

/// A ranked tensor type; [`DYNAMIC`] dims become `?`.
pub fn tensor<'c>(shape: &[i64], element: Type<'c>) -> Type<'c> {
    let dims = shape
        .iter()
        .map(|&d| match d {
            DYNAMIC => unsafe { mlir_sys::mlirShapedTypeGetDynamicSize() as u64 },
            d => d as u64,
        })
        .collect::<Vec<_>>();
    RankedTensorType::new(&dims, element, None).into()
}

/// The class of an element type, which decides between the bodies of an elementwise op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElementClass {
    /// f16, bf16, f32, f64.
    Float,
    /// i8, i32, i64: signless in MLIR, signed in DL.
    Signed,
    /// ui8, ui32, ui64.
    Unsigned,
    /// i1.
    Bool,
}

/// The class of an element type; `index` counts as signed.
pub fn class(element: Type) -> ElementClass {
    match integer(element) {
        Some(ty) if ty.is_unsigned() => ElementClass::Unsigned,
        Some(ty) if ty.width() == 1 => ElementClass::Bool,
        Some(_) => ElementClass::Signed,
        None if element.is_index() => ElementClass::Signed,
        None => ElementClass::Float,
    }
}

/// Bits of an integer or float type.
pub fn width(element: Type) -> u32 {
    match integer(element) {
        Some(ty) => ty.width(),
        None if element.is_index() => 64,
        None => element.float_width(),
    }
}

/// Not by a conversion alone: its error prints the type, which takes long.
fn integer(element: Type) -> Option<IntegerType> {
    let is_integer = element.is_integer();
    is_integer.then(|| IntegerType::try_from(element).ok())?
}

/// An element type by its MLIR name, such as `f32` or `ui8`.
pub fn element_named<'c>(context: &'c Context, name: &str) -> Option<Type<'c>> {
    Type::parse(context, name)
}

/// Whether a type is a ranked tensor.
pub fn is_tensor(ty: Type) -> bool {
    ty.is_ranked_tensor()
}
