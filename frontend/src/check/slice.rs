//! Slices in an index, `x[a:b:c]`, which have to lie inside their axis for all dims allowed.

use dlc_abi::dim::Poly;

use crate::ast::{Expr, Span};
use crate::check::Checker;
use crate::check::index::AxisIndex;
use crate::check::value::{Reported, Res, Value};
use crate::core::Dim;
use crate::diagnostic::{Code, Diagnostic};

/// A bound of a slice, counted from the start.
enum Bound {
    Known(Dim),
    Default,
}

impl<'a> Checker<'a> {
    /// `x[start:end:step]` on one axis.
    pub(super) fn slice_index(
        &mut self,
        size: &Dim,
        start: Option<&'a Expr>,
        end: Option<&'a Expr>,
        step: Option<&'a Expr>,
        axis: usize,
        span: Span,
    ) -> Res<AxisIndex> {
        let stride = match step {
            None => 1,
            Some(expr) => {
                let step = self.body_dim(expr)?;
                self.known_number(&step, "the step of a slice", expr.span)?
            }
        };
        if stride == 0 {
            return self.error(Code::DL0212, "the step of a slice cannot be 0", span);
        }
        let low = self.slice_bound(size, start, axis, stride < 0)?;
        let high = self.slice_bound(size, end, axis, stride < 0)?;
        if stride < 0 {
            return self.backward_slice(size, low, high, stride, span);
        }
        let low = match low {
            Bound::Known(low) => low,
            Bound::Default => Dim::constant(0),
        };
        let high = match high {
            Bound::Known(high) => high,
            Bound::Default => size.clone(),
        };
        let length = &high - &low;
        if self.has_loop_variable(&length) {
            return Err(self.length_varies(&length, span));
        }
        if let Some(length) = length.as_const()
            && length <= 0
        {
            return Ok(AxisIndex::Slice {
                start: low,
                size: Dim::constant(0),
                stride: 1,
                reversed: false,
                drop: false,
            });
        }
        if !self.nonnegative(length.poly()) {
            return Err(self.unproven(&low, &high, span));
        }
        let length = if stride == 1 {
            length
        } else {
            let rounded = &length + &Dim::constant(stride - 1);
            rounded
                .try_map(|poly| poly.floor_div(stride))
                .ok_or(Reported)?
        };
        Ok(AxisIndex::Slice {
            start: low,
            size: length,
            stride,
            reversed: false,
            drop: false,
        })
    }

    /// A bound of a slice, inside the axis.
    fn slice_bound(
        &mut self,
        size: &Dim,
        bound: Option<&'a Expr>,
        axis: usize,
        backward: bool,
    ) -> Res<Bound> {
        let Some(expr) = bound else {
            return Ok(Bound::Default);
        };
        let value = match self.eval(expr)? {
            Value::None => return Ok(Bound::Default),
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
        if let (Some(value), Some(size)) = (value.as_const(), size.as_const()) {
            let from_start = if value < 0 { value + size } else { value };
            let low = if backward { -1 } else { 0 };
            let high = if backward { size - 1 } else { size };
            return Ok(Bound::Known(Dim::constant(
                from_start.clamp(low, high.max(low)),
            )));
        }
        let Some(start) = self.counted_from_start(&value, size) else {
            if self.nonnegative(&(-value.poly().clone() - Poly::one())) {
                return Err(self.unproven(&(&Dim::constant(0) - &value), size, expr.span));
            }
            let message = format!(
                "whether `{value}` counts from the start or the end of axis {axis} is not known"
            );
            let diagnostic = Diagnostic::error(Code::DL0213, message, expr.span)
                .help(format!("say so: `where {value} >= 0`"));
            return Err(self.report(diagnostic));
        };
        if !self.nonnegative(&(size.poly().clone() - start.poly().clone())) {
            return Err(self.unproven(&start, size, expr.span));
        }
        Ok(Bound::Known(start))
    }

    fn bound_not_known(&mut self, span: Span) -> Reported {
        let message = "the bounds of a slice have to be known at compile time";
        let diagnostic = Diagnostic::error(Code::DL0214, message, span)
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

    fn backward_slice(
        &mut self,
        size: &Dim,
        low: Bound,
        high: Bound,
        stride: i64,
        span: Span,
    ) -> Res<AxisIndex> {
        if let (Bound::Default, Bound::Default, -1) = (&low, &high, stride) {
            return Ok(AxisIndex::Slice {
                start: Dim::constant(0),
                size: size.clone(),
                stride: 1,
                reversed: true,
                drop: false,
            });
        }
        let Some(length) = size.as_const() else {
            return self.not_yet(
                "a backward part of an axis whose size is not a constant is",
                span,
            );
        };
        let known = |bound: Bound, default: i64| match bound {
            Bound::Known(dim) => dim.as_const().unwrap_or(default),
            Bound::Default => default,
        };
        let (first, stop) = (known(low, length - 1), known(high, -1));
        // A longer step than the axis is takes one element.
        let step = stride.unsigned_abs().clamp(1, i64::MAX as u64) as i64;
        let number = if first > stop {
            (first - stop - 1) / step + 1
        } else {
            0
        };
        let start = first - (number - 1).max(0) * step;
        Ok(AxisIndex::Slice {
            start: Dim::constant(start.max(0)),
            size: Dim::constant(number),
            stride: step,
            reversed: true,
            drop: false,
        })
    }
}
