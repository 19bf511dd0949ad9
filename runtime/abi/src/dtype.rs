//! The element types of the language, and what each is in C, NumPy and safetensors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// Truth value, one byte that is 0 or 1.
    Bool,
    /// Signed 8-bit integer.
    I8,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 8-bit integer.
    U8,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// IEEE half precision.
    F16,
    /// bfloat16.
    BF16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Random key: two `u32`, stored as a trailing axis of size 2.
    Key,
}

/// The text is no element type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDType(pub String);

impl fmt::Display for UnknownDType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no element type; there are ", self.0)?;
        for (i, dtype) in DType::ALL.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{dtype}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownDType {}

impl DType {
    /// Every element type.
    pub const ALL: [DType; 12] = [
        DType::Bool,
        DType::I8,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
        DType::Key,
    ];

    /// Those that tensors of the dialect have; a key is two `u32` there.
    pub const STORED: [DType; 11] = [
        DType::Bool,
        DType::I8,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
    ];

    /// The size of one element in bytes.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::I8 | DType::U8 => 1,
            DType::F16 | DType::BF16 => 2,
            DType::I32 | DType::U32 | DType::F32 => 4,
            DType::I64 | DType::U64 | DType::F64 | DType::Key => 8,
        }
    }

    /// What the address of an element must be a multiple of, in bytes.
    pub const fn align(self) -> usize {
        match self {
            DType::Key => 4,
            _ => self.size(),
        }
    }

    /// The name in DL.
    pub const fn dl_name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::I8 => "i8",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::U32 => "u32",
            DType::U64 => "u64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::Key => "key",
        }
    }

    /// The name of the type in MLIR that an element is stored as; a key is two of them.
    pub const fn mlir_name(self) -> &'static str {
        match self {
            DType::Bool => "i1",
            DType::I8 => "i8",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U8 => "ui8",
            DType::U32 | DType::Key => "ui32",
            DType::U64 => "ui64",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::F32 => "f32",
            DType::F64 => "f64",
        }
    }

    /// The element type that is called so in MLIR, if tensors have it.
    pub fn of_mlir_name(name: &str) -> Option<Self> {
        let mut all = Self::STORED.into_iter();
        all.find(|dtype| dtype.mlir_name() == name)
    }

    /// The C type that an element is stored as; a key is two of them.
    pub const fn c_name(self) -> &'static str {
        match self {
            DType::Bool | DType::U8 => "uint8_t",
            DType::I8 => "int8_t",
            DType::I32 => "int32_t",
            DType::I64 => "int64_t",
            DType::U32 | DType::Key => "uint32_t",
            DType::U64 => "uint64_t",
            DType::F16 | DType::BF16 => "uint16_t",
            DType::F32 => "float",
            DType::F64 => "double",
        }
    }

    /// The Rust type that an element is stored as; a key is two of them.
    pub const fn rust_name(self) -> &'static str {
        match self {
            DType::Bool | DType::U8 => "u8",
            DType::I8 => "i8",
            DType::I32 => "i32",
            DType::I64 => "i64",
            DType::U32 | DType::Key => "u32",
            DType::U64 => "u64",
            DType::F16 | DType::BF16 => "u16",
            DType::F32 => "f32",
            DType::F64 => "f64",
        }
    }

    /// The NumPy descriptor; bf16 has none of its own and is stored as two raw bytes.
    pub const fn numpy_descr(self) -> &'static str {
        match self {
            DType::Bool => "|b1",
            DType::I8 => "|i1",
            DType::U8 => "|u1",
            DType::I32 => "<i4",
            DType::I64 => "<i8",
            DType::U32 | DType::Key => "<u4",
            DType::U64 => "<u8",
            DType::F16 => "<f2",
            DType::BF16 => "|V2",
            DType::F32 => "<f4",
            DType::F64 => "<f8",
        }
    }

    /// How many stored numbers one element is: 2 for a key, 1 for the rest.
    pub const fn parts(self) -> usize {
        match self {
            DType::Key => 2,
            _ => 1,
        }
    }

    /// Whether this is a floating-point type.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }

    /// Whether this is an integer type.
    pub const fn is_integer(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    /// Whether this is a signed integer type.
    pub const fn is_signed(self) -> bool {
        matches!(self, DType::I8 | DType::I32 | DType::I64)
    }

    /// Whether this is an unsigned integer type.
    pub const fn is_unsigned(self) -> bool {
        matches!(self, DType::U8 | DType::U32 | DType::U64)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.dl_name())
    }
}

impl FromStr for DType {
    type Err = UnknownDType;
    fn from_str(text: &str) -> Result<Self, UnknownDType> {
        DType::ALL
            .into_iter()
            .find(|dtype| dtype.dl_name() == text)
            .ok_or_else(|| UnknownDType(text.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for dtype in DType::ALL {
            assert_eq!(dtype.dl_name().parse(), Ok(dtype));
            let json = serde_json::to_string(&dtype).unwrap();
            assert_eq!(json, format!("\"{dtype}\""));
        }
        let error = "f8".parse::<DType>().unwrap_err().to_string();
        assert!(error.starts_with("`f8` is no element type; there are bool, i8"));
    }

    #[test]
    fn each_type_is_of_one_kind() {
        for dtype in DType::ALL {
            let kinds = [dtype.is_float(), dtype.is_signed(), dtype.is_unsigned()];
            let other = matches!(dtype, DType::Bool | DType::Key);
            assert_eq!(
                kinds.iter().filter(|kind| **kind).count(),
                usize::from(!other)
            );
        }
    }
}
