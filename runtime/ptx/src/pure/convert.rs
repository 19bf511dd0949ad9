//! Conversions between types.

use super::float::{ROUNDINGS, format, saturated};
use super::{Opcode, Pure};
use crate::float::{F32, F64, Format, Rounding, TF32, to_integral};
use crate::lanes::{lift1, lift2};
use crate::types::{Type, mask, sign_extend};

const TO_INTEGERS: [(&str, Rounding); 4] = [
    ("rni", Rounding::Nearest),
    ("rzi", Rounding::Zero),
    ("rmi", Rounding::Down),
    ("rpi", Rounding::Up),
];

/// What modifiers say of a conversion.
#[derive(Clone, Copy)]
struct Mode {
    rounding: Option<Rounding>,
    to_integer: Option<Rounding>,
    flush: bool,
    saturate: bool,
    finite: bool,
    relu: bool,
}

impl Mode {
    fn take(self, format: Format, bits: u64) -> f64 {
        match self.flush && format == F32 {
            true => format.widen(format.flush(bits)),
            false => format.widen(bits),
        }
    }

    fn give(self, format: Format, value: f64) -> u64 {
        let value = match self {
            Mode { saturate: true, .. } => saturated(value),
            Mode { relu: true, .. } if value < 0.0 => 0.0,
            _ => value,
        };
        let rounding = self.rounding.unwrap_or(Rounding::Nearest);
        let bits = match self.finite && !value.is_nan() {
            true => {
                let nearest = format.narrow(value, rounding);
                let inner = format.narrow(value, Rounding::Zero);
                let largest = format.narrow(f64::MAX, Rounding::Zero);
                let sign = 1 << (format.exponent + format.fraction);
                let overflows = format.widen(nearest).is_infinite();
                match (overflows, value.is_infinite()) {
                    (false, _) => nearest,
                    (true, false) => inner,
                    (true, true) => nearest & sign | largest,
                }
            }
            false => format.narrow(value, rounding),
        };
        match self.flush && format == F32 {
            true => format.flush(bits),
            false => bits,
        }
    }
}

/// A conversion; results narrower than their register are extended when they are written.
pub(super) fn convert(opcode: &mut Opcode<'_>) -> Result<Pure, String> {
    let from = opcode.ty()?;
    let to = opcode.ty()?;
    let rounding = match opcode.take("rna") {
        true => Some(Rounding::Away),
        false => opcode.take_any(&ROUNDINGS),
    };
    let mode = Mode {
        rounding,
        to_integer: opcode.take_any(&TO_INTEGERS),
        flush: opcode.take("ftz"),
        saturate: opcode.take("sat"),
        finite: opcode.take("satfinite"),
        relu: opcode.take("relu"),
    };
    if let (Type::F16x2 | Type::Bf16x2, Some(format), Type::F32) = (to, format(to), from) {
        // The first source goes to the upper half.
        let apply = lift2(move |high, low| {
            let part = |bits| mode.give(format, mode.take(F32, bits));
            part(high) << 16 | part(low)
        });
        return Ok(Pure::new(to, &[from, from], apply));
    }
    if (to, from) == (Type::Tf32, Type::F32) {
        let apply = lift1(move |a| mode.give(TF32, mode.take(F32, a)) << 13);
        return Ok(Pure::new(to, &[from], apply));
    }
    let known = |ty| matches!(ty, Type::F16 | Type::Bf16 | Type::F32 | Type::F64);
    let integer = |ty: Type| ty.is_integer() && !matches!(ty, Type::B(_));
    let apply = match (to, from) {
        _ if integer(to) && integer(from) => lift1(move |a| between_integers(a, to, from, mode)),
        _ if integer(from) && known(to) => {
            let Some(format) = format(to) else {
                return opcode.no_type(to);
            };
            lift1(move |a| from_integer(a, from, format, mode))
        }
        _ if known(from) && integer(to) => {
            let Some(rounding) = mode.to_integer else {
                return Err("a conversion to an integer needs .rni, .rzi, .rmi or .rpi".into());
            };
            let Some(format) = format(from) else {
                return opcode.no_type(from);
            };
            lift1(move |a| to_integer(mode.take(format, a), to, from, rounding))
        }
        _ if known(from) && known(to) => {
            let (Some(wide), Some(narrow)) = (format(from), format(to)) else {
                return opcode.no_type(from);
            };
            if to.bits() < from.bits() && mode.rounding.is_none() {
                return Err("a conversion to fewer bits needs a rounding".into());
            }
            lift1(move |a| {
                let value = mode.take(wide, a);
                let value = match mode.to_integer {
                    Some(rounding) => to_integral(value, rounding),
                    None => value,
                };
                match (narrow, wide) {
                    (F64, F64) => value.to_bits(),
                    _ => mode.give(narrow, value),
                }
            })
        }
        _ => return Err(format!("no conversion from {from:?} to {to:?} is known")),
    };
    Ok(Pure::new(to, &[from], apply))
}

fn integer_value(a: u64, ty: Type) -> i128 {
    match ty.is_signed() {
        true => i128::from(sign_extend(a, ty.bits()) as i64),
        false => i128::from(a & mask(ty.bits())),
    }
}

fn clamped(value: i128, ty: Type) -> u64 {
    let bits = ty.bits();
    let (least, greatest) = match ty.is_signed() {
        true => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        false => (0, (1i128 << bits) - 1),
    };
    value.clamp(least, greatest) as u64 & mask(bits)
}

fn between_integers(a: u64, to: Type, from: Type, mode: Mode) -> u64 {
    let value = integer_value(a, from);
    match mode.saturate {
        true => clamped(value, to),
        false => value as u64 & mask(to.bits()),
    }
}

fn from_integer(a: u64, from: Type, format: Format, mode: Mode) -> u64 {
    let value = integer_value(a, from);
    if mode.saturate {
        return mode.give(format, value as f64);
    }
    let rounding = mode.rounding.unwrap_or(Rounding::Nearest);
    format.round(value < 0, value.unsigned_abs() as u64, 0, rounding)
}

fn to_integer(value: f64, to: Type, from: Type, rounding: Rounding) -> u64 {
    if value.is_nan() {
        let wide = from == Type::F64 || to.bits() == 64;
        return if wide { 1 << (to.bits() - 1) } else { 0 };
    }
    clamped(to_integral(value, rounding) as i128, to)
}
