//! Event files of TensorBoard, with scalars: records of TensorFlow, each an `Event` in protocol buffers.
//!
//! A record is its length, a checksum of that, the bytes, and a checksum of these; a checksum is CRC-32C, turned by 15 bits
//! and moved by a constant, all little-endian.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::Message;

/// What readers expect of the first record.
const VERSION: &str = "brain.Event:2";
/// What checksums are moved by.
const MASK: u32 = 0xa282_ead8;

/// `tensorflow.Event`, as far as scalars need it.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, tag = "2")]
    simple_value: f32,
}

/// The scalars of a run, step by step.
#[derive(Debug, Default)]
pub struct Events {
    bytes: Vec<u8>,
    begin: Duration,
}

impl Events {
    /// None yet.
    pub fn new() -> Self {
        let begin = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut events = Self {
            bytes: vec![],
            begin: begin.unwrap_or_default(),
        };
        events.record(&Event {
            wall_time: events.begin.as_secs_f64(),
            step: 0,
            file_version: Some(VERSION.to_string()),
            summary: None,
        });
        events
    }

    /// Adds scalars by their names, which were there so long after the beginning.
    pub fn add(&mut self, step: u64, after: Duration, scalars: &[(String, f64)]) {
        let value = |(tag, value): &(String, f64)| Value {
            tag: tag.clone(),
            simple_value: *value as f32,
        };
        self.record(&Event {
            wall_time: (self.begin + after).as_secs_f64(),
            step: i64::try_from(step).unwrap_or(i64::MAX),
            file_version: None,
            summary: Some(Summary {
                value: scalars.iter().map(value).collect(),
            }),
        });
    }

    fn record(&mut self, event: &Event) {
        let data = event.encode_to_vec();
        let length = (data.len() as u64).to_le_bytes();
        for part in [&length[..], &data] {
            self.bytes.extend(part);
            self.bytes.extend(checksum(part).to_le_bytes());
        }
    }

    /// Writes a file of a new name into a folder, which is made if need be, and gives its path.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let (seconds, nanoseconds) = (self.begin.as_secs(), self.begin.subsec_nanos());
        // TensorBoard knows event files by this word, and takes them in the order of their names.
        let name = format!("events.out.tfevents.{seconds:010}.dlc.{nanoseconds:09}");
        let path = folder.join(name);
        std::fs::write(&path, &self.bytes)?;
        Ok(path)
    }
}

/// The checksum of some bytes.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of a message: its number, and its bytes or number.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut found = vec![];
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let length = match key & 7 {
                0 => {
                    let value = varint(&mut bytes);
                    found.push((key >> 3, value.to_le_bytes().to_vec()));
                    continue;
                }
                1 => 8,
                2 => varint(&mut bytes) as usize,
                5 => 4,
                other => panic!("wire type {other}"),
            };
            let (value, rest) = bytes.split_at(length);
            found.push((key >> 3, value.to_vec()));
            bytes = rest;
        }
        found
    }

    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }

    /// CRC-32C by the polynomial, bit by bit.
    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = !0u32;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
            }
        }
        !crc
    }

    #[test]
    fn records_are_read_back() {
        let mut events = Events::new();
        let scalars = [("out".to_string(), 2.5), ("s.step".to_string(), -1.0)];
        events.add(300, Duration::from_millis(1500), &scalars);
        let folder = tempfile::tempdir().unwrap();
        let path = events.write(&folder.path().join("a/b")).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("events.out.tfevents."), "{name}");
        let bytes = std::fs::read(path).unwrap();
        let mut rest = &bytes[..];
        let mut records = vec![];
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            for part in [0..8, 12..12 + length] {
                let stored = &rest[part.end..part.end + 4];
                let crc = crc(&rest[part]);
                let masked = crc.rotate_right(15).wrapping_add(0xa282_ead8);
                assert_eq!(stored, masked.to_le_bytes());
            }
            records.push(fields(&rest[12..12 + length]));
            rest = &rest[16 + length..];
        }
        assert_eq!(records.len(), 2);
        assert!(records[0].contains(&(3, b"brain.Event:2".to_vec())));
        let time = |record: &[(u64, Vec<u8>)]| {
            f64::from_le_bytes(record[0].1.as_slice().try_into().unwrap())
        };
        assert!((time(&records[1]) - time(&records[0]) - 1.5).abs() < 1e-6);
        assert_eq!(records[1][1], (2, 300u64.to_le_bytes().to_vec()));
        let values: Vec<_> = fields(&records[1][2].1)
            .iter()
            .map(|(_, value)| fields(value))
            .collect();
        assert_eq!(values[0][0], (1, b"out".to_vec()));
        assert_eq!(values[0][1], (2, 2.5f32.to_le_bytes().to_vec()));
        assert_eq!(values[1][0], (1, b"s.step".to_vec()));
        assert_eq!(values[1][1], (2, (-1f32).to_le_bytes().to_vec()));
    }
}
