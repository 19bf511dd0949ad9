//! Functions: checked by themselves, as instances and as exports.

use std::collections::BTreeMap;
use std::rc::Rc;

use dlc_abi::dim::Poly;

use crate::ast::{BinaryOp, ExprKind, Span};
use crate::check::consts::Number;
use crate::check::convert::Expected;
use crate::check::env::{Binding, FnContext, Kind, Scope};
use crate::check::facts::{Facts, solve_linear};
use crate::check::items::Signature;
use crate::check::types::Ty;
use crate::check::value::{FnValue, NodeId, Reported, Res, Value};
use crate::check::{Checker, Mode};
use crate::core::{Dim, Func, FuncResult, Num, Param, Precision};
use crate::diagnostic::{Code, Diagnostic};
use crate::modules;

/// The most functions in the core.
const MAX_FUNCTIONS: usize = 1 << 14;

/// A function with some dims known.
pub(crate) struct Instance {
    /// The function.
    pub id: usize,
    /// The dims that are numbers.
    pub known: Vec<Option<i64>>,
    /// What the operands of products are rounded to.
    pub precision: Option<Precision>,
    /// Its place in the program.
    pub func: usize,
}

/// What tells an instance from others: the function, the dims that are numbers, the precision.
pub(super) type InstanceKey = (usize, Vec<Option<i64>>, Option<Precision>);

impl<'a> Checker<'a> {
    /// Checks every function by itself; exports become part of the program.
    pub(super) fn check_functions(&mut self) {
        for id in 0..self.fns.len() {
            if self.is_entry(id) {
                self.funcs.push(None);
            }
        }
        let mut next_export = 0;
        for id in 0..self.fns.len() {
            let export = self.is_entry(id);
            let slot = next_export;
            next_export += usize::from(export);
            let Some(signature) = self.fns[id].sig.clone() else {
                self.fns[id].failed = true;
                continue;
            };
            let file = self.fns[id].ast.name.span.file;
            if file > 0 && modules::is_std(self.sources.get(file)) {
                // The standard library is checked by itself when it is tested.
                continue;
            }
            let unknown = vec![None; signature.dims.len()];
            let errors = self.error_count();
            let funcs = self.funcs.len();
            self.mode = if export {
                Mode::Program
            } else {
                Mode::Definition
            };
            let precision = self.own_precision(id).flatten();
            let func = self.build_function(id, &signature, &unknown, precision);
            self.mode = Mode::Definition;
            self.check_rules(id, &signature);
            self.fns[id].failed = self.error_count() > errors;
            self.mode = Mode::Program;
            if !export {
                self.keep_definition(id, func.ok(), funcs);
                self.funcs.truncate(funcs);
                continue;
            }
            let Ok(mut func) = func else { continue };
            func.entry = Some(self.entry_info(id, &signature));
            func.name = self.unique_name(&signature.name);
            self.funcs[slot] = Some(func);
        }
    }

    /// Whether an error has been reported in a function.
    pub(super) fn has_failed(&self, id: usize) -> bool {
        self.fns[id].failed || self.fns[self.fns[id].base].failed
    }

    pub(super) fn error_count(&self) -> usize {
        self.diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .count()
    }

    /// The place of an instance in the program.
    pub(super) fn instance(&mut self, id: usize, known: Vec<Option<i64>>) -> usize {
        if self.mode == Mode::Definition {
            // A function that is checked by itself is no part of the program.
            return self.callee_number(id, known);
        }
        let precision = self.precision_of(id);
        if let Some(func) = self.instances.get(&(id, known.clone(), precision)) {
            return *func;
        }
        let func = self.funcs.len();
        self.funcs.push(None);
        self.instances.insert((id, known.clone(), precision), func);
        self.queue.push_back(Instance {
            id,
            known,
            precision,
            func,
        });
        func
    }

    /// Checks the instances that the exports need, and those that these need.
    pub(super) fn check_instances(&mut self) {
        while let Some(Instance {
            id,
            known,
            precision,
            func: slot,
        }) = self.queue.pop_front()
        {
            if self.has_failed(id) {
                continue;
            }
            let Some(signature) = self.fns[id].sig.clone() else {
                continue;
            };
            if slot > MAX_FUNCTIONS {
                let message = format!(
                    "this is called with so many different dims that there are over {MAX_FUNCTIONS} functions"
                );
                let span = self.fns[id].ast.name.span;
                let _ = self.error::<()>(Code::DL0710, message, span);
                return;
            }
            let name = instance_name(&signature, &known);
            let errors = self.diagnostics.len();
            let built = self.build_function(id, &signature, &known, precision);
            // What the function by itself showed is not said again.
            let new = self.diagnostics.split_off(errors);
            for diagnostic in new {
                let known = self.diagnostics.iter().any(|known| {
                    known.code == diagnostic.code && known.primary.span == diagnostic.primary.span
                });
                if !known || diagnostic.is_error() {
                    self.diagnostics.push(diagnostic);
                }
            }
            if self.diagnostics.len() > errors {
                let values: Vec<String> = signature
                    .dims
                    .iter()
                    .zip(&known)
                    .filter_map(|(dim, known)| known.map(|value| format!("{} = {value}", dim.name)))
                    .collect();
                let note = if values.is_empty() {
                    format!("in `{}` as it is called in this program", signature.name)
                } else {
                    format!("in `{}` with {}", signature.name, values.join(", "))
                };
                for diagnostic in &mut self.diagnostics[errors..] {
                    diagnostic.notes.push(note.clone());
                }
                // One instance has shown what is wrong.
                self.fns[id].failed = true;
            }
            let Ok(mut func) = built else { continue };
            func.name = self.unique_name(&name);
            if let Ok(rules) = self.rules(&signature, &(id, known, precision)) {
                func.rules = rules;
                self.funcs[slot] = Some(func);
            }
        }
    }

    /// A symbol that no other function has.
    pub(super) fn unique_name(&mut self, wanted: &str) -> String {
        if self.mode == Mode::Definition {
            return wanted.to_string();
        }
        let mut name = wanted.to_string();
        loop {
            let uses = self.func_names.entry(name.clone()).or_insert(0);
            *uses += 1;
            if *uses == 1 {
                return name;
            }
            name = format!("{wanted}.{}", *uses - 1);
        }
    }

    /// The dims of a function as its body sees them, what is known of them, and those that are passed.
    pub(super) fn dims_of(
        &mut self,
        signature: &Signature,
        known: &[Option<i64>],
    ) -> (BTreeMap<String, Dim>, Facts, Vec<String>) {
        let mut dims = BTreeMap::new();
        let mut passed = Vec::new();
        let mut facts = Facts::default();
        for (dim, known) in signature.dims.iter().zip(known) {
            let own = Poly::name(&dim.name);
            match known {
                Some(value) => {
                    dims.insert(
                        dim.name.clone(),
                        Dim::with_shown(Poly::constant(*value), own),
                    );
                }
                None => {
                    dims.insert(dim.name.clone(), Dim::new(own));
                    passed.push(dim.name.clone());
                    if let Some((min, max)) = dim.range {
                        facts.add_range(&dim.name, min, max);
                    }
                }
            }
        }
        let value = |dim: &Dim, dims: &BTreeMap<String, Dim>| {
            dim.substitute(&|name| dims.get(name).cloned())
                .poly()
                .clone()
        };
        // Dims are never negative; of values nothing is known.
        for condition in signature.conditions.iter().filter(|c| !c.on_value) {
            let (left, right) = (
                value(&condition.left, &dims),
                value(&condition.right, &dims),
            );
            match condition.rel {
                BinaryOp::Eq => {
                    let difference = left - right;
                    match solve_linear(&difference).filter(|(name, _)| dims.contains_key(name)) {
                        Some((name, solution)) => {
                            for dim in dims.values_mut() {
                                let poly = dim
                                    .poly()
                                    .substitute_with(&|n| (n == name).then(|| solution.clone()));
                                *dim = Dim::with_shown(poly, dim.shown().clone());
                            }
                        }
                        None => facts.add_zero(difference),
                    }
                }
                BinaryOp::Le => facts.add_nonnegative(right - left),
                BinaryOp::Lt => facts.add_nonnegative(right - left - Poly::one()),
                BinaryOp::Ge => facts.add_nonnegative(left - right),
                BinaryOp::Gt => facts.add_nonnegative(left - right - Poly::one()),
                _ => {}
            }
        }
        (dims, facts, passed)
    }

    /// Checks a function's body with these dims.
    pub(super) fn build_function(
        &mut self,
        id: usize,
        signature: &Signature,
        known: &[Option<i64>],
        precision: Option<Precision>,
    ) -> Res<Func> {
        let (dims, facts, passed) = self.dims_of(signature, known);
        let context = FnContext {
            name: signature.name.clone(),
            item: Some(id),
            dims,
            inlined: Vec::new(),
            precision,
        };
        let scope = Scope::root(Rc::new(context));
        self.push_frame(passed, facts);
        self.keys = Default::default();
        let results = self.with_scope(scope, |checker| checker.function_body(id, signature));
        let frame = self.frames.pop().ok_or(Reported)?;
        let mut func = frame.finish(signature.name.clone(), self.fns[id].ast.name.span);
        func.results = results?;
        Ok(func)
    }

    fn function_body(&mut self, id: usize, signature: &Signature) -> Res<Vec<FuncResult>> {
        let ast = self.fns[id].ast;
        let dims = self.scope.function.clone();
        let in_body =
            |ty: &Ty| ty.map_dims(&|dim| dim.substitute(&|name| dims.dims.get(name).cloned()));
        let mut failed = false;
        for (param, sig) in ast.params.iter().zip(&signature.params) {
            let ty = in_body(&sig.ty);
            let value = self
                .parameter(&ty, &sig.name, sig.inout, param.ty.span)
                .unwrap_or(Value::Error);
            failed |= value.has_error();
            let value = match value {
                Value::Tensor(id) if !sig.inout => {
                    Value::Tensor(self.with_bound(id, signature, &sig.name, param.span)?)
                }
                value => value,
            };
            self.see(param.name.span, &value);
            let kind = if sig.inout {
                Kind::Inout(ty)
            } else {
                Kind::Param
            };
            self.scope.bind(
                &param.name.name,
                Binding {
                    value,
                    kind,
                    span: param.span,
                },
            );
        }
        let value = self.eval_body(&ast.body);
        let result_ty = in_body(&signature.result);
        let value = value?;
        let tail = ast.body.tail.as_deref();
        let returned = ast.body.stmts.last().and_then(|stmt| match &stmt.kind {
            crate::ast::StmtKind::Return(value) => value.as_ref(),
            _ => None,
        });
        let last = tail.or(returned);
        let span = last.map_or(ast.body.span, |expr| innermost(expr).span);
        if last.is_none() && result_ty != Ty::unit() && !result_ty.has_error() {
            let diagnostic = Diagnostic::error(
                Code::DL0205,
                format!(
                    "`{}` gives nothing, and `{result_ty}` is declared",
                    signature.name
                ),
                signature.result_span,
            )
            .help("a block's value is its last expression");
            return Err(self.report(diagnostic));
        }
        if ast.result.is_none()
            && !matches!(&value, Value::Tuple(items) if items.is_empty())
            && let Some(found) = self.type_of(&value)
        {
            let message = format!(
                "`{}` gives {}, and no result is declared",
                signature.name,
                self.describe(&value)
            );
            let head = &self.sources.text(ast.body.span)[..ast.body.span.start as usize];
            let mut place = ast.body.span;
            place.start = head.trim_end().len() as u32;
            place.end = place.start;
            let diagnostic = Diagnostic::error(Code::DL0205, message, span)
                .secondary(signature.result_span, "declared without a result")
                .suggest("declare it", place, format!(" -> {found}"));
            return Err(self.report(diagnostic));
        }
        let mut expected =
            Expected::new(format!("the result of `{}`", signature.name), Code::DL0205);
        expected = expected.declared(signature.result_span, "declared here");
        if let Some(last) = last {
            expected = expected.expr(innermost(last));
        }
        let value = self.coerce(value, &result_ty, span, &expected)?;
        if failed {
            return Err(Reported);
        }
        self.function_results(id, signature, &value, &in_body, span)
    }

    /// The final values of `inout` parameters, then the leaves of the result.
    fn function_results(
        &mut self,
        id: usize,
        signature: &Signature,
        value: &Value<'a>,
        in_body: &dyn Fn(&Ty) -> Ty,
        span: Span,
    ) -> Res<Vec<FuncResult>> {
        let mut results = Vec::new();
        let mut keys: Vec<NodeId> = Vec::new();
        let ast = self.fns[id].ast;
        for (param, sig) in ast
            .params
            .iter()
            .zip(&signature.params)
            .filter(|(_, sig)| sig.inout)
        {
            let binding = self.scope.lookup(&sig.name).ok_or(Reported)?;
            if binding.value.has_error() {
                return Err(Reported);
            }
            let leaves = self.leaves(&in_body(&sig.ty), &sig.name, sig.span)?;
            let nodes = binding.value.nodes();
            if self.is_unchanged(&nodes, leaves.len(), &sig.name)
                && !nodes.iter().any(|node| self.key_use(*node).is_some())
            {
                let message = format!("`inout {}` is never assigned", sig.name);
                let at = param.inout.unwrap_or(param.span);
                let mut removed = at;
                let after = &self.sources.text(at)[at.end as usize..];
                removed.end += (after.len() - after.trim_start_matches(' ').len()) as u32;
                let diagnostic = Diagnostic::warning(Code::DL0902, message, at).suggest(
                    "take it by value",
                    removed,
                    "",
                );
                self.report(diagnostic);
            }
            for (leaf, node) in leaves.iter().zip(&nodes) {
                let what = format!("`{}`", leaf.path);
                self.check_key_kept(*node, &what, param.span, &mut keys)?;
                results.push(FuncResult {
                    path: leaf.path.clone(),
                    node: self.returned(*node, span)?,
                });
            }
        }
        let leaves = self.leaves(&in_body(&signature.result), "out", signature.result_span)?;
        for (leaf, node) in leaves.iter().zip(value.nodes()) {
            self.check_key_kept(node, "the result", span, &mut keys)?;
            results.push(FuncResult {
                path: leaf.path.clone(),
                node: self.returned(node, span)?,
            });
        }
        Ok(results)
    }

    /// The index of a node that is returned.
    pub(super) fn returned(&mut self, node: NodeId, span: Span) -> Res<u32> {
        if self.frame().id == node.frame {
            return Ok(node.index);
        }
        let ty = self.ty(node).clone();
        self.node(crate::core::Prim::Reshape, &[node], ty, span)
            .map(|id| id.index)
    }

    /// Whether all leaves of a parameter are still what they were.
    fn is_unchanged(&mut self, nodes: &[NodeId], leaves: usize, name: &str) -> bool {
        let unchanged = |checker: &Self, node: &NodeId| {
            matches!(checker.prim(*node), crate::core::Prim::Param(_))
                && checker.origin(*node).is_some_and(|origin| {
                    origin.text == name || origin.text.starts_with(&format!("{name}."))
                })
        };
        leaves > 0 && nodes.iter().all(|node| unchanged(self, node))
    }

    /// A key that leaves a function has not been used, and leaves once.
    fn check_key_kept(
        &mut self,
        node: NodeId,
        what: &str,
        span: Span,
        seen: &mut Vec<NodeId>,
    ) -> Res<()> {
        if self.dtype(node) != crate::ast::DType::Key {
            return Ok(());
        }
        if let Some(first) = self.key_use(node) {
            let message = format!("{what} hands out a key that has been used");
            let diagnostic = Diagnostic::error(Code::DL0501, message, span)
                .secondary(first.span, "used here")
                .help("split it first, `let (next, now) = split_key(…)`, use `now` and hand out `next`");
            return Err(self.report(diagnostic));
        }
        if seen.contains(&node) {
            return self.error(
                Code::DL0501,
                format!("{what} hands out a key a second time"),
                span,
            );
        }
        seen.push(node);
        Ok(())
    }

    /// A parameter whose value a condition `n <= 64` bounds, as `minimum(n, 64)`, which is what it is: so the rounds of
    /// loops that it counts have a bound that derivatives see.
    fn with_bound(
        &mut self,
        id: NodeId,
        signature: &Signature,
        name: &str,
        span: Span,
    ) -> Res<NodeId> {
        let bounds = signature.conditions.iter().filter_map(|condition| {
            let (left, right) = (condition.left.poly(), condition.right.poly());
            let of_param = |poly: &Poly| *poly == Poly::name(name);
            let less = match condition.rel {
                BinaryOp::Le if of_param(left) => (right, 0),
                BinaryOp::Lt if of_param(left) => (right, 1),
                BinaryOp::Ge if of_param(right) => (left, 0),
                BinaryOp::Gt if of_param(right) => (left, 1),
                _ => return None,
            };
            less.0.as_const()?.checked_sub(less.1)
        });
        match bounds.min().map(|bound| Num::Int(bound.into())) {
            Some(bound) if bound.fit(self.dtype(id)).is_some() => {
                self.with_number("minimum", id, bound, span)
            }
            _ => Ok(id),
        }
    }

    /// The value of a parameter.
    fn parameter(&mut self, ty: &Ty, name: &str, inout: bool, span: Span) -> Res<Value<'a>> {
        if let Ty::Fn(ty) = ty {
            return Ok(Value::Fn(Rc::new(FnValue::Opaque(ty.clone()))));
        }
        if ty.has_error() {
            return Err(Reported);
        }
        self.value_of(ty, name, span, &mut |checker, path, ty| {
            let declared = checker.declared_at(path, span);
            let frame = checker.frame();
            let id = frame.push_param(Param {
                path: path.to_string(),
                ty: ty.clone(),
                inout,
                span,
            });
            frame.origins.insert(
                id.index,
                super::frame::Origin {
                    text: path.to_string(),
                    span: declared,
                },
            );
            Ok(id)
        })
    }

    /// Where the leaf of a parameter is declared: at a struct's field where it is in one.
    fn declared_at(&self, path: &str, otherwise: Span) -> Span {
        let mut parts = path.split('.');
        let root = parts.next().unwrap_or_default();
        let Some(item) = self.scope.function.item else {
            return otherwise;
        };
        let Some(signature) = &self.fns[item].sig else {
            return otherwise;
        };
        let Some(param) = signature.params.iter().find(|param| param.name == root) else {
            return otherwise;
        };
        let mut ty = param.ty.clone();
        let mut span = otherwise;
        for part in parts {
            ty = match &ty {
                Ty::Struct(s) => {
                    let ast = self.structs[s.id].ast;
                    let Some(i) = ast.fields.iter().position(|field| field.name.name == part)
                    else {
                        return span;
                    };
                    span = ast.fields[i].span;
                    self.structs[s.id].fields[i].clone()
                }
                Ty::Tuple(items) => match part.parse::<usize>().ok().and_then(|i| items.get(i)) {
                    Some(item) => item.clone(),
                    None => return span,
                },
                Ty::List(element, _) => (**element).clone(),
                _ => return span,
            };
        }
        span
    }
}

/// The expression that gives a block's value.
fn innermost(expr: &crate::ast::Expr) -> &crate::ast::Expr {
    match &expr.kind {
        ExprKind::Block(block) => block.tail.as_deref().map_or(expr, innermost),
        _ => expr,
    }
}

/// `loss`, or `loss.T8` with a dim known.
fn instance_name(signature: &Signature, known: &[Option<i64>]) -> String {
    let mut name = signature.name.clone();
    for (dim, known) in signature.dims.iter().zip(known) {
        if let Some(value) = known {
            name += &format!(".{}{value}", dim.name);
        }
    }
    name
}
