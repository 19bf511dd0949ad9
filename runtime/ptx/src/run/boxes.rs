//! Boxes of tensors: where their parts are in both memories.

use super::global::Access;
use super::step::Context;
use crate::address::{inside, space};
use crate::fault::{FaultKind, Outcome, fail};
use crate::op::{Place, Slot};
use crate::syntax::Space;
use crate::tensor_map::TensorMap;

impl Context<'_, '_> {
    /// The tensor that an operand describes.
    fn tensor(&mut self, place: &Place, lane: usize) -> Outcome<TensorMap> {
        let address = self.aligned(self.address(place, lane), 64)?;
        let mut bytes = [0; 128];
        match space(address) {
            Some(Space::Param) => {
                let start = inside(address) as usize;
                if let Some(found) = self.machine.params.get(start..start + 128) {
                    bytes.copy_from_slice(found);
                }
            }
            Some(Space::Global) => self.read_global(address, &mut bytes, Access::Read)?,
            _ => {}
        }
        match TensorMap::decode(&bytes) {
            Some(map) => Ok(map),
            None => fail(
                FaultKind::InvalidOperand,
                format!("no tensor map is at {address:#x}"),
            ),
        }
    }

    /// The pieces of a box: where each is in shared memory, and in global memory what of it is inside of the tensor.
    pub fn pieces(
        &mut self,
        place: &Place,
        coordinates: &[Slot],
        first: u64,
        lane: usize,
    ) -> Outcome<(TensorMap, Vec<Piece>)> {
        let map = self.tensor(place, lane)?;
        if map.dims.len() != coordinates.len() {
            let message = format!(
                "{} coordinates in a tensor of rank {}",
                coordinates.len(),
                map.dims.len()
            );
            return fail(FaultKind::InvalidOperand, message);
        }
        let warp = self.warp_ref();
        let start: Vec<i64> = coordinates
            .iter()
            .map(|coordinate| i64::from(warp.lane(*coordinate, lane) as u32 as i32))
            .collect();
        Ok((map.clone(), pieces(&map, &start, first)))
    }
}

/// A part of a box that lies together in both memories.
pub(crate) struct Piece {
    /// Where it is in shared memory.
    pub offset: usize,
    pub length: usize,
    /// The bytes of it that are inside of the tensor: how many are not before, and how many are.
    pub inside: (usize, usize),
    /// Where the first of these is in global memory.
    pub address: u64,
}

fn pieces(map: &TensorMap, start: &[i64], first: u64) -> Vec<Piece> {
    let size = map.element.bytes() as i64;
    let row_bytes = i64::from(map.box_dims[0]) * size;
    let rows: u64 = map.box_dims[1..]
        .iter()
        .map(|dim| u64::from(*dim))
        .product();
    let row_end = map.dims[0] as i64 * size;
    // What is not exchanged lies together.
    let step = match map.swizzle.span() {
        0 => row_bytes,
        _ => 16,
    };
    let mut pieces = Vec::new();
    for row in 0..rows {
        let mut rest = row;
        let mut address = map.address as i64;
        let mut is_inside = true;
        for (axis, first) in start.iter().enumerate().skip(1) {
            let extent = u64::from(map.box_dims[axis]);
            let at = first + (rest % extent) as i64;
            rest /= extent;
            is_inside &= (0..map.dims[axis] as i64).contains(&at);
            address = address.wrapping_add(at.wrapping_mul(map.strides[axis - 1] as i64));
        }
        for column in (0..row_bytes).step_by(step as usize) {
            let from = start[0] * size + column;
            let begin = from.max(0);
            let end = (from + step).min(row_end);
            let length = if is_inside { (end - begin).max(0) } else { 0 };
            let linear = first + row * row_bytes as u64 + column as u64;
            pieces.push(Piece {
                offset: map.swizzle.place(linear) as usize,
                length: step as usize,
                inside: ((begin - from).min(step) as usize, length as usize),
                address: address.wrapping_add(begin) as u64,
            });
        }
    }
    pieces
}
