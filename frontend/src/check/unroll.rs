//! Loops that are unrolled.
//!
//! Note [Unrolling]. Where a number has to be known when compiling (an index of a list, a size) and is computed from the
//! variables of loops whose bounds are known, the outermost of these loops is unrolled. So a body is first checked as
//! that of one node; when something in it needs the number, nothing more of it is evaluated, all that it did is undone,
//! and it is checked again once for each round. Loops known to need it are unrolled at once the next time they are met,
//! so nests are not checked over and over.

use std::collections::{BTreeSet, HashSet};

use crate::check::env::{Kind, Scope};
use crate::check::frame::FrameKind;
use crate::check::keys::Keys;
use crate::check::loops::{Each, For, Steps, Whole};
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::check::{Checker, Mode};
use crate::core::{Dim, Prim};
use crate::diagnostic::{Code, Diagnostic};

/// The most rounds of a loop that is unrolled, those over lists apart.
const MAX_ROUNDS: i64 = 4096;

/// The most rounds of loops that are unrolled that make no operation.
const MAX_IDLE_ROUNDS: usize = 1 << 16;

/// What checking a body may be undone to.
pub(super) struct Checkpoint {
    diagnostics: usize,
    funcs: usize,
    keys: Keys,
    too_deep: bool,
    poisoned: usize,
}

impl<'a> Checker<'a> {
    /// The state now.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            diagnostics: self.diagnostics.len(),
            funcs: self.funcs.len(),
            keys: self.keys.clone(),
            too_deep: self.too_deep,
            poisoned: self.poisoned.len(),
        }
    }

    /// Undoes what has been done since. Variables that a region may change have their values again already; the others
    /// get those that they had before errors.
    pub(super) fn roll_back(&mut self, to: Checkpoint) {
        self.diagnostics.truncate(to.diagnostics);
        self.funcs.truncate(to.funcs);
        self.instances.retain(|_, func| *func < to.funcs);
        self.queue.retain(|instance| instance.func < to.funcs);
        self.keys = to.keys;
        self.too_deep = to.too_deep;
        for (scope, name, value) in self.poisoned.drain(to.poisoned..).rev() {
            scope.restore(name, value);
        }
    }

    /// Names whose values are unknown after an error. Nothing is an error while a body is given up.
    pub(super) fn poison(&mut self, names: impl IntoIterator<Item = &'a str>) {
        if self.unrolling.is_some() {
            return;
        }
        for name in names {
            if let Some((scope, value)) = Scope::owner(&self.scope, name) {
                scope.set(name, Value::Error);
                self.poisoned.push((scope, name, value));
            }
        }
    }

    /// The function under construction that the region at hand is part of.
    pub(super) fn function_frame(&self) -> u32 {
        let functions = self.frames.iter().rev();
        functions
            .map(|frame| (frame.id, frame.kind))
            .find(|(_, kind)| *kind == FrameKind::Function)
            .map_or(0, |(id, _)| id)
    }

    /// Asked before it is reported that a scalar has to be known when compiling: whether it will be, since a loop is
    /// going to be unrolled. Then nothing is reported.
    pub(crate) fn is_known_unrolled(&mut self, scalar: NodeId) -> bool {
        self.unrolling = self.loop_to_unroll(scalar);
        self.unrolling.is_some()
    }

    /// The same of a dim with the variables of loops in it.
    pub(super) fn unrolls_for(&mut self, dim: &Dim) -> bool {
        self.unrolling = self.loop_of(&dim.poly().names());
        self.unrolling.is_some()
    }

    /// The outermost loop whose variable a scalar is computed from, if that is from nothing else but numbers.
    fn loop_to_unroll(&self, scalar: NodeId) -> Option<u32> {
        self.loop_of(&self.dims_of_scalar(scalar)?)
    }

    /// The outermost loop among those whose variables are named, if the others are known too.
    fn loop_of(&self, names: &BTreeSet<String>) -> Option<u32> {
        let mut outermost: Option<usize> = None;
        let mut seen = names.clone();
        let mut left: Vec<String> = names.iter().cloned().collect();
        while let Some(name) = left.pop() {
            let found = self.frames.iter().enumerate().find_map(|(level, frame)| {
                let rounds = frame.rounds.as_ref()?;
                (rounds.index == name).then_some((level, rounds))
            });
            let Some((level, rounds)) = found else {
                // A dim of the function is a number in an instance.
                match self.mode {
                    Mode::Definition => continue,
                    Mode::Program => return None,
                }
            };
            outermost = Some(outermost.map_or(level, |known| known.min(level)));
            let further = rounds.count.as_ref()?.poly().names();
            left.extend(further.into_iter().filter(|name| seen.insert(name.clone())));
        }
        outermost.map(|level| self.frames[level].id)
    }

    /// The names of the dims and loop variables that a scalar is computed from, if that is from nothing else but numbers.
    pub(super) fn dims_of_scalar(&self, scalar: NodeId) -> Option<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        let mut seen = HashSet::from([scalar]);
        let mut left = vec![scalar];
        while let Some(id) = left.pop() {
            let frame = self.frames.iter().find(|frame| frame.id == id.frame)?;
            let node = &frame.nodes[id.index as usize];
            let mut next = Vec::new();
            match &node.op {
                Prim::Constant(_) | Prim::Elementwise(_) => {
                    next.extend(node.args.iter().map(|&index| NodeId {
                        frame: id.frame,
                        index,
                    }));
                }
                Prim::DimValue(dim) => names.extend(dim.poly().names()),
                _ => {
                    let captured = frame.captures.iter();
                    let (outer, _) = captured.clone().find(|(_, inner)| *inner == id.index)?;
                    next.push(*outer);
                }
            }
            left.extend(next.into_iter().filter(|id| seen.insert(*id)));
        }
        Some(names)
    }

    /// A loop over a list.
    pub(super) fn each_in_turn(&mut self, written: For<'a>, items: Vec<Value<'a>>) -> Res<()> {
        for (position, item) in (0..).zip(items) {
            self.one_round(written, position, item)?;
        }
        Ok(())
    }

    /// A loop whose variable has to be known.
    pub(super) fn unroll(&mut self, written: For<'a>, steps: &Steps) -> Res<()> {
        let count = match &steps.rounds {
            Whole::Dim(dim) => dim.as_const(),
            Whole::Node(_) => None,
        };
        // Only a function by itself has loops that are unrolled where it is an instance.
        let count = count.ok_or(Reported)?;
        if count > MAX_ROUNDS {
            let message = format!("this loop has {count} rounds, which is too many to unroll");
            let diagnostic = Diagnostic::error(Code::DL0710, message, written.iter.span)
                .note(format!(
                    "a loop is unrolled where its variable has to be known at compile time; {MAX_ROUNDS} rounds are the limit"
                ))
                .help("let the variable index tensors instead of lists, and stand in no size");
            return Err(self.report(diagnostic));
        }
        for position in 0..count.max(0) {
            let item = match &steps.each {
                Each::Number { first, ascending } => {
                    let Whole::Dim(first) = first else {
                        return Err(Reported);
                    };
                    let by = Dim::constant(if *ascending { position } else { -position });
                    let number = first + &by;
                    match number.as_const() {
                        Some(number) => Value::int(number),
                        None => Value::Dim(number),
                    }
                }
                Each::Element { of, ascending } => {
                    let at = if *ascending {
                        position
                    } else {
                        count - 1 - position
                    };
                    self.element(*of, at, written.iter.span)
                        .map(Value::Tensor)?
                }
            };
            self.one_round(written, position, item)?;
        }
        Ok(())
    }

    /// One round of a loop that is unrolled; an error ends the loop, since one round has shown what is wrong. So does a
    /// round that makes nothing of what an error before it has left without a value.
    fn one_round(&mut self, written: For<'a>, position: i64, item: Value<'a>) -> Res<()> {
        let errors = self.diagnostics.len();
        let nodes = self.frame().nodes.len();
        let value = if written.iter.enumerate {
            Value::tuple(vec![Value::int(position), item])
        } else {
            item
        };
        self.in_scope(|checker| {
            checker.bind(written.pattern, value, &|_| Kind::Loop)?;
            checker.run_block(written.body)
        })?;
        if self.diagnostics.len() > errors {
            return Err(Reported);
        }
        if self.frame().nodes.len() > nodes {
            return Ok(());
        }
        self.idle_rounds += 1;
        if self.diagnostics.iter().any(|one| one.is_error()) {
            return Err(Reported);
        }
        if self.idle_rounds <= MAX_IDLE_ROUNDS {
            return Ok(());
        }
        if !std::mem::replace(&mut self.too_deep, true) {
            let message = format!(
                "loops that are unrolled have more than {MAX_IDLE_ROUNDS} rounds that compute nothing"
            );
            let diagnostic = Diagnostic::error(Code::DL0710, message, written.iter.span)
                .help("take out the loop, or let it go over numbers or tensors");
            return Err(self.report(diagnostic));
        }
        Err(Reported)
    }
}
