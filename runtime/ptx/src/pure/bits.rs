//! Logic, shifts and fields of bits.

use super::{Opcode, Pure};
use crate::lanes::{lift1, lift2, lift3, lift4};
use crate::types::{Type, mask, sign_extend};

/// An instruction on bits.
pub(super) fn bits(opcode: &mut Opcode<'_>) -> Result<Pure, String> {
    let ty = opcode.ty()?;
    let width = ty.bits();
    let logical = matches!(opcode.name, "and" | "or" | "xor" | "not");
    let known = ty.is_integer() || ty == Type::Pred && logical;
    if !known || width > 64 {
        return opcode.no_type(ty);
    }
    let cut = mask(width);
    let two = [ty, ty];
    let count = Type::U(32);
    let amount = [ty, count];
    Ok(match opcode.name {
        "and" => Pure::new(ty, &two, lift2(|a, b| a & b)),
        "or" => Pure::new(ty, &two, lift2(|a, b| a | b)),
        "xor" => Pure::new(ty, &two, lift2(|a, b| a ^ b)),
        "not" => Pure::new(ty, &[ty], lift1(move |a| !a & cut)),
        "cnot" => Pure::new(ty, &[ty], lift1(|a| u64::from(a == 0))),
        "shl" => Pure::new(ty, &amount, lift2(move |a, by| shl(a, by, width) & cut)),
        "shr" if ty.is_signed() => Pure::new(
            ty,
            &amount,
            lift2(move |a, by| (sign_extend(a, width) as i64 >> by.min(63)) as u64 & cut),
        ),
        "shr" => Pure::new(
            ty,
            &amount,
            lift2(move |a, by| if by < 64 { a >> by } else { 0 }),
        ),
        "shf" => return funnel(opcode, ty),
        "bfe" => {
            let signed = ty.is_signed();
            Pure::new(
                ty,
                &[ty, count, count],
                lift3(move |a, at, length| extract(a, at & 255, length & 255, width, signed)),
            )
        }
        "bfi" => Pure::new(
            ty,
            &[ty, ty, count, count],
            lift4(move |a, b, at, length| insert(a, b, at & 255, length & 255, width)),
        ),
        "bfind" => {
            let as_shift = opcode.take("shiftamt");
            let signed = ty.is_signed();
            let find = move |a: u64| {
                let negative = signed && a >> (width - 1) & 1 == 1;
                let a = if negative { !a & cut } else { a };
                match a.checked_ilog2() {
                    None => mask(32),
                    Some(at) if as_shift => u64::from(width - 1 - at),
                    Some(at) => u64::from(at),
                }
            };
            Pure::new(count, &[ty], lift1(find))
        }
        "brev" => Pure::new(ty, &[ty], lift1(move |a| a.reverse_bits() >> (64 - width))),
        "popc" => Pure::new(count, &[ty], lift1(|a| u64::from(a.count_ones()))),
        "clz" => Pure::new(
            count,
            &[ty],
            lift1(move |a| u64::from(a.leading_zeros() + width - 64)),
        ),
        "prmt" => Pure::new(ty, &[ty, ty, ty], lift3(permute)),
        _ => return opcode.no_type(ty),
    })
}

fn shl(a: u64, by: u64, width: u32) -> u64 {
    if by >= u64::from(width) { 0 } else { a << by }
}

/// A field of bits; beyond the end stands the sign of the field, or zero.
fn extract(a: u64, at: u64, length: u64, width: u32, signed: bool) -> u64 {
    let (at, length) = (at as u32, length as u32);
    if length == 0 {
        return 0;
    }
    let last = (at + length - 1).min(width - 1);
    let fill = signed && a >> last & 1 == 1;
    let (field, kept) = match at < width {
        true => (a >> at, length.min(width - at)),
        false => (0, 0),
    };
    let field = field & mask(kept);
    match fill {
        true => (field | !mask(kept)) & mask(width),
        false => field,
    }
}

/// `b` with the lower `length` bits of `a` in place of those from `at` on.
fn insert(a: u64, b: u64, at: u64, length: u64, width: u32) -> u64 {
    let field = match at < u64::from(width) {
        true => mask(length as u32) << at & mask(width),
        false => 0,
    };
    let moved = if at < 64 { a << at } else { 0 };
    b & !field | moved & field
}

fn funnel(opcode: &mut Opcode<'_>, ty: Type) -> Result<Pure, String> {
    let left = opcode.take("l");
    if !left && !opcode.take("r") {
        return Err("`shf` needs .l or .r".to_string());
    }
    let wraps = opcode.take("wrap");
    if !wraps && !opcode.take("clamp") || ty.bits() != 32 {
        return Err("`shf` needs .wrap or .clamp and .b32".to_string());
    }
    let apply = lift3(move |low, high, by| {
        let by = if wraps { by & 31 } else { by.min(32) };
        let both = high << 32 | low;
        match left {
            true => ((both as u128) << by >> 32) as u64 & mask(32),
            false => both >> by & mask(32),
        }
    });
    Ok(Pure::new(ty, &[ty, ty, Type::U(32)], apply))
}

/// Bytes of two registers, chosen by 4 bits each, of which the highest asks for the byte's sign.
fn permute(a: u64, b: u64, selector: u64) -> u64 {
    let bytes = (b << 32 | a).to_le_bytes();
    let mut result = 0;
    for at in 0..4 {
        let choice = selector >> (4 * at) & 15;
        let byte = bytes[choice as usize & 7];
        let byte = match choice & 8 != 0 {
            true => (byte as i8 >> 7) as u8,
            false => byte,
        };
        result |= u64::from(byte) << (8 * at);
    }
    result
}
