//! Shapes that do not fit: matrix products and broadcasts, and what is said when they fail.

use crate::ast::{Expr, ExprKind, Span};
use crate::check::Checker;
use crate::check::binary::{Operand, Operation};
use crate::check::class::Class;
use crate::check::convert::dim_text;
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// `D = 64`, or `T`.
pub(crate) fn dim_value(dim: &Dim) -> String {
    match dim.as_const() {
        Some(value) if dim.shown().as_const().is_none() => format!("{dim} = {value}"),
        _ => dim.to_string(),
    }
}

impl<'a> Checker<'a> {
    /// `left @ right` by NumPy's rules.
    pub(crate) fn matmul(
        &mut self,
        left: &Operand<'a>,
        right: &Operand<'a>,
        operation: &Operation<'_>,
    ) -> Res<NodeId> {
        let (a, b) = self.same_dtypes(left, right, operation)?;
        self.check_class(a, Class::Number, operation)?;
        let (left_ty, right_ty) = (self.ty(a).clone(), self.ty(b).clone());
        let (m, n) = (left_ty.rank(), right_ty.rank());
        if m == 0 || n == 0 {
            let message = format!(
                "{}: a scalar has no axis to contract",
                operation.applied(&left_ty.to_string(), &right_ty.to_string())
            );
            let diagnostic =
                Diagnostic::error(Code::DL0203, message, operation.span).help("use `*`");
            return Err(self.report(diagnostic));
        }
        let inner_right = if n == 1 { 0 } else { n - 2 };
        if !self.same_dim(&left_ty.shape[m - 1], &right_ty.shape[inner_right]) {
            return Err(self.inner_dims_differ(a, b, left, right, operation));
        }
        let span = operation.whole;
        if m == 1 || n <= 2 {
            // Nothing to broadcast: the axes of one side other than the contracted ones simply stay.
            return self.dot_general(a, b, Vec::new(), vec![(m - 1, inner_right)], span);
        }
        let (left_batch, right_batch) = (&left_ty.shape[..m - 2], &right_ty.shape[..n - 2]);
        let batch = match self.broadcast_shape(left_batch, right_batch) {
            Ok(batch) => batch,
            Err((p, q)) => {
                return Err(self.shapes_differ(
                    &p,
                    &q,
                    &left_ty,
                    &right_ty,
                    left,
                    right,
                    operation,
                    "batch dims",
                ));
            }
        };
        let whole = |ty: &TensorType| [&batch[..], &ty.shape[ty.rank() - 2..]].concat();
        let a = self.broadcast_to(a, &whole(&left_ty), span)?;
        let b = self.broadcast_to(b, &whole(&right_ty), span)?;
        let axes = batch.len();
        self.dot_general(
            a,
            b,
            (0..axes).map(|i| (i, i)).collect(),
            vec![(axes + 1, axes)],
            span,
        )
    }

    fn inner_dims_differ(
        &mut self,
        a: NodeId,
        b: NodeId,
        left: &Operand<'a>,
        right: &Operand<'a>,
        operation: &Operation<'_>,
    ) -> Reported {
        let (left_ty, right_ty) = (self.ty(a).clone(), self.ty(b).clone());
        let (m, n) = (left_ty.rank(), right_ty.rank());
        let inner = if n == 1 { 0 } else { n - 2 };
        let (p, q) = (left_ty.shape[m - 1].clone(), right_ty.shape[inner].clone());
        let applied = operation.applied(&left_ty.to_string(), &right_ty.to_string());
        let message = format!(
            "{applied}: inner dims differ, {} and {}",
            dim_value(&p),
            dim_value(&q)
        );
        let which = match (n, inner) {
            (1, _) => "its axis is".to_string(),
            (2, _) => "first axis is".to_string(),
            _ => "second-to-last axis is".to_string(),
        };
        let mut diagnostic = Diagnostic::error(Code::DL0203, message, operation.span)
            .secondary(left.span, format!("last axis is {p}"))
            .secondary(right.span, format!("{which} {q}"));
        diagnostic = self.origins(diagnostic, &[a, b]);
        let note = if n == 1 {
            format!(
                "`{}` contracts the last axis on the left with the axis on the right",
                operation.name
            )
        } else {
            format!(
                "`{}` contracts the last axis on the left with the second-to-last on the right",
                operation.name
            )
        };
        diagnostic = diagnostic.note(note);
        if p.as_const().is_none() || q.as_const().is_none() {
            let note = self.compare_note(&p, &q);
            diagnostic = diagnostic.note(note);
        }
        diagnostic = self.matmul_advice(diagnostic, &left_ty, &right_ty, left, right);
        self.report(diagnostic)
    }

    /// A change that makes a product fit: another field, or a transpose.
    fn matmul_advice(
        &mut self,
        diagnostic: Diagnostic,
        left_ty: &TensorType,
        right_ty: &TensorType,
        left: &Operand<'a>,
        right: &Operand<'a>,
    ) -> Diagnostic {
        let (m, n) = (left_ty.rank(), right_ty.rank());
        if n >= 2 && self.same_dim(&left_ty.shape[m - 1], &right_ty.shape[n - 1]) {
            let swapped_free = &right_ty.shape[n - 2];
            let field = right.expr.and_then(|expr| {
                self.fitting_field(expr, &|checker, ty| {
                    ty.dtype == right_ty.dtype
                        && ty.rank() == n
                        && checker.same_dim(&ty.shape[n - 2], &left_ty.shape[m - 1])
                        && checker.same_dim(&ty.shape[n - 1], swapped_free)
                })
            });
            if let Some((text, span, replacement)) = field {
                return diagnostic.suggest(text, span, replacement);
            }
            let text = self.sources.slice(right.span).to_string();
            return diagnostic.suggest(
                "with the right side transposed it fits",
                right.span,
                format!("matrix_transpose({text})"),
            );
        }
        let field = right.expr.and_then(|expr| {
            self.fitting_field(expr, &|checker, ty| {
                ty.dtype == right_ty.dtype
                    && ty.rank() == n
                    && n >= 2
                    && checker.same_dim(&ty.shape[n - 2], &left_ty.shape[m - 1])
            })
        });
        if let Some((text, span, replacement)) = field {
            return diagnostic.suggest(text, span, replacement);
        }
        if m == 2 && n >= 2 && self.same_dim(&left_ty.shape[0], &right_ty.shape[n - 2]) {
            let text = self.sources.slice(left.span).to_string();
            return diagnostic.suggest(
                "with the left side transposed it fits",
                left.span,
                format!("matrix_transpose({text})"),
            );
        }
        diagnostic
    }

    /// Reports operands that do not broadcast.
    pub(crate) fn check_broadcast(
        &mut self,
        a: NodeId,
        b: NodeId,
        left: &Operand<'a>,
        right: &Operand<'a>,
        operation: &Operation<'_>,
    ) -> Res<()> {
        let (left_ty, right_ty) = (self.ty(a).clone(), self.ty(b).clone());
        match self.broadcast_shape(&left_ty.shape, &right_ty.shape) {
            Ok(_) => Ok(()),
            Err((p, q)) => Err(self.shapes_differ(
                &p,
                &q,
                &left_ty,
                &right_ty,
                left,
                right,
                operation,
                "shapes do not broadcast",
            )),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the two sides of one message")]
    fn shapes_differ(
        &mut self,
        p: &Dim,
        q: &Dim,
        left_ty: &TensorType,
        right_ty: &TensorType,
        left: &Operand<'a>,
        right: &Operand<'a>,
        operation: &Operation<'_>,
        what: &str,
    ) -> Reported {
        let applied = operation.applied(&left_ty.to_string(), &right_ty.to_string());
        let what = if what == "batch dims" {
            "batch dims do not broadcast"
        } else {
            what
        };
        let message = format!("{applied}: {what}, {} meets {}", dim_value(p), dim_value(q));
        let mut diagnostic = Diagnostic::error(Code::DL0202, message, operation.span)
            .secondary(left.span, format!("this is `{left_ty}`"))
            .secondary(right.span, format!("this is `{right_ty}`"));
        let ids: Vec<NodeId> = [&left.value, &right.value]
            .iter()
            .flat_map(|value| value.nodes())
            .collect();
        diagnostic = self.origins(diagnostic, &ids);
        if p.as_const().is_none() || q.as_const().is_none() {
            let note = self.compare_note(p, q);
            diagnostic = diagnostic.note(note);
        } else {
            diagnostic = diagnostic
                .note("shapes are compared from the last axis; a size fits the same size or 1");
        }
        diagnostic = self.broadcast_advice(diagnostic, left_ty, right_ty, left, right);
        self.report(diagnostic)
    }

    /// A change that makes two shapes broadcast.
    fn broadcast_advice(
        &mut self,
        diagnostic: Diagnostic,
        left_ty: &TensorType,
        right_ty: &TensorType,
        left: &Operand<'a>,
        right: &Operand<'a>,
    ) -> Diagnostic {
        // Which side lacks an axis that the other has.
        let (narrow, wide, operand) = if left_ty.rank() < right_ty.rank() {
            (left_ty, right_ty, left)
        } else {
            (right_ty, left_ty, right)
        };
        if narrow.rank() >= 1 && narrow.rank() + 1 == wide.rank() {
            if let Some(span) = operand
                .expr
                .and_then(|expr| self.reduction_without_keepdims(expr))
            {
                return diagnostic.suggest(
                    "keep the reduced axis",
                    span.at_end(),
                    ", keepdims=true",
                );
            }
            if self.same_shape(&narrow.shape, &wide.shape[..narrow.rank()]) {
                let text = self.sources.slice(operand.span).to_string();
                return diagnostic.suggest(
                    "give it a last axis of size 1",
                    operand.span,
                    format!("expand_dims({text}, axis=-1)"),
                );
            }
        }
        if left_ty.rank() == right_ty.rank() && left_ty.rank() >= 2 {
            let mut swapped = right_ty.shape.clone();
            let last = swapped.len() - 1;
            swapped.swap(last, last - 1);
            if self.same_shape(&swapped, &left_ty.shape) {
                let text = self.sources.slice(right.span).to_string();
                return diagnostic.suggest(
                    "its transpose fits",
                    right.span,
                    format!("matrix_transpose({text})"),
                );
            }
        }
        for (operand, other) in [(right, left_ty), (left, right_ty)] {
            let Some(expr) = operand.expr else { continue };
            let dtype = other.dtype;
            let field = self.fitting_field(expr, &|checker, ty| {
                ty.dtype == dtype
                    && ty.rank() > 0
                    && checker.broadcast_shape(&ty.shape, &other.shape).is_ok()
            });
            if let Some((text, span, replacement)) = field {
                return diagnostic.suggest(text, span, replacement);
            }
        }
        diagnostic
    }

    /// The last argument of a call such as `mean(x, axis=-1)`, where the operand is one or a variable bound to one.
    fn reduction_without_keepdims(&self, expr: &Expr) -> Option<Span> {
        let (callee, args) = match &expr.kind {
            ExprKind::Call { callee, args, .. } => (callee, args),
            ExprKind::Binary { left, right, .. } => {
                return self
                    .reduction_without_keepdims(left)
                    .or_else(|| self.reduction_without_keepdims(right));
            }
            ExprKind::Unary { operand, .. } => return self.reduction_without_keepdims(operand),
            _ => return None,
        };
        let ExprKind::Path(path) = &callee.kind else {
            return None;
        };
        let reduces = [
            "sum",
            "mean",
            "max",
            "min",
            "prod",
            "var",
            "std",
            "logsumexp",
            "any",
            "all",
        ];
        let name = &path.as_ident()?.name;
        let has = |wanted: &str| {
            args.iter()
                .any(|arg| arg.name.as_ref().is_some_and(|name| name.name == wanted))
        };
        if !reduces.contains(&name.as_str()) {
            // What is elementwise keeps the shape.
            let [arg] = args.as_slice() else { return None };
            return self.reduction_without_keepdims(&arg.value);
        }
        (has("axis") && !has("keepdims")).then(|| args.last().map(|arg| arg.span))?
    }

    /// Adds where the operands were declared.
    pub(crate) fn origins(&self, mut diagnostic: Diagnostic, ids: &[NodeId]) -> Diagnostic {
        for id in ids {
            if let Some(origin) = self.origin(*id) {
                let label = (origin.span, format!("`{}` declared here", origin.text));
                if !diagnostic
                    .secondary
                    .iter()
                    .any(|known| known.span == label.0)
                {
                    diagnostic = diagnostic.secondary(label.0, label.1);
                }
            }
        }
        diagnostic
    }

    /// The first axis on which two types of one dtype and rank differ, and what can be said of its sizes.
    pub(crate) fn axis_note(
        &self,
        a: &TensorType,
        b: &TensorType,
        skip: Option<usize>,
    ) -> Option<String> {
        if a.dtype != b.dtype || a.rank() != b.rank() {
            return None;
        }
        let mut axes = (0..a.rank()).filter(|axis| Some(*axis) != skip);
        let axis = axes.find(|axis| !self.same_dim(&a.shape[*axis], &b.shape[*axis]))?;
        let (p, q) = (&a.shape[axis], &b.shape[axis]);
        let sizes = format!("axis {axis} is {} and {}", dim_text(p), dim_text(q));
        match (p.as_const(), q.as_const()) {
            (Some(_), Some(_)) => Some(sizes),
            _ => Some(format!("{sizes}: {}", self.compare_note(p, q))),
        }
    }

    /// Reports tensors whose shapes should be equal and are not, on an axis.
    pub(crate) fn report_dims(
        &mut self,
        code: Code,
        what: &str,
        a: &Dim,
        b: &Dim,
        span: Span,
    ) -> Reported {
        let message = format!("{what}: {} and {}", dim_text(a), dim_text(b));
        let note = self.compare_note(a, b);
        self.report(Diagnostic::error(code, message, span).note(note))
    }

    /// Tensors of one shape and dtype: reports the first that differs from the first of them.
    pub(crate) fn check_alike(
        &mut self,
        what: &str,
        ids: &[(NodeId, Span)],
        skip_axis: Option<usize>,
    ) -> Res<()> {
        let Some((first, first_span)) = ids.first().copied() else {
            return Ok(());
        };
        let first_ty = self.ty(first).clone();
        for (id, span) in &ids[1..] {
            let ty = self.ty(*id).clone();
            let fits = ty.dtype == first_ty.dtype
                && ty.rank() == first_ty.rank()
                && (0..ty.rank()).all(|axis| {
                    Some(axis) == skip_axis || self.same_dim(&ty.shape[axis], &first_ty.shape[axis])
                });
            if !fits {
                let mut diagnostic = Diagnostic::error(
                    Code::DL0217,
                    format!("{what}: `{first_ty}` and `{ty}` do not fit"),
                    *span,
                )
                .label(format!("this is `{ty}`"));
                if first_span != *span {
                    diagnostic = diagnostic.secondary(first_span, format!("this is `{first_ty}`"));
                }
                if let Some(axis) = skip_axis.filter(|_| ty.dtype == first_ty.dtype) {
                    diagnostic =
                        diagnostic.note(format!("all axes but axis {axis} have to be equal"));
                }
                if let Some(note) = self.axis_note(&first_ty, &ty, skip_axis) {
                    diagnostic = diagnostic.note(note);
                }
                diagnostic = self.origins(diagnostic, &[first, *id]);
                if ty.dtype != first_ty.dtype {
                    diagnostic = self.suggest_cast(diagnostic, *span, ty.dtype, first_ty.dtype);
                }
                return Err(self.report(diagnostic));
            }
        }
        Ok(())
    }

    /// The operands of an operation broadcast against each other; reports the first pair that does not fit.
    pub(crate) fn broadcast_all(
        &mut self,
        operands: &[(NodeId, Operand<'a>)],
        operation: &Operation<'_>,
    ) -> Res<Vec<Dim>> {
        let mut shape: Vec<Dim> = Vec::new();
        let mut last: Option<&(NodeId, Operand<'a>)> = None;
        for operand in operands {
            match self.broadcast_shape(&shape, &self.shape(operand.0)) {
                Ok(joined) => shape = joined,
                Err((p, q)) => {
                    let first = last.unwrap_or(operand);
                    let left_ty = TensorType::new(self.dtype(first.0), shape.clone());
                    let right_ty = self.ty(operand.0).clone();
                    let left = Operand {
                        value: Value::Tensor(first.0),
                        ..first.1.clone()
                    };
                    return Err(self.shapes_differ(
                        &p,
                        &q,
                        &left_ty,
                        &right_ty,
                        &left,
                        &operand.1,
                        operation,
                        "shapes do not broadcast",
                    ));
                }
            }
            last = Some(operand);
        }
        Ok(shape)
    }
}
