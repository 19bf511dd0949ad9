//! Printing from compiled code.

use crate::ast::DType;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::{Res, Value};
use crate::core::{Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[Builtin {
    name: "print",
    params: "values...",
    run: print,
}];

/// A text, if the first argument is one, and tensors.
fn print<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let mut operands = std::mem::take(&mut call.rest);
    let text = match operands.first().map(|operand| &operand.value) {
        Some(Value::Str(text)) => {
            let text = text.to_string();
            operands.remove(0);
            text
        }
        _ => String::new(),
    };
    let mut values = Vec::new();
    for operand in operands {
        if let Value::Str(_) = operand.value {
            let message = "the text of `print` is its first argument";
            let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span)
                .help("print in several steps: one line for each");
            return Err(call.checker.report(diagnostic));
        }
        let value = call.as_tensor(&operand)?;
        if call.checker.dtype(value) == DType::Key {
            let diagnostic =
                Diagnostic::error(Code::DL0502, "a key cannot be printed", operand.span)
                    .help("print the numbers that are made of it");
            return Err(call.checker.report(diagnostic));
        }
        values.push(value);
    }
    // The type is that of no value.
    let ty = TensorType::scalar(DType::Bool);
    let span = call.span();
    call.checker.node(Prim::Print { text }, &values, ty, span)?;
    Ok(Value::unit())
}
