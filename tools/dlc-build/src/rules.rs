//! Rules for make, as `dlc build --emit=dep-info` writes them: the files that a model is made of.

/// The files after the colon of the first rule.
pub fn prerequisites(rules: &str) -> Vec<String> {
    let words = words(rules.lines().next().unwrap_or_default());
    let mut words = words.into_iter();
    // The target ends with the colon that is not part of a name.
    words
        .by_ref()
        .find(|(word, is_bare)| *is_bare && word.ends_with(':'));
    words.map(|(word, _)| word).collect()
}

/// The words of a line without their escapes, and whether a word ends with a character that is not escaped.
fn words(line: &str) -> Vec<(String, bool)> {
    let mut words = Vec::new();
    let (mut word, mut is_bare) = (String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' if word.is_empty() => {}
            ' ' => words.push((std::mem::take(&mut word), is_bare)),
            '$' => {
                rest.next_if_eq(&'$');
                (word, is_bare) = (word + "$", false);
            }
            '\\' => {
                // Backslashes stand for themselves, but before what they escape, where two are one.
                let mut count = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let escaped = rest.next_if(|next| " \t#:%".contains(*next));
                let kept = if escaped.is_some() { count / 2 } else { count };
                word += &"\\".repeat(kept);
                word.extend(escaped);
                is_bare = false;
            }
            _ => {
                word.push(c);
                is_bare = true;
            }
        }
    }
    if !word.is_empty() {
        words.push((word, is_bare));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_escapes() {
        let rules = "out/m.a: m.dl a\\ b.dl c\\#$$\\:.dl back\\slash.dl two\\\\\\ x.dl\n\nm.dl:\n";
        assert_eq!(
            prerequisites(rules),
            ["m.dl", "a b.dl", "c#$:.dl", "back\\slash.dl", "two\\ x.dl"]
        );
        assert_eq!(prerequisites("a\\:b: c.dl\n"), ["c.dl"]);
        assert!(prerequisites("").is_empty());
    }
}
