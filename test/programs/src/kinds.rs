//! Which constructs a program has, so that one can see how often a generator makes each.

use crate::{
    ast::{Callable, Expr, Function, Mode, Op, Program, Statement},
    walk,
};
use std::collections::BTreeSet;

/// The names of constructs.
pub type Kinds = BTreeSet<&'static str>;

/// All names there are.
#[rustfmt::skip]
pub const ALL: [&str; 30] = [
    "elementwise", "broadcasting", "reduction", "cumulative", "softmax or norm", "matmul or einsum", "convolution",
    "pool", "shape change", "slice", "gather", "scatter or update", "order", "for", "while", "if", "call", "checkpoint",
    "map", "vmap", "grad", "vjp", "jvp", "hvp", "jacobian", "hessian", "nested derivative", "derivative in vmap",
    "vmap in derivative", "loop or branch in derivative",
];

/// What makes a derivative a nested one.
const DERIVATIVES: [&str; 6] = ["grad", "vjp", "jvp", "hvp", "jacobian", "hessian"];

/// The constructs of a program, those of the functions that it calls among them.
pub fn of(program: &Program) -> Kinds {
    let mut known: Vec<Kinds> = vec![];
    for function in &program.functions {
        // A function calls none but earlier ones.
        let own = function_kinds(function, &known);
        known.push(own);
    }
    known.pop().unwrap_or_default()
}

fn function_kinds(function: &Function, known: &[Kinds]) -> Kinds {
    let mut function = function.clone();
    let mut kinds = Kinds::new();
    if !function.attributes.is_empty() {
        kinds.insert("checkpoint");
    }
    walk::each_statement(&mut function.body, &mut |statement| {
        kinds.extend(statement_kind(statement));
        if let Statement::Pullback { of, .. } = statement {
            differentiated(of, known, &mut kinds);
        }
    });
    walk::each_in(&mut function.body, &mut |expr| {
        expr_kinds(expr, known, &mut kinds)
    });
    walk::each_expr(&mut function.value, &mut |expr| {
        expr_kinds(expr, known, &mut kinds)
    });
    kinds
}

/// Those of a function or function value.
fn callable_kinds(of: &Callable, known: &[Kinds]) -> Kinds {
    match of {
        Callable::Named(position) => known[*position].clone(),
        Callable::Lambda(_, value) => {
            let mut kinds = Kinds::new();
            walk::each_expr(&mut value.clone(), &mut |expr| {
                expr_kinds(expr, known, &mut kinds)
            });
            kinds
        }
    }
}

fn statement_kind(statement: &Statement) -> Option<&'static str> {
    Some(match statement {
        Statement::Update { .. } => "scatter or update",
        Statement::For { .. } => "for",
        Statement::While(..) => "while",
        Statement::If(..) => "if",
        Statement::Pullback { .. } => "vjp",
        Statement::Let(..)
        | Statement::LetTuple(..)
        | Statement::Var(..)
        | Statement::Assign(..) => return None,
    })
}

/// Adds what a derivative of a function has, itself aside.
fn differentiated(of: &Callable, known: &[Kinds], kinds: &mut Kinds) {
    let inner = callable_kinds(of, known);
    let any = |names: &[&str]| names.iter().any(|name| inner.contains(name));
    kinds.extend(any(&DERIVATIVES).then_some("nested derivative"));
    kinds.extend(any(&["vmap"]).then_some("vmap in derivative"));
    kinds.extend(any(&["for", "while", "if"]).then_some("loop or branch in derivative"));
    kinds.extend(inner);
}

fn expr_kinds(expr: &Expr, known: &[Kinds], kinds: &mut Kinds) {
    let name = match &expr.op {
        Op::Unary(_) | Op::Power(_) | Op::Clip(..) | Op::Cast => "elementwise",
        Op::Binary(_) | Op::Where => {
            let broadcasts = expr.args.iter().any(|arg| arg.shape() != expr.shape());
            kinds.extend(broadcasts.then_some("broadcasting"));
            "elementwise"
        }
        Op::BroadcastTo => "broadcasting",
        Op::Reduce(..) => "reduction",
        Op::Cumulate(..) => "cumulative",
        Op::Softmax(..) | Op::LayerNorm | Op::RmsNorm => "softmax or norm",
        Op::Matmul | Op::Outer | Op::Einsum(_) => "matmul or einsum",
        Op::Conv(_) => "convolution",
        Op::Pool(_) => "pool",
        Op::Reshape
        | Op::Permute(_)
        | Op::ExpandDims(_)
        | Op::Squeeze(_)
        | Op::Flip(_)
        | Op::Roll(..)
        | Op::Pad(..)
        | Op::Tile(_)
        | Op::Repeat(..)
        | Op::Concat(_)
        | Op::Stack(_)
        | Op::Split(..)
        | Op::Triangle(..) => "shape change",
        Op::Index(_) if expr.args.len() == 1 => "slice",
        Op::Index(_) | Op::Take(_) | Op::TakeAlong(_) | Op::DynamicSlice(_) | Op::OneHot(_) => {
            "gather"
        }
        Op::ScatterAdd(_) | Op::DynamicUpdate => "scatter or update",
        Op::Sort(..) | Op::Argsort(..) | Op::ArgReduce(..) | Op::TopK(_) => "order",
        Op::If => "if",
        Op::Call(position) => {
            kinds.extend(&known[*position]);
            "call"
        }
        Op::Map(of) => {
            kinds.extend(callable_kinds(of, known));
            "map"
        }
        Op::Vmap(of, ..) => {
            let inner = callable_kinds(of, known);
            let derivative = DERIVATIVES.iter().any(|name| inner.contains(name));
            kinds.extend(derivative.then_some("derivative in vmap"));
            kinds.extend(inner);
            "vmap"
        }
        Op::Derivative(mode, of) => {
            differentiated(of, known, kinds);
            mode_name(mode)
        }
        Op::Var(_)
        | Op::Number(_)
        | Op::Full(_)
        | Op::Iota(_)
        | Op::Size(_)
        | Op::Tuple
        | Op::List
        | Op::Struct(_)
        | Op::Part(_) => return,
    };
    kinds.insert(name);
}

fn mode_name(mode: &Mode) -> &'static str {
    match mode {
        Mode::Grad(_) | Mode::ValueAndGrad(_) => "grad",
        Mode::Jvp => "jvp",
        Mode::Hvp => "hvp",
        Mode::Jacobian(_) => "jacobian",
        Mode::Hessian(_) => "hessian",
    }
}
