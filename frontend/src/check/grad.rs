//! `grad(f, wrt=…)(…)` and `value_and_grad`.

use crate::ast::{Expr, ExprKind, PatternKind, Span};
use crate::builtins;
use crate::check::Checker;
use crate::check::call::{Arg, Site};
use crate::check::consts::is_float;
use crate::check::derivative::{Results, Target};
use crate::check::types::Ty;
use crate::check::value::{FnValue, GradFn, Reported, Res, Value};
use crate::core::DerivativeKind;
use crate::diagnostic::{Code, Diagnostic, similar};

impl<'a> Checker<'a> {
    /// The positions of the parameters that `wrt=` names; the first by default.
    pub(crate) fn wrt_positions(
        &mut self,
        f: &FnValue<'a>,
        wrt: Option<&'a Expr>,
        span: Span,
    ) -> Res<(Vec<usize>, bool)> {
        let Some(expr) = wrt else {
            return Ok((vec![0], true));
        };
        let names = self.parameter_names(f);
        let (exprs, single): (Vec<&'a Expr>, bool) = match &expr.kind {
            ExprKind::Tuple(items) | ExprKind::List(items) => (items.iter().collect(), false),
            _ => (vec![expr], true),
        };
        let mut positions = Vec::new();
        for expr in exprs {
            let ExprKind::Path(path) = &expr.kind else {
                let mut diagnostic = Diagnostic::error(
                    Code::DL0304,
                    "`wrt` names parameters of the function",
                    expr.span,
                );
                diagnostic = match (&expr.kind, names.first()) {
                    (ExprKind::Int(i), _) if names.get(*i as usize).is_some() => {
                        diagnostic.suggest("by name", expr.span, names[*i as usize].clone())
                    }
                    (ExprKind::Field { base, .. }, _) => {
                        let text = self.sources.slice(base.span).to_string();
                        diagnostic.suggest(
                            "take the gradient of the whole parameter",
                            expr.span,
                            text,
                        )
                    }
                    (_, Some(first)) => diagnostic.help(format!("such as `wrt={first}`")),
                    _ => diagnostic,
                };
                return Err(self.report(diagnostic));
            };
            let name = &path.last().name;
            match names.iter().position(|known| known == name) {
                Some(position) if positions.contains(&position) => {
                    return self.error(Code::DL0304, format!("`{name}` is named twice"), expr.span);
                }
                Some(position) => positions.push(position),
                None => {
                    let message = format!("`wrt` names no parameter: there is no `{name}`");
                    let mut diagnostic = Diagnostic::error(Code::DL0304, message, expr.span);
                    diagnostic = match similar(name, names.iter().map(String::as_str)) {
                        Some(similar) => {
                            diagnostic.suggest("a similar one exists", expr.span, similar)
                        }
                        None => {
                            let names: Vec<String> =
                                names.iter().map(|name| format!("`{name}`")).collect();
                            diagnostic.help(format!("the parameters are {}", names.join(", ")))
                        }
                    };
                    return Err(self.report(diagnostic));
                }
            }
        }
        if positions.is_empty() {
            return self.error(Code::DL0304, "`wrt` names no parameter", span);
        }
        Ok((positions, single))
    }

    pub(super) fn parameter_names(&self, f: &FnValue<'a>) -> Vec<String> {
        match f {
            FnValue::Item(id) => self.fns[*id]
                .ast
                .params
                .iter()
                .map(|param| param.name.name.clone())
                .collect(),
            FnValue::Lambda { params, .. } => params
                .iter()
                .map(|param| match &param.pattern.kind {
                    PatternKind::Name(name) => name.name.clone(),
                    _ => String::new(),
                })
                .collect(),
            FnValue::Grad(grad) => self.parameter_names(&grad.f),
            FnValue::Jacobian(jacobian) => self.parameter_names(&jacobian.f),
            FnValue::Vmap(vmap) => self.parameter_names(&vmap.f),
            FnValue::Builtin(id) => builtins::parameter_names(*id),
            FnValue::Cast(_) | FnValue::Opaque(_) | FnValue::Pullback(_) => Vec::new(),
        }
    }

    /// The dims of a function of a file, the types of its parameters, and the type it gives.
    pub(crate) fn parameters(&self, id: usize) -> Option<(Vec<String>, Vec<Ty>, Ty)> {
        let signature = self.fns[id].sig.as_ref()?;
        Some((
            signature.dims.iter().map(|dim| dim.name.clone()).collect(),
            signature
                .params
                .iter()
                .map(|param| param.ty.clone())
                .collect(),
            signature.result.clone(),
        ))
    }

    /// The name of a parameter.
    pub(crate) fn parameter_name(&self, f: &FnValue<'a>, position: usize) -> String {
        let mut names = self.parameter_names(f).into_iter();
        names.nth(position).unwrap_or_default()
    }

    /// Calls a derivative.
    pub(super) fn call_grad(
        &mut self,
        grad: &GradFn<'a>,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Value<'a>> {
        let target = self.target(&grad.f, args, site)?;
        self.check_gradient_result(&target, grad)?;
        let value = grad.value || grad.has_aux;
        let mut types = if value {
            target.results.clone()
        } else {
            Vec::new()
        };
        let mut wrt = Vec::new();
        for position in &grad.wrt {
            let Some(value) = target.values.get(*position) else {
                return self.error(Code::DL0304, "there is no such argument", site.span);
            };
            for (number, node) in target.leaves(*position)? {
                let ty = self.ty(node).clone();
                if !is_float(ty.dtype) {
                    return Err(self.not_differentiable(node, &ty, value, grad.span, site));
                }
                wrt.push(number);
                types.push(ty);
            }
        }
        let kind = if value {
            DerivativeKind::ValueAndGradient
        } else {
            DerivativeKind::Gradient
        };
        let mut results = self.derivative(&target, (kind, wrt), &[], types, site.span)?;
        self.gradient_value(&target, grad, &mut results)
    }

    /// The trees of a derivative's results.
    fn gradient_value(
        &mut self,
        target: &Target<'a>,
        grad: &GradFn<'a>,
        results: &mut Results,
    ) -> Res<Value<'a>> {
        let (mut value, mut aux) = (None, None);
        if grad.value || grad.has_aux {
            value = Some(Value::Tensor(results.take(self)?));
        }
        if grad.has_aux {
            let Ty::Tuple(items) = &target.result else {
                return Err(Reported);
            };
            aux = Some(results.of_type(self, items.get(1).ok_or(Reported)?)?);
        }
        let mut gradients = Vec::new();
        for position in &grad.wrt {
            gradients.push(results.tree(self, &target.values[*position])?);
        }
        let gradients = match (grad.single, gradients.pop()) {
            (true, Some(one)) => one,
            (_, last) => {
                gradients.extend(last);
                Value::tuple(gradients)
            }
        };
        Ok(match (grad.value, value, aux) {
            (true, Some(value), Some(aux)) => {
                Value::tuple(vec![Value::tuple(vec![value, aux]), gradients])
            }
            (true, Some(value), None) => Value::tuple(vec![value, gradients]),
            (false, _, Some(aux)) => Value::tuple(vec![gradients, aux]),
            _ => gradients,
        })
    }

    fn not_a_pair(&mut self, site: Site) -> Reported {
        let diagnostic = Diagnostic::error(
            Code::DL0301,
            "with `has_aux=true` the function gives a pair, `(value, aux)`",
            site.callee,
        );
        self.report(diagnostic)
    }

    /// The first result of what is differentiated is a float scalar.
    fn check_gradient_result(&mut self, target: &Target<'a>, grad: &GradFn<'a>) -> Res<()> {
        let ty = match target.result.clone() {
            Ty::Tuple(items) if grad.has_aux && items.len() == 2 => items[0].clone(),
            _ if grad.has_aux => {
                let site = Site {
                    span: grad.span,
                    callee: grad.span,
                };
                return Err(self.not_a_pair(site));
            }
            ty => ty,
        };
        match &ty {
            Ty::Tensor(t) if t.rank() == 0 && is_float(t.dtype) => Ok(()),
            _ => {
                let mut diagnostic = Diagnostic::error(
                    Code::DL0301,
                    format!("a gradient is of a float scalar, and this function gives `{ty}`"),
                    grad.span,
                );
                diagnostic = match &ty {
                    Ty::Tensor(t) if is_float(t.dtype) => {
                        diagnostic.help("reduce it first: `sum(…)` or `mean(…)`")
                    }
                    Ty::Tuple(_) => diagnostic
                        .help("with `has_aux=true` it may give the scalar and something else"),
                    _ => diagnostic,
                };
                if let FnValue::Item(id) = &*grad.f
                    && let Some(signature) = &self.fns[*id].sig
                {
                    diagnostic = diagnostic.secondary(signature.result_span, "declared here");
                }
                Err(self.report(diagnostic))
            }
        }
    }
}
