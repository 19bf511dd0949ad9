//! Conversions of f16 and bf16 by integer arithmetic, for targets where LLVM would call its runtime library.

use super::{Float, Math, shaped};
use crate::emit::Int;
use melior::ir::Value;

impl<'c, 'a> Math<'c, 'a> {
    /// The 16 bits of a half as an integer of this width.
    fn half_bits(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let bits = self
            .e
            .op("arith.bitcast", &[x], shaped(&self.e, &self.dims, "i16"));
        self.e.op("arith.extui", &[bits], self.int)
    }

    /// The half of the lowest 16 bits.
    fn half_of(&self, bits: Value<'c, 'a>, element: &str) -> Value<'c, 'a> {
        let bits = self
            .e
            .op("arith.trunci", &[bits], shaped(&self.e, &self.dims, "i16"));
        self.e.op(
            "arith.bitcast",
            &[bits],
            shaped(&self.e, &self.dims, element),
        )
    }

    /// f32 of bf16: its upper half.
    pub fn from_bf16(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.float(self.int("shli", self.half_bits(x), self.i(16)))
    }

    /// bf16 of f32, to nearest even.
    pub fn to_bf16(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let bits = self.bits(x);
        let upper = self.int("shrui", bits, self.i(16));
        let odd = self.int("andi", upper, self.i(1));
        let rounded = self.int("addi", bits, self.int("addi", odd, self.i(0x7FFF)));
        let rounded = self.int("shrui", rounded, self.i(16));
        let quiet = self.int("ori", upper, self.i(0x40));
        let result = self.select(self.is(x, Float::Uno, x), quiet, rounded);
        self.half_of(result, "bf16")
    }

    /// f32 of f16: the same digits with another bias, which a product sets right for denormals too.
    pub fn from_f16(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let bits = self.half_bits(x);
        let magnitude = self.int("andi", bits, self.i(0x7FFF));
        let digits = self.float(self.int("shli", magnitude, self.i(13)));
        let value = self.bits(self.times(digits, 2f64.powi(112)));
        let infinite = self.int("ori", value, self.i(0x7F80_0000));
        let special = self.int_is(self.i(0x7BFF), Int::Slt, magnitude);
        let value = self.select(special, infinite, value);
        let sign = self.int("shli", self.int("andi", bits, self.i(0x8000)), self.i(16));
        self.float(self.int("ori", value, sign))
    }

    /// f16 of f32, to nearest even.
    pub fn to_f16(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let all = self.bits(x);
        let bits = self.int("andi", all, self.i(0x7FFF_FFFF));
        let odd = self.int("andi", self.int("shrui", bits, self.i(13)), self.i(1));
        let biased = self.int("addi", bits, self.i(((15 - 127) << 23) + 0xFFF));
        let normal = self.int("shrui", self.int("addi", biased, odd), self.i(13));
        // Denormals: a sum with ½ leaves their digits in the last places.
        let half = self.c(0.5);
        let tiny = self.bits(self.add(self.float(bits), half));
        let tiny = self.int("subi", tiny, self.bits(half));
        let small = self.int_is(bits, Int::Slt, self.i(113 << 23));
        let result = self.select(small, tiny, normal);
        let large = self.int_is(self.i((143 << 23) - 1), Int::Slt, bits);
        let result = self.select(large, self.i(0x7C00), result);
        let result = self.select(self.is(x, Float::Uno, x), self.i(0x7E00), result);
        let sign = self.int("andi", self.int("shrui", all, self.i(16)), self.i(0x8000));
        self.half_of(self.int("ori", result, sign), "f16")
    }
}
