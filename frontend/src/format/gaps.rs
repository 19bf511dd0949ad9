//! What stands between two tokens: comments and the ends of lines.

/// A `//` comment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comment<'a> {
    /// All of it, from the slashes to the end of its line, without blanks at its end.
    pub(super) text: &'a str,
    /// How many lines end between it and what stands before it; 0 where it stands behind a token.
    pub(super) newlines: usize,
}

/// What stands between two tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Gap<'a> {
    /// The comments, in order.
    pub(super) comments: Vec<Comment<'a>>,
    /// How many lines end after the last comment, or in all.
    pub(super) newlines: usize,
}

impl<'a> Gap<'a> {
    /// Reads the text between two tokens; what is neither a comment nor the end of a line has no meaning there.
    pub(super) fn read(text: &'a str) -> Self {
        let mut gap = Gap::default();
        let mut rest = text;
        while let Some(at) = rest.find(['\n', '/']) {
            rest = &rest[at..];
            if rest.starts_with("//") {
                let end = rest.find('\n').unwrap_or(rest.len());
                gap.comments.push(Comment {
                    text: rest[..end].trim_end(),
                    newlines: std::mem::take(&mut gap.newlines),
                });
                rest = &rest[end..];
            } else {
                gap.newlines += usize::from(rest.starts_with('\n'));
                rest = &rest[1..];
            }
        }
        gap
    }

    /// Whether a line ends in it.
    pub(super) fn breaks(&self) -> bool {
        self.newlines > 0 || !self.comments.is_empty()
    }

    /// Whether a line ends in it before any comment.
    pub(super) fn breaks_first(&self) -> bool {
        self.comments
            .first()
            .map_or(self.newlines, |first| first.newlines)
            > 0
    }

    /// Puts what stood before a token that is left out before this.
    pub(super) fn prepend(&mut self, mut before: Gap<'a>) {
        match self.comments.first_mut() {
            Some(first) => first.newlines += before.newlines,
            None => self.newlines += before.newlines,
        }
        before.comments.append(&mut self.comments);
        self.comments = before.comments;
    }
}
