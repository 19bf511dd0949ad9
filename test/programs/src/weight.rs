//! About how long a program takes to compile: how many operations are left when calls are inlined and derivatives made.

use crate::{
    ast::{Callable, Expr, Mode, Op, Program, Range, Statement},
    walk,
};

/// The weight of a program.
pub fn of(program: &Program) -> f64 {
    let mut known: Vec<f64> = vec![];
    for function in &program.functions {
        // A function calls none but earlier ones.
        let mut value = function.value.clone();
        let body = statements(&mut function.body.clone(), &known);
        known.push(body + expr(&mut value, &known));
    }
    known.pop().unwrap_or_default()
}

fn statements(block: &mut [Statement], known: &[f64]) -> f64 {
    let weights = block.iter_mut().map(|statement| {
        let own = walk::own_exprs(statement).into_iter();
        let own = own.map(|own| expr(own, known)).sum::<f64>();
        let blocks = walk::blocks(statement).into_iter();
        let inner = blocks.map(|block| statements(block, known)).sum::<f64>();
        own + match statement {
            Statement::For { range, .. } => {
                let slices = matches!(range, Range::Slices(_));
                LOOP * (1.0 + f64::from(slices) + inner)
            }
            Statement::While(..) => LOOP * (1.0 + inner),
            Statement::If(..) => BRANCH * (1.0 + inner),
            // The function value stands among the expressions.
            Statement::Pullback { of, .. } => match of {
                Callable::Named(position) => REVERSE * known[*position],
                Callable::Lambda(_, value) => (REVERSE - 1.0) * expr(value, known),
            },
            _ => 0.0,
        }
    });
    weights.sum()
}

/// By how much what is carried, kept and computed again makes loops heavier.
const LOOP: f64 = 2.0;

/// The same of branches.
const BRANCH: f64 = 1.5;

/// By how much reverse mode makes a function larger.
const REVERSE: f64 = 3.0;

/// The same of forward mode.
const FORWARD: f64 = 2.5;

fn callable(of: &mut Callable, known: &[f64]) -> f64 {
    match of {
        Callable::Named(position) => known[*position],
        Callable::Lambda(_, value) => expr(value, known),
    }
}

fn expr(of: &mut Expr, known: &[f64]) -> f64 {
    let args = of.args.iter_mut().map(|arg| expr(arg, known));
    let args = args.sum::<f64>();
    args + match &mut of.op {
        Op::Var(_) | Op::Number(_) | Op::Size(_) => 0.0,
        Op::Tuple | Op::List | Op::Struct(_) | Op::Part(_) => 0.0,
        Op::Unary(_) | Op::Binary(_) | Op::Cast | Op::Full(_) | Op::Iota(_) => 1.0,
        Op::Call(position) => known[*position],
        Op::Map(of) => 2.0 * callable(of, known),
        Op::Vmap(of, ..) => 1.0 + callable(of, known),
        Op::Derivative(mode, of) => {
            let factor = match mode {
                Mode::Grad(_) | Mode::ValueAndGrad(_) | Mode::Jacobian(_) => REVERSE,
                Mode::Jvp => FORWARD,
                Mode::Hvp | Mode::Hessian(_) => FORWARD * REVERSE,
            };
            factor * callable(of, known)
        }
        _ => 2.0,
    }
}
