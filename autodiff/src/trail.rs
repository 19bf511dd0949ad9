//! The way from what is differentiated to an op that has no rule, for the error that says so.

use crate::{activity::Varied, functions::callee, rules::Direction};
use dlc_dialects::{
    ir::{
        inspect::defining_op,
        shape::{ElementClass, class, element_of},
    },
    ops::{Cumulative, OpKind, Reduce},
    pass::PassError,
};
use melior::ir::{OperationRef, Value, operation::OperationLike};

/// What an error about a missing rule is made of.
pub struct Trail<'s, 'c, 'a> {
    /// What varies.
    pub varied: &'s Varied,
    /// What is differentiated, with names.
    pub wrt: &'s [(Value<'c, 'a>, String)],
    /// Which rules are missing.
    pub direction: Direction,
}

impl<'c, 'a> Trail<'_, 'c, 'a> {
    /// The op before a varied integer value that made an integer of a float.
    pub fn made_integer(&self, integer: Value<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        let mut at = integer;
        loop {
            let op = defining_op(at)?;
            let before = self.before(op)?;
            if class(element_of(before)) == ElementClass::Float {
                return Some(op);
            }
            at = before;
        }
    }

    /// The first varied value that an op's result depends on.
    fn before(&self, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
        let first = self.varied.reads(op).into_iter().next();
        first.map(|(_, x)| x)
    }

    /// The error at `op`, which the path from an argument goes through. `met` is where the derivative came that far,
    /// and `after` leads from there to the result.
    pub fn no_rule(
        &self,
        op: OperationRef<'c, 'a>,
        met: OperationRef<'c, 'a>,
        after: &[OperationRef<'c, 'a>],
    ) -> PassError<'c> {
        let mut path = vec![met];
        let mut argument = None;
        while let Some(x) = path.last().and_then(|op| self.before(*op)) {
            match defining_op(x) {
                Some(op) => path.push(op),
                None => {
                    argument = self.wrt.iter().find(|(value, _)| *value == x);
                    break;
                }
            }
        }
        path.reverse();
        path.extend(after);
        let (mode, towards) = match self.direction {
            Direction::Reverse => ("reverse", "the loss"),
            Direction::Forward => ("forward", "the result"),
        };
        let error = PassError::at(
            &op,
            format!(
                "DL0302 no {mode}-mode rule for `{}`, reached from {} on the way to {towards}",
                name(op),
                argument.map_or("an argument", |(_, name)| name),
            ),
        );
        let hops = path.len();
        let shown = |i: &usize| hops <= 2 * SHOWN || *i < SHOWN || hops - *i <= SHOWN;
        // The op itself is where the error stands.
        (0..hops)
            .filter(|i| shown(i) && (hops > 2 * SHOWN || path[*i] != op))
            .fold(error, |error, i| {
                let skipped = match hops > 2 * SHOWN && i + SHOWN == hops {
                    true => format!("after {} more ops ", hops - 2 * SHOWN),
                    false => String::new(),
                };
                error.note(
                    path[i].location(),
                    format!("{skipped}through `{}`", name(path[i])),
                )
            })
            .note(
                op.location(),
                "help: wrap it in `stop_gradient(...)` to treat the result as constant",
            )
    }
}

/// How many ops of a long path are shown at each of its ends.
const SHOWN: usize = 4;

/// What a user calls an op.
pub fn name(op: OperationRef) -> String {
    match OpKind::of(&op) {
        Some(OpKind::Reduce) => Reduce(op).kind().into(),
        Some(OpKind::Cumulative) => {
            format!("cum{}", Cumulative(op).kind())
        }
        Some(OpKind::Call) => callee(op).into(),
        Some(OpKind::ArgReduce) => dlc_dialects::ops::ArgReduce(op).kind().into(),
        Some(kind) => kind.mnemonic().into(),
        None => match op.name().as_string_ref().as_str().unwrap_or("?") {
            "scf.for" => "for".into(),
            "scf.while" => "while".into(),
            // What is left of a branch that only chooses.
            "scf.if" | "arith.select" => "if".into(),
            name => name.into(),
        },
    }
}
