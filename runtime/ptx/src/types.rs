//! The fundamental types of PTX.

/// A fundamental type, as it stands behind a dot: `.f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A truth value.
    Pred,
    /// Untyped bits.
    B(u32),
    /// An unsigned integer of so many bits.
    U(u32),
    /// A signed integer of so many bits.
    S(u32),
    /// Two integers of 16 bits with signs, the lower bits first.
    S16x2,
    /// The same without signs.
    U16x2,
    /// IEEE half precision.
    F16,
    /// Two of them, the lower bits first.
    F16x2,
    /// The upper half of an `f32`.
    Bf16,
    /// Two of them, the lower bits first.
    Bf16x2,
    /// An `f32` of which 10 bits of the fraction count.
    Tf32,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl Type {
    /// The type of a name without its dot.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pred" => Self::Pred,
            "s16x2" => Self::S16x2,
            "u16x2" => Self::U16x2,
            "f16" => Self::F16,
            "f16x2" => Self::F16x2,
            "bf16" => Self::Bf16,
            "bf16x2" => Self::Bf16x2,
            "tf32" => Self::Tf32,
            "f32" => Self::F32,
            "f64" => Self::F64,
            _ => {
                let bits = match name.get(1..)? {
                    "8" => 8,
                    "16" => 16,
                    "32" => 32,
                    "64" => 64,
                    "128" if name.starts_with('b') => 128,
                    _ => return None,
                };
                match name.as_bytes()[0] {
                    b'b' => Self::B(bits),
                    b'u' => Self::U(bits),
                    b's' => Self::S(bits),
                    _ => return None,
                }
            }
        })
    }

    /// How many bits a value has; 1 for a truth value.
    pub fn bits(self) -> u32 {
        match self {
            Self::Pred => 1,
            Self::B(bits) | Self::U(bits) | Self::S(bits) => bits,
            Self::F16 | Self::Bf16 => 16,
            Self::S16x2 | Self::U16x2 => 32,
            Self::F16x2 | Self::Bf16x2 | Self::Tf32 | Self::F32 => 32,
            Self::F64 => 64,
        }
    }

    /// How many bytes a value takes in memory.
    pub fn bytes(self) -> u64 {
        u64::from(self.bits().div_ceil(8))
    }

    /// Whether it is a signed integer.
    pub fn is_signed(self) -> bool {
        matches!(self, Self::S(_))
    }

    /// Whether it is an integer or untyped bits.
    pub fn is_integer(self) -> bool {
        matches!(self, Self::B(_) | Self::U(_) | Self::S(_))
    }
}

/// All bits below `bits`.
pub fn mask(bits: u32) -> u64 {
    if bits >= 64 {
        u64::MAX
    } else {
        (1 << bits) - 1
    }
}

/// The value of `bits` bits with its sign in all bits above.
pub fn sign_extend(value: u64, bits: u32) -> u64 {
    let unused = 64 - bits.min(64);
    ((value << unused) as i64 >> unused) as u64
}
