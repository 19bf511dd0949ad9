//! Matrix products and what brings their operands into registers.

use super::moves::take_space;
use super::{Decoded, Decoder, count_operands, parts};
use crate::op::{Element, Left, Matrix, Op, Slot, Sum, Wgmma};
use crate::pure::Opcode;
use crate::syntax::{Operand, Space};
use crate::types::Type;

impl Decoder<'_> {
    pub(super) fn matrix(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        let part = match opcode.name {
            "wgmma" => opcode.take_first().unwrap_or_default(),
            "setmaxnreg" => {
                if !opcode.take("inc") && !opcode.take("dec") {
                    return Err("`setmaxnreg` needs .inc or .dec".to_string());
                }
                opcode.take("u32");
                ""
            }
            _ => "",
        };
        if !opcode.take("sync") || !opcode.take("aligned") {
            return Err(format!("`{}` needs .sync.aligned", opcode.name));
        }
        match (opcode.name, part) {
            ("wgmma", "fence") => Ok(Op::WgmmaFence),
            ("wgmma", "commit_group") => Ok(Op::WgmmaCommit),
            ("wgmma", "wait_group") => match operands {
                [Operand::Integer(left)] => Ok(Op::WgmmaWait(*left as u32)),
                _ => Err("a number of groups is expected".to_string()),
            },
            ("wgmma", "mma_async") => self.wgmma(opcode, operands),
            ("wgmma", _) => Err(format!("`wgmma.{part}` is not known")),
            ("setmaxnreg", _) => Ok(Op::Matrix(Matrix::Registers)),
            ("mma", _) => self.mma(opcode, operands),
            _ => self.fragments(opcode, operands),
        }
    }

    /// `ldmatrix`, `stmatrix` and `movmatrix`.
    fn fragments(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        if !opcode.take("m8n8") || !opcode.take("b16") {
            return Err(format!("`{}` is known as .m8n8.b16 only", opcode.name));
        }
        let transposes = opcode.take("trans");
        count_operands(operands, 2)?;
        if opcode.name == "movmatrix" {
            return Ok(Op::Matrix(Matrix::Transpose {
                value: self.source(&operands[1], Type::B(32))?,
                result: self.target(&operands[0])?.0,
            }));
        }
        let Some(count) = opcode.take_any(&[("x1", 1), ("x2", 2), ("x4", 4)]) else {
            return Err("x1, x2 or x4 is expected".to_string());
        };
        let space = take_space(opcode).unwrap_or(Space::Generic);
        let (place, values) = match opcode.name {
            "ldmatrix" => (&operands[1], &operands[0]),
            _ => (&operands[0], &operands[1]),
        };
        if parts(values).len() != count {
            return Err(format!("{count} registers are expected"));
        }
        let place = self.place(place, space)?;
        Ok(Op::Matrix(match opcode.name {
            "ldmatrix" => Matrix::Load {
                place,
                transposes,
                results: self.targets(values)?,
            },
            _ => Matrix::Store {
                place,
                transposes,
                values: self.source_list(values, Type::B(32))?,
            },
        }))
    }

    fn targets(&mut self, operand: &Operand) -> Decoded<Box<[Slot]>> {
        let targets = self.target_list(operand)?;
        Ok(targets.iter().map(|(slot, _)| *slot).collect())
    }

    fn mma(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        let shape = shape(opcode.take_first().unwrap_or_default())?;
        if !opcode.take("row") || !opcode.take("col") {
            return Err("`mma` is known as .row.col only".to_string());
        }
        let saturates = opcode.take("satfinite");
        let types = types(opcode, 4)?;
        let sum = sum(types[0], saturates)?;
        let [left, right] = [element(types[1])?, element(types[2])?];
        let known = matches!(
            (shape, left),
            ((16, 8, 8 | 16), Element::F16 | Element::Bf16)
                | ((16, 8, 4 | 8), Element::Tf32)
                | ((16, 8, 16 | 32), Element::Byte { .. })
                | ((8, 8, 4), Element::F64)
        );
        if !known || !sums(left, right, sum) || types[0] != types[3] {
            return Err("a product of these types and this shape is not known".to_string());
        }
        count_operands(operands, 4)?;
        let register = match left {
            Element::F64 => Type::B(64),
            _ => Type::B(32),
        };
        let a = self.source_list(&operands[1], register)?;
        let b = self.source_list(&operands[2], register)?;
        let c = self.source_list(&operands[3], register)?;
        let d = self.targets(&operands[0])?;
        let lengths = [d.len(), a.len(), b.len(), c.len()];
        let depth_bytes = shape.2 * left.bytes();
        let expected = match left {
            Element::F64 => [2, 1, 1, 2],
            _ => {
                let sums = if sum == Sum::F16 { 2 } else { 4 };
                let parts = (depth_bytes / 16) as usize;
                [sums, 2 * parts, parts, sums]
            }
        };
        if lengths != expected {
            return Err(format!(
                "{expected:?} registers are expected, not {lengths:?}"
            ));
        }
        Ok(Op::Matrix(Matrix::Product {
            depth: shape.2,
            left,
            right,
            sum,
            d,
            a,
            b,
            c,
        }))
    }

    fn wgmma(&mut self, opcode: &mut Opcode<'_>, operands: &[Operand]) -> Decoded<Op> {
        let (rows, columns, depth) = shape(opcode.take_first().unwrap_or_default())?;
        let saturates = opcode.take("satfinite");
        let types = types(opcode, 3)?;
        let sum = sum(types[0], saturates)?;
        let [left_element, right_element] = [element(types[1])?, element(types[2])?];
        let is_bytes = matches!(left_element, Element::Byte { .. });
        let step = if is_bytes && columns > 32 { 16 } else { 8 };
        let fits = rows == 64
            && (8..=256).contains(&columns)
            && (columns.is_multiple_of(step) || is_bytes && columns == 24)
            && depth * left_element.bytes() == 32
            && left_element != Element::F64;
        if !fits || !sums(left_element, right_element, sum) {
            return Err("a product of these types and this shape is not known".to_string());
        }
        let [d, left, right, adds, rest @ ..] = operands else {
            return Err("sums, two matrices and a predicate are expected".to_string());
        };
        let is_short = matches!(left_element, Element::F16 | Element::Bf16);
        let from_registers = matches!(left, Operand::Vector(_));
        let wanted = match (is_bytes, is_short, from_registers) {
            (true, _, _) => 0,
            (_, false, _) => 2,
            (_, true, true) => 3,
            (_, true, false) => 4,
        };
        if rest.len() != wanted {
            return Err(format!("{wanted} numbers are expected at the end"));
        }
        let numbers: Vec<i64> = rest.iter().map(immediate).collect::<Decoded<_>>()?;
        let number = |at: usize| numbers.get(at).copied();
        for sign in numbers.iter().take(2) {
            if !matches!(sign, 1 | -1) {
                return Err("a factor of a matrix is 1 or -1".to_string());
            }
        }
        let (transposes_left, transposes_right) = match (is_short, from_registers) {
            (false, _) => (Some(0), Some(0)),
            (true, true) => (Some(0), number(2)),
            (true, false) => (number(2), number(3)),
        };
        let d_length = columns as usize / if sum == Sum::F16 { 4 } else { 2 };
        if parts(d).len() != d_length {
            return Err(format!("{d_length} registers of sums are expected"));
        }
        let left = match from_registers {
            true => {
                let registers = self.source_list(left, Type::B(32))?;
                if registers.len() != 4 {
                    return Err("4 registers of the left matrix are expected".to_string());
                }
                Left::Registers(registers)
            }
            false => Left::Descriptor(self.source(left, Type::B(64))?),
        };
        let right = self.source(right, Type::B(64))?;
        let adds = self.source(adds, Type::Pred)?;
        let wgmma = Wgmma {
            columns,
            depth,
            left_element,
            right_element,
            sum,
            d: self.targets(d)?,
            left,
            right,
            adds,
            negates_left: number(0) == Some(-1),
            negates_right: number(1) == Some(-1),
            transposes_left: transposes_left == Some(1),
            transposes_right: transposes_right == Some(1),
        };
        Ok(Op::Wgmma(Box::new(wgmma)))
    }
}

fn immediate(operand: &Operand) -> Decoded<i64> {
    match operand {
        Operand::Integer(value) => Ok(*value as i64),
        _ => Err("a number is expected".to_string()),
    }
}

/// `m16n8k16`
fn shape(text: &str) -> Decoded<(u32, u32, u32)> {
    let parse = || {
        let (m, rest) = text.strip_prefix('m')?.split_once('n')?;
        let (n, k) = rest.split_once('k')?;
        Some((m.parse().ok()?, n.parse().ok()?, k.parse().ok()?))
    };
    parse().ok_or_else(|| format!("`{text}` is no shape of a product"))
}

/// The last types, in their order.
fn types(opcode: &mut Opcode<'_>, count: usize) -> Decoded<Vec<Type>> {
    let mut types = (0..count)
        .map(|_| opcode.ty())
        .collect::<Decoded<Vec<_>>>()?;
    types.reverse();
    Ok(types)
}

fn element(ty: Type) -> Decoded<Element> {
    Ok(match ty {
        Type::F16 => Element::F16,
        Type::Bf16 => Element::Bf16,
        Type::Tf32 => Element::Tf32,
        Type::F64 => Element::F64,
        Type::S(8) => Element::Byte { signed: true },
        Type::U(8) => Element::Byte { signed: false },
        _ => return Err(format!("products of {ty:?} are not known")),
    })
}

fn sum(ty: Type, saturates: bool) -> Decoded<Sum> {
    Ok(match ty {
        Type::F16 => Sum::F16,
        Type::F32 => Sum::F32,
        Type::F64 => Sum::F64,
        Type::S(32) => Sum::S32 { saturates },
        _ => return Err(format!("sums in {ty:?} are not known")),
    })
}

/// Whether elements of these types can have such sums.
fn sums(left: Element, right: Element, sum: Sum) -> bool {
    matches!(
        (left, right, sum),
        (Element::F16, Element::F16, Sum::F16 | Sum::F32)
            | (Element::Bf16, Element::Bf16, Sum::F32)
            | (Element::Tf32, Element::Tf32, Sum::F32)
            | (Element::F64, Element::F64, Sum::F64)
            | (Element::Byte { .. }, Element::Byte { .. }, Sum::S32 { .. })
    )
}
