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

/// Gives a function of some bits to code that is made for it: the value of an element of at most 32 bits. Of tf32 the lower bits do
/// not count.
pub(crate) trait Values<R> {
    fn with(self, value: impl Fn(u32) -> f32) -> R;
}

/// Runs code made for an element.
pub(crate) fn with_values<R>(element: Element, code: impl Values<R>) -> R {
    match element {
        Element::F16 => {
            let values = &HALVES[..];
            code.with(|bits| values[(bits & 0xffff) as usize])
        }
        Element::Bf16 => code.with(|bits| f32::from_bits(bits << 16)),
        Element::Tf32 | Element::F64 => code.with(|bits| f32::from_bits(bits & !0x1fff)),
        Element::Byte { signed: true } => code.with(|bits| f32::from(bits as u8 as i8)),
        Element::Byte { signed: false } => code.with(|bits| f32::from(bits as u8)),
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

/// The fragments of an operand in the registers of a warp.
struct Fragments<'r> {
    registers: &'r [[u64; 32]],
    bits: u32,
    /// For a register, a lane and a part of it: where the value goes.
    place: fn(Part) -> usize,
    depth: usize,
}

/// A value in a fragment.
struct Part {
    register: usize,
    lane: usize,
    part: usize,
    /// Values in a register.
    each: usize,
    depth: usize,
}

impl Values<Vec<f32>> for Fragments<'_> {
    fn with(self, value: impl Fn(u32) -> f32) -> Vec<f32> {
        let each = (32 / self.bits) as usize;
        let mut values = vec![0.0; self.registers.len() * 32 * each];
        for (register, lanes) in self.registers.iter().enumerate() {
            for (lane, word) in lanes.iter().enumerate() {
                for part in 0..each {
                    let place = (self.place)(Part {
                        register,
                        lane,
                        part,
                        each,
                        depth: self.depth,
                    });
                    values[place] = value((*word >> (self.bits * part as u32)) as u32);
                }
            }
        }
        values
    }
}

/// Rows of the left operand, 16 by `depth`, from the registers of a warp as `mma` has them.
pub(crate) fn left_fragment(registers: &[[u64; 32]], element: Element, depth: usize) -> Vec<f32> {
    let place = |at: Part| {
        let row = at.lane / 4 + 8 * (at.register & 1);
        let column = (at.register >> 1) * 4 * at.each + at.lane % 4 * at.each + at.part;
        row * at.depth + column
    };
    fragments(registers, element, depth, place)
}

/// The right operand, `depth` by 8.
fn right_fragment(registers: &[[u64; 32]], element: Element, depth: usize) -> Vec<f32> {
    let place = |at: Part| {
        let row = at.register * 4 * at.each + at.lane % 4 * at.each + at.part;
        row * 8 + at.lane / 4
    };
    fragments(registers, element, depth, place)
}

fn fragments(
    registers: &[[u64; 32]],
    element: Element,
    depth: usize,
    place: fn(Part) -> usize,
) -> Vec<f32> {
    let bits = 8 * element.bytes();
    with_values(
        element,
        Fragments {
            registers,
            bits,
            place,
            depth,
        },
    )
}

/// Adds the product of two matrices to sums, row by row, one inner index after the other.
pub(crate) fn add_product(sums: &mut [f32], left: &[f32], right: &[f32], columns: usize) {
    let depth = right.len() / columns;
    for (sums, left) in sums.chunks_exact_mut(columns).zip(left.chunks_exact(depth)) {
        for (factor, right) in left.iter().zip(right.chunks_exact(columns)) {
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum += factor * right;
            }
        }
    }
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
        // A row takes 4 of the 32 banks.
        let mut groups = [0u64; 8];
        for (row, values) in tile.iter_mut().enumerate() {
            let lane = 8 * number + row;
            let (block, offset) = self.row(place, lane)?;
            groups[offset / 16 % 8] += 1;
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
        let most = groups.into_iter().max().unwrap_or(0);
        self.machine.report.bank_conflicts += most.saturating_sub(1);
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
        match sum {
            Sum::S32 { saturates } => self.integer_product(d, (&a, &b, &c), *saturates),
            _ => self.float_product(d, (&a, &b, &c), *sum == Sum::F16),
        }
    }

    fn float_product(
        &mut self,
        d: &[Slot],
        (a, b, c): (&[f32], &[f32], &[[u64; 32]]),
        is_half: bool,
    ) {
        let parts = if is_half { 2 } else { 1 };
        let mut sums = [0.0; 16 * 8];
        for (number, register) in c.iter().enumerate() {
            for (lane, bits) in register.iter().enumerate() {
                for part in 0..parts {
                    sums[sum_place(number * parts + part, lane)] = match is_half {
                        true => HALVES[(bits >> (16 * part) & 0xffff) as usize],
                        false => f32::from_bits(*bits as u32),
                    };
                }
            }
        }
        add_product(&mut sums, a, b, 8);
        for (number, slot) in d.iter().enumerate() {
            let sum = |part: usize, lane: usize| sums[sum_place(number * parts + part, lane)];
            self.write(*slot, u32::MAX, |lane| match is_half {
                true => half_bits(sum(0, lane)) | half_bits(sum(1, lane)) << 16,
                false => canonical(sum(0, lane)),
            });
        }
    }

    fn integer_product(
        &mut self,
        d: &[Slot],
        (a, b, c): (&[f32], &[f32], &[[u64; 32]]),
        saturates: bool,
    ) {
        let depth = a.len() / 16;
        for (number, slot) in d.iter().enumerate() {
            self.write(*slot, u32::MAX, |lane| {
                let place = sum_place(number, lane);
                let (row, column) = (place / 8, place % 8);
                let begin = i64::from(c[number][lane] as u32 as i32);
                let total = (0..depth).fold(begin, |sum, at| {
                    sum + (a[row * depth + at] * b[at * 8 + column]) as i64
                });
                integer_sum(total, saturates)
            });
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

/// Where the sum of a lane is in 16 rows of 8.
fn sum_place(number: usize, lane: usize) -> usize {
    let row = lane / 4 + 8 * (number >> 1);
    row * 8 + lane % 4 * 2 + (number & 1)
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
