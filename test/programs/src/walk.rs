//! Walks over programs: every expression, the names in use, and what is of no use.

use crate::ast::{Callable, Expr, Op, Program, Range, Statement};
use std::collections::BTreeSet;

/// The expressions that stand in a statement itself, without those of its blocks.
pub fn own_exprs(statement: &mut Statement) -> Vec<&mut Expr> {
    match statement {
        Statement::Let(_, value)
        | Statement::LetTuple(_, value)
        | Statement::Var(_, value)
        | Statement::Assign(_, value)
        | Statement::While(value, ..)
        | Statement::If(value, ..) => vec![value],
        Statement::Update { indices, value, .. } => indices.iter_mut().chain([value]).collect(),
        Statement::For { range, .. } => match range {
            Range::Computed(value) | Range::Slices(value) => vec![value],
            Range::UpTo(_) | Range::DownFrom(_) => vec![],
        },
        Statement::Pullback {
            of,
            args,
            cotangent,
            ..
        } => {
            let body = match of {
                Callable::Lambda(_, body) => Some(&mut **body),
                Callable::Named(_) => None,
            };
            args.iter_mut().chain([cotangent]).chain(body).collect()
        }
    }
}

/// The blocks of a statement.
pub fn blocks(statement: &mut Statement) -> Vec<&mut Vec<Statement>> {
    match statement {
        Statement::For { body, .. } | Statement::While(_, _, body) => vec![body],
        Statement::If(_, then, otherwise) => vec![then, otherwise],
        _ => vec![],
    }
}

/// The expressions directly below one.
pub fn children(expr: &mut Expr) -> Vec<&mut Expr> {
    let body = match &mut expr.op {
        Op::Map(of) | Op::Vmap(of, ..) | Op::Derivative(_, of) => match of {
            Callable::Lambda(_, body) => Some(&mut **body),
            Callable::Named(_) => None,
        },
        _ => None,
    };
    expr.args.iter_mut().chain(body).collect()
}

/// Calls `f` with an expression and all below it.
pub fn each_expr(expr: &mut Expr, f: &mut impl FnMut(&mut Expr)) {
    f(expr);
    for child in children(expr) {
        each_expr(child, f);
    }
}

/// Calls `f` with every statement, the outer ones first.
pub fn each_statement(statements: &mut [Statement], f: &mut impl FnMut(&mut Statement)) {
    for statement in statements {
        f(statement);
        for block in blocks(statement) {
            each_statement(block, f);
        }
    }
}

/// Calls `f` with every expression of statements.
pub fn each_in(statements: &mut [Statement], f: &mut impl FnMut(&mut Expr)) {
    each_statement(statements, &mut |statement| {
        for expr in own_exprs(statement) {
            each_expr(expr, f);
        }
    });
}

/// Calls `f` with every expression of a program.
pub fn each_in_program(program: &mut Program, f: &mut impl FnMut(&mut Expr)) {
    for function in &mut program.functions {
        each_in(&mut function.body, f);
        each_expr(&mut function.value, f);
    }
}

fn note(expr: &Expr, names: &mut BTreeSet<String>) {
    if let Op::Var(name) = &expr.op {
        names.insert(name.clone());
    }
}

/// The variables that statements read.
pub fn names(statements: &[Statement]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    each_in(&mut statements.to_vec(), &mut |expr| note(expr, &mut names));
    names
}

/// The variables that an expression reads.
pub fn names_of(expr: &Expr) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    each_expr(&mut expr.clone(), &mut |expr| note(expr, &mut names));
    names
}

/// Whether nothing reads what a statement binds or writes.
fn is_unused(statement: &Statement, used: &BTreeSet<String>) -> bool {
    match statement {
        Statement::Let(name, _)
        | Statement::Var(name, _)
        | Statement::Assign(name, _)
        | Statement::Update { name, .. } => !used.contains(name),
        Statement::LetTuple(names, _) => !names.iter().any(|name| used.contains(name)),
        Statement::Pullback {
            value, gradients, ..
        } => !used.contains(value) && !used.contains(gradients),
        Statement::For { body, .. } | Statement::While(_, _, body) => body.is_empty(),
        Statement::If(_, then, otherwise) => then.is_empty() && otherwise.is_empty(),
    }
}

fn retain_used(statements: &mut Vec<Statement>, used: &BTreeSet<String>) -> bool {
    let before = statements.len();
    let mut changed = false;
    for statement in statements.iter_mut() {
        for block in blocks(statement) {
            changed |= retain_used(block, used);
        }
    }
    statements.retain(|statement| !is_unused(statement, used));
    changed || statements.len() < before
}

/// Removes variables that nothing reads, and functions that nothing calls.
pub fn remove_unused(program: &mut Program) {
    for function in &mut program.functions {
        loop {
            let mut used = names(&function.body);
            used.extend(names_of(&function.value));
            if !retain_used(&mut function.body, &used) {
                break;
            }
        }
    }
    loop {
        let mut called = BTreeSet::from([program.functions.len() - 1]);
        calls(program, &mut |position| {
            called.insert(*position);
        });
        let Some(unused) = (0..program.functions.len()).find(|i| !called.contains(i)) else {
            return;
        };
        program.functions.remove(unused);
        calls(program, &mut |position| {
            if *position > unused {
                *position -= 1;
            }
        });
    }
}

/// Calls `f` with the position of each function that is called or differentiated.
pub fn calls(program: &mut Program, f: &mut impl FnMut(&mut usize)) {
    let mut named = |of: &mut Callable| {
        if let Callable::Named(position) = of {
            f(position);
        }
    };
    for function in &mut program.functions {
        each_statement(&mut function.body, &mut |statement| {
            if let Statement::Pullback { of, .. } = statement {
                named(of);
            }
        });
    }
    each_in_program(program, &mut |expr| match &mut expr.op {
        Op::Call(position) => f(position),
        Op::Map(Callable::Named(position))
        | Op::Vmap(Callable::Named(position), ..)
        | Op::Derivative(_, Callable::Named(position)) => f(position),
        _ => {}
    });
}
