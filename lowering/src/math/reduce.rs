//! Reduction of angles to |r| ≤ π/4 and a quadrant, correct for every finite float.

use super::{Float, Math, Pair};
use melior::ir::{Value, ValueLike};
use std::f64::consts::FRAC_2_PI;

/// π/2 in three f32.
const HALF_PI_F32: [f64; 3] = [
    1.5707963705062866,
    -4.371138828673793e-08,
    -1.7151245100058819e-15,
];
/// π/2 in three times 33 bits, whose products with integers below 2^20 are exact, and the rest.
const HALF_PI_F64: [f64; 4] = [
    1.5707963267341256,
    6.077100506303966e-11,
    2.0222662487111665e-21,
    8.4784276603689e-32,
];
/// π/2 in two f64.
const HALF_PI: (f64, f64) = (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17);
/// The digits of 2/π to base 2^26.
const DIGITS: [u32; 46] = [
    42722829, 48555073, 21659401, 56087029, 13858563, 28715353, 38736100, 4324945, 26128250,
    62674459, 29957006, 37899730, 58726692, 49193117, 6588223, 35515164, 46442140, 65964067,
    24988590, 54822121, 41009306, 54917092, 5137525, 37323603, 15192690, 4585659, 58608142,
    52426903, 67074070, 25231090, 63202006, 34237727, 28629499, 15891632, 40752081, 37709470,
    25143477, 55737260, 33225084, 24853767, 15195689, 19476134, 50255852, 18845021, 2185228,
    50622407,
];

/// x = q·π/2 + r + tail.
pub struct Angle<'c, 'a> {
    /// The reduced angle.
    pub r: Value<'c, 'a>,
    /// What rounding lost of it; zero in f32.
    pub tail: Option<Value<'c, 'a>>,
    /// The quadrant, as an integer; its two lowest bits count.
    pub q: Value<'c, 'a>,
}

impl<'c, 'a> Math<'c, 'a> {
    /// Reduces an angle; infinities and NaN become NaN.
    pub fn angle(&self, x: Value<'c, 'a>) -> Angle<'c, 'a> {
        let (near, quadrant) = match self.wide {
            true => self.near_wide(x),
            false => (vec![self.near(x).0], self.near(x).1),
        };
        let bound = self.c(self.by_width(1e5, 1048576.0));
        let far = self.is(self.abs(x), Float::Ogt, bound);
        let values = [&near[..], &[quadrant]].concat();
        let types: Vec<_> = values.iter().map(|v| v.r#type()).collect();
        let reduced = self.e.if_else(
            self.any(far),
            &types,
            |e| {
                let m = self.at(e);
                let replaced = m.far(x).into_iter().zip(&values);
                replaced
                    .map(|(there, here)| m.select(far, there, *here))
                    .collect()
            },
            |_| values.clone(),
        );
        let q = self.bits(self.add(*reduced.last().expect("the quadrant"), self.c(self.magic())));
        Angle {
            r: reduced[0],
            tail: self.wide.then(|| reduced[1]),
            q,
        }
    }

    /// The nearest multiple of π/2, for |x| below 2^20 or so.
    fn quarters(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let magic = self.c(self.magic());
        self.sub(self.fma(x, self.c(FRAC_2_PI), magic), magic)
    }

    /// r and q for moderate f32.
    fn near(&self, x: Value<'c, 'a>) -> Pair<'c, 'a> {
        if self.has.fused_multiply_add {
            // The first difference is exact.
            let q = self.quarters(x);
            let r = HALF_PI_F32
                .iter()
                .fold(x, |r, part| self.fma(q, self.c(-part), r));
            return (r, q);
        }
        let wide = self.widened();
        let x = self.extend(x);
        let q = wide.quarters(x);
        let r = HALF_PI_F64[..2]
            .iter()
            .fold(x, |r, part| wide.sub(r, wide.times(q, *part)));
        (self.truncate(r), self.truncate(q))
    }

    /// r, its tail, and q for moderate f64.
    fn near_wide(&self, x: Value<'c, 'a>) -> (Vec<Value<'c, 'a>>, Value<'c, 'a>) {
        let q = self.quarters(x);
        let part = |i: usize| self.neg(self.times(q, HALF_PI_F64[i]));
        let r = self.add(x, part(0));
        let (r, first) = self.two_sum(r, part(1));
        let (r, second) = self.two_sum(r, part(2));
        let tail = self.add(self.add(first, second), part(3));
        let (r, tail) = self.fast_two_sum(r, tail);
        (vec![r, tail], q)
    }

    /// r, its tail if wide, and q for any x from 1 up.
    fn far(&self, x: Value<'c, 'a>) -> Vec<Value<'c, 'a>> {
        if self.wide {
            // The last digits would be denormal: they are scaled up, and x down.
            let (high, low) = self.halves(self.times(x, 2f64.powi(-200)));
            return self.by_digits(&[high, low], 45, 200);
        }
        let wide = self.widened();
        let reduced = wide.by_digits(&[self.extend(x)], 8, 0);
        vec![self.truncate(reduced[0]), self.truncate(reduced[2])]
    }

    /// x·2/π modulo 4 digit by digit, as a sum whose whole part is taken off at once, so that what cancels is exact;
    /// times π/2. Each product of a part of x, at most 27 bits, and a digit is exact, and so is what is left of it
    /// modulo 4; all of it where x is large, so that only as many digits count as x has bits and some more.
    fn by_digits(&self, parts: &[Value<'c, 'a>], count: usize, scale: i32) -> Vec<Value<'c, 'a>> {
        let digits: Vec<_> = DIGITS[..count]
            .iter()
            .enumerate()
            .map(|(i, digit)| f64::from(*digit) * 2f64.powi(scale - 26 * (i as i32 + 1)))
            .map(|digit| format!("0x{:016X}", digit.to_bits()))
            .collect();
        let table_type = self.e.ty(&format!("vector<{count}xf64>"));
        let table = self
            .e
            .attr(&format!("dense<[{}]> : {table_type}", digits.join(", ")));
        let table = self.e.constant(table_type, table);
        let zero = self.c(0.0);
        let bounds = (self.e.index(0), self.e.index(count as i64), self.e.index(1));
        let sums = self.e.for_loop(bounds, &[zero, zero, zero], |e, i, sums| {
            let m = self.at(e);
            let position = [(
                "static_position",
                e.attr("array<i64: -9223372036854775808>"),
            )];
            let digit = e.op_with("vector.extract", &[table, i], e.ty("f64"), &position);
            let digit = match m.dims.is_empty() {
                true => digit,
                false => e.op("vector.broadcast", &[digit], m.float),
            };
            let mut sums = sums.to_vec();
            for part in parts {
                let product = m.mul(*part, digit);
                let fours = m.times(m.nearest(m.times(product, 0.25)), 4.0);
                let (sum, lost) = m.two_sum(sums[0], m.sub(product, fours));
                let whole = m.nearest(sum);
                sums = vec![
                    m.sub(sum, whole),
                    m.add(sums[1], lost),
                    m.add(sums[2], whole),
                ];
            }
            sums
        });
        let (turn, rest) = self.two_sum(sums[0], sums[1]);
        let (r, lost) = self.two_product(turn, self.c(HALF_PI.0));
        let low = self.fma(turn, self.c(HALF_PI.1), self.times(rest, HALF_PI.0));
        let (r, tail) = self.fast_two_sum(r, self.add(lost, low));
        vec![r, tail, sums[2]]
    }
}
