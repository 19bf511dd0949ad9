//! Fragments of matrices in the registers of a warp, and products of them.
//!
//! Sums in f32 begin with the old sum and add one exact product after the other in the order of the inner dimension, each rounded
//! to the nearest. Hardware's order and rounding are not specified.

use std::sync::LazyLock;

use super::shared::{ALL_LANES, Agent};
use super::step::{Context, Flow};
use super::warp::lanes;
use crate::fault::{FaultKind, Outcome, Trouble};
use crate::float::{F16, Rounding};
use crate::op::{Element, Matrix, Place, Slot, Sum};

/// The values of all f16.
static HALVES: LazyLock<Vec<f32>> = LazyLock::new(|| {
    (0..=u16::MAX)
        .map(|bits| F16.widen(u64::from(bits)) as f32)
        .collect()
});

/// The value of an element of at most 32 bits. Of tf32 the lower bits do not count.
pub(crate) fn element_value(element: Element, bits: u32) -> f32 {
    match element {
        Element::F16 => HALVES[(bits & 0xffff) as usize],
        Element::Bf16 => f32::from_bits(bits << 16),
        Element::Tf32 => f32::from_bits(bits & !0x1fff),
        Element::Byte { signed: true } => f32::from(bits as u8 as i8),
        Element::Byte { signed: false } => f32::from(bits as u8),
        Element::F64 => 0.0,
    }
}

/// A sum of bytes' products, limited to what a sum can be or wrapped.
pub(crate) fn integer_sum(value: i64, saturates: bool) -> u64 {
    let value = match saturates {
        true => value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)),
        false => value,
    };
    u64::from(value as u32)
}

/// The bits of an f16 sum.
pub(crate) fn half_bits(value: f32) -> u64 {
    F16.narrow(f64::from(value), Rounding::Nearest)
}

/// Rows of the left operand, 16 by `depth`, from the registers of a warp as `mma` has them.
pub(crate) fn left_fragment(registers: &[[u64; 32]], element: Element, depth: usize) -> Vec<f32> {
    let bits = 8 * element.bytes();
    let each = (32 / bits) as usize;
    let mut rows = vec![0.0; 16 * depth];
    for (number, register) in registers.iter().enumerate() {
        for (lane, value) in register.iter().enumerate() {
            let row = lane / 4 + 8 * (number & 1);
            for part in 0..each {
                let column = (number >> 1) * 4 * each + lane % 4 * each + part;
                let value = (*value >> (bits * part as u32)) as u32;
                rows[row * depth + column] = element_value(element, value);
            }
        }
    }
    rows
}

/// The right operand, `depth` by 8.
fn right_fragment(registers: &[[u64; 32]], element: Element, depth: usize) -> Vec<f32> {
    let bits = 8 * element.bytes();
    let each = (32 / bits) as usize;
    let mut rows = vec![0.0; depth * 8];
    for (number, register) in registers.iter().enumerate() {
        for (lane, value) in register.iter().enumerate() {
            for part in 0..each {
                let row = number * 4 * each + lane % 4 * each + part;
                let value = (*value >> (bits * part as u32)) as u32;
                rows[row * 8 + lane / 4] = element_value(element, value);
            }
        }
    }
    rows
}

impl Context<'_, '_> {
    pub fn matrix(&mut self, matrix: &Matrix, active: u32) -> Outcome<Flow> {
        if !self.is_full(active)? {
            return Ok(Flow::Again);
        }
        match matrix {
            Matrix::Registers => {}
            Matrix::Load {
                place,
                transposes,
                results,
            } => {
                for (number, result) in results.iter().enumerate() {
                    let tile = self.load_tile(place, number)?;
                    let register = fragment(&tile, *transposes);
                    self.write(*result, u32::MAX, |lane| register[lane]);
                }
            }
            Matrix::Store {
                place,
                transposes,
                values,
            } => {
                for (number, value) in values.iter().enumerate() {
                    let register = self.warp_ref().registers[*value as usize];
                    self.store_tile(place, number, &tile(&register, *transposes))?;
                }
            }
            Matrix::Transpose { result, value } => {
                let register = self.warp_ref().registers[*value as usize];
                let register = fragment(&tile(&register, false), true);
                self.write(*result, u32::MAX, |lane| register[lane]);
            }
            Matrix::Product { .. } => self.product(matrix),
        }
        Ok(Flow::Next)
    }

    /// The place in shared memory of a row, whose address a lane has.
    fn row(&self, place: &Place, lane: usize) -> Outcome<(usize, usize)> {
        let address = self.address(place, lane);
        if !address.is_multiple_of(16) {
            let message = format!("a row at {address:#x}, no multiple of 16");
            return Err(Trouble::new(FaultKind::Misaligned, message).at_lane(lane));
        }
        self.shared_range(address, 16)
            .map_err(|trouble| trouble.at_lane(lane))
    }

    fn load_tile(&mut self, place: &Place, number: usize) -> Outcome<[[u16; 8]; 8]> {
        let mut tile = [[0; 8]; 8];
        for (row, values) in tile.iter_mut().enumerate() {
            let lane = 8 * number + row;
            let (block, offset) = self.row(place, lane)?;
            let agent = Agent {
                warp: self.warp,
                lane: ALL_LANES,
                clock: &self.cluster.warps[self.warp].clock,
            };
            let shared = &mut self.cluster.blocks[block].shared;
            shared
                .read(offset, 16, &agent)
                .map_err(|trouble| trouble.at_lane(lane))?;
            let bytes = &shared.bytes[offset..offset + 16];
            for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(2)) {
                *value = u16::from_le_bytes([bytes[0], bytes[1]]);
            }
        }
        Ok(tile)
    }

    fn store_tile(&mut self, place: &Place, number: usize, tile: &[[u16; 8]; 8]) -> Outcome<()> {
        for (row, values) in tile.iter().enumerate() {
            let lane = 8 * number + row;
            let (block, offset) = self.row(place, lane)?;
            let mut bytes = [0; 16];
            for (value, bytes) in values.iter().zip(bytes.chunks_exact_mut(2)) {
                bytes.copy_from_slice(&value.to_le_bytes());
            }
            let agent = Agent {
                warp: self.warp,
                lane: ALL_LANES,
                clock: &self.cluster.warps[self.warp].clock,
            };
            let shared = &mut self.cluster.blocks[block].shared;
            shared
                .write(offset, &bytes, &agent)
                .map_err(|trouble| trouble.at_lane(lane))?;
        }
        Ok(())
    }

    fn registers(&self, slots: &[Slot]) -> Vec<[u64; 32]> {
        let warp = self.warp_ref();
        slots
            .iter()
            .map(|slot| warp.registers[*slot as usize])
            .collect()
    }

    fn product(&mut self, matrix: &Matrix) {
        let Matrix::Product {
            depth,
            left,
            right,
            sum,
            d,
            a,
            b,
            c,
        } = matrix
        else {
            return;
        };
        let depth = *depth as usize;
        let (a, b, c) = (self.registers(a), self.registers(b), self.registers(c));
        if *sum == Sum::F64 {
            return self.double_product(d, &a, &b, &c);
        }
        let a = left_fragment(&a, *left, depth);
        let b = right_fragment(&b, *right, depth);
        let terms = |row: usize, column: usize| {
            (0..depth).map(move |at| (row * depth + at, at * 8 + column))
        };
        for lane in lanes(u32::MAX) {
            let at = |number: usize| (lane / 4 + 8 * (number >> 1), lane % 4 * 2 + (number & 1));
            let float = |number: usize, begin: f32| {
                let (row, column) = at(number);
                terms(row, column).fold(begin, |sum, (i, j)| sum + a[i] * b[j])
            };
            for (number, slot) in d.iter().enumerate() {
                let old = c[number][lane];
                let value = match sum {
                    Sum::F32 => canonical(float(number, f32::from_bits(old as u32))),
                    Sum::S32 { saturates } => {
                        let (row, column) = at(number);
                        let begin = i64::from(old as u32 as i32);
                        let total = terms(row, column)
                            .fold(begin, |sum, (i, j)| sum + (a[i] * b[j]) as i64);
                        integer_sum(total, *saturates)
                    }
                    _ => {
                        let half = |part: usize| {
                            let begin = HALVES[(old >> (16 * part) & 0xffff) as usize];
                            half_bits(float(2 * number + part, begin))
                        };
                        half(0) | half(1) << 16
                    }
                };
                self.warp().set(*slot, lane, value);
            }
        }
    }

    /// `m8n8k4` in f64.
    fn double_product(&mut self, d: &[Slot], a: &[[u64; 32]], b: &[[u64; 32]], c: &[[u64; 32]]) {
        for lane in lanes(u32::MAX) {
            let (row, first) = (lane / 4, lane % 4 * 2);
            for (part, slot) in d.iter().enumerate() {
                let column = first + part;
                let begin = f64::from_bits(c[part][lane]);
                let total = (0..4).fold(begin, |sum, at| {
                    let a = f64::from_bits(a[0][row * 4 + at]);
                    let b = f64::from_bits(b[0][column * 4 + at]);
                    a.mul_add(b, sum)
                });
                self.warp().set(*slot, lane, total.to_bits());
            }
        }
    }
}

/// The bits of an f32 sum, whose NaNs are all one.
pub(crate) fn canonical(value: f32) -> u64 {
    match value.is_nan() {
        true => 0x7fff_ffff,
        false => u64::from(value.to_bits()),
    }
}

/// What the lanes have of an 8 by 8 tile: two values of a row, or of a column.
fn fragment(tile: &[[u16; 8]; 8], transposes: bool) -> [u64; 32] {
    std::array::from_fn(|lane| {
        let (row, column) = (lane / 4, lane % 4 * 2);
        let [low, high] = match transposes {
            false => [tile[row][column], tile[row][column + 1]],
            true => [tile[column][row], tile[column + 1][row]],
        };
        u64::from(low) | u64::from(high) << 16
    })
}

/// The tile that the lanes have two values each of.
fn tile(register: &[u64; 32], transposes: bool) -> [[u16; 8]; 8] {
    let mut tile = [[0; 8]; 8];
    for (lane, value) in register.iter().enumerate() {
        let (row, column) = (lane / 4, lane % 4 * 2);
        for part in 0..2 {
            let value = (value >> (16 * part)) as u16;
            match transposes {
                false => tile[row][column + part] = value,
                true => tile[column + part][row] = value,
            }
        }
    }
    tile
}
