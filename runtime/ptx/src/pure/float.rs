//! Floating-point arithmetic.
//!
//! What PTX calls approximate is computed to the last bit, or nearly: hardware differs within the errors that PTX states. A NaN
//! that arithmetic gives has all bits but the sign, as hardware's in 16 and 32 bits.

use super::{Opcode, Pure, halves1, halves2, halves3};
use crate::float::{BF16, F16, F32, F64, Format, Rounding, add_odd, div_odd, fma_odd, sqrt_odd};
use crate::lanes::{Apply, lift1, lift2, lift3};
use crate::types::Type;

/// How roundings are named.
pub(super) const ROUNDINGS: [(&str, Rounding); 4] = [
    ("rn", Rounding::Nearest),
    ("rz", Rounding::Zero),
    ("rm", Rounding::Down),
    ("rp", Rounding::Up),
];

/// The format of a type, or of each of the two values in it.
pub(super) fn format(ty: Type) -> Option<Format> {
    Some(match ty {
        Type::F16 | Type::F16x2 => F16,
        Type::Bf16 | Type::Bf16x2 => BF16,
        Type::F32 => F32,
        Type::F64 => F64,
        _ => return None,
    })
}

/// What modifiers say of operands and results.
#[derive(Clone, Copy)]
struct Mode {
    format: Format,
    rounding: Rounding,
    flush: bool,
    saturate: bool,
    relu: bool,
}

impl Mode {
    fn take(self, bits: u64) -> f64 {
        let bits = if self.flush {
            self.format.flush(bits)
        } else {
            bits
        };
        self.format.widen(bits)
    }

    fn give(self, value: f64) -> u64 {
        let value = match (self.saturate, self.relu) {
            (true, _) => saturated(value),
            (_, true) if value < 0.0 => 0.0,
            _ => value,
        };
        let bits = self.format.narrow(value, self.rounding);
        if self.flush {
            self.format.flush(bits)
        } else {
            bits
        }
    }

    fn is_plain(self) -> bool {
        self.rounding == Rounding::Nearest && !self.flush && !self.saturate && !self.relu
    }
}

/// Between 0 and 1; NaN becomes 0.
pub(super) fn saturated(value: f64) -> f64 {
    if value.is_nan() {
        0.0
    } else {
        value.clamp(0.0, 1.0)
    }
}

/// Arithmetic of a floating-point type.
pub(super) fn arithmetic(opcode: &mut Opcode<'_>, ty: Type) -> Result<Pure, String> {
    let Some(format) = format(ty) else {
        return opcode.no_type(ty);
    };
    let rounding = opcode.take_any(&ROUNDINGS);
    let approximates = opcode.take("approx") || opcode.take("full");
    let mode = Mode {
        format,
        rounding: rounding.unwrap_or(Rounding::Nearest),
        flush: opcode.take("ftz"),
        saturate: opcode.take("sat"),
        relu: opcode.take("relu"),
    };
    if matches!(opcode.name, "div" | "sqrt" | "rcp") && rounding.is_none() && !approximates {
        return Err(format!("`{}` needs a rounding or .approx", opcode.name));
    }
    if ty == Type::F64 && mode.rounding != Rounding::Nearest {
        return Err(format!("`{}.f64` is known with .rn only", opcode.name));
    }
    let packed = matches!(ty, Type::F16x2 | Type::Bf16x2);
    let propagates = opcode.take("NaN");
    if propagates && !matches!(opcode.name, "min" | "max") {
        return Err(format!("`{}` has no .NaN", opcode.name));
    }
    let (count, apply) = match opcode.name {
        "abs" | "neg" | "sqrt" | "rcp" | "rsqrt" | "ex2" | "lg2" | "sin" | "cos" | "tanh" => {
            (1, unary(opcode, ty, mode, packed)?)
        }
        "add" | "sub" | "mul" | "div" => (2, binary(opcode, ty, mode, packed)?),
        "min" | "max" => {
            let least = opcode.name == "min";
            let pick = move |a: u64, b: u64| extreme(mode, least, propagates, a, b);
            (2, if packed { halves2(pick) } else { lift2(pick) })
        }
        "copysign" => {
            let sign = 1u64 << (ty.bits() - 1);
            (2, lift2(move |a, b| a & sign | b & !sign))
        }
        "fma" | "mad" => (3, fused(ty, mode, packed)),
        _ => return opcode.no_type(ty),
    };
    Ok(Pure::new(ty, &vec![ty; count], apply))
}

fn unary(opcode: &Opcode<'_>, ty: Type, mode: Mode, packed: bool) -> Result<Apply, String> {
    let sign = 1u64 << (mode.format.exponent + mode.format.fraction);
    let flush = move |bits| {
        if mode.flush {
            mode.format.flush(bits)
        } else {
            bits
        }
    };
    let function: fn(f64) -> f64 = match opcode.name {
        "abs" if packed => return Ok(halves1(move |a| flush(a) & !sign)),
        "abs" => return Ok(lift1(move |a| flush(a) & !sign)),
        "neg" if packed => return Ok(halves1(move |a| flush(a) ^ sign)),
        "neg" => return Ok(lift1(move |a| flush(a) ^ sign)),
        "sqrt" if ty == Type::F64 => f64::sqrt,
        "sqrt" => sqrt_odd,
        "rcp" if ty == Type::F64 => |value| 1.0 / value,
        "rcp" => |value| div_odd(1.0, value),
        "rsqrt" => |value| 1.0 / value.sqrt(),
        "ex2" => f64::exp2,
        "lg2" => f64::log2,
        "sin" => f64::sin,
        "cos" => f64::cos,
        _ => f64::tanh,
    };
    let known = match ty {
        Type::F32 => true,
        Type::F64 => matches!(opcode.name, "sqrt" | "rcp" | "rsqrt"),
        _ => matches!(opcode.name, "ex2" | "tanh"),
    };
    if !known {
        return opcode.no_type(ty);
    }
    let whole = move |a| mode.give(function(mode.take(a)));
    Ok(if packed { halves1(whole) } else { lift1(whole) })
}

/// The bits of an `f32`, whose NaNs are all one.
pub(super) fn single(value: f32) -> u64 {
    match value.is_nan() {
        true => F32.nan(),
        false => u64::from(value.to_bits()),
    }
}

fn singles2(f: impl Fn(f32, f32) -> f32 + Send + Sync + 'static) -> Apply {
    lift2(move |a, b| single(f(f32::from_bits(a as u32), f32::from_bits(b as u32))))
}

fn doubles2(f: impl Fn(f64, f64) -> f64 + Send + Sync + 'static) -> Apply {
    lift2(move |a, b| f(f64::from_bits(a), f64::from_bits(b)).to_bits())
}

fn binary(opcode: &Opcode<'_>, ty: Type, mode: Mode, packed: bool) -> Result<Apply, String> {
    let name = opcode.name;
    if ty == Type::F64 {
        return Ok(match name {
            "add" => doubles2(|a, b| a + b),
            "sub" => doubles2(|a, b| a - b),
            "mul" => doubles2(|a, b| a * b),
            _ => doubles2(|a, b| a / b),
        });
    }
    if ty == Type::F32 && mode.is_plain() {
        return Ok(match name {
            "add" => singles2(|a, b| a + b),
            "sub" => singles2(|a, b| a - b),
            "mul" => singles2(|a, b| a * b),
            _ => singles2(|a, b| a / b),
        });
    }
    if name == "div" && ty != Type::F32 {
        return opcode.no_type(ty);
    }
    let function: fn(f64, f64) -> f64 = match name {
        "add" => add_odd,
        "sub" => |a, b| add_odd(a, -b),
        // Two fractions of at most 24 bits have an exact product.
        "mul" => |a, b| a * b,
        _ => div_odd,
    };
    let whole = move |a, b| mode.give(function(mode.take(a), mode.take(b)));
    Ok(if packed { halves2(whole) } else { lift2(whole) })
}

/// The smaller or the larger; -0 is smaller than +0, and of a NaN and a number it is the number.
fn extreme(mode: Mode, least: bool, propagates: bool, a: u64, b: u64) -> u64 {
    let flush = |bits| {
        if mode.flush {
            mode.format.flush(bits)
        } else {
            bits
        }
    };
    let (a, b) = (flush(a), flush(b));
    let (x, y) = (mode.format.widen(a), mode.format.widen(b));
    match (x.is_nan(), y.is_nan()) {
        (true, true) => return mode.format.nan(),
        (true, false) | (false, true) if propagates => return mode.format.nan(),
        (true, false) => return b,
        (false, true) => return a,
        (false, false) => {}
    }
    let smaller = x < y || x == y && x.is_sign_negative();
    if smaller == least { a } else { b }
}

fn fused(ty: Type, mode: Mode, packed: bool) -> Apply {
    if ty == Type::F64 {
        return lift3(|a, b, c| {
            let [a, b, c] = [a, b, c].map(f64::from_bits);
            a.mul_add(b, c).to_bits()
        });
    }
    if ty == Type::F32 && mode.is_plain() {
        return lift3(|a, b, c| {
            let [a, b, c] = [a, b, c].map(|bits| f32::from_bits(bits as u32));
            single(a.mul_add(b, c))
        });
    }
    let whole = move |a, b, c| mode.give(fma_odd(mode.take(a), mode.take(b), mode.take(c)));
    if packed { halves3(whole) } else { lift3(whole) }
}
