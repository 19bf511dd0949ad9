//! Making nodes: one function for each kind, with broadcasting where NumPy broadcasts.
//!
//! What is built here has been checked by the caller; the only errors are those of size.

use dlc_abi::dim::Poly;

use crate::ast::{DType, Span};
use crate::check::consts::Number;
use crate::check::value::{NodeId, Res};
use crate::check::{Checker, MAX_NODES};
use crate::core::{Dim, NodeIndex, Num, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

impl<'a> Checker<'a> {
    /// The type of a node.
    pub(crate) fn ty(&self, id: NodeId) -> &TensorType {
        let frame = self.frames.iter().rev().find(|frame| frame.id == id.frame);
        &frame.expect("a value does not outlive its function").nodes[id.index as usize].ty
    }

    /// The shape of a node.
    pub(crate) fn shape(&self, id: NodeId) -> Vec<Dim> {
        self.ty(id).shape.clone()
    }

    /// The dtype of a node.
    pub(crate) fn dtype(&self, id: NodeId) -> DType {
        self.ty(id).dtype
    }

    /// What a node does.
    pub(crate) fn prim(&self, id: NodeId) -> &Prim {
        let frame = self.frames.iter().rev().find(|frame| frame.id == id.frame);
        &frame.expect("a value does not outlive its function").nodes[id.index as usize].op
    }

    /// The operands of a node.
    pub(crate) fn args(&self, id: NodeId) -> Vec<NodeId> {
        let frame = self.frames.iter().rev().find(|frame| frame.id == id.frame);
        let args =
            &frame.expect("a value does not outlive its function").nodes[id.index as usize].args;
        let arg = |index: &NodeIndex| NodeId {
            frame: id.frame,
            index: *index,
        };
        args.iter().map(arg).collect()
    }

    /// Adds a node.
    pub(crate) fn node(
        &mut self,
        op: Prim,
        args: &[NodeId],
        ty: TensorType,
        span: Span,
    ) -> Res<NodeId> {
        if self.frame().nodes.len() >= MAX_NODES {
            if !std::mem::replace(&mut self.too_deep, true) {
                let message = format!("a function has more than {MAX_NODES} operations");
                let diagnostic = Diagnostic::error(Code::DL0710, message, span)
                    .note("each round of a loop that is unrolled and each use of a function value is put in place")
                    .help("fewer rounds, or larger tensors");
                return Err(self.report(diagnostic));
            }
            return Err(super::Reported);
        }
        let level = self.frames.len() - 1;
        let args = args.iter().map(|id| self.local(*id, level, span)).collect();
        Ok(self.frame().push(op, args, ty, span))
    }

    /// The node in the function at `level` that stands for a node of this or an outer function.
    pub(super) fn local(&mut self, id: NodeId, level: usize, span: Span) -> NodeIndex {
        if self.frames[level].id == id.frame {
            return id.index;
        }
        if let Some(index) = self.frames[level].captured(id) {
            return index;
        }
        let ty = self.ty(id).clone();
        let origin = self.origin(id);
        self.frames[level].capture(id, ty, origin, span)
    }

    /// The declaration that a node came from.
    pub(crate) fn origin(&self, id: NodeId) -> Option<super::frame::Origin> {
        let frame = self
            .frames
            .iter()
            .rev()
            .find(|frame| frame.id == id.frame)?;
        frame.origins.get(&id.index).cloned()
    }

    /// Whether two dims are equal for all values allowed.
    pub(crate) fn same_dim(&self, a: &Dim, b: &Dim) -> bool {
        a == b
            || self
                .frames
                .last()
                .is_some_and(|frame| frame.facts.proves_equal(a.poly(), b.poly()))
    }

    /// Whether two shapes are equal.
    pub(crate) fn same_shape(&self, a: &[Dim], b: &[Dim]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_dim(a, b))
    }

    /// Whether a dim is at least 0 for all values allowed.
    pub(crate) fn nonnegative(&self, poly: &Poly) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| frame.facts.proves_nonnegative(poly))
    }

    /// A number as a scalar. The number fits the dtype.
    pub(crate) fn scalar(&mut self, num: Num, dtype: DType, span: Span) -> Res<NodeId> {
        let num = num.fit(dtype).unwrap_or(num);
        self.node(
            Prim::Constant(vec![num]),
            &[],
            TensorType::scalar(dtype),
            span,
        )
    }

    /// A number in every element.
    pub(crate) fn full(
        &mut self,
        num: Num,
        dtype: DType,
        shape: &[Dim],
        span: Span,
    ) -> Res<NodeId> {
        let num = num.fit(dtype).unwrap_or(num);
        if shape.iter().all(|dim| dim.as_const().is_some()) {
            return self.node(
                Prim::Constant(vec![num]),
                &[],
                TensorType::new(dtype, shape),
                span,
            );
        }
        let scalar = self.scalar(num, dtype, span)?;
        self.broadcast_to(scalar, shape, span)
    }

    /// A number in every element of a tensor like another.
    pub(crate) fn full_like(&mut self, num: Num, like: NodeId, span: Span) -> Res<NodeId> {
        let ty = self.ty(like).clone();
        self.full(num, ty.dtype, &ty.shape, span)
    }

    /// Integers as a vector.
    pub(crate) fn integers(&mut self, values: &[i64], dtype: DType, span: Span) -> Res<NodeId> {
        let shape = vec![Dim::constant(values.len() as i64)];
        let values = values
            .iter()
            .map(|value| Num::Int((*value).into()))
            .collect();
        self.node(
            Prim::Constant(values),
            &[],
            TensorType::new(dtype, shape),
            span,
        )
    }

    /// A dim as a number.
    pub(crate) fn dim_scalar(&mut self, dim: &Dim, dtype: DType, span: Span) -> Res<NodeId> {
        if let Some(value) = dim.as_const() {
            let num = Num::Int(value.into());
            if num.fit(dtype).is_some() {
                return self.scalar(num, dtype, span);
            }
        }
        let value = self.node(
            Prim::DimValue(dim.clone()),
            &[],
            TensorType::scalar(DType::I64),
            span,
        )?;
        self.convert(value, dtype, span)
    }

    /// An elementwise op on operands of one shape.
    pub(crate) fn elementwise(
        &mut self,
        name: &'static str,
        args: &[NodeId],
        dtype: DType,
        span: Span,
    ) -> Res<NodeId> {
        let shape = self.shape(args[0]);
        self.node(
            Prim::Elementwise(name),
            args,
            TensorType::new(dtype, shape),
            span,
        )
    }

    /// An elementwise op of one operand.
    pub(crate) fn unary(&mut self, name: &'static str, x: NodeId, span: Span) -> Res<NodeId> {
        let dtype = self.dtype(x);
        self.elementwise(name, &[x], dtype, span)
    }

    /// An elementwise op of two operands of one dtype, broadcast against each other; their shapes fit.
    pub(crate) fn binary_op(
        &mut self,
        name: &'static str,
        a: NodeId,
        b: NodeId,
        span: Span,
    ) -> Res<NodeId> {
        let (a, b) = self.broadcast_pair(a, b, span)?;
        let dtype = self.dtype(a);
        self.elementwise(name, &[a, b], dtype, span)
    }

    /// A comparison, broadcast.
    pub(crate) fn compare(
        &mut self,
        name: &'static str,
        a: NodeId,
        b: NodeId,
        span: Span,
    ) -> Res<NodeId> {
        let (a, b) = self.broadcast_pair(a, b, span)?;
        self.elementwise(name, &[a, b], DType::Bool, span)
    }

    /// `where(cond, a, b)`, broadcast; all shapes fit.
    pub(crate) fn select(&mut self, cond: NodeId, a: NodeId, b: NodeId, span: Span) -> Res<NodeId> {
        let shape = self
            .broadcast_shape(&self.shape(a), &self.shape(b))
            .unwrap_or_else(|_| self.shape(a));
        let shape = self
            .broadcast_shape(&self.shape(cond), &shape)
            .unwrap_or(shape);
        let cond = self.broadcast_to(cond, &shape, span)?;
        let a = self.broadcast_to(a, &shape, span)?;
        let b = self.broadcast_to(b, &shape, span)?;
        let dtype = self.dtype(a);
        self.elementwise("select", &[cond, a, b], dtype, span)
    }

    /// An op with a number as its second operand.
    pub(crate) fn with_number(
        &mut self,
        name: &'static str,
        x: NodeId,
        num: Num,
        span: Span,
    ) -> Res<NodeId> {
        let other = self.full_like(num, x, span)?;
        let dtype = self.dtype(x);
        self.elementwise(name, &[x, other], dtype, span)
    }

    /// Conversion, if it is one.
    pub(crate) fn convert(&mut self, x: NodeId, dtype: DType, span: Span) -> Res<NodeId> {
        if self.dtype(x) == dtype {
            return Ok(x);
        }
        self.elementwise("convert", &[x], dtype, span)
    }

    /// The shape that two broadcast to, or the two dims that do not fit.
    pub(crate) fn broadcast_shape(&self, a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>, (Dim, Dim)> {
        let rank = a.len().max(b.len());
        let mut shape = Vec::with_capacity(rank);
        for i in 0..rank {
            let left = (i + a.len()).checked_sub(rank).map(|i| &a[i]);
            let right = (i + b.len()).checked_sub(rank).map(|i| &b[i]);
            shape.push(match (left, right) {
                (Some(left), Some(right)) => {
                    if left.as_const() == Some(1) {
                        right.clone()
                    } else if right.as_const() == Some(1) {
                        left.clone()
                    } else if self.same_dim(left, right) {
                        // A number says more than a name that a condition makes equal to it.
                        if right.as_const().is_some() {
                            right.clone()
                        } else {
                            left.clone()
                        }
                    } else {
                        return Err((left.clone(), right.clone()));
                    }
                }
                (Some(dim), None) | (None, Some(dim)) => dim.clone(),
                (None, None) => continue,
            });
        }
        Ok(shape)
    }

    fn broadcast_pair(&mut self, a: NodeId, b: NodeId, span: Span) -> Res<(NodeId, NodeId)> {
        let shape = self
            .broadcast_shape(&self.shape(a), &self.shape(b))
            .expect("the caller checked the shapes");
        Ok((
            self.broadcast_to(a, &shape, span)?,
            self.broadcast_to(b, &shape, span)?,
        ))
    }

    /// A tensor stretched to a shape that it broadcasts to.
    pub(crate) fn broadcast_to(&mut self, x: NodeId, shape: &[Dim], span: Span) -> Res<NodeId> {
        let from = self.shape(x);
        if self.same_shape(&from, shape) {
            return self.recast(x, shape, span);
        }
        let offset = shape.len() - from.len();
        let mut kept = Vec::new();
        let mut axes = Vec::new();
        for (i, dim) in from.iter().enumerate() {
            if dim.as_const() == Some(1) && shape[offset + i].as_const() != Some(1) {
                continue;
            }
            kept.push(dim.clone());
            axes.push(offset + i);
        }
        let x = if kept.len() == from.len() {
            x
        } else {
            self.reshape(x, &kept, span)?
        };
        let dtype = self.dtype(x);
        self.check_byte_size(&TensorType::new(dtype, shape), span)?;
        if axes.len() == shape.len() {
            return Ok(x);
        }
        self.node(
            Prim::Broadcast { axes },
            &[x],
            TensorType::new(dtype, shape),
            span,
        )
    }

    /// A tensor of a shape that is proven to be equal, in that shape. Which axes have a known size shows in the IR, so
    /// it is a node where that differs.
    pub(crate) fn recast(&mut self, x: NodeId, shape: &[Dim], span: Span) -> Res<NodeId> {
        let from = &self.ty(x).shape;
        if from
            .iter()
            .zip(shape)
            .all(|(a, b)| a.as_const() == b.as_const())
        {
            return Ok(x);
        }
        self.reshape(x, shape, span)
    }

    /// A tensor whose axes go to `axes` of a shape; the others are new.
    pub(crate) fn broadcast_axes(
        &mut self,
        x: NodeId,
        axes: Vec<usize>,
        shape: &[Dim],
        span: Span,
    ) -> Res<NodeId> {
        let dtype = self.dtype(x);
        if axes.len() == shape.len() {
            return Ok(x);
        }
        self.node(
            Prim::Broadcast { axes },
            &[x],
            TensorType::new(dtype, shape),
            span,
        )
    }

    /// The same elements in another shape; the counts agree.
    pub(crate) fn reshape(&mut self, x: NodeId, shape: &[Dim], span: Span) -> Res<NodeId> {
        let ty = self.ty(x);
        if ty.shape == shape {
            return Ok(x);
        }
        let ty = TensorType::new(ty.dtype, shape);
        self.node(Prim::Reshape, &[x], ty, span)
    }

    /// With new axes of size 1 at these positions of the result, ascending.
    pub(crate) fn expand(&mut self, x: NodeId, axes: &[usize], span: Span) -> Res<NodeId> {
        let mut shape = self.shape(x);
        for axis in axes {
            shape.insert(*axis, Dim::constant(1));
        }
        self.reshape(x, &shape, span)
    }

    /// Axes in another order.
    pub(crate) fn transpose(
        &mut self,
        x: NodeId,
        permutation: &[usize],
        span: Span,
    ) -> Res<NodeId> {
        if permutation.iter().enumerate().all(|(i, axis)| i == *axis) {
            return Ok(x);
        }
        let ty = self.ty(x);
        let shape: Vec<Dim> = permutation
            .iter()
            .map(|axis| ty.shape[*axis].clone())
            .collect();
        let ty = TensorType::new(ty.dtype, shape);
        self.node(
            Prim::Transpose {
                permutation: permutation.to_vec(),
            },
            &[x],
            ty,
            span,
        )
    }

    /// A reduction over ascending axes.
    pub(crate) fn reduce(
        &mut self,
        kind: &'static str,
        x: NodeId,
        axes: &[usize],
        keepdims: bool,
        span: Span,
    ) -> Res<NodeId> {
        let ty = self.ty(x).clone();
        if axes.is_empty() {
            return Ok(x);
        }
        let shape: Vec<Dim> = ty
            .shape
            .iter()
            .enumerate()
            .filter(|(i, _)| !axes.contains(i))
            .map(|(_, dim)| dim.clone())
            .collect();
        let result = self.node(
            Prim::Reduce {
                kind,
                axes: axes.to_vec(),
            },
            &[x],
            TensorType::new(ty.dtype, shape),
            span,
        )?;
        if !keepdims {
            return Ok(result);
        }
        self.keep_axes(result, &ty.shape, axes, span)
    }

    /// Puts axes of size 1 back where a reduction took them.
    pub(crate) fn keep_axes(
        &mut self,
        x: NodeId,
        shape: &[Dim],
        axes: &[usize],
        span: Span,
    ) -> Res<NodeId> {
        let shape: Vec<Dim> = shape
            .iter()
            .enumerate()
            .map(|(i, dim)| {
                if axes.contains(&i) {
                    Dim::constant(1)
                } else {
                    dim.clone()
                }
            })
            .collect();
        self.reshape(x, &shape, span)
    }

    /// The number of elements along axes.
    pub(crate) fn element_count(&self, shape: &[Dim], axes: &[usize]) -> Dim {
        axes.iter()
            .fold(Dim::constant(1), |product, axis| &product * &shape[*axis])
    }

    /// Positions along an axis.
    pub(crate) fn iota(
        &mut self,
        shape: &[Dim],
        axis: usize,
        dtype: DType,
        span: Span,
    ) -> Res<NodeId> {
        self.node(
            Prim::Iota { axis },
            &[],
            TensorType::new(dtype, shape),
            span,
        )
    }

    /// A part; it is inside.
    pub(crate) fn slice(
        &mut self,
        x: NodeId,
        starts: Vec<Dim>,
        sizes: Vec<Dim>,
        strides: Vec<i64>,
        span: Span,
    ) -> Res<NodeId> {
        let ty = self.ty(x);
        let whole = ty.shape == sizes
            && strides.iter().all(|stride| *stride == 1)
            && starts.iter().all(|start| start.as_const() == Some(0));
        if whole {
            return Ok(x);
        }
        let ty = TensorType::new(ty.dtype, sizes);
        self.node(Prim::Slice { starts, strides }, &[x], ty, span)
    }

    /// A part along one axis, from `start` for `size`.
    pub(crate) fn slice_axis(
        &mut self,
        x: NodeId,
        axis: usize,
        start: Dim,
        size: Dim,
        span: Span,
    ) -> Res<NodeId> {
        let mut sizes = self.shape(x);
        let mut starts = vec![Dim::constant(0); sizes.len()];
        let strides = vec![1; sizes.len()];
        starts[axis] = start;
        sizes[axis] = size;
        self.slice(x, starts, sizes, strides, span)
    }

    /// Tensors one after another; they fit.
    pub(crate) fn concatenate(&mut self, parts: &[NodeId], axis: usize, span: Span) -> Res<NodeId> {
        if let [one] = parts {
            return Ok(*one);
        }
        let ty = self.ty(parts[0]).clone();
        let mut shape = ty.shape.clone();
        for part in &parts[1..] {
            shape[axis] = &shape[axis] + &self.ty(*part).shape[axis];
        }
        let ty = TensorType::new(ty.dtype, shape);
        self.check_byte_size(&ty, span)?;
        self.node(Prim::Concatenate { axis }, parts, ty, span)
    }

    /// Slices at ids: the axis becomes the axes of `ids`.
    pub(crate) fn take(&mut self, x: NodeId, ids: NodeId, axis: usize, span: Span) -> Res<NodeId> {
        let ty = self.ty(x).clone();
        let mut shape = ty.shape.clone();
        shape.splice(axis..=axis, self.shape(ids));
        let ty = TensorType::new(ty.dtype, shape);
        self.check_byte_size(&ty, span)?;
        self.node(Prim::Take { axis }, &[x, ids], ty, span)
    }
}
