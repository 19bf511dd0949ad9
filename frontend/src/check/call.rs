//! Calls.

use std::rc::Rc;

use crate::ast::{self, DType, DimArg, Expr, ExprKind, Ident, LambdaParam, Span};
use crate::builtins;
use crate::check::arguments::Prepared;
use crate::check::binary::Operand;
use crate::check::convert::Expected;
use crate::check::derivative::Results;
use crate::check::dims::count;
use crate::check::env::{Binding, FnContext, Kind, Scope};
use crate::check::items::Signature;
use crate::check::types::{FnTy, Ty};
use crate::check::unify::Bindings;
use crate::check::value::{FnValue, NodeId, Reported, Res, Value};
use crate::check::{Checker, Mode};
use crate::core::{Dim, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// An argument of a call.
#[derive(Clone)]
pub(crate) struct Arg<'a> {
    /// The keyword.
    pub name: Option<&'a Ident>,
    /// The value; `Error` for one that is not evaluated by itself, such as `wrt=`.
    pub operand: Operand<'a>,
}

/// Where a call stands.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    /// All of it.
    pub span: Span,
    /// What is called.
    pub callee: Span,
}

impl<'a> Checker<'a> {
    /// `callee<dims>(args)`.
    pub(super) fn eval_call(
        &mut self,
        callee: &'a Expr,
        dims: &'a [DimArg],
        args: &'a [ast::Arg],
        args_span: Span,
        span: Span,
    ) -> Res<Value<'a>> {
        let site = Site {
            span,
            callee: callee.span,
        };
        let _ = args_span;
        let f = self.eval_callee(callee);
        let raw: &[&str] = match f.as_deref() {
            Ok(FnValue::Builtin(id)) => builtins::raw_arguments(*id),
            _ => &[],
        };
        let mut values = Vec::new();
        let mut failed = false;
        for arg in args {
            let is_raw = arg
                .name
                .as_ref()
                .is_some_and(|name| raw.contains(&name.name.as_str()));
            let value = if is_raw {
                Ok(Value::Error)
            } else {
                self.eval(&arg.value)
            };
            failed |= value.is_err();
            let operand = Operand::new(value.unwrap_or(Value::Error), &arg.value);
            values.push(Arg {
                name: arg.name.as_ref(),
                operand,
            });
        }
        let f = f?;
        if failed {
            if let FnValue::Item(id) = &*f {
                self.note_call(*id, callee.span);
                self.poison_inout(*id, args);
            }
            return Err(Reported);
        }
        self.call(&f, values, dims, site)
    }

    /// What is called; a tensor or the like is reported.
    fn eval_callee(&mut self, callee: &'a Expr) -> Res<Rc<FnValue<'a>>> {
        match self.eval(callee)? {
            Value::Fn(f) => Ok(f),
            Value::DType(dtype) => Ok(Rc::new(FnValue::Cast(dtype))),
            other => {
                let what = self.describe(&other);
                let text = self.text(callee.span);
                let message = if text.len() > 40 {
                    format!("this is {what}, not a function")
                } else {
                    format!("`{text}` is {what}, not a function")
                };
                let mut diagnostic = Diagnostic::error(Code::DL0703, message, callee.span);
                if let Value::Tensor(_) | Value::List(_) = &other {
                    diagnostic = diagnostic.help(format!("an element is written `{text}[…]`"));
                }
                if let ExprKind::Path(path) = &callee.kind
                    && let Some(ident) = path.as_ident()
                {
                    if let Some(binding) = self.scope.lookup(&ident.name) {
                        diagnostic = diagnostic.secondary(binding.span, "bound here");
                    }
                    if builtins::find(&ident.name).is_some() {
                        diagnostic = diagnostic.help(format!(
                            "this `{0}` hides the built-in operation of the same name",
                            ident.name
                        ));
                    }
                }
                Err(self.report(diagnostic))
            }
        }
    }

    /// Calls a function value.
    pub(crate) fn call(
        &mut self,
        f: &Rc<FnValue<'a>>,
        args: Vec<Arg<'a>>,
        dims: &'a [DimArg],
        site: Site,
    ) -> Res<Value<'a>> {
        if let (Some(dim), false) = (dims.first(), matches!(**f, FnValue::Item(_))) {
            return self.error(
                Code::DL0701,
                "only a function of the file takes dims",
                dim.span,
            );
        }
        match &**f {
            FnValue::Item(id) => self.call_item(*id, args, dims, site),
            FnValue::Builtin(id) => builtins::call(self, *id, args, site),
            FnValue::Cast(dtype) => self.cast(*dtype, args, site),
            FnValue::Lambda {
                params,
                body,
                scope,
                span,
            } => self.call_lambda(params, body, scope, *span, args, site),
            FnValue::Grad(grad) => self.call_grad(grad, args, site),
            FnValue::Pullback(pullback) => self.call_pullback(pullback, args, site),
            FnValue::Jacobian(jacobian) => self.call_jacobian(jacobian, args, site),
            FnValue::Vmap(vmap) => self.call_vmap(vmap, args, site),
            FnValue::Opaque(ty) => self.call_opaque(ty, args, site),
        }
    }

    /// Calls a function value with values, as `map` does.
    pub(crate) fn call_values(
        &mut self,
        f: &Rc<FnValue<'a>>,
        values: Vec<Value<'a>>,
        site: Site,
    ) -> Res<Value<'a>> {
        let args = values
            .into_iter()
            .map(|value| Arg {
                name: None,
                operand: Operand {
                    value,
                    span: site.span,
                    expr: None,
                },
            })
            .collect();
        self.call(f, args, &[], site)
    }

    fn cast(&mut self, dtype: DType, args: Vec<Arg<'a>>, site: Site) -> Res<Value<'a>> {
        let [arg] = args.as_slice() else {
            let message = format!(
                "`{dtype}(…)` converts one value, and {} given",
                count_given(args.len())
            );
            return self.error(Code::DL0701, message, site.span);
        };
        builtins::cast(self, &arg.operand, dtype, site.span)
    }

    fn call_lambda(
        &mut self,
        params: &'a [LambdaParam],
        body: &'a Expr,
        scope: &Rc<Scope<'a>>,
        lambda: Span,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Value<'a>> {
        if let Some(name) = args.iter().find_map(|arg| arg.name) {
            return self.error(
                Code::DL0702,
                "a function value takes no keyword arguments",
                name.span,
            );
        }
        if args.len() != params.len() {
            let message = format!(
                "a function value of {} gets {}",
                count(params.len(), "parameter"),
                args.len()
            );
            let diagnostic = Diagnostic::error(Code::DL0701, message, lambda);
            let diagnostic = if site.span == lambda {
                diagnostic
            } else {
                diagnostic.secondary(site.callee, "called here")
            };
            return Err(self.report(diagnostic));
        }
        let child = Scope::child(scope, true);
        self.with_scope(child, |checker| {
            for (param, arg) in params.iter().zip(args) {
                let mut value = arg.operand.value;
                if let Some(written) = &param.ty {
                    let ty = checker.body_type(written)?;
                    let expected = Expected::new("the argument", Code::DL0204)
                        .declared(written.span, "declared here");
                    value = checker.coerce(value, &ty, arg.operand.span, &expected)?;
                }
                checker.bind(&param.pattern, value, &|_| Kind::Let)?;
            }
            checker.eval(body)
        })
    }

    /// The types of the parameters of a function value; nothing if one is not written.
    pub(crate) fn lambda_types(
        &mut self,
        params: &'a [LambdaParam],
        scope: &Rc<Scope<'a>>,
    ) -> Res<Option<Vec<Ty>>> {
        self.with_scope(scope.clone(), |checker| {
            let written = params.iter().map(|param| param.ty.as_ref());
            let Some(written) = written.collect::<Option<Vec<_>>>() else {
                return Ok(None);
            };
            let types = written.into_iter().map(|ty| checker.body_type(ty));
            types.collect::<Res<Vec<Ty>>>().map(Some)
        })
    }

    /// A function parameter of a function that is checked by itself: only its type is known.
    fn call_opaque(&mut self, ty: &FnTy, args: Vec<Arg<'a>>, site: Site) -> Res<Value<'a>> {
        if args.len() != ty.params.len() {
            let message = format!(
                "the function takes {}, and {} given",
                count(ty.params.len(), "argument"),
                count_given(args.len())
            );
            return self.error(Code::DL0701, message, site.span);
        }
        let mut nodes = Vec::new();
        for (i, (arg, ty)) in args.into_iter().zip(&ty.params).enumerate() {
            let expected = Expected::new(format!("argument {}", i + 1), Code::DL0204);
            let value = self.coerce(arg.operand.value, ty, arg.operand.span, &expected)?;
            self.use_keys(&value, arg.operand.span, "a call")?;
            nodes.extend(value.nodes());
        }
        self.value_of(&ty.result, "", site.span, &mut |checker, _, ty| {
            checker.node(Prim::Opaque, &nodes, ty.clone(), site.span)
        })
    }

    /// Notes who calls whom.
    pub(super) fn note_call(&mut self, callee: usize, span: Span) {
        if let Some(caller) = self.scope.function.item {
            let (caller, callee) = (self.fns[caller].base, self.fns[callee].base);
            self.calls.push((caller, callee, span));
        }
    }

    /// What a call that failed would have assigned is unknown after it.
    fn poison_inout(&mut self, id: usize, args: &'a [ast::Arg]) {
        let Some(signature) = self.fns[id].sig.clone() else {
            return;
        };
        for (arg, param) in args.iter().zip(&signature.params) {
            if param.inout
                && let ExprKind::Path(path) = &arg.value.kind
                && let Some(ident) = path.as_ident()
            {
                self.poison([ident.name.as_str()]);
            }
        }
    }

    fn call_item(
        &mut self,
        id: usize,
        args: Vec<Arg<'a>>,
        dims: &'a [DimArg],
        site: Site,
    ) -> Res<Value<'a>> {
        if self.in_const {
            let name = &self.fns[id].ast.name.name;
            let message = format!("a constant is known at compile time and cannot call `{name}`");
            return self.error(Code::DL0214, message, site.callee);
        }
        let Prepared {
            id,
            signature,
            bindings,
            operands,
            values,
        } = self.prepare_call(id, args, dims, site)?;
        self.see_dims(site.callee, id, &bindings);
        self.inout_places(&signature, &operands)?;
        for (value, operand) in values.iter().zip(&operands) {
            self.use_keys(value, operand.span, &format!("`{}`", signature.name))?;
        }
        // A function that is checked by itself and passes on its own functions: what is called is checked by itself too.
        let only_types = self.mode == Mode::Definition
            && values.iter().all(|value| match value {
                Value::Fn(f) => matches!(**f, FnValue::Opaque(_)),
                _ => true,
            });
        let (finals, result) = if self.fns[id].inlined && !only_types && self.has_rules(id) {
            self.call_outlined(id, &signature, bindings, values, site)?
        } else if self.fns[id].inlined && !only_types {
            self.inline_item(id, &signature, bindings, values)?
        } else {
            self.call_instance(id, &signature, &bindings, values, site)?
        };
        for (operand, value) in operands.iter().zip(finals) {
            if let (Some(expr), Some(value)) = (operand.expr, value) {
                self.store(expr, value, expr)?;
            }
        }
        Ok(result)
    }

    /// Calls the instance for these dims. Gives the new values of `inout` arguments, and the result.
    fn call_instance(
        &mut self,
        id: usize,
        signature: &Signature,
        bindings: &Bindings,
        values: Vec<Value<'a>>,
        site: Site,
    ) -> Res<(Vec<Option<Value<'a>>>, Value<'a>)> {
        let span = site.span;
        let dims = bindings.in_order();
        let known: Vec<Option<i64>> = dims.iter().map(Dim::as_const).collect();
        let passed: Vec<Dim> = dims
            .into_iter()
            .filter(|dim| dim.as_const().is_none())
            .collect();
        let nodes: Vec<NodeId> = values.iter().flat_map(Value::nodes).collect();
        let mut results: Vec<TensorType> = Vec::new();
        let mut inout_types = Vec::new();
        for param in &signature.params {
            if !param.inout {
                inout_types.push(None);
                continue;
            }
            let ty = bindings.apply(&param.ty);
            results.extend(self.leaves(&ty, "", span)?.into_iter().map(|leaf| leaf.ty));
            inout_types.push(Some(ty));
        }
        let result_ty = bindings.apply(&signature.result);
        results.extend(
            self.leaves(&result_ty, "", span)?
                .into_iter()
                .map(|leaf| leaf.ty),
        );
        for ty in &results {
            self.check_byte_size(ty, span)?;
        }
        let func = self.instance(id, known);
        let call = self.call_node(
            Prim::Call {
                func,
                dims: passed,
                results: results.clone(),
            },
            &nodes,
            &results,
            span,
        )?;
        let mut results = Results::new(call, results, span);
        let mut finals = Vec::new();
        for ty in inout_types {
            finals.push(match ty {
                Some(ty) => Some(results.of_type(self, &ty)?),
                None => None,
            });
        }
        let result = results.of_type(self, &result_ty)?;
        Ok((finals, result))
    }

    /// The node of a call.
    pub(super) fn call_node(
        &mut self,
        op: Prim,
        args: &[NodeId],
        results: &[TensorType],
        span: Span,
    ) -> Res<NodeId> {
        let ty = results
            .first()
            .cloned()
            .unwrap_or(TensorType::scalar(DType::Bool));
        self.node(op, args, ty, span)
    }

    /// Calls a function that takes functions as one of its own, which has what these capture as further parameters.
    fn call_outlined(
        &mut self,
        id: usize,
        signature: &Signature,
        bindings: Bindings,
        values: Vec<Value<'a>>,
        site: Site,
    ) -> Res<(Vec<Option<Value<'a>>>, Value<'a>)> {
        let names = signature.params.iter().map(|param| param.name.clone());
        let mut shape = Vec::new();
        let target = self.outlined(values, names.collect(), site, &mut |checker, inner| {
            let (finals, result) = checker.inline_item(id, signature, bindings.clone(), inner)?;
            shape = finals.iter().map(Option::is_some).collect();
            let finals = finals.into_iter().flatten().collect();
            Ok(Value::tuple(vec![Value::tuple(finals), result]))
        })?;
        if let Some(Some(func)) = self.funcs.get_mut(target.func) {
            func.rules.checkpoint = true;
        }
        let value = self.value_of_target(&target, site.span)?;
        let [finals, result] = value.parts().unwrap_or_default() else {
            return Err(Reported);
        };
        let mut finals = finals.parts().unwrap_or_default().iter().cloned();
        let finals = shape
            .into_iter()
            .map(|is_inout| is_inout.then(|| finals.next().unwrap_or(Value::Error)));
        Ok((finals.collect(), result.clone()))
    }

    /// Puts a function that takes functions in place.
    fn inline_item(
        &mut self,
        id: usize,
        signature: &Signature,
        bindings: Bindings,
        values: Vec<Value<'a>>,
    ) -> Res<(Vec<Option<Value<'a>>>, Value<'a>)> {
        let base = self.fns[id].base;
        if self.scope.function.inlined.contains(&base) {
            // The circle is reported when all calls are known.
            return Err(Reported);
        }
        if self.has_failed(id) {
            return Err(Reported);
        }
        let result_ty = bindings.apply(&signature.result);
        let types: Vec<Ty> = signature
            .params
            .iter()
            .map(|param| bindings.apply(&param.ty))
            .collect();
        let mut inlined = self.scope.function.inlined.clone();
        inlined.push(base);
        let context = FnContext {
            name: signature.name.clone(),
            item: Some(id),
            dims: bindings.into_map(),
            inlined,
            precision: self.precision_of(id),
        };
        let scope = Scope::root(Rc::new(context));
        let ast = self.fns[id].ast;
        for (((param, value), ty), sig) in ast
            .params
            .iter()
            .zip(values)
            .zip(types)
            .zip(&signature.params)
        {
            let kind = if sig.inout {
                Kind::Inout(ty)
            } else {
                Kind::Param
            };
            scope.bind(
                &param.name.name,
                Binding {
                    value,
                    kind,
                    span: param.span,
                },
            );
        }
        let result = self.with_scope(scope.clone(), |checker| {
            let value = checker.eval_body(&ast.body)?;
            let expected =
                Expected::new(format!("the result of `{}`", signature.name), Code::DL0205)
                    .declared(signature.result_span, "declared here");
            checker.coerce(value, &result_ty, ast.body.span, &expected)
        });
        let finals = signature
            .params
            .iter()
            .map(|param| {
                param.inout.then(|| {
                    scope
                        .lookup(&param.name)
                        .map_or(Value::Error, |binding| binding.value)
                })
            })
            .collect();
        Ok((finals, result?))
    }
}

/// `1 is`, `2 are`.
pub(crate) fn count_given(n: usize) -> String {
    match n {
        0 => "none is".to_string(),
        1 => "1 is".to_string(),
        n => format!("{n} are"),
    }
}
