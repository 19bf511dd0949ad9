//! Changes to texts in words rather than bytes, so that many of them still parse.

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

/// Words of the language, and some that are often written wrongly.
const WORDS: &str = include_str!("words.txt");

/// The words of a text, each with the blanks or the punctuation after it.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '(', ')', ',', '\n', '[', ']', '{', '}', ':', '.'])
        .collect()
}

/// Changes some words of a text, or lets libFuzzer change its bytes. Returns the new length.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 1 | 1 << 40);
    random.below(2);
    let changed = match std::str::from_utf8(&data[..size]) {
        Ok(text) if random.below(4) > 0 => in_words(text, &mut random),
        _ => return fuzzer_mutate(data, size, max_size),
    };
    if changed.len() > max_size || changed.is_empty() {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..changed.len()].copy_from_slice(changed.as_bytes());
    changed.len()
}

/// A text with some words left out, repeated, exchanged, or replaced by words of its own or of the language.
fn in_words(text: &str, random: &mut Random) -> String {
    let known: Vec<&str> = WORDS.lines().collect();
    let own = pieces(text);
    let mut words = own.clone();
    for _ in 0..=random.below(3) {
        if words.is_empty() {
            words.push("fn f() { ");
        }
        let at = random.below(words.len());
        let other = if own.is_empty() || random.below(3) == 0 {
            known[random.below(known.len())]
        } else {
            own[random.below(own.len())]
        };
        match random.below(6) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, other),
            2 | 3 => words[at] = other,
            4 => {
                let with = random.below(words.len());
                words.swap(at, with);
            }
            _ => {
                let end = (at + 1 + random.below(12)).min(words.len());
                let run: Vec<&str> = words[at..end].to_vec();
                let to = random.below(words.len());
                words.splice(to..to, run);
            }
        }
    }
    words.concat()
}
