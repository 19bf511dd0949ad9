//! The reverse-mode rule of every op. The match has no wildcard arm: a new op does not compile before it has a
//! rule, or says that it has none.

pub mod contract;
pub mod index;
pub mod reduce;
pub mod shape;

use crate::reverse::Site;
use dlc_dialects::{
    ir::{
        builder::derivative_rules,
        shape::{ElementClass, class, element_of},
    },
    ops::{Cumulative, Expr, OpKind},
};
use melior::ir::{OperationRef, Value};

/// How the adjoint of an op's result becomes adjoints of its operands.
#[derive(Clone, Copy)]
pub enum Rule {
    /// An elementwise op: the expressions of its record, one for each operand, `None` where no gradient flows.
    Record(&'static [Option<Expr>]),
    /// Written by hand: the adjoint of an operand of that number, and the operands that only say where things
    /// are, through which no gradient flows.
    Hand(Adjoint, &'static [usize]),
    /// The derivative is zero almost everywhere, and everybody knows it: nothing flows.
    Inactive,
    /// No rule: an error where a gradient would have to flow.
    None,
}

/// The adjoint of one operand, from the adjoint of the result. Asked only for operands that need one.
pub type Adjoint = for<'s, 'c, 'a> fn(&Site<'s, 'c, 'a>, usize) -> Value<'c, 'a>;

/// The rule of an op.
pub fn rule(kind: OpKind) -> Rule {
    use OpKind::*;
    match kind {
        Abs | Acos | Add | Asin | Atan | Atan2 | Bitcast | BitwiseAnd | BitwiseNot | BitwiseOr
        | BitwiseXor | Ceil | Convert | Cos | Cosh | Div | Equal | Erf | Exp | Expm1 | Floor
        | Fma | Greater | GreaterEqual | Isfinite | Isinf | Isnan | Less | LessEqual | Log
        | Log1p | Maximum | Minimum | Mul | Neg | NotEqual | Pow | Rem | Round | Rsqrt | Select
        | ShiftLeft | ShiftRight | Sigmoid | Sign | Sin | Sinh | Softplus | Sqrt | Square
        | StopGradient | Sub | Tan | Tanh => match derivative_rules(kind) {
            Some(rules) => Rule::Record(rules),
            None => Rule::Inactive,
        },

        DotGeneral => Rule::Hand(contract::dot_general, &[]),
        Reduce => Rule::Hand(reduce::reduce, &[]),
        // Of sums; `rule_of` sees the kind.
        Cumulative => Rule::Hand(reduce::cumulative, &[]),

        Broadcast => Rule::Hand(shape::broadcast, &[]),
        Concatenate => Rule::Hand(shape::concatenate, &[]),
        Pad => Rule::Hand(shape::pad, &[]),
        Reshape => Rule::Hand(shape::reshape, &[]),
        Reverse => Rule::Hand(shape::reverse, &[]),
        Slice => Rule::Hand(shape::slice, &[]),
        Transpose => Rule::Hand(shape::transpose, &[]),
        UpdateSlice => Rule::Hand(shape::update_slice, &[]),

        Scatter => Rule::Hand(index::scatter, &[1]),
        ScatterAddAlongAxis => Rule::Hand(index::scatter_add_along_axis, &[1]),
        Take => Rule::Hand(index::take, &[1]),
        TakeAlongAxis => Rule::Hand(index::take_along_axis, &[1]),

        Check | Constant | DimValue | Iota | Print | RandomBits => Rule::Inactive,

        // An index: used as one it carries no gradient, turned back into a float it would cut the gradient off.
        ArgReduce | Argsort => Rule::None,
        // Not implemented.
        Conv | ReduceWindow => Rule::None,
        // Expanded before it could be met.
        Grad => Rule::None,
    }
}

/// The rule of an operation; other dialects' have none.
pub fn rule_of(op: OperationRef) -> Rule {
    match OpKind::of(&op) {
        Some(OpKind::Cumulative) if Cumulative(op).kind() != "sum" => Rule::None,
        kind => kind.map_or(Rule::None, rule),
    }
}

/// Whether the result depends on an operand in a way that a derivative would have to follow.
pub fn depends(op: OperationRef, operand: usize) -> bool {
    match rule_of(op) {
        Rule::Record(rules) => rules[operand].is_some() && !is_test(op),
        Rule::Hand(_, places) => !places.contains(&operand),
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
