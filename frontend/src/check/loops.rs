//! `for` and `while`.
//!
//! A loop over a range or the first axis of a tensor becomes one node, whatever the number of its rounds. A loop over a
//! list is unrolled, since a list is a structure of separate tensors; so is one whose variable has to be known (see
//! `unroll`).

use dlc_abi::dim::Poly;

use crate::ast::visit::Visitor;
use crate::ast::{Block, DType, Expr, ForIter, IterKind, Pattern, PatternKind, Span};
use crate::check::Checker;
use crate::check::assigned::Assigned;
use crate::check::consts::is_integer;
use crate::check::env::Kind;
use crate::check::frame::{FrameKind, Rounds};
use crate::check::region::leaves;
use crate::check::value::{NodeId, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// A whole number: known as a dim, or an `i64` scalar.
#[derive(Clone)]
pub(super) enum Whole {
    Dim(Dim),
    Node(NodeId),
}

/// What a loop goes through, except lists.
pub(super) struct Steps {
    /// The number of rounds; none if it is negative.
    pub rounds: Whole,
    /// What each round gets.
    pub each: Each,
    /// The dtype of a round's number in `enumerate`.
    pub counter: DType,
}

/// What each round gets.
pub(super) enum Each {
    /// A number: the first one, and whether the next are greater.
    Number { first: Whole, ascending: bool },
    /// A part along the first axis, from the first on or from the last.
    Element { of: NodeId, ascending: bool },
}

/// The most rounds that a `while` may have.
struct MostRounds {
    /// The name of the number of rounds so far.
    counter: String,
    /// As an `i64` scalar outside the loop.
    limit: NodeId,
    /// Where it is declared.
    span: Span,
}

/// For each leaf of the variables: passed into the region, or the node outside that it captures.
type Passed = Vec<Result<(), NodeId>>;

/// A loop as written.
#[derive(Clone, Copy)]
pub(super) struct For<'a> {
    pub pattern: &'a Pattern,
    pub iter: &'a ForIter,
    pub body: &'a Block,
}

impl<'a> Checker<'a> {
    /// `for pattern in iter { body }`.
    pub(super) fn for_loop(
        &mut self,
        pattern: &'a Pattern,
        iter: &'a ForIter,
        body: &'a Block,
    ) -> Res<()> {
        let written = For {
            pattern,
            iter,
            body,
        };
        let result = match &iter.kind {
            IterKind::Range {
                start,
                end,
                inclusive,
            } => self
                .range_steps(start, end, *inclusive, iter.reversed)
                .and_then(|steps| self.loop_over(written, &steps)),
            IterKind::Values(expr) => self.eval(expr).and_then(|value| match value {
                Value::List(items) => {
                    let mut items = items.to_vec();
                    if iter.reversed {
                        items.reverse();
                    }
                    self.each_in_turn(written, items)
                }
                Value::Tensor(id) => self
                    .tensor_steps(id, iter.reversed, expr.span)
                    .and_then(|steps| self.loop_over(written, &steps)),
                other => {
                    let what = self.describe(&other);
                    let message = format!(
                        "`for` goes through a range, a list or the first axis of a tensor, not {what}"
                    );
                    self.error(Code::DL0209, message, expr.span)
                }
            }),
        };
        if result.is_err() {
            self.poison_assigned(body);
        }
        result
    }

    fn range_steps(
        &mut self,
        start: &'a Expr,
        end: &'a Expr,
        inclusive: bool,
        reversed: bool,
    ) -> Res<Steps> {
        let what = "the bound of a range";
        let (first, last) = (self.count(start, what), self.count(end, what));
        let (first, last) = (first?, last?);
        let dtype = self.range_dtype((&first, start.span), (&last, end.span))?;
        let first = self.whole(&first, start.span)?;
        let last = self.whole(&last, end.span)?;
        let span = start.span.to(end.span);
        let last = self.offset(&last, i64::from(inclusive), span)?;
        let rounds = self.difference(&last, &first, span)?;
        let first = if reversed {
            self.offset(&last, -1, span)?
        } else {
            first
        };
        Ok(Steps {
            rounds,
            each: Each::Number {
                first,
                ascending: !reversed,
            },
            counter: dtype,
        })
    }

    /// The bound of a range or of a `while`: a number, a dim or an integer scalar.
    fn count(&mut self, expr: &'a Expr, what: &str) -> Res<Value<'a>> {
        let value = self.eval(expr)?;
        let wrong = match &value {
            Value::Num(Num::Int(_)) | Value::Dim(_) => return Ok(value),
            Value::Tensor(id) => {
                let ty = self.ty(*id).clone();
                if is_integer(ty.dtype) && ty.rank() == 0 {
                    return Ok(value);
                }
                let message = format!("{what} is an integer scalar, and this is `{ty}`");
                let diagnostic = Diagnostic::error(Code::DL0209, message, expr.span);
                if ty.rank() == 0 {
                    self.suggest_cast(diagnostic, expr.span, ty.dtype, DType::I32)
                } else {
                    diagnostic
                }
            }
            other => {
                let given = self.describe(other);
                let message = format!("{what} is an integer, and this is {given}");
                Diagnostic::error(Code::DL0209, message, expr.span)
            }
        };
        Err(self.report(wrong))
    }

    /// The dtype of a range's numbers: that of a bound that is computed, `i64` with a dim, else `i32`.
    fn range_dtype(&mut self, first: (&Value<'a>, Span), last: (&Value<'a>, Span)) -> Res<DType> {
        let dtype_of = |checker: &Self, value: &Value<'a>| match value {
            Value::Tensor(id) => Some(checker.dtype(*id)),
            Value::Dim(_) => Some(DType::I64),
            _ => None,
        };
        let dtype = match (dtype_of(self, first.0), dtype_of(self, last.0)) {
            (Some(a), Some(b)) if a != b => {
                let message = format!("the bounds of a range are `{a}` and `{b}`: dtypes differ");
                let diagnostic = Diagnostic::error(Code::DL0201, message, last.1)
                    .secondary(first.1, format!("this is `{a}`"));
                let diagnostic = if a.size() >= b.size() {
                    self.suggest_cast(diagnostic, last.1, b, a)
                } else {
                    self.suggest_cast(diagnostic, first.1, a, b)
                };
                return Err(self.report(diagnostic));
            }
            (a, b) => a.or(b).unwrap_or(DType::I32),
        };
        for (value, span) in [first, last] {
            if let Value::Num(num) = value {
                self.check_fits(*num, dtype, span)?;
            }
        }
        Ok(dtype)
    }

    fn tensor_steps(&mut self, id: NodeId, reversed: bool, span: Span) -> Res<Steps> {
        let Some(size) = self.shape(id).first().cloned() else {
            let message = "a scalar has no axis to go through";
            return self.error(Code::DL0209, message, span);
        };
        if self.dtype(id) == DType::Key {
            self.use_key(id, span, "`for`")?;
        }
        Ok(Steps {
            rounds: Whole::Dim(size),
            each: Each::Element {
                of: id,
                ascending: !reversed,
            },
            counter: DType::I64,
        })
    }

    fn whole(&mut self, value: &Value<'a>, span: Span) -> Res<Whole> {
        match value {
            Value::Tensor(id) => match self.scalar_dim(*id) {
                Some(dim) => Ok(Whole::Dim(dim)),
                None => self.convert(*id, DType::I64, span).map(Whole::Node),
            },
            other => self.value_to_dim(other, span).map(Whole::Dim),
        }
    }

    /// As an `i64` scalar.
    fn whole_node(&mut self, whole: &Whole, span: Span) -> Res<NodeId> {
        match whole {
            Whole::Dim(dim) => self.dim_scalar(dim, DType::I64, span),
            Whole::Node(id) => Ok(*id),
        }
    }

    fn offset(&mut self, whole: &Whole, by: i64, span: Span) -> Res<Whole> {
        Ok(match whole {
            _ if by == 0 => whole.clone(),
            Whole::Dim(dim) => Whole::Dim(dim + &Dim::constant(by)),
            Whole::Node(id) => {
                Whole::Node(self.with_number("add", *id, Num::Int(by.into()), span)?)
            }
        })
    }

    fn difference(&mut self, a: &Whole, b: &Whole, span: Span) -> Res<Whole> {
        if let (Whole::Dim(a), Whole::Dim(b)) = (a, b) {
            return Ok(Whole::Dim(a - b));
        }
        if matches!(b, Whole::Dim(dim) if dim.as_const() == Some(0)) {
            return Ok(a.clone());
        }
        let (a, b) = (self.whole_node(a, span)?, self.whole_node(b, span)?);
        self.elementwise("sub", &[a, b], DType::I64, span)
            .map(Whole::Node)
    }

    /// A loop over numbers or elements: one node, or unrolled where its variable has to be known.
    fn loop_over(&mut self, written: For<'a>, steps: &Steps) -> Res<()> {
        let place = (self.function_frame(), written.iter.span);
        if self.unrolled.contains(&place) {
            return self.unroll(written, steps);
        }
        let checkpoint = self.checkpoint();
        let (body, result) = self.structured_for(written, steps);
        if self.unrolling == Some(body) {
            self.unrolling = None;
            self.roll_back(checkpoint);
            self.unrolled.insert(place);
            return self.unroll(written, steps);
        }
        result
    }

    /// A loop as one node. Gives the body's frame too.
    fn structured_for(&mut self, written: For<'a>, steps: &Steps) -> (u32, Res<()>) {
        let span = written.iter.span;
        let variables = self.variables(&Assigned::of_block(written.body));
        self.push_region(FrameKind::Loop);
        let number = self.begin_rounds(written.pattern, steps);
        let id = self.frame().id;
        let round = self.pass_in(&variables).and_then(|before| {
            self.in_scope(|checker| {
                let value = checker.round_value(written, steps, &number)?;
                checker.bind(written.pattern, value, &|_| Kind::Loop)?;
                checker.run_block(written.body)
            })?;
            let after = self.leaves_now(&variables)?;
            self.check_carried_keys(&variables, &before, &after)?;
            let changed: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a != b).collect();
            Ok((changed, self.given(&after, span)))
        });
        let frame = self.pop_region(&variables);
        let result = round.and_then(|(changed, given)| {
            let before = leaves(&variables);
            let (passed, carried) = self.carry(&before, &changed, span)?;
            let types: Vec<TensorType> = carried.iter().map(|id| self.ty(*id).clone()).collect();
            let index = frame.rounds.as_ref().map(|rounds| rounds.index.clone());
            let closed = frame.into_region(&passed, chosen(&given, &changed));
            let mut args = Vec::new();
            let rounds = match &steps.rounds {
                Whole::Dim(dim) => Some(dim.clone()),
                Whole::Node(id) => {
                    args.push(*id);
                    None
                }
            };
            args.extend(carried);
            args.extend(closed.captured);
            let op = Prim::For {
                index: index.unwrap_or_default(),
                rounds,
                body: Box::new(closed.region),
                results: types.clone(),
            };
            let node = self.call_node(op, &args, &types, span)?;
            let results = self.results_of(node, &types, span)?;
            self.take_results(&variables, &changed, &mut results.into_iter())
        });
        (id, result)
    }

    /// What of the variables' leaves is passed into a region and what is captured, and the former's values before it.
    fn carry(
        &mut self,
        before: &[NodeId],
        changed: &[bool],
        span: Span,
    ) -> Res<(Passed, Vec<NodeId>)> {
        let carried = chosen(before, changed);
        for id in &carried {
            if self.dtype(*id) == DType::Key {
                self.use_key(*id, span, "the loop")?;
            }
        }
        let passed = before
            .iter()
            .zip(changed)
            .map(|(id, changed)| if *changed { Ok(()) } else { Err(*id) })
            .collect();
        Ok((passed, carried))
    }

    /// Names the number of the round in the body that begins, and notes what is known of it.
    fn begin_rounds(&mut self, pattern: &'a Pattern, steps: &Steps) -> Dim {
        let shown = match &pattern.kind {
            PatternKind::Name(name) if matches!(steps.each, Each::Number { .. }) => &name.name,
            _ => "round",
        };
        let index = format!("{shown}.{}", self.next_frame);
        let number = Dim::with_shown(Poly::name(&index), Poly::name(shown));
        let frame = self.frame();
        let count = match &steps.rounds {
            Whole::Dim(dim) => {
                let left = dim.poly().clone() - number.poly().clone() - Poly::one();
                frame.facts.add_nonnegative(left);
                Some(dim.clone())
            }
            Whole::Node(_) => None,
        };
        frame.rounds = Some(Rounds { index, count });
        number
    }

    /// What a round of a loop that is one node gets.
    fn round_value(&mut self, written: For<'a>, steps: &Steps, number: &Dim) -> Res<Value<'a>> {
        let span = written.pattern.span;
        let value = match &steps.each {
            Each::Number { first, ascending } => {
                let whole = match first {
                    Whole::Dim(first) if *ascending => Whole::Dim(first + number),
                    Whole::Dim(first) => Whole::Dim(first - number),
                    Whole::Node(first) => {
                        let number = self.dim_scalar(number, DType::I64, span)?;
                        let name = if *ascending { "add" } else { "sub" };
                        let args = [*first, number];
                        Whole::Node(self.elementwise(name, &args, DType::I64, span)?)
                    }
                };
                let node = self.whole_node(&whole, span)?;
                self.convert(node, steps.counter, span)?
            }
            Each::Element { of, ascending } => {
                let position = if *ascending {
                    number.clone()
                } else {
                    let size = self.shape(*of)[0].clone();
                    &(&size - &Dim::constant(1)) - number
                };
                let part = self.slice_axis(*of, 0, position, Dim::constant(1), span)?;
                let shape = self.shape(part)[1..].to_vec();
                self.reshape(part, &shape, span)?
            }
        };
        if !written.iter.enumerate {
            return Ok(Value::Tensor(value));
        }
        let counter = self.dim_scalar(number, steps.counter, span)?;
        Ok(Value::tuple(vec![
            Value::Tensor(counter),
            Value::Tensor(value),
        ]))
    }

    /// `while cond { body }`, `while cond within bound { body }`.
    pub(super) fn while_loop(
        &mut self,
        (cond, bound): (&'a Expr, Option<&'a Expr>),
        body: &'a Block,
        span: Span,
    ) -> Res<()> {
        let bound = bound.map(|bound| self.most_rounds(bound)).transpose();
        let result = bound.and_then(|bound| self.structured_while((cond, bound), body, span));
        if result.is_err() {
            self.poison_assigned(body);
        }
        result
    }

    /// The most rounds that a `while` may have, found before the first.
    fn most_rounds(&mut self, bound: &'a Expr) -> Res<MostRounds> {
        let value = self.count(bound, "the bound of a loop")?;
        let limit = self.whole(&value, bound.span)?;
        let counter = format!("round.{}", self.next_frame);
        self.next_frame += 1;
        let limit = self.whole_node(&limit, bound.span)?;
        Ok(MostRounds {
            counter,
            limit,
            span: bound.span,
        })
    }

    /// Whether a condition holds, with an end of the call where it would after the most rounds.
    fn holds_within(&mut self, holds: NodeId, most: &MostRounds) -> Res<NodeId> {
        let span = most.span;
        let number = Dim::with_shown(Poly::name(&most.counter), Poly::name("round"));
        let number = self.dim_scalar(&number, DType::I64, span)?;
        let below = self.compare("less", number, most.limit, span)?;
        let over = self.unary("bitwise_not", holds, span)?;
        let fine = self.binary_op("bitwise_or", over, below, span)?;
        let text = "a `while` has more rounds than its `within` allows";
        self.guard(fine, Code::DL1008, text, span)?;
        self.binary_op("bitwise_and", holds, below, span)
    }

    fn structured_while(
        &mut self,
        (cond, most): (&'a Expr, Option<MostRounds>),
        body: &'a Block,
        span: Span,
    ) -> Res<()> {
        let counted = most.as_ref().map(|most| Rounds {
            index: most.counter.clone(),
            count: None,
        });
        let mut assigned = Assigned::of_block(body);
        assigned.expr(cond);
        let variables = self.variables(&assigned);

        self.push_region(FrameKind::Loop);
        self.frame().rounds.clone_from(&counted);
        let test = self.pass_in(&variables).and_then(|before| {
            let holds = self.condition(cond)?;
            let after = self.leaves_now(&variables)?;
            self.check_carried_keys(&variables, &before, &after)?;
            let goes_on = match &most {
                Some(most) => self.holds_within(holds, most)?,
                None => holds,
            };
            let holds = self.given(&[holds, goes_on], span);
            let given = self.given(&after, span);
            Ok((before, holds, after, given))
        });
        let test_frame = self.pop_region(&variables);
        let (test_before, holds, test_after, test_given) = test?;

        self.push_region(FrameKind::Loop);
        self.frame().rounds = counted;
        let round = self.pass_in(&variables).and_then(|before| {
            self.in_scope(|checker| checker.run_block(body))?;
            let after = self.leaves_now(&variables)?;
            self.check_carried_keys(&variables, &before, &after)?;
            let given = self.given(&after, span);
            Ok((before, after, given))
        });
        let frame = self.pop_region(&variables);
        let (before, after, given) = round?;

        let changed: Vec<bool> = (0..before.len())
            .map(|i| test_before[i] != test_after[i] || before[i] != after[i])
            .collect();
        self.check_progress(&test_frame.nodes, holds[0], &changed, cond)?;
        let (passed, carried) = self.carry(&leaves(&variables), &changed, span)?;
        let types: Vec<TensorType> = carried.iter().map(|id| self.ty(*id).clone()).collect();
        let mut results = vec![holds[1]];
        results.extend(chosen(&test_given, &changed));
        let test = test_frame.into_region(&passed, results);
        let round = frame.into_region(&passed, chosen(&given, &changed));
        let mut args = carried;
        args.extend(test.captured);
        args.extend(round.captured);
        let op = Prim::While {
            counter: most.map(|most| most.counter),
            cond: Box::new(test.region),
            body: Box::new(round.region),
            results: types.clone(),
        };
        let node = self.call_node(op, &args, &types, span)?;
        let results = self.results_of(node, &types, span)?;
        self.take_results(&variables, &changed, &mut results.into_iter())
    }

    /// The condition of a `while`, a scalar `bool`.
    fn condition(&mut self, cond: &'a Expr) -> Res<NodeId> {
        match self.eval(cond)? {
            Value::Num(num @ Num::Bool(false)) => self.scalar(num, DType::Bool, cond.span),
            Value::Num(Num::Bool(true)) => {
                let message = "this loop never ends: its condition always holds";
                let diagnostic = Diagnostic::error(Code::DL0227, message, cond.span)
                    .help("a loop ends by its condition; there is no `break`");
                Err(self.report(diagnostic))
            }
            Value::Tensor(id) if *self.ty(id) == TensorType::scalar(DType::Bool) => Ok(id),
            other => Err(self.not_a_condition(&other, cond)),
        }
    }

    /// Reports a condition that depends on nothing that a round changes.
    fn check_progress(
        &mut self,
        nodes: &[crate::core::Node],
        holds: u32,
        changed: &[bool],
        cond: &'a Expr,
    ) -> Res<()> {
        if let Prim::Constant(_) = nodes[holds as usize].op {
            // It is false: no round is begun.
            return Ok(());
        }
        let mut needed = vec![false; nodes.len()];
        needed[holds as usize] = true;
        for (i, node) in nodes.iter().enumerate().rev() {
            if !needed[i] {
                continue;
            }
            match node.op {
                Prim::Param(n) if changed.get(n as usize) == Some(&true) => return Ok(()),
                _ => node
                    .args
                    .iter()
                    .for_each(|arg| needed[*arg as usize] = true),
            }
        }
        let message = "no round changes anything that this condition depends on";
        let diagnostic = Diagnostic::error(Code::DL0227, message, cond.span)
            .label("once it holds, it holds for ever")
            .help("assign a `var` that it depends on");
        Err(self.report(diagnostic))
    }

    /// What a block that could not be checked would have assigned is unknown after it.
    fn poison_assigned(&mut self, body: &'a Block) {
        self.poison(Assigned::targets_of_block(body).names);
    }
}

/// Those of the items that are marked.
pub(super) fn chosen<T: Copy>(items: &[T], marked: &[bool]) -> Vec<T> {
    items
        .iter()
        .zip(marked)
        .filter(|(_, marked)| **marked)
        .map(|(item, _)| *item)
        .collect()
}
