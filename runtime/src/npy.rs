//! NumPy's `.npy` files.

use dlc_abi::DType;
use npyz::{Endianness, Order, TypeChar, WriterBuilder};

use crate::formats::Malformed;
use crate::tensor::Tensor;

/// How long a header may be; NumPy's own are below 200 bytes.
const MAX_HEADER: usize = 64 * 1024;

const RESAVE: &str = "save it again with numpy.save";

/// Reads a tensor from the bytes of a file.
pub fn decode(bytes: &[u8]) -> Result<Tensor, Malformed> {
    check_header(bytes)?;
    let mut rest = bytes;
    let header = npyz::NpyHeader::from_reader(&mut rest)
        .map_err(|error| Malformed::new(format!("malformed .npy header: {error}"), RESAVE))?;
    let (dtype, endianness) = element_type(&header.dtype())?;
    let mut shape = Vec::with_capacity(header.shape().len());
    for &size in header.shape() {
        let size = usize::try_from(size);
        shape.push(size.map_err(|_| Malformed::new("an axis is too long", RESAVE))?);
    }
    let expected = crate::tensor::byte_size(dtype, &shape)?;
    if rest.len() != expected {
        let how = if rest.len() < expected {
            "truncated"
        } else {
            "too long"
        };
        let message = format!(
            "{how} .npy file: {} has {expected} bytes of data, the file holds {}",
            crate::tensor::type_text(dtype, &shape),
            rest.len()
        );
        return Err(Malformed::new(message, RESAVE));
    }
    let mut data = std::borrow::Cow::Borrowed(rest);
    if endianness == Endianness::Big {
        for element in data.to_mut().chunks_exact_mut(dtype.size()) {
            element.reverse();
        }
    }
    if header.order() == Order::Fortran && shape.len() > 1 {
        data = to_c_order(&data, &shape, dtype.size()).into();
    }
    Ok(Tensor::from_bytes(dtype, &shape, &data)?)
}

/// Checks what the header's reader takes on trust: its length, its nesting, and that the product
/// of its numbers (a bound on every size computed from them) fits.
fn check_header(bytes: &[u8]) -> Result<(), Malformed> {
    const MAGIC: &[u8] = b"\x93NUMPY";
    let truncated = || Malformed::new("truncated .npy header", RESAVE);
    if !bytes.starts_with(MAGIC) {
        return Err(Malformed::new("not a .npy file", RESAVE));
    }
    let (start, len) = match bytes.get(6).ok_or_else(truncated)? {
        1 => {
            let field = bytes.get(8..10).ok_or_else(truncated)?;
            (10, usize::from(u16::from_le_bytes([field[0], field[1]])))
        }
        _ => {
            let field = bytes.get(8..12).ok_or_else(truncated)?;
            let len = u32::from_le_bytes([field[0], field[1], field[2], field[3]]);
            (12, usize::try_from(len).map_err(|_| truncated())?)
        }
    };
    if len > MAX_HEADER {
        return Err(Malformed::new("the .npy header is too long", RESAVE));
    }
    let text = bytes.get(start..start + len).ok_or_else(truncated)?;
    let mut depth = 0usize;
    let mut product = 1u64;
    for part in text.chunk_by(|a, b| a.is_ascii_digit() && b.is_ascii_digit()) {
        match part[0] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => {
                let number = std::str::from_utf8(part).ok().and_then(|t| t.parse().ok());
                product = number
                    .and_then(|number: u64| product.checked_mul(number.max(1)))
                    .ok_or_else(|| {
                        Malformed::new("the shape in the .npy header overflows", RESAVE)
                    })?;
            }
            _ => {}
        }
        if depth > 8 {
            return Err(Malformed::new("the .npy header nests too deep", RESAVE));
        }
    }
    Ok(())
}

fn element_type(dtype: &npyz::DType) -> Result<(DType, Endianness), Malformed> {
    const HELP: &str = "convert it with .astype first; bool, int8/32/64, uint8/32/64 and \
                        float16/32/64 are known";
    let npyz::DType::Plain(ty) = dtype else {
        return Err(Malformed::new("a structured array is no tensor", HELP));
    };
    let dtype = match (ty.type_char(), ty.size_field()) {
        (TypeChar::Bool, 1) => DType::Bool,
        (TypeChar::Int, 1) => DType::I8,
        (TypeChar::Int, 4) => DType::I32,
        (TypeChar::Int, 8) => DType::I64,
        (TypeChar::Uint, 1) => DType::U8,
        (TypeChar::Uint, 4) => DType::U32,
        (TypeChar::Uint, 8) => DType::U64,
        (TypeChar::Float, 2) => DType::F16,
        (TypeChar::Float, 4) => DType::F32,
        (TypeChar::Float, 8) => DType::F64,
        // NumPy has no bfloat16; ml_dtypes saves it as two raw bytes.
        (TypeChar::RawData, 2) => DType::BF16,
        _ => {
            let message = format!("arrays of {} are not supported", dtype.descr());
            return Err(Malformed::new(message, HELP));
        }
    };
    Ok((dtype, ty.endianness()))
}

/// The elements of a column-major array in row-major order.
fn to_c_order(data: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut ordered = Vec::with_capacity(data.len());
    let mut index = vec![0usize; shape.len()];
    let mut strides = vec![size; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    for _ in 0..data.len() / size {
        let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
        ordered.extend_from_slice(&data[at..at + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    ordered
}

/// The bytes of a file.
pub fn encode(tensor: &Tensor) -> Vec<u8> {
    let (dtype, shape) = tensor.stored_as();
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let descr = dtype.numpy_descr().parse();
    let header = npyz::DType::Plain(descr.expect("our NumPy descriptors are well formed"));
    let mut bytes = Vec::new();
    npyz::WriteOptions::new_header_only()
        .dtype(header)
        .shape(&shape)
        .writer(&mut bytes)
        .write_header_only()
        .expect("writing to memory does not fail");
    bytes.extend_from_slice(tensor.bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&u16::try_from(header.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    fn message(bytes: &[u8]) -> String {
        decode(bytes).unwrap_err().message
    }

    #[test]
    fn every_type_reads_back() {
        for dtype in DType::ALL {
            for shape in [&[][..], &[3], &[2, 0], &[2, 3]] {
                let mut tensor = Tensor::zeros(dtype, shape).unwrap();
                if let Some(byte) = tensor.bytes_mut().first_mut() {
                    *byte = 1;
                }
                let mut back = decode(&encode(&tensor)).unwrap();
                if dtype == DType::Key {
                    back = back.into_keys().unwrap();
                }
                assert_eq!(back, tensor, "{dtype}{shape:?}");
            }
        }
    }

    #[test]
    fn numpy_layouts_are_read() {
        let fortran = file(
            "{'descr': '>i4', 'fortran_order': True, 'shape': (2, 3), }\n",
            &[
                0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 6,
            ],
        );
        let tensor = decode(&fortran).unwrap();
        assert_eq!(tensor.as_slice::<i32>().unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(tensor.shape(), [2, 3]);
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = encode(&Tensor::zeros(DType::F32, &[4, 4]).unwrap());
        for len in 0..good.len() {
            assert!(decode(&good[..len]).is_err(), "first {len} bytes");
        }
        let mut long = good.clone();
        long.push(0);
        assert!(message(&long).starts_with("too long .npy file"));
        assert_eq!(
            message(&good[..good.len() - 4]),
            "truncated .npy file: f32[4, 4] has 64 bytes of data, the file holds 60"
        );
        assert_eq!(message(b"PK\x03\x04"), "not a .npy file");
    }

    #[test]
    fn hostile_headers_are_refused() {
        let shape = |shape: &str| {
            file(
                &format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n"),
                &[],
            )
        };
        for text in [
            "(4294967296, 4294967296)",
            "(18446744073709551616,)",
            "(0, 9223372036854775807, 9223372036854775807)",
            "(99999999999999999999999999,)",
        ] {
            assert_eq!(
                message(&shape(text)),
                "the shape in the .npy header overflows"
            );
        }
        assert!(message(&shape("(4611686018427387904,)")).contains("overflows"));
        assert!(message(&shape("(-1,)")).contains("negative"));
        assert!(message(&shape("'x'")).contains("malformed"));
        assert!(message(&shape(&"(".repeat(9000))).contains("nests too deep"));
        let mut huge = b"\x93NUMPY\x02\x00".to_vec();
        huge.extend_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(message(&huge), "the .npy header is too long");
        assert!(decode(b"\x93NUMPY\x09\x00\x00\x00\x00\x00").is_err());
    }

    #[test]
    fn other_types_are_named() {
        for descr in ["'|O'", "'<c8'", "'<i2'", "'<M8[ns]'", "[('a', '<f4')]"] {
            let bytes = file(
                &format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (), }}\n"),
                &[0; 8],
            );
            let error = decode(&bytes).unwrap_err();
            assert!(error.help.starts_with("convert it"), "{descr}: {error:?}");
        }
    }
}
