//! The oracle: runs programs on dense arrays of numbers with perturbations, by the definitions of the operations.
//!
//! It shares nothing with the compiler. A gradient is as many directional derivatives as there are elements.

mod derivatives;
pub mod elementwise;
pub mod movement;
pub mod product;
pub mod reduce;
mod tensor;

use crate::{
    array::{Array, Reject, Result, Value},
    ast::{Callable, Expr, Function, Op, Program, Range, Statement, Update},
    num::{FULL, Num},
    types::Dtype,
};
pub use derivatives::{moved, slope};
use elementwise::real;

/// No number is greater: the program would overflow or lose all precision.
const GREATEST: f64 = 1e4;

/// How many operations on arrays a run may take.
const STEPS: usize = 200_000;

/// The variables of a call, and the values of its dims.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The values of the dims.
    pub sizes: Vec<i64>,
    /// The variables, the innermost last.
    pub vars: Vec<(String, Value)>,
}

impl Frame {
    /// The value of a variable.
    fn get(&self, name: &str) -> &Value {
        let found = self.vars.iter().rev().find(|(other, _)| other == name);
        &found.expect("variables are bound before they are used").1
    }

    /// Another value for a variable.
    fn set(&mut self, name: &str, value: Value) {
        let found = self.vars.iter_mut().rev().find(|(other, _)| other == name);
        found
            .expect("variables are bound before they are assigned")
            .1 = value;
    }
}

/// Runs a program.
#[derive(Debug)]
pub struct Evaluator<'p> {
    program: &'p Program,
    /// The ε that the next derivative takes.
    level: usize,
    /// The bits of floats: also of those that come of nothing but numbers of the program, which every precision holds.
    precision: u8,
    steps: usize,
}

impl<'p> Evaluator<'p> {
    /// With some levels of ε taken, in full precision.
    pub fn new(program: &'p Program, level: usize) -> Self {
        Self {
            program,
            level,
            precision: FULL,
            steps: 0,
        }
    }

    /// The same with fewer bits.
    pub fn at_precision(self, precision: u8) -> Self {
        Self { precision, ..self }
    }

    /// Calls the function under test.
    pub fn run(&mut self, arguments: Vec<Value>) -> Result<Value> {
        self.call(self.program.main(), arguments)
    }

    fn call(&mut self, function: &Function, arguments: Vec<Value>) -> Result<Value> {
        let names = function.params.iter().map(|(name, _)| name.clone());
        let vars = names.zip(arguments).collect::<Vec<_>>();
        let sizes = sizes(function, &vars);
        let mut frame = Frame { sizes, vars };
        self.statements(&mut frame, &function.body)?;
        self.expr(&mut frame, &function.value)
    }

    fn apply(&mut self, frame: &mut Frame, of: &Callable, args: Vec<Value>) -> Result<Value> {
        match of {
            Callable::Named(position) => self.call(&self.program.functions[*position], args),
            Callable::Lambda(params, value) => {
                let outside = frame.vars.len();
                let names = params.iter().map(|(name, _)| name.clone());
                frame.vars.extend(names.zip(args));
                let value = self.expr(frame, value);
                frame.vars.truncate(outside);
                value
            }
        }
    }

    fn statements(&mut self, frame: &mut Frame, statements: &[Statement]) -> Result<()> {
        for statement in statements {
            self.statement(frame, statement)?;
        }
        Ok(())
    }

    /// Runs statements whose variables are gone after them.
    fn block(&mut self, frame: &mut Frame, statements: &[Statement]) -> Result<()> {
        let outside = frame.vars.len();
        let done = self.statements(frame, statements);
        frame.vars.truncate(outside);
        done
    }

    /// Runs a statement.
    pub fn statement(&mut self, frame: &mut Frame, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Let(name, value) | Statement::Var(name, value) => {
                let value = self.expr(frame, value)?;
                frame.vars.push((name.clone(), value));
            }
            Statement::LetTuple(names, value) => {
                let value = self.expr(frame, value)?;
                let parts = value.tree().iter().cloned();
                frame.vars.extend(names.iter().cloned().zip(parts));
            }
            Statement::Assign(name, value) => {
                let value = self.expr(frame, value)?;
                frame.set(name, value);
            }
            Statement::Update {
                name,
                index,
                indices,
                how,
                value,
            } => {
                let indices = self.exprs(frame, indices)?;
                let indices = indices.iter().map(Value::array).collect::<Vec<_>>();
                let value = self.expr(frame, value)?;
                let mut x = frame.get(name).array().clone();
                let selection = movement::select(&x.shape, index, &indices)?;
                self.update(&mut x, &selection, *how, value.array())?;
                frame.set(name, Value::Array(x));
            }
            Statement::For {
                variables,
                range,
                body,
            } => self.rounds(frame, variables, range, body)?,
            Statement::While(condition, bound, body) => {
                let mut rounds = 0;
                while self.truth(frame, condition)? {
                    rounds += 1;
                    if rounds > *bound {
                        return Err(Reject::Range);
                    }
                    self.block(frame, body)?;
                }
            }
            Statement::If(condition, then, otherwise) => match self.truth(frame, condition)? {
                true => self.block(frame, then)?,
                false => self.block(frame, otherwise)?,
            },
            Statement::Pullback {
                value,
                gradients,
                of,
                args,
                cotangent,
            } => {
                let args = self.exprs(frame, args)?;
                let result = self.apply(frame, of, args.clone())?;
                frame.vars.push((value.clone(), result));
                let cotangent = self.expr(frame, cotangent)?;
                let pulled = args
                    .iter()
                    .enumerate()
                    .map(|(position, _)| self.pulled(frame, of, &args, position, &cotangent));
                let pulled = pulled.collect::<Result<_>>()?;
                frame.vars.push((gradients.clone(), Value::Tree(pulled)));
            }
        }
        Ok(())
    }

    fn update(
        &mut self,
        x: &mut Array,
        selection: &movement::Selection,
        how: Update,
        value: &Array,
    ) -> Result<()> {
        let positions = crate::array::positions(&selection.shape);
        let before = x.clone();
        let mut written = std::collections::BTreeSet::new();
        for (place, position) in selection.places.iter().zip(positions) {
            let by = value.broadcast_at(&position);
            // Which of two values is the last at one place is not said.
            if !written.insert(place.clone()) && matches!(how, Update::Set | Update::Multiply) {
                return Err(Reject::Kink("written twice"));
            }
            let old = x.at(place);
            *x.at_mut(place) = match how {
                Update::Set => by,
                Update::Add => old + by,
                Update::Subtract => old - by,
                Update::Multiply => before.at(place) * by,
            };
        }
        self.fine(x)
    }

    fn rounds(
        &mut self,
        frame: &mut Frame,
        variables: &[String],
        range: &Range,
        body: &[Statement],
    ) -> Result<()> {
        let number = |index: usize| Value::Array(Array::scalar(Dtype::I32, real(index as f64)));
        let (count, slices) = match range {
            Range::UpTo(count) | Range::DownFrom(count) => (count.at(&frame.sizes), None),
            Range::Computed(count) => {
                let count = self.expr(frame, count)?;
                (count.array().item().value() as i64, None)
            }
            Range::Slices(x) => {
                let x = self.expr(frame, x)?.array().clone();
                (x.shape[0] as i64, Some(x))
            }
        };
        let count = count.max(0) as usize;
        for round in 0..count {
            let index = match range {
                Range::DownFrom(_) => count - 1 - round,
                _ => round,
            };
            let outside = frame.vars.len();
            match &slices {
                None => frame.vars.push((variables[0].clone(), number(index))),
                Some(x) => {
                    let slice = Value::Array(x.slice(0, index));
                    let values = [number(index), slice];
                    let from = 2 - variables.len();
                    let values = values.into_iter().skip(from);
                    frame.vars.extend(variables.iter().cloned().zip(values));
                }
            }
            let done = self.statements(frame, body);
            frame.vars.truncate(outside);
            done?;
        }
        Ok(())
    }

    fn truth(&mut self, frame: &mut Frame, condition: &Expr) -> Result<bool> {
        Ok(self.expr(frame, condition)?.array().item().value() != 0.0)
    }

    fn exprs(&mut self, frame: &mut Frame, exprs: &[Expr]) -> Result<Vec<Value>> {
        exprs.iter().map(|expr| self.expr(frame, expr)).collect()
    }

    /// Refuses numbers that are too large.
    fn fine(&mut self, array: &Array) -> Result<()> {
        self.steps += 1 + array.data.len() / 16;
        if self.steps > STEPS {
            return Err(Reject::Long);
        }
        let parts = array.data.iter().flat_map(Num::parts);
        match parts.into_iter().all(|part| part.abs() <= GREATEST) {
            true => Ok(()),
            false => Err(Reject::Large),
        }
    }

    /// The value of an expression.
    pub fn expr(&mut self, frame: &mut Frame, expr: &Expr) -> Result<Value> {
        match &expr.op {
            Op::Var(name) => Ok(frame.get(name).clone()),
            Op::If => {
                let side = if self.truth(frame, &expr.args[0])? {
                    1
                } else {
                    2
                };
                self.expr(frame, &expr.args[side])
            }
            Op::Call(position) => {
                let args = self.exprs(frame, &expr.args)?;
                self.call(&self.program.functions[*position], args)
            }
            Op::Map(of) => {
                let list = self.expr(frame, &expr.args[0])?;
                let parts = list.tree().iter();
                let mapped = parts.map(|part| self.apply(frame, of, vec![part.clone()]));
                Ok(Value::Tree(mapped.collect::<Result<_>>()?))
            }
            Op::Vmap(of, axes, out) => {
                let args = self.exprs(frame, &expr.args)?;
                self.batched(frame, of, axes, *out, &args)
            }
            Op::Derivative(mode, of) => {
                let args = self.exprs(frame, &expr.args)?;
                self.derivative(frame, mode, of, args)
            }
            Op::Tuple | Op::List | Op::Struct(_) => Ok(Value::Tree(self.exprs(frame, &expr.args)?)),
            Op::Part(position) => {
                let tree = self.expr(frame, &expr.args[0])?;
                Ok(tree.tree()[*position].clone())
            }
            Op::Split(sizes, axis) => {
                let x = self.expr(frame, &expr.args[0])?;
                let parts = movement::split(x.array(), sizes, *axis);
                Ok(Value::Tree(parts.into_iter().map(Value::Array).collect()))
            }
            Op::TopK(k) => {
                let x = self.expr(frame, &expr.args[0])?;
                let (sorted, _) = reduce::sort(x.array(), -1, true)?;
                let places = reduce::places(x.array(), -1, true)?;
                let first = |x: &Array| {
                    let rest = x.shape[x.rank() - 1] as i64 - k;
                    Value::Array(movement::split(x, &[*k, rest], -1).swap_remove(0))
                };
                Ok(Value::Tree(vec![first(&sorted), first(&places)]))
            }
            _ => {
                let args = self.exprs(frame, &expr.args)?;
                let args = args.iter().map(Value::array).collect::<Vec<_>>();
                let mut array = tensor::value(expr, &args, &frame.sizes)?;
                if self.precision < FULL && array.dtype.is_float() {
                    array = array.map(|x| x.at_precision(self.precision));
                }
                self.fine(&array)?;
                Ok(Value::Array(array))
            }
        }
    }

    fn batched(
        &mut self,
        frame: &mut Frame,
        of: &Callable,
        axes: &[Option<i64>],
        out: i64,
        args: &[Value],
    ) -> Result<Value> {
        let counted = crate::array::axis;
        let sizes = args.iter().zip(axes).filter_map(|(arg, axis)| {
            let leaf = *arg.leaves().first()?;
            Some(leaf.shape[counted((*axis)?, leaf.rank())])
        });
        let size = sizes.max().ok_or(Reject::Range)?;
        let rows = (0..size).map(|index| {
            let args = args.iter().zip(axes).map(|(arg, axis)| match axis {
                Some(axis) => arg.map(|x| x.slice(counted(*axis, x.rank()), index)),
                None => arg.clone(),
            });
            let args = args.collect();
            self.apply(frame, of, args)
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        // Without a row there is no shape to give.
        let first = rows.first().ok_or(Reject::Range)?;
        let columns = (0..first.leaves().len()).map(|leaf| {
            let parts = rows.iter().map(|row| row.leaves()[leaf].clone());
            let parts = parts.collect::<Vec<_>>();
            Array::stack(&parts, counted(out, parts[0].rank() + 1))
        });
        let columns = columns.collect::<Vec<_>>();
        Ok(first.rebuilt(&mut columns.into_iter()))
    }
}

/// The values of a function's dims, by the arguments of its parameters.
pub fn sizes(function: &Function, arguments: &[(String, Value)]) -> Vec<i64> {
    let mut sizes = vec![0; function.dims.len()];
    for ((_, ty), (_, argument)) in function.params.iter().zip(arguments) {
        for ((_, shape), leaf) in ty.leaves().iter().zip(argument.leaves()) {
            for (dim, size) in shape.iter().zip(&leaf.shape) {
                if let Some(name) = dim.name() {
                    sizes[name] = *size as i64;
                }
            }
        }
    }
    sizes
}
