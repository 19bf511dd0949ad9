//! Numbers and places for people.

use crate::model::{Amount, Dim};

/// A number in at most four characters and a prefix: `999`, `1.5 k`, `20 M`.
pub fn short(value: u64) -> String {
    const PREFIXES: [&str; 7] = ["", " k", " M", " G", " T", " P", " E"];
    let mut scaled = value as f64;
    let mut prefix = 0;
    while scaled >= 999.5 && prefix + 1 < PREFIXES.len() {
        scaled /= 1000.0;
        prefix += 1;
    }
    match prefix > 0 && scaled < 99.5 {
        true => format!("{scaled:.1}{}", PREFIXES[prefix]),
        false => format!("{scaled:.0}{}", PREFIXES[prefix]),
    }
}

/// The value of an amount, or its formula where it has none.
pub fn amount(amount: &Amount) -> String {
    match amount.value {
        Some(value) => short(value),
        None => amount.formula.clone(),
    }
}

/// A short number before a unit, with a space between them.
pub fn unit(number: &str) -> String {
    match number.ends_with(|last: char| last.is_ascii_digit()) {
        true => format!("{number} "),
        false => number.to_string(),
    }
}

/// Dims with their sizes: `B = 256, T = 8`.
pub fn dims(dims: &[Dim]) -> String {
    let dims: Vec<_> = dims
        .iter()
        .map(|dim| format!("{} = {}", dim.name, dim.size))
        .collect();
    dims.join(", ")
}

/// At most so many characters of a text, the last of them `…` where some are left out.
pub fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_string(),
        Some(_) => {
            let end = text.char_indices().nth(most - 1).map_or(0, |(at, _)| at);
            format!("{}…", text[..end].trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let texts = [0, 999, 1000, 99_400, 99_960, 1_500_000, u64::MAX].map(short);
        assert_eq!(
            texts,
            ["0", "999", "1.0 k", "99.4 k", "100 k", "1.5 M", "18.4 E"]
        );
        assert_eq!(clipped("äbcdef", 4), "äbc…");
        assert_eq!(clipped("äbcd", 4), "äbcd");
    }
}
