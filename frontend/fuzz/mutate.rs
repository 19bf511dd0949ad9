//! Changes to texts in words rather than bytes, so that many of them still parse.

mod words;

use libfuzzer_sys::fuzzer_mutate;

/// A generator of random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

/// Changes some words of a text, or lets libFuzzer change its bytes. Returns the new length.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 1 | 1 << 40);
    random.below(2);
    let changed = match std::str::from_utf8(&data[..size]) {
        Ok(text) if random.below(4) > 0 => words::changed(text, &mut |n| random.below(n)),
        _ => return fuzzer_mutate(data, size, max_size),
    };
    if changed.len() > max_size || changed.is_empty() {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..changed.len()].copy_from_slice(changed.as_bytes());
    changed.len()
}
