//! Indexing, by NumPy's rules.
//!
//! A part is read in three steps: one slice for all that is known, one `take` for each index that is computed, and
//! a reshape that drops the axes of integers and adds new ones.

use dlc_abi::dim::Poly;

use crate::ast::{DType, Expr, Index, IndexKind, Span};
use crate::check::Checker;
use crate::check::consts::is_integer;
use crate::check::dims::count;
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, Num};
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
    /// An index that is computed; rank 0 drops the axis, more axes take its place.
    Take(NodeId),
}

/// An index expression made sense of.
pub(super) struct IndexPlan {
    /// One for each axis of the tensor.
    pub axes: Vec<AxisIndex>,
    /// Positions of new axes: before which axis of the tensor each stands.
    pub new_axes: Vec<usize>,
    /// A mask over the whole tensor, and nothing else.
    pub mask: Option<NodeId>,
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
                    let message =
                        format!("how many elements `{}` selects is not known", self.ty(mask));
                    let diagnostic = Diagnostic::error(Code::DL0212, message, index_span)
                        .help("choose by `where(mask, x, 0)`, which keeps the shape");
                    return Err(self.report(diagnostic));
                }
                self.read(id, &plan, span).map(Value::Tensor)
            }
            Value::List(items) => {
                if let [
                    Index {
                        kind:
                            IndexKind::Slice {
                                start,
                                end,
                                step: None,
                            },
                        ..
                    },
                ] = indices
                {
                    let low = self.list_bound(start.as_ref(), 0, items.len())?;
                    let high = self.list_bound(end.as_ref(), items.len(), items.len())?;
                    return Ok(Value::list(items[low.min(high)..high].to_vec()));
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

    fn list_bound(&mut self, bound: Option<&'a Expr>, default: usize, length: usize) -> Res<usize> {
        let Some(expr) = bound else {
            return Ok(default);
        };
        let value = self.body_dim(expr)?;
        let value = self.known_number(&value, "an index of a list", expr.span)?;
        let length = length as i64;
        let value = if value < 0 { value + length } else { value };
        Ok(value.clamp(0, length) as usize)
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
        let mut values: Vec<Option<Value<'a>>> = Vec::new();
        let mut failed = false;
        for index in indices {
            values.push(match &index.kind {
                IndexKind::At(expr) => match self.eval(expr) {
                    Ok(value) => Some(value),
                    Err(Reported) => {
                        failed = true;
                        None
                    }
                },
                _ => None,
            });
        }
        if failed {
            return Err(Reported);
        }
        if let [Some(Value::Tensor(id))] = values.as_slice()
            && self.dtype(*id) == DType::Bool
        {
            if !self.same_shape(&self.shape(*id), &ty.shape) {
                let message = format!(
                    "a mask has the shape of what it selects from: `{}` on `{ty}`",
                    self.ty(*id)
                );
                return self.error(Code::DL0212, message, index_span);
            }
            return Ok(IndexPlan {
                axes: Vec::new(),
                new_axes: Vec::new(),
                mask: Some(*id),
            });
        }
        let is_new = |i: usize, values: &[Option<Value<'a>>]| {
            matches!(indices[i].kind, IndexKind::NewAxis) || matches!(values[i], Some(Value::None))
        };
        let used = (0..indices.len())
            .filter(|i| !is_new(*i, &values) && !matches!(indices[*i].kind, IndexKind::Ellipsis))
            .count();
        let ellipses = indices
            .iter()
            .filter(|index| matches!(index.kind, IndexKind::Ellipsis))
            .count();
        if ellipses > 1 {
            return self.error(Code::DL0212, "an index has at most one `...`", index_span);
        }
        if used > ty.rank() {
            let message = format!(
                "`{ty}` has {}, and {used} indices are given",
                count(ty.rank(), "axis").replace("axiss", "axes")
            );
            let nodes = [x];
            let diagnostic = Diagnostic::error(Code::DL0212, message, index_span);
            let diagnostic = self.origins(diagnostic, &nodes);
            return Err(self.report(diagnostic));
        }
        let mut plan = IndexPlan {
            axes: Vec::new(),
            new_axes: Vec::new(),
            mask: None,
        };
        for (i, index) in indices.iter().enumerate() {
            let axis = plan.axes.len();
            match &index.kind {
                _ if is_new(i, &values) => plan.new_axes.push(axis),
                IndexKind::Ellipsis => {
                    for axis in axis..axis + ty.rank() - used {
                        plan.axes.push(whole_axis(&ty.shape[axis]));
                    }
                }
                IndexKind::Slice { start, end, step } => {
                    let size = ty.shape[axis].clone();
                    let part = self.slice_index(
                        &size,
                        start.as_ref(),
                        end.as_ref(),
                        step.as_ref(),
                        axis,
                        index.span,
                    )?;
                    plan.axes.push(part);
                }
                IndexKind::At(expr) => {
                    let value = values[i].clone().ok_or(Reported)?;
                    let part = self.point_index(x, &value, axis, expr.span)?;
                    plan.axes.push(part);
                }
                IndexKind::NewAxis => {}
            }
        }
        while plan.axes.len() < ty.rank() {
            plan.axes.push(whole_axis(&ty.shape[plan.axes.len()]));
        }
        self.check_advanced(&plan, index_span)?;
        Ok(plan)
    }

    /// NumPy moves axes about when several arrays index at once; that is left out.
    fn check_advanced(&mut self, plan: &IndexPlan, span: Span) -> Res<()> {
        let arrays = plan
            .axes
            .iter()
            .filter(|axis| matches!(axis, AxisIndex::Take(id) if self.ty(*id).rank() > 0))
            .count();
        let integers = plan.axes.iter().any(|axis| match axis {
            AxisIndex::Slice { drop, .. } => *drop,
            AxisIndex::Take(id) => self.ty(*id).rank() == 0,
        });
        if arrays > 1 || (arrays == 1 && integers) {
            let diagnostic = Diagnostic::error(
                Code::DL0801,
                "an array of indices together with other arrays or integers is not supported yet",
                span,
            )
            .help("index in two steps: `x[i][ids]`, or use `take_along_axis`");
            return Err(self.report(diagnostic));
        }
        Ok(())
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
                if ty.dtype == DType::Bool {
                    let diagnostic =
                        Diagnostic::error(Code::DL0212, "a mask indexes a whole tensor", span)
                            .help("choose by `where(mask, x, 0)`");
                    return Err(self.report(diagnostic));
                }
                if !is_integer(ty.dtype) {
                    let diagnostic = Diagnostic::error(
                        Code::DL0212,
                        format!("an index is an integer, and this is `{ty}`"),
                        span,
                    );
                    let diagnostic = self.suggest_cast(diagnostic, span, ty.dtype, DType::I32);
                    return Err(self.report(diagnostic));
                }
                return Ok(self
                    .scalar_dim(*id)
                    .and_then(|index| self.inner_point(&index, &size))
                    .unwrap_or(AxisIndex::Take(*id)));
            }
            Value::List(items) => {
                let ids = self.index_list(items, span)?;
                return Ok(AxisIndex::Take(ids));
            }
            other => {
                let what = self.describe(other);
                return self.error(
                    Code::DL0212,
                    format!("an index is an integer, and this is {what}"),
                    span,
                );
            }
        };
        if let (Some(index), Some(size)) = (index.as_const(), size.as_const())
            && !(-size..size).contains(&index)
        {
            let ty = self.ty(x).clone();
            let message =
                format!("index {index} is outside axis {axis} of `{ty}`, which has size {size}");
            let diagnostic = Diagnostic::error(Code::DL0212, message, span);
            let diagnostic = self.origins(diagnostic, &[x]);
            return Err(self.report(diagnostic));
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

    /// A list of integers as a vector of indices.
    fn index_list(&mut self, items: &[Value<'a>], span: Span) -> Res<NodeId> {
        let mut known = Vec::new();
        for item in items {
            match item {
                Value::Num(Num::Int(value)) => match i64::try_from(*value) {
                    Ok(value) => known.push(value),
                    Err(_) => {
                        return self.error(Code::DL0212, format!("{value} is no index"), span);
                    }
                },
                other => {
                    let what = self.describe(other);
                    let message = format!(
                        "a list of indices holds integers known at compile time, and this is {what}"
                    );
                    return self.error(Code::DL0212, message, span);
                }
            }
        }
        self.integers(&known, DType::I64, span)
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

    /// The part of a tensor that a plan names.
    pub(super) fn read(&mut self, x: NodeId, plan: &IndexPlan, span: Span) -> Res<NodeId> {
        let mut part = self.read_slices(x, plan, span)?;
        for (axis, index) in plan.axes.iter().enumerate().rev() {
            if let AxisIndex::Take(ids) = index {
                part = self.take(part, *ids, axis, span)?;
            }
        }
        let shape = self.shape(part);
        let mut result = Vec::new();
        let mut next = 0;
        for (axis, index) in plan.axes.iter().enumerate() {
            result.extend(
                plan.new_axes
                    .iter()
                    .filter(|new| **new == axis)
                    .map(|_| Dim::constant(1)),
            );
            match index {
                AxisIndex::Slice { drop: true, .. } => next += 1,
                AxisIndex::Slice { .. } => {
                    result.push(shape[next].clone());
                    next += 1;
                }
                AxisIndex::Take(ids) => {
                    let axes = self.ty(*ids).rank();
                    result.extend_from_slice(&shape[next..next + axes]);
                    next += axes;
                }
            }
        }
        result.extend(
            plan.new_axes
                .iter()
                .filter(|new| **new == plan.axes.len())
                .map(|_| Dim::constant(1)),
        );
        self.reshape(part, &result, span)
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
