//! `vmap(f, in_axes=…, out_axes=…)`: a function of each element of a batch. A function of the core is made for an
//! element, with parameters of which the axis of the batch is taken away; what it captures is the same for all.

use crate::ast::{Expr, ExprKind, Span};
use crate::check::Checker;
use crate::check::binary::Operand;
use crate::check::call::{Arg, Site};
use crate::check::derivative::Results;
use crate::check::dims::count;
use crate::check::value::{Reported, Res, Value, VmapFn};
use crate::core::{Dim, Num, Param, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// Where trees have the axis of a batch: one axis for all of a tree, or what stands for each of its parts.
pub(crate) struct Axes {
    kind: AxesKind,
    span: Span,
}

enum AxesKind {
    /// Nowhere.
    None,
    /// There.
    Axis(i64),
    /// Of each part.
    Parts(Vec<Axes>),
    /// Of each field of a struct.
    Fields(Vec<(String, Axes)>),
}

/// Which axes a call has, as messages name them.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    In,
    Out,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::In => "in_axes",
            Side::Out => "out_axes",
        }
    }
}

/// The size of a batch so far, and the first tensor that says it.
struct BatchSize {
    dim: Dim,
    name: String,
    span: Span,
}

/// An argument of the function of an element.
struct Given<'a> {
    value: Value<'a>,
    span: Span,
    /// What the user calls it.
    name: String,
    /// For each of its leaves the axis of the batch.
    axes: Vec<Option<u32>>,
}

impl<'a> Checker<'a> {
    /// The axes that an argument says; axis 0 where it is not given. One that was given by name is not evaluated yet.
    pub(crate) fn axes(&mut self, operand: Option<Operand<'a>>) -> Res<Axes> {
        match operand {
            None => Ok(Axes {
                kind: AxesKind::Axis(0),
                span: Span::default(),
            }),
            Some(Operand {
                value: Value::Error,
                expr: Some(expr),
                ..
            }) => self.axes_of(expr),
            Some(operand) => self.axes_of_value(&operand.value, operand.span),
        }
    }

    fn axes_of(&mut self, expr: &'a Expr) -> Res<Axes> {
        let kind = match &expr.kind {
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                let items = items.iter().map(|item| self.axes_of(item));
                AxesKind::Parts(items.collect::<Res<_>>()?)
            }
            ExprKind::Struct {
                fields, base: None, ..
            } => {
                let fields = fields.iter().map(|field| {
                    let axes = self.axes_of(&field.value)?;
                    Ok((field.name.name.clone(), axes))
                });
                AxesKind::Fields(fields.collect::<Res<_>>()?)
            }
            _ => {
                let value = self.eval(expr)?;
                return self.axes_of_value(&value, expr.span);
            }
        };
        Ok(Axes {
            kind,
            span: expr.span,
        })
    }

    fn axes_of_value(&mut self, value: &Value<'a>, span: Span) -> Res<Axes> {
        let kind = match value {
            Value::None => AxesKind::None,
            Value::Num(Num::Int(_)) | Value::Dim(_) => {
                let dim = self.value_to_dim(value, span)?;
                AxesKind::Axis(self.known_number(&dim, "an axis of `vmap`", span)?)
            }
            Value::Error => return Err(Reported),
            _ => match value.parts() {
                Some(parts) => {
                    let parts = parts.iter().map(|part| self.axes_of_value(part, span));
                    AxesKind::Parts(parts.collect::<Res<_>>()?)
                }
                None => {
                    let what = self.describe(value);
                    let message = format!(
                        "an axis of `vmap` is an integer known at compile time or `none`, and this is {what}"
                    );
                    return self.error(Code::DL0310, message, span);
                }
            },
        };
        Ok(Axes { kind, span })
    }

    /// Calls a function of each element of a batch.
    pub(super) fn call_vmap(
        &mut self,
        vmap: &VmapFn<'a>,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Value<'a>> {
        let mut given = self.mapped_arguments(vmap, args, site)?;
        let size = self.batch_size(&given, vmap)?;
        for arg in &mut given {
            self.use_keys(&arg.value, arg.span, "`vmap`")?;
            self.settle(arg, &size)?;
        }
        let mut tree = Value::unit();
        let mut out_axes = Vec::new();
        let outlined = self.made_function("vmap", site, &mut |checker| {
            checker.frame().is_batch = true;
            let inner = checker.elements(&given, site)?;
            tree = checker.call_values(&vmap.f, inner, site)?;
            tree = checker.map_leaves(&tree, &mut |checker, leaf| match leaf {
                Value::None => Ok(Value::None),
                leaf => Ok(checker.as_variable(leaf.clone(), site.span)?.0),
            })?;
            let side = (&tree, Side::Out);
            checker.leaf_axes(&vmap.out_axes, side, "the result", site.span, &mut out_axes)?;
            Ok(tree.nodes())
        })?;
        let leaves = tree.leaves().into_iter().zip(out_axes);
        let out_axes: Vec<_> = leaves
            .filter(|(leaf, _)| matches!(leaf, Value::Tensor(_)))
            .map(|(_, axis)| axis)
            .collect();
        let batches = outlined.results.iter().zip(&out_axes);
        let results: Vec<TensorType> = batches
            .map(|(ty, axis)| of_batch(ty, *axis, &size))
            .collect();
        for ty in &results {
            self.check_byte_size(ty, site.span)?;
        }
        let mut args = Vec::new();
        let mut in_axes = Vec::new();
        for arg in &given {
            let leaves = arg.value.leaves().into_iter().zip(&arg.axes);
            for (leaf, axis) in leaves {
                if let Value::Tensor(node) = leaf {
                    args.push(node);
                    in_axes.push(*axis);
                }
            }
        }
        in_axes.resize(args.len() + outlined.captured.len(), None);
        args.extend(outlined.captured);
        let op = Prim::Vmap {
            func: outlined.func,
            dims: outlined.dims,
            size,
            in_axes,
            out_axes,
            results: results.clone(),
        };
        let call = self.call_node(op, &args, &results, site.span)?;
        let mut results = Results::new(call, results, site.span);
        self.map_leaves(&tree, &mut |checker, leaf| match leaf {
            Value::Tensor(_) => results.take(checker).map(Value::Tensor),
            other => Ok(other.clone()),
        })
    }

    /// The arguments of a call, in the order of the parameters, with their axes.
    fn mapped_arguments(
        &mut self,
        vmap: &VmapFn<'a>,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Vec<Given<'a>>> {
        let names = self.parameter_names(&vmap.f);
        let mut slots: Vec<Option<Operand<'a>>> = Vec::new();
        for (i, arg) in args.into_iter().enumerate() {
            let position = match arg.name {
                None => Some(i),
                Some(name) => names.iter().position(|known| *known == name.name),
            };
            let Some(position) = position else {
                let span = arg.name.map_or(site.span, |name| name.span);
                let message = "the function that is mapped has no parameter of this name";
                return self.error(Code::DL0702, message, span);
            };
            if slots.len() <= position {
                slots.resize(position + 1, None);
            }
            if slots[position].is_some() {
                let message = format!("argument {} is given twice", position + 1);
                return self.error(Code::DL0701, message, arg.operand.span);
            }
            slots[position] = Some(arg.operand);
        }
        let total = slots.len();
        if let AxesKind::Parts(items) = &vmap.in_axes.kind
            && items.len() != total
        {
            let message = format!(
                "`in_axes` has {}, and {} given",
                count(items.len(), "item"),
                super::call::count_given(total)
            );
            let diagnostic = Diagnostic::error(Code::DL0310, message, vmap.in_axes.span)
                .secondary(site.span, format!("{} here", count(total, "argument")))
                .help("an item for each argument: an axis, `none`, or a tree of them");
            return Err(self.report(diagnostic));
        }
        let mut given = Vec::new();
        for (i, operand) in slots.into_iter().enumerate() {
            let Some(operand) = operand else {
                let message = format!("argument {} is missing", i + 1);
                return self.error(Code::DL0701, message, site.span);
            };
            let axes = match &vmap.in_axes.kind {
                AxesKind::Parts(items) => &items[i],
                _ => &vmap.in_axes,
            };
            let text = self.text(operand.span);
            let name = match names.get(i) {
                _ if !text.is_empty() && text.len() <= 40 => format!("`{text}`"),
                Some(name) if !name.is_empty() => format!("`{name}`"),
                _ => format!("argument {}", i + 1),
            };
            let mut found = Vec::new();
            self.leaf_axes(
                axes,
                (&operand.value, Side::In),
                &name,
                operand.span,
                &mut found,
            )?;
            given.push(Given {
                value: operand.value,
                span: operand.span,
                name,
                axes: found,
            });
        }
        Ok(given)
    }

    /// The axis of each leaf of a tree.
    fn leaf_axes(
        &mut self,
        axes: &Axes,
        (value, side): (&Value<'a>, Side),
        what: &str,
        span: Span,
        found: &mut Vec<Option<u32>>,
    ) -> Res<()> {
        if value.has_error() {
            return Err(Reported);
        }
        match (&axes.kind, value.parts()) {
            (AxesKind::None, _) => found.extend(value.leaves().iter().map(|_| None)),
            (AxesKind::Axis(axis), None) => {
                found.push(self.leaf_axis(*axis, (value, side), what, (axes.span, span))?);
            }
            (AxesKind::Axis(_), Some(parts)) => {
                for part in parts {
                    self.leaf_axes(axes, (part, side), what, span, found)?;
                }
            }
            (AxesKind::Parts(items), Some(parts)) if items.len() == parts.len() => {
                for (item, part) in items.iter().zip(parts) {
                    self.leaf_axes(item, (part, side), what, span, found)?;
                }
            }
            (AxesKind::Fields(fields), Some(parts)) => {
                let names = match value {
                    Value::Struct(s) => self.fields(&s.ty),
                    _ => return Err(self.other_structure(axes, (value, side), what, span)),
                };
                if fields.len() != parts.len() {
                    return Err(self.other_structure(axes, (value, side), what, span));
                }
                for ((name, _), part) in names.iter().zip(parts) {
                    let Some((_, item)) = fields.iter().find(|(field, _)| field == name) else {
                        return Err(self.other_structure(axes, (value, side), what, span));
                    };
                    self.leaf_axes(item, (part, side), what, span, found)?;
                }
            }
            _ => return Err(self.other_structure(axes, (value, side), what, span)),
        }
        Ok(())
    }

    fn other_structure(
        &mut self,
        axes: &Axes,
        (value, side): (&Value<'a>, Side),
        what: &str,
        span: Span,
    ) -> Reported {
        let known = self.describe(value);
        let message = format!("`{}` has another structure than {what}", side.name());
        let diagnostic = Diagnostic::error(Code::DL0310, message, axes.span)
            .secondary(span, format!("this is {known}"))
            .help("one axis stands for all of a tree; else it has an item for each part");
        self.report(diagnostic)
    }

    /// The axis of a leaf, counted from the front. What is no tensor has none.
    fn leaf_axis(
        &mut self,
        axis: i64,
        (leaf, side): (&Value<'a>, Side),
        what: &str,
        (said, span): (Span, Span),
    ) -> Res<Option<u32>> {
        let (rank, known) = match leaf {
            Value::Tensor(id) => {
                let ty = self.ty(*id);
                (
                    ty.rank() as i64 + i64::from(side == Side::Out),
                    format!("`{ty}`"),
                )
            }
            Value::Num(_) | Value::Dim(_) => (0, self.describe(leaf)),
            _ => return Ok(None),
        };
        if (-rank..rank).contains(&axis) {
            return Ok(u32::try_from(axis.rem_euclid(rank)).ok());
        }
        let message = match side {
            Side::In => format!("{what} has no axis {axis} to map over: it is {known}"),
            Side::Out => format!("a batch of {known} has no axis {axis}"),
        };
        let place = if said.is_empty() { span } else { said };
        let mut diagnostic = Diagnostic::error(Code::DL0310, message, place);
        if place != span {
            diagnostic = diagnostic.secondary(span, "here");
        }
        if let (Side::In, Value::Tensor(id)) = (side, leaf) {
            diagnostic = self.origins(diagnostic, &[*id]);
        }
        if side == Side::In {
            diagnostic = diagnostic
                .help("what is the same for all elements has `none`: `in_axes=(none, 0)`");
        }
        Err(self.report(diagnostic))
    }

    /// The size that all batches have.
    fn batch_size(&mut self, given: &[Given<'a>], vmap: &VmapFn<'a>) -> Res<Dim> {
        let mut size: Option<BatchSize> = None;
        for arg in given {
            for (leaf, axis) in arg.value.leaves().iter().zip(&arg.axes) {
                let (Value::Tensor(id), Some(axis)) = (leaf, axis) else {
                    continue;
                };
                let dim = self.ty(*id).shape[*axis as usize].clone();
                let name = match (arg.value.parts(), self.origin(*id)) {
                    (Some(_), Some(origin)) => format!("`{}`", origin.text),
                    _ => arg.name.clone(),
                };
                match &size {
                    None => {
                        size = Some(BatchSize {
                            dim,
                            name,
                            span: arg.span,
                        });
                    }
                    Some(first) if self.same_dim(&first.dim, &dim) => {}
                    Some(first) => {
                        let message = format!(
                            "the batches have two sizes: {} of {} and {} of {name}",
                            super::convert::dim_text(&first.dim),
                            first.name,
                            super::convert::dim_text(&dim)
                        );
                        let mut diagnostic = Diagnostic::error(Code::DL0310, message, arg.span)
                            .label(format!("axis {axis} of `{}`", self.ty(*id)))
                            .secondary(first.span, format!("{} here", first.dim));
                        diagnostic = self.origins(diagnostic, &[*id]);
                        diagnostic = match (dim.as_const(), first.dim.as_const()) {
                            (Some(_), Some(_)) => diagnostic
                                .help("what is the same for all elements has `none` in `in_axes`"),
                            _ => diagnostic.help(format!(
                                "if they are equal, say so: `where {} == {dim}`",
                                first.dim
                            )),
                        };
                        return Err(self.report(diagnostic));
                    }
                }
            }
        }
        match size {
            Some(size) => Ok(size.dim),
            None => {
                let message = "no argument has a batch, so there is nothing to map over";
                let diagnostic = Diagnostic::error(Code::DL0310, message, vmap.span)
                    .help("give an argument an axis in `in_axes`");
                Err(self.report(diagnostic))
            }
        }
    }

    /// Gives the batches of an argument the size as it is written for the first one, and makes tensors of what has none.
    fn settle(&mut self, arg: &mut Given<'a>, size: &Dim) -> Res<()> {
        let mut axes = arg.axes.iter();
        let span = arg.span;
        arg.value = self.map_leaves(&arg.value, &mut |checker, leaf| match (
            leaf,
            axes.next().copied().flatten(),
        ) {
            (Value::Tensor(id), Some(axis)) => {
                let mut shape = checker.ty(*id).shape.clone();
                shape[axis as usize] = size.clone();
                checker.recast(*id, &shape, span).map(Value::Tensor)
            }
            (leaf, _) => Ok(leaf.clone()),
        })?;
        Ok(())
    }

    /// The arguments of an element: parameters of the function at hand for all tensors.
    fn elements(&mut self, given: &[Given<'a>], site: Site) -> Res<Vec<Value<'a>>> {
        let mut inner = Vec::new();
        for arg in given {
            let mut axes = arg.axes.iter();
            inner.push(self.map_leaves(&arg.value, &mut |checker, leaf| {
                let axis = axes.next().copied().flatten();
                let Value::Tensor(id) = leaf else {
                    return Ok(leaf.clone());
                };
                let mut ty = checker.ty(*id).clone();
                if let Some(axis) = axis {
                    ty.shape.remove(axis as usize);
                }
                let origin = checker.origin(*id);
                let frame = checker.frame();
                let id = frame.push_param(Param {
                    path: arg.name.trim_matches('`').to_string(),
                    ty,
                    inout: false,
                    span: site.span,
                });
                if let Some(origin) = origin {
                    frame.origins.insert(id.index, origin);
                }
                Ok(Value::Tensor(id))
            })?);
        }
        Ok(inner)
    }
}

/// The type of a batch.
fn of_batch(ty: &TensorType, axis: Option<u32>, size: &Dim) -> TensorType {
    let mut ty = ty.clone();
    if let Some(axis) = axis {
        ty.shape.insert(axis as usize, size.clone());
    }
    ty
}
