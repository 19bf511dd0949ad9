//! `x[i] = v` and `x[i] += v`: a new tensor with a part replaced.

use dlc_abi::dim::Poly;

use crate::ast::{BinaryOp, DType, Expr, Index, Span};
use crate::check::Checker;
use crate::check::binary::Operand;
use crate::check::frame::FrameKind;
use crate::check::index::{AxisIndex, IndexPlan, Mask, Part};
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// An assignment to a part of a tensor.
pub(super) struct Update<'a> {
    /// The part as written.
    pub target: &'a Expr,
    /// The indices in it.
    pub indices: &'a [Index],
    /// Where they stand.
    pub index_span: Span,
    /// The operator of a compound assignment, and where it stands.
    pub op: Option<(BinaryOp, Span)>,
    /// The expression on the right.
    pub value: &'a Expr,
}

impl<'a> Update<'a> {
    fn span(&self) -> Span {
        self.index_span.to(self.value.span)
    }
}

impl<'a> Checker<'a> {
    /// `x` with the part that the indices name replaced.
    pub(super) fn update_tensor(
        &mut self,
        x: NodeId,
        update: &Update<'a>,
        new: &Value<'a>,
    ) -> Res<NodeId> {
        let index_span = update.index_span;
        if self.dtype(x) == DType::Key {
            return self.not_yet("assigning an element of an array of keys is", index_span);
        }
        let plan = self.plan_index(x, update.indices, index_span)?;
        if update.op.is_some() {
            let ty = self.ty(x).clone();
            self.check_same_dtype(update.target, &ty, new, update.value)?;
        }
        let span = update.span();
        if plan.mask.is_none() && !self.has_arrays(&plan) {
            let new = match update.op {
                None => new.clone(),
                Some(_) => {
                    let old = self.read(x, &plan, span)?;
                    self.combined(update, Value::Tensor(old), new.clone())?
                }
            };
            let sizes: Vec<Dim> = plan.axes.iter().map(size_of).collect();
            let part = TensorType::new(self.dtype(x), sizes);
            let new = self.fit_region(&part, &plan, &[], update, &new)?;
            let (plan, inside) = self.clamped(x, plan, span)?;
            return match inside {
                None => self.write_slices(x, new, &plan, span),
                Some(inside) => self.write_if(inside, x, new, &plan, span),
            };
        }
        let region = self.read_slices(x, &plan, span)?;
        let new = match plan.mask {
            Some(mask) if self.has_arrays(&plan) => {
                let message =
                    "a mask together with arrays of indices has no size known at compile time";
                return self.error(Code::DL0212, message, mask.span);
            }
            Some(mask) => self.update_masked(region, &plan, mask, update, new)?,
            None => self.update_scattered(region, &plan, update, new)?,
        };
        self.write_slices(x, new, &plan, span)
    }

    /// `old op new` of a compound assignment.
    fn combined(&mut self, update: &Update<'a>, old: Value<'a>, new: Value<'a>) -> Res<Value<'a>> {
        let Some((op, op_span)) = update.op else {
            return Ok(new);
        };
        let whole = update.target.span.to(update.value.span);
        let old = Operand::new(old, update.target);
        let new = Operand::new(new, update.value);
        self.binary(op, old, new, op_span, whole)
    }

    /// The region with what a mask chooses replaced.
    fn update_masked(
        &mut self,
        region: NodeId,
        plan: &IndexPlan,
        mask: Mask,
        update: &Update<'a>,
        new: &Value<'a>,
    ) -> Res<NodeId> {
        let span = update.span();
        let shape = self.shape(region);
        let mut new = new.clone();
        let spread = matches!(&new, Value::Tensor(id) if self.ty(*id).rank() > 0);
        if spread || update.op.is_none() {
            // Which element of several goes where is not known: along the mask's axes there is one.
            let part = self.ty(region).clone();
            let id = self.fit_region(&part, plan, &[Dim::constant(1)], update, &new)?;
            new = Value::Tensor(id);
        }
        let new = self.combined(update, Value::Tensor(region), new)?;
        let new = self.as_tensor_of(&new, self.dtype(region), update.value.span)?;
        let new = self.broadcast_to(new, &shape, span)?;
        let new = self.masked(region, new, plan, span)?;
        let axes = (mask.axis..mask.axis + mask.rank).collect();
        let chosen = self.broadcast_axes(mask.id, axes, &shape, span)?;
        self.select(chosen, new, region, span)
    }

    /// The region with values put or added at arrays of indices. Where several name one place, every one adds, and the
    /// last one put stays.
    fn update_scattered(
        &mut self,
        region: NodeId,
        plan: &IndexPlan,
        update: &Update<'a>,
        new: &Value<'a>,
    ) -> Res<NodeId> {
        let span = update.span();
        let dtype = self.dtype(region);
        let (kind, negate) = match update.op {
            None => ("set", false),
            Some((BinaryOp::Add | BinaryOp::Sub, op_span)) if dtype == DType::Bool => {
                return self.error(Code::DL0210, "truth values are not added", op_span);
            }
            Some((BinaryOp::Add, _)) => ("add", false),
            Some((BinaryOp::Sub, _)) => ("add", true),
            Some((op, op_span)) => {
                let message = format!(
                    "`{}=` at an array of indices is not supported yet",
                    op.symbol()
                );
                let diagnostic = Diagnostic::error(Code::DL0801, message, op_span).help(
                    "`x[ids] = …` puts values there; `+=` and `-=` add all that fall on one place",
                );
                return Err(self.report(diagnostic));
            }
        };
        let gathered = self.gathered(region, plan, span)?;
        let chosen = self.shape(gathered.ids);
        let part = self.ty(region).clone();
        let new = self.fit_part(&part, plan, &chosen, update, new)?;
        let layout: Vec<Part> = plan.layout(true);
        let (mut new, _) = self.arrange(
            new,
            &without_new(&layout),
            &gathered.order,
            chosen.len(),
            span,
        )?;
        if negate {
            new = self.unary("neg", new, span)?;
        }
        let op = Prim::Scatter {
            kind,
            axis: gathered.axis,
        };
        let ty = self.ty(gathered.x).clone();
        let written = self.node(op, &[gathered.x, gathered.ids, new], ty, span)?;
        self.ungathered(written, &gathered, region, span)
    }

    /// A value of the shape that the index reads, new axes taken out. What is chosen has the shape `chosen`.
    fn fit_part(
        &mut self,
        region: &TensorType,
        plan: &IndexPlan,
        chosen: &[Dim],
        update: &Update<'a>,
        new: &Value<'a>,
    ) -> Res<NodeId> {
        let (span, at) = (update.span(), update.value.span);
        let (dtype, shape) = (region.dtype, &region.shape);
        let mut new = self.as_tensor_of(new, dtype, at)?;
        let (mut read, mut kept) = (Vec::new(), Vec::new());
        for part in plan.layout(plan.mask.is_some() || self.has_arrays(plan)) {
            let axes = match part {
                Part::New => vec![Dim::constant(1)],
                Part::Axis(axis) => vec![shape[axis].clone()],
                Part::Chosen => chosen.to_vec(),
            };
            if part != Part::New {
                kept.extend_from_slice(&axes);
            }
            read.extend(axes);
        }
        let mut found = self.shape(new);
        while found.len() > read.len() && found[0].as_const() == Some(1) {
            found.remove(0);
        }
        let fits = found.len() <= read.len()
            && self
                .broadcast_shape(&found, &read)
                .is_ok_and(|joined| self.same_shape(&joined, &read));
        if !fits {
            return Err(self.misfit(update, plan, new, TensorType::new(dtype, read)));
        }
        new = self.reshape(new, &found, span)?;
        let new = self.broadcast_to(new, &read, span)?;
        self.reshape(new, &kept, span)
    }

    /// Reports a value that does not have the shape of the part that it is assigned to.
    fn misfit(
        &mut self,
        update: &Update<'a>,
        plan: &IndexPlan,
        new: NodeId,
        part: TensorType,
    ) -> Reported {
        let found = self.ty(new).clone();
        let at = update.value.span;
        let verb = match update.op {
            None => "is assigned to",
            Some((BinaryOp::Add, _)) => "is added to",
            Some(_) => "is combined with",
        };
        let diagnostic = match plan.mask {
            Some(mask) => {
                let message = format!(
                    "`{found}` {verb} what a mask selects, of which it is not known how many there are"
                );
                let condition = self.text(mask.span);
                let value = self.text(at);
                Diagnostic::error(Code::DL0212, message, at).help(format!(
                    "assign one value to all of them, or choose place by place: `where({condition}, {value}, …)`"
                ))
            }
            None => {
                let message = format!("`{found}` {verb} a part that is `{part}`");
                Diagnostic::error(Code::DL0402, message, at)
                    .secondary(update.index_span, format!("this part is `{part}`"))
            }
        };
        let diagnostic = self.origins(diagnostic, &[new]);
        self.report(diagnostic)
    }

    /// A value broadcast to the region, where axes of integers have size 1.
    fn fit_region(
        &mut self,
        region: &TensorType,
        plan: &IndexPlan,
        chosen: &[Dim],
        update: &Update<'a>,
        new: &Value<'a>,
    ) -> Res<NodeId> {
        let span = update.span();
        let new = self.fit_part(region, plan, chosen, update, new)?;
        let shape = &region.shape;
        let mut with_ones = vec![Dim::constant(1); shape.len()];
        for part in plan.layout(plan.mask.is_some()) {
            if let Part::Axis(axis) = part {
                with_ones[axis] = shape[axis].clone();
            }
        }
        let new = self.reshape(new, &with_ones, span)?;
        self.broadcast_to(new, shape, span)
    }

    /// The new region where the computed indices point, the old one elsewhere.
    fn masked(&mut self, old: NodeId, new: NodeId, plan: &IndexPlan, span: Span) -> Res<NodeId> {
        let mut mask: Option<NodeId> = None;
        for (axis, index) in plan.axes.iter().enumerate() {
            let AxisIndex::Take(id) = index else { continue };
            let shape = self.shape(old);
            let index = self.convert(*id, DType::I64, span)?;
            let index = self.inside(index, &shape[axis], span)?;
            let positions = self.iota(&shape, axis, DType::I64, span)?;
            let index = self.broadcast_to(index, &shape, span)?;
            let here = self.elementwise("equal", &[positions, index], DType::Bool, span)?;
            mask = Some(match mask {
                None => here,
                Some(mask) => self.elementwise("bitwise_and", &[mask, here], DType::Bool, span)?,
            });
        }
        match mask {
            None => Ok(new),
            Some(mask) => self.select(mask, new, old, span),
        }
    }

    /// The plan with the indices that are computed clamped to their axes, which makes them parts of size 1. Where an axis
    /// may be empty, whether none is comes with it.
    fn clamped(
        &mut self,
        x: NodeId,
        plan: IndexPlan,
        span: Span,
    ) -> Res<(IndexPlan, Option<NodeId>)> {
        let shape = self.shape(x);
        let mut inside: Option<NodeId> = None;
        let mut axes = Vec::new();
        for (index, size) in plan.axes.into_iter().zip(&shape) {
            let AxisIndex::Take(id) = index else {
                axes.push(index);
                continue;
            };
            let index = self.clamped_scalar(id, size, span)?;
            axes.push(AxisIndex::Slice {
                start: self.named_index(index, span)?,
                size: Dim::constant(1),
                stride: 1,
                reversed: false,
                drop: true,
            });
            if self.nonnegative(&(size.poly().clone() - Poly::one())) {
                continue;
            }
            let size = self.dim_scalar(size, DType::I64, span)?;
            let zero = self.scalar(Num::Int(0), DType::I64, span)?;
            let some = self.elementwise("greater", &[size, zero], DType::Bool, span)?;
            inside = Some(match inside {
                None => some,
                Some(known) => {
                    self.elementwise("bitwise_and", &[known, some], DType::Bool, span)?
                }
            });
        }
        let plan = IndexPlan { axes, ..plan };
        Ok((plan, inside))
    }

    /// An index as an `i64` counted from the start and clamped, by arithmetic: the cost does not depend on the axis.
    fn clamped_scalar(&mut self, index: NodeId, size: &Dim, span: Span) -> Res<NodeId> {
        let index = self.convert(index, DType::I64, span)?;
        let size = self.dim_scalar(size, DType::I64, span)?;
        let zero = self.scalar(Num::Int(0), DType::I64, span)?;
        let negative = self.elementwise("less", &[index, zero], DType::Bool, span)?;
        let from_end = self.elementwise("add", &[index, size], DType::I64, span)?;
        let index = self.elementwise("select", &[negative, from_end, index], DType::I64, span)?;
        let last = self.with_number("sub", size, Num::Int(1), span)?;
        let index = self.elementwise("minimum", &[index, last], DType::I64, span)?;
        self.elementwise("maximum", &[index, zero], DType::I64, span)
    }

    /// An `i64` scalar as a dim that slices can start at.
    pub(crate) fn named_index(&mut self, index: NodeId, span: Span) -> Res<Dim> {
        let frame = self.frame();
        let name = format!("at.{}.{}", frame.id, frame.nodes.len());
        let dim = Dim::new(Poly::name(&name));
        let ty = self.ty(index).clone();
        self.node(Prim::Index(name), &[index], ty, span)?;
        Ok(dim)
    }

    /// `x` with a region replaced where a condition holds, and as it is where not.
    fn write_if(
        &mut self,
        cond: NodeId,
        x: NodeId,
        region: NodeId,
        plan: &IndexPlan,
        span: Span,
    ) -> Res<NodeId> {
        let types = vec![self.ty(x).clone()];
        let mut args = vec![cond];
        let mut sides = Vec::new();
        for writes in [true, false] {
            self.push_region(FrameKind::Branch);
            let given = if writes {
                self.write_slices(x, region, plan, span)
            } else {
                Ok(x)
            };
            let given = given.map(|node| self.given(&[node], span));
            let frame = self.pop_region(&[]);
            let closed = frame.into_region(&[], given?);
            args.extend(closed.captured);
            sides.push(Box::new(closed.region));
        }
        let (Some(otherwise), Some(then)) = (sides.pop(), sides.pop()) else {
            return Err(Reported);
        };
        let op = Prim::If {
            then,
            otherwise,
            results: types.clone(),
        };
        let node = self.call_node(op, &args, &types, span)?;
        Ok(self.results_of(node, &types, span)?[0])
    }

    /// `x` with the part that the slices of a plan name replaced by a region.
    fn write_slices(
        &mut self,
        x: NodeId,
        region: NodeId,
        plan: &IndexPlan,
        span: Span,
    ) -> Res<NodeId> {
        let shape = self.shape(x);
        let (mut starts, mut strides, mut reversed, mut whole) =
            (Vec::new(), Vec::new(), Vec::new(), true);
        for (axis, index) in plan.axes.iter().enumerate() {
            match index {
                AxisIndex::Slice {
                    start,
                    size,
                    stride,
                    reversed: backward,
                    ..
                } => {
                    whole &= start.as_const() == Some(0) && *size == shape[axis] && *stride == 1;
                    starts.push(start.clone());
                    strides.push(*stride);
                    if *backward {
                        reversed.push(axis);
                    }
                }
                AxisIndex::Take(_) => {
                    starts.push(Dim::constant(0));
                    strides.push(1);
                }
            }
        }
        let mut region = region;
        if !reversed.is_empty() {
            let ty = self.ty(region).clone();
            region = self.node(Prim::Reverse { axes: reversed }, &[region], ty, span)?;
        }
        if whole {
            return Ok(region);
        }
        let ty = self.ty(x).clone();
        self.node(
            Prim::UpdateSlice { starts, strides },
            &[x, region],
            ty,
            span,
        )
    }
}

/// A layout without its new axes.
fn without_new(layout: &[Part]) -> Vec<Part> {
    layout
        .iter()
        .copied()
        .filter(|part| *part != Part::New)
        .collect()
}

/// How much of an axis an index that is no array replaces.
fn size_of(index: &AxisIndex) -> Dim {
    match index {
        AxisIndex::Slice { size, .. } => size.clone(),
        AxisIndex::Take(_) => Dim::constant(1),
    }
}
