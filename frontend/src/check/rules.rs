//! What functions say of their own derivatives: `@checkpoint`, `@custom_vjp(rule)` and `@custom_jvp(rule)`.
//!
//! A rule is a function of the file. The core has a function around it for each instance, of the leaves that a
//! derivative is made of: the parameters of the function, then a cotangent for each float of its result, or a tangent
//! for each float among its parameters. It gives a gradient for each float among the parameters, or a tangent for each
//! float of the result.

use std::rc::Rc;

use crate::ast::{self, DType, ExprKind, Span};
use crate::check::binary::Operand;
use crate::check::call::{Arg, Site};
use crate::check::consts::is_float;
use crate::check::convert::Expected;
use crate::check::dims::count;
use crate::check::env::{FnContext, Scope};
use crate::check::function::InstanceKey;
use crate::check::items::Signature;
use crate::check::names::Item;
use crate::check::types::Ty;
use crate::check::value::{FnValue, NodeId, Reported, Res};
use crate::check::{Checker, Mode};
use crate::core::{Func, FuncResult, Num, Param, Rules, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// Which rule a function has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of reverse mode.
    Vjp,
    /// Of forward mode.
    Jvp,
}

impl Kind {
    /// The attribute that names it.
    fn attribute(self) -> &'static str {
        match self {
            Kind::Vjp => "custom_vjp",
            Kind::Jvp => "custom_jvp",
        }
    }
}

/// A rule of a function.
struct Rule<'a> {
    kind: Kind,
    /// The function that it is.
    id: usize,
    attribute: &'a ast::Attribute,
}

impl<'a> Checker<'a> {
    /// Whether calls of a function stay calls while derivatives are made.
    pub(super) fn has_rules(&self, id: usize) -> bool {
        let attributes = &self.fns[id].item.attrs;
        attributes.iter().any(|attribute| {
            ["checkpoint", "custom_vjp", "custom_jvp"].contains(&attribute.name.name.as_str())
        })
    }

    /// Checks the rules of a function by themselves.
    pub(super) fn check_rules(&mut self, id: usize, signature: &Signature) {
        let key = (id, vec![None; signature.dims.len()], None);
        let _ = self.rules(signature, &key);
    }

    /// What an instance of a function says of its derivative, with rules in the core.
    pub(super) fn rules(&mut self, signature: &Signature, key: &InstanceKey) -> Res<Rules> {
        let item = self.fns[key.0].item;
        let has = |name: &str| item.attrs.iter().find(|a| a.name.name == name);
        let mut rules = Rules {
            checkpoint: has("checkpoint").is_some(),
            vjp: None,
            jvp: None,
        };
        for kind in [Kind::Vjp, Kind::Jvp] {
            let Some(attribute) = has(kind.attribute()) else {
                continue;
            };
            let id = self.rule_named(attribute)?;
            let rule = Rule {
                kind,
                id,
                attribute,
            };
            self.check_shape_of_rule(signature, &rule)?;
            let mut func = self.around_rule(signature, key, &rule)?;
            func.name = self.unique_name(&format!("{}.{}", signature.name, kind.attribute()));
            if self.mode == Mode::Definition {
                continue;
            }
            let index = Some(self.funcs.len());
            self.funcs.push(Some(func));
            match kind {
                Kind::Vjp => rules.vjp = index,
                Kind::Jvp => rules.jvp = index,
            }
        }
        Ok(rules)
    }

    /// The function that an attribute names.
    fn rule_named(&mut self, attribute: &'a ast::Attribute) -> Res<usize> {
        let name = &attribute.name.name;
        let [
            ast::Arg {
                name: None, value, ..
            },
        ] = attribute.args.as_slice()
        else {
            let message = format!("`@{name}` names one function, the rule");
            let diagnostic = Diagnostic::error(Code::DL0605, message, attribute.span)
                .help(format!("it is written `@{name}(rule)`"));
            return Err(self.report(diagnostic));
        };
        let ExprKind::Path(path) = &value.kind else {
            let message = format!("the argument of `@{name}` is the name of a function");
            return self.error(Code::DL0605, message, value.span);
        };
        let item = match path.as_ident() {
            None => self.resolve_path(path)?,
            Some(ident) => match self.item_named(&ident.name, ident.span) {
                Some(item) => item,
                None => {
                    let message = format!("there is nothing called `{}`", ident.name);
                    return self.error(Code::DL0601, message, ident.span);
                }
            },
        };
        match item {
            Item::Fn(id) => Ok(id),
            Item::Unknown => Err(Reported),
            _ => {
                let message = format!("`{path}` is no function, and a rule is one");
                self.error(Code::DL0605, message, value.span)
            }
        }
    }

    /// What can be said of a rule before its types: who takes part in it, and how many arguments it has.
    fn check_shape_of_rule(&mut self, signature: &Signature, rule: &Rule<'a>) -> Res<()> {
        let of_rule = self.fns[rule.id].sig.clone().ok_or(Reported)?;
        let span = rule.attribute.span;
        for signature in [signature, &of_rule] {
            let message = match &signature.params {
                params if params.iter().any(|param| param.inout) => "changes a parameter",
                params if params.iter().any(|param| matches!(param.ty, Ty::Fn(_))) => {
                    "takes a function"
                }
                _ => continue,
            };
            let message = format!(
                "`{}` {message}, and a derivative by a rule is of values",
                signature.name
            );
            let diagnostic = Diagnostic::error(Code::DL0305, message, span)
                .secondary(signature.name_span, "declared here");
            return Err(self.report(diagnostic));
        }
        let (expected, _) = self.form_of_rule(signature, rule)?;
        if expected.len() != of_rule.params.len() {
            let message = format!(
                "it takes {}, not {}",
                count(of_rule.params.len(), "argument"),
                expected.len()
            );
            return Err(self.unfit(signature, rule, &message));
        }
        Ok(())
    }

    /// The parameters of a rule, by name and type, and its result.
    fn form_of_rule(
        &mut self,
        signature: &Signature,
        rule: &Rule<'a>,
    ) -> Res<(Vec<(String, Ty)>, Ty)> {
        let span = rule.attribute.span;
        let mut params: Vec<(String, Ty)> = Vec::new();
        let mut floats = Vec::new();
        for param in &signature.params {
            params.push((param.name.clone(), param.ty.clone()));
            if self.holds_floats(&param.ty, span)? {
                floats.push((format!("d{}", param.name), param.ty.clone()));
            }
        }
        if floats.is_empty() || !self.holds_floats(&signature.result, span)? {
            let message = format!(
                "`{}` takes or gives no floats, so it has no derivative",
                signature.name
            );
            return self.error(Code::DL0305, message, span);
        }
        let result = match rule.kind {
            Kind::Vjp => {
                params.push(("ct".to_string(), signature.result.clone()));
                let mut gradients: Vec<Ty> = floats.into_iter().map(|(_, ty)| ty).collect();
                match gradients.len() {
                    1 => gradients.remove(0),
                    _ => Ty::Tuple(gradients),
                }
            }
            Kind::Jvp => {
                params.extend(floats);
                signature.result.clone()
            }
        };
        Ok((params, result))
    }

    /// Whether a tree has a float leaf; one that also has keys is reported, since nothing could stand for a key in its
    /// derivative.
    fn holds_floats(&mut self, ty: &Ty, span: Span) -> Res<bool> {
        if let Ty::Fn(_) = ty {
            return Ok(false);
        }
        if ty.has_error() {
            return Err(Reported);
        }
        let leaves = self.leaves(ty, "", span)?;
        let has = |wanted: &dyn Fn(DType) -> bool| leaves.iter().any(|leaf| wanted(leaf.ty.dtype));
        if has(&is_float) && has(&|dtype| dtype == DType::Key) {
            let message = format!("`{ty}` holds floats and keys, and a key has no derivative");
            let diagnostic = Diagnostic::error(Code::DL0305, message, span)
                .help("keep keys apart from what is differentiated");
            return Err(self.report(diagnostic));
        }
        Ok(has(&is_float))
    }

    /// The function of the core around a rule.
    fn around_rule(
        &mut self,
        signature: &Signature,
        (id, known, precision): &InstanceKey,
        rule: &Rule<'a>,
    ) -> Res<Func> {
        let (dims, facts, passed) = self.dims_of(signature, known);
        let context = FnContext {
            name: signature.name.clone(),
            item: None,
            dims,
            inlined: Vec::new(),
            precision: *precision,
        };
        let scope = Scope::root(Rc::new(context));
        self.push_frame(passed, facts);
        self.keys = Default::default();
        let results = self.with_scope(scope, |checker| checker.call_rule(signature, rule));
        let frame = self.frames.pop().ok_or(Reported)?;
        let mut func = frame.finish(signature.name.clone(), self.fns[*id].ast.name.span);
        func.results = results?;
        Ok(func)
    }

    /// Calls a rule with parameters for the leaves; gives its float leaves.
    fn call_rule(&mut self, signature: &Signature, rule: &Rule<'a>) -> Res<Vec<FuncResult>> {
        let (params, result) = self.form_of_rule(signature, rule)?;
        let span = rule.attribute.span;
        let dims = self.scope.function.clone();
        let in_body =
            |ty: &Ty| ty.map_dims(&|dim| dim.substitute(&|name| dims.dims.get(name).cloned()));
        let mut args = Vec::new();
        for (i, (name, ty)) in params.iter().enumerate() {
            let own = i < signature.params.len();
            let value =
                self.value_of(&in_body(ty), name, span, &mut |checker, path, ty| match own
                    || is_float(ty.dtype)
                {
                    true => Ok(checker.frame().push_param(Param {
                        path: path.to_string(),
                        ty: ty.clone(),
                        inout: false,
                        span,
                    })),
                    false => checker.zero(ty, span),
                })?;
            args.push(Arg {
                name: None,
                operand: Operand {
                    value,
                    span,
                    expr: None,
                },
            });
        }
        let site = Site { span, callee: span };
        let errors = self.diagnostics.len();
        let called = self.call(&Rc::new(FnValue::Item(rule.id)), args, &[], site);
        let value = called.and_then(|value| {
            let name = &self.fns[rule.id].ast.name.name;
            let expected = Expected::new(format!("the result of `{name}`"), Code::DL0305);
            self.coerce(value, &in_body(&result), span, &expected)
        });
        let value = value.map_err(|reported| match self.diagnostics.len() > errors {
            true => {
                let found = self.diagnostics.split_off(errors);
                self.unfit(signature, rule, &found[0].message)
            }
            false => reported,
        })?;
        let leaves = value.nodes().into_iter();
        let leaves: Vec<NodeId> = leaves.filter(|id| is_float(self.dtype(*id))).collect();
        let mut results = Vec::new();
        for (i, id) in leaves.into_iter().enumerate() {
            results.push(FuncResult {
                path: format!("out.{i}"),
                node: id.index,
            });
        }
        Ok(results)
    }

    /// Zeros of an integer or boolean type.
    fn zero(&mut self, ty: &TensorType, span: Span) -> Res<NodeId> {
        let zero = match ty.dtype {
            DType::Bool => Num::Bool(false),
            _ => Num::Int(0),
        };
        let scalar = self.scalar(zero, ty.dtype, span)?;
        self.broadcast_to(scalar, &ty.shape, span)
    }

    /// Reports a rule that does not fit.
    fn unfit(&mut self, signature: &Signature, rule: &Rule<'a>, why: &str) -> Reported {
        let Some(of_rule) = self.fns[rule.id].sig.clone() else {
            return Reported;
        };
        let form = self.form_of_rule(signature, rule);
        let (of, kind) = (&signature.name, rule.kind.attribute());
        let message = format!("`{}` is no rule for `{of}`: {why}", of_rule.name);
        let mut diagnostic = Diagnostic::error(Code::DL0305, message, of_rule.name_span)
            .secondary(rule.attribute.span, "named here");
        if let Ok((params, result)) = form {
            let params: Vec<String> = params
                .iter()
                .map(|(name, ty)| format!("{name}: {ty}"))
                .collect();
            diagnostic = diagnostic.help(format!(
                "`@{kind}` of `{of}` takes `fn {}({}) -> {result}`",
                of_rule.name,
                params.join(", ")
            ));
        }
        self.report(diagnostic)
    }
}
