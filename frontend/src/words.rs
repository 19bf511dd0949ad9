//! Words of other languages: what a user who writes them probably means.

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::token::{Tok, Token};

/// What to do with a token that [`rewrite`] has looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rewrite {
    /// Go on with it.
    Keep,
    /// Leave it out.
    Drop,
    /// Put `else` before it.
    ElseIf,
    /// Leave it out and make the `let` before it a `var`.
    LetToVar,
}

/// What stands around a token.
pub(crate) struct Neighbours<'a> {
    /// The token before.
    pub(crate) last: Option<&'a Token>,
    /// The token after, possibly on a later line.
    pub(crate) next: Option<&'a Token>,
    /// Whether it is the first on its line.
    pub(crate) after_newline: bool,
}

/// Replaces a word of another language where it could only be an error: `and`, `or`, `not`, `def`, `elif`, `mut`, `pub`.
///
/// Where such a word may be a user's name, it is left alone.
pub(crate) fn rewrite(
    around: &Neighbours<'_>,
    tok: &mut Tok,
    span: Span,
) -> (Rewrite, Option<Diagnostic>) {
    let next = around.next.map(|token| &token.tok);
    let after_newline = around.after_newline;
    let last = around.last.map(|token| &token.tok);
    let blank = around
        .next
        .is_some_and(|token| token.span.start == span.end + 1);
    let with_blank = Span {
        end: span.end + u32::from(blank),
        ..span
    };
    let Tok::Ident(word) = &*tok else {
        return (Rewrite::Keep, None);
    };
    let after_expr = !after_newline && last.is_some_and(Tok::ends_expr);
    let before_name = matches!(next, Some(Tok::Ident(_)));
    let before_expr = next.is_some_and(Tok::starts_expr);
    let report = |message: String, help: &str, replacement: &str| {
        Some(Diagnostic::error(Code::DL0106, message, span).suggest(help, span, replacement))
    };
    let written = |as_what: &str| {
        report(
            format!("`{word}` is written `{as_what}`"),
            &format!("write `{as_what}`"),
            as_what,
        )
    };
    let (instead, rewrite, problem) = match word.as_str() {
        "and" if after_expr && before_expr => (Tok::AndAnd, Rewrite::Keep, written("&&")),
        "or" if after_expr && before_expr => (Tok::OrOr, Rewrite::Keep, written("||")),
        "not"
            if !after_expr
                && (before_name
                    || matches!(next, Some(Tok::Number(_) | Tok::True | Tok::False))) =>
        {
            let diagnostic = Diagnostic::error(Code::DL0106, "`not` is written `!`", span);
            (
                Tok::Bang,
                Rewrite::Keep,
                Some(diagnostic.suggest("write `!`", with_blank, "!")),
            )
        }
        "elif" | "elseif" | "elsif" if last == Some(&Tok::RBrace) && before_expr => {
            (Tok::If, Rewrite::ElseIf, written("else if"))
        }
        "def" | "func" | "function" | "fun" if before_name && !after_expr => {
            (Tok::Fn, Rewrite::Keep, written("fn"))
        }
        "pub" | "public" if matches!(next, Some(Tok::Fn | Tok::Struct | Tok::Const)) => {
            let message = format!("there is no `{word}`: every item can be used by other files");
            let diagnostic = Diagnostic::error(Code::DL0106, message, span);
            let help = "leave it out; `export fn` makes an entry point of the library";
            (
                tok.clone(),
                Rewrite::Drop,
                Some(diagnostic.suggest(help, with_blank, "")),
            )
        }
        "mut"
            if matches!(last, Some(Tok::Let | Tok::Var))
                && (before_name || next == Some(&Tok::LParen)) =>
        {
            let both = around.last.map_or(span, |token| token.span.to(span));
            let diagnostic = Diagnostic::error(Code::DL0106, "`let mut` is written `var`", both);
            (
                tok.clone(),
                Rewrite::LetToVar,
                Some(diagnostic.suggest("write `var`", both, "var")),
            )
        }
        _ => return (Rewrite::Keep, None),
    };
    *tok = instead;
    (rewrite, problem)
}

/// Advice about a name that is not defined but known from other languages: what to say, and what to write instead.
pub fn foreign(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match name {
        "True" => ("the truth values are `true` and `false`", Some("true")),
        "False" => ("the truth values are `true` and `false`", Some("false")),
        "None" | "null" | "nil" | "undefined" => ("it is written `none`", Some("none")),
        "np" | "jnp" | "numpy" | "jax" | "torch" | "tf" | "F" | "nn" | "math" => (
            "built-in operations have no prefix: `exp(x)`, not `np.exp(x)`",
            None,
        ),
        "float" | "float32" | "double" | "single" => {
            ("the float types are `f16 bf16 f32 f64`", Some("f32"))
        }
        "float64" => ("the float types are `f16 bf16 f32 f64`", Some("f64")),
        "float16" | "half" => ("the float types are `f16 bf16 f32 f64`", Some("f16")),
        "bfloat16" => ("the float types are `f16 bf16 f32 f64`", Some("bf16")),
        "int" | "int32" => ("the integer types are `i8 i32 i64 u8 u32 u64`", Some("i32")),
        "int64" | "long" | "usize" | "isize" => {
            ("the integer types are `i8 i32 i64 u8 u32 u64`", Some("i64"))
        }
        "int8" => ("the integer types are `i8 i32 i64 u8 u32 u64`", Some("i8")),
        "uint8" | "byte" => ("the integer types are `i8 i32 i64 u8 u32 u64`", Some("u8")),
        "uint32" => ("the integer types are `i8 i32 i64 u8 u32 u64`", Some("u32")),
        "uint64" => ("the integer types are `i8 i32 i64 u8 u32 u64`", Some("u64")),
        "boolean" | "bool_" => ("the type of truth values is `bool`", Some("bool")),
        "range" => ("a range is written `0..n`: `for i in 0..n { … }`", None),
        "len" => (
            "the length of an axis is its dim: name it in the type, `x: f32[N]`, and use `N`",
            None,
        ),
        "break" | "continue" => (
            "a loop ends by its condition: use `while` with a condition",
            None,
        ),
        "Inf" | "Infinity" | "infty" => ("infinity is written `inf`", Some("inf")),
        "NaN" | "NAN" => ("it is written `nan`", Some("nan")),
        "transpose" => (
            "use `permute_dims(x, axes=[…])` or `matrix_transpose(x)`",
            None,
        ),
        "arctan" => ("the inverse functions begin with `a`", Some("atan")),
        "arctan2" => ("the inverse functions begin with `a`", Some("atan2")),
        "arcsin" => ("the inverse functions begin with `a`", Some("asin")),
        "arccos" => ("the inverse functions begin with `a`", Some("acos")),
        "power" => ("use `pow(x, y)` or `x ** y`", Some("pow")),
        "concatenate" | "cat" => ("it is called `concat`", Some("concat")),
        "fabs" | "absolute" => ("it is called `abs`", Some("abs")),
        "view" | "flatten" | "ravel" => ("use `reshape(x, […])`", Some("reshape")),
        "unsqueeze" => ("it is called `expand_dims`", Some("expand_dims")),
        "mm" | "dot" | "bmm" => ("the matrix product is `a @ b`", None),
        "print_" | "println" | "printf" => ("use `print(\"…\", x)`", Some("print")),
        "self" => (
            "functions take their values as parameters; there are no methods",
            None,
        ),
        "swish" => ("it is called `silu`", Some("silu")),
        "eye_like" => ("use `eye(n)`", None),
        "mod" | "fmod" | "remainder" => ("the remainder is `a % b`", None),
        "PRNGKey" => ("a key is `key(42)`", Some("key")),
        _ => return None,
    })
}
