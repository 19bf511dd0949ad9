//! Rules for make: which files the outputs of a build depend on.

/// A rule for each target, and for each file an empty one, so that make goes on when a file that is no longer imported
/// has been removed. An error names what make's syntax cannot say.
pub fn rules(targets: &[String], files: &[String]) -> Result<String, String> {
    let escaped = |names: &[String]| -> Result<Vec<String>, String> {
        names.iter().map(|name| escape(name)).collect()
    };
    let (targets, files) = (escaped(targets)?, escaped(files)?);
    let needed = files.join(" ");
    let mut text = String::new();
    for target in &targets {
        text += &format!("{target}: {needed}\n");
    }
    for file in &files {
        text += &format!("\n{file}:\n");
    }
    Ok(text)
}

/// A file name as make reads it.
fn escape(name: &str) -> Result<String, String> {
    if name.contains(['\n', '\r']) {
        return Err(format!(
            "make knows no file names with a line end: {name:?}"
        ));
    }
    let mut escaped = String::new();
    for c in name.chars() {
        match c {
            ' ' | '\t' | '#' | ':' | '%' => {
                // Backslashes count only before what they escape.
                let before = escaped.len() - escaped.trim_end_matches('\\').len();
                escaped += &"\\".repeat(before + 1);
            }
            '$' => escaped.push('$'),
            _ => {}
        }
        escaped.push(c);
    }
    Ok(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn every_target_has_a_rule() {
        let rules = rules(&strings(&["out/m.o", "m.h"]), &strings(&["m.dl", "a b.dl"]));
        let expected = "out/m.o: m.dl a\\ b.dl\nm.h: m.dl a\\ b.dl\n\nm.dl:\n\na\\ b.dl:\n";
        assert_eq!(rules.as_deref(), Ok(expected));
    }

    #[test]
    fn names_are_escaped() {
        let escaped = |name: &str| escape(name).unwrap();
        assert_eq!(escaped("a#b$c"), "a\\#b$$c");
        assert_eq!(escaped("a\\b"), "a\\b");
        assert_eq!(escaped("a\\ b"), "a\\\\\\ b");
        assert!(escape("a\nb").is_err());
    }
}
