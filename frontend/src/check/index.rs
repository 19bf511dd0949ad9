//! Indexing, by NumPy's rules: what an index expression names.
//!
//! A part is read in three steps: one slice for all that is known, one `take` for all indices that are computed
//! (`gather.rs`), and a reshape that adds new axes. `update.rs` replaces a part.

use dlc_abi::dim::Poly;

use crate::ast::{DType, Expr, Index, IndexKind, Span};
use crate::check::Checker;
use crate::check::consts::is_integer;
use crate::check::dims::count;
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// What is done to one axis.
pub(super) enum AxisIndex {
    /// A part: first index, number and step; a negative step goes backwards from the last one that is read.
    Slice {
        start: Dim,
        size: Dim,
        stride: i64,
        reversed: bool,
        /// An integer: the axis goes away.
        drop: bool,
    },
    /// An index that is computed; all of them broadcast together.
    Take(NodeId),
}

/// Truth values that choose along some axes, which are whole in the plan.
#[derive(Clone, Copy)]
pub(super) struct Mask {
    pub id: NodeId,
    /// The first of its axes.
    pub axis: usize,
    pub rank: usize,
    pub span: Span,
}

/// An index expression made sense of.
pub(super) struct IndexPlan {
    /// One for each axis of the tensor.
    pub axes: Vec<AxisIndex>,
    /// Positions of new axes: before which axis of the tensor each stands.
    pub new_axes: Vec<usize>,
    /// A mask among the indices.
    pub mask: Option<Mask>,
    /// Whether integers, arrays and masks do not all stand side by side; then their axes come first.
    pub apart: bool,
}

/// An axis, or several, of what an index reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A new axis of size 1.
    New,
    /// What is left of an axis.
    Axis(usize),
    /// The axes of the arrays of indices, or the one along which a mask's choice stands.
    Chosen,
}

impl IndexPlan {
    /// What an index reads, in order. `chosen` says whether there are arrays of indices or a mask.
    pub fn layout(&self, chosen: bool) -> Vec<Part> {
        let masked = |axis: usize| {
            self.mask
                .is_some_and(|mask| (mask.axis..mask.axis + mask.rank).contains(&axis))
        };
        let point = |axis: usize| {
            masked(axis)
                || matches!(
                    self.axes[axis],
                    AxisIndex::Take(_) | AxisIndex::Slice { drop: true, .. }
                )
        };
        let first = (0..self.axes.len())
            .find(|axis| point(*axis))
            .into_iter()
            .chain(self.mask.map(|mask| mask.axis))
            .min();
        let mut parts = Vec::new();
        if chosen && self.apart {
            parts.push(Part::Chosen);
        }
        for axis in 0..=self.axes.len() {
            let new = self.new_axes.iter().filter(|new| **new == axis);
            parts.extend(new.map(|_| Part::New));
            if chosen && !self.apart && first == Some(axis) {
                parts.push(Part::Chosen);
            }
            if axis < self.axes.len() && !point(axis) {
                parts.push(Part::Axis(axis));
            }
        }
        parts
    }
}

impl<'a> Checker<'a> {
    /// `base[indices]`.
    pub(super) fn eval_index(
        &mut self,
        base: &'a Expr,
        indices: &'a [Index],
        index_span: Span,
        span: Span,
    ) -> Res<Value<'a>> {
        match self.eval(base)? {
            Value::Tensor(id) => {
                if self.dtype(id) == DType::Key {
                    return self
                        .index_key(id, indices, index_span, span)
                        .map(Value::Tensor);
                }
                let plan = self.plan_index(id, indices, index_span)?;
                if let Some(mask) = plan.mask {
                    return Err(self.read_by_mask(id, base, mask));
                }
                self.read(id, &plan, span).map(Value::Tensor)
            }
            Value::List(items) => {
                if let [
                    Index {
                        kind: IndexKind::Slice { start, end, step },
                        ..
                    },
                ] = indices
                {
                    return self.list_slice(&items, [start, end, step]);
                }
                let position = self.list_index(items.len(), indices, index_span)?;
                Ok(items[position].clone())
            }
            Value::Tuple(_) => {
                let diagnostic = Diagnostic::error(
                    Code::DL0713,
                    "elements of a tuple are `t.0`, `t.1`",
                    index_span,
                );
                Err(self.report(diagnostic))
            }
            other => {
                let what = self.describe(&other);
                self.error(
                    Code::DL0713,
                    format!("{what} cannot be indexed"),
                    index_span,
                )
            }
        }
    }

    /// `items[start:end:step]`.
    fn list_slice(
        &mut self,
        items: &[Value<'a>],
        [start, end, step]: [&'a Option<Expr>; 3],
    ) -> Res<Value<'a>> {
        let mut number = |expr: &'a Option<Expr>| -> Res<Option<i64>> {
            let Some(expr) = expr else { return Ok(None) };
            let value = self.body_dim(expr)?;
            self.known_number(&value, "an index of a list", expr.span)
                .map(Some)
        };
        let (start, end, stride) = (number(start)?, number(end)?, number(step)?.unwrap_or(1));
        if stride == 0 {
            let span = step.as_ref().map_or(Span::default(), |step| step.span);
            return self.error(Code::DL0212, "the step of a slice cannot be 0", span);
        }
        let length = items.len() as i64;
        let (least, greatest) = if stride < 0 {
            (-1, length - 1)
        } else {
            (0, length)
        };
        let bound = |value: Option<i64>, default: i64| {
            value.map_or(default, |value| {
                let from_start = if value < 0 {
                    value.saturating_add(length)
                } else {
                    value
                };
                from_start.clamp(least, greatest.max(least))
            })
        };
        let (first, stop) = if stride < 0 {
            (bound(start, greatest), bound(end, least))
        } else {
            (bound(start, least), bound(end, greatest))
        };
        let mut part = Vec::new();
        let mut at = first;
        while (stride > 0 && at < stop) || (stride < 0 && at > stop) {
            part.push(items[at as usize].clone());
            at = at.saturating_add(stride);
        }
        Ok(Value::list(part))
    }

    /// The position that an index of a list names.
    pub(super) fn list_index(
        &mut self,
        length: usize,
        indices: &'a [Index],
        span: Span,
    ) -> Res<usize> {
        let [
            Index {
                kind: IndexKind::At(expr),
                ..
            },
        ] = indices
        else {
            return self.error(Code::DL0212, "a list has one index, an integer", span);
        };
        let value = match self.eval(expr)? {
            Value::Tensor(id) if self.is_known_unrolled(id) => return Err(Reported),
            Value::Tensor(_) => {
                let diagnostic = Diagnostic::error(
                    Code::DL0214,
                    "the index of a list has to be known at compile time",
                    expr.span,
                )
                .help("`stack` the elements to one tensor to choose when the program runs");
                return Err(self.report(diagnostic));
            }
            other => self.value_to_dim(&other, expr.span)?,
        };
        let value = self.known_number(&value, "the index of a list", expr.span)?;
        let position = if value < 0 {
            value + length as i64
        } else {
            value
        };
        match usize::try_from(position) {
            Ok(position) if position < length => Ok(position),
            _ => {
                let message = format!(
                    "index {value} is outside a list of {}",
                    count(length, "element")
                );
                self.error(Code::DL0212, message, expr.span)
            }
        }
    }

    /// Makes sense of an index expression on a tensor.
    pub(super) fn plan_index(
        &mut self,
        x: NodeId,
        indices: &'a [Index],
        index_span: Span,
    ) -> Res<IndexPlan> {
        let ty = self.ty(x).clone();
        // Values first: a mask takes as many axes as it has.
        let mut values: Vec<Res<Option<Value<'a>>>> = Vec::new();
        for index in indices {
            values.push(match &index.kind {
                IndexKind::At(expr) => self.eval(expr).map(Some),
                _ => Ok(None),
            });
        }
        let values = values.into_iter().collect::<Res<Vec<_>>>()?;
        let mut used = 0;
        let mut ellipses = 0;
        for (index, value) in indices.iter().zip(&values) {
            match (&index.kind, value) {
                (IndexKind::Ellipsis, _) => ellipses += 1,
                (IndexKind::NewAxis, _) | (_, Some(Value::None)) => {}
                (_, Some(Value::Tensor(id))) if self.dtype(*id) == DType::Bool => {
                    used += self.ty(*id).rank();
                }
                _ => used += 1,
            }
        }
        if ellipses > 1 {
            return self.error(Code::DL0212, "an index has at most one `...`", index_span);
        }
        if used > ty.rank() {
            let axes = match ty.rank() {
                0 => "no axes".to_string(),
                1 => "1 axis".to_string(),
                rank => format!("{rank} axes"),
            };
            let given = match used {
                1 => "1 index is given".to_string(),
                used => format!("{used} indices are given"),
            };
            let message = format!("`{ty}` has {axes}, and {given}");
            let diagnostic = Diagnostic::error(Code::DL0212, message, index_span);
            let diagnostic = self.origins(diagnostic, &[x]);
            return Err(self.report(diagnostic));
        }
        let mut plan = IndexPlan {
            axes: Vec::new(),
            new_axes: Vec::new(),
            mask: None,
            apart: false,
        };
        // Where the last integer, array or mask stands.
        let mut last_point: Option<usize> = None;
        for (i, (index, value)) in indices.iter().zip(values).enumerate() {
            let axis = plan.axes.len();
            match (&index.kind, value) {
                (IndexKind::NewAxis, _) | (_, Some(Value::None)) => plan.new_axes.push(axis),
                (IndexKind::Ellipsis, _) => {
                    let whole = &ty.shape[axis..axis + ty.rank() - used];
                    plan.axes.extend(whole.iter().map(whole_axis));
                }
                (IndexKind::Slice { start, end, step }, _) => {
                    let bounds = [start.as_ref(), end.as_ref(), step.as_ref()];
                    let part = self.slice_index(&ty.shape[axis], bounds, axis, index.span)?;
                    plan.axes.push(part);
                }
                (IndexKind::At(expr), value) => {
                    plan.apart |= last_point.is_some_and(|last| last + 1 < i);
                    last_point = Some(i);
                    match value.ok_or(Reported)? {
                        Value::Tensor(id) if self.dtype(id) == DType::Bool => {
                            self.plan_mask(&mut plan, x, id, expr.span)?;
                        }
                        value => {
                            let part = self.point_index(x, &value, axis, expr.span)?;
                            if let AxisIndex::Take(ids) = part {
                                self.guard_indices(ids, &ty, axis, expr.span)?;
                            }
                            plan.axes.push(part);
                        }
                    }
                }
            }
        }
        let rest = &ty.shape[plan.axes.len()..];
        plan.axes.extend(rest.iter().map(whole_axis));
        Ok(plan)
    }

    /// A mask in an index: its axes are those of the tensor from here on.
    fn plan_mask(&mut self, plan: &mut IndexPlan, x: NodeId, id: NodeId, span: Span) -> Res<()> {
        let (ty, mask_ty) = (self.ty(x).clone(), self.ty(id).clone());
        if plan.mask.is_some() {
            let diagnostic = Diagnostic::error(Code::DL0212, "an index has at most one mask", span)
                .help("combine them by `logical_and`; masks of different axes broadcast, as in `logical_and(expand_dims(a, axis=1), b)`");
            return Err(self.report(diagnostic));
        }
        let axis = plan.axes.len();
        let chosen = &ty.shape[axis..axis + mask_ty.rank()];
        if let Some(i) = (0..chosen.len()).find(|i| !self.same_dim(&chosen[*i], &mask_ty.shape[*i]))
        {
            let message = if mask_ty.rank() == ty.rank() {
                format!("a mask has the shape of what it selects from: `{mask_ty}` on `{ty}`")
            } else {
                let axes = match chosen.len() {
                    1 => format!("axis {axis}"),
                    n => format!("axes {axis} to {}", axis + n - 1),
                };
                format!(
                    "a mask has the sizes of the axes that it selects from: `{mask_ty}` on {axes} of `{ty}`"
                )
            };
            let note = self.compare_note(&mask_ty.shape[i], &chosen[i]);
            let diagnostic = Diagnostic::error(Code::DL0212, message, span).note(note);
            let diagnostic = self.origins(diagnostic, &[x, id]);
            return Err(self.report(diagnostic));
        }
        plan.mask = Some(Mask {
            id,
            axis,
            rank: mask_ty.rank(),
            span,
        });
        plan.axes.extend(chosen.iter().map(whole_axis));
        Ok(())
    }

    /// Reports `x[mask]` as a value, whose size only the run knows.
    fn read_by_mask(&mut self, x: NodeId, base: &Expr, mask: Mask) -> Reported {
        let message = format!(
            "how many elements `{}` selects is known only when the program runs",
            self.ty(mask.id)
        );
        let (base, condition) = (self.text(base.span), self.text(mask.span));
        let other = match self.dtype(x) {
            DType::Bool => "false",
            DType::Key => "…",
            dtype if is_integer(dtype) => "0",
            _ => "0.0",
        };
        let mut diagnostic = Diagnostic::error(Code::DL0212, message, mask.span).help(format!(
            "`where({condition}, {base}, {other})` keeps the shape; assigning, `{base}[{condition}] = …`, works too"
        ));
        diagnostic = self.origins(diagnostic, &[mask.id]);
        self.report(diagnostic)
    }

    /// `x[i]` on one axis.
    fn point_index(
        &mut self,
        x: NodeId,
        value: &Value<'a>,
        axis: usize,
        span: Span,
    ) -> Res<AxisIndex> {
        let size = self.ty(x).shape[axis].clone();
        let index = match value {
            Value::Num(Num::Int(_)) | Value::Dim(_) => self.value_to_dim(value, span)?,
            Value::Tensor(id) => {
                let ty = self.ty(*id).clone();
                if !is_integer(ty.dtype) {
                    return Err(self.no_integer(&ty, span));
                }
                return Ok(self
                    .scalar_dim(*id)
                    .and_then(|index| self.inner_point(&index, &size))
                    .unwrap_or(AxisIndex::Take(*id)));
            }
            Value::List(items) => {
                return self.index_array(x, axis, items, span).map(AxisIndex::Take);
            }
            other => {
                let what = self.describe(other);
                let message = format!("an index is an integer, and this is {what}");
                let mut diagnostic = Diagnostic::error(Code::DL0212, message, span);
                if let Value::Tuple(_) = other {
                    diagnostic = diagnostic.help("indices are separated by commas: `x[i, j]`; a list, `x[[i, j]]`, chooses several");
                }
                return Err(self.report(diagnostic));
            }
        };
        if let Some(index) = index.as_const() {
            self.check_inside(x, axis, index, span)?;
        }
        if let Some(part) = self.inner_point(&index, &size) {
            return Ok(part);
        }
        // Whether it is inside is known when the program runs, as for an index that is computed.
        self.dim_scalar(&index, DType::I64, span)
            .map(AxisIndex::Take)
    }

    /// An index that is proven to lie inside.
    pub(super) fn inner_point(&self, index: &Dim, size: &Dim) -> Option<AxisIndex> {
        let start = self.counted_from_start(index, size)?;
        let after = size.poly().clone() - start.poly().clone() - Poly::one();
        self.nonnegative(&after).then_some(AxisIndex::Slice {
            start,
            size: Dim::constant(1),
            stride: 1,
            reversed: false,
            drop: true,
        })
    }

    /// Reports an index known at compile time that is outside an axis of known size.
    pub(super) fn check_inside(
        &mut self,
        x: NodeId,
        axis: usize,
        index: i64,
        span: Span,
    ) -> Res<()> {
        let ty = self.ty(x).clone();
        match ty.shape[axis].as_const() {
            Some(size) if !(-size..size).contains(&index) => {
                let message = format!(
                    "index {index} is outside axis {axis} of `{ty}`, which has size {size}"
                );
                let diagnostic = Diagnostic::error(Code::DL0212, message, span);
                let diagnostic = self.origins(diagnostic, &[x]);
                Err(self.report(diagnostic))
            }
            _ => Ok(()),
        }
    }

    /// Reports an index that is no integer.
    pub(super) fn no_integer(&mut self, ty: &TensorType, span: Span) -> Reported {
        let message = format!("an index is an integer, and this is `{ty}`");
        let diagnostic = Diagnostic::error(Code::DL0212, message, span);
        let diagnostic = self.suggest_cast(diagnostic, span, ty.dtype, DType::I32);
        self.report(diagnostic)
    }

    /// An index counted from the start; nothing when its sign is not known.
    pub(super) fn counted_from_start(&self, index: &Dim, size: &Dim) -> Option<Dim> {
        if self.nonnegative(index.poly()) {
            return Some(index.clone());
        }
        let negative = self.nonnegative(&(-index.poly().clone() - Poly::one()));
        let start = size + index;
        // A sum such as `T - 1` on an axis of `T + 1` counts from the start whenever it can be one.
        if negative {
            return self.nonnegative(start.poly()).then_some(start);
        }
        None
    }

    /// The part of a tensor that is known at compile time: axes of integers have size 1, those of arrays are whole.
    pub(super) fn read_slices(&mut self, x: NodeId, plan: &IndexPlan, span: Span) -> Res<NodeId> {
        let shape = self.shape(x);
        let (mut starts, mut sizes, mut strides, mut reversed) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (axis, index) in plan.axes.iter().enumerate() {
            match index {
                AxisIndex::Slice {
                    start,
                    size,
                    stride,
                    reversed: backward,
                    ..
                } => {
                    starts.push(start.clone());
                    sizes.push(size.clone());
                    strides.push(*stride);
                    if *backward {
                        reversed.push(axis);
                    }
                }
                AxisIndex::Take(_) => {
                    starts.push(Dim::constant(0));
                    sizes.push(shape[axis].clone());
                    strides.push(1);
                }
            }
        }
        let part = self.slice(x, starts, sizes, strides, span)?;
        if reversed.is_empty() {
            return Ok(part);
        }
        let ty = self.ty(part).clone();
        self.node(
            crate::core::Prim::Reverse { axes: reversed },
            &[part],
            ty,
            span,
        )
    }

    /// Element `i` along the first axis, where `i` is inside.
    pub(crate) fn element(&mut self, x: NodeId, i: i64, span: Span) -> Res<NodeId> {
        if self.dtype(x) == DType::Key {
            return self.key_element(x, i, span);
        }
        let part = self.slice_axis(x, 0, Dim::constant(i), Dim::constant(1), span)?;
        let shape = self.shape(part)[1..].to_vec();
        self.reshape(part, &shape, span)
    }
}

/// All of an axis.
fn whole_axis(size: &Dim) -> AxisIndex {
    AxisIndex::Slice {
        start: Dim::constant(0),
        size: size.clone(),
        stride: 1,
        reversed: false,
        drop: false,
    }
}
