//! Convolutions: `x` is `[N, C, space..]`, `w` is `[O, C / groups, window..]`, the result `[N, O, windows..]`.
//!
//! They are correlations, as in all libraries: `w` is not turned over. A transposed one is the other way round: each
//! element of `x` adds its multiple of the window to the result, at `stride` times its place, and `padding` is cut off
//! the result on each side. So `conv2d_transpose` undoes the shapes of the `conv2d` with the same options, and with
//! `w'[o, c] = w[c, o]` it is that one's derivative. `"same"` gives `stride` times the size.

use crate::ast::Span;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::builtins::window::{Padding, Windows, number, things};
use crate::check::class::Class;
use crate::check::convert::dim_text;
use crate::check::{Checker, NodeId, Reported, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

const PARAMS: &str = "x, w, stride=1, padding=0, dilation=1, groups=1";

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "conv1d",
        params: PARAMS,
        run: |call| conv(call, 1),
    },
    Builtin {
        name: "conv2d",
        params: PARAMS,
        run: |call| conv(call, 2),
    },
    Builtin {
        name: "conv3d",
        params: PARAMS,
        run: |call| conv(call, 3),
    },
    Builtin {
        name: "conv1d_transpose",
        params: PARAMS,
        run: |call| conv_transpose(call, 1),
    },
    Builtin {
        name: "conv2d_transpose",
        params: PARAMS,
        run: |call| conv_transpose(call, 2),
    },
];

/// The operands and options of a convolution.
struct Convolution {
    x: NodeId,
    w: NodeId,
    /// The types of both.
    x_ty: TensorType,
    w_ty: TensorType,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    padding: Padding,
    groups: i64,
    /// How much a window spans on each axis in space.
    spans: Vec<Dim>,
}

impl Convolution {
    fn of(call: &mut Call<'_, '_>, axes: usize) -> Res<Self> {
        let x = call.tensor_of("x", Class::Number)?;
        let w = call.tensor_of("w", Class::Number)?;
        let (x_ty, w_ty) = (call.checker.ty(x).clone(), call.checker.ty(w).clone());
        if x_ty.dtype != w_ty.dtype {
            let at = call.operand("w")?.span;
            let message = format!(
                "`{}`: dtypes differ, `{}` and `{}`",
                call.name, x_ty.dtype, w_ty.dtype
            );
            let diagnostic = Diagnostic::error(Code::DL0201, message, at);
            let diagnostic = call
                .checker
                .suggest_cast(diagnostic, at, w_ty.dtype, x_ty.dtype);
            return Err(call.checker.report(diagnostic));
        }
        check_ranks(call, axes, &x_ty, &w_ty)?;
        let groups = call.int("groups", 1)?;
        check_channels(call, axes, groups, (x, &x_ty), (w, &w_ty))?;
        let strides = call.steps("stride", axes)?;
        let dilations = call.steps("dilation", axes)?;
        let padding = call.padding(axes)?;
        let dilations = dilations.unwrap_or_else(|| vec![1; axes]);
        let spans = w_ty.shape[2..]
            .iter()
            .zip(&dilations)
            .map(|(window, dilation)| call.window_span(window, *dilation))
            .collect::<Res<_>>()?;
        Ok(Self {
            x,
            w,
            x_ty,
            w_ty,
            strides: strides.unwrap_or_else(|| vec![1; axes]),
            dilations,
            padding,
            groups,
            spans,
        })
    }

    /// The convolution of a padded `x` by a `w`, with these numbers of windows.
    fn node(
        &self,
        checker: &mut Checker<'_>,
        (x, w): (NodeId, NodeId),
        strides: Vec<i64>,
        counts: Vec<Dim>,
        span: Span,
    ) -> Res<NodeId> {
        let shape = [
            &[self.x_ty.shape[0].clone(), self.w_ty.shape[0].clone()],
            &counts[..],
        ];
        let ty = TensorType::new(self.x_ty.dtype, shape.concat());
        checker.check_byte_size(&ty, span)?;
        let op = Prim::Conv {
            strides,
            dilations: self.dilations.clone(),
            groups: self.groups,
            precision: checker.precision(ty.dtype),
        };
        checker.node(op, &[x, w], ty, span)
    }
}

fn axis_names(axes: usize) -> (&'static str, &'static str) {
    match axes {
        1 => ("L", "K"),
        2 => ("H, W", "KH, KW"),
        _ => ("D, H, W", "KD, KH, KW"),
    }
}

fn check_ranks(call: &mut Call<'_, '_>, axes: usize, x: &TensorType, w: &TensorType) -> Res<()> {
    let (space, window) = axis_names(axes);
    let wanted = [
        ("x", x, format!("[N, C, {space}]")),
        ("w", w, format!("[O, C / groups, {window}]")),
    ];
    for (name, ty, form) in wanted {
        if ty.rank() == axes + 2 {
            continue;
        }
        let at = call.operand(name)?.span;
        let message = format!(
            "`{name}` of `{}` is `{form}`, and this is `{ty}`",
            call.name
        );
        let mut diagnostic = Diagnostic::error(Code::DL0231, message, at);
        if (3..=5).contains(&x.rank()) && x.rank() == w.rank() && call.name.starts_with("conv") {
            let other = call
                .name
                .replace(&axes.to_string(), &(x.rank() - 2).to_string());
            if crate::builtins::find(&other).is_some() {
                diagnostic = diagnostic.suggest("there is", call.site.callee, other);
            }
        } else if name == "x" && ty.rank() == axes + 1 {
            let text = call.checker.sources.slice(at).to_string();
            diagnostic = diagnostic.suggest(
                "one without a batch axis gets one by",
                at,
                format!("expand_dims({text}, axis=0)"),
            );
        }
        return Err(call.checker.report(diagnostic));
    }
    Ok(())
}

fn check_channels(
    call: &mut Call<'_, '_>,
    axes: usize,
    groups: i64,
    (x, x_ty): (NodeId, &TensorType),
    (w, w_ty): (NodeId, &TensorType),
) -> Res<()> {
    let of_groups = call.some("groups").map(|operand| operand.span);
    if groups < 1 {
        let at = of_groups.unwrap_or(call.site.span);
        let message = format!(
            "`groups` of `{}` is at least 1, and this is {groups}",
            call.name
        );
        return call.error(Code::DL0209, message, at);
    }
    let (channels, of_group) = (&x_ty.shape[1], &w_ty.shape[1]);
    let taken = of_group * &Dim::constant(groups);
    if !call.checker.same_dim(channels, &taken) {
        let each = match groups {
            1 => String::new(),
            groups => format!(" in each of {groups} groups"),
        };
        let message = format!(
            "`{}`: `x` has {}, and `w` takes {}{each}",
            call.name,
            things(channels, "channel"),
            number(of_group)
        );
        let at = call.operand("w")?.span;
        let mut diagnostic = Diagnostic::error(Code::DL0231, message, at)
            .secondary(call.operand("x")?.span, format!("this is `{x_ty}`"))
            .note(format!(
                "`w` is `[O, C / groups, {}]`, and this is `{w_ty}`",
                axis_names(axes).1
            ));
        diagnostic = match layout(call, axes, channels, w_ty) {
            Some(order) if groups == 1 => {
                let text = call.checker.sources.slice(at).to_string();
                let moved = format!("permute_dims({text}, axes={order:?})");
                diagnostic.suggest("its axes in that order are", at, moved)
            }
            _ if channels.as_const().is_none() || taken.as_const().is_none() => {
                diagnostic.note(call.checker.compare_note(channels, &taken))
            }
            _ => diagnostic,
        };
        let diagnostic = call.checker.origins(diagnostic, &[x, w]);
        return Err(call.checker.report(diagnostic));
    }
    let outputs = &w_ty.shape[0];
    let step = Dim::constant(groups);
    let quotient = outputs.try_map(|poly| poly.floor_div(groups));
    if !call
        .checker
        .same_dim(&(&quotient.ok_or(Reported)? * &step), outputs)
    {
        let message = format!(
            "`{}`: {groups} groups do not divide the {} of `w`",
            call.name,
            things(outputs, "output")
        );
        let at = of_groups.unwrap_or(call.site.span);
        let mut diagnostic = Diagnostic::error(Code::DL0231, message, at)
            .secondary(call.operand("w")?.span, format!("this is `{w_ty}`"));
        if outputs.as_const().is_none() {
            diagnostic = diagnostic.help(format!("say so: `where {outputs} % {groups} == 0`"));
        }
        let diagnostic = call.checker.origins(diagnostic, &[w]);
        return Err(call.checker.report(diagnostic));
    }
    Ok(())
}

/// The permutation that makes `[O, C, window..]` of another library's layout, if `w` looks like that.
fn layout(call: &Call<'_, '_>, axes: usize, channels: &Dim, w: &TensorType) -> Option<Vec<usize>> {
    let has = |axis: usize| call.checker.same_dim(&w.shape[axis], channels);
    // [C, O, window..]: PyTorch's for the transposed one.
    if call.name.ends_with("transpose") && has(0) {
        return Some([1, 0].into_iter().chain(2..axes + 2).collect());
    }
    // [window.., C, O]: TensorFlow's and Flax's.
    has(axes).then(|| [axes + 1, axes].into_iter().chain(0..axes).collect())
}

fn conv<'a>(call: &mut Call<'_, 'a>, axes: usize) -> Res<Value<'a>> {
    let conv = Convolution::of(call, axes)?;
    let zero = Dim::constant(0);
    let mut widths = vec![(zero.clone(), zero); 2];
    let mut counts = Vec::new();
    for axis in 0..axes {
        let size = &conv.x_ty.shape[axis + 2];
        let Windows { padding, count } = call.windows(
            &conv.padding,
            axis,
            size,
            &conv.spans[axis],
            conv.strides[axis],
        )?;
        widths.push(padding);
        counts.push(count);
    }
    let (checker, span) = (&mut *call.checker, call.site.span);
    let zero = checker.scalar(Num::Int(0), conv.x_ty.dtype, span)?;
    let x = checker.pad_around(conv.x, zero, &widths, span)?;
    conv.node(checker, (x, conv.w), conv.strides.clone(), counts, span)
        .map(Value::Tensor)
}

/// As a convolution of stride 1, by the window turned over, of `x` with gaps and padding.
fn conv_transpose<'a>(call: &mut Call<'_, 'a>, axes: usize) -> Res<Value<'a>> {
    let conv = Convolution::of(call, axes)?;
    let (zero, one) = (Dim::constant(0), Dim::constant(1));
    let mut widths = vec![(zero.clone(), zero.clone()); 2];
    let mut starts = vec![zero.clone(); 2];
    let (mut counts, mut sizes) = (Vec::new(), Vec::new());
    for axis in 0..axes {
        let (size, span, stride) = (
            &conv.x_ty.shape[axis + 2],
            &conv.spans[axis],
            Dim::constant(conv.strides[axis]),
        );
        let whole = &(&(size - &one) * &stride) + span;
        let (low, high) = match &conv.padding {
            Padding::Given(given) => given[axis].clone(),
            Padding::Same => same_cut(call, span, &stride)?,
        };
        let result = &(&whole - &low) - &high;
        if !call.checker.nonnegative(result.poly()) {
            return Err(cut_too_much(call, &whole, &result));
        }
        // The window reaches `span - 1` beyond both ends. What is to be cut off of that is not padded; what is to be
        // cut off beyond is a slice.
        let reach = span - &one;
        let (before, start) = split_cut(call, &reach, &low)?;
        let (after, rest) = split_cut(call, &reach, &high)?;
        widths.push((before, after));
        counts.push(&(&result + &start) + &rest);
        starts.push(start);
        sizes.push(result);
    }
    let interior = [0, 0].into_iter();
    let interior = interior.chain(conv.strides.iter().map(|stride| stride - 1));
    let (checker, span) = (&mut *call.checker, call.site.span);
    let value = checker.scalar(Num::Int(0), conv.x_ty.dtype, span)?;
    let x = checker.pad(conv.x, value, &widths, interior.collect(), span)?;
    let turned = Prim::Reverse {
        axes: (2..axes + 2).collect(),
    };
    let w = checker.node(turned, &[conv.w], conv.w_ty.clone(), span)?;
    let y = conv.node(checker, (x, w), vec![1; axes], counts, span)?;
    let mut result = checker.shape(y)[..2].to_vec();
    result.extend(sizes);
    checker
        .slice(y, starts, result, vec![1; axes + 2], span)
        .map(Value::Tensor)
}

/// What `"same"` cuts off on both sides: of what is beyond `stride` times the size half, the odd one after; where there
/// is less than that, the result is longer at the end.
fn same_cut(call: &mut Call<'_, '_>, span: &Dim, stride: &Dim) -> Res<(Dim, Dim)> {
    let total = span - stride;
    if call.checker.nonnegative(total.poly()) {
        let low = total.try_map(|poly| poly.floor_div(2)).ok_or(Reported)?;
        let high = &total - &low;
        return Ok((low, high));
    }
    if total.as_const().is_some() {
        return Ok((Dim::constant(0), total));
    }
    let message = format!(
        "the padding \"same\" of `{}` needs a window that is known, or a stride of 1",
        call.name
    );
    let at = call.operand("padding")?.span;
    call.error(Code::DL0214, message, at)
}

/// The padding that stays of the reach of a window where so much is cut off, and what is left to cut.
fn split_cut(call: &mut Call<'_, '_>, reach: &Dim, cut: &Dim) -> Res<(Dim, Dim)> {
    let (stays, zero) = (reach - cut, Dim::constant(0));
    if call.checker.nonnegative(stays.poly()) {
        return Ok((stays, zero));
    }
    if call.checker.nonnegative((cut - reach).poly()) {
        return Ok((zero, cut - reach));
    }
    let message = format!(
        "`{}`: nothing says whether the padding, {}, is less than the span of a window, {}",
        call.name,
        dim_text(cut),
        dim_text(&(reach + &Dim::constant(1)))
    );
    let at = call.span();
    let diagnostic = Diagnostic::error(Code::DL0230, message, at)
        .help(format!("say so: `where {cut} <= {reach}`"));
    Err(call.checker.report(diagnostic))
}

fn cut_too_much(call: &mut Call<'_, '_>, whole: &Dim, result: &Dim) -> Reported {
    let message = match result.as_const() {
        Some(result) => format!(
            "`{}`: the padding cuts off more than there is: of {} it leaves {result}",
            call.name,
            dim_text(whole)
        ),
        None => format!(
            "`{}`: a size may be negative: nothing says that {} is at least 0",
            call.name,
            dim_text(result)
        ),
    };
    let mut diagnostic = Diagnostic::error(Code::DL0230, message, call.site.span);
    if result.as_const().is_none() {
        diagnostic = diagnostic.help(format!("say so: `where {result} >= 0`"));
    }
    call.checker.report(diagnostic)
}
