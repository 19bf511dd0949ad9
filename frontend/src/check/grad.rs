//! `grad(f, wrt=…)(…)` and `value_and_grad`.
//!
//! A derivative is taken of a function of the core. A function of the file has one already; a function value gets one
//! here, with what it captures as further parameters.

use std::rc::Rc;

use crate::ast::{Expr, ExprKind, PatternKind, Span};
use crate::builtins;
use crate::check::Checker;
use crate::check::arguments::Prepared;
use crate::check::call::{Arg, Site};
use crate::check::consts::is_float;
use crate::check::types::Ty;
use crate::check::value::{FnValue, GradFn, NodeId, Reported, Res, Value};
use crate::core::{Dim, FuncIndex, FuncResult, NodeIndex, Param, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic, similar};

/// A function of the core to differentiate, and how it is called.
struct Target<'a> {
    func: FuncIndex,
    dims: Vec<Dim>,
    /// The arguments, then what is captured.
    args: Vec<NodeId>,
    /// The arguments as trees.
    values: Vec<Value<'a>>,
    /// The types of the results' leaves.
    results: Vec<TensorType>,
    /// The result's structure, with its leaves numbered.
    result: Shape,
}

/// The structure of a result.
enum Shape {
    /// By the type that is declared.
    Declared(Ty),
    /// As a value that has it; the leaves are replaced.
    Like(usize),
}

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

    fn parameter_names(&self, f: &FnValue<'a>) -> Vec<String> {
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
            FnValue::Builtin(id) => builtins::parameter_names(*id),
            FnValue::Cast(_) | FnValue::Opaque(_) => Vec::new(),
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
        let target = match &*grad.f {
            FnValue::Item(id) if !self.fns[*id].inlined => self.item_target(*id, args, site)?,
            _ => {
                let mut values = Vec::new();
                for arg in args {
                    if let Some(name) = arg.name {
                        let message =
                            "the derivative of a function value takes no keyword arguments";
                        return self.error(Code::DL0702, message, name.span);
                    }
                    self.use_keys(&arg.operand.value, arg.operand.span, "a derivative")?;
                    values.push((arg.operand.value, arg.operand.span));
                }
                self.outlined_target(&grad.f, values, grad, site)?
            }
        };
        let mut trees = Vec::new();
        self.check_gradient_result(&target, grad)?;
        let mut wrt = Vec::new();
        let mut offset = 0u32;
        let mut starts = Vec::new();
        for value in &target.values {
            starts.push(offset);
            offset += u32::try_from(value.nodes().len()).map_err(|_| Reported)?;
        }
        let mut types: Vec<TensorType> = if grad.value || grad.has_aux {
            target.results.clone()
        } else {
            Vec::new()
        };
        for position in &grad.wrt {
            let Some(value) = target.values.get(*position) else {
                return self.error(Code::DL0304, "there is no such argument", site.span);
            };
            let nodes = value.nodes();
            for (i, node) in nodes.iter().enumerate() {
                let ty = self.ty(*node).clone();
                if !is_float(ty.dtype) {
                    return Err(self.not_differentiable(*node, &ty, value, grad, site));
                }
                wrt.push(starts[*position] + i as u32);
                types.push(ty);
            }
            trees.push(value.clone());
        }
        let op = Prim::Grad {
            func: target.func,
            dims: target.dims.clone(),
            wrt,
            value: grad.value || grad.has_aux,
            results: types.clone(),
        };
        let call = self.call_node(op, &target.args, &types, site.span)?;
        self.gradient_value(&target, grad, trees, call, &types, site.span)
    }

    /// The trees of a derivative's results.
    fn gradient_value(
        &mut self,
        target: &Target<'a>,
        grad: &GradFn<'a>,
        trees: Vec<Value<'a>>,
        call: NodeId,
        types: &[TensorType],
        span: Span,
    ) -> Res<Value<'a>> {
        let mut next: NodeIndex = 0;
        let mut result = |checker: &mut Self| -> Res<Value<'a>> {
            let ty = types[next as usize].clone();
            next += 1;
            checker
                .node(Prim::Result(next - 1), &[call], ty, span)
                .map(Value::Tensor)
        };
        let (mut value, mut aux) = (None, None);
        if grad.value || grad.has_aux {
            value = Some(result(self)?);
            if grad.has_aux {
                let tree = match &target.result {
                    Shape::Declared(Ty::Tuple(items)) => {
                        let ty = items.get(1).cloned().ok_or(Reported)?;
                        self.value_of(&ty, "", span, &mut |checker, _, _| match result(checker)? {
                            Value::Tensor(id) => Ok(id),
                            _ => Err(Reported),
                        })?
                    }
                    Shape::Like(index) => {
                        let tree = self.outlined_results[*index].clone();
                        self.map_leaves(&tree, &mut |checker, _| result(checker))?
                    }
                    Shape::Declared(_) => return Err(Reported),
                };
                aux = Some(tree);
            }
        }
        let mut gradients = Vec::new();
        for tree in trees {
            gradients.push(self.map_leaves(&tree, &mut |checker, _| result(checker))?);
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

    fn item_target(&mut self, id: usize, args: Vec<Arg<'a>>, site: Site) -> Res<Target<'a>> {
        let Prepared {
            id,
            signature,
            bindings,
            operands,
            values,
        } = self.prepare_call(id, args, &[], site)?;
        if let Some(param) = signature.params.iter().find(|param| param.inout) {
            let diagnostic = Diagnostic::error(
                Code::DL0301,
                format!(
                    "`{}` changes `{}`, so it has no derivative",
                    signature.name, param.name
                ),
                site.span,
            )
            .secondary(param.span, "declared here")
            .help("take it by value and return the new one");
            return Err(self.report(diagnostic));
        }
        for (value, operand) in values.iter().zip(&operands) {
            self.use_keys(value, operand.span, &format!("`{}`", signature.name))?;
        }
        let all = bindings.in_order();
        let known: Vec<Option<i64>> = all.iter().map(Dim::as_const).collect();
        let dims = all
            .into_iter()
            .filter(|dim| dim.as_const().is_none())
            .collect();
        let ty = bindings.apply(&signature.result);
        let results = self
            .leaves(&ty, "", site.span)?
            .into_iter()
            .map(|leaf| leaf.ty)
            .collect();
        let args = values.iter().flat_map(Value::nodes).collect();
        let func = self.instance(id, known);
        Ok(Target {
            func,
            dims,
            args,
            values,
            results,
            result: Shape::Declared(ty),
        })
    }

    /// Makes a function of the core of a function value.
    fn outlined_target(
        &mut self,
        f: &Rc<FnValue<'a>>,
        given: Vec<(Value<'a>, Span)>,
        grad: &GradFn<'a>,
        site: Site,
    ) -> Res<Target<'a>> {
        let mut values = Vec::new();
        for (value, span) in given {
            values.push(self.as_variable(value, span)?.0);
        }
        let outer: Vec<NodeId> = values.iter().flat_map(Value::nodes).collect();
        let (dims, facts) = (self.frame().dims.clone(), self.frame().facts.clone());
        self.push_frame(dims.clone(), facts);
        let built = self.outlined_body(f, &values, site);
        let frame = self.frames.pop().ok_or(Reported)?;
        let (tree, leaves) = built?;
        let captured: Vec<NodeId> = frame.captures.iter().map(|(outer, _)| *outer).collect();
        let types: Vec<TensorType> = leaves
            .iter()
            .map(|node| frame.nodes[node.index as usize].ty.clone())
            .collect();
        let context = self.scope.function.name.clone();
        let name = self.unique_name(&format!("{context}.grad"));
        let mut func = frame.finish(name, grad.span);
        func.results = leaves
            .iter()
            .enumerate()
            .map(|(i, node)| FuncResult {
                path: format!("out.{i}"),
                node: node.index,
            })
            .collect();
        let index = self.funcs.len();
        self.funcs.push(Some(func));
        let result = if grad.has_aux {
            let Value::Tuple(items) = &tree else {
                return Err(self.not_a_pair(site));
            };
            let [_, aux] = items.as_slice() else {
                return Err(self.not_a_pair(site));
            };
            self.outlined_results.push(aux.clone());
            Shape::Like(self.outlined_results.len() - 1)
        } else if let (Value::Tensor(_), [ty]) = (&tree, types.as_slice()) {
            Shape::Declared(Ty::Tensor(ty.clone()))
        } else {
            let diagnostic = Diagnostic::error(
                Code::DL0301,
                "a gradient is of one scalar, and this function gives a tree",
                grad.span,
            )
            .help("with `has_aux=true` it may give the scalar and something else");
            return Err(self.report(diagnostic));
        };
        let dims = dims
            .iter()
            .map(|name| Dim::new(dlc_abi::dim::Poly::name(name)))
            .collect();
        let args = outer.into_iter().chain(captured).collect();
        Ok(Target {
            func: index,
            dims,
            args,
            values,
            results: types,
            result,
        })
    }

    /// Checks a function value inside a function of its own: its result, and the nodes of its leaves.
    fn outlined_body(
        &mut self,
        f: &Rc<FnValue<'a>>,
        values: &[Value<'a>],
        site: Site,
    ) -> Res<(Value<'a>, Vec<NodeId>)> {
        let mut inner = Vec::new();
        for (i, value) in values.iter().enumerate() {
            inner.push(self.map_leaves(value, &mut |checker, leaf| {
                let Value::Tensor(id) = leaf else {
                    return Err(Reported);
                };
                let (ty, origin) = (checker.ty(*id).clone(), checker.origin(*id));
                let frame = checker.frame();
                let id = frame.push_param(Param {
                    path: format!("arg{i}"),
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
        let tree = self.call_values(f, inner, site)?;
        let (tree, _) = self.as_variable(tree, site.span)?;
        let mut leaves = Vec::new();
        for node in tree.nodes() {
            let frame = self.frame().id;
            let local = if node.frame == frame {
                node
            } else {
                let ty = self.ty(node).clone();
                self.node(Prim::Reshape, &[node], ty, site.span)?
            };
            leaves.push(local);
        }
        Ok((tree, leaves))
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
        let ty = match &target.result {
            Shape::Declared(Ty::Tuple(items)) if grad.has_aux && items.len() == 2 => {
                items[0].clone()
            }
            Shape::Declared(ty) if !grad.has_aux => ty.clone(),
            Shape::Like(_) => match target.results.first() {
                Some(ty) => Ty::Tensor(ty.clone()),
                None => Ty::unit(),
            },
            Shape::Declared(_) => {
                let site = Site {
                    span: grad.span,
                    callee: grad.span,
                };
                return Err(self.not_a_pair(site));
            }
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

    fn not_differentiable(
        &mut self,
        node: NodeId,
        ty: &TensorType,
        value: &Value<'a>,
        grad: &GradFn<'a>,
        site: Site,
    ) -> Reported {
        let name = self
            .origin(node)
            .map(|origin| format!("`{}` ", origin.text))
            .unwrap_or_default();
        let message = format!("a derivative is with respect to floats, and {name}is `{ty}`");
        let mut diagnostic = Diagnostic::error(Code::DL0303, message, grad.span);
        diagnostic = self.origins(diagnostic, &[node]);
        if grad.span != site.callee {
            diagnostic = diagnostic.secondary(site.callee, "called here");
        }
        diagnostic = if value.parts().is_some() {
            diagnostic
                .help("keep integers and keys apart from what is trained, in a struct of its own")
        } else {
            diagnostic.help("name another parameter by `wrt=`")
        };
        self.report(diagnostic)
    }
}
