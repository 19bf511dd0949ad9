//! Items: their types and signatures.

use std::rc::Rc;
use std::sync::Arc;

use crate::ast::{self, Expr, ExprKind, GenericKind, Span};
use crate::check::dims::{Condition, DimNames};
use crate::check::generic::Generics;
use crate::check::types::Ty;
use crate::check::value::Res;
use crate::check::{Checker, Reported};
use crate::core::Num;
use crate::diagnostic::{Code, Diagnostic};

/// How far a constant is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConstState {
    /// Not looked at.
    New,
    /// Being evaluated.
    Busy,
    /// Evaluated.
    Done(Res<Num>),
}

/// A constant.
pub(crate) struct ConstItem<'a> {
    pub ast: &'a ast::Const,
    pub state: ConstState,
}

/// A struct.
#[derive(Clone)]
pub(crate) struct StructItem<'a> {
    pub ast: &'a ast::Struct,
    pub name: Arc<str>,
    pub dims: Vec<String>,
    /// What its type parameters stand for, if it has any.
    pub generics: Option<Rc<Generics>>,
    /// The struct that it is a special case of; its own number for any other.
    pub base: usize,
    /// Its fields' types in terms of its own dims.
    pub fields: Vec<Ty>,
}

/// A function.
#[derive(Clone)]
pub(crate) struct FnItem<'a> {
    pub ast: &'a ast::Fn,
    pub item: &'a ast::Item,
    /// What its type parameters stand for, if it has any.
    pub generics: Option<Rc<Generics>>,
    /// The function that it is a special case of; its own number for any other.
    pub base: usize,
    pub sig: Option<Rc<Signature>>,
    /// Whether the check by itself reported an error.
    pub failed: bool,
    /// Whether it takes function values, so that calls put it in place.
    pub inlined: bool,
}

/// The signature of a function, in terms of its own dims.
#[derive(Debug)]
pub(crate) struct Signature {
    /// Where its name stands.
    pub name_span: Span,
    pub name: String,
    pub dims: Vec<SigDim>,
    pub params: Vec<SigParam>,
    pub result: Ty,
    /// Where the result's type stands; the name where there is none.
    pub result_span: Span,
    pub conditions: Vec<Condition>,
}

/// A dim of a signature.
#[derive(Debug)]
pub(crate) struct SigDim {
    pub name: String,
    pub span: Span,
    pub range: Option<(i64, Option<i64>)>,
}

/// A parameter of a signature.
#[derive(Debug)]
pub(crate) struct SigParam {
    pub name: String,
    pub ty: Ty,
    pub span: Span,
    pub inout: bool,
    /// The value where a call gives none.
    pub default: Option<Num>,
}

impl<'a> Checker<'a> {
    /// Gives constants their values, and structs and functions their types.
    pub(super) fn resolve_items(&mut self) {
        for id in 0..self.consts.len() {
            let _ = self.const_value(id);
        }
        for id in 0..self.structs.len() {
            self.resolve_struct(id);
        }
        self.check_struct_cycles();
        for id in 0..self.fns.len() {
            self.declare_fn(id);
        }
        self.check_attributes();
        self.check_export_names();
    }

    /// Finds the signature of a function.
    pub(super) fn declare_fn(&mut self, id: usize) {
        let generics = self.fns[id].generics.clone();
        let outer = std::mem::replace(&mut self.declaring, generics);
        let signature = self.resolve_signature(id);
        self.declaring = outer;
        if let Ok(signature) = signature {
            self.fns[id].inlined = signature
                .params
                .iter()
                .any(|param| matches!(param.ty, Ty::Fn(_)));
            self.fns[id].sig = Some(Rc::new(signature));
        }
    }

    /// The value of a constant.
    pub(super) fn const_value(&mut self, id: usize) -> Res<Num> {
        let ast = self.consts[id].ast;
        match self.consts[id].state {
            ConstState::Done(value) => return value,
            ConstState::Busy => {
                let path = self.const_path.iter().skip_while(|busy| **busy != id);
                let names = path.chain([&id]).map(|id| &self.consts[*id].ast.name.name);
                let circle: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                let mut message = format!("`const {}` needs its own value", ast.name.name);
                if circle.len() > 2 {
                    message += &format!(": {}", circle.join(" -> "));
                }
                let diagnostic = Diagnostic::error(Code::DL0606, message, ast.value.span)
                    .help("break the circle: write one of the values as a number");
                self.consts[id].state = ConstState::Done(Err(Reported));
                return Err(self.report(diagnostic));
            }
            ConstState::New => {}
        }
        self.consts[id].state = ConstState::Busy;
        self.const_path.push(id);
        let value = self.eval_const(&ast.name.name, &ast.value);
        self.const_path.pop();
        if let ConstState::Busy = self.consts[id].state {
            self.consts[id].state = ConstState::Done(value);
        }
        match self.consts[id].state {
            ConstState::Done(value) => value,
            ConstState::New | ConstState::Busy => value,
        }
    }

    /// Finds the types of a struct's fields.
    pub(super) fn resolve_struct(&mut self, id: usize) {
        let generics = self.structs[id].generics.clone();
        if let (Some(generics), true) = (&generics, self.structs[id].base == id) {
            self.structs[id].dims.extend(generics.dim_names());
        }
        let outer = std::mem::replace(&mut self.declaring, generics);
        self.resolve_fields(id);
        self.declaring = outer;
    }

    fn resolve_fields(&mut self, id: usize) {
        let ast = self.structs[id].ast;
        let names = self.dim_names(&ast.dims);
        for dim in &ast.dims {
            if let Some(range) = &dim.range {
                let _ = self.error::<()>(
                    Code::DL0224,
                    "the dims of a struct have no range",
                    range.span,
                );
            }
        }
        let mut fields = Vec::new();
        let mut seen: std::collections::HashMap<&str, Span> = Default::default();
        for field in &ast.fields {
            if let Some(first) = seen.insert(&field.name.name, field.name.span) {
                self.report_twice("field", &field.name, first);
            }
            let ty = self.resolve_type(&field.ty, &names).unwrap_or(Ty::Error);
            if let Ty::Fn(_) = ty {
                let _ = self.error::<()>(
                    Code::DL0705,
                    "a struct cannot hold a function",
                    field.ty.span,
                );
            }
            fields.push(ty);
        }
        self.structs[id].fields = fields;
    }

    /// The value of the constant of a name that is an integer and has been evaluated, if it is the same in all files.
    pub(super) fn known_const(&self, name: &str) -> Option<i64> {
        let named = self.consts.iter().filter(|c| c.ast.name.name == name);
        let mut values = named.map(|c| match c.state {
            ConstState::Done(Ok(Num::Int(value))) => i64::try_from(value).ok(),
            _ => None,
        });
        let first = values.next().flatten()?;
        values.all(|value| value == Some(first)).then_some(first)
    }

    pub(super) fn report_twice(&mut self, what: &str, name: &ast::Ident, first: Span) {
        let message = format!("{what} `{}` is declared twice", name.name);
        let diagnostic = Diagnostic::error(Code::DL0602, message, name.span)
            .label("again here")
            .secondary(first, "first here");
        self.report(diagnostic);
    }

    /// The dims declared by an item, without repetitions.
    fn dim_names(&mut self, dims: &'a [ast::DimParam]) -> DimNames<'a> {
        let mut names: DimNames<'a> = DimNames::default();
        let mut seen: std::collections::HashMap<&str, Span> = Default::default();
        for dim in dims {
            if let Some(first) = seen.insert(&dim.name.name, dim.name.span) {
                self.report_twice("dim", &dim.name, first);
            }
            if dim.kind == GenericKind::Dim {
                names.insert(&dim.name.name);
            }
        }
        names
    }

    /// A struct that holds itself would be endless.
    fn check_struct_cycles(&mut self) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Busy,
            Done,
        }
        let mut states = vec![State::New; self.structs.len()];
        for start in 0..self.structs.len() {
            let mut stack: Vec<(usize, usize)> = vec![(start, 0)];
            while let Some((id, next)) = stack.pop() {
                if next == 0 {
                    if states[id] != State::New {
                        continue;
                    }
                    states[id] = State::Busy;
                }
                let fields = self.structs[id].fields.iter().enumerate();
                let held = fields
                    .flat_map(|(field, ty)| structs_in(ty).into_iter().map(move |s| (field, s)));
                let Some((field, held)) = held.into_iter().nth(next) else {
                    states[id] = State::Done;
                    continue;
                };
                stack.push((id, next + 1));
                if states[held] == State::Busy {
                    let ast = &self.structs[id].ast.fields[field];
                    let name = |id: &usize| format!("`{}`", self.structs[*id].name);
                    let path = stack.iter().map(|(id, _)| id);
                    let path = path.skip_while(|id| **id != held).map(name);
                    let circle: Vec<String> = path.chain([name(&held)]).collect();
                    let mut message = format!("struct {} holds itself", name(&held));
                    if circle.len() > 2 {
                        message += &format!(": {}", circle.join(" -> "));
                    }
                    let declared = self.structs[held].ast.name.span;
                    let diagnostic = Diagnostic::error(Code::DL0606, message, ast.ty.span)
                        .secondary(declared, "the circle begins here")
                        .help("break the circle: hold the tensors themselves, or a list of another struct");
                    self.report(diagnostic);
                    self.structs[id].fields[field] = Ty::Error;
                    stack.pop();
                    stack.push((id, next.max(1)));
                } else {
                    stack.push((held, 0));
                }
            }
        }
    }

    fn resolve_signature(&mut self, id: usize) -> Res<Signature> {
        let ast = self.fns[id].ast;
        let names = self.dim_names(&ast.dims);
        let mut dims = Vec::new();
        for dim in ast.dims.iter().filter(|dim| dim.kind == GenericKind::Dim) {
            let range = match &dim.range {
                Some(range) => self.resolve_range(range).ok(),
                None => None,
            };
            dims.push(SigDim {
                name: dim.name.name.clone(),
                span: dim.span,
                range,
            });
        }
        if let Some(generics) = self.declaring.clone() {
            dims.extend(generics.dim_names().into_iter().map(|name| SigDim {
                name,
                span: ast.name.span,
                range: None,
            }));
        }
        let mut params = Vec::new();
        let mut seen: std::collections::HashMap<&str, Span> = Default::default();
        for param in &ast.params {
            if let Some(first) = seen.insert(&param.name.name, param.name.span) {
                self.report_twice("parameter", &param.name, first);
            }
            let mut ty = self.resolve_type(&param.ty, &names).unwrap_or(Ty::Error);
            if let (Ty::Fn(_), Some(span)) = (&ty, param.inout) {
                let _ = self.error::<()>(Code::DL0705, "a function cannot be `inout`", span);
                ty = Ty::Error;
            }
            let default = match &param.default {
                Some(default) => Some(self.default_value(ast, param, default)?),
                None => None,
            };
            params.push(SigParam {
                default,
                name: param.name.name.clone(),
                ty,
                span: param.span,
                inout: param.inout.is_some(),
            });
        }
        let (result, result_span) = match &ast.result {
            Some(ty) => (self.resolve_type(ty, &names).unwrap_or(Ty::Error), ty.span),
            None => (Ty::unit(), ast.name.span),
        };
        if let Ty::Fn(_) = result {
            return self.error(
                Code::DL0705,
                "a function cannot return a function",
                result_span,
            );
        }
        let mut conditions = Vec::new();
        for condition in &ast.conditions {
            if let Some(condition) = self.resolve_condition(condition, &names, ast, &params)? {
                conditions.push(condition);
            }
        }
        Ok(Signature {
            name_span: ast.name.span,
            name: ast.name.name.clone(),
            dims,
            params,
            result,
            result_span,
            conditions,
        })
    }

    /// The value of a parameter where a call gives none: a constant.
    fn default_value(
        &mut self,
        function: &'a ast::Fn,
        param: &'a ast::Param,
        default: &'a Expr,
    ) -> Res<Num> {
        if function.export {
            let message = format!("`{}` of an export has no default value", param.name.name);
            return self.error(Code::DL0711, message, default.span);
        }
        if param.inout.is_some() {
            let message =
                "an `inout` parameter is a variable of the caller and has no default value";
            return self.error(Code::DL0403, message, default.span);
        }
        self.eval_const(&param.name.name, default)
    }

    /// Attributes that this version knows.
    fn check_attributes(&mut self) {
        const KNOWN: &[&str] = &[
            "checkpoint",
            "custom_jvp",
            "custom_vjp",
            "inline",
            "name",
            "precision",
        ];
        const LATER: &[&str] = &["shard"];
        for item in self.files.trees.iter().flat_map(|tree| &tree.items) {
            for attribute in &item.attrs {
                let name = attribute.name.name.as_str();
                if LATER.contains(&name) {
                    let _ = self.not_yet::<()>(&format!("`@{name}` is"), attribute.span);
                } else if name == "precision" {
                    self.check_precision(attribute);
                } else if ["custom_jvp", "custom_vjp"].contains(&name) {
                    // Whom it names, and what that has to take, is checked with the function.
                } else if KNOWN.contains(&name) {
                    self.check_attribute_arguments(attribute);
                } else {
                    let mut diagnostic = Diagnostic::error(
                        Code::DL0605,
                        format!("there is no attribute `@{name}`"),
                        attribute.name.span,
                    );
                    if let Some(similar) =
                        crate::diagnostic::similar(name, KNOWN.iter().chain(LATER).copied())
                    {
                        diagnostic = diagnostic.suggest(
                            "a similar one exists",
                            attribute.name.span,
                            similar,
                        );
                    }
                    self.report(diagnostic);
                }
            }
        }
    }

    /// `@name` takes a text, the others take nothing.
    fn check_attribute_arguments(&mut self, attribute: &ast::Attribute) {
        let name = attribute.name.name.as_str();
        let is_text =
            |arg: &ast::Arg| arg.name.is_none() && matches!(arg.value.kind, ExprKind::Str(_));
        let (fits, form) = match (name, attribute.args.as_slice()) {
            ("name", [arg]) => (is_text(arg), "@name(\"c_name\")".to_string()),
            ("name", _) => (false, "@name(\"c_name\")".to_string()),
            (_, args) => (args.is_empty(), format!("@{name}")),
        };
        if !fits {
            let message = format!("these are not the arguments of `@{name}`");
            let diagnostic = Diagnostic::error(Code::DL0605, message, attribute.span)
                .help(format!("it is written `{form}`"));
            self.report(diagnostic);
        }
    }

    /// The text of `@name("…")` before a function.
    pub(super) fn c_name(&self, item: &'a ast::Item) -> Option<(&'a str, Span)> {
        let attribute = item
            .attrs
            .iter()
            .find(|attribute| attribute.name.name == "name")?;
        match attribute.args.as_slice() {
            [
                ast::Arg {
                    name: None,
                    value:
                        Expr {
                            kind: ExprKind::Str(text),
                            ..
                        },
                    ..
                },
            ] => Some((text.as_str(), attribute.span)),
            _ => None,
        }
    }
}

/// The structs that a type holds.
fn structs_in(ty: &Ty) -> Vec<usize> {
    match ty {
        Ty::Struct(s) => vec![s.id],
        Ty::List(element, _) => structs_in(element),
        Ty::Tuple(items) => items.iter().flat_map(structs_in).collect(),
        Ty::Tensor(_) | Ty::Fn(_) | Ty::Error => Vec::new(),
    }
}
