//! `.safetensors` files: named tensors behind a JSON header.

use std::borrow::Cow;

use ::safetensors::{Dtype, SafeTensors, View, serialize};
use dlc_abi::DType;

use crate::formats::Malformed;
use crate::tensor::Tensor;
use crate::tree::NamedTensors;

const RESAVE: &str = "save it again with safetensors.numpy.save_file";

/// Reads the tensors from the bytes of a file.
pub fn decode(bytes: &[u8]) -> Result<NamedTensors, Malformed> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| Malformed::new(format!("malformed .safetensors file: {error}"), RESAVE))?;
    let mut tensors = NamedTensors::new();
    for (name, view) in file.iter() {
        let dtype = from_safetensors(view.dtype()).ok_or_else(|| {
            Malformed::new(
                format!("tensor `{name}`: {:?} is not supported", view.dtype()),
                "convert it first; bool, 8, 32 and 64-bit integers and floats are known",
            )
        })?;
        tensors.insert(name, Tensor::from_bytes(dtype, view.shape(), view.data())?);
    }
    Ok(tensors)
}

fn from_safetensors(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::BOOL => DType::Bool,
        Dtype::I8 => DType::I8,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::U8,
        Dtype::U32 => DType::U32,
        Dtype::U64 => DType::U64,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        _ => return None,
    })
}

fn to_safetensors(dtype: DType) -> Dtype {
    match dtype {
        DType::Bool => Dtype::BOOL,
        DType::I8 => Dtype::I8,
        DType::I32 => Dtype::I32,
        DType::I64 => Dtype::I64,
        DType::U8 => Dtype::U8,
        DType::U32 | DType::Key => Dtype::U32,
        DType::U64 => Dtype::U64,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
    }
}

/// A tensor as the writer wants to see it.
struct Stored<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: &'a [u8],
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        self.bytes.into()
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The bytes of a file.
pub fn encode(tensors: &NamedTensors) -> Result<Vec<u8>, String> {
    let views = tensors.iter().map(|(name, tensor)| {
        let (dtype, shape) = tensor.stored_as();
        let stored = Stored {
            dtype: to_safetensors(dtype),
            shape,
            bytes: tensor.bytes(),
        };
        (name, stored)
    });
    serialize(views, None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> NamedTensors {
        let mut tensors: NamedTensors = DType::ALL
            .iter()
            .filter(|dtype| **dtype != DType::Key)
            .map(|&dtype| (dtype.to_string(), Tensor::full(dtype, &[3], 1.0).unwrap()))
            .collect();
        tensors.insert("scalar", Tensor::scalar(DType::F32, "2.5").unwrap());
        tensors.insert("empty", Tensor::zeros(DType::F32, &[0, 4]).unwrap());
        tensors
    }

    #[test]
    fn files_read_back_and_are_the_same_each_time() {
        let bytes = encode(&sample()).unwrap();
        assert_eq!(decode(&bytes).unwrap(), sample());
        assert_eq!(encode(&sample()).unwrap(), bytes);
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = encode(&sample()).unwrap();
        for len in 0..good.len() {
            assert!(decode(&good[..len]).is_err(), "first {len} bytes");
        }
        let with_header = |json: &str, data: usize| {
            let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(json.as_bytes());
            bytes.resize(bytes.len() + data, 0);
            bytes
        };
        for json in [
            r#"{"a":{"dtype":"F32","shape":[18446744073709551615,4],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
            r#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#,
            &"[".repeat(50_000),
        ] {
            assert!(decode(&with_header(json, 4)).is_err(), "{json:.80}");
        }
        let mut huge = u64::MAX.to_le_bytes().to_vec();
        huge.push(b'{');
        assert!(decode(&huge).is_err());
        let half = with_header(
            r#"{"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}"#,
            4,
        );
        assert!(
            decode(&half)
                .unwrap_err()
                .message
                .contains("tensor `a`: I16")
        );
    }
}
