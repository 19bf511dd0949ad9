//! Random numbers, and numbers as bytes.

use dlc_kernels::program::Element;
use half::{bf16, f16};

/// A sequence of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Between -1 and 1.
    pub fn float(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// An element's bytes: a float as it is rounded, an integer by its low bits.
pub fn encode(element: Element, float: f64, integer: i64) -> Vec<u8> {
    match element {
        Element::F16 => f16::from_f64(float).to_le_bytes().to_vec(),
        Element::Bf16 => bf16::from_f64(float).to_le_bytes().to_vec(),
        Element::F32 => (float as f32).to_le_bytes().to_vec(),
        Element::F64 => float.to_le_bytes().to_vec(),
        _ => integer.to_le_bytes()[..element.bytes() as usize].to_vec(),
    }
}

/// The float that bytes are.
pub fn float(element: Element, bytes: &[u8]) -> f64 {
    match element {
        Element::F16 => f16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        Element::Bf16 => bf16::from_le_bytes(bytes.try_into().unwrap()).to_f64(),
        Element::F32 => f32::from_le_bytes(bytes.try_into().unwrap()).into(),
        Element::F64 => f64::from_le_bytes(bytes.try_into().unwrap()),
        _ => integer(element, bytes) as f64,
    }
}

/// The integer that bytes are.
pub fn integer(element: Element, bytes: &[u8]) -> i64 {
    let mut all = [0; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    let unused = 64 - 8 * bytes.len();
    let bits = i64::from_le_bytes(all);
    match element {
        Element::U8 => bits,
        _ => bits << unused >> unused,
    }
}

/// Half the distance of neighbouring numbers, relative; 0 for integers, which are exact.
pub fn roundoff(element: Element) -> f64 {
    match element {
        Element::F16 => f64::powi(2.0, -11),
        Element::Bf16 => f64::powi(2.0, -8),
        Element::F32 => f64::powi(2.0, -24),
        Element::F64 => f64::powi(2.0, -53),
        _ => 0.0,
    }
}
