//! Loops and branches.

use super::{Generator, Scope, real};
use crate::{
    array::{Array, Value},
    ast::{Binary, Expr, Op, Range, Reduction, Statement},
    types::{Dim, Dtype, Type},
};

impl Generator {
    /// One or two variables that a loop or branch changes.
    fn carried(&mut self, scope: &mut Scope) -> Option<Vec<Expr>> {
        let mut carried = vec![];
        for _ in 0..1 + self.random.below(2) {
            let x = self.float(scope, |_| true)?;
            carried.push(self.variable(scope, x)?);
        }
        Some(carried)
    }

    /// Statements that change variables; what they bind is gone after them.
    fn body(
        &mut self,
        scope: &Scope,
        carried: &[Expr],
        bound: &[(String, Type, Value)],
    ) -> Vec<Statement> {
        let mut inner = scope.clone();
        inner.body = vec![];
        for (name, ty, value) in bound {
            inner.vars.push((name.clone(), ty.clone()));
            inner.frame.vars.push((name.clone(), value.clone()));
        }
        for _ in 0..self.random.below(2) {
            if let Some(value) = self.operation(&inner) {
                let _ = self.bind(&mut inner, value);
            }
        }
        if self.depth < 2 && self.random.chance(0.25) {
            self.depth += 1;
            let _ = match self.random.chance(0.5) {
                true => self.branch(&mut inner),
                false => self.for_loop(&mut inner),
            };
            self.depth -= 1;
        }
        for variable in carried {
            let Op::Var(name) = &variable.op else {
                continue;
            };
            if variable.rank() > 0 && self.random.chance(0.35) {
                let index = bound.first().filter(|(_, ty, _)| ty.shape().is_empty());
                let _ = match index {
                    Some((index, ty, _)) if ty.tensor().is_some_and(|ty| ty.0 == Dtype::I32) => {
                        let index = Expr::var(index, ty.clone());
                        self.written_at(&mut inner, variable, index)
                    }
                    _ => self.written(&mut inner, variable),
                };
                continue;
            }
            let value = self.of_shape(&inner, variable.shape());
            let value = match self.random.chance(0.6) {
                true => {
                    let args = vec![variable.clone(), value];
                    let op =
                        *self
                            .random
                            .choose(&[Binary::Add, Binary::Multiply, Binary::Subtract]);
                    Expr::tensor(Op::Binary(op), args, self.float, variable.shape().to_vec())
                }
                false => value,
            };
            let _ = self.attempt(&mut inner, Statement::Assign(name.clone(), value), &[]);
        }
        inner.body
    }

    /// `y[i] op= …` at the number of the round.
    fn written_at(&mut self, scope: &mut Scope, variable: &Expr, index: Expr) -> Option<()> {
        let Op::Var(name) = &variable.op else {
            return None;
        };
        let value = self.of_shape(scope, &variable.shape()[1..]);
        let how = *self.random.choose(&[
            crate::ast::Update::Set,
            crate::ast::Update::Add,
            crate::ast::Update::Multiply,
        ]);
        let statement = Statement::Update {
            name: name.clone(),
            index: vec![crate::ast::Index::Computed],
            indices: vec![index],
            how,
            value,
        };
        self.attempt(scope, statement, &[])
    }

    pub(super) fn for_loop(&mut self, scope: &mut Scope) -> Option<()> {
        let carried = self.carried(scope)?;
        let index = self.name("i");
        let number = (
            index.clone(),
            Type::Tensor(Dtype::I32, vec![]),
            Value::Array(Array::scalar(Dtype::I32, real(0.0))),
        );
        let sizes = carried.iter().filter_map(|x| x.shape().first().cloned());
        let size = sizes.into_iter().next();
        let (variables, range, bound) = match (self.random.below(5), size) {
            (0, Some(size)) => (vec![index], Range::UpTo(size), vec![number]),
            (1, Some(size)) => (vec![index], Range::DownFrom(size), vec![number]),
            (2, _) => {
                let count = self.tensor(scope, |x| x.dtype() == Dtype::I32 && x.rank() == 0)?;
                // Only a parameter has a bound that the compiler knows.
                let bounded = matches!(&count.op, Op::Var(name) if name.starts_with('a'));
                if !bounded {
                    return None;
                }
                (vec![index], Range::Computed(count), vec![number])
            }
            (3, _) => {
                let xs = self.tensor(scope, |x| x.ty.is_float() && x.rank() > 0)?;
                if scope.size(&xs.shape()[0]) == 0 {
                    return None;
                }
                let slice = Type::Tensor(self.float, xs.shape()[1..].to_vec());
                let first = Expr {
                    op: Op::Index(vec![crate::ast::Index::At(0)]),
                    args: vec![xs.clone()],
                    ty: slice.clone(),
                };
                let mut frame = scope.frame.clone();
                let value = crate::eval::Evaluator::new(&self.program, 1).expr(&mut frame, &first);
                let part = (self.name("s"), slice, value.ok()?);
                match self.random.chance(0.5) {
                    true => (
                        vec![index, part.0.clone()],
                        Range::Slices(xs),
                        vec![number, part],
                    ),
                    false => (vec![part.0.clone()], Range::Slices(xs), vec![part]),
                }
            }
            _ => {
                let count = Dim::known(1 + self.random.below(4) as i64);
                (vec![index], Range::UpTo(count), vec![number])
            }
        };
        let body = self.body(scope, &carried, &bound);
        if body.is_empty() {
            return None;
        }
        let statement = Statement::For {
            variables,
            range,
            body,
        };
        self.attempt(scope, statement, &[])
    }

    /// A scalar condition.
    pub(super) fn decision(&mut self, scope: &Scope) -> Option<Expr> {
        let given = self.tensor(scope, |x| x.dtype() == Dtype::Bool && x.rank() == 0);
        if given.is_some() && self.random.chance(0.3) {
            return given;
        }
        let x = self.float(scope, |_| true)?;
        let x = self.summed(x);
        let op = *self.random.choose(&[Binary::Less, Binary::Greater]);
        let args = vec![x, self.constant()];
        Some(Expr::tensor(Op::Binary(op), args, Dtype::Bool, vec![]))
    }

    pub(super) fn branch(&mut self, scope: &mut Scope) -> Option<()> {
        let condition = self.decision(scope)?;
        if self.random.chance(0.4) {
            let x = self.float(scope, |_| true)?;
            let other = self.of_shape(scope, x.shape());
            let (dtype, shape) = (self.float, x.shape().to_vec());
            let value = Expr::tensor(Op::If, vec![condition, x, other], dtype, shape);
            return self.bind(scope, value).map(|_| ());
        }
        let carried = self.carried(scope)?;
        let then = self.body(scope, &carried, &[]);
        let otherwise = match self.random.chance(0.7) {
            true => self.body(scope, &carried[..1], &[]),
            false => vec![],
        };
        if then.is_empty() {
            return None;
        }
        self.attempt(scope, Statement::If(condition, then, otherwise), &[])
    }

    /// A loop that counts its rounds, and may end before the count does.
    pub(super) fn while_loop(&mut self, scope: &mut Scope) -> Option<()> {
        let carried = self.carried(scope)?;
        let counter = self.variable(scope, Expr::number(0.0, Dtype::I32))?;
        let Op::Var(name) = &counter.op else {
            return None;
        };
        let name = name.clone();
        // The counter is no operand of anything else.
        scope.vars.retain(|(other, _)| *other != name);
        let bound = 1 + self.random.below(4) as i64;
        let less = |a: Expr, b: Expr| {
            Expr::tensor(Op::Binary(Binary::Less), vec![a, b], Dtype::Bool, vec![])
        };
        let counted = less(counter.clone(), Expr::number(bound as f64, Dtype::I32));
        let condition = match self.random.chance(0.6) {
            true => {
                let x = carried[0].clone();
                let mean = match x.rank() {
                    0 => x,
                    _ => Expr::tensor(
                        Op::Reduce(Reduction::Mean, None, false),
                        vec![x],
                        self.float,
                        vec![],
                    ),
                };
                let small = less(mean, Expr::number(1.5, self.float));
                Expr::tensor(
                    Op::Binary(Binary::And),
                    vec![counted, small],
                    Dtype::Bool,
                    vec![],
                )
            }
            false => counted,
        };
        let mut body = self.body(scope, &carried, &[]);
        if body.is_empty() {
            return None;
        }
        let next = vec![counter, Expr::number(1.0, Dtype::I32)];
        let next = Expr::tensor(Op::Binary(Binary::Add), next, Dtype::I32, vec![]);
        body.push(Statement::Assign(name, next));
        self.attempt(scope, Statement::While(condition, bound, body), &[])
    }
}
