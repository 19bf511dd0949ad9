//! Which functions a module needs for its derivatives, and in which order they are made. The pass `expand-derivatives` drives
//! it.

use crate::{
    bounds::upper_bound_of_argument,
    calls::{self, CHECKPOINT, kept, plain, release},
    functions::{Functions, callee, inside, is, is_private, signature},
    request::{Request, define},
    reverse::schedule::depth_around,
};
use dlc_dialects::{
    ir::{builder::Builder, edit},
    ops::build,
    pass::PassError,
};
use melior::{
    Context,
    ir::{OperationRef, ValueLike, attribute::FlatSymbolRefAttribute, operation::OperationLike},
};
use std::collections::{HashMap, HashSet};

/// A function is copied for at most so many bounds of its arguments; a recursion with another bound at each step would
/// have no end.
const MOST_COPIES: usize = 64;

/// What is known while the derivatives of a module are expanded.
pub struct Expander<'c, 'a> {
    cx: &'c Context,
    functions: Functions<'c, 'a>,
    state: HashMap<String, State>,
    made: HashMap<Request, String>,
    /// Copies of functions by what is known of their arguments.
    bounded: HashMap<(String, Bounds, i64), String>,
}

/// For each argument of a function the greatest number that it can be, where that is known.
type Bounds = Vec<Option<i64>>;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Begun,
    Done,
}

impl<'c, 'a> Expander<'c, 'a> {
    /// One for a module.
    pub fn of(cx: &'c Context, module: OperationRef<'c, 'a>) -> Self {
        Self {
            cx,
            functions: Functions::of(module),
            state: HashMap::new(),
            made: HashMap::new(),
            bounded: HashMap::new(),
        }
    }

    /// Expands all derivatives that entries need; those of functions that no entry calls go with these.
    pub fn run(mut self, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let names = self.functions.names();
        for name in &names {
            let is_entry = |function| !is_private(function);
            if self.functions.get(name).is_some_and(is_entry) {
                self.expand(name)?;
            }
        }
        self.remove_the_rest(&names);
        for call in inside(module).into_iter().filter_map(kept) {
            release(self.cx, call);
        }
        let mut ends = HashSet::new();
        for name in self.functions.names() {
            self.follow(&name, &mut vec![], &mut ends)?;
        }
        Ok(())
    }

    /// Expands the derivatives in a function, after those in the functions that it calls or differentiates.
    fn expand(&mut self, function: &str) -> Result<(), PassError<'c>> {
        let Some(op) = self.functions.get(function) else {
            return Ok(());
        };
        if self.state.contains_key(function) {
            return Ok(());
        }
        self.state.insert(function.into(), State::Begun);
        for op in inside(op) {
            if let Some(call) = kept(op) {
                for rule in [call.vjp(), call.jvp()].into_iter().flatten() {
                    self.expand(rule)?;
                }
                calls::check(call, |name| self.functions.get(name))?;
            }
            if Request::of(op).is_some() || calls(op) {
                self.bound(op)?;
                self.expand(callee(op))?;
            }
            if let Some(request) = Request::of(op) {
                self.replace(op, request)?;
            }
        }
        self.state.insert(function.into(), State::Done);
        Ok(())
    }

    /// Lets a call or what asks for a derivative have a copy of its callee with the bounds of arguments in it, where the
    /// callee asks for derivatives itself.
    fn bound(&mut self, op: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let callee = callee(op).to_string();
        let Some(function) = self.functions.get(&callee) else {
            return Ok(());
        };
        let arguments = signature(function).0.len();
        let known = op.operands().take(arguments).map(upper_bound_of_argument);
        let known = known.collect::<Bounds>();
        let depth = depth_around(op);
        let unknown = known.iter().all(Option::is_none) && depth == 0;
        let busy = self.state.get(&callee) == Some(&State::Begun);
        if unknown || busy || !self.asks(&callee, &mut HashSet::new()) {
            return Ok(());
        }
        let key = (callee, known, depth);
        let name = match self.bounded.get(&key) {
            Some(name) => name.clone(),
            None => {
                let of_copies = |(name, ..): &&(String, Bounds, i64)| *name == key.0;
                let copies = self.bounded.keys().filter(of_copies).count();
                if copies >= MOST_COPIES {
                    return Ok(());
                }
                let name = self
                    .functions
                    .copy_with_bounds(self.cx, function, (&key.1, depth))?;
                self.bounded.insert(key, name.clone());
                name
            }
        };
        let name = FlatSymbolRefAttribute::new(self.cx, &name);
        edit::set_attribute(op, "callee", name.into());
        Ok(())
    }

    /// Whether a function asks for derivatives, or one that it calls or asks for does.
    fn asks(&self, name: &str, seen: &mut HashSet<String>) -> bool {
        let Some(function) = self.functions.get(name) else {
            return false;
        };
        seen.insert(name.into())
            && inside(function)
                .into_iter()
                .any(|op| Request::of(op).is_some() || calls(op) && self.asks(callee(op), seen))
    }

    /// Removes the functions that no entry calls and that ask for derivatives, or call one that does.
    fn remove_the_rest(&mut self, names: &[String]) {
        let left = names
            .iter()
            .filter(|name| !self.state.contains_key(*name) && self.asks(name, &mut HashSet::new()));
        for name in left.cloned().collect::<Vec<_>>() {
            if let Some(function) = self.functions.get(&name) {
                self.functions.forget(&name);
                edit::erase(self.cx, function);
            }
        }
    }

    /// Follows the calls in a function to their ends, which a rule that needs its own function's derivative lacks.
    fn follow(
        &self,
        function: &str,
        callers: &mut Vec<String>,
        ends: &mut HashSet<String>,
    ) -> Result<(), PassError<'c>> {
        let Some(op) = self.functions.get(function) else {
            return Ok(());
        };
        if ends.contains(function) {
            return Ok(());
        }
        callers.push(function.into());
        for call in inside(op).into_iter().filter(|op| is(*op, "func.call")) {
            let callee = callee(call);
            if callers.iter().any(|caller| caller == callee) {
                let message = "DL0305 the derivative here leads to itself, by the rule of a function that it is needed for";
                return Err(PassError::at(&call, message).note(
                    call.location(),
                    "help: a rule may call its own function, but not differentiate it in the mode that it is the rule of",
                ));
            }
            self.follow(callee, callers, ends)?;
        }
        callers.pop();
        ends.insert(function.into());
        Ok(())
    }

    /// Replaces one op by a call.
    fn replace(&mut self, op: OperationRef<'c, 'a>, request: Request) -> Result<(), PassError<'c>> {
        self.check(op, &request)?;
        let name = match self.made.get(&request) {
            Some(name) => name.clone(),
            None => {
                let name = define(self.cx, &mut self.functions, &request, op)?;
                self.made.insert(request, name.clone());
                // Calls that stayed calls have left requests of their own.
                self.expand(&name)?;
                name
            }
        };
        let results = op.results().map(|y| y.r#type()).collect::<Vec<_>>();
        let operands = op.operands().collect::<Vec<_>>();
        let b = Builder::before(self.cx, op);
        let call = match op.has_attribute(CHECKPOINT) {
            true => b.append(build::call(
                self.cx, &operands, &name, true, None, None, &results, b.location,
            )),
            false => plain(&b, &name, &operands, &results),
        };
        for (old, new) in op.results().zip(call.results()) {
            edit::replace_uses(old.into(), new.into());
        }
        edit::erase(self.cx, op);
        Ok(())
    }

    /// Checks an op against its description, and that its callee can be differentiated now.
    fn check(&self, op: OperationRef<'c, 'a>, request: &Request) -> Result<(), PassError<'c>> {
        let callee = &request.callee;
        let error = |message: String| Err(PassError::at(&op, message));
        let Some(function) = self.functions.get(callee) else {
            return error(format!("`@{callee}` is no function of this module"));
        };
        if self.state.get(callee) != Some(&State::Done) {
            return error(format!(
                "`@{callee}` calls itself; recursion has no derivative"
            ));
        }
        request.check(op, function)
    }
}

/// Whether an op is a call, plain or one that stays.
fn calls(op: OperationRef) -> bool {
    is(op, "func.call") || kept(op).is_some()
}
