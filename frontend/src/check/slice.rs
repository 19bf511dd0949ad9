//! Slices in an index, `x[a:b:c]`: bounds outside the axis are moved inside, as in NumPy, where it is known which are.

use dlc_abi::dim::{Factor, Poly};

use crate::ast::{Expr, Span};
use crate::check::Checker;
use crate::check::index::AxisIndex;
use crate::check::value::{Reported, Res, Value};
use crate::core::Dim;
use crate::diagnostic::{Code, Diagnostic};

/// The axis that is cut, for messages.
struct Cut<'d> {
    size: &'d Dim,
    axis: usize,
}

impl<'a> Checker<'a> {
    /// `x[start:end:step]` on one axis.
    pub(super) fn slice_index(
        &mut self,
        size: &Dim,
        [start, end, step]: [Option<&'a Expr>; 3],
        axis: usize,
        span: Span,
    ) -> Res<AxisIndex> {
        let stride = match step {
            None => 1,
            Some(expr) => match self.eval(expr)? {
                Value::None => 1,
                value => {
                    let step = self.value_to_dim(&value, expr.span)?;
                    self.known_number(&step, "the step of a slice", expr.span)?
                }
            },
        };
        if stride == 0 {
            return self.error(Code::DL0212, "the step of a slice cannot be 0", span);
        }
        // The places read are first, first + stride, … before `stop`; backwards, the least place is -1.
        let (least, greatest) = match stride {
            ..0 => (Dim::constant(-1), size - &Dim::constant(1)),
            _ => (Dim::constant(0), size.clone()),
        };
        let (first, stop) = match stride {
            ..0 => (&greatest, &least),
            _ => (&least, &greatest),
        };
        let cut = Cut { size, axis };
        let first = match start {
            Some(expr) => self.slice_bound(&cut, expr, &least, &greatest)?,
            None => None,
        }
        .unwrap_or_else(|| first.clone());
        let stop = match end {
            Some(expr) => self.slice_bound(&cut, expr, &least, &greatest)?,
            None => None,
        }
        .unwrap_or_else(|| stop.clone());
        let (low, high) = if stride < 0 {
            (&stop, &first)
        } else {
            (&first, &stop)
        };
        let length = high - low;
        if self.has_loop_variable(&length) {
            return Err(self.length_varies(&length, span));
        }
        // A longer step than the axis is takes one element.
        let step = i64::try_from(stride.unsigned_abs()).unwrap_or(i64::MAX);
        if self.nonnegative(&-length.poly().clone()) {
            return Ok(AxisIndex::Slice {
                start: Dim::constant(0),
                size: Dim::constant(0),
                stride: 1,
                reversed: false,
                drop: false,
            });
        }
        if !self.nonnegative(length.poly()) {
            return Err(self.unproven(low, high, span));
        }
        let number = self.quotient_up(&length, step)?;
        let start = if stride > 0 {
            first
        } else {
            let steps = &number - &Dim::constant(1);
            &first - &(&steps * &Dim::constant(step))
        };
        Ok(AxisIndex::Slice {
            start,
            size: number,
            stride: step,
            reversed: stride < 0,
            drop: false,
        })
    }

    /// `length / step`, rounded up.
    fn quotient_up(&mut self, length: &Dim, step: i64) -> Res<Dim> {
        if step == 1 {
            return Ok(length.clone());
        }
        if let Some(length) = length.as_const() {
            return Ok(Dim::constant((length - 1).div_euclid(step) + 1));
        }
        let rounded = length + &Dim::constant(step - 1);
        rounded.try_map(|poly| poly.floor_div(step)).ok_or(Reported)
    }

    /// A bound of a slice, counted from the start and moved inside; nothing for `none`.
    fn slice_bound(
        &mut self,
        cut: &Cut<'_>,
        expr: &'a Expr,
        least: &Dim,
        greatest: &Dim,
    ) -> Res<Option<Dim>> {
        let value = match self.eval(expr)? {
            Value::None => return Ok(None),
            Value::Tensor(id) => match self.scalar_dim(id) {
                Some(dim) => dim,
                None if self.is_known_unrolled(id) => return Err(Reported),
                None => return Err(self.bound_not_known(expr.span)),
            },
            other => {
                let value = self.value_to_dim(&other, expr.span)?;
                // The dim with the names as written.
                self.body_dim(expr).unwrap_or(value)
            }
        };
        let (size, axis) = (cut.size, cut.axis);
        let is_negative = self.nonnegative(&(-value.poly().clone() - Poly::one()));
        if !is_negative && !self.nonnegative(value.poly()) {
            let message = format!(
                "whether `{value}` counts from the start or the end of axis {axis} is not known"
            );
            let diagnostic = Diagnostic::error(Code::DL0213, message, expr.span)
                .help(format!("say so: `where {}`", at_least_zero(&value)));
            return Err(self.report(diagnostic));
        }
        let at_most = |checker: &Self, a: &Dim, b: &Dim| checker.nonnegative((b - a).poly());
        if is_negative {
            let value = size + &value;
            if at_most(self, least, &value) {
                return Ok(Some(value));
            }
            if at_most(self, &value, least) {
                return Ok(Some(least.clone()));
            }
            return Err(self.unproven(&(size - &value), size, expr.span));
        }
        if at_most(self, &value, greatest) {
            return Ok(Some(value));
        }
        if at_most(self, greatest, &value) {
            return Ok(Some(greatest.clone()));
        }
        Err(self.unproven(&(&value + &(size - greatest)), size, expr.span))
    }

    fn bound_not_known(&mut self, span: Span) -> Reported {
        let message = "the bounds of a slice have to be known at compile time";
        let diagnostic = Diagnostic::error(Code::DL0214, message, span)
            .label("this is computed when the program runs")
            .help("`dynamic_slice(x, starts, sizes)` starts where the program says, with sizes that are known");
        self.report(diagnostic)
    }

    /// A slice whose length depends on the variable of a loop, which is unrolled if it can be.
    fn length_varies(&mut self, length: &Dim, span: Span) -> Reported {
        if self.unrolls_for(length) {
            return Reported;
        }
        let message =
            format!("the length of this slice is `{length}`, which differs between rounds");
        let diagnostic = Diagnostic::error(Code::DL0214, message, span)
            .note(
                "a loop is one piece of code for all rounds, so shapes are the same in all of them",
            )
            .help("take a slice of one length, `x[i:i + 4]`, or choose by `where` on positions");
        self.report(diagnostic)
    }

    /// Reports a slice that may lie outside.
    fn unproven(&mut self, low: &Dim, high: &Dim, span: Span) -> Reported {
        if self.unrolls_for(low) || self.unrolls_for(high) {
            return Reported;
        }
        let message =
            format!("a slice may lie outside its axis: nothing says that `{low}` <= `{high}`");
        let mut diagnostic = Diagnostic::error(Code::DL0213, message, span);
        diagnostic = match (low.as_const(), high.poly().as_name()) {
            (Some(low), Some(name)) => diagnostic.help(format!(
                "give `{name}` a range, `{name} in {low}..`, or say `where {name} >= {low}`"
            )),
            _ => diagnostic.help(format!("say so: `where {high} >= {low}`")),
        };
        self.report(diagnostic)
    }
}

/// `dim >= 0` as one would write it: `n >= k` for `n - k`.
fn at_least_zero(dim: &Dim) -> String {
    let (mut left, mut right) = (Poly::zero(), Poly::zero());
    for (coefficient, factors) in dim.shown().terms() {
        let Ok(size) = i64::try_from(coefficient.unsigned_abs()) else {
            return format!("{dim} >= 0");
        };
        let mut term = Poly::constant(size);
        for factor in factors {
            term = term
                * match factor {
                    Factor::Name(name) => Poly::name(name),
                    Factor::FloorDiv(inner, divisor) => {
                        inner.floor_div(divisor).unwrap_or_default()
                    }
                    Factor::Rem(inner, divisor) => inner.rem(divisor).unwrap_or_default(),
                };
        }
        let side = if coefficient > 0 {
            &mut left
        } else {
            &mut right
        };
        *side = std::mem::take(side) + term;
    }
    format!("{} >= {}", Dim::new(left), Dim::new(right))
}
