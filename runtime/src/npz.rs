//! NumPy's `.npz` archives: zip files of `.npy` files.

use std::io::{Cursor, Read, Write};

use npyz::npz::{NpzArchive, NpzWriter, array_name_from_file_name, file_name_from_array_name};
use npyz::zip::{CompressionMethod, DateTime, write::FileOptions};

use crate::formats::Malformed;
use crate::npy;
use crate::tree::NamedTensors;

const RESAVE: &str = "save it again with numpy.savez";

/// How many bytes an archive may unpack to, beyond a hundred times its own size.
const UNPACKED_ANYWAY: u64 = 1 << 30;

/// Reads the tensors from the bytes of a file.
pub fn decode(bytes: &[u8]) -> Result<NamedTensors, Malformed> {
    let malformed = |error: &dyn std::fmt::Display| {
        Malformed::new(format!("malformed .npz archive: {error}"), RESAVE)
    };
    if bytes.starts_with(b"\x93NUMPY") {
        return Err(Malformed::new(
            "a .npy file with the extension .npz",
            "rename it, or save it with numpy.savez",
        ));
    }
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(|error| malformed(&error))?;
    let zip = archive.zip_archive();
    let mut budget = UNPACKED_ANYWAY.max(100 * bytes.len() as u64);
    let mut tensors = NamedTensors::new();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|error| malformed(&error))?;
        let Some(name) = array_name_from_file_name(entry.name()).map(str::to_string) else {
            continue;
        };
        let mut content = Vec::new();
        let read = entry.take(budget + 1).read_to_end(&mut content);
        let read = read.map_err(|error| malformed(&format_args!("{name}: {error}")))? as u64;
        budget = budget.checked_sub(read).ok_or_else(|| {
            Malformed::new(
                "the archive unpacks to more than a hundred times its size",
                RESAVE,
            )
        })?;
        let tensor = npy::decode(&content).map_err(|error| Malformed {
            message: format!("array `{name}`: {}", error.message),
            ..error
        })?;
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(Malformed::new(format!("two arrays named `{name}`"), RESAVE));
        }
    }
    Ok(tensors)
}

/// The bytes of a file; the same tensors always give the same bytes.
pub fn encode(tensors: &NamedTensors) -> Result<Vec<u8>, String> {
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = NpzWriter::new(&mut bytes);
    let zip = writer.zip_writer();
    for (name, tensor) in tensors.iter() {
        let content = npy::encode(tensor);
        let options = FileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(content.len() >= u32::MAX as usize);
        zip.start_file(file_name_from_array_name(name), options)
            .map_err(|error| error.to_string())?;
        zip.write_all(&content).map_err(|error| error.to_string())?;
    }
    zip.finish().map_err(|error| error.to_string())?;
    drop(writer);
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;
    use dlc_abi::DType;

    fn sample() -> NamedTensors {
        DType::ALL
            .iter()
            .filter(|dtype| **dtype != DType::Key)
            .map(|&dtype| {
                (
                    format!("blocks.0.{dtype}"),
                    Tensor::full(dtype, &[2, 3], 1.0),
                )
            })
            .map(|(name, tensor)| (name, tensor.unwrap()))
            .collect()
    }

    #[test]
    fn archives_read_back_and_are_the_same_each_time() {
        let bytes = encode(&sample()).unwrap();
        assert_eq!(decode(&bytes).unwrap(), sample());
        assert_eq!(encode(&sample()).unwrap(), bytes);
        assert!(
            decode(&encode(&NamedTensors::new()).unwrap())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn damaged_archives_are_refused() {
        let good = encode(&sample()).unwrap();
        for len in (0..good.len()).step_by(7) {
            assert!(decode(&good[..len]).is_err(), "first {len} bytes");
        }
        // A changed byte of data fails the archive's checksum.
        let data = good
            .windows(4)
            .position(|w| w == 1.0f32.to_le_bytes())
            .unwrap();
        let mut changed = good.clone();
        changed[data] ^= 1;
        assert!(
            decode(&changed)
                .unwrap_err()
                .message
                .contains("malformed .npz")
        );
        let npy = npy::encode(&Tensor::zeros(DType::F32, &[]).unwrap());
        assert!(decode(&npy).unwrap_err().message.contains(".npy file with"));
    }

    #[test]
    fn a_bad_array_is_named() {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = NpzWriter::new(&mut bytes);
        let zip = writer.zip_writer();
        zip.start_file("w1.npy", FileOptions::default()).unwrap();
        zip.write_all(b"junk").unwrap();
        zip.finish().unwrap();
        drop(writer);
        let error = decode(bytes.get_ref()).unwrap_err();
        assert_eq!(error.message, "array `w1`: not a .npy file");
    }

    #[test]
    fn bombs_are_refused() {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = NpzWriter::new(&mut bytes);
        let zip = writer.zip_writer();
        zip.start_file("a.npy", FileOptions::default()).unwrap();
        let zeros = vec![0u8; 1 << 24];
        for _ in 0..65 {
            zip.write_all(&zeros).unwrap();
        }
        zip.finish().unwrap();
        drop(writer);
        let error = decode(bytes.get_ref()).unwrap_err();
        assert!(error.message.contains("hundred times"), "{error:?}");
    }
}
