//! The sizes that memory is given out in.

/// The least size, and what all are multiples of.
const LEAST: u64 = 512;
/// From here on sizes are eighths of powers of two.
const EIGHTHS: u64 = 4096;
/// More than any device has.
const MOST: u64 = 1 << 56;

/// The size for so many bytes; nothing for what no device has.
pub(super) fn size(bytes: u64) -> Option<u64> {
    match bytes {
        _ if bytes <= EIGHTHS => Some(bytes.max(1).next_multiple_of(LEAST)),
        _ if bytes <= MOST => Some(bytes.next_multiple_of(bytes.next_power_of_two() / 16)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_hold_the_bytes_and_waste_little() {
        for (bytes, expected) in [
            (0, 512),
            (1, 512),
            (512, 512),
            (513, 1024),
            (4096, 4096),
            (4097, 4608),
            (8192, 8192),
            (8193, 9216),
            (1 << 30, 1 << 30),
            ((1 << 30) + 1, (1 << 30) + (1 << 27)),
        ] {
            assert_eq!(size(bytes), Some(expected), "{bytes}");
        }
        assert_eq!(size(u64::MAX), None);
        for bytes in (4097..1 << 20).step_by(97) {
            let size = size(bytes).unwrap();
            assert!(size >= bytes && size.is_multiple_of(LEAST));
            assert!(size - bytes <= bytes / 8, "{bytes} in {size}");
            assert_eq!(super::size(size), Some(size), "a size is its own");
        }
    }
}
