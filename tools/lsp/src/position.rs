//! Places in a text as the protocol counts them: lines from 0, and in a line units of UTF-16, from 0.

use dlc_frontend::ast::Span;
use dlc_frontend::source::Source;
use lsp_types::{Position, Range};

/// The position of a byte; one inside of a character counts as its beginning.
pub fn position(source: &Source, offset: u32) -> Position {
    let mut offset = (offset as usize).min(source.text.len());
    while !source.text.is_char_boundary(offset) {
        offset -= 1;
    }
    let line = source.line_col(offset as u32).line;
    let before = &source.text[source.line_start(line) as usize..offset];
    let units: usize = before.chars().map(char::len_utf16).sum();
    Position::new(line as u32 - 1, units as u32)
}

/// The byte of a position. What is beyond the end of a line is its end, and beyond the last line the end of the text.
pub fn offset(source: &Source, position: Position) -> u32 {
    let line = position.line as usize + 1;
    let start = source.line_start(line);
    let mut units = 0;
    let text = source.line_text(line);
    let before = text.char_indices().find(|(_, character)| {
        units += character.len_utf16() as u32;
        units > position.character
    });
    start + before.map_or(text.len(), |(at, _)| at) as u32
}

/// The range of a span.
pub fn range(source: &Source, span: Span) -> Range {
    Range::new(position(source, span.start), position(source, span.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_utf16() {
        let source = Source::new("a.dl", "// é𝄞x\r\nb\n");
        // é is two bytes and one unit, the clef four bytes and two units.
        let x = source.text.find('x').unwrap() as u32;
        assert_eq!(position(&source, x), Position::new(0, 6));
        assert_eq!(offset(&source, Position::new(0, 6)), x);
        assert_eq!(
            offset(&source, Position::new(0, 5)),
            x - 4,
            "inside of the clef"
        );
        assert_eq!(
            position(&source, x - 2),
            Position::new(0, 4),
            "inside of the clef"
        );
        assert_eq!(offset(&source, Position::new(0, 99)), x + 1);
        assert_eq!(offset(&source, Position::new(1, 1)), x + 4);
        assert_eq!(
            offset(&source, Position::new(9, 0)),
            source.text.len() as u32
        );
        assert_eq!(position(&source, 99), Position::new(2, 0));
    }
}
