//! Expressions as text, with what has to be known to put one into another.

/// How tight an operator binds.
pub const COMPARISON: u8 = 2;
/// Of sums and differences.
pub const SUM: u8 = 3;
/// Of products.
pub const PRODUCT: u8 = 4;
/// Of signs.
pub const UNARY: u8 = 5;
/// Of calls and names.
pub const ATOM: u8 = 8;

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What is written.
    pub text: String,
    /// How tight its outermost operator binds.
    pub level: u8,
    /// An expression that an elementwise operator broadcasts to the same.
    pub short: Option<Box<Expr>>,
    /// The number without a dtype, for a literal.
    pub literal: Option<String>,
}

impl Expr {
    /// A name or a call.
    pub fn atom(text: impl Into<String>) -> Self {
        Self::of(text, ATOM)
    }

    /// An expression of a level.
    pub fn of(text: impl Into<String>, level: u8) -> Self {
        Self {
            text: text.into(),
            level,
            short: None,
            literal: None,
        }
    }

    /// Whether it is a number.
    pub fn is_literal(&self) -> bool {
        self.literal.is_some()
    }

    /// The text, in parentheses where it binds less than that.
    pub fn at(&self, level: u8) -> String {
        match self.level < level {
            true => format!("({})", self.text),
            false => self.text.clone(),
        }
    }

    /// Two operands of an operator.
    pub fn binary(a: &Expr, operator: &str, b: &Expr, level: u8) -> Self {
        let text = format!("{} {operator} {}", a.at(level), b.at(level + 1));
        Self::of(text, level)
    }
}

/// `[a, b]`.
pub fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    format!("[{}]", items.join(", "))
}
