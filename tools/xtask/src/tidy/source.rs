//! A source file as tidy reads it: its words, without those in comments and texts.

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// Its path from the root of the project.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl Source {
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Hand-written C++ of the compiler.
    pub fn is_cxx(&self) -> bool {
        ["dialects/cxx/", "lowering/cxx/"]
            .iter()
            .any(|folder| self.path.starts_with(folder))
    }

    /// A file that is one pass.
    pub fn is_pass(&self) -> bool {
        let folder = self.path.rsplit_once('/').map(|(folder, _)| folder);
        matches!(folder, Some("lowering/src/passes" | "autodiff/src/passes"))
    }

    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Lines that are more than a comment, before a module of tests.
    pub fn code_lines(&self) -> usize {
        self.text
            .lines()
            .map(str::trim)
            .take_while(|line| *line != "#[cfg(test)]")
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count()
    }

    /// The number of the first line with a word that is code.
    pub fn line_of_word(&self, word: &str) -> Option<usize> {
        let code = code_only(&self.text);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let has_word = |line: &str| line.split(|c| !is_word(c)).any(|found| found == word);
        code.lines().position(has_word).map(|line| line + 1)
    }
}

/// The text with comments, texts and characters blanked out; lines stay where they are.
fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(len) = raw_text(rest, &code) {
            len
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.extend(
            rest[..skipped]
                .chars()
                .map(|c| if c == '\n' { c } else { ' ' }),
        );
        rest = &rest[skipped..];
    }
    code
}

/// The length of a text or character, with its quotes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw text, `r"…"` or `r#"…"#`, when one begins here.
fn raw_text(rest: &str, before: &str) -> Option<usize> {
    let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let after = rest
        .strip_prefix('r')
        .filter(|_| !in_word || before.ends_with('b'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let len = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(1 + hashes + 1 + len)
}

/// Whether a quote begins a character and not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    matches!(
        (chars.next(), chars.next()),
        (Some('\\'), _) | (Some(_), Some('\''))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b\n */ c", "a     \n    c"),
            ("f(\"b\\\"\") + 'c' + '\\''", "f(     ) +     +     "),
            ("fn f<'a>(x: &'a u8)", "fn f<'a>(x: &'a u8)"),
            ("r#\"b\"# x r\"y\"", "       x     "),
            ("for x", "for x"),
        ] {
            assert_eq!(code_only(text), code, "{text}");
        }
    }

    #[test]
    fn words_are_whole() {
        let source = Source {
            path: "a.rs".into(),
            text: "unsafe_code\n\"unsafe\"\nunsafe {}".into(),
        };
        assert_eq!(source.line_of_word("unsafe"), Some(3));
    }

    #[test]
    fn code_lines_leave_comments_and_tests_out() {
        let source = Source {
            path: "lowering/src/passes/a.rs".into(),
            text: "//! A.\n\nfn f() {\n    // b\n}\n#[cfg(test)]\nmod tests {}\n".into(),
        };
        assert_eq!(source.code_lines(), 2);
        assert!(source.is_pass());
    }
}
