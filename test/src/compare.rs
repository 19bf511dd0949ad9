//! Whether two tensors agree: in their bits, in units of the last place, or within a tolerance.

use anyhow::{Result, ensure};
use dlc_abi::DType;
use dlc_runtime::Tensor;

/// How far results may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Not at all; but any NaN stands for NaN.
    Exact,
    /// So many units in the last place.
    Ulp(f64),
    /// So much, relative where a value is larger than 1.
    Near(f64),
}

/// The tolerance of an element type where nothing else is said.
pub fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 2e-3,
        DType::BF16 => 2e-2,
        DType::F32 => 2e-6,
        DType::F64 => 1e-13,
        _ => 0.0,
    }
}

/// That `actual` agrees with `expected`; the error shows the first place where it does not.
pub fn check(expected: &Tensor, actual: &Tensor, bound: Bound) -> Result<()> {
    ensure!(
        expected.dtype() == actual.dtype() && expected.shape() == actual.shape(),
        "{} expected, {} found",
        expected.type_text(),
        actual.type_text()
    );
    if expected.bytes() == actual.bytes() {
        return Ok(());
    }
    let dtype = expected.dtype();
    let size = dtype.size();
    let (e, a) = (expected.to_f64(), actual.to_f64());
    let mut wrong = 0;
    let mut first = None;
    for i in 0..e.len() {
        let range = i * size..(i + 1) * size;
        let (e_bits, a_bits) = (
            bits(&expected.bytes()[range.clone()]),
            bits(&actual.bytes()[range]),
        );
        if e_bits == a_bits || (e[i].is_nan() && a[i].is_nan() && is_float(dtype)) {
            continue;
        }
        let agrees = match bound {
            Bound::Exact => false,
            _ if !is_float(dtype) => false,
            Bound::Ulp(ulp) => distance(dtype, e_bits, a_bits) <= ulp,
            Bound::Near(tolerance) => {
                e[i] == a[i]
                    || (e[i].is_finite() && (e[i] - a[i]).abs() <= tolerance * e[i].abs().max(1.0))
            }
        };
        if !agrees {
            wrong += 1;
            first.get_or_insert(i);
        }
    }
    let Some(i) = first else { return Ok(()) };
    let range = i * size..(i + 1) * size;
    let off = match is_float(dtype) {
        true => {
            let (e_bits, a_bits) = (
                bits(&expected.bytes()[range.clone()]),
                bits(&actual.bytes()[range]),
            );
            format!(" ({} ULP)", distance(dtype, e_bits, a_bits))
        }
        false => String::new(),
    };
    anyhow::bail!(
        "{wrong} of {} elements of {} differ, the first at {i}: {:e} expected, {:e} found{off}",
        e.len(),
        expected.type_text(),
        e[i],
        a[i]
    )
}

fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
}

fn bits(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// How many floats of the type lie between two; infinite for NaN.
fn distance(dtype: DType, a: u64, b: u64) -> f64 {
    let (width, infinity) = match dtype {
        DType::F16 => (16, 0x7c00),
        DType::BF16 => (16, 0x7f80),
        DType::F32 => (32, 0x7f80_0000),
        _ => (64, 0x7ff0_0000_0000_0000),
    };
    let sign = 1u64 << (width - 1);
    // Floats of one sign are ordered as their bits are.
    let order = |bits: u64| {
        let magnitude = i128::from(bits & (sign - 1));
        if bits & sign == 0 {
            magnitude
        } else {
            -magnitude
        }
    };
    match (a & (sign - 1)).max(b & (sign - 1)) > infinity {
        true => f64::INFINITY,
        false => (order(a) - order(b)).abs() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(values: &[f32]) -> Tensor {
        Tensor::from_slice(&[values.len()], values).unwrap()
    }

    #[test]
    fn bounds() {
        let one = f32s(&[1.0]);
        let next = f32s(&[1.0 + f32::EPSILON]);
        let below = f32s(&[1.0 - f32::EPSILON]);
        assert!(check(&one, &next, Bound::Exact).is_err());
        assert!(check(&one, &next, Bound::Ulp(1.0)).is_ok());
        assert!(check(&one, &below, Bound::Ulp(1.0)).is_err());
        assert!(check(&one, &below, Bound::Ulp(2.0)).is_ok());
        assert!(check(&one, &f32s(&[1.001]), Bound::Near(1e-2)).is_ok());
        assert!(check(&one, &f32s(&[1.1]), Bound::Near(1e-2)).is_err());
        let nan = f32s(&[f32::NAN]);
        assert!(check(&nan, &f32s(&[-f32::NAN]), Bound::Exact).is_ok());
        for bound in [Bound::Exact, Bound::Ulp(1e9), Bound::Near(1e9)] {
            assert!(check(&nan, &one, bound).is_err());
            assert!(check(&one, &nan, bound).is_err());
        }
        assert!(check(&f32s(&[0.0]), &f32s(&[-0.0]), Bound::Exact).is_err());
        assert!(check(&f32s(&[0.0]), &f32s(&[-0.0]), Bound::Ulp(0.0)).is_ok());
        let inf = f32s(&[f32::INFINITY]);
        assert!(check(&inf, &inf, Bound::Near(1e-3)).is_ok());
        assert!(check(&inf, &one, Bound::Near(1e-3)).is_err());
        let ints = |v: i32| Tensor::from_slice(&[1], &[v]).unwrap();
        assert!(check(&ints(3), &ints(4), Bound::Near(10.0)).is_err());
        assert!(check(&ints(3), &f32s(&[3.0]), Bound::Near(10.0)).is_err());
    }
}
