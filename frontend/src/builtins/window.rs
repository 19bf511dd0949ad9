//! What convolutions and pools share: their options, and how many windows fit.

use crate::ast::Span;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::convert::dim_text;
use crate::check::dims::count;
use crate::check::{Reported, Res, Value};
use crate::core::{Dim, Num};
use crate::diagnostic::{Code, Diagnostic};

/// What comes before and after the elements of each axis in space.
pub(super) enum Padding {
    /// As much as gives `ceil(size / stride)` windows, the odd one after.
    Same,
    /// So much.
    Given(Vec<(Dim, Dim)>),
}

/// The windows along one axis.
pub(super) struct Windows {
    /// The padding before and after.
    pub padding: (Dim, Dim),
    /// How many there are.
    pub count: Dim,
}

impl<'a> Call<'_, 'a> {
    /// An option that is one integer, or one for each axis, none less than 1; nothing if it is not given.
    pub(super) fn steps(&mut self, name: &str, axes: usize) -> Res<Option<Vec<i64>>> {
        let Some(operand) = self.some(name) else {
            return Ok(None);
        };
        let values = self.ints_of(name, &operand)?;
        if let Some((value, span)) = values.iter().find(|(value, _)| *value < 1) {
            let message = format!(
                "`{name}` of `{}` is at least 1, and this is {value}",
                self.name
            );
            return self.error(Code::DL0209, message, *span);
        }
        let values: Vec<i64> = values.into_iter().map(|(value, _)| value).collect();
        match (values.as_slice(), self.items(&operand)) {
            ([one], None) => Ok(Some(vec![*one; axes])),
            (all, _) if all.len() == axes => Ok(Some(values)),
            (all, _) => Err(self.not_one_each(name, axes, all.len(), operand.span)),
        }
    }

    fn not_one_each(&mut self, name: &str, axes: usize, given: usize, span: Span) -> Reported {
        let message = format!(
            "`{name}` of `{}` is an integer or a list of {axes}, and this is a list of {given}",
            self.name
        );
        self.checker
            .report(Diagnostic::error(Code::DL0209, message, span))
    }

    /// The option `padding`: an integer, a list of one for each axis, a list of pairs, `"same"` or `"valid"`.
    pub(super) fn padding(&mut self, axes: usize) -> Res<Padding> {
        let zero = Dim::constant(0);
        let Some(operand) = self.some("padding") else {
            return Ok(Padding::Given(vec![(zero.clone(), zero); axes]));
        };
        if let Value::Str(text) = &operand.value {
            return match &**text {
                "same" => Ok(Padding::Same),
                "valid" => Ok(Padding::Given(vec![(zero.clone(), zero); axes])),
                _ => {
                    let message = format!("`padding` of `{}` is not \"{text}\"", self.name);
                    let mut diagnostic = Diagnostic::error(Code::DL0209, message, operand.span);
                    let lower = text.to_lowercase();
                    diagnostic = match lower.as_str() {
                        "same" | "valid" => {
                            diagnostic.suggest("write", operand.span, format!("\"{lower}\""))
                        }
                        _ => diagnostic.help("it is `\"same\"`, `\"valid\"`, an integer or a list"),
                    };
                    Err(self.checker.report(diagnostic))
                }
            };
        }
        let Some(items) = self.items(&operand) else {
            let width = self.width(&operand)?;
            return Ok(Padding::Given(vec![(width.clone(), width); axes]));
        };
        if items.len() != axes {
            if let ([low, high], 1) = (items.as_slice(), axes) {
                let message = format!("`padding` of `{}` is a list of 1 pair", self.name);
                let pair = self.checker.sources.slice(low.span.to(high.span));
                let list = format!("[[{pair}]]");
                let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span).suggest(
                    "before and after are a pair",
                    operand.span,
                    list,
                );
                return Err(self.checker.report(diagnostic));
            }
            return Err(self.not_one_each("padding", axes, items.len(), operand.span));
        }
        let mut given = Vec::new();
        for item in &items {
            given.push(match self.items(item).as_deref() {
                None => {
                    let width = self.width(item)?;
                    (width.clone(), width)
                }
                Some([low, high]) => (self.width(low)?, self.width(high)?),
                Some(_) => return self.wrong("padding", "a list of pairs", item),
            });
        }
        Ok(Padding::Given(given))
    }

    /// An amount of padding.
    fn width(&mut self, operand: &Operand<'a>) -> Res<Dim> {
        match &operand.value {
            Value::Num(Num::Int(_)) | Value::Dim(_) => self.size_of(operand),
            Value::Tensor(_) => self.int_of("padding", operand).map(Dim::constant),
            _ => self.wrong(
                "padding",
                "an integer, a list, `\"same\"` or `\"valid\"`",
                operand,
            ),
        }
    }

    /// How many elements a window spans; it has one at least.
    pub(super) fn window_span(&mut self, window: &Dim, dilation: i64) -> Res<Dim> {
        let one = Dim::constant(1);
        let gaps = window - &one;
        let span = &(&gaps * &Dim::constant(dilation)) + &one;
        if span.as_const().is_none() && span.poly().names().is_empty() {
            let at = self.span();
            return self.error(Code::DL0216, "a size does not fit in 64 bits", at);
        }
        if !self.checker.nonnegative(gaps.poly()) {
            let message = format!(
                "a window of `{}` may be empty: nothing says that {} is at least 1",
                self.name,
                dim_text(window)
            );
            let mut diagnostic = Diagnostic::error(Code::DL0230, message, self.site.span);
            if window.as_const().is_none() {
                diagnostic = diagnostic.help(format!("say so: `where {window} >= 1`"));
            }
            return Err(self.checker.report(diagnostic));
        }
        Ok(span)
    }

    /// The windows that fit on an axis of `size`.
    pub(super) fn windows(
        &mut self,
        padding: &Padding,
        axis: usize,
        size: &Dim,
        span: &Dim,
        stride: i64,
    ) -> Res<Windows> {
        let step = Dim::constant(stride);
        let over = |dim: &Dim| dim.try_map(|poly| poly.floor_div(stride)).ok_or(Reported);
        let padding = match padding {
            Padding::Given(given) => given[axis].clone(),
            Padding::Same => {
                let total = self.same_padding(size, span, stride)?;
                let low = total.try_map(|poly| poly.floor_div(2)).ok_or(Reported)?;
                let high = &total - &low;
                return Ok(Windows {
                    padding: (low, high),
                    count: over(&(size + &Dim::constant(stride - 1)))?,
                });
            }
        };
        let padded = &(size + &padding.0) + &padding.1;
        let rest = &padded - span;
        // Without room for one window there may be none, as long as their number comes out as 0.
        let fits = match rest.as_const() {
            Some(rest) => rest >= 0,
            None => self.checker.nonnegative((&rest + &step).poly()),
        };
        if !fits {
            return Err(self.too_large(size, &padded, span, &rest));
        }
        Ok(Windows {
            padding,
            count: &over(&rest)? + &Dim::constant(1),
        })
    }

    /// `max((ceil(size / stride) - 1) * stride + span - size, 0)`.
    fn same_padding(&mut self, size: &Dim, span: &Dim, stride: i64) -> Res<Dim> {
        // What the last stride goes beyond the axis, less than the stride.
        let zero = Dim::constant(0);
        let beyond = (&zero - size)
            .try_map(|poly| poly.rem(stride))
            .ok_or(Reported)?;
        let total = &(&beyond + span) - &Dim::constant(stride);
        if let Some(total) = total.as_const() {
            return Ok(Dim::constant(total.max(0)));
        }
        if self.checker.nonnegative(total.poly()) {
            return Ok(total);
        }
        if span.as_const().is_none() {
            let message = format!(
                "the padding \"same\" of `{}` needs a window that is known, or a stride of 1",
                self.name
            );
            let at = self.operand("padding")?.span;
            return self.error(Code::DL0214, message, at);
        }
        // The span is less than the stride: `total` lies between `-stride` and `stride`, so this is 0 or 1.
        let factor = (&total + &Dim::constant(stride))
            .try_map(|poly| poly.floor_div(stride))
            .ok_or(Reported)?;
        Ok(&total * &factor)
    }

    /// Reports windows that do not fit, or for which nothing says that they do.
    fn too_large(&mut self, size: &Dim, padded: &Dim, span: &Dim, rest: &Dim) -> Reported {
        let with = match padded == size {
            true => String::new(),
            false => format!(", {padded} with its padding"),
        };
        let (message, help) = match rest.as_const() {
            Some(_) => (
                format!(
                    "a window of `{}` spans {}, and the axis has {size}{with}",
                    self.name,
                    things(span, "element")
                ),
                "a smaller window fits, or more padding, such as `padding=\"same\"`".to_string(),
            ),
            None => {
                let mut names = rest.poly().names().into_iter();
                let linear = match (names.next(), names.next()) {
                    (Some(name), None) => rest.poly().as_linear_in(&name).map(|l| (name, l)),
                    _ => None,
                };
                let condition = match linear {
                    Some((name, (1, offset))) => format!("{name} >= {}", -offset),
                    _ => format!("{padded} >= {span}"),
                };
                (
                    format!(
                        "a window of `{}` may not fit: it spans {}, and nothing says that {} is as much{with}",
                        self.name,
                        things(span, "element"),
                        dim_text(size)
                    ),
                    format!("say so: `where {condition}`"),
                )
            }
        };
        let diagnostic = Diagnostic::error(Code::DL0230, message, self.site.span).help(help);
        let mut operands = vec![];
        for name in ["x", "w"] {
            let has = self.params.iter().any(|param| param.name == name);
            if let Some(Value::Tensor(x)) = has
                .then(|| self.given(name))
                .flatten()
                .map(|operand| operand.value)
            {
                operands.push(x);
            }
        }
        let diagnostic = self.checker.origins(diagnostic, &operands);
        self.checker.report(diagnostic)
    }
}

/// A number of things: `3 elements`, `` `T` elements``.
pub(super) fn things(number: &Dim, what: &str) -> String {
    match number.as_const().and_then(|n| usize::try_from(n).ok()) {
        Some(n) => count(n, what),
        None => format!("{} {what}s", dim_text(number)),
    }
}

/// `3`, or `` `T` ``.
pub(super) fn number(number: &Dim) -> String {
    match number.as_const() {
        Some(n) => n.to_string(),
        None => dim_text(number),
    }
}
