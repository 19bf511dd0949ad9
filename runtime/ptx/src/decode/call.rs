//! Calls of device functions, which are expanded where they stand.

use super::{Decoder, at};
use crate::kernel::Constant;
use crate::lexer::ParseError;
use crate::op::{Op, Slot};
use crate::syntax::{Line, Operand, Variable};

use super::scope::Scope;

/// How deep calls may nest.
const MAX_CALLS: usize = 64;

/// How many calls a kernel may have, those of callees counted each time.
const MAX_EXPANDED: usize = 1 << 16;

impl Decoder<'_> {
    /// `call (results), function, (arguments)`; arguments and results are variables in `.param`.
    pub(super) fn call(
        &mut self,
        line: &Line,
        guard: Option<(Slot, bool)>,
    ) -> Result<(), ParseError> {
        let failed = |message: String| ParseError::new(line.place, message);
        if !matches!(line.opcode.as_str(), "call" | "call.uni") {
            return Err(failed(format!("`{}` is not known", line.opcode)));
        }
        let (results, name, arguments) = match line.operands.as_slice() {
            [
                Operand::List(results),
                Operand::Name(name, 0),
                Operand::List(arguments),
            ] => (&results[..], name, &arguments[..]),
            [Operand::List(results), Operand::Name(name, 0)] => (&results[..], name, &[][..]),
            [Operand::Name(name, 0), Operand::List(arguments)] => (&[][..], name, &arguments[..]),
            [Operand::Name(name, 0)] => (&[][..], name, &[][..]),
            _ => return Err(failed("a call names a function".to_string())),
        };
        let unit = self.unit;
        let found = unit
            .functions
            .iter()
            .find(|function| &function.name == name && function.body.is_some());
        let Some(function) = found else {
            return Err(failed(format!(
                "`{name}` is called, but the module has no such function"
            )));
        };
        self.expanded += 1;
        if self.expanded > MAX_EXPANDED {
            return Err(failed("too many calls to expand".to_string()));
        }
        if self.calls.contains(name) || self.calls.len() > MAX_CALLS {
            let message = format!("`{name}` calls itself, which is not known");
            return Err(failed(message));
        }
        let mut bound = Vec::new();
        let sides = [(&function.returns, results), (&function.params, arguments)];
        for (formals, actuals) in sides {
            if formals.len() != actuals.len() {
                let message = format!("`{name}` has {} of these operands", formals.len());
                return Err(failed(message));
            }
            for (formal, actual) in formals.iter().zip(actuals) {
                bound.push(at(line.place, self.bind(formal, actual))?);
            }
        }
        let end = self.labels.len() as u32;
        self.labels.push(None);
        if let Some((slot, negated)) = guard {
            self.push(Op::Branch(end), Some((slot, !negated)));
        }
        self.scopes.push(Scope::root());
        for (name, constant) in bound {
            self.name(&name, constant);
        }
        self.calls.push(name.clone());
        let outer = self.end.replace(end);
        self.statements(function.body.as_deref().unwrap_or_default())?;
        self.end = outer;
        self.calls.pop();
        self.scopes.pop();
        self.labels[end as usize] = Some(self.code.len() as u32);
        self.line = line.place.line;
        Ok(())
    }

    fn bind(&mut self, formal: &Variable, actual: &Operand) -> Result<(String, Constant), String> {
        let Operand::Name(actual, 0) = actual else {
            return Err("arguments of calls are variables in .param".to_string());
        };
        match self.symbol(actual)? {
            constant @ Constant::Argument(_) => Ok((formal.name.clone(), constant)),
            _ => Err(format!("`{actual}` is no variable in .param of the caller")),
        }
    }
}
