//! The types that products are tested with.

use super::{Case, check};
use half::{bf16, f16};
use melior::ExecutionEngine;

/// A type of elements.
pub trait Number: Copy + PartialEq {
    /// The distance of 1 to the next number; 0 of integers, whose sums are exact.
    const EPSILON: f64;
    /// What no test computes.
    const UNWRITTEN: Self;
    /// Of what lies between -0.5 and 0.5; integers spread it over all values of a byte.
    fn of(x: f64) -> Self;
    fn get(self) -> f64;
    fn is_unwritten(self) -> bool {
        self == Self::UNWRITTEN || self.get().is_nan()
    }
}

macro_rules! floats {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            const EPSILON: f64 = <$ty>::EPSILON as f64;
            const UNWRITTEN: Self = <$ty>::NAN;
            fn of(x: f64) -> Self {
                x as $ty
            }
            fn get(self) -> f64 {
                self as f64
            }
        }
    )*};
}

macro_rules! halves {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            const EPSILON: f64 = f32::EPSILON as f64;
            const UNWRITTEN: Self = <$ty>::NAN;
            fn of(x: f64) -> Self {
                <$ty>::from_f64(x)
            }
            fn get(self) -> f64 {
                self.to_f64()
            }
        }
    )*};
}

macro_rules! integers {
    ($($ty:ty: $low:expr),*) => {$(
        impl Number for $ty {
            const EPSILON: f64 = 0.0;
            const UNWRITTEN: Self = <$ty>::MIN;
            fn of(x: f64) -> Self {
                ((x + 0.5) * 256.0 + $low) as $ty
            }
            fn get(self) -> f64 {
                self as f64
            }
        }
    )*};
}

floats!(f32, f64);
halves!(f16, bf16);
integers!(i8: -128.0, u8: 0.0, i32: -128.0, i64: -128.0);

/// The types of a product.
pub struct Types {
    /// Of the operands and of the result.
    pub stored: [&'static str; 3],
    /// The ops that widen the operands, if any.
    pub widening: [&'static str; 2],
    /// Zero, and the ops that multiply and add.
    pub arithmetic: [&'static str; 3],
    /// Compares the results of a case.
    pub check: fn(&ExecutionEngine, &Case, &[i64; 5]),
}

const FLOAT: [&str; 3] = ["0.0", "arith.mulf", "arith.addf"];
const INTEGER: [&str; 3] = ["0", "arith.muli", "arith.addi"];

pub const SINGLES: Types = Types {
    stored: ["f32"; 3],
    widening: [""; 2],
    arithmetic: FLOAT,
    check: check::<f32, f32, f32>,
};

pub const DOUBLES: Types = Types {
    stored: ["f64"; 3],
    widening: [""; 2],
    arithmetic: FLOAT,
    check: check::<f64, f64, f64>,
};

pub const BFLOATS: Types = Types {
    stored: ["bf16", "bf16", "f32"],
    widening: ["arith.extf"; 2],
    arithmetic: FLOAT,
    check: check::<bf16, bf16, f32>,
};

pub const HALVES: Types = Types {
    stored: ["f16", "f16", "f32"],
    widening: ["arith.extf"; 2],
    arithmetic: FLOAT,
    check: check::<f16, f16, f32>,
};

pub const BYTES: Types = Types {
    stored: ["i8", "i8", "i32"],
    widening: ["arith.extsi"; 2],
    arithmetic: INTEGER,
    check: check::<i8, i8, i32>,
};

pub const MIXED_BYTES: Types = Types {
    stored: ["i8", "i8", "i32"],
    widening: ["arith.extui", "arith.extsi"],
    arithmetic: INTEGER,
    check: check::<u8, i8, i32>,
};

pub const UNSIGNED_BYTES: Types = Types {
    stored: ["i8", "i8", "i32"],
    widening: ["arith.extui"; 2],
    arithmetic: INTEGER,
    check: check::<u8, u8, i32>,
};

pub const INTEGERS: Types = Types {
    stored: ["i32", "i32", "i32"],
    widening: [""; 2],
    arithmetic: INTEGER,
    check: check::<i32, i32, i32>,
};

pub const LONG_INTEGERS: Types = Types {
    stored: ["i64", "i64", "i64"],
    widening: [""; 2],
    arithmetic: INTEGER,
    check: check::<i64, i64, i64>,
};

pub const MIXED: Types = Types {
    stored: ["f32", "i8", "f32"],
    widening: ["", "arith.sitofp"],
    arithmetic: FLOAT,
    check: check::<f32, Small, f32>,
};

/// All of those where something is widened or whole.
pub const WIDENED: &[&Types] = &[
    &BFLOATS,
    &HALVES,
    &BYTES,
    &MIXED_BYTES,
    &UNSIGNED_BYTES,
    &INTEGERS,
    &LONG_INTEGERS,
    &MIXED,
];

/// Bytes whose sums of products with numbers near 1 are near 1.
#[derive(Clone, Copy, PartialEq)]
pub struct Small(i8);

impl Number for Small {
    const EPSILON: f64 = 0.0;
    const UNWRITTEN: Self = Self(i8::MIN);
    fn of(x: f64) -> Self {
        Self((x * 2.9).round() as i8)
    }
    fn get(self) -> f64 {
        f64::from(self.0)
    }
}

/// A bf16 of a size, counted in 2ᴾ.
#[derive(Clone, Copy, PartialEq)]
pub struct Bfloat<const P: i32>(bf16);

/// An f32 of a size, counted in 2ᴾ.
#[derive(Clone, Copy, PartialEq)]
pub struct Single<const P: i32>(f32);

impl<const P: i32> Number for Bfloat<P> {
    const EPSILON: f64 = 0.0;
    const UNWRITTEN: Self = Self(bf16::NAN);
    fn of(x: f64) -> Self {
        Self(bf16::from_f64(x * 2f64.powi(P)))
    }
    fn get(self) -> f64 {
        self.0.to_f64() / 2f64.powi(P)
    }
}

impl<const P: i32> Number for Single<P> {
    // Of 2⁻¹⁴⁰, half of the least distance of two numbers, which is 2⁻¹⁴⁹.
    const EPSILON: f64 = match P {
        -140 => 1.0 / 1024.0,
        _ => f32::EPSILON as f64,
    };
    const UNWRITTEN: Self = Self(f32::NAN);
    fn of(x: f64) -> Self {
        Self((x * 2f64.powi(P)) as f32)
    }
    fn get(self) -> f64 {
        f64::from(self.0) / 2f64.powi(P)
    }
}

/// Of bf16 that are not subnormal, whose products are.
pub const SUBNORMAL_SUMS: Types = Types {
    check: check::<Bfloat<-70>, Bfloat<-70>, Single<-140>>,
    ..BFLOATS
};

/// Of bf16 that are subnormal on one side, and of products that are not.
pub const SUBNORMAL_FACTORS: Types = Types {
    check: check::<Bfloat<-129>, Bfloat<120>, Single<-9>>,
    ..BFLOATS
};
