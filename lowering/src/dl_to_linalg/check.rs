//! Checks: the first one that fails leaves its status where the entry's C function looks for it.

use super::{Lowering, Result};
use crate::{
    emit::{Emitter, Int},
    entry::Entry,
};
use dlc_abi::status;
use dlc_dialects::{ops, pass::PassError};
use melior::ir::Value;

/// What the checks of an entry need.
pub(super) struct Failures<'c, 'a> {
    /// The entry, which knows the statuses.
    pub entry: Entry<'c, 'a>,
    /// Where the status goes: 0 as long as nothing has failed.
    pub status: Value<'c, 'a>,
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// A condition that makes the call fail where it does not hold.
    pub(super) fn check(&mut self, e: &Emitter<'c, 'a>, op: ops::Check<'c, 'a>) -> Result<'c, ()> {
        let holds = self.get(op.holds());
        let holds = self.scalar(e, &holds);
        let Some(Failures { entry, status }) = &self.failures else {
            let message = "a check stands outside of entries; calls should have been inlined";
            return Err(PassError::at(&op.0, message));
        };
        let message = status::failure_message(&entry.name, op.code(), op.text());
        let code = entry.failure(&message).ok_or_else(|| {
            PassError::at(
                &op.0,
                format!("`dl.failures` of the entry lacks `{message}`"),
            )
        })?;
        let bool = e.int_type(1);
        let yes = e.constant(bool, e.attr("true"));
        let fails = e.op("arith.xori", &[holds, yes], bool);
        e.if_then(fails, |e| {
            let i32 = e.int_type(32);
            let number = |n: i32| e.constant(i32, e.attr(&format!("{n} : i32")));
            let before = e.op("memref.load", &[*status], i32);
            let first = e.cmp(Int::Eq, before, number(status::OK));
            let after = e.select(first, number(code), before);
            e.effect("memref.store", &[after, *status], &[]);
        });
        Ok(())
    }
}
