//! What the grammar's actions call: makes nodes of the tree, measures their depth and checks what is not a matter
//! of grammar.

mod types;

use crate::ast::*;
use crate::diagnostic::{Code, Diagnostic};
use crate::token::{Number, Token};

/// The state of parsing one item.
#[derive(Debug)]
pub struct Builder<'a> {
    tokens: &'a [Token],
    end: Span,
    /// What the actions found wrong.
    pub diagnostics: Vec<Diagnostic>,
    too_deep: bool,
    /// Ranges that no `for` has taken yet.
    ranges: Vec<Span>,
    /// The dtype parameters that have been declared.
    dtype_params: Vec<String>,
}

/// A dim parameter, an argument or the like, before its place is known.
pub(crate) type Positions = (usize, usize);

impl<'a> Builder<'a> {
    /// For the tokens of an item; `end` is the place after the last.
    pub fn new(tokens: &'a [Token], end: Span) -> Self {
        Self {
            tokens,
            end,
            diagnostics: Vec::new(),
            too_deep: false,
            ranges: Vec::new(),
            dtype_params: Vec::new(),
        }
    }

    /// The span of the tokens from number `left` up to, without, number `right`.
    pub fn span(&self, left: usize, right: usize) -> Span {
        let at = |index: usize| self.tokens.get(index).map(|token| token.span);
        match (
            at(left),
            right
                .checked_sub(1)
                .filter(|last| *last >= left)
                .and_then(at),
        ) {
            (Some(first), Some(last)) => first.to(last),
            (Some(first), None) => first.at_start(),
            _ => self.end,
        }
    }

    /// Whether a tree may be so deep; reports the first that may not.
    pub(super) fn allow(&mut self, depth: u16, span: Span) -> bool {
        if depth <= MAX_DEPTH {
            return true;
        }
        if !self.too_deep {
            self.too_deep = true;
            let at = if span.len() > 40 {
                span.at_start()
            } else {
                span
            };
            self.diagnostics.push(
                Diagnostic::error(
                    Code::DL0006,
                    format!("this is nested more than {MAX_DEPTH} deep"),
                    at,
                )
                .note("a chain of operators, calls or fields counts one level for each link")
                .help("give a part of it a name, by `let` or as a function of its own"),
            );
        }
        false
    }

    /// An expression.
    pub fn expr(&mut self, (left, right): Positions, kind: ExprKind) -> Expr {
        let span = self.span(left, right);
        let depth = kind.depth();
        if self.allow(depth, span) {
            Expr { kind, span, depth }
        } else {
            Expr {
                kind: ExprKind::Error,
                span,
                depth: 0,
            }
        }
    }

    /// A number.
    pub fn number(&mut self, at: Positions, number: Number) -> Expr {
        let kind = match number {
            Number::Int(value) => ExprKind::Int(value),
            Number::Float(value) => ExprKind::Float(value),
            Number::Bad => ExprKind::Error,
        };
        self.expr(at, kind)
    }

    /// A prefix operator, which is the token at `left`.
    pub fn unary(&mut self, (left, right): Positions, op: UnaryOp, operand: Expr) -> Expr {
        let op_span = self.span(left, left + 1);
        self.expr(
            (left, right),
            ExprKind::Unary {
                op,
                op_span,
                operand: Box::new(operand),
            },
        )
    }

    /// An infix operator, which is the token at `at`.
    pub fn binary(
        &mut self,
        (left, right): Positions,
        op: BinaryOp,
        at: usize,
        a: Expr,
        b: Expr,
    ) -> Expr {
        let op_span = self.span(at, at + 1);
        if op.is_comparison()
            && let ExprKind::Binary {
                op: first,
                op_span: first_span,
                ..
            } = &a.kind
            && first.is_comparison()
            && !self.parenthesised(&a)
        {
            let (one, two) = (first.symbol(), op.symbol());
            let mut diagnostic = Diagnostic::error(
                Code::DL0107,
                format!("comparisons do not chain: `{one}` and `{two}`"),
                op_span,
            )
            .secondary(*first_span, "the first comparison");
            diagnostic = if (*first, op) == (BinaryOp::Lt, BinaryOp::Gt) {
                diagnostic.help("write both with `&&`; dims are given by name, as in `f<T=8>(x)`")
            } else {
                diagnostic.help("write both, joined by `&&`")
            };
            self.diagnostics.push(diagnostic);
            return self.expr((left, right), ExprKind::Error);
        }
        let kind = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(a),
            right: Box::new(b),
        };
        self.expr((left, right), kind)
    }

    /// Whether an expression stands in parentheses, which belong to its span.
    fn parenthesised(&self, expr: &Expr) -> bool {
        let index = self
            .tokens
            .partition_point(|token| token.span.start < expr.span.start);
        let ExprKind::Binary { left, .. } = &expr.kind else {
            return false;
        };
        self.tokens
            .get(index)
            .is_some_and(|token| token.tok == crate::token::Tok::LParen)
            && left.span.start > expr.span.start
    }

    /// A call; the arguments stand from token `open` on.
    pub fn call(
        &mut self,
        (left, right): Positions,
        callee: Expr,
        dims: Vec<DimArg>,
        args: Vec<Arg>,
        open: usize,
    ) -> Expr {
        let args_span = self.span(open, right);
        if !self.check_args(&args) {
            return self.expr((left, right), ExprKind::Error);
        }
        self.expr(
            (left, right),
            ExprKind::Call {
                callee: Box::new(callee),
                dims,
                args,
                args_span,
            },
        )
    }

    /// Checks that no positional argument follows a named one.
    pub fn check_args(&mut self, args: &[Arg]) -> bool {
        let Some(first_named) = args.iter().position(|arg| arg.name.is_some()) else {
            return true;
        };
        let Some(arg) = args[first_named..].iter().find(|arg| arg.name.is_none()) else {
            return true;
        };
        let message = "a positional argument stands after a named one";
        self.diagnostics.push(
            Diagnostic::error(Code::DL0109, message, arg.span)
                .secondary(args[first_named].span, "named here")
                .help("put it before the named ones, or name it too"),
        );
        false
    }

    /// An indexing; the indices stand from token `open` on.
    pub fn index(
        &mut self,
        (left, right): Positions,
        base: Expr,
        indices: Vec<Index>,
        open: usize,
    ) -> Expr {
        let index_span = self.span(open, right);
        self.expr(
            (left, right),
            ExprKind::Index {
                base: Box::new(base),
                indices,
                index_span,
            },
        )
    }

    /// One index; `none` is a new axis.
    pub fn index_at(&mut self, (left, right): Positions, value: Expr) -> Index {
        let kind = if value.kind == ExprKind::None {
            IndexKind::NewAxis
        } else {
            IndexKind::At(value)
        };
        Index {
            kind,
            span: self.span(left, right),
        }
    }

    /// A tuple field, whose number is the token before `right`.
    pub fn tuple_field(&mut self, (left, right): Positions, base: Expr, number: Number) -> Expr {
        let index_span = self.span(right - 1, right);
        let kind = match number {
            Number::Int(index) if index <= u64::from(u16::MAX) => ExprKind::TupleField {
                base: Box::new(base),
                index: index as u32,
                index_span,
            },
            Number::Bad => ExprKind::Error,
            _ => {
                let message = "a tuple field is named by its position: `t.0`";
                self.diagnostics
                    .push(Diagnostic::error(Code::DL0101, message, index_span));
                ExprKind::Error
            }
        };
        self.expr((left, right), kind)
    }

    /// `(…)`: the parentheses belong to the expression.
    pub fn paren(&mut self, (left, right): Positions, mut inner: Expr) -> Expr {
        inner.span = self.span(left, right);
        inner
    }

    /// `a..b` as an argument, which only the source of a `for` may have.
    pub fn range(&mut self, at: Positions, start: Expr, end: Expr, inclusive: bool) -> Expr {
        let span = self.span(at.0, at.1);
        self.ranges.push(span);
        self.expr(
            at,
            ExprKind::Range {
                start: Box::new(start),
                end: Box::new(end),
                inclusive,
            },
        )
    }

    /// A block.
    pub fn block(&mut self, (left, right): Positions, mut stmts: Vec<Stmt>) -> Block {
        let span = self.span(left, right);
        let tail = match stmts.pop() {
            Some(Stmt {
                kind: StmtKind::Expr(value),
                ..
            }) => Some(Box::new(value)),
            // What did not parse may have been the value.
            Some(Stmt {
                kind: StmtKind::Error,
                span,
                ..
            }) => Some(Box::new(Expr {
                kind: ExprKind::Error,
                span,
                depth: 0,
            })),
            Some(last) => {
                stmts.push(last);
                None
            }
            None => None,
        };
        let deepest = stmts
            .iter()
            .map(|stmt| stmt.depth)
            .chain(tail.iter().map(|value| value.depth))
            .max();
        Block {
            stmts,
            tail,
            span,
            depth: deepest.unwrap_or(0),
        }
    }

    /// A statement.
    pub fn stmt(&mut self, (left, right): Positions, kind: StmtKind) -> Stmt {
        let span = self.span(left, right);
        let depth = match &kind {
            StmtKind::Let { pattern, ty, value } | StmtKind::Var { pattern, ty, value } => pattern
                .depth
                .max(value.depth)
                .max(ty.as_ref().map_or(0, |ty| ty.depth)),
            StmtKind::Assign { target, value, .. } => target.depth.max(value.depth),
            StmtKind::Expr(value) => value.depth,
            StmtKind::For {
                pattern,
                iter,
                body,
            } => {
                let source = match &iter.kind {
                    IterKind::Range { start, end, .. } => start.depth.max(end.depth),
                    IterKind::Values(value) => value.depth,
                };
                1 + pattern.depth.max(source).max(body.depth)
            }
            StmtKind::While { cond, bound, body } => {
                let bound = bound.as_ref().map_or(0, |bound| bound.depth);
                1 + cond.depth.max(bound).max(body.depth)
            }
            StmtKind::Return(value) => value.as_ref().map_or(0, |value| value.depth),
            StmtKind::Error => 0,
        };
        if self.allow(depth, span) {
            Stmt { kind, span, depth }
        } else {
            Stmt {
                kind: StmtKind::Error,
                span,
                depth: 0,
            }
        }
    }

    /// An assignment, whose operator is the token at `at`.
    pub fn assign(
        &mut self,
        place: Positions,
        target: Expr,
        op: Option<BinaryOp>,
        at: usize,
        value: Expr,
    ) -> Stmt {
        let op_span = self.span(at, at + 1);
        if !self.check_target(&target, op_span) {
            return self.stmt(place, StmtKind::Error);
        }
        self.stmt(
            place,
            StmtKind::Assign {
                target,
                op,
                op_span,
                value,
            },
        )
    }

    fn check_target(&mut self, target: &Expr, op_span: Span) -> bool {
        match &target.kind {
            ExprKind::Path(_) | ExprKind::Error => true,
            ExprKind::Field { base, .. }
            | ExprKind::TupleField { base, .. }
            | ExprKind::Index { base, .. } => self.check_target(base, op_span),
            ExprKind::Tuple(targets) if !targets.is_empty() => targets
                .iter()
                .all(|target| self.check_target(target, op_span)),
            _ => {
                let message = "this cannot be assigned to";
                self.diagnostics.push(
                    Diagnostic::error(Code::DL0108, message, target.span)
                        .secondary(op_span, "by this assignment")
                        .help("assign to a variable, or to a field or an index of one; to compare, write `==`"),
                );
                false
            }
        }
    }

    /// The source of a `for`, given as an expression: looks for `enumerate(…)`, `reversed(…)` and ranges.
    pub fn for_iter(&mut self, (left, right): Positions, mut source: Expr) -> ForIter {
        let span = self.span(left, right);
        let (mut enumerate, mut reversed) = (false, false);
        while let Some(name) = iterator_call(&source) {
            match name {
                "enumerate" if !enumerate && !reversed => enumerate = true,
                "reversed" if !reversed => reversed = true,
                _ => break,
            }
            let ExprKind::Call { mut args, .. } = source.kind else {
                unreachable!("iterator_call saw a call")
            };
            source = args.pop().expect("iterator_call saw one argument").value;
        }
        let kind = match source.kind {
            ExprKind::Range {
                start,
                end,
                inclusive,
            } => {
                self.ranges.retain(|range| *range != source.span);
                IterKind::Range {
                    start: *start,
                    end: *end,
                    inclusive,
                }
            }
            _ => IterKind::Values(source),
        };
        ForIter {
            enumerate,
            reversed,
            kind,
            span,
        }
    }

    /// What is wrong with the item, once it is all read.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        for range in std::mem::take(&mut self.ranges) {
            let message = "a range is no value";
            let help = "ranges stand in `for i in a..b`; the numbers as a tensor are `arange(a, b)`, a part is `x[a:b]`";
            self.diagnostics
                .push(Diagnostic::error(Code::DL0113, message, range).help(help));
        }
        self.diagnostics
    }

    /// An item with its docs and attributes; `start` is the token where it begins itself.
    pub fn item(
        &mut self,
        (docs, attrs): (Vec<Doc>, Vec<Attribute>),
        (start, end): Positions,
        kind: ItemKind,
    ) -> Item {
        if let (Some(attr), false) = (
            attrs.first(),
            matches!(kind, ItemKind::Fn(_) | ItemKind::Bad(_)),
        ) {
            let message = format!(
                "`@{}` stands before something that is not a function",
                attr.name.name
            );
            let help = "attributes belong to the function that follows";
            self.diagnostics
                .push(Diagnostic::error(Code::DL0112, message, attr.span).help(help));
        }
        Item {
            docs,
            attrs,
            kind,
            span: self.span(start, end),
        }
    }
}

/// The name in `name(x)` with one positional argument.
fn iterator_call(source: &Expr) -> Option<&str> {
    let ExprKind::Call {
        callee, dims, args, ..
    } = &source.kind
    else {
        return None;
    };
    let ExprKind::Path(path) = &callee.kind else {
        return None;
    };
    let plain = dims.is_empty() && args.len() == 1 && args[0].name.is_none();
    path.as_ident()
        .filter(|_| plain)
        .map(|ident| ident.name.as_str())
}
