//! Keys are used once.
//!
//! A key is a tensor node; passing it to a random function, `split_key` or any function of the file uses it. Names,
//! tuples and structs do not, since they do not make another node. Elements of an array of keys are used one by one.

use std::collections::HashMap;

use crate::ast::{DType, Index, IndexKind, Span};
use crate::check::Checker;
use crate::check::dims::count;
use crate::check::value::{NodeId, Res, Value};
use crate::core::{Dim, Num, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// What an element or a part of an array of keys is of: the array, and which elements where that is known.
type Part = (NodeId, Option<(i64, i64)>);

/// A use of a key.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// Where.
    pub span: Span,
    /// By what.
    pub by: String,
    /// Which elements; all where nothing is said.
    pub range: Option<(i64, i64)>,
}

/// What is known of the keys of a function.
#[derive(Default)]
pub(crate) struct Keys {
    uses: HashMap<NodeId, Vec<Use>>,
    parts: HashMap<NodeId, Part>,
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
        let text = self.text(span);
        loop {
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
                Some((parent, part)) => {
                    range = match (part, range) {
                        (Some(part), None) => Some(*part),
                        (Some(part), Some(inner)) => Some((part.0 + inner.0, part.0 + inner.1)),
                        (None, _) => None,
                    };
                    at = self.key_root(*parent);
                }
                None => return Ok(()),
            }
        }
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
        self.keys.parts.insert(element, (x, Some((i, i + 1))));
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
                    let part = self.take(x, ids, 0, span)?;
                    self.keys.parts.insert(part, (x, None));
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
                        let part = self.take(x, ids, 0, span)?;
                        self.keys.parts.insert(part, (x, None));
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
                self.keys.parts.insert(part, (x, range));
                Ok(part)
            }
        }
    }
}
