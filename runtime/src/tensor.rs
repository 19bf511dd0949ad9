//! A dense tensor in C order.

use std::fmt::Write as _;

use dlc_abi::DType;
use half::{bf16, f16};

use crate::buffer::Buffer;
use crate::number::{parse_float, parse_integer, short_number};

/// A dense tensor of any element type, in C order, at a 64-byte aligned address.
///
/// A key has its own element type; its shape does not show the two numbers it is made of. A bool
/// is one byte, 0 or 1.
#[derive(Debug, Clone)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<usize>,
    data: Buffer,
}

/// Why there is no such tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// The size in bytes does not fit.
    #[error("{dtype}{shape:?} has more bytes than an address space")]
    Overflow {
        /// The element type.
        dtype: DType,
        /// The shape.
        shape: Vec<usize>,
    },
    /// There is no memory for it.
    #[error("no memory for {bytes} bytes of {dtype}{shape:?}")]
    Memory {
        /// The element type.
        dtype: DType,
        /// The shape.
        shape: Vec<usize>,
        /// Its size.
        bytes: usize,
    },
    /// The data has the wrong length.
    #[error("{dtype}{shape:?} has {expected} bytes, {actual} are given")]
    Length {
        /// The element type.
        dtype: DType,
        /// The shape.
        shape: Vec<usize>,
        /// Its size.
        expected: usize,
        /// The length of the data.
        actual: usize,
    },
    /// The elements are of another type.
    #[error("the tensor is {actual}, not {expected}")]
    DType {
        /// What was asked for.
        expected: DType,
        /// What it is.
        actual: DType,
    },
    /// A value does not fit the element type.
    #[error("{value} is no {dtype}")]
    Value {
        /// The element type.
        dtype: DType,
        /// The value as text.
        value: String,
    },
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that elements are stored as.
pub trait Element: sealed::Sealed + Copy + 'static {
    /// The element type it stands for.
    const DTYPE: DType;

    /// Whether elements of `dtype` are stored as this type.
    fn stores(dtype: DType) -> bool {
        dtype == Self::DTYPE
    }
}

macro_rules! element {
    ($($ty:ty => $dtype:ident $(| $also:ident)?),+ $(,)?) => {$(
        impl sealed::Sealed for $ty {}
        impl Element for $ty {
            const DTYPE: DType = DType::$dtype;
            $(fn stores(dtype: DType) -> bool {
                matches!(dtype, DType::$dtype | DType::$also)
            })?
        }
    )+};
}

element! {
    i8 => I8, i32 => I32, i64 => I64,
    u8 => U8 | Bool, u32 => U32 | Key, u64 => U64,
    f16 => F16, bf16 => BF16, f32 => F32, f64 => F64,
}

/// The size of a tensor in bytes; an error when it does not fit in an address space.
pub fn byte_size(dtype: DType, shape: &[usize]) -> Result<usize, TensorError> {
    // Zero extents are left out at first, so that `[0, 2^40, 2^40]` is refused as well: strides
    // over it would overflow.
    let extent = shape
        .iter()
        .filter(|&&size| size > 0)
        .try_fold(dtype.size(), |bytes, &size| bytes.checked_mul(size))
        .filter(|&bytes| bytes <= isize::MAX as usize);
    match extent {
        None => Err(TensorError::Overflow {
            dtype,
            shape: shape.to_vec(),
        }),
        Some(_) if shape.contains(&0) => Ok(0),
        Some(bytes) => Ok(bytes),
    }
}

impl Tensor {
    /// A tensor of zeros.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Result<Self, TensorError> {
        let bytes = byte_size(dtype, shape)?;
        let data = Buffer::zeroed(bytes).ok_or_else(|| TensorError::Memory {
            dtype,
            shape: shape.to_vec(),
            bytes,
        })?;
        Ok(Self {
            dtype,
            shape: shape.to_vec(),
            data,
        })
    }

    /// A tensor of little-endian bytes in C order. Any byte of a bool that is not 0 becomes 1.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: &[u8]) -> Result<Self, TensorError> {
        let expected = byte_size(dtype, shape)?;
        if bytes.len() != expected {
            return Err(TensorError::Length {
                dtype,
                shape: shape.to_vec(),
                expected,
                actual: bytes.len(),
            });
        }
        let mut tensor = Self::zeros(dtype, shape)?;
        tensor.data.bytes_mut().copy_from_slice(bytes);
        if dtype == DType::Bool {
            for byte in tensor.data.bytes_mut() {
                *byte = u8::from(*byte != 0);
            }
        }
        Ok(tensor)
    }

    /// A tensor of the given elements in C order.
    pub fn from_slice<T: Element>(shape: &[usize], values: &[T]) -> Result<Self, TensorError> {
        let mut tensor = Self::zeros(T::DTYPE, shape)?;
        let actual = std::mem::size_of_val(values);
        if actual != tensor.data.len() {
            return Err(TensorError::Length {
                dtype: T::DTYPE,
                shape: shape.to_vec(),
                expected: tensor.data.len(),
                actual,
            });
        }
        tensor.as_mut_slice::<T>()?.copy_from_slice(values);
        Ok(tensor)
    }

    /// A tensor with every element `value`; an error when `value` is none of `dtype`.
    pub fn full(dtype: DType, shape: &[usize], value: f64) -> Result<Self, TensorError> {
        let mut tensor = Self::zeros(dtype, shape)?;
        tensor.fill_with(|| value)?;
        Ok(tensor)
    }

    /// A scalar from its literal in DL (`0.1`, `3`, `true`, `inf`), exactly, or an error when it
    /// is none of `dtype`.
    pub fn scalar(dtype: DType, literal: &str) -> Result<Self, TensorError> {
        let bad = || TensorError::Value {
            dtype,
            value: literal.to_string(),
        };
        let text = literal.replace('_', "");
        macro_rules! parse {
            ($ty:ty) => {
                Tensor::from_slice::<$ty>(
                    &[],
                    &[parse_integer(&text)
                        .and_then(|value| <$ty>::try_from(value).ok())
                        .ok_or_else(bad)?],
                )
            };
        }
        let float = || parse_float(&text).ok_or_else(bad);
        match dtype {
            DType::Bool => match text.as_str() {
                "true" => Self::from_bytes(dtype, &[], &[1]),
                "false" => Self::from_bytes(dtype, &[], &[0]),
                _ => Err(bad()),
            },
            DType::I8 => parse!(i8),
            DType::I32 => parse!(i32),
            DType::I64 => parse!(i64),
            DType::U8 => parse!(u8),
            DType::U32 => parse!(u32),
            DType::U64 => parse!(u64),
            DType::F16 => Self::from_slice(&[], &[f16::from_f64(float()?)]),
            DType::BF16 => Self::from_slice(&[], &[bf16::from_f64(float()?)]),
            // Through the type's own parser, to round once.
            DType::F32 => {
                let value = float()?;
                Self::from_slice(&[], &[text.parse().unwrap_or(value as f32)])
            }
            DType::F64 => Self::from_slice(&[], &[float()?]),
            DType::Key => Err(bad()),
        }
    }

    /// The key that `jax.random.key(seed)` gives.
    pub fn key(seed: u64) -> Self {
        let mut tensor =
            Self::zeros(DType::Key, &[]).expect("eight bytes can be allocated and fit");
        let words = [(seed >> 32) as u32, seed as u32];
        tensor
            .as_mut_slice::<u32>()
            .expect("a key is stored as u32")
            .copy_from_slice(&words);
        tensor
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The size of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.data.len() / self.dtype.size()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, little-endian, in C order.
    pub fn bytes(&self) -> &[u8] {
        self.data.bytes()
    }

    /// The bytes, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.data.bytes_mut()
    }

    /// The address of the first element; not null even when there is none.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.data.as_mut_ptr()
    }

    /// The stored numbers; a key is two of them.
    pub fn as_slice<T: Element>(&self) -> Result<&[T], TensorError> {
        self.check_element::<T>()?;
        let bytes = self.data.bytes();
        // SAFETY: the buffer is 64-byte aligned, its length is a multiple of the element size,
        // and every bit pattern is a value of the sealed `Element` types.
        Ok(unsafe {
            std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len() / size_of::<T>())
        })
    }

    /// The stored numbers, to write; a key is two of them.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T], TensorError> {
        self.check_element::<T>()?;
        let bytes = self.data.bytes_mut();
        // SAFETY: as in `as_slice`, and `self` is borrowed for writing.
        Ok(unsafe {
            std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), bytes.len() / size_of::<T>())
        })
    }

    fn check_element<T: Element>(&self) -> Result<(), TensorError> {
        if T::stores(self.dtype) {
            return Ok(());
        }
        Err(TensorError::DType {
            expected: T::DTYPE,
            actual: self.dtype,
        })
    }

    /// The elements as `f64`, rounded where they don't fit; a key as its two words.
    pub fn to_f64(&self) -> Vec<f64> {
        macro_rules! convert {
            ($ty:ty, $to:expr) => {
                self.as_slice::<$ty>()
                    .expect("the match arm fits the element type")
                    .iter()
                    .map($to)
                    .collect()
            };
        }
        match self.dtype {
            DType::Bool | DType::U8 => convert!(u8, |&v| f64::from(v)),
            DType::I8 => convert!(i8, |&v| f64::from(v)),
            DType::I32 => convert!(i32, |&v| f64::from(v)),
            DType::I64 => convert!(i64, |&v| v as f64),
            DType::U32 | DType::Key => convert!(u32, |&v| f64::from(v)),
            DType::U64 => convert!(u64, |&v| v as f64),
            DType::F16 => convert!(f16, |v| v.to_f64()),
            DType::BF16 => convert!(bf16, |v| v.to_f64()),
            DType::F32 => convert!(f32, |&v| f64::from(v)),
            DType::F64 => convert!(f64, |&v| v),
        }
    }

    /// Fills the tensor in order; an error when a value is none of the element type.
    pub fn fill_with(&mut self, mut next: impl FnMut() -> f64) -> Result<(), TensorError> {
        let dtype = self.dtype;
        let bad = |value: f64| TensorError::Value {
            dtype,
            value: value.to_string(),
        };
        macro_rules! floats {
            ($ty:ty, $from:expr) => {
                for slot in self.as_mut_slice::<$ty>()? {
                    *slot = $from(next());
                }
            };
        }
        macro_rules! integers {
            ($ty:ty) => {
                for slot in self.as_mut_slice::<$ty>()? {
                    let value = next();
                    *slot = value as $ty;
                    if *slot as f64 != value {
                        return Err(bad(value));
                    }
                }
            };
        }
        match dtype {
            DType::F16 => floats!(f16, f16::from_f64),
            DType::BF16 => floats!(bf16, bf16::from_f64),
            DType::F32 => floats!(f32, |value| value as f32),
            DType::F64 => floats!(f64, |value| value),
            DType::I8 => integers!(i8),
            DType::I32 => integers!(i32),
            DType::I64 => integers!(i64),
            DType::U8 => integers!(u8),
            DType::U32 => integers!(u32),
            DType::U64 => integers!(u64),
            DType::Bool => {
                for slot in self.as_mut_slice::<u8>()? {
                    *slot = match next() {
                        0.0 => 0,
                        1.0 => 1,
                        value => return Err(bad(value)),
                    };
                }
            }
            DType::Key => return Err(bad(next())),
        }
        Ok(())
    }

    /// The same numbers as keys, when they are `u32` with a last axis of 2.
    pub fn into_keys(mut self) -> Result<Self, Self> {
        if self.dtype != DType::U32 || self.shape.last() != Some(&2) {
            return Err(self);
        }
        self.shape.pop();
        self.dtype = DType::Key;
        Ok(self)
    }

    /// The element type and shape of the numbers as files hold them: keys as `u32` with a last
    /// axis of 2.
    pub fn stored_as(&self) -> (DType, Vec<usize>) {
        let mut shape = self.shape.clone();
        if self.dtype == DType::Key {
            shape.push(2);
            return (DType::U32, shape);
        }
        (self.dtype, shape)
    }

    /// `f32[8, 10]`, `f32` for a scalar.
    pub fn type_text(&self) -> String {
        type_text(self.dtype, &self.shape)
    }

    /// One line for a person: type, mean, first values.
    pub fn summary(&self) -> String {
        const SHOWN: usize = 6;
        let mut text = self.type_text();
        let values: Vec<String> = self.first_values(SHOWN);
        if self.shape.is_empty() {
            let _ = write!(text, " = {}", values.join(" "));
            return text;
        }
        if self.is_empty() {
            text += " empty";
            return text;
        }
        if self.dtype != DType::Key {
            let numbers = self.to_f64();
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            let _ = write!(text, "  mean {}", short_number(mean));
        }
        let more = if self.len() > SHOWN { " …" } else { "" };
        let _ = write!(text, "  first values {}{more}", values.join(" "));
        text
    }

    fn first_values(&self, count: usize) -> Vec<String> {
        let shown = 0..count.min(self.len());
        match self.dtype {
            DType::F16 | DType::BF16 | DType::F32 | DType::F64 => {
                let numbers = self.to_f64();
                shown.map(|i| short_number(numbers[i])).collect()
            }
            _ => shown.map(|i| self.element_text(i)).collect(),
        }
    }

    /// The element at a position in C order, with as many digits as tell it from others of its type.
    pub fn element_text(&self, position: usize) -> String {
        macro_rules! exact {
            ($ty:ty) => {
                self.as_slice::<$ty>()
                    .expect("the match arm fits the element type")[position]
                    .to_string()
            };
        }
        match self.dtype {
            DType::Bool => (self.bytes()[position] != 0).to_string(),
            DType::Key => {
                let words = self.as_slice::<u32>().expect("a key is stored as u32");
                let (first, second) = (words[2 * position], words[2 * position + 1]);
                format!("{first:08x}:{second:08x}")
            }
            DType::I8 => exact!(i8),
            DType::I32 => exact!(i32),
            DType::I64 => exact!(i64),
            DType::U8 => exact!(u8),
            DType::U32 => exact!(u32),
            DType::U64 => exact!(u64),
            DType::F16 => exact!(half::f16),
            DType::BF16 => exact!(half::bf16),
            DType::F32 => exact!(f32),
            DType::F64 => exact!(f64),
        }
    }
}

impl PartialEq for Tensor {
    /// Equal type, shape and bits.
    fn eq(&self, other: &Self) -> bool {
        self.dtype == other.dtype && self.shape == other.shape && self.bytes() == other.bytes()
    }
}

/// `f32[8, 10]`, `f32` for a scalar.
pub fn type_text(dtype: DType, shape: &[usize]) -> String {
    if shape.is_empty() {
        dtype.to_string()
    } else {
        format!("{dtype}{shape:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        assert_eq!(byte_size(DType::F32, &[2, 3]), Ok(24));
        assert_eq!(byte_size(DType::Key, &[2]), Ok(16));
        assert_eq!(byte_size(DType::F32, &[0, 5]), Ok(0));
        for shape in [&[usize::MAX, 2][..], &[1 << 62], &[0, 1 << 40, 1 << 40]] {
            assert!(matches!(
                byte_size(DType::F32, shape),
                Err(TensorError::Overflow { .. })
            ));
        }
        assert!(matches!(
            Tensor::zeros(DType::F64, &[1 << 59]),
            Err(TensorError::Memory { .. })
        ));
    }

    #[test]
    fn slices_are_typed() {
        let mut tensor = Tensor::from_slice(&[2, 2], &[1.0f32, 2.0, 3.0, 4.0]).unwrap();
        tensor.as_mut_slice::<f32>().unwrap()[3] = 5.0;
        assert_eq!(tensor.to_f64(), [1.0, 2.0, 3.0, 5.0]);
        assert!(tensor.as_slice::<f64>().is_err());
        assert!(Tensor::from_slice(&[3], &[1i32]).is_err());
        assert!(Tensor::from_bytes(DType::I32, &[2], &[0; 7]).is_err());
        let bools = Tensor::from_bytes(DType::Bool, &[3], &[0, 1, 255]).unwrap();
        assert_eq!(bools.as_slice::<u8>().unwrap(), [0, 1, 1]);
    }

    #[test]
    fn literals_are_exact() {
        let scalar = |dtype, text| Tensor::scalar(dtype, text);
        assert_eq!(
            scalar(DType::F32, "0.1").unwrap().to_f64(),
            [f64::from(0.1f32)]
        );
        assert_eq!(scalar(DType::F64, "3").unwrap().to_f64(), [3.0]);
        assert_eq!(
            scalar(DType::F32, "-inf").unwrap().to_f64(),
            [f64::NEG_INFINITY]
        );
        assert_eq!(scalar(DType::I8, "-128").unwrap().to_f64(), [-128.0]);
        let big = scalar(DType::U64, "18446744073709551615").unwrap();
        assert_eq!(big.as_slice::<u64>().unwrap(), [u64::MAX]);
        assert_eq!(scalar(DType::I32, "0x1f").unwrap().to_f64(), [31.0]);
        assert_eq!(scalar(DType::I32, "1_000").unwrap().to_f64(), [1000.0]);
        assert_eq!(scalar(DType::Bool, "true").unwrap().to_f64(), [1.0]);
        for (dtype, text) in [
            (DType::I8, "128"),
            (DType::U8, "-1"),
            (DType::I32, "0.5"),
            (DType::Bool, "1"),
            (DType::F32, "true"),
            (DType::F32, "infinity"),
            (DType::F32, ""),
            (DType::Key, "3"),
            (DType::I32, "--3"),
        ] {
            assert!(scalar(dtype, text).is_err(), "{text} as {dtype}");
        }
    }

    #[test]
    fn filling_checks_each_value() {
        for dtype in DType::ALL {
            let ones = Tensor::full(dtype, &[3], 1.0);
            assert_eq!(ones.is_ok(), dtype != DType::Key, "{dtype}");
        }
        assert!(Tensor::full(DType::I32, &[1], 0.5).is_err());
        assert!(Tensor::full(DType::U8, &[1], 256.0).is_err());
        assert!(Tensor::full(DType::Bool, &[1], 2.0).is_err());
    }

    #[test]
    fn keys_are_those_of_jax() {
        let key = Tensor::key(42);
        assert_eq!(key.as_slice::<u32>().unwrap(), [0, 42]);
        assert_eq!(key.stored_as(), (DType::U32, vec![2]));
        let words = Tensor::from_slice(&[3, 2], &[0u32, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!(words.into_keys().unwrap().shape(), [3]);
        assert!(
            Tensor::zeros(DType::U32, &[3])
                .unwrap()
                .into_keys()
                .is_err()
        );
    }

    #[test]
    fn summaries() {
        let x = Tensor::from_slice(&[2, 4], &[0.5f32; 8]).unwrap();
        assert_eq!(
            x.summary(),
            "f32[2, 4]  mean 0.5  first values 0.5 0.5 0.5 0.5 0.5 0.5 …"
        );
        let scalar = Tensor::scalar(DType::F32, "2.345678901").unwrap();
        assert_eq!(scalar.summary(), "f32 = 2.34568");
        let empty = Tensor::zeros(DType::I32, &[0, 3]).unwrap();
        assert_eq!(empty.summary(), "i32[0, 3] empty");
        assert_eq!(Tensor::key(42).summary(), "key = 00000000:0000002a");
        assert_eq!(scalar.element_text(0), "2.3456788");
        let flag = Tensor::scalar(DType::Bool, "false").unwrap();
        assert_eq!(flag.element_text(0), "false");
    }
}
