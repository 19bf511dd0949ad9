//! Random matrices of all types, with something that is not theirs around them.

use dlc_kernels::program::{Element, Storage};
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

/// A matrix in memory.
#[derive(Clone)]
pub struct Matrix {
    pub element: Element,
    pub storage: Storage,
    pub sizes: [usize; 2],
    /// From one row, or column, to the next.
    pub pitch: usize,
    /// The first element.
    pub offset: usize,
    /// All memory, of which what is not the matrix' is NaN or -1.
    pub bytes: Vec<u8>,
}

impl Matrix {
    /// Random numbers: floats between -1 and 1, integers of all sizes.
    pub fn random(
        (element, storage): (Element, Storage),
        sizes: [usize; 2],
        [pad, offset]: [usize; 2],
        random: &mut Random,
    ) -> Self {
        let [outer, inner] = match storage {
            Storage::Rows => sizes,
            Storage::Columns => [sizes[1], sizes[0]],
        };
        let pitch = inner + pad;
        let size = element.bytes() as usize;
        let count = offset + (outer.max(1) - 1) * pitch + inner;
        let mut bytes = vec![0xff; count * size];
        for at in 0..outer {
            for number in 0..inner {
                let start = (offset + at * pitch + number) * size;
                let value = encode(element, random.float(), random.next() as i64);
                bytes[start..start + size].copy_from_slice(&value);
            }
        }
        Self {
            element,
            storage,
            sizes,
            pitch,
            offset,
            bytes,
        }
    }

    /// The bytes of an element.
    pub fn at(&self, row: usize, column: usize) -> &[u8] {
        let index = match self.storage {
            Storage::Rows => row * self.pitch + column,
            Storage::Columns => column * self.pitch + row,
        };
        let size = self.element.bytes() as usize;
        let start = (self.offset + index) * size;
        &self.bytes[start..start + size]
    }

    pub fn float(&self, row: usize, column: usize) -> f64 {
        float(self.element, self.at(row, column))
    }

    pub fn integer(&self, row: usize, column: usize) -> i64 {
        integer(self.element, self.at(row, column))
    }

    /// Puts a float in the place of an element.
    pub fn set(&mut self, row: usize, column: usize, value: f64) {
        let size = self.element.bytes() as usize;
        let index = match self.storage {
            Storage::Rows => row * self.pitch + column,
            Storage::Columns => column * self.pitch + row,
        };
        let start = (self.offset + index) * size;
        let value = encode(self.element, value, value as i64);
        self.bytes[start..start + size].copy_from_slice(&value);
    }
}
