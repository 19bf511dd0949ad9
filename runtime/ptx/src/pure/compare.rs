//! Comparisons and choices.

use super::float::format;
use super::{Opcode, Pure};
use crate::float::{F32, Format};
use crate::lanes::{Apply, lift1, lift2, lift3};
use crate::types::{Type, mask, sign_extend};

/// A comparison, setting predicates or choosing by one.
pub(super) fn compare(opcode: &mut Opcode<'_>) -> Result<Pure, String> {
    match opcode.name {
        "setp" => set(opcode),
        "slct" => choose_by_sign(opcode),
        "testp" => test(opcode),
        _ => {
            let ty = opcode.ty()?;
            let apply = lift3(|a, b, p| if p != 0 { a } else { b });
            Ok(Pure::new(ty, &[ty, ty, Type::Pred], apply))
        }
    }
}

/// A comparison's outcome: less, equal, greater, or unordered where one is NaN.
#[derive(Clone, Copy)]
struct Relation {
    less: bool,
    equal: bool,
    greater: bool,
    unordered: bool,
}

impl Relation {
    /// The relation of a name.
    fn parse(name: &str) -> Option<Self> {
        let (base, unordered) = match name {
            "num" => ("any", false),
            "nan" => ("none", true),
            "neu" | "ne" => ("ne", name == "neu"),
            _ => match name.strip_suffix('u') {
                Some(base) => (base, true),
                None => (name, false),
            },
        };
        let (less, equal, greater) = match base {
            "eq" => (false, true, false),
            "ne" => (true, false, true),
            "lt" | "lo" => (true, false, false),
            "le" | "ls" => (true, true, false),
            "gt" | "hi" => (false, false, true),
            "ge" | "hs" => (false, true, true),
            "any" => (true, true, true),
            "none" => (false, false, false),
            _ => return None,
        };
        Some(Self {
            less,
            equal,
            greater,
            unordered,
        })
    }

    fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match a.partial_cmp(&b) {
            Some(std::cmp::Ordering::Less) => self.less,
            Some(std::cmp::Ordering::Equal) => self.equal,
            Some(std::cmp::Ordering::Greater) => self.greater,
            None => self.unordered,
        }
    }
}

/// How a comparison is joined with a predicate.
type Join = fn(bool, bool) -> bool;

/// Whether a number is of a class: by its exponent, its fraction, and the greatest exponent.
type Class = fn(u64, u64, u64) -> bool;

type Test = Box<dyn Fn(u64, u64) -> bool + Send + Sync>;

fn float_test(format: Format, flush: bool, relation: Relation) -> Test {
    let value = move |bits| match flush {
        true => format.widen(format.flush(bits)),
        false => format.widen(bits),
    };
    Box::new(move |a, b| relation.holds(value(a), value(b)))
}

fn set(opcode: &mut Opcode<'_>) -> Result<Pure, String> {
    let ty = opcode.ty()?;
    let flush = opcode.take("ftz");
    let name = opcode.take_first().unwrap_or_default();
    let Some(relation) = Relation::parse(name) else {
        return Err(format!("the comparison .{name} is not known"));
    };
    let joins: [(&str, Join); 3] = [
        ("and", |a, b| a & b),
        ("or", |a, b| a | b),
        ("xor", |a, b| a ^ b),
    ];
    let join = opcode.take_any(&joins);
    let pred = Type::Pred;
    if matches!(ty, Type::F16x2 | Type::Bf16x2) {
        let Some(format) = format(ty).filter(|_| join.is_none()) else {
            return opcode.no_type(ty);
        };
        let low = float_test(format, flush, relation);
        let high = float_test(format, flush, relation);
        let low = lift2(move |a, b| u64::from(low(a & 0xffff, b & 0xffff)));
        let mut instruction = Pure::new(pred, &[ty, ty], low);
        instruction.second = Some(lift2(move |a, b| u64::from(high(a >> 16, b >> 16))));
        return Ok(instruction);
    }
    let both = |negate: bool| -> Result<Apply, String> {
        if let (Type::F32, false, None) = (ty, flush, join) {
            return Ok(lift2(move |a, b| {
                let [a, b] = [a, b].map(|bits| f32::from_bits(bits as u32));
                u64::from(relation.holds(a, b) != negate)
            }));
        }
        if let (Type::B(_) | Type::U(_), None) = (ty, join) {
            return Ok(lift2(move |a, b| u64::from(relation.holds(a, b) != negate)));
        }
        let bits = ty.bits();
        let test: Test = match ty {
            _ if format(ty).is_some() => float_test(format(ty).unwrap_or(F32), flush, relation),
            Type::S(_) => Box::new(move |a, b| {
                let [a, b] = [a, b].map(|value| sign_extend(value, bits) as i64);
                relation.holds(a, b)
            }),
            Type::B(_) | Type::U(_) => Box::new(move |a, b| relation.holds(a, b)),
            _ => return Err(format!("`setp` is not known for {ty:?}")),
        };
        Ok(match join {
            None => lift2(move |a, b| u64::from(test(a, b) != negate)),
            Some(join) => lift3(move |a, b, c| u64::from(join(test(a, b) != negate, c != 0))),
        })
    };
    let mut instruction = Pure::new(pred, &[ty, ty], both(false)?);
    if join.is_some() {
        instruction.sources.push(pred);
    }
    instruction.second = Some(both(true)?);
    Ok(instruction)
}

fn choose_by_sign(opcode: &mut Opcode<'_>) -> Result<Pure, String> {
    let by = opcode.ty()?;
    let ty = opcode.ty()?;
    let flush = opcode.take("ftz");
    let apply = match by {
        Type::S(32) => lift3(|a, b, c| if c as u32 as i32 >= 0 { a } else { b }),
        Type::F32 => lift3(move |a, b, c| {
            let c = if flush { F32.flush(c) } else { c };
            let first = f32::from_bits(c as u32) >= 0.0;
            if first { a } else { b }
        }),
        _ => return opcode.no_type(by),
    };
    Ok(Pure::new(ty, &[ty, ty, by], apply))
}

fn test(opcode: &mut Opcode<'_>) -> Result<Pure, String> {
    let ty = opcode.ty()?;
    let (exponent, fraction) = match ty {
        Type::F32 => (8, 23),
        Type::F64 => (11, 52),
        _ => return opcode.no_type(ty),
    };
    let classes: [(&str, Class); 6] = [
        ("finite", |exponent, _, all| exponent != all),
        ("infinite", |exponent, fraction, all| {
            exponent == all && fraction == 0
        }),
        ("number", |exponent, fraction, all| {
            exponent != all || fraction == 0
        }),
        ("notanumber", |exponent, fraction, all| {
            exponent == all && fraction != 0
        }),
        ("normal", |exponent, _, all| {
            exponent != all && exponent != 0
        }),
        // Zero counts, as it has a zero exponent.
        ("subnormal", |exponent, _, _| exponent == 0),
    ];
    let Some(class) = opcode.take_any(&classes) else {
        return Err("`testp` needs a class of numbers".to_string());
    };
    let apply = lift1(move |a| {
        let all = mask(exponent);
        u64::from(class(a >> fraction & all, a & mask(fraction), all))
    });
    Ok(Pure::new(Type::Pred, &[ty], apply))
}
