//! Going on after a syntax error: which tokens to take out.
//!
//! The tokens of an item have matching brackets, so the statement around an error is known. What is replaced is as
//! small as possible, so that as many names as possible stay bound and nothing that follows from the error is
//! reported: the value of a `let` or an assignment, the head of an `if`, `while` or `for`, or the statement.

use crate::token::{Number, Tok, Token};

/// How many enclosing statements are tried.
const MAX_FRAMES: usize = 4;

/// A stretch of tokens, and what to put in its place.
struct Cut {
    start: usize,
    end: usize,
    replacement: Tok,
}

/// The tokens without what surrounds the error at token `at`. `stop_of` parses and tells where the parser stops, if it
/// does; a cut is taken when that is beyond it.
pub(crate) fn without(
    tokens: &[Token],
    at: usize,
    stop_of: impl Fn(&[Token]) -> Option<usize>,
) -> Option<Vec<Token>> {
    cuts(tokens, at).into_iter().find_map(|cut| {
        let first = tokens.get(cut.start)?.span;
        let span = tokens
            .get(cut.end.checked_sub(1)?)
            .map_or(first, |last| first.to(last.span));
        let mut next = tokens[..cut.start].to_vec();
        next.push(Token {
            tok: cut.replacement,
            span,
        });
        next.extend_from_slice(&tokens[cut.end..]);
        stop_of(&next)
            .is_none_or(|stop| stop > cut.start + 1)
            .then_some(next)
    })
}

/// What could be taken out, smallest first.
fn cuts(tokens: &[Token], at: usize) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for open in enclosing_blocks(tokens, at)
        .into_iter()
        .rev()
        .take(MAX_FRAMES)
    {
        let (start, end) = statement(tokens, open, at);
        if start < end {
            within_statement(tokens, start, end, at, &mut cuts);
            cuts.push(Cut {
                start,
                end,
                replacement: Tok::BadStmt,
            });
        }
    }
    let keyword = tokens.iter().position(|token| token.tok == Tok::Const);
    let equals = tokens.iter().position(|token| token.tok == Tok::Assign);
    if let (Some(_), Some(equals)) = (keyword, equals)
        && equals < at
        && equals + 1 < tokens.len()
    {
        cuts.push(Cut {
            start: equals + 1,
            end: tokens.len(),
            replacement: Tok::Number(Number::Bad),
        });
    }
    cuts
}

/// The opening braces of the blocks around a token, outermost first.
fn enclosing_blocks(tokens: &[Token], at: usize) -> Vec<usize> {
    let lists = tokens
        .iter()
        .any(|token| matches!(token.tok, Tok::Struct | Tok::Use));
    let mut open = Vec::new();
    for (index, token) in tokens[..at.min(tokens.len())].iter().enumerate() {
        if opens(&token.tok) {
            open.push(index);
        } else if closes(&token.tok) {
            open.pop();
        }
    }
    let is_block =
        |index: &usize| matches!(tokens[*index].tok, Tok::BodyBrace | Tok::LBrace) && !lists;
    open.into_iter().filter(is_block).collect()
}

/// The statement around a token directly in the block that opens at `open`.
fn statement(tokens: &[Token], open: usize, at: usize) -> (usize, usize) {
    let mut start = open + 1;
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open + 1) {
        let ends = matches!(token.tok, Tok::Newline | Tok::Semi) && depth == 0;
        if index >= at && (ends || (depth == 0 && closes(&token.tok))) {
            return (start, index);
        }
        if ends {
            start = index + 1;
        } else if opens(&token.tok) {
            depth += 1;
        } else if closes(&token.tok) {
            depth = depth.saturating_sub(1);
        }
    }
    (start, tokens.len())
}

/// What could be taken out of a statement.
fn within_statement(tokens: &[Token], start: usize, end: usize, at: usize, cuts: &mut Vec<Cut>) {
    let bad = || Tok::Number(Number::Bad);
    let level = |wanted: &dyn Fn(&Tok) -> bool, from: usize, to: usize| {
        let mut depth = 0_usize;
        (from..to.min(end)).find(|index| {
            let tok = &tokens[*index].tok;
            if depth == 0 && wanted(tok) {
                return true;
            }
            if opens(tok) {
                depth += 1;
            } else if closes(tok) {
                depth = depth.saturating_sub(1);
            }
            false
        })
    };
    let head = match tokens[start].tok {
        Tok::If | Tok::While => Some(start + 1),
        Tok::For => level(&|tok| *tok == Tok::In, start, at).map(|index| index + 1),
        _ => None,
    };
    if let Some(head) = head
        && head <= at
        && let Some(brace) = level(&|tok| *tok == Tok::LBrace, head, end)
        && at <= brace
        && head < brace
    {
        cuts.push(Cut {
            start: head,
            end: brace,
            replacement: bad(),
        });
    }
    let equals = level(&Tok::is_assignment, start, at);
    if let Some(equals) = equals
        && equals + 1 < end
    {
        cuts.push(Cut {
            start: equals + 1,
            end,
            replacement: bad(),
        });
    }
}

/// Whether a bracket opens.
pub(crate) fn opens(tok: &Tok) -> bool {
    matches!(
        tok,
        Tok::LParen | Tok::LBracket | Tok::LBrace | Tok::StructBrace | Tok::BodyBrace
    )
}

/// Whether a bracket closes.
pub(crate) fn closes(tok: &Tok) -> bool {
    matches!(tok, Tok::RParen | Tok::RBracket | Tok::RBrace)
}
