//! Regions: the bodies of loops and the sides of branches, and the variables they change.
//!
//! Note [Carried variables]. A region may change the variables that are assigned in its text. A loop passes the leaves
//! of all of them in; those that are the same node after a round are not changed by any, and become captures. So a body
//! is checked once, and what is carried is what has to be. A branch passes nothing in: it gives the leaves that either
//! side changes.

use dlc_abi::dim::Poly;

use crate::ast::{DType, Span};
use crate::check::Checker;
use crate::check::assigned::Assigned;
use crate::check::frame::{Frame, FrameKind, Rounds};
use crate::check::value::{NodeId, Reported, Res, Value};
use crate::core::{Dim, NodeIndex, Param, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// A variable that a region may change.
pub(super) struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value before the region.
    pub before: Value<'a>,
    /// Where it is declared.
    pub span: Span,
}

/// The leaves of variables, in order.
pub(super) fn leaves(variables: &[Variable<'_>]) -> Vec<NodeId> {
    variables
        .iter()
        .flat_map(|variable| variable.before.nodes())
        .collect()
}

impl<'a> Checker<'a> {
    /// The variables in reach that a region may change.
    pub(super) fn variables(&self, assigned: &Assigned<'a>) -> Vec<Variable<'a>> {
        let of_name = |name: &&'a str| {
            let binding = self.scope.variable(name)?;
            (!binding.value.has_error()).then_some(Variable {
                name,
                before: binding.value,
                span: binding.span,
            })
        };
        assigned.names.iter().filter_map(of_name).collect()
    }

    /// Begins a region.
    pub(super) fn push_region(&mut self, kind: FrameKind) {
        let (dims, facts) = (self.frame().dims.clone(), self.frame().facts.clone());
        self.next_frame += 1;
        self.frames
            .push(Frame::new(self.next_frame, kind, dims, facts));
    }

    /// Ends a region: variables are again what they were before it.
    pub(super) fn pop_region(&mut self, variables: &[Variable<'a>]) -> Frame {
        for variable in variables {
            self.scope.assign(variable.name, variable.before.clone());
        }
        self.frames.pop().expect("the region has been begun")
    }

    /// Passes the variables into the region at hand: gives its parameters.
    pub(super) fn pass_in(&mut self, variables: &[Variable<'a>]) -> Res<Vec<NodeId>> {
        let mut params = Vec::new();
        for variable in variables {
            let inner = self.map_leaves(&variable.before, &mut |checker, leaf| {
                let Value::Tensor(outer) = leaf else {
                    return Ok(leaf.clone());
                };
                let (ty, origin) = (checker.ty(*outer).clone(), checker.origin(*outer));
                let frame = checker.frame();
                let id = frame.push_param(Param {
                    path: variable.name.to_string(),
                    ty,
                    inout: false,
                    span: variable.span,
                });
                if let Some(origin) = origin {
                    frame.origins.insert(id.index, origin);
                }
                params.push(id);
                Ok(Value::Tensor(id))
            })?;
            self.scope.assign(variable.name, inner);
        }
        Ok(params)
    }

    /// The leaves of the variables as they are now, each of the type that it had before.
    pub(super) fn leaves_now(&mut self, variables: &[Variable<'a>]) -> Res<Vec<NodeId>> {
        let mut now = Vec::new();
        for variable in variables {
            let binding = self.scope.variable(variable.name).ok_or(Reported)?;
            if binding.value.has_error() {
                return Err(Reported);
            }
            let (before, after) = (variable.before.nodes(), binding.value.nodes());
            if before.len() != after.len() {
                return Err(self.changes_type(variable, &binding.value));
            }
            for (before, after) in before.into_iter().zip(after) {
                let (from, to) = (self.ty(before).clone(), self.ty(after));
                if from.dtype != to.dtype || !self.same_shape(&from.shape, &to.shape) {
                    return Err(self.changes_type(variable, &binding.value));
                }
                now.push(self.recast(after, &from.shape, variable.span)?);
            }
        }
        Ok(now)
    }

    fn changes_type(&mut self, variable: &Variable<'a>, after: &Value<'a>) -> Reported {
        let message = format!(
            "`{}` is {} before this and {} after it",
            variable.name,
            self.describe(&variable.before),
            self.describe(after)
        );
        let diagnostic = Diagnostic::error(Code::DL0402, message, variable.span)
            .note("what a loop or an `if` changes keeps its type");
        self.report(diagnostic)
    }

    /// The numbers of nodes in the region at hand, to be given from it.
    pub(super) fn given(&mut self, nodes: &[NodeId], span: Span) -> Vec<NodeIndex> {
        let level = self.frames.len() - 1;
        nodes
            .iter()
            .map(|node| self.local(*node, level, span))
            .collect()
    }

    /// A loop of compile-time rounds that no program writes: `round` makes the next value of the one tensor that is carried
    /// from the number of the round, an `i64`, and the value so far.
    pub(crate) fn rounds(
        &mut self,
        count: i64,
        first: NodeId,
        span: Span,
        round: &mut dyn FnMut(&mut Self, NodeId, NodeId) -> Res<NodeId>,
    ) -> Res<NodeId> {
        let (ty, count) = (self.ty(first).clone(), Dim::constant(count));
        self.push_region(FrameKind::Loop);
        let index = format!("round.{}", self.next_frame);
        let frame = self.frame();
        frame.rounds = Some(Rounds {
            index: index.clone(),
            count: Some(count.clone()),
        });
        let carried = frame.push_param(Param {
            path: "carried".to_owned(),
            ty: ty.clone(),
            inout: false,
            span,
        });
        let number = Dim::with_shown(Poly::name(&index), Poly::name("round"));
        let next = self
            .dim_scalar(&number, DType::I64, span)
            .and_then(|number| round(self, number, carried))
            .map(|next| self.given(&[next], span));
        let closed = self.pop_region(&[]).into_region(&[Ok(())], next?);
        let mut args = vec![first];
        args.extend(closed.captured);
        let op = Prim::For {
            index,
            rounds: Some(count),
            body: Box::new(closed.region),
            results: vec![ty.clone()],
        };
        let node = self.call_node(op, &args, std::slice::from_ref(&ty), span)?;
        self.node(Prim::Result(0), &[node], ty, span)
    }

    /// The results of a region's node, by their types.
    pub(super) fn results_of(
        &mut self,
        node: NodeId,
        types: &[TensorType],
        span: Span,
    ) -> Res<Vec<NodeId>> {
        (0..)
            .zip(types)
            .map(|(n, ty)| self.node(Prim::Result(n), &[node], ty.clone(), span))
            .collect()
    }

    /// Gives the variables their values after a region: the next of `results` for each leaf that it changes.
    pub(super) fn take_results(
        &mut self,
        variables: &[Variable<'a>],
        changed: &[bool],
        results: &mut dyn Iterator<Item = NodeId>,
    ) -> Res<()> {
        let mut changed = changed.iter();
        for variable in variables {
            let value = self.map_leaves(&variable.before, &mut |_, leaf| match leaf {
                Value::Tensor(_) if changed.next() == Some(&true) => {
                    results.next().map(Value::Tensor).ok_or(Reported)
                }
                other => Ok(other.clone()),
            })?;
            self.scope.assign(variable.name, value);
        }
        Ok(())
    }

    /// Reports keys that would be used again in the next round: those that stay the same and are used, and those that
    /// have been used when they are handed on.
    pub(super) fn check_carried_keys(
        &mut self,
        variables: &[Variable<'a>],
        before: &[NodeId],
        after: &[NodeId],
    ) -> Res<()> {
        let names = variables
            .iter()
            .flat_map(|variable| variable.before.nodes().into_iter().map(move |_| variable));
        let mut handed_on = Vec::new();
        for ((variable, before), after) in names.zip(before).zip(after) {
            if self.dtype(*before) != DType::Key {
                continue;
            }
            let again = handed_on.contains(after);
            handed_on.push(*after);
            let used = self.key_use(*after);
            if used.is_none() && !again && self.loops_around(*after).next().is_none() {
                continue;
            }
            let message = format!("key `{}` is used in each round", variable.name);
            let place = used.as_ref().map_or(variable.span, |used| used.span);
            let mut diagnostic = Diagnostic::error(Code::DL0501, message, place);
            if used.is_some() {
                diagnostic = diagnostic
                    .label("used here, and handed on to the next round")
                    .secondary(variable.span, "declared here");
            }
            let diagnostic = diagnostic.help(format!(
                "split it in each round: `let (next, now) = split_key({0})`, use `now`, and hand on `{0} = next`",
                variable.name
            ));
            return Err(self.report(diagnostic));
        }
        Ok(())
    }
}
