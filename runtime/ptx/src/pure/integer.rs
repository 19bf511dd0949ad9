//! Integer arithmetic.

use super::{Opcode, Pure, halves2};
use crate::lanes::{lift1, lift2, lift3, lift4};
use crate::types::{Type, mask, sign_extend};

/// A width and a signedness.
#[derive(Clone, Copy)]
struct Width {
    bits: u32,
    signed: bool,
}

impl Width {
    fn of(self, value: u64) -> i128 {
        match self.signed {
            true => i128::from(sign_extend(value, self.bits) as i64),
            false => i128::from(value & mask(self.bits)),
        }
    }

    fn cut(self, value: i128) -> u64 {
        value as u64 & mask(self.bits)
    }

    fn product(self, a: u64, b: u64, part: Part) -> u64 {
        let product = self.of(a).wrapping_mul(self.of(b));
        self.cut(match part {
            Part::Low => product,
            Part::High => product >> self.bits,
        })
    }

    /// What hardware gives for a division by zero: all ones.
    fn quotient(self, a: u64, b: u64) -> u64 {
        match self.of(b) {
            0 => mask(self.bits),
            divisor => self.cut(self.of(a) / divisor),
        }
    }

    /// What hardware gives for a division by zero: the dividend.
    fn remainder(self, a: u64, b: u64) -> u64 {
        match self.of(b) {
            0 => a & mask(self.bits),
            divisor => self.cut(self.of(a) % divisor),
        }
    }

    fn clamp(self, value: i128) -> u64 {
        let limit = 1i128 << (self.bits - 1);
        self.cut(value.clamp(-limit, limit - 1))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Low,
    High,
}

const PARTS: [(&str, Part); 2] = [("lo", Part::Low), ("hi", Part::High)];

/// Arithmetic of an integer type.
pub(super) fn arithmetic(opcode: &mut Opcode<'_>, ty: Type) -> Result<Pure, String> {
    let width = Width {
        bits: ty.bits(),
        signed: ty.is_signed(),
    };
    if !ty.is_integer() || width.bits < 16 || width.bits > 64 {
        return opcode.no_type(ty);
    }
    let two = [ty, ty];
    Ok(match opcode.name {
        "add" | "addc" | "sub" | "subc" => return sum(opcode, ty, width),
        "mul" | "mad" | "madc" => return product(opcode, ty, width),
        "mul24" | "mad24" => return product24(opcode, ty, width),
        "div" => Pure::new(ty, &two, lift2(move |a, b| width.quotient(a, b))),
        "rem" => Pure::new(ty, &two, lift2(move |a, b| width.remainder(a, b))),
        "min" => Pure::new(
            ty,
            &two,
            lift2(move |a, b| if width.of(b) < width.of(a) { b } else { a }),
        ),
        "max" => Pure::new(
            ty,
            &two,
            lift2(move |a, b| if width.of(b) > width.of(a) { b } else { a }),
        ),
        "abs" => Pure::new(
            ty,
            &[ty],
            lift1(move |a| width.cut(width.of(a).wrapping_abs())),
        ),
        "neg" => Pure::new(ty, &[ty], lift1(move |a| width.cut(-width.of(a)))),
        "sad" => Pure::new(
            ty,
            &[ty, ty, ty],
            lift3(move |a, b, c| width.cut((width.of(a) - width.of(b)).abs() + width.of(c))),
        ),
        _ => return opcode.no_type(ty),
    })
}

/// Arithmetic of two integers of 16 bits at once.
pub(super) fn pairs(opcode: &mut Opcode<'_>, ty: Type) -> Result<Pure, String> {
    let width = Width {
        bits: 16,
        signed: ty == Type::S16x2,
    };
    let apply = match opcode.name {
        "add" => halves2(move |a, b| width.cut(width.of(a) + width.of(b))),
        "min" => halves2(move |a, b| if width.of(b) < width.of(a) { b } else { a }),
        "max" => halves2(move |a, b| if width.of(b) > width.of(a) { b } else { a }),
        _ => return opcode.no_type(ty),
    };
    Ok(Pure::new(ty, &[ty, ty], apply))
}

fn sum(opcode: &mut Opcode<'_>, ty: Type, width: Width) -> Result<Pure, String> {
    let subtracts = opcode.name.starts_with("sub");
    let takes_carry = opcode.name.ends_with('c');
    let gives_carry = opcode.take("cc");
    if opcode.take("sat") {
        let apply = lift2(move |a, b| {
            let b = if subtracts { -width.of(b) } else { width.of(b) };
            width.clamp(width.of(a) + b)
        });
        return Ok(Pure::new(ty, &[ty, ty], apply));
    }
    if !takes_carry && !gives_carry {
        let cut = mask(width.bits);
        let apply = match subtracts {
            true => lift2(move |a, b| a.wrapping_sub(b) & cut),
            false => lift2(move |a, b| a.wrapping_add(b) & cut),
        };
        return Ok(Pure::new(ty, &[ty, ty], apply));
    }
    let wide = move |a: u64, b: u64, carry: u64| {
        let [a, b] = [a, b].map(|value| i128::from(value & mask(width.bits)));
        match subtracts {
            true => a - b - i128::from(carry),
            false => a + b + i128::from(carry),
        }
    };
    let carry = move |sum: i128| (sum >> width.bits) as u64 & 1;
    let mut instruction = match takes_carry {
        true => Pure::new(
            ty,
            &[ty, ty],
            lift3(move |a, b, c| width.cut(wide(a, b, c))),
        ),
        false => Pure::new(ty, &[ty, ty], lift2(move |a, b| width.cut(wide(a, b, 0)))),
    };
    instruction.takes_carry = takes_carry;
    instruction.gives_carry = gives_carry.then(|| match takes_carry {
        true => lift3(move |a, b, c| carry(wide(a, b, c))),
        false => lift2(move |a, b| carry(wide(a, b, 0))),
    });
    Ok(instruction)
}

fn product(opcode: &mut Opcode<'_>, ty: Type, width: Width) -> Result<Pure, String> {
    let adds = opcode.name != "mul";
    if opcode.take("wide") {
        let result = match (ty, width.bits) {
            (Type::S(bits), 16 | 32) => Type::S(2 * bits),
            (Type::U(bits), 16 | 32) => Type::U(2 * bits),
            _ => return opcode.no_type(ty),
        };
        let cut = mask(2 * width.bits);
        return Ok(match adds {
            true => Pure::new(
                result,
                &[ty, ty, result],
                lift3(move |a, b, c| {
                    (width.of(a) * width.of(b)).wrapping_add(i128::from(c)) as u64 & cut
                }),
            ),
            false => Pure::new(
                result,
                &[ty, ty],
                lift2(move |a, b| (width.of(a) * width.of(b)) as u64 & cut),
            ),
        });
    }
    let Some(part) = opcode.take_any(&PARTS) else {
        return Err(format!("`{}` needs .lo, .hi or .wide", opcode.name));
    };
    let takes_carry = opcode.name == "madc";
    let gives_carry = opcode.take("cc");
    if opcode.take("sat") {
        let apply = lift3(move |a, b, c| {
            let product = width.of(width.product(a, b, part));
            width.clamp(product + width.of(c))
        });
        return Ok(Pure::new(ty, &[ty, ty, ty], apply));
    }
    if !adds {
        let cut = mask(width.bits);
        let apply = match part {
            Part::Low => lift2(move |a, b| a.wrapping_mul(b) & cut),
            Part::High => lift2(move |a, b| width.product(a, b, part)),
        };
        return Ok(Pure::new(ty, &[ty, ty], apply));
    }
    let wide = move |a: u64, b: u64, c: u64, carry: u64| {
        u128::from(width.product(a, b, part)) + u128::from(c) + u128::from(carry)
    };
    let low = move |sum: u128| sum as u64 & mask(width.bits);
    let carry = move |sum: u128| (sum >> width.bits) as u64 & 1;
    let three = [ty, ty, ty];
    let mut instruction = match takes_carry {
        true => Pure::new(
            ty,
            &three,
            lift4(move |a, b, c, carry| low(wide(a, b, c, carry))),
        ),
        false => Pure::new(ty, &three, lift3(move |a, b, c| low(wide(a, b, c, 0)))),
    };
    instruction.takes_carry = takes_carry;
    instruction.gives_carry = gives_carry.then(|| match takes_carry {
        true => lift4(move |a, b, c, with| carry(wide(a, b, c, with))),
        false => lift3(move |a, b, c| carry(wide(a, b, c, 0))),
    });
    Ok(instruction)
}

/// Products of the lower 24 bits: bits 0 to 31 or 16 to 47 of them.
fn product24(opcode: &mut Opcode<'_>, ty: Type, width: Width) -> Result<Pure, String> {
    let Some(part) = opcode.take_any(&PARTS) else {
        return Err(format!("`{}` needs .lo or .hi", opcode.name));
    };
    if width.bits != 32 {
        return opcode.no_type(ty);
    }
    let short = Width {
        bits: 24,
        signed: width.signed,
    };
    let product = move |a: u64, b: u64| {
        let product = short.of(a) * short.of(b);
        match part {
            Part::Low => product,
            Part::High => product >> 16,
        }
    };
    Ok(match opcode.name {
        "mul24" => Pure::new(ty, &[ty, ty], lift2(move |a, b| width.cut(product(a, b)))),
        _ => Pure::new(
            ty,
            &[ty, ty, ty],
            lift3(move |a, b, c| width.cut(product(a, b) + i128::from(c))),
        ),
    })
}
