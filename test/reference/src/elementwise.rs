//! Elementwise ops, by the body in each op's record; conversions of the element type.

use crate::{
    array::Array,
    math,
    scalar::{self, Class, Scalar, class},
};
use dlc_abi::DType;
use dlc_dialects::ops::{Elementwise, Expr, OpKind};

/// An elementwise op with a body, on operands of one shape. `result` is the result's element type.
pub(crate) fn elementwise(
    kind: OpKind,
    operands: &[&Array],
    result: DType,
) -> Result<Array, String> {
    let record = kind
        .elementwise()
        .ok_or_else(|| format!("{} has no body", kind.mnemonic()))?;
    // The condition of a select comes first and is not of the type that the body is about.
    let last = operands.last().ok_or("an elementwise op has operands")?;
    let body = body(record, class(last.dtype))
        .ok_or_else(|| format!("{} has no body for {}", kind.mnemonic(), last.dtype))?;
    for operand in operands {
        if operand.shape != last.shape {
            return Err(format!(
                "operands of shapes {:?} and {:?}",
                operand.shape, last.shape
            ));
        }
    }
    let bits = (0..last.bits.len())
        .map(|i| {
            let values = operands
                .iter()
                .map(|x| Scalar::decode(x.dtype, x.bits[i]))
                .collect::<Vec<_>>();
            Ok(compute(body, &values, last.dtype)?.encode(result))
        })
        .collect::<Result<_, String>>()?;
    Ok(Array {
        dtype: result,
        shape: last.shape.clone(),
        bits,
    })
}

/// The body of a record for a class of element types.
fn body(record: &'static Elementwise, class: Class) -> Option<&'static Expr> {
    match class {
        Class::Float => record.body_float.as_ref(),
        Class::Signed => record.body_signed.as_ref(),
        Class::Unsigned => record.body_unsigned.as_ref(),
        Class::Bool => record.body_bool.as_ref(),
    }
}

/// The value of a body on one element of each operand.
fn compute(body: &Expr, operands: &[Scalar], dtype: DType) -> Result<Scalar, String> {
    match body {
        Expr::Operand(i) => Ok(operands[*i]),
        Expr::Lit(text) => literal(text, dtype),
        Expr::Apply(name, args) => {
            let args = args
                .iter()
                .map(|arg| compute(arg, operands, dtype))
                .collect::<Result<Vec<_>, _>>()?;
            match (name, &args[..], dtype) {
                // In f64 it would be rounded twice.
                (&"math.fma", [a, b, c], DType::F32) => {
                    let [a, b, c] = [a, b, c].map(|x| x.float() as f32);
                    Ok(Scalar::Float(f64::from(a.mul_add(b, c))))
                }
                _ => math::apply(name, &args),
            }
        }
        Expr::Result | Expr::Grad => Err("a body names only operands".into()),
    }
}

fn literal(text: &str, dtype: DType) -> Result<Scalar, String> {
    let bad = |_| format!("`{text}` is no {dtype}");
    if class(dtype) == Class::Float {
        return Ok(Scalar::Float(text.parse().map_err(|_| bad(()))?));
    }
    let width = scalar::width(dtype);
    let value = match text {
        "width" => i64::from(width),
        "width-1" => i64::from(width) - 1,
        _ => text.parse().map_err(|_| bad(()))?,
    };
    Ok(Scalar::int(value as u64, width))
}

/// `dl.convert`.
pub(crate) fn convert(x: &Array, to: DType) -> Array {
    Array {
        dtype: to,
        shape: x.shape.clone(),
        bits: x
            .scalars()
            .map(|value| scalar::convert(value, x.dtype, to))
            .collect(),
    }
}

/// `dl.bitcast`.
pub(crate) fn bitcast(x: &Array, to: DType) -> Array {
    Array {
        dtype: to,
        ..x.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that integers are awkward at.
    fn awkward(dtype: DType) -> Vec<u64> {
        let values: &[f64] = match class(dtype) {
            Class::Float => &[
                0.0,
                -0.0,
                1.0,
                -1.5,
                7.0,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::NAN,
                1e-40,
            ],
            _ => &[0.0, 1.0, 2.0, 3.0, 5.0, 7.0],
        };
        let mut bits = values
            .iter()
            .map(|&x| scalar::convert(Scalar::Float(x), DType::F64, dtype))
            .collect::<Vec<_>>();
        if class(dtype) != Class::Float {
            let width = scalar::width(dtype);
            let least = i64::MIN >> (64 - width);
            for value in [-1i64, -2, -7, least, !least] {
                bits.push(Scalar::int(value as u64, width).encode(dtype));
            }
        }
        bits
    }

    /// Every body of every record computes on every pair of awkward values: it names only known scalar
    /// ops and reaches none of the cases that the machine leaves open.
    #[test]
    fn every_body_is_total() {
        let mut bodies = 0;
        for &kind in OpKind::ALL {
            let Some(record) = kind.elementwise() else {
                continue;
            };
            for dtype in DType::STORED {
                let Some(body) = body(record, class(dtype)) else {
                    continue;
                };
                bodies += 1;
                let select = kind == OpKind::Select;
                for a in awkward(dtype) {
                    for b in awkward(dtype) {
                        let (a, b) = (Scalar::decode(dtype, a), Scalar::decode(dtype, b));
                        let operands = match (select, record.operands.len()) {
                            (true, _) => vec![Scalar::bool(true), a, b],
                            (false, 1) => vec![a],
                            (false, 2) => vec![a, b],
                            (false, _) => vec![a, b, a],
                        };
                        if let Err(message) = compute(body, &operands, dtype) {
                            panic!("{} on {dtype} {operands:?}: {message}", kind.mnemonic());
                        }
                    }
                }
            }
        }
        assert!(bodies > 200, "only {bodies} bodies");
    }

    #[test]
    fn integers_divide_as_numpy_does() {
        let i8s = |values: &[i8]| Array {
            dtype: DType::I8,
            shape: vec![values.len()],
            bits: values.iter().map(|&v| u64::from(v as u8)).collect(),
        };
        let a = i8s(&[7, -7, 7, -7, 5, -128, -128]);
        let b = i8s(&[2, 2, -2, -2, 0, -1, 2]);
        let run = |kind| elementwise(kind, &[&a, &b], DType::I8).unwrap();
        assert_eq!(run(OpKind::Div), i8s(&[3, -4, -4, 3, 0, -128, -64]));
        assert_eq!(run(OpKind::Rem), i8s(&[1, 1, -1, -1, 0, 0, 0]));
        assert_eq!(run(OpKind::Maximum), i8s(&[7, 2, 7, -2, 5, -1, 2]));
        assert_eq!(run(OpKind::ShiftRight), i8s(&[1, -2, 0, -1, 5, -1, -32]));
        assert_eq!(run(OpKind::ShiftLeft), i8s(&[28, -28, 0, 0, 5, 0, 0]));
    }
}
