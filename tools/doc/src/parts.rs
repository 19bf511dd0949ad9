//! Pieces of programs, and lines of them, as HTML.

use maud::{Markup, html};

use crate::model::{Class, Piece};

/// The name of a class in the style sheet.
fn css(class: Class) -> Option<&'static str> {
    Some(match class {
        Class::Plain => return None,
        Class::Keyword => "k",
        Class::Number => "n",
        Class::Text => "s",
        Class::Comment => "c",
        Class::Function => "f",
        Class::Type => "t",
        Class::Dim => "d",
        Class::Constant => "v",
        Class::Field => "p",
        Class::Module => "m",
        Class::Attribute => "a",
    })
}

/// A program on one line or several.
pub(crate) fn code(pieces: &[Piece]) -> Markup {
    html! { @for piece in pieces { (one(piece, &piece.text)) } }
}

/// A program in a box.
pub(crate) fn block(pieces: &[Piece]) -> Markup {
    html! { pre.dl { code { (code(pieces)) } } }
}

/// A program whose lines have numbers and anchors, `#L12`.
pub(crate) fn lines(pieces: &[Piece]) -> Markup {
    let mut lines: Vec<Vec<(&Piece, &str)>> = vec![Vec::new()];
    for piece in pieces {
        for (index, text) in piece.text.split('\n').enumerate() {
            if index > 0 {
                lines.push(Vec::new());
            }
            if let (false, Some(line)) = (text.is_empty(), lines.last_mut()) {
                line.push((piece, text));
            }
        }
    }
    // The end of the last line begins none.
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    html! {
        pre.dl.lines {
            code {
                @for (index, line) in lines.iter().enumerate() {
                    @let number = index + 1;
                    span.line id={ "L" (number) } {
                        a href={ "#L" (number) } data-line=(number) aria-label={ "line " (number) } {}
                        @for (piece, text) in line { (one(piece, text)) }
                        "\n"
                    }
                }
            }
        }
    }
}

fn one(piece: &Piece, text: &str) -> Markup {
    html! {
        @match (&piece.link, css(piece.class)) {
            (Some(link), class) => a class=[class] href=(link) { (text) },
            (None, Some(class)) => span class=(class) { (text) },
            (None, None) => (text),
        }
    }
}
