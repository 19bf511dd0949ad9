//! Where a derivative ends because an op is constant but for its steps: what a remark says, as nothing else would tell it
//! from a function that does not depend on its argument.

use crate::{
    activity::Varied,
    functions::{inside, is_float_tensor},
    rules::{Rule, depends, rule_of},
    trail::name,
};
use dlc_dialects::{
    ir::{
        builder::BY_RULE,
        shape::{ElementClass, class, element_of},
    },
    ops::OpKind,
    pass::emit_remark,
};
use melior::ir::{OperationRef, Value, ValueLike, operation::OperationLike};

/// Remarks, each at its op, on the ops among `ops`, and inside their regions, that are constant but for their steps where
/// they read what varies with `wrt` and where a float among `results` is made of what they give. Comparisons, and the
/// places of the largest elements, are left out: they choose between values that have derivatives.
pub fn remark<'c: 'a, 'a>(
    ops: &[OperationRef<'c, 'a>],
    wrt: &[(Value<'c, 'a>, String)],
    results: &[Value<'c, 'a>],
) {
    let all = ops.iter().flat_map(|op| [vec![*op], inside(*op)].concat());
    let cuts = all.filter(|op| is_cut(*op)).collect::<Vec<_>>();
    if cuts.is_empty() {
        return;
    }
    let values = wrt.iter().map(|(x, _)| *x).collect::<Vec<_>>();
    let varied = Varied::of(ops.iter().copied(), &values);
    for cut in cuts {
        if !cut.operands().any(|x| varied.contains(x)) {
            continue;
        }
        let given = cut.results().map(Value::from).collect::<Vec<_>>();
        let made = Varied::following(influence, ops.iter().copied(), &given);
        let mut floats = results.iter().filter(|y| is_float_tensor(y.r#type()));
        if floats.any(|y| made.contains(*y)) {
            let message = format!(
                "DL0314 no derivative passes through {}, which is constant but for its steps",
                shown(cut)
            );
            let help = "help: `stop_gradient(...)` around it says that this is meant";
            emit_remark(cut.location(), &message, &[(cut.location(), help.into())]);
        }
    }
}

/// Whether an op that a program wrote takes a float to a number that changes by steps.
fn is_cut(op: OperationRef) -> bool {
    let takes_float = || {
        let x = op.operands().next();
        x.is_some_and(|x| is_float_tensor(x.r#type()))
    };
    match OpKind::of(&op) {
        Some(kind) if kind.is_step() => !op.has_attribute(BY_RULE) && takes_float(),
        Some(OpKind::Convert) => makes_integer(op) && takes_float(),
        _ => false,
    }
}

fn makes_integer(op: OperationRef) -> bool {
    let mut results = op.results().map(|y| class(element_of(y.into())));
    results.any(|class| matches!(class, ElementClass::Signed | ElementClass::Unsigned))
}

/// What is made of a number that changes by steps: all that a derivative would follow, and what such a number places.
fn influence(op: OperationRef, operand: Option<usize>, _: Value) -> bool {
    let places = |i: usize| matches!(rule_of(op), Rule::Hand(hand) if hand.places.contains(&i));
    operand.is_none_or(|i| depends(op, i) || places(i) || is_cut(op))
}

/// What a user calls an op.
fn shown(op: OperationRef) -> String {
    match makes_integer(op) {
        true => "this conversion to an integer".into(),
        false => format!("`{}`", name(op)),
    }
}
