//! `dl.random_bits`: Threefry-2x32 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3;
//! 2011), laid out as JAX's partitionable random bits.

use crate::array::Array;
use dlc_abi::DType;

/// The block function with 20 rounds: two words of a key and of a counter give two words of bits.
pub fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd1_1bda];
    let mut x = [
        counter[0].wrapping_add(schedule[0]),
        counter[1].wrapping_add(schedule[1]),
    ];
    for round in 0..5 {
        for rotation in ROTATIONS[round % 2] {
            x[0] = x[0].wrapping_add(x[1]);
            x[1] = x[1].rotate_left(rotation) ^ x[0];
        }
        x[0] = x[0].wrapping_add(schedule[(round + 1) % 3]);
        x[1] = x[1]
            .wrapping_add(schedule[(round + 2) % 3])
            .wrapping_add(round as u32 + 1);
    }
    x
}

/// `dl.random_bits`.
pub(crate) fn random_bits(key: &Array, dtype: DType, shape: &[usize]) -> Result<Array, String> {
    let batch = key.shape.len() - 1;
    let of_one = shape[batch..].iter().product::<usize>() as u64;
    let mut count = 0u64;
    Array::from_fn(dtype, shape, |index| {
        let word = |word| key.bits_at(&[&index[..batch], &[word]].concat()) as u32;
        let key = [word(0), word(1)];
        // Elements come in row-major order, those of a key one after another.
        let counter = count % of_one;
        count += 1;
        let [high, low] = threefry2x32(key, [(counter >> 32) as u32, counter as u32]);
        Ok(match dtype {
            DType::U64 => u64::from(high) << 32 | u64::from(low),
            DType::U32 => u64::from(high ^ low),
            _ => u64::from((high ^ low) as u8),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that come with Random123 (tests/kat_vectors, threefry2x32 with 20 rounds).
    #[test]
    fn known_answers_of_random123() {
        let f = u32::MAX;
        assert_eq!(threefry2x32([0, 0], [0, 0]), [0x6b200159, 0x99ba4efe]);
        assert_eq!(threefry2x32([f, f], [f, f]), [0x1cb996fc, 0xbb002be7]);
        assert_eq!(
            threefry2x32([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]),
            [0xc4923a9c, 0x483df7a0]
        );
    }

    /// Values of JAX 0.10.2 with `jax_threefry_partitionable` (its default) and `jax_enable_x64`:
    /// `jax.random.bits(jax.random.key(SEED), (2, 3) or (5,), dtype)`.
    #[test]
    fn the_bits_are_those_of_jax() {
        let key = |high: u64, low: u64| Array {
            dtype: DType::U32,
            shape: vec![2],
            bits: vec![high, low],
        };
        let run =
            |key: &Array, dtype, shape: &[usize]| random_bits(key, dtype, shape).unwrap().bits;
        let seed42 = key(0, 42);
        assert_eq!(
            run(&seed42, DType::U32, &[2, 3]),
            [
                0x7d1c13a2, 0xae0730d9, 0x9dc3f9f9, 0x8f9ec1d7, 0x735d7315, 0x95fb4ed8
            ]
        );
        assert_eq!(
            run(&seed42, DType::U8, &[5]),
            [0xa2, 0xd9, 0xf9, 0xd7, 0x15]
        );
        assert_eq!(
            run(&seed42, DType::U64, &[5]),
            [
                0x6d3e048f1022172d,
                0x3d7b32dadd083f4,
                0x92fb20ea0f38d913,
                0xbad56946354ba891,
                0xb013aee3c34eddf6
            ]
        );
        // jax.random.key((7 << 32) | 3)
        assert_eq!(
            run(&key(7, 3), DType::U32, &[5]),
            [0x2df8a3cc, 0x9a674d3b, 0xb6ca6111, 0xbe863904, 0xf0e62324]
        );
    }
}
