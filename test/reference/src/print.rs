//! `dl.print`: a line of text for tensors, the same as compiled code writes.

use crate::{array::Array, scalar::Scalar};
use dlc_abi::DType;

/// Tensors of more elements are shortened,
const WHOLE: usize = 1000;
/// to so many at each end of an axis.
const ENDS: usize = 3;

/// The line, without its end.
pub(crate) fn line(text: &str, values: &[&Array]) -> String {
    let mut parts = vec![];
    if !text.is_empty() {
        parts.push(text.to_string());
    }
    parts.extend(values.iter().map(|value| tensor(value)));
    parts.join(" ")
}

/// `f32[2] [0.5, 1]`, `i32 7`.
fn tensor(x: &Array) -> String {
    let shape = x.shape.iter().map(usize::to_string).collect::<Vec<_>>();
    let shape = match shape.is_empty() {
        true => String::new(),
        false => format!("[{}]", shape.join(", ")),
    };
    let mut text = format!("{}{shape} ", x.dtype);
    elements(x, &mut vec![], &mut text);
    text
}

fn elements(x: &Array, position: &mut Vec<usize>, text: &mut String) {
    let Some(&dim) = x.shape.get(position.len()) else {
        text.push_str(&number(x.at(position), x.dtype));
        return;
    };
    let short = x.bits.len() > WHOLE && dim > 2 * ENDS;
    text.push('[');
    for i in 0..dim {
        if short && (ENDS..dim - ENDS).contains(&i) {
            if i == ENDS {
                text.push_str(", ...");
            }
            continue;
        }
        if i > 0 {
            text.push_str(", ");
        }
        position.push(i);
        elements(x, position, text);
        position.pop();
    }
    text.push(']');
}

fn number(x: Scalar, dtype: DType) -> String {
    match x {
        Scalar::Float(x) => general(x),
        x if dtype == DType::Bool => x.is_true().to_string(),
        x => x.integer(dtype).to_string(),
    }
}

/// C's `%g`; every NaN is `nan`.
fn general(x: f64) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    if x.is_infinite() || x == 0.0 {
        return format!("{x}");
    }
    const DIGITS: i32 = 6;
    let scientific = format!("{x:.*e}", DIGITS as usize - 1);
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the format has a number there");
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    match (-4..DIGITS).contains(&exponent) {
        true => trimmed(&format!("{x:.*}", (DIGITS - 1 - exponent) as usize)),
        false => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_c() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (123456.0, "123456"),
            (1234567.0, "1.23457e+06"),
            (999999.5, "1e+06"),
            (1e-4, "0.0001"),
            (1.5e-5, "1.5e-05"),
            (1e100, "1e+100"),
            (-2.5, "-2.5"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (-f64::NAN, "nan"),
        ];
        for (x, text) in cases {
            assert_eq!(general(x), text);
        }
    }

    #[test]
    fn long_axes_are_shortened() {
        let x = Array {
            dtype: DType::I32,
            shape: vec![1001],
            bits: (0..1001).collect(),
        };
        let text = line("x", &[&x]);
        assert_eq!(text, "x i32[1001] [0, 1, 2, ..., 998, 999, 1000]");
        let x = Array {
            dtype: DType::Bool,
            shape: vec![2, 0],
            bits: vec![],
        };
        assert_eq!(line("", &[&x]), "bool[2, 0] [[], []]");
    }
}
