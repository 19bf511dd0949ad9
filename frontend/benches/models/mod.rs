//! Long programs: one model again and again.

use std::collections::HashSet;

use dlc_frontend::lexer::lex;
use dlc_frontend::source::Source;
use dlc_frontend::token::Tok;

const MODEL: &str = include_str!("../../../test/models/transformer.dl");

/// `MODEL` so often that there are `lines` lines; each copy has its own items.
pub fn models(lines: usize) -> String {
    let copies = lines.div_ceil(MODEL.lines().count());
    (0..copies).map(renamed).collect()
}

/// `MODEL` with a number after the name of each item.
fn renamed(copy: usize) -> String {
    let source = Source::new("model.dl", MODEL);
    let (tokens, _) = lex(&source);
    let items: HashSet<&str> = tokens
        .windows(2)
        .filter(|pair| matches!(pair[0].tok, Tok::Const | Tok::Struct | Tok::Fn))
        .map(|pair| source.slice(pair[1].span))
        .collect();
    let mut text = String::new();
    let mut copied = 0;
    for token in &tokens {
        if items.contains(source.slice(token.span)) {
            text += &MODEL[copied..token.span.end as usize];
            text += &format!("_{copy}");
            copied = token.span.end as usize;
        }
    }
    // The doc comment of the file may stand at its beginning only.
    (text + &MODEL[copied..]).replacen("//!", "//", 1)
}
