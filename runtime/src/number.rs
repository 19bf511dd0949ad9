//! Numbers as text: literals of DL read, values printed short.

/// Six significant digits at most, as `%g` prints them.
pub(crate) fn short_number(value: f64) -> String {
    let magnitude = value.abs();
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    if !(1e-4..1e7).contains(&magnitude) {
        let text = format!("{value:.5e}");
        let (digits, exponent) = text.split_once('e').expect("`e` is in the format");
        return format!("{}e{exponent}", trim_zeros(digits));
    }
    let digits_before = magnitude.log10().floor() as i32 + 1;
    let after = usize::try_from((6 - digits_before).clamp(0, 9)).unwrap_or(0);
    trim_zeros(&format!("{value:.after$}")).to_string()
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// The integer of a DL literal, with sign.
pub(crate) fn parse_integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = match digits.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok()?,
        _ => digits.parse().ok()?,
    };
    Some(if negative { -value } else { value })
}

/// The float of a DL literal, with sign; `inf`, `nan` and `pi` are literals.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let value = match digits {
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        "pi" => std::f64::consts::PI,
        _ if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            match parse_integer(digits) {
                Some(value) if digits.starts_with("0x") => value as f64,
                _ => digits.parse().ok()?,
            }
        }
        _ => return None,
    };
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_enough() {
        assert_eq!(short_number(1.5e-9), "1.5e-9");
        assert_eq!(short_number(123456789.0), "1.23457e8");
        assert_eq!(short_number(-12.5), "-12.5");
    }
}
