//! `x[i] = v` and `x[i] += v`: a new tensor with a part replaced.

use dlc_abi::dim::Poly;

use crate::ast::{BinaryOp, DType, Expr, Index, Span};
use crate::check::Checker;
use crate::check::consts::is_float;
use crate::check::frame::FrameKind;
use crate::check::index::{AxisIndex, IndexPlan};
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, Num, Prim};
use crate::diagnostic::{Code, Diagnostic};

impl<'a> Checker<'a> {
    /// `x` with the part that the indices name replaced.
    pub(super) fn update_tensor(
        &mut self,
        x: NodeId,
        indices: &'a [Index],
        index_span: Span,
        new: &Value<'a>,
        value: &'a Expr,
    ) -> Res<NodeId> {
        if self.dtype(x) == DType::Key {
            return self.not_yet("assigning an element of an array of keys is", index_span);
        }
        let plan = self.plan_index(x, indices, index_span)?;
        let span = index_span.to(value.span);
        let new = self.as_tensor_of(new, self.dtype(x), value.span)?;
        if let Some(mask) = plan.mask {
            if self
                .broadcast_shape(&self.shape(new), &self.shape(x))
                .is_err()
                || self.ty(new).rank() > 0
            {
                let message = format!(
                    "what a mask selects is assigned a scalar, not `{}`",
                    self.ty(new)
                );
                return self.error(Code::DL0212, message, value.span);
            }
            return self.select(mask, new, x, span);
        }
        if !plan.new_axes.is_empty() {
            return self.error(
                Code::DL0212,
                "an index that is assigned cannot have `none`",
                index_span,
            );
        }
        if plan
            .axes
            .iter()
            .any(|axis| matches!(axis, AxisIndex::Take(ids) if self.ty(*ids).rank() > 0))
        {
            let diagnostic = Diagnostic::error(
                Code::DL0801,
                "assigning at an array of indices is not supported yet",
                index_span,
            )
            .help("`x[ids] += v` and `scatter_add` add at them");
            return Err(self.report(diagnostic));
        }
        let new = self.fit_region(x, new, &plan, value.span)?;
        let (plan, inside) = self.clamped(x, plan, span)?;
        match inside {
            None => self.write_slices(x, new, &plan, span),
            Some(inside) => self.write_if(inside, x, new, &plan, span),
        }
    }

    /// A value of the shape that the index reads, broadcast to the region, where axes of integers have size 1.
    fn fit_region(&mut self, x: NodeId, new: NodeId, plan: &IndexPlan, span: Span) -> Res<NodeId> {
        let mut read = Vec::new();
        let mut with_ones = Vec::new();
        for index in &plan.axes {
            match index {
                AxisIndex::Slice { drop: true, .. } | AxisIndex::Take(_) => {
                    with_ones.push(Dim::constant(1))
                }
                AxisIndex::Slice { size, .. } => {
                    read.push(size.clone());
                    with_ones.push(size.clone());
                }
            }
        }
        let found = self.shape(new);
        let fits = found.len() <= read.len()
            && self
                .broadcast_shape(&found, &read)
                .is_ok_and(|joined| self.same_shape(&joined, &read));
        if !fits {
            let target = crate::core::TensorType::new(self.dtype(x), read);
            let message = format!(
                "`{}` is assigned to a part that is `{target}`",
                self.ty(new)
            );
            let diagnostic = Diagnostic::error(Code::DL0402, message, span);
            let diagnostic = self.origins(diagnostic, &[x, new]);
            return Err(self.report(diagnostic));
        }
        let new = self.broadcast_to(new, &read, span)?;
        self.reshape(new, &with_ones, span)
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
            let index = self.convert(id, DType::I64, span)?;
            let index = self.inside(index, size, span)?;
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

    /// An `i64` index counted from the start and clamped, as the IR's `take` does it.
    pub(crate) fn inside(&mut self, index: NodeId, size: &Dim, span: Span) -> Res<NodeId> {
        let shape = self.shape(index);
        let size = self.dim_scalar(size, DType::I64, span)?;
        let size = self.broadcast_to(size, &shape, span)?;
        let zero = self.full_like(Num::Int(0), index, span)?;
        let negative = self.elementwise("less", &[index, zero], DType::Bool, span)?;
        let from_end = self.elementwise("add", &[index, size], DType::I64, span)?;
        let index = self.elementwise("select", &[negative, from_end, index], DType::I64, span)?;
        let one = self.full_like(Num::Int(1), index, span)?;
        let last = self.elementwise("sub", &[size, one], DType::I64, span)?;
        let index = self.elementwise("minimum", &[index, last], DType::I64, span)?;
        self.elementwise("maximum", &[index, zero], DType::I64, span)
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
                // `clamped` has made slices of all.
                AxisIndex::Take(_) => return Err(Reported),
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

    /// `x[ids] += v` for an array of indices: every one of them adds. Nothing for other indices.
    pub(super) fn scatter_update(
        &mut self,
        base: &'a Expr,
        indices: &'a [Index],
        index_span: Span,
        op: BinaryOp,
        new: &Value<'a>,
        value: &'a Expr,
    ) -> Res<Option<Value<'a>>> {
        let Value::Tensor(x) = self.eval(base)? else {
            return Ok(None);
        };
        if self.dtype(x) == DType::Key {
            return Ok(None);
        }
        let plan = self.plan_index(x, indices, index_span)?;
        let array = plan
            .axes
            .iter()
            .position(|axis| matches!(axis, AxisIndex::Take(ids) if self.ty(*ids).rank() > 0));
        let Some(axis) = array else { return Ok(None) };
        let AxisIndex::Take(ids) = plan.axes[axis] else {
            return Ok(None);
        };
        let shape = self.shape(x);
        let whole = plan.axes.iter().enumerate().all(|(i, index)| match index {
            AxisIndex::Slice {
                start,
                size,
                stride,
                reversed,
                ..
            } => start.as_const() == Some(0) && *size == shape[i] && *stride == 1 && !reversed,
            AxisIndex::Take(_) => i == axis,
        });
        if !whole || !matches!(op, BinaryOp::Add | BinaryOp::Sub) || !plan.new_axes.is_empty() {
            return self.not_yet(
                "this compound assignment at an array of indices is",
                index_span,
            );
        }
        let span = index_span.to(value.span);
        let dtype = self.dtype(x);
        let new = self.as_tensor_of(new, dtype, value.span)?;
        let mut target = shape;
        target.splice(axis..=axis, self.shape(ids));
        if !self
            .broadcast_shape(&self.shape(new), &target)
            .is_ok_and(|joined| self.same_shape(&joined, &target))
        {
            let part = crate::core::TensorType::new(dtype, target);
            let message = format!("`{}` is added to a part that is `{part}`", self.ty(new));
            return self.error(Code::DL0402, message, value.span);
        }
        let mut new = self.broadcast_to(new, &target, span)?;
        if op == BinaryOp::Sub {
            debug_assert!(is_float(dtype) || dtype != DType::Bool);
            new = self.unary("neg", new, span)?;
        }
        let ty = self.ty(x).clone();
        self.node(
            Prim::Scatter { kind: "add", axis },
            &[x, ids, new],
            ty,
            span,
        )
        .map(|id| Some(Value::Tensor(id)))
    }
}
