//! The engine that expands transforms of functions: which functions a module needs for them, and in which order they are
//! made. Each op is replaced by a call of a new function, the ops in its callee first, so transforms of transforms are
//! transforms of plain functions, in any order. The passes `expand-derivatives`, `expand-reverse`, `expand-forward` and
//! `expand-vmap` drive it.

use crate::{
    bounds::upper_bound_of_argument,
    calls::{self, CHECKPOINT, kept, plain, release},
    functions::{Functions, callee, inside, is, is_private, signature, symbol},
    reverse::schedule::depth_around,
    transform::{Transform, TransformKind, is_transform},
};
use dlc_dialects::{
    ir::{builder::Builder, edit, shape::shape},
    ops::{OpKind, build},
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

/// What is known while the transforms of a module are expanded.
pub struct Expander<'k, 'c, 'a> {
    cx: &'c Context,
    functions: Functions<'c, 'a>,
    kinds: &'k [TransformKind],
    /// The functions that reverse mode goes through.
    differentiated: HashSet<String>,
    state: HashMap<String, State>,
    made: HashMap<Transform, String>,
    /// Copies of functions by what is known of their arguments.
    bounded: HashMap<(String, Bounds, i64), String>,
}

/// For each argument of a function the greatest number that it can be, where that is known.
type Bounds = Vec<Option<i64>>;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Begun,
    /// No transform is left in it nor in what it calls.
    Plain,
    /// Transforms of other kinds are left.
    Mixed,
}

impl<'k, 'c, 'a> Expander<'k, 'c, 'a> {
    /// One for a module, for transforms of these kinds.
    pub fn of(cx: &'c Context, module: OperationRef<'c, 'a>, kinds: &'k [TransformKind]) -> Self {
        let functions = Functions::of(module);
        Self {
            cx,
            differentiated: differentiated(&functions),
            functions,
            kinds,
            state: HashMap::new(),
            made: HashMap::new(),
            bounded: HashMap::new(),
        }
    }

    /// Expands all transforms that entries need; those of functions that no entry calls go with these. One whose callee has
    /// another kind of transform in it stays.
    pub fn run(mut self, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let names = self.functions.names();
        for name in &names {
            let is_entry = |function| !is_private(function);
            if self.functions.get(name).is_some_and(is_entry) {
                self.expand(name)?;
            }
        }
        self.remove_the_rest(&names);
        if self.state.values().any(|state| *state == State::Mixed) {
            return Ok(());
        }
        for call in inside(module).into_iter().filter_map(kept) {
            release(self.cx, call);
        }
        let mut ends = HashSet::new();
        for name in self.functions.names() {
            self.follow(&name, &mut vec![], &mut ends)?;
        }
        Ok(())
    }

    /// Expands the transforms in a function, after those in the functions that it calls or transforms.
    fn expand(&mut self, function: &str) -> Result<State, PassError<'c>> {
        let Some(op) = self.functions.get(function) else {
            return Ok(State::Plain);
        };
        if let Some(state) = self.state.get(function) {
            return Ok(*state);
        }
        self.state.insert(function.into(), State::Begun);
        let is_differentiated = self.differentiated.contains(function);
        let mut state = State::Plain;
        for op in inside(op) {
            let mut of_callees = vec![];
            if let Some(call) = kept(op) {
                for rule in [call.vjp(), call.jvp()].into_iter().flatten() {
                    of_callees.push(self.expand(rule)?);
                }
                calls::check(call, |name| self.functions.get(name))?;
            }
            if is_transform(op) || calls(op) {
                self.bound(op)?;
                of_callees.push(self.expand(callee(op))?);
            }
            let is_mixed = of_callees.contains(&State::Mixed);
            match Transform::of(op, is_differentiated) {
                Some(transform) if self.kinds.contains(&transform.kind()) && !is_mixed => {
                    self.replace(op, transform)?;
                }
                None if !is_mixed => {}
                _ => state = State::Mixed,
            }
        }
        self.state.insert(function.into(), state);
        Ok(state)
    }

    /// Lets a call or a transform have a copy of its callee with the bounds of arguments in it, where the
    /// callee asks for transforms itself.
    fn bound(&mut self, op: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let callee = callee(op).to_string();
        let Some(function) = self.functions.get(&callee) else {
            return Ok(());
        };
        // Of a batch the size comes first.
        let first = usize::from(OpKind::of(&op) == Some(OpKind::Vmap));
        let given = op.operands().skip(first).zip(signature(function).0);
        let known = given.map(|(x, ty)| match shape(ty).is_empty() {
            true => upper_bound_of_argument(x),
            false => None,
        });
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
                if self.differentiated.contains(&key.0) {
                    self.differentiated.insert(name.clone());
                }
                self.bounded.insert(key, name.clone());
                name
            }
        };
        let name = FlatSymbolRefAttribute::new(self.cx, &name);
        edit::set_attribute(op, "callee", name.into());
        Ok(())
    }

    /// Whether a function asks for transforms, or one that it calls or asks for does.
    fn asks(&self, name: &str, seen: &mut HashSet<String>) -> bool {
        let Some(function) = self.functions.get(name) else {
            return false;
        };
        seen.insert(name.into())
            && inside(function)
                .into_iter()
                .any(|op| is_transform(op) || calls(op) && self.asks(callee(op), seen))
    }

    /// Removes the functions that no entry calls and that ask for transforms, or call one that does.
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
    fn replace(
        &mut self,
        op: OperationRef<'c, 'a>,
        transform: Transform,
    ) -> Result<(), PassError<'c>> {
        self.check(op, &transform)?;
        let name = match self.made.get(&transform) {
            Some(name) => name.clone(),
            None => {
                let name = transform.define(self.cx, &mut self.functions, op)?;
                if transform.is_differentiated() {
                    let made = self.functions.get(&name);
                    let made = made.map(|made| reached(&self.functions, vec![symbol(made)]));
                    self.differentiated.extend(made.unwrap_or_default());
                }
                self.made.insert(transform, name.clone());
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

    /// Checks an op against its description, and that its callee can be transformed now.
    fn check(&self, op: OperationRef<'c, 'a>, transform: &Transform) -> Result<(), PassError<'c>> {
        let callee = transform.callee();
        let error = |message: String| Err(PassError::at(&op, message));
        let Some(function) = self.functions.get(callee) else {
            return error(format!("`@{callee}` is no function of this module"));
        };
        if self.state.get(callee) == Some(&State::Begun) {
            let what = match transform.kind() {
                TransformKind::Batch => "batch",
                _ => "derivative",
            };
            return error(format!("`@{callee}` calls itself; recursion has no {what}"));
        }
        transform.check(self.cx, op, function)
    }
}

/// The functions that are differentiated in reverse mode, and those that they call or transform.
fn differentiated(functions: &Functions) -> HashSet<String> {
    let mut next = vec![];
    for name in functions.names() {
        for op in functions.get(&name).into_iter().flat_map(inside) {
            let transform = Transform::of(op, false);
            if transform.is_some_and(|transform| transform.kind() == TransformKind::Reverse) {
                next.push(callee(op).to_string());
            }
        }
    }
    reached(functions, next)
}

/// Functions, and those that they call or transform, rules among them.
fn reached(functions: &Functions, mut next: Vec<String>) -> HashSet<String> {
    let mut found = HashSet::new();
    while let Some(name) = next.pop() {
        let Some(function) = functions.get(&name).filter(|_| found.insert(name)) else {
            continue;
        };
        for op in inside(function) {
            let rules = kept(op).map(|call| [call.vjp(), call.jvp()]);
            let rules = rules.into_iter().flatten().flatten();
            let called = rules.chain([callee(op)]).filter(|name| !name.is_empty());
            next.extend(called.map(String::from));
        }
    }
    found
}

/// Whether an op is a call, plain or one that stays.
fn calls(op: OperationRef) -> bool {
    is(op, "func.call") || kept(op).is_some()
}
