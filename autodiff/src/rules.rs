//! The rule of every op, in both modes. The match has no wildcard arm: a new op does not compile before it has a
//! rule, or says that it has none.

pub mod contract;
pub mod conv;
pub mod cumulative;
pub mod index;
pub mod reduce;
pub mod shape;
pub mod softmax;
pub mod window;

use crate::site::Site;
use dlc_dialects::{
    elementwise_kinds,
    ir::{
        builder::derivative_rules,
        shape::{ElementClass, class, element_of},
    },
    ops::{Expr, OpKind},
};
use melior::ir::{OperationRef, Value};

/// A mode of differentiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From tangents of operands to those of results.
    Forward,
    /// From adjoints of results to those of operands.
    Reverse,
}

/// How an op is differentiated, in both modes.
#[derive(Clone, Copy)]
pub enum Rule {
    /// An elementwise op: the expressions of its record, one for each operand, `None` where no gradient flows.
    Record(&'static [Option<Expr>]),
    /// Written by hand.
    Hand(Hand),
    /// The derivative is zero almost everywhere, and everybody knows it: nothing flows.
    Inactive,
    /// No rule: an error where a gradient would have to flow.
    None,
}

/// A rule written by hand.
#[derive(Clone, Copy)]
pub struct Hand {
    /// The adjoint of an operand of that number.
    pub adjoint: Adjoint,
    /// For an op that reads a part of its first operand: that operand's adjoint, from the sum of what has come so far,
    /// without touching the rest.
    pub accumulate: Option<Accumulate>,
    /// The tangent of the result.
    pub tangent: Tangent,
    /// The operands that only say where things are, through which no gradient flows.
    pub places: &'static [usize],
}

/// The adjoint of one operand, from the adjoint of the result. Asked only for operands that need one.
pub type Adjoint = for<'s, 'c, 'a> fn(&Site<'s, 'c, 'a>, usize) -> Value<'c, 'a>;

/// The sum of what has come so far and the adjoint of the first operand.
pub type Accumulate = for<'s, 'c, 'a> fn(&Site<'s, 'c, 'a>, Value<'c, 'a>) -> Value<'c, 'a>;

/// How tangents of an op's operands become that of its result.
#[derive(Clone, Copy)]
pub enum Tangent {
    /// The op is linear in all its tensors but places, taken together: the op, of the tangents.
    Linear,
    /// The op is linear in each operand: the sum of the op with one operand's tangent in its place, over the operands.
    Multilinear,
    /// Written by hand, from the tangent of the only operand that has one; the site's adjoint is one.
    Hand(for<'s, 'c, 'a> fn(&Site<'s, 'c, 'a>, Value<'c, 'a>) -> Value<'c, 'a>),
}

const fn linear(adjoint: Adjoint, places: &'static [usize]) -> Rule {
    Rule::Hand(Hand {
        adjoint,
        accumulate: None,
        tangent: Tangent::Linear,
        places,
    })
}

/// An op that reads a part of its first operand.
const fn reading(adjoint: Adjoint, accumulate: Accumulate, places: &'static [usize]) -> Rule {
    Rule::Hand(Hand {
        adjoint,
        accumulate: Some(accumulate),
        tangent: Tangent::Linear,
        places,
    })
}

/// The rule of an op.
pub fn rule(kind: OpKind) -> Rule {
    use OpKind::*;
    match kind {
        Bitcast | Convert | elementwise_kinds!() => match derivative_rules(kind) {
            Some(rules) => Rule::Record(rules),
            None => Rule::Inactive,
        },

        DotGeneral => Rule::Hand(Hand {
            adjoint: contract::dot_general,
            accumulate: None,
            tangent: Tangent::Multilinear,
            places: &[],
        }),
        Reduce => Rule::Hand(Hand {
            adjoint: reduce::reduce,
            accumulate: None,
            tangent: Tangent::Hand(reduce::tangent),
            places: &[],
        }),
        Cumulative => Rule::Hand(Hand {
            adjoint: cumulative::cumulative,
            accumulate: None,
            tangent: Tangent::Hand(cumulative::tangent),
            places: &[],
        }),
        Conv => Rule::Hand(Hand {
            adjoint: conv::conv,
            accumulate: None,
            tangent: Tangent::Multilinear,
            places: &[],
        }),
        ReduceWindow => Rule::Hand(Hand {
            adjoint: window::reduce_window,
            accumulate: None,
            tangent: Tangent::Hand(window::tangent),
            places: &[],
        }),

        Broadcast => linear(shape::broadcast, &[]),
        OptimizationBarrier => linear(shape::optimization_barrier, &[1]),
        Concatenate => linear(shape::concatenate, &[]),
        Pad => linear(shape::pad, &[]),
        Reshape => linear(shape::reshape, &[]),
        Reverse => linear(shape::reverse, &[]),
        Slice => reading(shape::slice, shape::add_slice, &[]),
        Transpose => linear(shape::transpose, &[]),
        UpdateSlice => linear(shape::update_slice, &[]),

        Scatter => linear(index::scatter, &[1]),
        ScatterAddAlongAxis => linear(index::scatter_add_along_axis, &[1]),
        Take => reading(index::take, index::add_taken, &[1]),
        TakeAlongAxis => reading(index::take_along_axis, index::add_taken_along_axis, &[1]),

        Check | Constant | DimValue | Iota | Print | RandomBits => Rule::Inactive,

        // An index: used as one it carries no gradient, turned back into a float it would cut the gradient off.
        ArgReduce | Argsort => Rule::None,
        // The sweeps make calls of them (`reverse/call.rs`, `forward/call.rs`).
        Call => Rule::None,
        // Expanded before it could be met.
        Grad | Jvp | Vjp | Vmap => Rule::None,
    }
}

/// The rule of an operation; other dialects' have none.
pub fn rule_of(op: OperationRef) -> Rule {
    OpKind::of(&op).map_or(Rule::None, rule)
}

/// Whether the result depends on an operand in a way that a derivative would have to follow.
pub fn depends(op: OperationRef, operand: usize) -> bool {
    match rule_of(op) {
        Rule::Record(rules) => rules[operand].is_some() && !is_test(op),
        Rule::Hand(hand) => !hand.places.contains(&operand),
        Rule::Inactive => false,
        Rule::None => true,
    }
}

/// A conversion to bool is the comparison `x != 0`, and as inactive as that.
fn is_test(op: OperationRef) -> bool {
    OpKind::of(&op) == Some(OpKind::Convert)
        && op
            .result(0)
            .is_ok_and(|y| class(element_of(y.into())) == ElementClass::Bool)
}
