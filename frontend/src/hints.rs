//! The syntax errors that people make most, and what to do about each.

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::expected::Context;
use crate::token::{Number, Tok};

/// A diagnostic for an error that is recognised.
pub(crate) fn hint(cx: &Context<'_>) -> Option<Diagnostic> {
    let found = cx.found().cloned();
    let found = found.as_ref();
    outside_items(cx, found)
        .or_else(|| head_of_item(cx, found))
        .or_else(|| condition(cx, found))
        .or_else(|| other_languages(cx, found))
        .or_else(|| binding(cx, found))
        .or_else(|| misplaced(cx, found))
        .or_else(|| two_on_one_line(cx, found))
}

fn error(code: Code, message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error(code, message, span)
}

/// Something that is no item where an item should begin.
fn outside_items(cx: &Context<'_>, found: Option<&Tok>) -> Option<Diagnostic> {
    if !cx.accepts("const") {
        return None;
    }
    let Some(found) = found else {
        let message = "an item must follow";
        let last = cx.before(1)?;
        let help = match last.tok {
            Tok::Doc(_) => {
                "`///` documents the next item; a comment of the file begins with `//!`, any other with `//`"
            }
            _ => "an attribute belongs to the function that follows",
        };
        return Some(error(Code::DL0110, message, last.span).help(help));
    };
    let span = cx.place();
    let word = match found {
        Tok::Ident(name) => name.as_str(),
        other => other.text(),
    };
    let (message, help) = match word {
        "let" | "var" => (
            format!("`{word}` stands outside of a function"),
            "`const NAME = …` names a compile-time value",
        ),
        "class" | "enum" | "type" | "trait" | "impl" | "interface" | "record" | "data"
        | "typedef" => (
            format!("`{word}` is not part of the language"),
            "`struct Name { field: Type, … }` makes a type; functions stand by themselves",
        ),
        "from" => (
            "`from` is not part of the language".to_owned(),
            "write `import \"file.dl\"` and `use file::{a, b}`",
        ),
        "mod" | "module" | "package" | "namespace" => (
            format!("`{word}` is not part of the language"),
            "a file is a module: `import \"file.dl\"`",
        ),
        "include" | "require" => (
            format!("`{word}` is not part of the language"),
            "write `import \"file.dl\"`",
        ),
        "if" | "for" | "while" | "return" => (
            format!("`{word}` stands outside of a function"),
            "statements stand in functions",
        ),
        "extern" => (
            "`extern` is not part of the language".to_owned(),
            "`export fn` makes an entry point of the library",
        ),
        _ => {
            let message = format!("expected an item, found {}", found.describe());
            let help =
                "items begin with `fn`, `export fn`, `struct`, `const`, `import`, `use` or `test`";
            return Some(error(Code::DL0101, message, span).help(help));
        }
    };
    let code = if matches!(found, Tok::Ident(_)) {
        Code::DL0106
    } else {
        Code::DL0101
    };
    Some(error(code, message, span).help(help))
}

/// Errors between a keyword of an item and its `{`.
fn head_of_item(cx: &Context<'_>, found: Option<&Tok>) -> Option<Diagnostic> {
    let place = cx.place();
    let (open, inside) = cx.surroundings();
    let in_fn = cx.tokens.iter().any(|token| token.tok == Tok::Fn);
    let in_struct = cx.tokens.iter().any(|token| token.tok == Tok::Struct);
    let in_body = cx.tokens[..cx.at.min(cx.tokens.len())]
        .iter()
        .any(|token| token.tok == Tok::BodyBrace);
    match (found?, cx.tok_before(1)?) {
        (Tok::Ident(_), Tok::Import) => {
            let help = "write `import \"file.dl\"`, then `file::name` or `use file::{name}`";
            Some(
                error(Code::DL0101, "`import` names a file", place)
                    .label("expected a string")
                    .help(help),
            )
        }
        (Tok::Struct | Tok::Const, Tok::Export) => {
            let help = "leave `export` out; the structs that an exported function takes are in its header anyway";
            Some(error(Code::DL0101, "only functions can be exported", place).help(help))
        }
        (Tok::Colon, _) if in_fn && !in_body && cx.accepts("BODY_BRACE") && !cx.accepts("->") => {
            let help = "write `fn … { … }`, without `:`";
            Some(
                error(
                    Code::DL0106,
                    "the body of a function stands in braces",
                    place,
                )
                .help(help),
            )
        }
        (Tok::LBracket, Tok::Ident(_))
            if in_fn && !in_body && open.is_none() && cx.accepts("<") =>
        {
            Some(error(Code::DL0101, "dims stand in `<…>`", place).help("write `fn name<T>(…)`"))
        }
        (Tok::DimsOpen, Tok::Ident(_)) if in_fn && !in_body && cx.accepts("<") => {
            let message = "a dim parameter has no value here";
            let help = "give the value at the call, `f<T=8>(x)`, or bound it here, `<T in 1..=8>`; a fixed size is a `const`";
            Some(error(Code::DL0101, message, place).help(help))
        }
        (Tok::Comma | Tok::RParen, Tok::Ident(name))
            if in_fn && !in_body && cx.accepts(":") && open.is_some() =>
        {
            let message = format!("the parameter `{name}` has no type");
            let span = cx.before(1)?.span;
            Some(
                error(Code::DL0101, message, span)
                    .help(format!("write the type: `{name}: f32[…]`")),
            )
        }
        (Tok::Comma | Tok::RBrace | Tok::Assign, Tok::Ident(name))
            if in_struct && cx.accepts(":") && open.is_some() =>
        {
            let message = format!("the field `{name}` has no type");
            let span = cx.before(1)?.span;
            Some(
                error(Code::DL0101, message, span)
                    .help(format!("write the type: `{name}: f32[…]`")),
            )
        }
        (Tok::Colon | Tok::Ident(_) | Tok::Assign, Tok::RParen)
            if in_fn && !in_body && cx.accepts("->") =>
        {
            let message = "the result type stands after `->`";
            let diagnostic = error(Code::DL0101, message, place);
            Some(match found? {
                Tok::Ident(_) => diagnostic.suggest("write `->`", place.at_start(), "-> "),
                _ if cx.before(1)?.span.end == place.start => {
                    diagnostic.suggest("write `->`", place, " ->")
                }
                _ => diagnostic.suggest("write `->`", place, "->"),
            })
        }
        (Tok::Assign, _)
            if in_fn && !in_body && inside.iter().any(|token| token.tok == Tok::Where) =>
        {
            Some(
                error(Code::DL0105, "`=` stands in a condition", place).suggest(
                    "to compare, write `==`",
                    place,
                    "==",
                ),
            )
        }
        _ => None,
    }
}

/// Errors in the condition of `if` and `while`, and missing braces.
fn condition(cx: &Context<'_>, found: Option<&Tok>) -> Option<Diagnostic> {
    let place = cx.place();
    let (_, inside) = cx.surroundings();
    let heads = |tok: &Tok| matches!(tok, Tok::If | Tok::While | Tok::For | Tok::Else);
    let stops = |tok: &Tok| matches!(tok, Tok::Newline | Tok::Semi | Tok::RBrace | Tok::LBrace);
    let head = inside
        .iter()
        .take_while(|token| !stops(&token.tok))
        .find(|token| heads(&token.tok));
    let wants_block = cx.accepts("{") && (cx.after_expr() || !cx.accepts("NUMBER"));
    if let (Some(head), true) = (head, wants_block) {
        let word = head.tok.text();
        match found {
            Some(Tok::Assign) if matches!(head.tok, Tok::If | Tok::While) => {
                let message = format!("`=` stands in the condition of `{word}`");
                let diagnostic = error(Code::DL0105, message, place)
                    .secondary(head.span, "the condition begins here");
                return Some(diagnostic.suggest("to compare, write `==`", place, "=="));
            }
            Some(Tok::Colon) => {
                let message = format!("the block of `{word}` stands in braces");
                let diagnostic = error(Code::DL0106, message, place)
                    .secondary(head.span, "the head begins here");
                return Some(diagnostic.help(format!("write `{word} … {{ … }}`, without `:`")));
            }
            Some(Tok::Ident(word)) if matches!(word.as_str(), "then" | "do") => {
                let message = format!("`{word}` is not part of the language");
                let diagnostic = error(Code::DL0106, message, place);
                return Some(match cx.after() {
                    Some(next) if next.tok == Tok::LBrace => {
                        let with_blank = Span {
                            end: next.span.start,
                            ..place
                        };
                        diagnostic.suggest("leave it out", with_blank, "")
                    }
                    _ => diagnostic.help("a block stands in braces: `{ … }`"),
                });
            }
            _ => {
                let message = format!("the block of `{word}` has no `{{`");
                let diagnostic = error(Code::DL0101, message, place)
                    .secondary(head.span, "the head begins here");
                let diagnostic = diagnostic.label("expected `{`");
                return Some(diagnostic.help(format!(
                    "write `{word} … {{ … }}`; the braces are always needed"
                )));
            }
        }
    }
    if found == Some(&Tok::Else) {
        let help = "an `if` has one `else`; `else if` begins the next case";
        return Some(error(Code::DL0101, "this `else` belongs to no `if`", place).help(help));
    }
    None
}

/// Notation of other languages.
fn other_languages(cx: &Context<'_>, found: Option<&Tok>) -> Option<Diagnostic> {
    let place = cx.place();
    let next = cx.after();
    let adjacent = next.is_some_and(|token| token.span.start == place.end);
    let next_tok = next.map(|token| &token.tok);
    let before = cx.before(1)?;
    match (found?, &before.tok) {
        (Tok::Colon, Tok::Ident(name)) if adjacent && next_tok == Some(&Tok::Assign) => {
            let both = place.to(next?.span);
            let diagnostic = error(Code::DL0106, "`:=` is not part of the language", both);
            Some(diagnostic.help(format!(
                "write `let {name} = …`, or `var {name} = …` if it changes later"
            )))
        }
        (Tok::Colon, Tok::Ident(name)) if cx.accepts("NEWLINE") && cx.accepts("=") => {
            let message = format!("a type stands after `{name}`, but this binds nothing");
            Some(error(Code::DL0101, message, place).help(format!("write `let {name}: … = …`")))
        }
        (Tok::Assign, _) if adjacent && next_tok == Some(&Tok::Gt) => {
            let both = place.to(next?.span);
            let diagnostic = error(Code::DL0106, "`=>` is not part of the language", both);
            Some(
                diagnostic
                    .help("a function value is written `|x| …`, a result type stands after `->`"),
            )
        }
        (Tok::Ident(_), Tok::Ident(word)) if word == "lambda" => Some(
            error(
                Code::DL0106,
                "`lambda` is not part of the language",
                before.span,
            )
            .help("write `|x| …`"),
        ),
        (Tok::Str(_) | Tok::Ident(_) | Tok::Number(_), Tok::Ident(word)) if word == "print" => {
            Some(
                error(
                    Code::DL0101,
                    "the arguments of `print` stand in parentheses",
                    place,
                )
                .help("write `print(\"…\", x)`"),
            )
        }
        (Tok::If, _) if cx.after_expr() => {
            let help =
                "write `if c { a } else { b }`; for each element of a tensor, `where(c, a, b)`";
            Some(error(Code::DL0106, "`if` stands after a value", place).help(help))
        }
        (Tok::For, _) if cx.after_expr() && !cx.accepts("NEWLINE") => {
            let help = "use `map(|x| …, list)`, `vmap`, or a `for` that fills a tensor";
            Some(error(Code::DL0106, "there are no list comprehensions", place).help(help))
        }
        (Tok::In, _) if cx.after_expr() => Some(
            error(Code::DL0106, "`in` is not an operator", place)
                .help("compare with each value, as in `any(x == v)`"),
        ),
        (Tok::Bar, _) if cx.after_expr() => {
            let help = "`||` is the logical or; for bits there is `bitwise_or(a, b)`";
            Some(error(Code::DL0101, "`|` is not an operator", place).suggest(help, place, "||"))
        }
        (Tok::Slash, Tok::Slash) => Some(error(Code::DL0106, "`//` begins a comment", place)),
        (Tok::DotDot | Tok::DotDotEq, _) if cx.after_expr() => {
            let help = "ranges stand in `for i in a..b`; the numbers as a tensor are `arange(a, b)`, a part is `x[a:b]`";
            Some(error(Code::DL0113, "a range is no value", place).help(help))
        }
        (Tok::Ident(word), _) if cx.after_expr() && matches!(word.as_str(), "is" | "as") => {
            let help = if word == "is" {
                "compare with `==`"
            } else {
                "convert with `astype(x, f32)` or `f32(x)`"
            };
            Some(error(Code::DL0106, format!("`{word}` is not an operator"), place).help(help))
        }
        _ => incremented(cx).or_else(|| shifted(cx)),
    }
}

/// `x << n` and `x >> n`.
fn shifted(cx: &Context<'_>) -> Option<Diagnostic> {
    let before = cx.before(1)?;
    let span = before.span.to(cx.place());
    let name = match (&before.tok, cx.found()?) {
        (Tok::Lt, Tok::Lt) => "bitwise_left_shift",
        (Tok::Gt, Tok::Gt) => "bitwise_right_shift",
        _ => return None,
    };
    if span.len() != 2 {
        return None;
    }
    let message = format!("`{0}{0}` is not an operator", before.tok.text());
    Some(error(Code::DL0106, message, span).help(format!("write `{name}(a, b)`")))
}

/// `x++` and `x--`.
fn incremented(cx: &Context<'_>) -> Option<Diagnostic> {
    let (second, first) = (cx.before(1)?, cx.before(2)?);
    let doubled = matches!(
        (&first.tok, &second.tok),
        (Tok::Plus, Tok::Plus) | (Tok::Minus, Tok::Minus)
    );
    let before_plus = cx.found() == Some(&Tok::Plus) && second.tok == Tok::Plus;
    if !doubled && !before_plus {
        return None;
    }
    let span = if doubled {
        first.span.to(second.span)
    } else {
        second.span.to(cx.place())
    };
    let sign = if doubled { first.tok.text() } else { "+" };
    if span.len() != 2 {
        return None;
    }
    let message = format!("`{sign}{sign}` is not an operator");
    Some(error(Code::DL0106, message, span).help(format!("write `x {sign}= 1`")))
}

/// Errors in `let` and `var`.
fn binding(cx: &Context<'_>, found: Option<&Tok>) -> Option<Diagnostic> {
    let start = cx.statement_start()?;
    if !matches!(start.tok, Tok::Let | Tok::Var) || !cx.accepts("=") || cx.after_expr() {
        return None;
    }
    let word = start.tok.text();
    match found {
        Some(Tok::Comma) => {
            let help = format!("write `{word} (a, b) = …`");
            Some(
                error(
                    Code::DL0101,
                    "several names are bound in parentheses",
                    cx.place(),
                )
                .help(help),
            )
        }
        Some(Tok::Newline | Tok::Semi | Tok::RBrace) => {
            let message = format!("this `{word}` has no value");
            let help =
                format!("write `{word} … = …`; what is set later begins as `zeros(…)` or the like");
            let span = start.span.to(cx.before(1)?.span);
            Some(error(Code::DL0101, message, span).help(help))
        }
        Some(Tok::EqEq) => {
            let help = "to bind, write `=`";
            Some(
                error(
                    Code::DL0101,
                    format!("`==` compares, but `{word}` binds"),
                    cx.place(),
                )
                .suggest(help, cx.place(), "="),
            )
        }
        _ => None,
    }
}

/// Things that stand where they may not.
fn misplaced(cx: &Context<'_>, found: Option<&Tok>) -> Option<Diagnostic> {
    let place = cx.place();
    let (open, _) = cx.surroundings();
    let in_struct_literal = open.is_some_and(|token| token.tok == Tok::StructBrace);
    match found? {
        Tok::Fn | Tok::Struct | Tok::Export | Tok::Import | Tok::Use if cx.accepts("let") => {
            let help = "move it out; a small function used as an argument is written `|x| …`";
            Some(
                error(
                    Code::DL0101,
                    format!("`{}` stands inside a function", found?.text()),
                    place,
                )
                .help(help),
            )
        }
        Tok::Const if cx.accepts("let") => {
            let help = "inside a function, `let` names a value";
            Some(
                error(Code::DL0101, "`const` stands inside a function", place)
                    .suggest(help, place, "let"),
            )
        }
        Tok::Assign if in_struct_literal && cx.accepts(":") => {
            let diagnostic = error(Code::DL0101, "the value of a field stands after `:`", place);
            Some(diagnostic.suggest("write `:`", place, ":"))
        }
        Tok::Bar | Tok::OrOr if cx.wants_expr() && !cx.accepts("|") => {
            let help = "put it in parentheses, or give it a name";
            Some(error(Code::DL0101, "a function value cannot be an operand", place).help(help))
        }
        Tok::Colon if cx.after_expr() && open.is_some_and(|token| token.tok == Tok::LParen) => {
            let message = "expected `,` or `)`, found `:`";
            Some(
                error(Code::DL0101, message, place)
                    .help("a keyword argument is written `name=value`"),
            )
        }
        Tok::LBrace if cx.after_expr() && cx.accepts("NEWLINE") => {
            let help = "begin the block on a new line, or put a `;` before it";
            Some(error(Code::DL0101, "a block stands after a value", place).help(help))
        }
        Tok::Ellipsis => {
            let help = "`...` stands in an index: `x[..., 0]`";
            Some(error(Code::DL0101, "`...` stands outside of an index", place).help(help))
        }
        _ => None,
    }
}

/// A statement directly behind another one.
fn two_on_one_line(cx: &Context<'_>, found: Option<&Tok>) -> Option<Diagnostic> {
    let found = found?;
    let before = cx.before(1)?;
    let follows = cx.accepts(";") && (found.starts_expr() || found.starts_stmt());
    if !follows || before.tok == Tok::Newline {
        return None;
    }
    let place = cx.place();
    let number = matches!(before.tok, Tok::Number(Number::Int(_) | Number::Float(_)));
    let after_name = matches!(before.tok, Tok::Ident(_)) || number;
    if after_name && matches!(found, Tok::Ident(_) | Tok::Number(_) | Tok::Str(_)) {
        let message = format!(
            "expected an operator or the end of the line after `{}`",
            cx.text(before.span)
        );
        let help = "join the two by an operator, or end the first statement by `;` or a new line";
        return Some(
            error(Code::DL0104, message, place)
                .label(format!("found {}", found.describe()))
                .help(help),
        );
    }
    let diagnostic = error(Code::DL0104, "two statements stand on one line", place)
        .label("the second begins here");
    Some(diagnostic.suggest(
        "end the first one by `;` or a new line",
        before.span.at_end(),
        ";",
    ))
}
