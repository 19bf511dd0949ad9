//! Smaller programs that may fail in the same way (delta debugging, Zeller 2002).
//!
//! A program has a list of edits that follows from it, so a smaller program is a seed and the numbers of edits: a
//! command line says it, and a process of its own can try it.

use crate::{
    ast::{Callable, Expr, Op, Program, Statement},
    types::Type,
    walk,
};
use std::collections::BTreeSet;

/// The program after an edit; none if there are not so many. What an edit leaves unused is removed.
pub fn edited(program: &Program, number: usize) -> Option<Program> {
    let mut program = program.clone();
    let mut edit = Edit {
        left: number,
        done: false,
    };
    edit.result(&mut program);
    edit.functions(&mut program);
    edit.exprs(&mut program);
    edit.sizes(&mut program);
    if !edit.done {
        return None;
    }
    remove_aliases(&mut program);
    walk::remove_unused(&mut program);
    remove_params(&mut program);
    Some(program)
}

/// Applies edits as long as `fails` holds after one: the smaller program and the numbers of the edits.
pub fn shrunk(
    program: &Program,
    mut fails: impl FnMut(&Program, &[usize]) -> bool,
) -> (Program, Vec<usize>) {
    let (mut best, mut edits) = (program.clone(), vec![]);
    // An edit that was in vain may be possible after a later one.
    loop {
        let (before, mut number) = (edits.len(), 0);
        while let Some(candidate) = edited(&best, number) {
            edits.push(number);
            match fails(&candidate, &edits) {
                // What follows is about as it was: go on at the same place.
                true => best = candidate,
                false => {
                    edits.pop();
                    number += 1;
                }
            }
        }
        if edits.len() == before {
            return (best, edits);
        }
    }
}

/// Other names of variables that never change go.
fn remove_aliases(program: &mut Program) {
    for function in &mut program.functions {
        let mut written = BTreeSet::new();
        walk::each_statement(&mut function.body, &mut |statement| {
            if let Statement::Assign(name, _) | Statement::Update { name, .. } = statement {
                written.insert(name.clone());
            }
        });
        let mut aliases = vec![];
        for statement in &function.body {
            if let Statement::Let(
                name,
                Expr {
                    op: Op::Var(other), ..
                },
            ) = statement
                && !written.contains(other)
            {
                aliases.push((name.clone(), other.clone()));
            }
        }
        for (name, other) in aliases {
            let mut rename = |expr: &mut Expr| match &mut expr.op {
                Op::Var(own) if *own == name => *own = other.clone(),
                _ => {}
            };
            walk::each_in(&mut function.body, &mut rename);
            walk::each_expr(&mut function.value, &mut rename);
        }
    }
}

/// The one edit that is made.
struct Edit {
    /// How many are passed over before.
    left: usize,
    done: bool,
}

impl Edit {
    /// Whether it is this one.
    fn here(&mut self) -> bool {
        if self.done {
            return false;
        }
        self.done = self.left == 0;
        self.left = self.left.saturating_sub(1);
        self.done
    }

    /// One part of the result alone.
    fn result(&mut self, program: &mut Program) {
        let Some(main) = program.functions.last_mut() else {
            return;
        };
        if !matches!(main.value.op, Op::Tuple) {
            return;
        }
        for part in 0..main.value.args.len() {
            if self.here() {
                main.value = main.value.args.swap_remove(part);
                return;
            }
        }
    }

    fn functions(&mut self, program: &mut Program) {
        for position in (0..program.functions.len()).rev() {
            if !program.functions[position].attributes.is_empty() && self.here() {
                program.functions[position].attributes.clear();
            }
            let mut body = std::mem::take(&mut program.functions[position].body);
            self.statements(&mut body);
            program.functions[position].body = body;
        }
    }

    /// Statements go, or become those of their blocks.
    fn statements(&mut self, statements: &mut Vec<Statement>) {
        for position in (0..statements.len()).rev() {
            let removable = match &statements[position] {
                Statement::Assign(..) | Statement::Update { .. } => true,
                Statement::For { .. } | Statement::While(..) | Statement::If(..) => true,
                Statement::Let(..)
                | Statement::LetTuple(..)
                | Statement::Var(..)
                | Statement::Pullback { .. } => false,
            };
            if removable && self.here() {
                statements.remove(position);
                return;
            }
            if let Statement::If(_, then, otherwise) = &statements[position] {
                let sides = [then.clone(), otherwise.clone()];
                for side in sides.into_iter().filter(|side| !side.is_empty()) {
                    if self.here() {
                        statements.splice(position..=position, side);
                        return;
                    }
                }
            }
            for block in walk::blocks(&mut statements[position]) {
                self.statements(block);
            }
        }
    }

    /// Expressions become one of their operands, or numbers.
    fn exprs(&mut self, program: &mut Program) {
        for position in (0..program.functions.len()).rev() {
            let (tree, float) = (program.clone(), float(program));
            let function = &mut program.functions[position];
            walk::each_expr(&mut function.value, &mut |expr| {
                self.expr(&tree, expr, float)
            });
            walk::each_in(&mut function.body, &mut |expr| {
                self.expr(&tree, expr, float)
            });
        }
    }

    fn expr(&mut self, program: &Program, expr: &mut Expr, float: crate::types::Dtype) {
        if self.done || matches!(expr.op, Op::Number(_) | Op::Full(_) | Op::Iota(_)) {
            return;
        }
        let derived = |of: &Callable| match of {
            Callable::Named(position) => program.functions[*position].params.len(),
            Callable::Lambda(params, _) => params.len(),
        };
        // A tangent is no value of the program's own.
        let operands = match &expr.op {
            Op::Derivative(_, of) => derived(of),
            _ => expr.args.len(),
        };
        for operand in 0..operands {
            if expr.args[operand].ty == expr.ty && self.here() {
                *expr = expr.args.swap_remove(operand);
                return;
            }
        }
        let Type::Tensor(dtype, shape) = &expr.ty else {
            return;
        };
        if *dtype == float && self.here() {
            let op = if shape.is_empty() {
                Op::Number(0.625)
            } else {
                Op::Full(0.625)
            };
            *expr = Expr::tensor(op, vec![], *dtype, shape.clone());
        }
    }

    /// Dims are less.
    fn sizes(&mut self, program: &mut Program) {
        let least = program.main().dims.iter().map(|dim| dim.least);
        let least = least.collect::<Vec<_>>();
        for (size, least) in program.sizes.iter_mut().zip(least) {
            if *size > least && self.here() {
                *size -= 1;
            }
        }
    }
}

/// The type of the program's floats.
fn float(program: &Program) -> crate::types::Dtype {
    let leaves = program.main().params.iter().flat_map(|(_, ty)| ty.leaves());
    let mut floats = leaves.map(|leaf| leaf.0).filter(|dtype| dtype.is_float());
    floats.next().unwrap_or(crate::types::Dtype::F64)
}

/// Removes parameters that nothing reads, as long as one of floats is left and each dim is the size of one.
fn remove_params(program: &mut Program) {
    let Some(main) = program.functions.last_mut() else {
        return;
    };
    let mut used = walk::names(&main.body);
    used.extend(walk::names_of(&main.value));
    for position in (0..main.params.len()).rev() {
        if used.contains(&main.params[position].0) {
            continue;
        }
        let mut rest = main.params.clone();
        rest.remove(position);
        let named = rest.iter().flat_map(|(_, ty)| ty.leaves());
        let named = named
            .flat_map(|(_, shape)| shape)
            .filter_map(|dim| dim.name());
        let named = named.collect::<BTreeSet<_>>();
        if named.len() == main.dims.len() && rest.iter().any(|(_, ty)| ty.all_floats()) {
            main.params = rest;
        }
    }
}
