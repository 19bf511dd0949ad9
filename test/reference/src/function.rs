//! Functions: walks a body op by op, with a value for each SSA value.

use crate::{
    EvalError,
    array::Array,
    contract::{self, Pairs},
    elementwise, index,
    math::compare_integers,
    order, random, reduce,
    scalar::Scalar,
    shape,
};
use dlc_abi::DType;
use dlc_dialects::{
    elementwise_kinds,
    ir::{
        inspect::{dense_bits, identity},
        shape as types,
    },
    ops::{self, OpKind},
};
use dlc_runtime::Tensor;
use melior::ir::{
    BlockLike, Module, OperationRef, RegionLike, Type, TypeLike, Value, ValueLike,
    attribute::{FlatSymbolRefAttribute, IntegerAttribute, StringAttribute},
    operation::OperationLike,
};
use std::collections::HashMap;

/// Calls nest this deep; DL has no recursion, so more is a mistake.
const DEEPEST_CALL: usize = 256;

/// Runs a function of a module: `dims` are its leading index arguments, `args` its tensors. A key among
/// the arguments stands for two `ui32` on a last axis, and comes back as such.
pub fn evaluate(
    module: &Module,
    function: &str,
    dims: &[i64],
    args: &[Tensor],
) -> Result<Vec<Tensor>, EvalError> {
    let mut values = dims
        .iter()
        .map(|&dim| Content::Index(dim))
        .collect::<Vec<_>>();
    values.extend(
        args.iter()
            .map(|arg| Content::Array(Array::from_tensor(arg))),
    );
    call(module, function, values, 0)?
        .iter()
        .map(|result| match result {
            Content::Array(array) => Ok(array.to_tensor()?),
            Content::Index(value) => Ok(Tensor::from_slice(&[], &[*value])?),
        })
        .collect()
}

/// What an SSA value is: a tensor, or a scalar outside tensors (`index`, `i64`, `i1`).
#[derive(Clone, Debug)]
enum Content {
    Index(i64),
    Array(Array),
}

/// How an op fails, before its name and location are known.
enum Failure {
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

type Values = HashMap<usize, Content>;

fn call(
    module: &Module,
    name: &str,
    args: Vec<Content>,
    depth: usize,
) -> Result<Vec<Content>, EvalError> {
    let missing = || EvalError::NoFunction(name.into());
    let block = find(module, name)
        .and_then(|func| func.region(0).ok()?.first_block())
        .ok_or_else(missing)?;
    let wrong = |message: String| EvalError::Argument {
        function: name.into(),
        message,
    };
    if depth > DEEPEST_CALL {
        return Err(wrong(format!("calls nest deeper than {DEEPEST_CALL}")));
    }
    if block.argument_count() != args.len() {
        let (takes, given) = (block.argument_count(), args.len());
        return Err(wrong(format!("takes {takes} arguments, {given} are given")));
    }
    let mut values = Values::new();
    for (i, arg) in args.into_iter().enumerate() {
        let parameter: Value = block.argument(i).map_err(|_| missing())?.into();
        check_type(&arg, parameter.r#type()).map_err(|m| wrong(format!("argument {i}: {m}")))?;
        values.insert(identity(parameter), arg);
    }
    let mut next = block.first_operation();
    while let Some(op) = next {
        let op_name = name_of(op);
        let located = |failure| locate(failure, &op_name, op);
        if op_name == "func.return" {
            return operands(op, &values).map_err(located);
        }
        let results = run(module, op, &op_name, &values, depth).map_err(located)?;
        for (result, content) in op.results().zip(results) {
            check_type(&content, result.r#type()).map_err(|m| located(Failure::Message(m)))?;
            values.insert(identity(result.into()), content);
        }
        next = op.next_in_block();
    }
    Err(missing())
}

fn locate(failure: Failure, name: &str, op: OperationRef) -> EvalError {
    let (op, location) = (name.to_string(), op.location().to_string());
    match failure {
        Failure::Message(message) => EvalError::Op {
            op,
            location,
            message,
        },
        Failure::Unsupported => EvalError::Unsupported { op, location },
        Failure::Nested(error) => error,
    }
}

fn find<'c, 'a>(module: &'a Module<'c>, name: &str) -> Option<OperationRef<'c, 'a>> {
    let mut next = module.body().first_operation();
    while let Some(op) = next {
        let symbol = op.attribute("sym_name").ok();
        let symbol = symbol.and_then(|symbol| StringAttribute::try_from(symbol).ok());
        if symbol.is_some_and(|symbol| symbol.value() == name) {
            return Some(op);
        }
        next = op.next_in_block();
    }
    None
}

fn name_of(op: OperationRef) -> String {
    op.name()
        .as_string_ref()
        .as_str()
        .unwrap_or("?")
        .to_string()
}

/// The element type of the compiler's types that a tensor of `ty` has.
fn dtype(ty: Type) -> Result<DType, String> {
    let element = types::element(ty).to_string();
    Ok(match element.as_str() {
        "i1" => DType::Bool,
        "i8" => DType::I8,
        "i32" => DType::I32,
        "i64" => DType::I64,
        "ui8" => DType::U8,
        "ui32" => DType::U32,
        "ui64" => DType::U64,
        "f16" => DType::F16,
        "bf16" => DType::BF16,
        "f32" => DType::F32,
        "f64" => DType::F64,
        _ => return Err(format!("{element} is no element type of the dialect")),
    })
}

/// That a value is one of a type: element type, rank, and the dims that the type knows.
fn check_type(content: &Content, ty: Type) -> Result<(), String> {
    let array = match content {
        Content::Index(_) if !ty.is_ranked_tensor() => return Ok(()),
        Content::Index(value) => return Err(format!("{value} is no {ty}")),
        Content::Array(array) => array,
    };
    let dims = types::shape(ty);
    let agrees = |(&dim, &size): (&i64, &usize)| dim == types::DYNAMIC || dim == size as i64;
    let fits = ty.is_ranked_tensor()
        && dtype(ty)? == array.dtype
        && dims.len() == array.shape.len()
        && dims.iter().zip(&array.shape).all(agrees);
    match fits {
        true => Ok(()),
        false => Err(format!("{}{:?} is no {ty}", array.dtype, array.shape)),
    }
}

fn content<'v>(value: Value, values: &'v Values) -> Result<&'v Content, Failure> {
    values
        .get(&identity(value))
        .ok_or_else(|| "an operand has no value".into())
}

fn array<'v>(value: Value, values: &'v Values) -> Result<&'v Array, Failure> {
    match content(value, values)? {
        Content::Array(array) => Ok(array),
        Content::Index(_) => Err("an operand should be a tensor".into()),
    }
}

fn int(value: Value, values: &Values) -> Result<i64, Failure> {
    match content(value, values)? {
        Content::Index(value) => Ok(*value),
        Content::Array(_) => Err("an operand should be an index".into()),
    }
}

fn ints(list: &[Value], values: &Values) -> Result<Vec<i64>, Failure> {
    list.iter().map(|&value| int(value, values)).collect()
}

fn operands(op: OperationRef, values: &Values) -> Result<Vec<Content>, Failure> {
    op.operands()
        .map(|value| content(value, values).cloned())
        .collect()
}

fn arrays<'v>(
    list: impl Iterator<Item = Value<'v, 'v>>,
    values: &'v Values,
) -> Result<Vec<&'v Array>, Failure> {
    list.map(|value| array(value, values)).collect()
}

/// The element type and shape of an op's result, with the values of `sizes` for the dims its type leaves open.
fn result_type(
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
    Ok((dtype(ty)?, shape))
}

fn run(
    module: &Module,
    op: OperationRef,
    name: &str,
    values: &Values,
    depth: usize,
) -> Result<Vec<Content>, Failure> {
    if let Some(kind) = OpKind::from_name(name) {
        return Ok(vec![Content::Array(tensor_op(kind, op, values)?)]);
    }
    let operand = |i: usize| {
        op.operand(i)
            .map_err(|error| Failure::Message(error.to_string()))
    };
    let one = match name {
        "func.call" => {
            let callee = op
                .attribute("callee")
                .ok()
                .and_then(|callee| FlatSymbolRefAttribute::try_from(callee).ok())
                .ok_or("the callee is no symbol")?;
            let args = operands(op, values)?;
            return call(module, callee.value(), args, depth + 1).map_err(Failure::Nested);
        }
        "tensor.dim" => {
            let x = array(operand(0)?, values)?;
            let axis = int(operand(1)?, values)?;
            let dim = usize::try_from(axis)
                .ok()
                .and_then(|axis| x.shape.get(axis));
            Content::Index(
                *dim.ok_or_else(|| format!("axis {axis} of a tensor of rank {}", x.shape.len()))?
                    as i64,
            )
        }
        "tensor.extract" => {
            let x = array(operand(0)?, values)?;
            let position = (1..op.operand_count())
                .map(|i| Ok(int(operand(i)?, values)? as usize))
                .collect::<Result<Vec<_>, Failure>>()?;
            if position.iter().zip(&x.shape).any(|(at, dim)| at >= dim) {
                return Err(format!("position {position:?} is outside shape {:?}", x.shape).into());
            }
            Content::Index(x.at(&position).integer(x.dtype) as i64)
        }
        "tensor.cast" => content(operand(0)?, values)?.clone(),
        "arith.constant" => {
            let value = op.attribute("value").map_err(|error| error.to_string())?;
            match IntegerAttribute::try_from(value) {
                Ok(value) => Content::Index(value.value()),
                Err(_) => return Err(Failure::Unsupported),
            }
        }
        "arith.select" => match int(operand(0)?, values)? {
            0 => content(operand(2)?, values)?.clone(),
            _ => content(operand(1)?, values)?.clone(),
        },
        "arith.index_cast" | "arith.index_castui" | "arith.extsi" | "arith.extui" => {
            Content::Index(int(operand(0)?, values)?)
        }
        _ if name.starts_with("arith.") && op.operand_count() == 2 => {
            let (a, b) = (int(operand(0)?, values)?, int(operand(1)?, values)?);
            Content::Index(match name {
                "arith.cmpi" => compare(op, a, b)?,
                _ => index_op(name, a, b)?,
            })
        }
        _ => return Err(Failure::Unsupported),
    };
    Ok(vec![one])
}

fn compare(op: OperationRef, a: i64, b: i64) -> Result<i64, Failure> {
    const PREDICATES: [&str; 10] = [
        "eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge",
    ];
    let predicate = op
        .attribute("predicate")
        .map_err(|error| error.to_string())?;
    let predicate = IntegerAttribute::try_from(predicate).map_err(|error| error.to_string())?;
    let scalar = |value: i64| Scalar::int(value as u64, 64);
    PREDICATES
        .get(predicate.value() as usize)
        .and_then(|predicate| compare_integers(predicate, scalar(a), scalar(b)))
        .map(i64::from)
        .ok_or(Failure::Unsupported)
}

/// Arithmetic of dims. What overflows is an error: compiled code refuses such sizes on entry.
fn index_op(name: &str, a: i64, b: i64) -> Result<i64, Failure> {
    let value = match name {
        "arith.addi" => a.checked_add(b),
        "arith.subi" => a.checked_sub(b),
        "arith.muli" => a.checked_mul(b),
        "arith.divsi" => a.checked_div(b),
        "arith.remsi" => a.checked_rem(b),
        "arith.divui" => (a as u64).checked_div(b as u64).map(|v| v as i64),
        "arith.remui" => (a as u64).checked_rem(b as u64).map(|v| v as i64),
        "arith.floordivsi" => a
            .checked_div(b)
            .map(|q| q - i64::from(a % b != 0 && (a < 0) != (b < 0))),
        "arith.ceildivsi" => a
            .checked_div(b)
            .map(|q| q + i64::from(a % b != 0 && (a < 0) == (b < 0))),
        "arith.ceildivui" => (b != 0).then(|| (a as u64).div_ceil(b as u64) as i64),
        "arith.minsi" => Some(a.min(b)),
        "arith.maxsi" => Some(a.max(b)),
        "arith.minui" => Some((a as u64).min(b as u64) as i64),
        "arith.maxui" => Some((a as u64).max(b as u64) as i64),
        "arith.andi" => Some(a & b),
        "arith.ori" => Some(a | b),
        "arith.xori" => Some(a ^ b),
        _ => return Err(Failure::Unsupported),
    };
    value.ok_or_else(|| format!("{a} and {b} have no such result").into())
}

/// The element type of an op's result.
fn result_dtype(op: OperationRef) -> Result<DType, Failure> {
    let result = op.result(0).map_err(|error| error.to_string())?;
    Ok(dtype(result.r#type())?)
}

/// A `dl` op with one tensor as result.
fn tensor_op(kind: OpKind, op: OperationRef, values: &Values) -> Result<Array, Failure> {
    let get = |value| array(value, values);
    Ok(match kind {
        OpKind::Constant => {
            let (dtype, shape) = result_type(op, &[], values)?;
            let bits = dense_bits(ops::Constant(op).value()).ok_or("the value is not `dense`")?;
            Array { dtype, shape, bits }
        }
        OpKind::DimValue => Array {
            dtype: DType::I64,
            shape: vec![],
            bits: vec![int(ops::DimValue(op).dim(), values)? as u64],
        },
        OpKind::Iota => {
            let view = ops::Iota(op);
            let (dtype, shape) = result_type(op, &view.sizes(), values)?;
            shape::iota(dtype, &shape, view.axis() as usize)?
        }
        OpKind::Broadcast => {
            let view = ops::Broadcast(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            shape::broadcast(get(view.x())?, &view.axes(), &shape)?
        }
        OpKind::Reshape => {
            let view = ops::Reshape(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            shape::reshape(get(view.x())?, &shape)?
        }
        OpKind::Transpose => {
            let view = ops::Transpose(op);
            shape::transpose(get(view.x())?, &view.permutation())?
        }
        OpKind::Reverse => {
            let view = ops::Reverse(op);
            shape::reverse(get(view.x())?, &view.axes())?
        }
        OpKind::Concatenate => {
            let inputs = arrays(op.operands(), values)?;
            shape::concatenate(&inputs, ops::Concatenate(op).axis() as usize)?
        }
        OpKind::Slice => {
            let view = ops::Slice(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            shape::slice(
                get(view.x())?,
                &ints(&view.starts(), values)?,
                &view.strides(),
                &shape,
            )?
        }
        OpKind::UpdateSlice => {
            let view = ops::UpdateSlice(op);
            let starts = ints(&view.starts(), values)?;
            shape::update_slice(
                get(view.x())?,
                get(view.update())?,
                &starts,
                &view.strides(),
            )?
        }
        OpKind::Pad => {
            let view = ops::Pad(op);
            let (_, shape) = result_type(op, &view.sizes(), values)?;
            let low = ints(&view.low(), values)?;
            shape::pad(
                get(view.x())?,
                get(view.value())?,
                &low,
                &view.interior(),
                &shape,
            )?
        }
        OpKind::DotGeneral => {
            let view = ops::DotGeneral(op);
            let batch = [view.lhs_batch(), view.rhs_batch()];
            let contract = [view.lhs_contract(), view.rhs_contract()];
            let pairs = Pairs {
                batch: [&batch[0], &batch[1]],
                contract: [&contract[0], &contract[1]],
            };
            contract::dot_general(get(view.lhs())?, get(view.rhs())?, pairs)?
        }
        OpKind::Reduce => {
            let view = ops::Reduce(op);
            reduce::reduce(get(view.x())?, view.kind(), &view.axes())?
        }
        OpKind::ArgReduce => {
            let view = ops::ArgReduce(op);
            reduce::arg_reduce(get(view.x())?, view.kind(), view.axis() as usize)?
        }
        OpKind::Argsort => {
            let view = ops::Argsort(op);
            order::argsort(get(view.x())?, view.axis() as usize, view.descending())?
        }
        OpKind::Cumulative => {
            let view = ops::Cumulative(op);
            let axis = view.axis() as usize;
            reduce::cumulative(get(view.x())?, view.kind(), axis, view.reverse())?
        }
        OpKind::Take => {
            let view = ops::Take(op);
            index::take(get(view.x())?, get(view.ids())?, view.axis() as usize)?
        }
        OpKind::TakeAlongAxis => {
            let view = ops::TakeAlongAxis(op);
            index::take_along_axis(get(view.x())?, get(view.ids())?, view.axis() as usize)?
        }
        OpKind::Scatter => {
            let view = ops::Scatter(op);
            let (x, ids, updates) = (get(view.x())?, get(view.ids())?, get(view.updates())?);
            index::scatter(x, ids, updates, view.axis() as usize, view.kind() == "set")?
        }
        OpKind::ScatterAddAlongAxis => {
            let view = ops::ScatterAddAlongAxis(op);
            let (x, ids, updates) = (get(view.x())?, get(view.ids())?, get(view.updates())?);
            index::scatter_add_along_axis(x, ids, updates, view.axis() as usize)?
        }
        OpKind::RandomBits => {
            let view = ops::RandomBits(op);
            let (dtype, shape) = result_type(op, &view.sizes(), values)?;
            random::random_bits(get(view.key())?, dtype, &shape)?
        }
        OpKind::Convert => {
            let dtype = result_dtype(op)?;
            elementwise::convert(get(ops::Convert(op).x())?, dtype)
        }
        OpKind::Bitcast => {
            let dtype = result_dtype(op)?;
            elementwise::bitcast(get(ops::Bitcast(op).x())?, dtype)
        }
        // A derivative is expanded by the pass `expand-derivatives`.
        OpKind::Grad => return Err(Failure::Unsupported),
        elementwise_kinds!() => {
            let dtype = result_dtype(op)?;
            elementwise::elementwise(kind, &arrays(op.operands(), values)?, dtype)?
        }
    })
}
