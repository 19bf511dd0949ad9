//! Keys are used once.
//!
//! A key is a tensor node; passing it to a random function, `split_key` or any function of the file uses it. Names,
//! tuples and structs do not, since they do not make another node. Elements of an array of keys are used one by one.

use std::collections::HashMap;

use dlc_abi::dim::Factor;

use crate::ast::{DType, Index, IndexKind, Span};
use crate::check::Checker;
use crate::check::dims::count;
use crate::check::frame::FrameKind;
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// What an element or a part of an array of keys is of.
#[derive(Clone, Debug)]
struct Part {
    /// The array.
    of: NodeId,
    /// Which elements, where that is known.
    range: Option<(i64, i64)>,
    /// The loop, by its frame, in each of whose rounds it is another one.
    each: Option<u32>,
}

/// A use of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Use {
    /// Where.
    pub span: Span,
    /// By what.
    pub by: String,
    /// Which elements; all where nothing is said.
    pub range: Option<(i64, i64)>,
}

/// What is known of the keys of a function.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    uses: HashMap<NodeId, Vec<Use>>,
    parts: HashMap<NodeId, Part>,
}

impl Keys {
    /// With what is known where another path was taken.
    pub fn join(&mut self, other: Keys) {
        for (id, uses) in other.uses {
            let known = self.uses.entry(id).or_default();
            let new = uses.into_iter().filter(|new| !known.contains(new));
            known.extend(new.collect::<Vec<_>>());
        }
        self.parts.extend(other.parts);
    }
}

fn overlap(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.0 < b.1 && b.0 < a.1,
        _ => true,
    }
}

impl<'a> Checker<'a> {
    /// The node that a parameter of a function value stands for.
    fn key_root(&self, mut id: NodeId) -> NodeId {
        while let Some(frame) = self.frames.iter().find(|frame| frame.id == id.frame)
            && let Some((outer, _)) = frame.captures.iter().find(|(_, inner)| *inner == id.index)
        {
            id = *outer;
        }
        id
    }

    /// Uses a key, or reports that it has been used.
    pub(crate) fn use_key(&mut self, id: NodeId, span: Span, by: &str) -> Res<()> {
        let mut at = self.key_root(id);
        let mut range = None;
        let mut each = None;
        let text = self.text(span);
        loop {
            if self.loops_around(at).any(|id| Some(id) != each) {
                return Err(self.used_in_each_round(&text, span));
            }
            let uses = self.keys.uses.entry(at).or_default();
            if let Some(first) = uses.iter().find(|known| overlap(known.range, range)) {
                let first = first.clone();
                let name = if text.is_empty() || text.len() > 40 {
                    "this key".to_string()
                } else {
                    format!("key `{text}`")
                };
                let line = |span: Span| self.sources.line_col(span).line;
                let message = if first.span == span {
                    format!("{name} is used each time this is evaluated")
                } else {
                    format!(
                        "{name} used twice (:{} {}, :{} {by})",
                        line(first.span),
                        first.by,
                        line(span)
                    )
                };
                let again = first.span == span;
                let mut diagnostic =
                    Diagnostic::error(Code::DL0501, message, span).label(if again {
                        "used here each time"
                    } else {
                        "second use"
                    });
                if !again {
                    diagnostic = diagnostic.secondary(first.span, "first use");
                }
                let help = if again {
                    "`split_key(…, n)` makes a key for each step; go through them".to_string()
                } else if text.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.is_empty()
                {
                    format!("`let (k1, k2) = split_key({text})` makes two of it")
                } else {
                    "`split_key` makes several of one".to_string()
                };
                return Err(self.report(diagnostic.help(help)));
            }
            uses.push(Use {
                span,
                by: by.to_string(),
                range,
            });
            match self.keys.parts.get(&at) {
                Some(part) => {
                    each = each.or(part.each);
                    range = match (&part.range, range) {
                        (Some(part), None) => Some(*part),
                        (Some(part), Some(inner)) => Some((part.0 + inner.0, part.0 + inner.1)),
                        (None, _) => None,
                    };
                    at = self.key_root(part.of);
                }
                None => return Ok(()),
            }
        }
    }

    fn note_part(&mut self, part: NodeId, of: NodeId, range: Option<(i64, i64)>) {
        let each = None;
        self.keys.parts.insert(part, Part { of, range, each });
    }

    /// The loops that are begun after a node, by their frames.
    pub(super) fn loops_around(&self, id: NodeId) -> impl Iterator<Item = u32> {
        let inside = self.frames.iter().rev();
        inside
            .take_while(move |frame| frame.id != id.frame)
            .filter(|frame| frame.kind == FrameKind::Loop || frame.is_batch)
            .map(|frame| frame.id)
    }

    /// The innermost loop in each of whose rounds an index is another one: it is a multiple of the round's number and
    /// what does not change. It has to lie inside, since one that is clamped would not be another one.
    fn loop_counted_by(&self, index: NodeId, size: &Dim) -> Option<u32> {
        let index = self.scalar_dim(index)?;
        self.inner_point(&index, size)?;
        let (frame, name) = self.frames.iter().rev().find_map(|frame| {
            let name = &frame.rounds.as_ref()?.index;
            index.poly().names().contains(name).then_some((frame, name))
        })?;
        let terms = index.poly().terms();
        let mut with = terms.iter().filter(|(_, factors)| {
            let own = |factor: &Factor<'_>| !matches!(factor, Factor::Name(other) if other != name);
            factors.iter().any(own)
        });
        let alone = |factors: &[Factor<'_>]| matches!(factors, [Factor::Name(n)] if n == name);
        let alone = with.next().is_some_and(|(_, factors)| alone(factors));
        (alone && with.next().is_none()).then_some(frame.id)
    }

    /// Reports a key from outside of a loop that is used in it.
    fn used_in_each_round(&mut self, text: &str, span: Span) -> Reported {
        let name = if text.is_empty() || text.len() > 40 {
            "this key".to_string()
        } else {
            format!("key `{text}`")
        };
        let inner = self.frames.iter().rev();
        let is_batch = inner
            .take_while(|frame| frame.kind != FrameKind::Loop)
            .any(|frame| frame.is_batch);
        let (each, help) = if is_batch {
            (
                "for each element of a batch",
                "`split_key(…, n)` makes a key for each, to be mapped over; `in_axes=none` for an argument gives all the same",
            )
        } else {
            (
                "in each round",
                "`split_key(…, n)` makes a key for each round; go through them by `for`",
            )
        };
        let diagnostic = Diagnostic::error(Code::DL0501, format!("{name} is used {each}"), span)
            .label("used here each time")
            .help(help);
        self.report(diagnostic)
    }

    /// Uses all keys in a tree.
    pub(crate) fn use_keys(&mut self, value: &Value<'a>, span: Span, by: &str) -> Res<()> {
        for id in value.nodes() {
            if self.dtype(id) == DType::Key {
                self.use_key(id, span, by)?;
            }
        }
        Ok(())
    }

    /// A key that has been used and would be handed out.
    pub(crate) fn key_use(&self, id: NodeId) -> Option<Use> {
        self.keys.uses.get(&self.key_root(id))?.first().cloned()
    }

    /// Element `i` of an array of keys; asking twice gives the same node.
    pub(crate) fn key_element(&mut self, x: NodeId, i: i64, span: Span) -> Res<NodeId> {
        if let Some(known) = self.frame().key_elements.get(&(x, i)) {
            return Ok(*known);
        }
        let ids = self.scalar(Num::Int(i.into()), DType::I64, span)?;
        let element = self.take(x, ids, 0, span)?;
        self.frame().key_elements.insert((x, i), element);
        self.note_part(element, x, Some((i, i + 1)));
        Ok(element)
    }

    /// The elements of an array of keys, for a pattern.
    pub(super) fn key_parts(
        &mut self,
        x: NodeId,
        wanted: usize,
        span: Span,
    ) -> Res<Vec<Value<'a>>> {
        let ty = self.ty(x).clone();
        let Some(size) = ty.shape.first().and_then(Dim::as_const) else {
            let message = format!("{} bound to `{ty}`", count(wanted, "name"));
            let diagnostic = Diagnostic::error(Code::DL0708, message, span)
                .help("`split_key(k, n)` makes `n` keys, which `let (a, b) = …` takes apart");
            return Err(self.report(diagnostic));
        };
        if usize::try_from(size) != Ok(wanted) {
            return self.error(
                Code::DL0708,
                format!("{} bound to {size} keys", count(wanted, "name")),
                span,
            );
        }
        (0..size)
            .map(|i| self.key_element(x, i, span).map(Value::Tensor))
            .collect()
    }

    /// `keys[i]`, `keys[a:b]`.
    pub(super) fn index_key(
        &mut self,
        x: NodeId,
        indices: &'a [Index],
        index_span: Span,
        span: Span,
    ) -> Res<NodeId> {
        let ty = self.ty(x).clone();
        if ty.rank() == 0 {
            return self.error(Code::DL0212, "a single key has no elements", index_span);
        }
        let [index] = indices else {
            return self.not_yet("more than one index on an array of keys is", index_span);
        };
        match &index.kind {
            IndexKind::At(expr) => {
                let value = self.eval(expr)?;
                if let Value::Tensor(ids) = value {
                    self.guard_indices(ids, &ty, 0, expr.span)?;
                    let part = self.take(x, ids, 0, span)?;
                    self.note_part(part, x, None);
                    let each = self.loop_counted_by(ids, &ty.shape[0]);
                    if let Some(part) = self.keys.parts.get_mut(&part) {
                        part.each = each;
                    }
                    return Ok(part);
                }
                let index = self.value_to_dim(&value, expr.span)?;
                match (index.as_const(), ty.shape[0].as_const()) {
                    (Some(i), Some(size)) if (-size..size).contains(&i) => {
                        self.key_element(x, if i < 0 { i + size } else { i }, span)
                    }
                    (Some(i), Some(size)) => self.error(
                        Code::DL0212,
                        format!("index {i} is outside an array of {size} keys"),
                        expr.span,
                    ),
                    _ => {
                        let ids = self.dim_scalar(&index, DType::I64, span)?;
                        self.guard_indices(ids, &ty, 0, expr.span)?;
                        let part = self.take(x, ids, 0, span)?;
                        self.note_part(part, x, None);
                        Ok(part)
                    }
                }
            }
            _ => {
                let plan = self.plan_index(x, indices, index_span)?;
                let part = self.read(x, &plan, span)?;
                if part == x {
                    return Ok(x);
                }
                let shape: TensorType = self.ty(part).clone();
                let range = match plan.axes.first() {
                    Some(super::index::AxisIndex::Slice {
                        start,
                        stride: 1,
                        reversed: false,
                        ..
                    }) => start
                        .as_const()
                        .zip(shape.shape[0].as_const())
                        .map(|(start, size)| (start, start + size)),
                    _ => None,
                };
                self.note_part(part, x, range);
                Ok(part)
            }
        }
    }
}
