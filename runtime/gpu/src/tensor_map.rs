//! The limits of tensor maps, which the driver keeps without saying which one.

use dlc_abi::device::{TENSOR_MAP_RANK, TensorMap};

use crate::device::Capability;
use crate::error::GpuError;

/// The first capability whose devices read tensors by maps.
const FIRST: Capability = Capability(90);

/// Bytes of an element, by its number in `CUtensorMapDataType`.
const ELEMENT_BYTES: [i64; 13] = [1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4];

/// Checks all that `cuTensorMapEncodeTiled` asks for, as the CUDA driver's reference lists it.
///
/// # Errors
/// [`GpuError::Argument`] names the first limit that is not kept.
pub(crate) fn check(how: &TensorMap, device: Capability) -> Result<(), GpuError> {
    if device < FIRST {
        return Err(GpuError::Argument(format!(
            "a tensor map, which compute capability {device} has not"
        )));
    }
    checked(how).map_err(|message| GpuError::Argument(format!("a tensor map of {message}")))
}

fn checked(how: &TensorMap) -> Result<(), String> {
    let bytes = usize::try_from(how.element).ok();
    let bytes = bytes.and_then(|element| ELEMENT_BYTES.get(element));
    let Some(bytes) = bytes else {
        return Err(format!("the element type {}, not 0 to 12", how.element));
    };
    let rank = usize::try_from(how.rank).ok();
    let Some(rank) = rank.filter(|rank| (1..=TENSOR_MAP_RANK).contains(rank)) else {
        return Err(format!("{} axes, not 1 to 5", how.rank));
    };
    if how.address.is_null() || !how.address.addr().is_multiple_of(16) {
        return Err(format!(
            "the address {:#x}, which is no multiple of 16",
            how.address.addr()
        ));
    }
    for axis in 0..rank {
        let (size, stride, tile) = (how.sizes[axis], how.strides[axis], how.tile[axis]);
        if !(1..=1 << 32).contains(&size) {
            return Err(format!("{size} elements along axis {axis}, not 1 to 2^32"));
        }
        if axis > 0 && (!(16..1 << 40).contains(&stride) || stride % 16 != 0) {
            return Err(format!(
                "{stride} bytes from element to element of axis {axis}, no multiple of 16 below 2^40"
            ));
        }
        if !(1..=256).contains(&tile) {
            return Err(format!("tiles of {tile} along axis {axis}, not 1 to 256"));
        }
    }
    let row = how.tile[0] * bytes;
    if row % 16 != 0 {
        return Err(format!(
            "tiles whose rows have {row} bytes, no multiple of 16"
        ));
    }
    match how.swizzle {
        0 => Ok(()),
        32 | 64 | 128 if row <= how.swizzle => Ok(()),
        32 | 64 | 128 => Err(format!(
            "tiles whose rows have {row} bytes, more than the {} of the swizzle",
            how.swizzle
        )),
        other => Err(format!("a swizzle of {other}, not 0, 32, 64 or 128")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Rows of 256 and 128 bf16, in tiles of 64 by 64.
    pub(crate) fn sample() -> TensorMap {
        TensorMap {
            address: std::ptr::without_provenance_mut(0x1000),
            element: 9,
            rank: 2,
            sizes: [256, 128, 0, 0, 0],
            strides: [0, 512, 0, 0, 0],
            tile: [64, 64, 0, 0, 0],
            swizzle: 128,
        }
    }

    #[test]
    fn limits_that_are_not_kept_are_named() {
        assert_eq!(check(&sample(), FIRST), Ok(()));
        assert_eq!(
            check(&sample(), Capability(86)).unwrap_err().to_string(),
            "a tensor map, which compute capability 8.6 has not"
        );
        let refused = |change: fn(&mut TensorMap), words: &str| {
            let mut how = sample();
            change(&mut how);
            let message = check(&how, FIRST).unwrap_err().to_string();
            assert_eq!(message, format!("a tensor map of {words}"));
        };
        refused(|how| how.element = 13, "the element type 13, not 0 to 12");
        refused(|how| how.rank = 6, "6 axes, not 1 to 5");
        refused(|how| how.rank = 0, "0 axes, not 1 to 5");
        refused(
            |how| how.address = std::ptr::without_provenance_mut(0x1008),
            "the address 0x1008, which is no multiple of 16",
        );
        refused(
            |how| how.sizes[1] = 0,
            "0 elements along axis 1, not 1 to 2^32",
        );
        refused(
            |how| how.strides[1] = 510,
            "510 bytes from element to element of axis 1, no multiple of 16 below 2^40",
        );
        refused(
            |how| how.tile[1] = 257,
            "tiles of 257 along axis 1, not 1 to 256",
        );
        refused(
            |how| how.tile[0] = 4,
            "tiles whose rows have 8 bytes, no multiple of 16",
        );
        refused(
            |how| how.tile[0] = 128,
            "tiles whose rows have 256 bytes, more than the 128 of the swizzle",
        );
        refused(
            |how| how.swizzle = 16,
            "a swizzle of 16, not 0, 32, 64 or 128",
        );
    }
}
