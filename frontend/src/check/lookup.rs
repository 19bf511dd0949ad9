//! What a name in a body stands for.

use std::rc::Rc;

use crate::ast::{DType, Ident, Path, Span};
use crate::builtins;
use crate::check::Checker;
use crate::check::items::Item;
use crate::check::value::{FnValue, Res, Value};
use crate::core::Num;
use crate::diagnostic::{Code, Diagnostic, similar};

impl<'a> Checker<'a> {
    /// The value of a name.
    pub(super) fn eval_path(&mut self, path: &'a Path) -> Res<Value<'a>> {
        let Some(ident) = path.as_ident() else {
            let first = &path.segments[0].name;
            if self.imported.contains_key(first.as_str()) {
                return Err(super::Reported);
            }
            if first == "std" {
                return self.not_yet("the standard library is", path.span);
            }
            return self.error(
                Code::DL0601,
                format!("there is no file `{first}`"),
                path.span,
            );
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
        match self.names.get(name).copied() {
            Some(Item::Const(id)) => return self.const_value(id).map(Value::Num),
            Some(Item::Fn(id)) => return Ok(Value::Fn(Rc::new(FnValue::Item(id)))),
            Some(Item::Struct(_)) => {
                let diagnostic = Diagnostic::error(
                    Code::DL0209,
                    format!("`{name}` is a type, not a value"),
                    path.span,
                )
                .help(format!("a value of it is written `{name} {{ … }}`"));
                return Err(self.report(diagnostic));
            }
            None => {}
        }
        if self.imported.contains_key(name) {
            return Err(super::Reported);
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
        if builtins::is_later(name) {
            let message = format!("`{name}` is not supported yet");
            let diagnostic = Diagnostic::error(Code::DL0802, message, path.span)
                .note("the language has it; this version of the compiler does not");
            return Err(self.report(diagnostic));
        }
        Err(self.undefined(ident, path.span))
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
        } else if let Some(similar) = similar(name, self.known_names().iter().map(String::as_str)) {
            diagnostic = diagnostic.suggest("a similar name exists", span, similar);
        }
        self.report(diagnostic)
    }

    /// All names in reach.
    fn known_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.scope.names().into_iter().map(str::to_string).collect();
        names.extend(self.scope.function.dims.keys().cloned());
        names.extend(self.consts.iter().map(|c| c.ast.name.name.clone()));
        names.extend(self.fns.iter().map(|f| f.ast.name.name.clone()));
        names.extend(builtins::names().map(str::to_string));
        names.extend(["inf", "nan", "pi"].map(str::to_string));
        names
    }
}
