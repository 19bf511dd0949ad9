//! exp, exp2, expm1, the hyperbolic functions, and erf.

use super::{Float, Math, Pair};
use melior::ir::Value;
use std::f64::consts::{LN_2, LOG2_E};

/// (eʳ - 1 - r)/r² on |r| ≤ ln 2 / 2. Error 2^-28.
const EXP_F32: [f64; 5] = [
    0.4999999403953552,
    0.16666509211063385,
    0.041668009012937546,
    0.008369989693164825,
    0.0013847039081156254,
];
/// The same. Error 2^-57.3.
const EXP_F64: [f64; 10] = [
    0.5000000000000011,
    0.16666666666666316,
    0.041666666666524216,
    0.008333333333560636,
    0.001388888894556078,
    0.00019841269355050045,
    2.4801490864459683e-05,
    2.7557725479076856e-06,
    2.763110746040692e-07,
    2.4955894312601345e-08,
];
/// ln 2 in two parts, the first short enough for exact products with exponents.
const LN_2_F32: (f64, f64) = (0.693145751953125, 1.428_606_820_309_417_2e-6);
const LN_2_F64: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);

/// (tanh √z / √z - 1)/z on z ≤ 0.35. Error 2^-28.
const TANH_F32: [f64; 5] = [
    -0.33333298563957214,
    0.13331936299800873,
    -0.0537848100066185,
    0.020799249410629272,
    -0.005898977164179087,
];
/// The same on z ≤ 0.36. Error 2^-57.8.
const TANH_F64: [f64; 11] = [
    -0.3333333333333316,
    0.1333333333330353,
    -0.05396825395090087,
    0.021869488036698168,
    -0.008863227203161017,
    0.0035920407069019223,
    -0.0014552321429636564,
    0.0005872429591553109,
    -0.0002305072620687457,
    7.944062078490853e-05,
    -1.724157765225658e-05,
];

/// erf √z / √z - 1 on z ≤ 0.861. Error 2^-26.
const ERF_SMALL_F32: [f64; 6] = [
    0.12837915122509003,
    -0.3761249780654907,
    0.11281830072402954,
    -0.02676641196012497,
    0.004992099478840828,
    -0.0005982196307741106,
];
/// The same on z ≤ 0.81. Error 2^-56.
const ERF_SMALL_F64: [f64; 12] = [
    0.1283791670955126,
    -0.37612638903184115,
    0.11283791670972569,
    -0.02686617064840855,
    0.0052239776569702944,
    -0.0008548328783982104,
    0.00012055393668535437,
    -1.4926969618930976e-05,
    1.647987882430417e-06,
    -1.6501668620622436e-07,
    1.521809886379989e-08,
    -1.1103971875791127e-09,
];
/// (-log(1 - erf t) - t)/t on 0.92 ≤ t ≤ 3.95. Error of erf 2^-30.
const ERF_LARGE_F32: [f64; 7] = [
    0.12864848971366882,
    0.6351513266563416,
    0.10623684525489807,
    -0.023762019351124763,
    0.003642429830506444,
    -0.00032279425067827106,
    1.1230069503653795e-05,
];
/// -log(1 - erf t) - t on 0.9 ≤ t ≤ 6. Error of erf 2^-60.3.
const ERF_LARGE_F64: [f64; 20] = [
    -3.663336938596528e-09,
    0.12837924246277369,
    0.6366191479140318,
    0.10277560044730658,
    -0.019138095690442825,
    -0.00018668470651541906,
    0.0016563439117258975,
    -0.0005349363835782624,
    -3.4993209151794796e-05,
    0.00011855766871453513,
    -6.85151644090399e-05,
    2.5742386547724824e-05,
    -7.241552293256207e-06,
    1.5836328481535905e-06,
    -2.704027577806829e-07,
    3.553059801675918e-08,
    -3.4777494528894144e-09,
    2.3902040253537846e-10,
    -1.0292702978207423e-11,
    2.088816865039858e-13,
];

/// eˣ as (1 + p)·2ⁿ.
pub struct Exponential<'c, 'a> {
    /// eʳ - 1 for the reduced argument.
    pub p: Value<'c, 'a>,
    /// n as an integer, in whatever bits are above those that a shift by the fraction leaves.
    pub n: Value<'c, 'a>,
}

impl<'c, 'a> Math<'c, 'a> {
    /// n = x / ln 2 rounded, as a float and as an integer, for |x| that keeps n small.
    fn split(&self, scaled: impl FnOnce(Value<'c, 'a>) -> Value<'c, 'a>) -> Pair<'c, 'a> {
        let magic = self.c(self.magic());
        let shifted = scaled(magic);
        let n = self.sub(shifted, magic);
        let integer = self.int(
            "subi",
            self.bits(shifted),
            self.i(self.pattern(self.magic())),
        );
        (n, integer)
    }

    /// eʳ - 1 on |r| ≤ ln 2 / 2.
    pub fn exp_minus_one_reduced(&self, r: Value<'c, 'a>) -> Value<'c, 'a> {
        let coefficients = self.by_width(&EXP_F32[..], &EXP_F64);
        self.fma(self.mul(r, r), self.polynomial(r, coefficients), r)
    }

    /// The same in f64 to f32's needs: error 2^-32.
    pub fn short_exp_minus_one(&self, r: Value<'c, 'a>) -> Value<'c, 'a> {
        self.fma(self.mul(r, r), self.polynomial(r, &EXP_F64[..7]), r)
    }

    /// eˣ in parts, for x in the range of normal results or a little more.
    pub fn exponential(&self, x: Value<'c, 'a>) -> Exponential<'c, 'a> {
        let (n, integer) = self.split(|magic| self.fma(x, self.c(LOG2_E), magic));
        let (high, low) = self.ln_2();
        let r = self.fma(n, self.c(-high), x);
        let r = self.fma(n, self.c(-low), r);
        Exponential {
            p: self.exp_minus_one_reduced(r),
            n: integer,
        }
    }

    /// ln 2 in two parts.
    pub fn ln_2(&self) -> (f64, f64) {
        self.by_width(LN_2_F32, LN_2_F64)
    }

    /// x·2ⁿ for x near 1 and n up to twice the range of exponents; one rounding, for denormals too.
    pub fn scale(&self, x: Value<'c, 'a>, n: Value<'c, 'a>) -> Value<'c, 'a> {
        if self.has.scaling && self.fills_registers() {
            return self.scale_by_instruction(x, n);
        }
        let half = self.int("shrsi", n, self.i(1));
        let rest = self.int("subi", n, half);
        self.mul(
            self.mul(x, self.power_of_two(half)),
            self.power_of_two(rest),
        )
    }

    /// The same by LLVM's ldexp, which is a call where the target has no such instruction.
    fn scale_by_instruction(&self, x: Value<'c, 'a>, n: Value<'c, 'a>) -> Value<'c, 'a> {
        let (lanes, bits) = (self.dims[0], self.by_width(32, 64));
        let name = format!("\"llvm.ldexp.v{lanes}f{bits}.v{lanes}i{bits}\"");
        let attributes = [
            ("intrin", self.e.attr(&name)),
            ("op_bundle_sizes", self.e.attr("array<i32>")),
            ("operandSegmentSizes", self.e.attr("array<i32: 2, 0>")),
        ];
        self.e
            .op_with("llvm.call_intrinsic", &[x, n], self.float, &attributes)
    }

    /// x·2ⁿ for x near 1 where the result is normal: an addition to the exponent.
    pub fn scale_normal(&self, x: Value<'c, 'a>, n: Value<'c, 'a>) -> Value<'c, 'a> {
        let exponent = self.int("shli", n, self.i(self.fraction_bits()));
        self.float(self.int("addi", self.bits(x), exponent))
    }

    fn one_plus(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        self.add(x, self.c(1.0))
    }

    /// eˣ.
    pub fn exp(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let x = self.at_most(x, self.by_width(89.0, 710.0));
        let x = self.at_least(x, self.by_width(-104.0, -746.0));
        let Exponential { p, n } = self.exponential(x);
        self.scale(self.one_plus(p), n)
    }

    /// 2ˣ.
    pub fn exp2(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let x = self.at_most(x, self.by_width(129.0, 1025.0));
        let x = self.at_least(x, self.by_width(-151.0, -1076.0));
        let (n, integer) = self.split(|magic| self.add(x, magic));
        let r = self.times(self.sub(x, n), LN_2);
        self.scale(self.one_plus(self.exp_minus_one_reduced(r)), integer)
    }

    /// eˣ - 1: 2·(2ⁿ⁻¹·p + (2ⁿ⁻¹ - ½)), which neither cancels nor overflows early.
    pub fn expm1(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let y = self.at_most(x, self.by_width(89.0, 710.0));
        let y = self.at_least(y, self.by_width(-20.0, -40.0));
        let Exponential { p, n } = self.exponential(y);
        let scale = self.power_of_two(self.int("subi", n, self.i(1)));
        let half = self.fma(scale, p, self.sub(scale, self.c(0.5)));
        self.copysign(self.add(half, half), x)
    }

    /// e^|x| / 2, that overflows where sinh and cosh do.
    fn half_exp_of_magnitude(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let x = self.at_most(self.abs(x), self.by_width(91.0, 712.0));
        let Exponential { p, n } = self.exponential(x);
        self.scale(self.one_plus(p), self.int("subi", n, self.i(1)))
    }

    /// The hyperbolic sine: its series below 1, (eˣ - e⁻ˣ)/2 above.
    pub fn sinh(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let terms = self.by_width(4, 9);
        let mut factorial = 1.0;
        let mut series = vec![];
        for k in 1..=terms {
            factorial *= (2 * k * (2 * k + 1)) as f64;
            series.push(1.0 / factorial);
        }
        let square = self.mul(x, x);
        let small = self.fma(self.mul(x, square), self.polynomial(square, &series), x);
        let half = self.half_exp_of_magnitude(x);
        let large = self.sub(half, self.div(self.c(0.25), half));
        let near = self.is(self.abs(x), Float::Olt, self.c(1.0));
        self.select(near, small, self.copysign(large, x))
    }

    /// The hyperbolic cosine.
    pub fn cosh(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let half = self.half_exp_of_magnitude(x);
        self.add(half, self.div(self.c(0.25), half))
    }

    /// The hyperbolic tangent: a polynomial near 0, 1 - 2/(e²ˣ + 1) elsewhere.
    pub fn tanh(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let magnitude = self.at_most(self.abs(x), self.by_width(9.02, 19.1));
        let Exponential { p, n } = self.exponential(self.add(magnitude, magnitude));
        let power = self.scale_normal(self.one_plus(p), n);
        let large = self.sub(self.c(1.0), self.div(self.c(2.0), self.one_plus(power)));
        let square = self.mul(x, x);
        let coefficients = self.by_width(&TANH_F32[..], &TANH_F64);
        let small = self.fma(
            self.mul(x, square),
            self.polynomial(square, coefficients),
            x,
        );
        // NaN must take the polynomial: its bits do not survive the addition to the exponent.
        let far = self.is(magnitude, Float::Oge, self.c(self.by_width(0.59, 0.6)));
        self.copysign(self.select(far, large, small), x)
    }

    /// The error function: a polynomial near 0, 1 - e^(polynomial) elsewhere.
    pub fn erf(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let magnitude = self.at_most(self.abs(x), self.by_width(3.94, 5.99));
        let exponent = match self.wide {
            true => self.add(self.polynomial(magnitude, &ERF_LARGE_F64), magnitude),
            false => self.fma(
                self.polynomial(magnitude, &ERF_LARGE_F32),
                magnitude,
                magnitude,
            ),
        };
        let Exponential { p, n } = self.exponential(self.neg(exponent));
        let rest = self.scale_normal(self.one_plus(p), n);
        let large = self.copysign(self.sub(self.c(1.0), rest), x);
        let coefficients = self.by_width(&ERF_SMALL_F32[..], &ERF_SMALL_F64);
        let small = self.fma(self.polynomial(self.mul(x, x), coefficients), x, x);
        // NaN takes the polynomial, as in tanh.
        let far = self.is(magnitude, Float::Oge, self.c(self.by_width(0.9277, 0.9)));
        self.select(far, large, small)
    }
}
