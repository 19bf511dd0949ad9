//! Computed indices: reading at them, and arrays of indices written as lists.
//!
//! NumPy broadcasts all arrays of an index together. Their axes are brought side by side and made one, so that one
//! array of places in it is left, and one `take` or scatter does the work.

use crate::ast::{DType, Span};
use crate::check::Checker;
use crate::check::consts::is_integer;
use crate::check::index::{AxisIndex, IndexPlan, Part};
use crate::check::value::{NodeId, Res, Value};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// A tensor with the axes of computed indices made one.
pub(super) struct Gathered {
    /// The tensor.
    pub x: NodeId,
    /// Places on that axis.
    pub ids: NodeId,
    /// The axis.
    pub axis: usize,
    /// What its axes are.
    pub order: Vec<Part>,
    /// Its shape before the axes were made one.
    pub apart: Vec<Dim>,
    /// The order in which the axes of the original stand in `apart`.
    pub permutation: Vec<usize>,
}

impl<'a> Checker<'a> {
    /// The indices of a plan that are computed, with their axes.
    fn computed(plan: &IndexPlan) -> Vec<(usize, NodeId)> {
        let take = |(axis, index): (usize, &AxisIndex)| match index {
            AxisIndex::Take(id) => Some((axis, *id)),
            AxisIndex::Slice { .. } => None,
        };
        plan.axes.iter().enumerate().filter_map(take).collect()
    }

    /// Whether there are arrays among the indices.
    pub(super) fn has_arrays(&self, plan: &IndexPlan) -> bool {
        Self::computed(plan)
            .iter()
            .any(|(_, id)| self.ty(*id).rank() > 0)
    }

    /// The part of a tensor that a plan names.
    pub(super) fn read(&mut self, x: NodeId, plan: &IndexPlan, span: Span) -> Res<NodeId> {
        let region = self.read_slices(x, plan, span)?;
        let (part, order) = if self.has_arrays(plan) {
            let gathered = self.gathered(region, plan, span)?;
            let part = self.take(gathered.x, gathered.ids, gathered.axis, span)?;
            let rank = self.ty(gathered.ids).rank();
            self.arrange(part, &gathered.order, &plan.layout(true), rank, span)?
        } else {
            let (mut part, mut kept) = self.without_points(region, plan, span)?;
            for (axis, id) in Self::computed(plan).into_iter().rev() {
                let at = kept.partition_point(|kept| *kept < axis);
                part = self.take(part, id, at, span)?;
                kept.remove(at);
            }
            let order = kept.into_iter().map(Part::Axis).collect();
            (part, order)
        };
        let layout = plan.layout(self.has_arrays(plan));
        let shape = self.shape(part);
        let chosen = shape.len() + 1 - order.len();
        let mut rest = shape.into_iter();
        let mut result = Vec::new();
        for part in layout {
            match part {
                Part::New => result.push(Dim::constant(1)),
                Part::Axis(_) => result.extend(rest.next()),
                Part::Chosen => result.extend(rest.by_ref().take(chosen)),
            }
        }
        self.reshape(part, &result, span)
    }

    /// A tensor whose axes are `order`, with them in the order of `layout`, in which new axes do not count. What is
    /// chosen has `rank` axes.
    pub(super) fn arrange(
        &mut self,
        x: NodeId,
        order: &[Part],
        layout: &[Part],
        rank: usize,
        span: Span,
    ) -> Res<(NodeId, Vec<Part>)> {
        let axes_of = |part: &Part| match part {
            Part::Chosen => rank,
            _ => 1,
        };
        let layout: Vec<Part> = layout
            .iter()
            .copied()
            .filter(|part| *part != Part::New)
            .collect();
        let mut permutation = Vec::new();
        for wanted in &layout {
            let before = order.iter().take_while(|part| *part != wanted);
            let start: usize = before.map(axes_of).sum();
            permutation.extend(start..start + axes_of(wanted));
        }
        Ok((self.transpose(x, &permutation, span)?, layout))
    }

    /// What `read_slices` gives, without the axes of integers, and the axes that are left.
    fn without_points(
        &mut self,
        region: NodeId,
        plan: &IndexPlan,
        span: Span,
    ) -> Res<(NodeId, Vec<usize>)> {
        let kept: Vec<usize> = (0..plan.axes.len())
            .filter(|axis| !matches!(plan.axes[*axis], AxisIndex::Slice { drop: true, .. }))
            .collect();
        let shape = self.shape(region);
        let shape: Vec<Dim> = kept.iter().map(|axis| shape[*axis].clone()).collect();
        Ok((self.reshape(region, &shape, span)?, kept))
    }

    /// Makes one index of all that are computed. `region` is what `read_slices` gives.
    pub(super) fn gathered(
        &mut self,
        region: NodeId,
        plan: &IndexPlan,
        span: Span,
    ) -> Res<Gathered> {
        let (part, kept) = self.without_points(region, plan, span)?;
        let computed = Self::computed(plan);
        let places: Vec<usize> = computed
            .iter()
            .map(|(axis, _)| kept.partition_point(|kept| kept < axis))
            .collect();
        let together = places.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let axis = if together { places[0] } else { 0 };
        let others: Vec<usize> = (0..kept.len()).filter(|i| !places.contains(i)).collect();
        let permutation = [&others[..axis], &places, &others[axis..]].concat();
        let x = self.transpose(part, &permutation, span)?;
        let apart = self.shape(x);
        let part_of = |i: &usize| Part::Axis(kept[*i]);
        let mut order: Vec<Part> = others.iter().map(part_of).collect();
        order.insert(axis, Part::Chosen);
        let mut gathered = Gathered {
            x,
            ids: computed[0].1,
            axis,
            order,
            apart,
            permutation,
        };
        if let [_] = computed.as_slice() {
            return Ok(gathered);
        }
        let ids: Vec<NodeId> = computed.iter().map(|(_, id)| *id).collect();
        let sizes = &gathered.apart[axis..axis + ids.len()];
        gathered.ids = self.place_in_all(&ids, sizes, span)?;
        let merged = sizes.iter().fold(Dim::constant(1), |all, size| &all * size);
        let mut shape = gathered.apart.clone();
        shape.splice(axis..axis + ids.len(), [merged]);
        gathered.x = self.reshape(x, &shape, span)?;
        Ok(gathered)
    }

    /// The place in row-major order that indices of several axes name together.
    fn place_in_all(&mut self, ids: &[NodeId], sizes: &[Dim], span: Span) -> Res<NodeId> {
        let mut shape: Vec<Dim> = Vec::new();
        for (i, id) in ids.iter().enumerate() {
            match self.broadcast_shape(&shape, &self.shape(*id)) {
                Ok(joined) => shape = joined,
                Err((p, q)) => {
                    let before = TensorType::new(self.dtype(ids[i - 1]), shape);
                    let message = format!(
                        "arrays of indices do not broadcast: `{before}` and `{}`",
                        self.ty(*id)
                    );
                    let note = self.compare_note(&p, &q);
                    let diagnostic = Diagnostic::error(Code::DL0212, message, span)
                        .note(note)
                        .help("to choose rows and columns apart, give the first an axis: `x[expand_dims(i, axis=-1), j]`");
                    let diagnostic = self.origins(diagnostic, ids);
                    return Err(self.report(diagnostic));
                }
            }
        }
        let mut place: Option<NodeId> = None;
        for (id, size) in ids.iter().zip(sizes) {
            let index = self.inside(*id, size, span)?;
            let index = self.broadcast_to(index, &shape, span)?;
            place = Some(match place {
                None => index,
                Some(place) => {
                    let size = self.dim_scalar(size, DType::I64, span)?;
                    let size = self.broadcast_to(size, &shape, span)?;
                    let place = self.elementwise("mul", &[place, size], DType::I64, span)?;
                    self.elementwise("add", &[place, index], DType::I64, span)?
                }
            });
        }
        Ok(place.unwrap_or(ids[0]))
    }

    /// An index as `i64`, counted from the start; as for `take`, what is outside is clamped or an error.
    pub(crate) fn inside(&mut self, index: NodeId, size: &Dim, span: Span) -> Res<NodeId> {
        let positions = self.iota(std::slice::from_ref(size), 0, DType::I64, span)?;
        self.take(positions, index, 0, span)
    }

    /// A list, or a list of lists, of integers or of truth values as indices of an axis.
    pub(super) fn index_array(
        &mut self,
        x: NodeId,
        axis: usize,
        items: &[Value<'a>],
        span: Span,
    ) -> Res<NodeId> {
        let mut leaves = Vec::new();
        let Some(shape) = list_shape(items, &mut leaves) else {
            let message = "the lists in a list of indices have one length";
            return self.error(Code::DL0212, message, span);
        };
        if leaves
            .iter()
            .any(|leaf| matches!(leaf, Value::Num(Num::Bool(_))))
        {
            return self.index_flags(x, axis, &leaves, &shape, span);
        }
        let mut known = Vec::new();
        for leaf in &leaves {
            if let Value::Num(Num::Int(value)) = leaf {
                let Ok(value) = i64::try_from(*value) else {
                    return self.error(Code::DL0212, format!("{value} is no index"), span);
                };
                self.check_inside(x, axis, value, span)?;
                known.push(value);
            }
        }
        let dims: Vec<Dim> = shape.iter().map(|n| Dim::constant(*n as i64)).collect();
        if known.len() == leaves.len() {
            if known.is_empty() {
                return self.full(Num::Int(0), DType::I64, &dims, span);
            }
            let ids = self.integers(&known, DType::I64, span)?;
            return self.reshape(ids, &dims, span);
        }
        let mut scalars = Vec::new();
        for leaf in &leaves {
            let id = match leaf {
                Value::Num(Num::Int(_)) | Value::Dim(_) => {
                    let dim = self.value_to_dim(leaf, span)?;
                    self.dim_scalar(&dim, DType::I64, span)?
                }
                Value::Tensor(id) if is_integer(self.dtype(*id)) && self.ty(*id).rank() == 0 => {
                    self.convert(*id, DType::I64, span)?
                }
                other => {
                    let what = self.describe(other);
                    let message = format!("a list of indices holds integers, and this is {what}");
                    let mut diagnostic = Diagnostic::error(Code::DL0212, message, span);
                    if let Value::Tensor(id) = other
                        && is_integer(self.dtype(*id))
                    {
                        diagnostic =
                            diagnostic.help("join the arrays by `stack` or `concat` first");
                    }
                    return Err(self.report(diagnostic));
                }
            };
            scalars.push(self.reshape(id, &[Dim::constant(1)], span)?);
        }
        let ids = self.concatenate(&scalars, 0, span)?;
        self.reshape(ids, &dims, span)
    }

    /// Truth values known at compile time: the places of those that are true.
    fn index_flags(
        &mut self,
        x: NodeId,
        axis: usize,
        leaves: &[Value<'a>],
        shape: &[usize],
        span: Span,
    ) -> Res<NodeId> {
        let ty = self.ty(x).clone();
        let flags: Option<Vec<bool>> = leaves
            .iter()
            .map(|leaf| match leaf {
                Value::Num(Num::Bool(value)) => Some(*value),
                _ => None,
            })
            .collect();
        let Some(flags) = flags else {
            let message = "a list of indices holds integers or truth values, not both";
            return self.error(Code::DL0212, message, span);
        };
        let size = &ty.shape[axis];
        if shape.len() != 1 || size.as_const() != i64::try_from(flags.len()).ok() {
            let message = format!(
                "a list of truth values has one for each index of axis {axis} of `{ty}`, which has size {size}; here are {}",
                flags.len()
            );
            let diagnostic = Diagnostic::error(Code::DL0212, message, span);
            let diagnostic = self.origins(diagnostic, &[x]);
            return Err(self.report(diagnostic));
        }
        let places: Vec<i64> = (0..)
            .zip(&flags)
            .filter(|(_, flag)| **flag)
            .map(|(i, _)| i)
            .collect();
        if places.is_empty() {
            return self.full(Num::Int(0), DType::I64, &[Dim::constant(0)], span);
        }
        self.integers(&places, DType::I64, span)
    }

    /// The opposite of [`Checker::gathered`]: the tensor with its axes as `region` has them.
    pub(super) fn ungathered(
        &mut self,
        x: NodeId,
        gathered: &Gathered,
        region: NodeId,
        span: Span,
    ) -> Res<NodeId> {
        let x = self.reshape(x, &gathered.apart, span)?;
        let mut inverse = vec![0; gathered.permutation.len()];
        for (to, from) in gathered.permutation.iter().enumerate() {
            inverse[*from] = to;
        }
        let x = self.transpose(x, &inverse, span)?;
        let shape = self.shape(region);
        self.reshape(x, &shape, span)
    }
}

/// The lengths of nested lists and what they hold; nothing if lengths differ.
fn list_shape<'a>(items: &[Value<'a>], leaves: &mut Vec<Value<'a>>) -> Option<Vec<usize>> {
    let mut inner: Option<Vec<usize>> = None;
    for item in items {
        let shape = match item {
            Value::List(items) => list_shape(items, leaves)?,
            leaf => {
                leaves.push(leaf.clone());
                Vec::new()
            }
        };
        if *inner.get_or_insert_with(|| shape.clone()) != shape {
            return None;
        }
    }
    let mut shape = inner.unwrap_or_default();
    shape.insert(0, items.len());
    Some(shape)
}
