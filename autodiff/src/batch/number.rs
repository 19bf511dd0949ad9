//! Numbers that are no tensors, such as indices made of batched tensors: tensors of rank 1. Random bits, which have
//! counters that are the same for all keys.

use super::{shape::result_type, values::Batcher};
use dlc_dialects::{
    ir::{
        builder::{Dim, dynamic, type_shape},
        edit,
        inspect::defining_op,
        shape::{is_tensor, shape_of, tensor, width},
    },
    ops::{OpKind, RandomBits, build},
    pass::PassError,
};
use melior::ir::{
    OperationRef, TypeLike, Value, ValueLike, attribute::IntegerAttribute, operation::OperationLike,
};

/// The batch of the result of an op of another dialect.
pub(super) fn apply<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Result<Value<'c, 'a>, PassError<'c>> {
    let b = at.builder;
    let operand = |i: usize| at.batched(op.operand(i)?);
    let of_two = |kind| Ok(b.elementwise(kind, &[operand(0)?, operand(1)?]));
    match edit::name(op) {
        // The scalar of a rank 0 tensor.
        "tensor.extract" if op.operand_count() == 1 => operand(0),
        "arith.index_cast" => {
            let ty = op.result(0)?.r#type();
            let ty = if ty.is_index() { at.i64() } else { ty };
            Ok(b.convert(operand(0)?, ty))
        }
        "arith.addi" => of_two(OpKind::Add),
        "arith.subi" => of_two(OpKind::Sub),
        "arith.muli" => of_two(OpKind::Mul),
        "arith.floordivsi" => of_two(OpKind::Div),
        "arith.ceildivsi" => {
            let negative = b.elementwise(OpKind::Neg, &[operand(0)?]);
            let quotient = b.elementwise(OpKind::Div, &[negative, operand(1)?]);
            Ok(b.elementwise(OpKind::Neg, &[quotient]))
        }
        "arith.maxsi" => of_two(OpKind::Maximum),
        "arith.minsi" => of_two(OpKind::Minimum),
        "arith.andi" => of_two(OpKind::BitwiseAnd),
        "arith.ori" => of_two(OpKind::BitwiseOr),
        "arith.xori" => of_two(OpKind::BitwiseXor),
        "arith.cmpi" => compare(at, op),
        "arith.select" => {
            let [mut condition, x, y] = [operand(0)?, operand(1)?, operand(2)?];
            if is_tensor(op.result(0)?.r#type()) && shape_of(condition).len() < shape_of(x).len() {
                condition = b.broadcast(condition, &[0], &b.dims(x));
            }
            Ok(b.elementwise(OpKind::Select, &[condition, x, y]))
        }
        _ => Err(at.refused(op)),
    }
}

/// `tensor.dim` of a batch: the number that it has for each element.
pub(super) fn dim<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Result<Value<'c, 'a>, PassError<'c>> {
    let axis = defining_op(op.operand(1)?).and_then(|op| {
        let value = op.attribute("value").ok()?;
        Some(IntegerAttribute::try_from(value).ok()?.value())
    });
    let axis = axis.ok_or_else(|| at.refused(op))?;
    let b = at.builder;
    Ok(b.dim_value(b.dim(at.value(op.operand(0)?), axis as usize + 1)))
}

/// `arith.cmpi`.
fn compare<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: OperationRef<'c, 'a>,
) -> Result<Value<'c, 'a>, PassError<'c>> {
    let predicate = IntegerAttribute::try_from(op.attribute("predicate")?)?.value();
    let is_bool = width(op.operand(0)?.r#type()) == 1;
    let kind = match predicate {
        0 => OpKind::Equal,
        1 => OpKind::NotEqual,
        2 if !is_bool => OpKind::Less,
        3 if !is_bool => OpKind::LessEqual,
        4 if !is_bool => OpKind::Greater,
        5 if !is_bool => OpKind::GreaterEqual,
        _ => return Err(at.refused(op)),
    };
    let operands = [at.batched(op.operand(0)?)?, at.batched(op.operand(1)?)?];
    Ok(at.builder.elementwise(kind, &operands))
}

/// `dl.random_bits`: for each key what it gives alone.
pub(super) fn random_bits<'c, 'a>(
    at: &Batcher<'c, 'a>,
    op: RandomBits<'c, 'a>,
) -> Result<Value<'c, 'a>, PassError<'c>> {
    let b = at.builder;
    let dims = at.with_size(&at.dims_of_result(op.0, &op.sizes())?);
    let (key, sizes) = (at.value(op.key()), dynamic(&dims));
    let ty = result_type(at, op.0);
    Ok(b.value(build::random_bits(b.context, key, &sizes, ty, b.location)))
}

/// Numbers along an axis.
pub(super) fn counted<'c, 'a>(
    at: &Batcher<'c, 'a>,
    dims: &[Dim<'c, 'a>],
    axis: i64,
) -> Value<'c, 'a> {
    let b = at.builder;
    let ty = tensor(&type_shape(dims), at.i64());
    b.value(build::iota(b.context, &dynamic(dims), axis, ty, b.location))
}
