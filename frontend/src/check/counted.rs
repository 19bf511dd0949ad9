//! Keeps the functions of the core, also those that are no part of the program, for what is counted of them: see
//! [`crate::cost`]. Nothing is kept unless somebody looks on.

use std::collections::HashMap;

use crate::check::items::Signature;
use crate::check::{Checker, Mode};
use crate::core::{Func, FuncIndex};
use crate::cost::{Callee, Definition, Which};

/// Functions whose parameters have more parts together are not checked by themselves: one that calls itself with twice the
/// parts has no end that is worth waiting for.
const MAX_PARTS: u64 = 1 << 10;

impl Checker<'_> {
    /// The number by which a function that is checked by itself names one that it calls.
    pub(super) fn callee_number(&mut self, id: usize, known: Vec<Option<i64>>) -> FuncIndex {
        let Some(seen) = &mut self.seen else {
            return usize::MAX;
        };
        let number = usize::MAX - seen.counted.callees.len();
        seen.counted.callees.insert(number, Callee { id, known });
        number
    }

    /// Keeps a function that was checked by itself, with those made in it, which are behind `first`.
    pub(super) fn keep_definition(&mut self, id: usize, func: Option<Func>, first: FuncIndex) {
        let Some(seen) = &mut self.seen else { return };
        let Some(func) = func else { return };
        let made = self.funcs.iter_mut().enumerate().skip(first);
        let made = made.filter_map(|(index, func)| Some((index, func.take()?)));
        let made: HashMap<FuncIndex, Func> = made.collect();
        seen.counted
            .names
            .entry(func.span)
            .or_insert(Which::Definition(id));
        seen.counted
            .definitions
            .insert(id, Definition { func, made });
    }

    /// Keeps the program, and what its functions and the others call from the standard library.
    pub(super) fn keep_program(&mut self) {
        self.check_callees();
        let Some(seen) = &mut self.seen else { return };
        seen.counted.program = std::mem::take(&mut self.funcs);
        for (index, func) in seen.counted.program.iter().enumerate() {
            if let Some(func) = func.as_ref().filter(|func| func.entry.is_some()) {
                seen.counted.names.insert(func.span, Which::Program(index));
            }
        }
    }

    /// Checks by themselves the functions that only those call that are no part of the program.
    fn check_callees(&mut self) {
        let mut tried = std::collections::HashSet::new();
        loop {
            let Some(seen) = &self.seen else { return };
            let called = seen.counted.callees.values().map(|callee| callee.id);
            let is_new =
                |id: &usize| !seen.counted.definitions.contains_key(id) && !tried.contains(id);
            let mut missing: Vec<usize> = called.filter(is_new).collect();
            missing.sort_unstable();
            missing.dedup();
            if missing.is_empty() {
                return;
            }
            for id in missing {
                tried.insert(id);
                if let Some(signature) = self.fns[id].sig.clone()
                    && !self.has_failed(id)
                {
                    self.check_callee(id, &signature);
                }
            }
        }
    }

    fn check_callee(&mut self, id: usize, signature: &Signature) {
        let sizes = signature
            .params
            .iter()
            .map(|param| self.tree_size(&param.ty));
        if sizes.sum::<u64>() > MAX_PARTS {
            return;
        }
        let (found, first) = (self.diagnostics.len(), self.funcs.len());
        let mode = std::mem::replace(&mut self.mode, Mode::Definition);
        let unknown = vec![None; signature.dims.len()];
        let func = self.build_function(id, signature, &unknown, None);
        self.mode = mode;
        // What is wrong with it is said where it is tested.
        self.diagnostics.truncate(found);
        self.keep_definition(id, func.ok(), first);
        self.funcs.truncate(first);
    }
}
