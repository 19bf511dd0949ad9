//! Calls that stay calls while derivatives are made, `dl.call`: of functions that say themselves how they are
//! differentiated. What a sweep has to know of one: its callee, what its results depend on, and what its rules take.

use crate::{
    activity::Varied,
    functions::{
        block_arguments, body, is, is_float_tensor, list, operations, signature, symbol, tensors,
    },
};
use dlc_dialects::{
    ir::{builder::Builder, edit, inspect::identity},
    ops::{Call, OpKind},
    pass::PassError,
};
use melior::{
    Context,
    dialect::func,
    ir::{
        BlockLike, OperationRef, RegionLike, Type, Value, ValueLike,
        attribute::FlatSymbolRefAttribute, operation::OperationLike,
    },
};
use std::collections::HashSet;

/// Marks a request whose call is made a call that stays one, with `checkpoint`.
pub const CHECKPOINT: &str = "dl.checkpoint";
/// Marks a request whose function leaves out what the callee prints and checks.
pub const SILENT: &str = "dl.silent";

/// The call, if an op is one that stays a call.
pub fn kept<'c, 'a>(op: OperationRef<'c, 'a>) -> Option<Call<'c, 'a>> {
    (OpKind::of(&op) == Some(OpKind::Call)).then_some(Call(op))
}

/// The function that a call names, in the module in which the call stands.
pub fn called<'c: 'a, 'a>(call: Call<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
    let mut at = call.0;
    while !is(at, "builtin.module") {
        at = at.parent_operation()?;
    }
    let block = at.region(0).ok()?.first_block()?;
    operations(block).find(|op| is(*op, "func.func") && symbol(*op) == call.callee())
}

/// The results that vary where those operands vary that `varies` accepts. A rule decides for all floats by itself; what
/// else is given, the body says.
pub fn varied_results<'c: 'a, 'a>(
    call: Call<'c, 'a>,
    varies: impl Fn(usize, Value<'c, 'a>) -> bool,
) -> Vec<Value<'c, 'a>> {
    let operands = call.0.operands().enumerate();
    let operands = operands.filter(|(i, x)| varies(*i, *x)).collect::<Vec<_>>();
    let results = || call.0.results().map(Value::from);
    let has_rule = call.vjp().is_some() || call.jvp().is_some();
    let Some(block) = called(call).and_then(|function| body(function).ok()) else {
        return match operands.is_empty() {
            true => vec![],
            false => results().collect(),
        };
    };
    if operands.is_empty() {
        return vec![];
    }
    let of_float = operands.iter().any(|(_, x)| is_float_tensor(x.r#type()));
    let arguments = block_arguments(block);
    let arguments = operands.iter().map(|(i, _)| arguments[*i]);
    let inside = Varied::of(operations(block), &arguments.collect::<Vec<_>>());
    let end = block.terminator().expect("a function ends by its return");
    let returned = end.operands().zip(results());
    let varied = returned.filter(|(inner, y)| match has_rule && is_float_tensor(y.r#type()) {
        true => of_float,
        false => inside.contains(*inner),
    });
    varied.map(|(_, y)| y).collect()
}

/// What a call's operands are to its derivative.
pub struct Operands<'c, 'a> {
    /// The floats that vary: which operand, and which tensor, counted without indices.
    pub varied: Vec<(usize, usize)>,
    /// An integer that varies and that a float among the given results depends on, which has no derivative.
    pub cut: Option<Value<'c, 'a>>,
}

/// The operands of a call that vary, for a derivative of `results`.
pub fn operands<'c: 'a, 'a>(
    call: Call<'c, 'a>,
    varied: &Varied,
    results: &[Value<'c, 'a>],
) -> Operands<'c, 'a> {
    let types = call.0.operands().map(|x| x.r#type()).collect::<Vec<_>>();
    let tensors = tensors(&types).into_iter().enumerate();
    let tensors = tensors
        .map(|(number, i)| (i, number))
        .filter(|(i, _)| call.0.operand(*i).is_ok_and(|x| varied.contains(x)));
    let (floats, integers): (Vec<_>, Vec<_>) =
        tensors.partition(|(i, _)| is_float_tensor(types[*i]));
    let wanted = results.iter().map(|y| identity(*y)).collect::<HashSet<_>>();
    let cuts = |at: usize| {
        let found = varied_results(call, |i, _| i == at);
        found.iter().any(|y| wanted.contains(&identity(*y)))
    };
    let cut = integers.into_iter().find(|(i, _)| cuts(*i));
    Operands {
        varied: floats,
        cut: cut.and_then(|(i, _)| call.0.operand(i).ok()),
    }
}

/// The float tensors among values.
pub fn floats<'c: 'a, 'a>(
    values: impl Iterator<Item = Value<'c, 'a>>,
) -> impl Iterator<Item = Value<'c, 'a>> {
    values.filter(|x| is_float_tensor(x.r#type()))
}

/// Which operands of a call are float tensors: those that a rule gives gradients for, or takes tangents of.
pub fn float_operands(call: Call) -> Vec<usize> {
    let operands = call.0.operands().enumerate();
    let floats = operands.filter(|(_, x)| is_float_tensor(x.r#type()));
    floats.map(|(i, _)| i).collect()
}

/// A plain call.
pub fn plain<'c, 'a>(
    b: &Builder<'c, 'a>,
    callee: &str,
    operands: &[Value<'c, 'a>],
    results: &[Type<'c>],
) -> OperationRef<'c, 'a> {
    let callee = FlatSymbolRefAttribute::new(b.context, callee);
    b.append(func::call(b.context, callee, operands, results, b.location))
}

/// Makes a plain call of one that has stayed a call.
pub fn release<'c, 'a>(cx: &'c Context, call: Call<'c, 'a>) {
    let b = Builder::before(cx, call.0);
    let results = call.0.results().map(|y| y.r#type()).collect::<Vec<_>>();
    let made = plain(&b, call.callee(), &call.inputs(), &results);
    for (old, new) in call.0.results().zip(made.results()) {
        edit::replace_uses(old.into(), new.into());
    }
    edit::erase(cx, call.0);
}

/// Checks a call against its description.
pub fn check<'c, 'a>(
    call: Call<'c, 'a>,
    find: impl Fn(&str) -> Option<OperationRef<'c, 'a>>,
) -> Result<(), PassError<'c>> {
    let error = |message: String| Err(PassError::at(&call.0, message));
    let types = |values: &mut dyn Iterator<Item = Value<'c, 'a>>| {
        values.map(|x| x.r#type()).collect::<Vec<_>>()
    };
    let inputs = types(&mut call.0.operands());
    let results = types(&mut call.0.results().map(Value::from));
    let floats = |types: &[Type<'c>]| {
        let floats = types.iter().copied().filter(|ty| is_float_tensor(*ty));
        floats.collect::<Vec<_>>()
    };
    let given = |more: Vec<Type<'c>>| [inputs.clone(), more].concat();
    let callee = Some((call.callee(), inputs.clone(), results.clone(), "C2"));
    let vjp = call
        .vjp()
        .map(|rule| (rule, given(floats(&results)), floats(&inputs), "C3"));
    let jvp = call
        .jvp()
        .map(|rule| (rule, given(floats(&inputs)), floats(&results), "C3"));
    for (name, inputs, results, label) in [callee, vjp, jvp].into_iter().flatten() {
        let Some(function) = find(name) else {
            return error(format!("C1: `@{name}` is no function of this module"));
        };
        let found = signature(function);
        if found != (inputs.clone(), results.clone()) {
            let text = |inputs: &[Type], results: &[Type]| {
                format!("{} -> {}", list(inputs), list(results))
            };
            let (expected, found) = (text(&inputs, &results), text(&found.0, &found.1));
            return error(format!(
                "{label}: `@{name}` should be {expected}, is {found}"
            ));
        }
    }
    Ok(())
}
