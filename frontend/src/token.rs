//! Tokens: what the lexer makes of the text and the grammar is written in.

use logos::Logos;

use crate::ast::Span;
use crate::lexer::{Problem, lex_bad, lex_doc, lex_file_doc, lex_number, lex_string};

/// A kind of token, with its value. The variants in the last section are not lexed but made by [`crate::layout`].
#[derive(Logos, Clone, Debug, PartialEq)]
#[logos(extras = Vec<Problem>, error(Problem, lex_bad))]
#[logos(skip r"[ \t\r\x0C]+")]
pub enum Tok {
    /// The end of a line.
    #[token("\n")]
    Newline,
    /// `// …`, dropped; also `////`.
    #[regex(r"//[^\n]*", priority = 1, allow_greedy = true)]
    Comment,
    /// `/// …`.
    #[regex(r"///([^/\n][^\n]*)?", lex_doc, priority = 20, allow_greedy = true)]
    Doc(String),
    /// `//! …`.
    #[regex(r"//![^\n]*", lex_file_doc, priority = 20, allow_greedy = true)]
    FileDoc(String),

    /// A name.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*", |lex| lex.slice().to_owned())]
    Ident(String),
    /// A number without point or exponent.
    #[regex(r"[0-9]", lex_number)]
    Number(Number),
    /// A string with its escapes replaced.
    #[token("\"", lex_string)]
    Str(String),

    /// `const`
    #[token("const")]
    Const,
    /// `struct`
    #[token("struct")]
    Struct,
    /// `fn`
    #[token("fn")]
    Fn,
    /// `export`
    #[token("export")]
    Export,
    /// `import`
    #[token("import")]
    Import,
    /// `use`
    #[token("use")]
    Use,
    /// `let`
    #[token("let")]
    Let,
    /// `var`
    #[token("var")]
    Var,
    /// `if`
    #[token("if")]
    If,
    /// `else`
    #[token("else")]
    Else,
    /// `for`
    #[token("for")]
    For,
    /// `in`
    #[token("in")]
    In,
    /// `while`
    #[token("while")]
    While,
    /// `return`
    #[token("return")]
    Return,
    /// `inout`
    #[token("inout")]
    Inout,
    /// `true`
    #[token("true")]
    True,
    /// `false`
    #[token("false")]
    False,
    /// `none`
    #[token("none")]
    None,

    /// `(`
    #[token("(")]
    LParen,
    /// `)`
    #[token(")")]
    RParen,
    /// `[`
    #[token("[")]
    LBracket,
    /// `]`
    #[token("]")]
    RBracket,
    /// `{` of a block, a struct or a `use`.
    #[token("{")]
    LBrace,
    /// `}`
    #[token("}")]
    RBrace,
    /// `,`
    #[token(",")]
    Comma,
    /// `;`
    #[token(";")]
    Semi,
    /// `:`
    #[token(":")]
    Colon,
    /// `::`
    #[token("::")]
    ColonColon,
    /// `.`
    #[token(".")]
    Dot,
    /// `..`
    #[token("..")]
    DotDot,
    /// `..=`
    #[token("..=")]
    DotDotEq,
    /// `...`
    #[token("...")]
    Ellipsis,
    /// `->`
    #[token("->")]
    Arrow,
    /// `=`
    #[token("=")]
    Assign,
    /// `+=`
    #[token("+=")]
    AddAssign,
    /// `-=`
    #[token("-=")]
    SubAssign,
    /// `*=`
    #[token("*=")]
    MulAssign,
    /// `/=`
    #[token("/=")]
    DivAssign,
    /// `%=`
    #[token("%=")]
    RemAssign,
    /// `@=`
    #[token("@=")]
    MatMulAssign,
    /// `**=`
    #[token("**=")]
    PowAssign,
    /// `||`
    #[token("||")]
    OrOr,
    /// `&&`
    #[token("&&")]
    AndAnd,
    /// `|`
    #[token("|")]
    Bar,
    /// `!`
    #[token("!")]
    Bang,
    /// `==`
    #[token("==")]
    EqEq,
    /// `!=`
    #[token("!=")]
    NotEq,
    /// `<`
    #[token("<")]
    Lt,
    /// `<=`
    #[token("<=")]
    Le,
    /// `>`
    #[token(">")]
    Gt,
    /// `>=`
    #[token(">=")]
    Ge,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `@` as an operator.
    #[token("@")]
    At,
    /// `**`
    #[token("**")]
    StarStar,

    /// `@` at the beginning of a line outside of all items.
    AttrAt,
    /// `test` before a string outside of all items.
    Test,
    /// `where` in the head of a function.
    Where,
    /// `within` behind the condition of a `while`.
    Within,
    /// `{` of a struct literal.
    StructBrace,
    /// `{` of the body of a function.
    BodyBrace,
    /// `<` before `name =`.
    DimsOpen,
    /// A stretch of tokens that did not parse and has been reported, in place of a statement.
    BadStmt,
}

/// The value of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Without point or exponent.
    Int(u64),
    /// With point or exponent.
    Float(f64),
    /// Already reported.
    Bad,
}

/// A token in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub tok: Tok,
    /// Where it stands.
    pub span: Span,
}

impl Tok {
    /// Whether it assigns: `=`, `+=` and their like.
    pub fn is_assignment(&self) -> bool {
        use Tok::*;
        matches!(
            self,
            Assign
                | AddAssign
                | SubAssign
                | MulAssign
                | DivAssign
                | RemAssign
                | MatMulAssign
                | PowAssign
        )
    }

    /// Whether an expression can end with it.
    pub fn ends_expr(&self) -> bool {
        use Tok::*;
        matches!(
            self,
            Ident(_)
                | Number(_)
                | Str(_)
                | True
                | False
                | None
                | RParen
                | RBracket
                | RBrace
                | BadStmt
                | Return
        )
    }

    /// Whether an expression can begin with it.
    pub fn starts_expr(&self) -> bool {
        use Tok::*;
        matches!(
            self,
            Ident(_)
                | Number(_)
                | Str(_)
                | True
                | False
                | None
                | LParen
                | LBracket
                | LBrace
                | Minus
                | Bang
                | Bar
                | OrOr
                | If
        )
    }

    /// Whether a statement that is no expression begins with it.
    pub fn starts_stmt(&self) -> bool {
        matches!(
            self,
            Self::Let | Self::Var | Self::For | Self::While | Self::Return
        )
    }

    /// Whether a line that begins with it goes on with the statement of the line before. `-`, `(`, `[`, `{`, `!` and
    /// `|` could, but begin a new statement.
    pub fn continues_line(&self) -> bool {
        use Tok::*;
        matches!(
            self,
            Plus | Star
                | Slash
                | Percent
                | At
                | StarStar
                | EqEq
                | NotEq
                | Lt
                | Le
                | Gt
                | Ge
                | DimsOpen
                | AndAnd
                | OrOr
                | Dot
                | DotDot
                | DotDotEq
                | Arrow
                | Assign
                | AddAssign
                | SubAssign
                | MulAssign
                | DivAssign
                | RemAssign
                | MatMulAssign
                | PowAssign
                | Comma
                | Colon
                | ColonColon
                | Else
                | In
                | Within
                | RParen
                | RBracket
                | RBrace
        )
    }

    /// The bracket that closes this one.
    pub fn closer(&self) -> Tok {
        match self {
            Self::LParen => Self::RParen,
            Self::LBracket => Self::RBracket,
            _ => Self::RBrace,
        }
    }

    /// How a message calls it, with its article where it has one.
    pub fn describe(&self) -> String {
        match self {
            Self::Newline => "the end of the line".into(),
            Self::Comment => "a comment".into(),
            Self::Doc(_) | Self::FileDoc(_) => "a doc comment".into(),
            Self::Ident(name) => format!("the name `{name}`"),
            Self::Number(_) => "a number".into(),
            Self::Str(_) => "a string".into(),
            Self::BadStmt => "a statement".into(),
            other => format!("`{}`", other.text()),
        }
    }

    /// As written, for tokens that are always written the same way.
    pub fn text(&self) -> &'static str {
        use Tok::*;
        match self {
            Newline | Comment | Doc(_) | FileDoc(_) | Ident(_) | Number(_) | Str(_) | BadStmt => "",
            Const => "const",
            Struct => "struct",
            Fn => "fn",
            Export => "export",
            Import => "import",
            Use => "use",
            Let => "let",
            Var => "var",
            If => "if",
            Else => "else",
            For => "for",
            In => "in",
            While => "while",
            Return => "return",
            Inout => "inout",
            True => "true",
            False => "false",
            None => "none",
            LParen => "(",
            RParen => ")",
            LBracket => "[",
            RBracket => "]",
            LBrace | StructBrace | BodyBrace => "{",
            RBrace => "}",
            Comma => ",",
            Semi => ";",
            Colon => ":",
            ColonColon => "::",
            Dot => ".",
            DotDot => "..",
            DotDotEq => "..=",
            Ellipsis => "...",
            Arrow => "->",
            Assign => "=",
            AddAssign => "+=",
            SubAssign => "-=",
            MulAssign => "*=",
            DivAssign => "/=",
            RemAssign => "%=",
            MatMulAssign => "@=",
            PowAssign => "**=",
            OrOr => "||",
            AndAnd => "&&",
            Bar => "|",
            Bang => "!",
            EqEq => "==",
            NotEq => "!=",
            Lt | DimsOpen => "<",
            Le => "<=",
            Gt => ">",
            Ge => ">=",
            Plus => "+",
            Minus => "-",
            Star => "*",
            Slash => "/",
            Percent => "%",
            At | AttrAt => "@",
            StarStar => "**",
            Test => "test",
            Where => "where",
            Within => "within",
        }
    }
}
