//! The arguments of a call of a function of the file: which parameter each is for, what dims they fix, and what the
//! function asks of these.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::ast::{BinaryOp, DimArg, Span};
use crate::check::Checker;
use crate::check::binary::Operand;
use crate::check::call::{Arg, Site, count_given};
use crate::check::convert::Expected;
use crate::check::dims::{Condition, count, holds};
use crate::check::items::Signature;
use crate::check::types::Ty;
use crate::check::unify::Bindings;
use crate::check::value::{Reported, Res, Value};
use crate::core::Dim;
use crate::diagnostic::{Code, Diagnostic, similar};

/// A call whose arguments fit.
pub(super) struct Prepared<'a> {
    /// The function that is called.
    pub id: usize,
    pub signature: Rc<Signature>,
    pub bindings: Bindings,
    pub operands: Vec<Operand<'a>>,
    /// The arguments as the parameters' types.
    pub values: Vec<Value<'a>>,
}

impl<'a> Checker<'a> {
    /// Fits arguments to a signature: finds the dims, and checks types and conditions.
    pub(super) fn prepare_call(
        &mut self,
        id: usize,
        args: Vec<Arg<'a>>,
        dims: &'a [DimArg],
        site: Site,
    ) -> Res<Prepared<'a>> {
        self.note_call(id, site.callee);
        let signature = self.fns[id].sig.clone().ok_or(Reported)?;
        let operands = self.arguments_of(&signature, args, site)?;
        let given: Vec<(Value<'a>, Span)> = operands
            .iter()
            .map(|operand| (operand.value.clone(), operand.span))
            .collect();
        let id = self.function_for(id, &given, site.callee)?;
        let signature = self.fns[id].sig.clone().ok_or(Reported)?;
        let mut bindings =
            Bindings::new(signature.dims.iter().map(|dim| dim.name.clone()).collect());
        for dim in dims {
            self.explicit_dim(&signature, dim, &mut bindings)?;
        }
        for (param, operand) in signature.params.iter().zip(&operands) {
            self.unify_value(&param.ty, &operand.value, &mut bindings);
        }
        self.solve(&mut bindings);
        if let Some(reported) = self.report_swapped(&signature, &operands, &bindings) {
            return Err(reported);
        }
        let mut values = Vec::new();
        for (param, operand) in signature.params.iter().zip(&operands) {
            let ty = bindings.apply(&param.ty);
            let mut expected = Expected::new(
                format!("argument `{}` of `{}`", param.name, signature.name),
                Code::DL0204,
            )
            .declared(param.span, "declared here");
            if let Some(expr) = operand.expr {
                expected = expected.expr(expr);
            }
            values.push(self.coerce(operand.value.clone(), &ty, operand.span, &expected));
        }
        let values = values.into_iter().collect::<Res<Vec<_>>>()?;
        if let Some(missing) = bindings.unbound() {
            let message = format!("dim `{missing}` of `{}` cannot be inferred", signature.name);
            let span = signature
                .dims
                .iter()
                .find(|dim| dim.name == missing)
                .map(|dim| dim.span);
            let mut diagnostic = Diagnostic::error(Code::DL0221, message, site.callee)
                .help(format!("give it: `{}<{missing}=…>(…)`", signature.name));
            if let Some(span) = span {
                diagnostic = diagnostic.secondary(span, "declared here");
            }
            return Err(self.report(diagnostic));
        }
        self.check_conditions(&signature, &bindings, site)?;
        Ok(Prepared {
            id,
            signature,
            bindings,
            operands,
            values,
        })
    }

    /// Reports two arguments that would fit the other way round.
    fn report_swapped(
        &mut self,
        signature: &Signature,
        operands: &[Operand<'a>],
        bindings: &Bindings,
    ) -> Option<Reported> {
        let types: Vec<Ty> = signature
            .params
            .iter()
            .map(|param| bindings.apply(&param.ty))
            .collect();
        let found: Vec<Option<Ty>> = operands
            .iter()
            .map(|operand| self.type_of(&operand.value))
            .collect();
        let wrong: Vec<usize> = (0..types.len())
            .filter(|i| {
                found[*i]
                    .as_ref()
                    .is_some_and(|found| !same_kind(found, &types[*i]))
            })
            .collect();
        let [i, j] = wrong.as_slice() else {
            return None;
        };
        let (a, b) = (found[*i].as_ref()?, found[*j].as_ref()?);
        if !same_kind(a, &types[*j]) || !same_kind(b, &types[*i]) {
            return None;
        }
        let (first, second) = (operands[*i].span, operands[*j].span);
        let texts = (self.sources.slice(first), self.sources.slice(second));
        let names = (&signature.params[*i].name, &signature.params[*j].name);
        let message = format!(
            "arguments `{}` and `{}` of `{}` stand the other way round",
            names.0, names.1, signature.name
        );
        let mut diagnostic = Diagnostic::error(Code::DL0204, message, first)
            .label(format!("this is `{a}`, expected `{}`", types[*i]))
            .secondary(second, format!("this is `{b}`, expected `{}`", types[*j]))
            .secondary(signature.name_span, "declared here");
        if first.end <= second.start {
            let between = Span {
                start: first.end,
                end: second.start,
                ..first
            };
            let swapped = format!("{}{}{}", texts.1, self.sources.slice(between), texts.0);
            diagnostic = diagnostic.suggest("swap them", first.to(second), swapped);
        }
        Some(self.report(diagnostic))
    }

    /// The argument for each parameter.
    fn arguments_of(
        &mut self,
        signature: &Signature,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Vec<Operand<'a>>> {
        let mut slots: Vec<Option<Operand<'a>>> = signature.params.iter().map(|_| None).collect();
        let mut failed = false;
        let given = args.len();
        for (i, arg) in args.into_iter().enumerate() {
            let position = match arg.name {
                None => (i < slots.len()).then_some(i),
                Some(name) => {
                    let position = signature
                        .params
                        .iter()
                        .position(|param| param.name == name.name);
                    if position.is_none() {
                        let message =
                            format!("`{}` has no parameter `{}`", signature.name, name.name);
                        let mut diagnostic = Diagnostic::error(Code::DL0702, message, name.span);
                        let names = signature.params.iter().map(|param| param.name.as_str());
                        if let Some(similar) = similar(&name.name, names) {
                            diagnostic =
                                diagnostic.suggest("a similar one exists", name.span, similar);
                        } else if signature.dims.iter().any(|dim| dim.name == name.name) {
                            diagnostic =
                                diagnostic.help(format!("dims are given in `<{}=…>`", name.name));
                        } else {
                            let names: Vec<String> = signature
                                .params
                                .iter()
                                .map(|param| format!("`{}`", param.name))
                                .collect();
                            diagnostic =
                                diagnostic.help(format!("its parameters are {}", names.join(", ")));
                        }
                        diagnostic = diagnostic.secondary(signature.name_span, "declared here");
                        self.report(diagnostic);
                        failed = true;
                        continue;
                    }
                    position
                }
            };
            let Some(position) = position else {
                if !failed {
                    let message = format!(
                        "`{}` takes {}, and {} given",
                        signature.name,
                        count(signature.params.len(), "argument"),
                        count_given(given)
                    );
                    let diagnostic = Diagnostic::error(Code::DL0701, message, arg.operand.span)
                        .label("nothing takes this")
                        .secondary(signature.name_span, "declared here");
                    self.report(diagnostic);
                }
                failed = true;
                continue;
            };
            if slots[position].is_some() {
                let message = format!("`{}` is given twice", signature.params[position].name);
                let mut diagnostic =
                    Diagnostic::error(Code::DL0701, message, arg.operand.span).label("again here");
                if let Some(first) = &slots[position] {
                    diagnostic = diagnostic.secondary(first.span, "first here");
                }
                self.report(diagnostic);
                failed = true;
            }
            slots[position] = Some(arg.operand);
        }
        for (param, slot) in signature.params.iter().zip(&mut slots) {
            if let (None, Some(default)) = (&slot, param.default) {
                *slot = Some(Operand {
                    value: Value::Num(default),
                    span: site.span,
                    expr: None,
                });
            }
        }
        let missing: Vec<String> = signature
            .params
            .iter()
            .zip(&slots)
            .filter(|(_, slot)| slot.is_none())
            .map(|(param, _)| format!("`{}: {}`", param.name, param.ty))
            .collect();
        if !missing.is_empty() && !failed {
            let message = format!(
                "`{}` is called without {}",
                signature.name,
                missing.join(" and ")
            );
            let mut diagnostic = Diagnostic::error(Code::DL0701, message, site.span);
            if let Some((param, _)) = signature
                .params
                .iter()
                .zip(&slots)
                .find(|(_, slot)| slot.is_none())
            {
                diagnostic = diagnostic.secondary(param.span, "declared here");
            }
            return Err(self.report(diagnostic));
        }
        if failed {
            Err(Reported)
        } else {
            Ok(slots.into_iter().flatten().collect())
        }
    }

    fn explicit_dim(
        &mut self,
        signature: &Signature,
        arg: &'a DimArg,
        bindings: &mut Bindings,
    ) -> Res<()> {
        let Some(name) = &arg.name else {
            return self.error(Code::DL0701, "a dim is given by name, `T=8`", arg.span);
        };
        if !signature.dims.iter().any(|dim| dim.name == name.name) {
            let mut diagnostic = Diagnostic::error(
                Code::DL0702,
                format!("`{}` has no dim `{}`", signature.name, name.name),
                name.span,
            );
            let names = signature.dims.iter().map(|dim| dim.name.as_str());
            if let Some(similar) = similar(&name.name, names) {
                diagnostic = diagnostic.suggest("a similar one exists", name.span, similar);
            } else if signature.dims.is_empty() {
                diagnostic = diagnostic.help("it is not generic");
            } else {
                let names: Vec<String> = signature
                    .dims
                    .iter()
                    .map(|dim| format!("`{}`", dim.name))
                    .collect();
                diagnostic = diagnostic.help(format!("its dims are {}", names.join(", ")));
            }
            diagnostic = diagnostic.secondary(signature.name_span, "declared here");
            return Err(self.report(diagnostic));
        }
        let dim = self.body_dim(&arg.value)?;
        self.check_size(&dim, arg.value.span)?;
        bindings.bind(&name.name, dim);
        Ok(())
    }

    /// The conditions and ranges of a function that is called.
    fn check_conditions(
        &mut self,
        signature: &Signature,
        bindings: &Bindings,
        site: Site,
    ) -> Res<()> {
        for condition in &signature.conditions {
            if condition.on_value {
                let message = format!(
                    "the condition of `{}` is checked only where the library is called",
                    signature.name
                );
                let diagnostic = Diagnostic::error(Code::DL0222, message, site.callee)
                    .secondary(condition.span, "it is on the value of a parameter")
                    .help("move the body to a function without the condition, and call that");
                return Err(self.report(diagnostic));
            }
            let (left, right) = (
                bindings.apply_dim(&condition.left),
                bindings.apply_dim(&condition.right),
            );
            if self.decide(condition.rel, &left, &right) == Some(true) {
                continue;
            }
            return Err(self.condition_fails(signature, condition, bindings, &left, &right, site));
        }
        for dim in &signature.dims {
            let (Some((min, max)), Some(value)) = (dim.range, bindings.get(&dim.name)) else {
                continue;
            };
            let above = self.decide(BinaryOp::Ge, value, &Dim::constant(min));
            let below = max.map_or(Some(true), |max| {
                self.decide(BinaryOp::Le, value, &Dim::constant(max))
            });
            if above == Some(true) && below == Some(true) {
                continue;
            }
            let range = dlc_abi::status::range_text(min, max);
            let known = super::convert::dim_text(value);
            let message = if above == Some(false) || below == Some(false) {
                format!(
                    "`{}` of `{}` is {known}, outside {range}",
                    dim.name, signature.name
                )
            } else {
                format!(
                    "`{}` of `{}` is {known}, which may be outside {range}",
                    dim.name, signature.name
                )
            };
            let mut diagnostic = Diagnostic::error(Code::DL0223, message, site.callee)
                .secondary(dim.span, "the range is declared here");
            if let Some(name) = value.poly().as_name() {
                diagnostic = diagnostic.help(format!(
                    "give the caller's dim a range inside it: `{name} in {range}`"
                ));
            } else if value.as_const().is_none() {
                diagnostic = diagnostic.help(format!("say so: `where {value} >= {min}`"));
            }
            return Err(self.report(diagnostic));
        }
        Ok(())
    }

    fn condition_fails(
        &mut self,
        signature: &Signature,
        condition: &Condition,
        bindings: &Bindings,
        left: &Dim,
        right: &Dim,
        site: Site,
    ) -> Reported {
        let text = self.text(condition.span);
        let dims: Vec<String> = signature
            .dims
            .iter()
            .filter(|dim| {
                condition.left.poly().names().contains(&dim.name)
                    || condition.right.poly().names().contains(&dim.name)
            })
            .filter_map(|dim| {
                let here = bindings.get(&dim.name)?.to_string();
                (here != dim.name).then(|| format!("{} is {here}", dim.name))
            })
            .collect();
        let always = match (left.as_const(), right.as_const()) {
            (Some(a), Some(b)) => !holds(condition.rel, a, b),
            _ => self.decide(condition.rel, left, right) == Some(false),
        };
        let here = format!("{left} {} {right}", condition.rel.symbol());
        let message = if always {
            format!(
                "`{}` needs `{text}`, which does not hold here",
                signature.name
            )
        } else {
            format!(
                "`{}` needs `{text}`, and nothing says that `{here}` holds",
                signature.name
            )
        };
        let mut diagnostic = Diagnostic::error(Code::DL0222, message, site.callee)
            .secondary(condition.span, "the condition");
        if !dims.is_empty() {
            diagnostic = diagnostic.label(format!("here {}", dims.join(", ")));
        }
        if !always {
            diagnostic = diagnostic.help(format!("add `where {here}` to the caller"));
        }
        self.report(diagnostic)
    }

    /// The arguments for `inout` parameters are variables, each given once.
    pub(super) fn inout_places(
        &mut self,
        signature: &Signature,
        operands: &[Operand<'a>],
    ) -> Res<()> {
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for (param, operand) in signature.params.iter().zip(operands) {
            if !param.inout {
                continue;
            }
            let Some(expr) = operand.expr else {
                let message = format!(
                    "`{}` has an `inout` parameter and cannot be used here",
                    signature.name
                );
                return self.error(Code::DL0403, message, operand.span);
            };
            let what = format!("`{}` of `{}`", param.name, signature.name);
            self.place_root(expr, &what, param.span)?;
            let place = self.text(expr.span);
            let clash = seen.iter().find(|(known, _)| {
                let inside = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}."));
                inside(known, &place) || inside(&place, known)
            });
            if let Some((known, first)) = clash {
                let message = match *known == place {
                    true => format!("`{place}` is passed to two `inout` parameters"),
                    false => {
                        format!("`{known}` and `{place}` overlap, and both are passed as `inout`")
                    }
                };
                let diagnostic = Diagnostic::error(Code::DL0404, message, operand.span)
                    .secondary(*first, "first here")
                    .help(
                        "pass variables that are not parts of each other: `var copy = …` makes one",
                    );
                return Err(self.report(diagnostic));
            }
            seen.insert(place, operand.span);
        }
        Ok(())
    }
}

/// Whether two types are of one structure, dims left aside.
fn same_kind(a: &Ty, b: &Ty) -> bool {
    match (a, b) {
        (Ty::Tensor(a), Ty::Tensor(b)) => a.dtype == b.dtype && a.rank() == b.rank(),
        (Ty::Struct(a), Ty::Struct(b)) => a.id == b.id,
        (Ty::Tuple(a), Ty::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_kind(a, b))
        }
        (Ty::List(a, _), Ty::List(b, _)) => same_kind(a, b),
        (Ty::Error, _) | (_, Ty::Error) => true,
        _ => false,
    }
}
