//! Texts with some of their words changed, so that many of them still parse.

/// Words of the language, and some that are often written wrongly.
const WORDS: &str = include_str!("words.txt");

/// The words of a text, each with the blanks or the punctuation after it.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '(', ')', ',', '\n', '[', ']', '{', '}', ':', '.'])
        .collect()
}

/// A text with some words left out, repeated, exchanged, or replaced by words of its own or of the language. `below`
/// gives random numbers below its argument.
pub fn changed(text: &str, below: &mut dyn FnMut(usize) -> usize) -> String {
    let known: Vec<&str> = WORDS.lines().collect();
    let own = pieces(text);
    let mut words = own.clone();
    for _ in 0..=below(3) {
        if words.is_empty() {
            words.push("fn f() { ");
        }
        let at = below(words.len());
        let other = if own.is_empty() || below(3) == 0 {
            known[below(known.len())]
        } else {
            own[below(own.len())]
        };
        match below(6) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, other),
            2 | 3 => words[at] = other,
            4 => {
                let with = below(words.len());
                words.swap(at, with);
            }
            _ => {
                let end = (at + 1 + below(12)).min(words.len());
                let run: Vec<&str> = words[at..end].to_vec();
                let to = below(words.len());
                words.splice(to..to, run);
            }
        }
    }
    words.concat()
}
