//! `jvp`, `vjp` and `hvp`: derivatives in a direction, and cotangents taken back.

use std::rc::Rc;

use crate::ast::Span;
use crate::check::Checker;
use crate::check::binary::Operand;
use crate::check::call::{Arg, Site};
use crate::check::consts::is_float;
use crate::check::convert::Expected;
use crate::check::derivative::Target;
use crate::check::types::Ty;
use crate::check::value::{FnValue, GradFn, NodeId, Pullback, Reported, Res, Value};
use crate::core::{DerivativeKind, TensorType};
use crate::diagnostic::{Code, Diagnostic};

impl<'a> Checker<'a> {
    /// The value of a function and its tangent: `primals` and `tangents` are tuples, an argument an item. A tangent
    /// that is `none` is zero.
    pub(crate) fn jvp(
        &mut self,
        f: &Rc<FnValue<'a>>,
        primals: &Operand<'a>,
        tangents: &Operand<'a>,
        site: Site,
    ) -> Res<(Value<'a>, Value<'a>)> {
        let args = self.items(primals, "the primals")?;
        let given = self.items(tangents, "the tangents")?;
        if args.len() != given.len() {
            let message = format!(
                "there are {} primals and {} tangents",
                args.len(),
                given.len()
            );
            let diagnostic = Diagnostic::error(Code::DL0219, message, tangents.span)
                .secondary(primals.span, "the primals")
                .help("give each primal a tangent; one that is zero may be `none`");
            return Err(self.report(diagnostic));
        }
        let args = args.into_iter().map(|value| unnamed(value, primals.span));
        let target = self.target(f, args.collect(), site)?;
        let (mut wrt, mut nodes) = (Vec::new(), Vec::new());
        for (position, tangent) in given.into_iter().enumerate() {
            if let Value::None = tangent {
                continue;
            }
            let place = format!("the tangent of argument {}", position + 1);
            wrt.extend(self.float_leaves(&target, position, site)?);
            nodes.extend(self.like(tangent, &target.values[position], tangents.span, place)?);
        }
        let floats = self.float_results(&target, site)?;
        let types = [target.results.clone(), floats].concat();
        let derivative = (DerivativeKind::Jvp, wrt);
        let mut results = self.derivative(&target, derivative, &nodes, types, site.span)?;
        let value = results.of_type(self, &target.result)?;
        let tangent = results.of_type(self, &target.result)?;
        Ok((value, tangent))
    }

    /// The product of the Hessian of a function, which gives a scalar, and directions: a tree for each argument that
    /// has one, in a tuple if there are several.
    pub(crate) fn hvp(
        &mut self,
        f: &Rc<FnValue<'a>>,
        primals: &Operand<'a>,
        directions: &Operand<'a>,
        site: Site,
    ) -> Res<Value<'a>> {
        let given = self.items(directions, "the directions")?;
        let has = |position: &usize| !matches!(given[*position], Value::None);
        let wrt: Vec<usize> = (0..given.len()).filter(has).collect();
        if wrt.is_empty() {
            let message = "there is no direction";
            return self.error(Code::DL0304, message, directions.span);
        }
        let gradient = Rc::new(FnValue::Grad(GradFn {
            f: f.clone(),
            single: wrt.len() == 1,
            wrt,
            has_aux: false,
            value: false,
            span: site.span,
        }));
        let (_, product) = self.jvp(&gradient, primals, directions, site)?;
        Ok(product)
    }

    /// The value of a function, and the function that takes cotangents of it back.
    pub(crate) fn vjp(
        &mut self,
        f: &Rc<FnValue<'a>>,
        args: Vec<Operand<'a>>,
        site: Site,
    ) -> Res<Value<'a>> {
        let args = args.into_iter().map(|operand| Arg {
            name: None,
            operand,
        });
        let target = self.target(f, args.collect(), site)?;
        self.float_results(&target, site)?;
        let value = self.value_of_target(&target, site.span)?;
        let pullback = FnValue::Pullback(Pullback {
            target,
            span: site.span,
        });
        Ok(Value::tuple(vec![value, Value::Fn(Rc::new(pullback))]))
    }

    /// Calls what `vjp` gives: a gradient for each argument, in a tuple; `none` for one without floats.
    pub(super) fn call_pullback(
        &mut self,
        pullback: &Pullback<'a>,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Value<'a>> {
        let target = &pullback.target;
        let [arg] = args.as_slice() else {
            let message = "a pullback takes one cotangent, in the structure of the result";
            return self.error(Code::DL0701, message, site.span);
        };
        let (value, span) = (arg.operand.value.clone(), arg.operand.span);
        let cotangents = self.of_type(value, &target.result, span, "the cotangent")?;
        let (mut wrt, mut types) = (Vec::new(), Vec::new());
        let mut differentiated = Vec::new();
        for position in 0..target.values.len() {
            let leaves = target.leaves(position)?;
            let has = leaves
                .iter()
                .any(|(_, node)| is_float(self.ty(*node).dtype));
            differentiated.push(has);
            if has {
                wrt.extend(self.float_leaves(target, position, site)?);
                types.extend(leaves.iter().map(|(_, node)| self.ty(*node).clone()));
            }
        }
        if wrt.is_empty() {
            let message = "no argument is made of floats, so there is nothing to take back to";
            return self.error(Code::DL0303, message, pullback.span);
        }
        let derivative = (DerivativeKind::Vjp, wrt);
        let mut results = self.derivative(target, derivative, &cotangents, types, site.span)?;
        let mut gradients = Vec::new();
        for (has, value) in differentiated.into_iter().zip(&target.values) {
            gradients.push(match has {
                true => results.tree(self, value)?,
                false => Value::None,
            });
        }
        Ok(Value::tuple(gradients))
    }

    /// The items of a tuple of arguments.
    fn items(&mut self, operand: &Operand<'a>, what: &str) -> Res<Vec<Value<'a>>> {
        match &operand.value {
            Value::Tuple(items) => Ok(items.to_vec()),
            Value::Error => Err(Reported),
            _ => {
                let message = format!("{what} stand in a tuple, an item for each argument");
                let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span);
                let text = self.sources.slice(operand.span).to_string();
                let diagnostic =
                    diagnostic.suggest("a tuple of one", operand.span, format!("({text},)"));
                Err(self.report(diagnostic))
            }
        }
    }

    /// The numbers of an argument's leaves, which are all floats.
    pub(super) fn float_leaves(
        &mut self,
        target: &Target<'a>,
        position: usize,
        site: Site,
    ) -> Res<Vec<u32>> {
        let mut numbers = Vec::new();
        for (number, node) in target.leaves(position)? {
            let ty = self.ty(node).clone();
            if !is_float(ty.dtype) {
                let value = &target.values[position];
                return Err(self.not_differentiable(node, &ty, value, site.span, site));
            }
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// The types of the results' leaves, which are all floats.
    pub(super) fn float_results(
        &mut self,
        target: &Target<'a>,
        site: Site,
    ) -> Res<Vec<TensorType>> {
        match target.results.iter().find(|ty| !is_float(ty.dtype)) {
            None if !target.results.is_empty() => Ok(target.results.clone()),
            found => {
                let part = found.map_or("nothing".to_string(), |ty| format!("`{ty}`"));
                let message = format!("a derivative is of floats, and this function gives {part}");
                let diagnostic = Diagnostic::error(Code::DL0303, message, site.span)
                    .help("let it give only what is differentiated");
                Err(self.report(diagnostic))
            }
        }
    }

    /// The leaves of a value in the structure and the types of another one.
    fn like(
        &mut self,
        value: Value<'a>,
        like: &Value<'a>,
        span: Span,
        what: String,
    ) -> Res<Vec<NodeId>> {
        let ty = self.type_of(like).ok_or(Reported)?;
        self.of_type(value, &ty, span, &what)
    }

    /// The leaves of a value that has to have a type.
    fn of_type(&mut self, value: Value<'a>, ty: &Ty, span: Span, what: &str) -> Res<Vec<NodeId>> {
        let expected = Expected::new(what, Code::DL0204);
        let value = self.coerce(value, ty, span, &expected)?;
        Ok(value.nodes())
    }
}

/// An argument by position.
fn unnamed<'a>(value: Value<'a>, span: Span) -> Arg<'a> {
    Arg {
        name: None,
        operand: Operand {
            value,
            span,
            expr: None,
        },
    }
}
