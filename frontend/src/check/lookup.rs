//! What a name in a body stands for.

use std::rc::Rc;

use crate::ast::{DType, Ident, Path, Span};
use crate::builtins;
use crate::check::Checker;
use crate::check::names::Item;
use crate::check::value::{FnValue, Res, Value};
use crate::core::Num;
use crate::diagnostic::{Code, Diagnostic, similar};

/// For so many unknown names a similar one is looked for.
const MAX_SEARCHES: usize = 200;

impl<'a> Checker<'a> {
    /// The value of a name.
    pub(super) fn eval_path(&mut self, path: &'a Path) -> Res<Value<'a>> {
        let Some(ident) = path.as_ident() else {
            let item = self.resolve_path(path)?;
            return self.item_value(item, path);
        };
        let name = ident.name.as_str();
        if let Some(binding) = self.scope.lookup(name) {
            return if binding.value.has_error() {
                Err(super::Reported)
            } else {
                Ok(binding.value)
            };
        }
        if let Some(dim) = self.scope.function.dims.get(name) {
            return Ok(Value::Dim(dim.clone()));
        }
        if let Some(dtype) = self.dtype_param(name) {
            return Ok(Value::DType(dtype));
        }
        if let Some(item) = self.item_named(name, ident.span) {
            return self.item_value(item, path);
        }
        match name {
            "inf" => return Ok(Value::Num(Num::Float(f64::INFINITY))),
            "nan" => return Ok(Value::Num(Num::Float(f64::NAN))),
            "pi" => return Ok(Value::Num(Num::Float(std::f64::consts::PI))),
            "newaxis" => return Ok(Value::None),
            _ => {}
        }
        if let Some(dtype) = DType::ALL.iter().find(|dtype| dtype.dl_name() == name) {
            return Ok(Value::DType(*dtype));
        }
        if let Some(id) = builtins::find(name) {
            return Ok(Value::Fn(Rc::new(FnValue::Builtin(id))));
        }
        Err(self.undefined(ident, path.span))
    }

    fn item_value(&mut self, item: Item, path: &'a Path) -> Res<Value<'a>> {
        match item {
            Item::Const(id) => self.const_value(id).map(Value::Num),
            Item::Fn(id) => Ok(Value::Fn(Rc::new(FnValue::Item(id)))),
            Item::Struct(_) => {
                let diagnostic = Diagnostic::error(
                    Code::DL0209,
                    format!("`{path}` is a type, not a value"),
                    path.span,
                )
                .help(format!("a value of it is written `{path} {{ … }}`"));
                Err(self.report(diagnostic))
            }
            Item::Module(_) | Item::Std => self.module_as_value(path, "a value"),
            Item::Unknown => Err(super::Reported),
        }
    }

    /// Reports a name that nothing has.
    fn undefined(&mut self, ident: &Ident, span: Span) -> super::Reported {
        let name = ident.name.as_str();
        let mut diagnostic = Diagnostic::error(
            Code::DL0601,
            format!("there is nothing called `{name}`"),
            span,
        );
        if let Some((replacement, text)) = builtins::alias(name) {
            diagnostic = if replacement.is_empty() {
                diagnostic.help(text)
            } else {
                diagnostic.suggest(text, span, replacement)
            };
        } else if let Some((text, replacement)) = crate::words::foreign(name) {
            diagnostic = match replacement {
                Some(replacement) => diagnostic.suggest(text, span, replacement),
                None => diagnostic.help(text),
            };
        } else if let Some(module) = crate::modules::std_module_of(name) {
            diagnostic = diagnostic.suggest(
                "the standard library has it",
                span,
                format!("std::{module}::{name}"),
            );
        } else if let Some(similar) = self.similar_name(name, span) {
            diagnostic = diagnostic.suggest("a similar name exists", span, similar);
        }
        self.report(diagnostic)
    }

    /// A name in reach of a place that is similar to one that nothing has.
    fn similar_name(&mut self, name: &str, place: Span) -> Option<&str> {
        self.unknown_names += 1;
        // Each search goes through all names in reach.
        if self.unknown_names > MAX_SEARCHES {
            return None;
        }
        similar(name, self.known_names(place))
    }

    /// All names in reach of a place.
    fn known_names(&self, place: Span) -> Vec<&str> {
        let mut names: Vec<&str> = vec!["inf", "nan", "pi"];
        for name in self.scope.names() {
            names.push(name);
        }
        for name in builtins::names() {
            names.push(name);
        }
        names.extend(self.scope.function.dims.keys().map(String::as_str));
        let own = self.names[place.file as usize].iter();
        let values = own.filter(|(_, name)| matches!(name.item, Item::Const(_) | Item::Fn(_)));
        names.extend(values.map(|(name, _)| name.as_str()));
        names
    }
}
