//! Each op as an expression. The match has no wildcard arm: an op that the language has no form for is named here.

use dlc_dialects::elementwise_kinds;
use dlc_dialects::ir::edit;
use dlc_dialects::ir::inspect::dense_bits;
use dlc_dialects::ir::shape::{element_of, shape_of};
use dlc_dialects::ops::{self, OpKind};
use melior::ir::operation::OperationLike;
use melior::ir::{OperationRef, Value};

use super::expr::{ATOM, COMPARISON, Expr, PRODUCT, SUM, UNARY, list};
use super::{Writer, Written};

/// The most numbers of a constant that are written out.
const MOST_NUMBERS: usize = 256;

impl<'c, 'a> Writer<'c, 'a> {
    /// What an op computes.
    pub(super) fn expression(&self, op: OperationRef<'c, 'a>) -> Written<Expr> {
        match OpKind::of(&op) {
            Some(kind) => self.dl(op, kind),
            None => self.arithmetic(op),
        }
    }

    /// Arithmetic of dims, and scalars taken out of tensors.
    fn arithmetic(&self, op: OperationRef<'c, 'a>) -> Written<Expr> {
        let operand = |i: usize| -> Written<Expr> {
            self.get(op.operand(i).map_err(|error| error.to_string())?)
        };
        let binary = |operator, level| -> Written<Expr> {
            Ok(Expr::binary(&operand(0)?, operator, &operand(1)?, level))
        };
        match edit::name(op) {
            "arith.constant" => {
                let value = op.attribute("value").map_err(|error| error.to_string())?;
                let text = value.to_string();
                Ok(Expr::atom(text.split(' ').next().unwrap_or_default()))
            }
            "arith.addi" => binary("+", SUM),
            "arith.subi" => binary("-", SUM),
            "arith.muli" => binary("*", PRODUCT),
            "arith.floordivsi" => binary("/", PRODUCT),
            "tensor.extract" | "arith.index_cast" => operand(0),
            "tensor.dim" => {
                let axis = operand(1)?.text.parse::<usize>();
                let axis = axis.map_err(|_| "a size of an axis that is not known".to_string())?;
                let x = op.operand(0).map_err(|error| error.to_string())?;
                Ok(Expr::atom(self.dim(x, axis)?))
            }
            _ => Err(named(op)),
        }
    }

    fn dl(&self, op: OperationRef<'c, 'a>, kind: OpKind) -> Written<Expr> {
        let operand = |i: usize| -> Written<Expr> {
            self.get(op.operand(i).map_err(|error| error.to_string())?)
        };
        let y: Value = op.result(0).map_err(|error| error.to_string())?.into();
        let call = |name: &str, rest: String| -> Written<Expr> {
            Ok(Expr::atom(format!("{name}({}{rest})", operand(0)?.text)))
        };
        match kind {
            OpKind::Constant => constant(op, y),
            OpKind::Convert => call(&dtype(y), String::new()),
            OpKind::Bitcast
            | OpKind::RandomBits
            | OpKind::Check
            | OpKind::Print
            | OpKind::Call
            | OpKind::Grad
            | OpKind::Jvp
            | OpKind::Vjp
            | OpKind::Vmap => Err(named(op)),
            OpKind::OptimizationBarrier => operand(0),
            OpKind::DimValue => Ok(Expr::atom(format!("i64({})", operand(0)?.text))),
            OpKind::Iota => {
                let view = ops::Iota(op);
                let dims = list(&self.result_dims(y, view.sizes())?);
                Ok(Expr::atom(format!(
                    "iota({dims}, {}, axis={})",
                    dtype(y),
                    view.axis()
                )))
            }
            OpKind::Broadcast => self.broadcast(ops::Broadcast(op), y),
            OpKind::Reshape => {
                let dims = self.result_dims(y, ops::Reshape(op).sizes())?;
                call("reshape", format!(", {}", list(&dims)))
            }
            OpKind::Transpose => {
                let axes = ops::Transpose(op).permutation();
                match axes.as_slice() {
                    [1, 0] => call("matrix_transpose", String::new()),
                    _ => call("permute_dims", format!(", axes={}", list(&axes))),
                }
            }
            OpKind::Reverse => call("flip", format!(", axis={}", list(&ops::Reverse(op).axes()))),
            OpKind::Concatenate => {
                let view = ops::Concatenate(op);
                let parts = view.inputs().into_iter().map(|x| Ok(self.get(x)?.text));
                let parts = parts.collect::<Written<Vec<_>>>()?;
                Ok(Expr::atom(format!(
                    "concat({}, axis={})",
                    list(&parts),
                    view.axis()
                )))
            }
            OpKind::Slice => {
                let view = ops::Slice(op);
                let starts = self.texts(view.starts())?;
                let sizes = self.result_dims(y, view.sizes())?;
                match view.strides().iter().all(|stride| *stride == 1) {
                    true => call(
                        "dynamic_slice",
                        format!(", {}, {}", list(&starts), list(&sizes)),
                    ),
                    false => {
                        let index = every_nth(&starts, &sizes, &view.strides());
                        Ok(Expr::atom(format!("{}[{index}]", operand(0)?.at(ATOM))))
                    }
                }
            }
            OpKind::UpdateSlice => {
                let view = ops::UpdateSlice(op);
                let starts = list(&self.texts(view.starts())?);
                let update = self.get(view.update())?.text;
                call("dynamic_update_slice", format!(", {update}, {starts}"))
            }
            OpKind::Pad => self.pad(ops::Pad(op), y),
            OpKind::DotGeneral => self.product(ops::DotGeneral(op)),
            OpKind::Conv => self.conv(ops::Conv(op)),
            OpKind::ReduceWindow => self.pool(ops::ReduceWindow(op)),
            OpKind::Reduce => {
                let view = ops::Reduce(op);
                call(view.kind(), format!(", axis={}", list(&view.axes())))
            }
            OpKind::ArgReduce => {
                let view = ops::ArgReduce(op);
                call(view.kind(), format!(", axis={}", view.axis()))
            }
            OpKind::Argsort => {
                let view = ops::Argsort(op);
                call(
                    "argsort",
                    format!(", axis={}, descending={}", view.axis(), view.descending()),
                )
            }
            OpKind::Cumulative => {
                let view = ops::Cumulative(op);
                let name = format!("cum{}", view.kind());
                call(
                    &name,
                    format!(", axis={}, reverse={}", view.axis(), view.reverse()),
                )
            }
            OpKind::Take => call(
                "take",
                format!(", {}, axis={}", operand(1)?.text, ops::Take(op).axis()),
            ),
            OpKind::TakeAlongAxis => call(
                "take_along_axis",
                format!(
                    ", {}, axis={}",
                    operand(1)?.text,
                    ops::TakeAlongAxis(op).axis()
                ),
            ),
            OpKind::Scatter => {
                let view = ops::Scatter(op);
                let (ids, updates) = (operand(1)?.text, operand(2)?.text);
                call(
                    "scatter_add",
                    format!(", {ids}, {updates}, axis={}", view.axis()),
                )
            }
            OpKind::ScatterAddAlongAxis => {
                let (ids, updates) = (operand(1)?.text, operand(2)?.text);
                let axis = ops::ScatterAddAlongAxis(op).axis();
                call(
                    "scatter_add_along_axis",
                    format!(", {ids}, {updates}, axis={axis}"),
                )
            }
            elementwise_kinds!() => self.elementwise(op, kind, y),
        }
    }

    /// What an op assigns to a part of something: what that begins as, the index, the operator and the value; `None` for
    /// an op that is an expression.
    pub(super) fn assignment(&self, op: OperationRef<'c, 'a>) -> Written<Option<Assignment>> {
        Ok(match OpKind::of(&op) {
            Some(OpKind::UpdateSlice) => {
                let view = ops::UpdateSlice(op);
                if view.strides().iter().all(|stride| *stride == 1) {
                    return Ok(None);
                }
                let (starts, sizes) = (self.texts(view.starts())?, self.dims(view.update())?);
                Some(Assignment {
                    whole: self.get(view.x())?.text,
                    index: every_nth(&starts, &sizes, &view.strides()),
                    value: self.get(view.update())?.text,
                })
            }
            Some(OpKind::Pad) => {
                let view = ops::Pad(op);
                if view.interior().iter().all(|between| *between == 0) {
                    return Ok(None);
                }
                let y: Value = op.result(0).map_err(|error| error.to_string())?.into();
                let outer = list(&self.result_dims(y, view.sizes())?);
                let value = self.get(view.value())?.text;
                let strides = view.interior().iter().map(|n| n + 1).collect::<Vec<_>>();
                let (low, inner) = (self.texts(view.low())?, self.dims(view.x())?);
                Some(Assignment {
                    whole: format!("broadcast_to({value}, {outer})"),
                    index: every_nth(&low, &inner, &strides),
                    value: self.get(view.x())?.text,
                })
            }
            Some(OpKind::Scatter) if ops::Scatter(op).kind() == "set" => {
                let view = ops::Scatter(op);
                let before = ":, ".repeat(usize::try_from(view.axis()).unwrap_or_default());
                Some(Assignment {
                    whole: self.get(view.x())?.text,
                    index: format!("{before}{}", self.get(view.ids())?.text),
                    value: self.get(view.updates())?.text,
                })
            }
            _ => None,
        })
    }

    /// A reduction of windows over the last axes.
    fn pool(&self, view: ops::ReduceWindow<'c, 'a>) -> Written<Expr> {
        let (window, strides) = (view.window(), view.strides());
        let moves = |axis: &usize| window[*axis] != 1 || strides[*axis] != 1;
        let first = (0..window.len()).find(moves).unwrap_or(window.len() - 1);
        let is_plain = view.dilations().iter().all(|n| *n == 1);
        if !is_plain || window.len() - first > 3 {
            return Err(
                "a reduction of windows over more axes than three, or with holes".to_string(),
            );
        }
        let x = self.get(view.x())?;
        let (window, strides) = (&window[first..], &strides[first..]);
        let options = format!("window={}, stride={}", list(window), list(strides));
        let is_float = dtype(view.x()).contains('f');
        match view.kind() {
            "max" => Ok(Expr::atom(format!("max_pool({}, {options})", x.text))),
            "min" if is_float => {
                let text = format!("-max_pool(-{}, {options})", x.at(ATOM));
                Ok(Expr::of(text, UNARY))
            }
            "sum" if is_float => {
                let count: i64 = window.iter().product();
                let text = format!("{count} * avg_pool({}, {options})", x.text);
                Ok(Expr::of(text, PRODUCT))
            }
            kind => Err(format!("a {kind} of windows")),
        }
    }

    fn texts(&self, values: Vec<Value<'c, 'a>>) -> Written<Vec<String>> {
        values.into_iter().map(|x| Ok(self.get(x)?.text)).collect()
    }

    /// An elementwise op; it broadcasts what is broadcast to it, if one operand has the full shape.
    fn elementwise(
        &self,
        op: OperationRef<'c, 'a>,
        kind: OpKind,
        y: Value<'c, 'a>,
    ) -> Written<Expr> {
        let full = op
            .operands()
            .map(|x| self.get(x))
            .collect::<Written<Vec<_>>>()?;
        let shorts = full.iter().map(|x| x.short.as_deref().cloned());
        let shorts = shorts.collect::<Vec<_>>();
        let all_short = shorts.iter().all(Option::is_some);
        let brief: Vec<Expr> = full
            .iter()
            .zip(&shorts)
            .map(|(x, short)| short.clone().unwrap_or_else(|| x.clone()))
            .collect();
        if all_short {
            // The op itself is one on what is broadcast.
            let short = operator(kind, &typed(&brief))?;
            let dims = list(&self.dims(y)?);
            let mut expr = Expr::atom(format!("broadcast_to({}, {dims})", short.text));
            expr.short = Some(Box::new(short));
            return Ok(expr);
        }
        operator(kind, &typed(&brief))
    }

    fn broadcast(&self, view: ops::Broadcast<'c, 'a>, y: Value<'c, 'a>) -> Written<Expr> {
        let x = self.get(view.x())?;
        let (axes, rank) = (view.axes(), shape_of(y).len());
        if axes.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err("a broadcast that also moves axes".to_string());
        }
        let first = axes.first().copied().unwrap_or(rank as i64);
        let index: Vec<&str> = (first..rank as i64)
            .map(|axis| if axes.contains(&axis) { ":" } else { "none" })
            .collect();
        let short = match index.contains(&"none") {
            true => Expr::atom(format!("{}[{}]", x.at(ATOM), index.join(", "))),
            false => x,
        };
        let dims = list(&self.result_dims(y, view.sizes())?);
        let mut expr = Expr::atom(format!("broadcast_to({}, {dims})", short.text));
        expr.short = Some(Box::new(short));
        Ok(expr)
    }

    fn pad(&self, view: ops::Pad<'c, 'a>, y: Value<'c, 'a>) -> Written<Expr> {
        let (x, value) = (self.get(view.x())?, self.get(view.value())?);
        let low = self.texts(view.low())?;
        let (inner, outer) = (self.dims(view.x())?, self.result_dims(y, view.sizes())?);
        let widths = low
            .iter()
            .zip(inner)
            .zip(outer)
            .map(|((low, inner), outer)| {
                match (
                    low.parse::<i64>(),
                    inner.parse::<i64>(),
                    outer.parse::<i64>(),
                ) {
                    (Ok(l), Ok(i), Ok(o)) => format!("[{l}, {}]", o - l - i),
                    _ => format!("[{low}, {outer} - {inner} - {low}]"),
                }
            });
        let widths = list(&widths.collect::<Vec<_>>());
        Ok(Expr::atom(format!(
            "pad({}, {widths}, {})",
            x.text, value.text
        )))
    }

    /// A product: by `@` where it is one, else in letters.
    fn product(&self, view: ops::DotGeneral<'c, 'a>) -> Written<Expr> {
        let round = |x: Expr, dtype: &str| match rounded(view.precision()) {
            Some(precision) => Expr::atom(format!("{dtype}({precision}({}))", x.text)),
            None => x,
        };
        let (a, b) = (view.lhs(), view.rhs());
        let left = round(self.get(a)?, &dtype(a));
        let right = round(self.get(b)?, &dtype(b));
        let (batch_a, batch_b) = (view.lhs_batch(), view.rhs_batch());
        let (sum_a, sum_b) = (view.lhs_contract(), view.rhs_contract());
        let (rank_a, rank_b) = (shape_of(a).len(), shape_of(b).len());
        let plain = batch_a.is_empty() && (rank_a, rank_b) == (2, 2);
        if let (true, [i], [j]) = (plain, sum_a.as_slice(), sum_b.as_slice()) {
            let turned = |x: &Expr| Expr::atom(format!("matrix_transpose({})", x.text));
            let left = if *i == 1 { left } else { turned(&left) };
            let right = if *j == 0 { right } else { turned(&right) };
            return Ok(Expr::binary(&left, "@", &right, PRODUCT));
        }
        let mut letters = 'a'..='z';
        let mut letter = || letters.next().ok_or("a product of too many axes");
        let (mut of_a, mut of_b) = (vec![' '; rank_a], vec![' '; rank_b]);
        let mut result = String::new();
        for (i, j) in batch_a.iter().zip(&batch_b) {
            let name = letter()?;
            (of_a[*i as usize], of_b[*j as usize]) = (name, name);
            result.push(name);
        }
        for (i, j) in sum_a.iter().zip(&sum_b) {
            let name = letter()?;
            (of_a[*i as usize], of_b[*j as usize]) = (name, name);
        }
        for name in of_a
            .iter_mut()
            .chain(&mut of_b)
            .filter(|name| **name == ' ')
        {
            *name = letter()?;
            result.push(*name);
        }
        let (of_a, of_b): (String, String) = (of_a.iter().collect(), of_b.iter().collect());
        let operands = format!("{}, {}", left.text, right.text);
        Ok(Expr::atom(format!(
            "einsum(\"{of_a},{of_b}->{result}\", {operands})"
        )))
    }

    fn conv(&self, view: ops::Conv<'c, 'a>) -> Written<Expr> {
        if rounded(view.precision()).is_some() {
            return Err("a convolution of rounded operands".to_string());
        }
        let name = match shape_of(view.x()).len() {
            3 => "conv1d",
            4 => "conv2d",
            5 => "conv3d",
            _ => return Err("a convolution over more axes than three".to_string()),
        };
        let (x, w) = (self.get(view.x())?.text, self.get(view.w())?.text);
        let (strides, dilations) = (list(&view.strides()), list(&view.dilations()));
        Ok(Expr::atom(format!(
            "{name}({x}, {w}, stride={strides}, dilation={dilations}, groups={})",
            view.groups()
        )))
    }
}

/// A value assigned to a part of a whole.
pub(super) struct Assignment {
    /// What the whole begins as.
    pub whole: String,
    /// Where the part is, without brackets.
    pub index: String,
    /// What is put there.
    pub value: String,
}

/// The index of every n-th element from a start on, along each axis.
fn every_nth(starts: &[String], sizes: &[String], strides: &[i64]) -> String {
    let parts = starts.iter().zip(sizes).zip(strides);
    let parts = parts.map(|((start, size), stride)| match stride {
        1 => format!("{start}:{start} + {size}"),
        _ => format!("{start}:{start} + ({size} - 1) * {stride} + 1:{stride}"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// An op as a user calls it.
pub(super) fn named(op: OperationRef) -> String {
    let name = edit::name(op);
    format!("`{}`", name.rsplit('.').next().unwrap_or(name))
}

/// Operands of which at least one has a dtype, so that the others may be plain numbers.
fn typed(operands: &[Expr]) -> Vec<Expr> {
    let settled = operands.iter().any(|x| !x.is_literal());
    let bare = |x: &Expr| match (&x.literal, settled && operands.len() == 2) {
        (Some(number), true) => {
            let level = if number.starts_with('-') { UNARY } else { ATOM };
            Expr {
                level,
                literal: x.literal.clone(),
                ..Expr::atom(number.clone())
            }
        }
        _ => x.clone(),
    };
    operands.iter().map(bare).collect()
}

fn operator(kind: OpKind, x: &[Expr]) -> Written<Expr> {
    let binary = |operator, level| Ok(Expr::binary(&x[0], operator, &x[1], level));
    let call = |name: &str| {
        let operands: Vec<&str> = x.iter().map(|x| x.text.as_str()).collect();
        Ok(Expr::atom(format!("{name}({})", operands.join(", "))))
    };
    match kind {
        OpKind::Add => binary("+", SUM),
        OpKind::Sub => binary("-", SUM),
        OpKind::Mul => binary("*", PRODUCT),
        OpKind::Div => binary("/", PRODUCT),
        OpKind::Rem => binary("%", PRODUCT),
        OpKind::Neg => Ok(Expr::of(format!("-{}", x[0].at(ATOM)), UNARY)),
        OpKind::Equal => compare(x, "=="),
        OpKind::NotEqual => compare(x, "!="),
        OpKind::Less => compare(x, "<"),
        OpKind::LessEqual => compare(x, "<="),
        OpKind::Greater => compare(x, ">"),
        OpKind::GreaterEqual => compare(x, ">="),
        OpKind::Select => call("where"),
        OpKind::ShiftLeft => call("bitwise_left_shift"),
        OpKind::ShiftRight => call("bitwise_right_shift"),
        OpKind::Fma => Err("a product and a sum rounded together".to_string()),
        kind => call(kind.mnemonic()),
    }
}

fn compare(x: &[Expr], operator: &str) -> Written<Expr> {
    let text = format!("{} {operator} {}", x[0].at(SUM), x[1].at(SUM));
    Ok(Expr::of(text, COMPARISON))
}

/// What the language calls the element type.
fn dtype(value: Value) -> String {
    match element_of(value).to_string().as_str() {
        "i1" => "bool".to_string(),
        name => name.replace("ui", "u"),
    }
}

fn constant(op: OperationRef, y: Value) -> Written<Expr> {
    let value = op.attribute("value").map_err(|error| error.to_string())?;
    let bits = dense_bits(value).ok_or("a constant that is not dense")?;
    let (dtype, shape) = (dtype(y), shape_of(y));
    let numbers = bits.iter().map(|bits| number(*bits, &dtype));
    if shape.is_empty() || bits.windows(2).all(|pair| pair[0] == pair[1]) && !bits.is_empty() {
        let literal = number(bits[0], &dtype);
        let mut scalar = Expr::atom(format!("{dtype}({literal})"));
        scalar.literal = Some(literal);
        if shape.is_empty() {
            return Ok(scalar);
        }
        let mut all = Expr::atom(format!("full({}, {})", list(&shape), scalar.text));
        all.short = Some(Box::new(scalar));
        return Ok(all);
    }
    if bits.len() > MOST_NUMBERS {
        return Err(format!("a constant of {} numbers", bits.len()));
    }
    if bits.is_empty() {
        return Ok(Expr::atom(format!("zeros({}, {dtype})", list(&shape))));
    }
    let mut parts = numbers.collect::<Vec<_>>();
    for d in shape.iter().rev() {
        parts = parts.chunks(*d as usize).map(list).collect();
    }
    Ok(Expr::atom(format!("{dtype}({})", parts.concat())))
}

/// A number by its bits.
fn number(bits: u64, dtype: &str) -> String {
    let float = |value: f64| match value {
        value if value.is_nan() => "nan".to_string(),
        value if value.is_infinite() && value < 0.0 => "-inf".to_string(),
        value if value.is_infinite() => "inf".to_string(),
        value => format!("{value:?}"),
    };
    match dtype {
        "bool" => (bits != 0).to_string(),
        "f64" => float(f64::from_bits(bits)),
        "f32" => match f32::from_bits(bits as u32) {
            value if value.is_finite() => format!("{value:?}"),
            value => float(f64::from(value)),
        },
        "bf16" => float(f64::from(f32::from_bits((bits as u32) << 16))),
        "f16" => float(half(bits as u16)),
        "i8" => (bits as u8).cast_signed().to_string(),
        "i32" => (bits as u32).cast_signed().to_string(),
        "i64" => bits.cast_signed().to_string(),
        _ => bits.to_string(),
    }
}

/// The value of an f16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// What operands are rounded to on every target: products in tf32 are written as they are where it is not there.
fn rounded(precision: Option<&str>) -> Option<&str> {
    precision.filter(|precision| *precision != "tf32")
}
