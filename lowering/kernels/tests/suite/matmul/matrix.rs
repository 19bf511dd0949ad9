//! Random matrices of all types, with something that is not theirs around them.

use std::ops::Range;

use dlc_kernels::program::{Element, Storage};

use crate::numbers::{Random, encode, float, integer};

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

    /// What is from one row to the next, and from one column to the next, in elements.
    pub fn strides(&self) -> [i64; 2] {
        match self.storage {
            Storage::Rows => [self.pitch as i64, 1],
            Storage::Columns => [1, self.pitch as i64],
        }
    }

    /// Where the bytes of an element are.
    fn place(&self, row: usize, column: usize) -> Range<usize> {
        let [down, along] = self.strides().map(|stride| stride as usize);
        let size = self.element.bytes() as usize;
        let start = (self.offset + row * down + column * along) * size;
        start..start + size
    }

    /// The bytes of an element.
    pub fn at(&self, row: usize, column: usize) -> &[u8] {
        &self.bytes[self.place(row, column)]
    }

    pub fn float(&self, row: usize, column: usize) -> f64 {
        float(self.element, self.at(row, column))
    }

    pub fn integer(&self, row: usize, column: usize) -> i64 {
        integer(self.element, self.at(row, column))
    }

    /// Puts a float in the place of an element.
    pub fn set(&mut self, row: usize, column: usize, value: f64) {
        let value = encode(self.element, value, value as i64);
        let place = self.place(row, column);
        self.bytes[place].copy_from_slice(&value);
    }
}
