//! What SSA values stand for, how ops get at their operands, and how an op fails.

use crate::{EvalError, array::Array};
use dlc_abi::DType;
use dlc_dialects::ir::{inspect::identity, shape as types};
use melior::ir::{OperationRef, Type, TypeLike, Value, ValueLike, operation::OperationLike};
use std::collections::HashMap;

/// What an SSA value is: a tensor, or a scalar outside tensors (`index`, `i64`, `i1`).
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Index(i64),
    Array(Array),
}

/// How an op fails, before its name and location are known.
pub(crate) enum Failure {
    Message(String),
    Unsupported,
    Nested(EvalError),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Failure::Message(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Failure::Message(message.into())
    }
}

/// What the SSA values of a function stand for.
pub(crate) struct Values {
    known: HashMap<usize, Content>,
    floats: Floats,
}

impl Values {
    /// No values yet.
    pub fn new(floats: Floats) -> Self {
        Self {
            known: HashMap::new(),
            floats,
        }
    }

    /// Lets the value with an identity stand for something.
    pub fn insert(&mut self, identity: usize, content: Content) {
        self.known.insert(identity, content);
    }

    /// How floats are held.
    pub fn floats(&self) -> Floats {
        self.floats
    }
}

/// How floats are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floats {
    /// As their types say.
    Typed,
    /// As `f64`, whatever their types say, for finite differences.
    Wide,
}

impl Floats {
    /// The element type in which one is held.
    pub fn held(self, dtype: DType) -> DType {
        match self == Floats::Wide && dtype.is_float() {
            true => DType::F64,
            false => dtype,
        }
    }
}

/// The element type of the compiler's types that a tensor of `ty` has.
pub(crate) fn dtype(ty: Type) -> Result<DType, String> {
    let element = types::element(ty).to_string();
    DType::of_mlir_name(&element)
        .ok_or_else(|| format!("{element} is no element type of the dialect"))
}

/// That a value is one of a type: element type, rank, and the dims that the type knows.
pub(crate) fn check_type(content: &Content, ty: Type, floats: Floats) -> Result<(), String> {
    let array = match content {
        Content::Index(_) if !ty.is_ranked_tensor() => return Ok(()),
        Content::Index(value) => return Err(format!("{value} is no {ty}")),
        Content::Array(array) => array,
    };
    let dims = types::shape(ty);
    let agrees = |(&dim, &size): (&i64, &usize)| dim == types::DYNAMIC || dim == size as i64;
    let fits = ty.is_ranked_tensor()
        && floats.held(dtype(ty)?) == array.dtype
        && dims.len() == array.shape.len()
        && dims.iter().zip(&array.shape).all(agrees);
    match fits {
        true => Ok(()),
        false => Err(format!("{}{:?} is no {ty}", array.dtype, array.shape)),
    }
}

pub(crate) fn content<'v>(value: Value, values: &'v Values) -> Result<&'v Content, Failure> {
    values
        .known
        .get(&identity(value))
        .ok_or_else(|| "an operand has no value".into())
}

pub(crate) fn array<'v>(value: Value, values: &'v Values) -> Result<&'v Array, Failure> {
    match content(value, values)? {
        Content::Array(array) => Ok(array),
        Content::Index(_) => Err("an operand should be a tensor".into()),
    }
}

pub(crate) fn int(value: Value, values: &Values) -> Result<i64, Failure> {
    match content(value, values)? {
        Content::Index(value) => Ok(*value),
        Content::Array(_) => Err("an operand should be an index".into()),
    }
}

pub(crate) fn ints(list: &[Value], values: &Values) -> Result<Vec<i64>, Failure> {
    list.iter().map(|&value| int(value, values)).collect()
}

/// An operand of an op.
pub(crate) fn operand<'c, 'a>(
    op: OperationRef<'c, 'a>,
    index: usize,
) -> Result<Value<'c, 'a>, Failure> {
    op.operand(index)
        .map_err(|error| Failure::Message(error.to_string()))
}

pub(crate) fn operands(op: OperationRef, values: &Values) -> Result<Vec<Content>, Failure> {
    op.operands()
        .map(|value| content(value, values).cloned())
        .collect()
}

pub(crate) fn arrays<'v>(
    list: impl Iterator<Item = Value<'v, 'v>>,
    values: &'v Values,
) -> Result<Vec<&'v Array>, Failure> {
    list.map(|value| array(value, values)).collect()
}

/// The element type and shape of an op's result, with the values of `sizes` for the dims its type leaves open.
pub(crate) fn result_type(
    op: OperationRef,
    sizes: &[Value],
    values: &Values,
) -> Result<(DType, Vec<usize>), Failure> {
    let ty = op.result(0).map_err(|error| error.to_string())?.r#type();
    let mut sizes = ints(sizes, values)?.into_iter();
    let shape = types::shape(ty)
        .into_iter()
        .map(|dim| match dim {
            types::DYNAMIC => sizes.next().ok_or("a size is missing".to_string()),
            dim => Ok(dim),
        })
        .map(|dim| {
            let dim = dim?;
            usize::try_from(dim).map_err(|_| format!("a size is {dim}"))
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok((values.floats.held(dtype(ty)?), shape))
}

/// The element type of an op's result.
pub(crate) fn result_dtype(op: OperationRef, values: &Values) -> Result<DType, Failure> {
    let result = op.result(0).map_err(|error| error.to_string())?;
    Ok(values.floats.held(dtype(result.r#type())?))
}
