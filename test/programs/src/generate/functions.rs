//! Calls, function values, and derivatives inside of programs.

use super::{Generator, Scope};
use crate::{
    ast::{Binary, Callable, DimDeclaration, Expr, Function, Index, Mode, Op, Statement, Unary},
    eval::Evaluator,
    types::{Dim, Type},
};
use std::collections::BTreeMap;

/// What a function is for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    /// Its value is of any type.
    Value,
    /// Its value is a scalar on which most parameters have an influence.
    Scalar,
    /// Its value is any tensor on which most parameters have an influence.
    Tensor,
}

impl Generator {
    /// Some visible values to call a function with.
    fn operands(&mut self, scope: &Scope, floats: bool) -> Option<Vec<Expr>> {
        let mut args = vec![];
        for _ in 0..1 + self.random.below(3) {
            let vars = scope
                .vars
                .iter()
                .filter(|(_, ty)| !floats || ty.all_floats());
            let vars = vars
                .filter(|(_, ty)| scope.count(ty.shape()) <= 24)
                .collect::<Vec<_>>();
            if vars.is_empty() {
                return None;
            }
            let (name, ty) = vars[self.random.below(vars.len())];
            args.push(Expr::var(name, ty.clone()));
        }
        Some(args)
    }

    /// A function that takes such arguments; its dims are those of the arguments with names of their own.
    fn function(
        &mut self,
        scope: &Scope,
        args: &[Expr],
        purpose: Purpose,
    ) -> Option<(usize, Vec<Dim>)> {
        let (mut names, mut dims, mut actual) = (BTreeMap::new(), vec![], vec![]);
        for arg in args {
            for (_, shape) in arg.ty.leaves() {
                for dim in shape {
                    let part_of_struct = !matches!(arg.ty, Type::Tensor(..));
                    let general =
                        dim.number().is_none() || (!part_of_struct && self.random.chance(0.4));
                    if names.contains_key(&dim) || !general {
                        continue;
                    }
                    let least = match (dim.number(), dim.name()) {
                        (Some(number), _) => number.min(2),
                        (_, Some(name)) => scope.dims[name].least,
                        _ => 0,
                    };
                    names.insert(dim.clone(), dims.len());
                    dims.push(DimDeclaration {
                        name: format!("D{}", dims.len()),
                        least,
                    });
                    actual.push(dim);
                }
            }
        }
        let params = args.iter().map(|arg| {
            let ty = generalised(&arg.ty, &names);
            (self.name("a"), ty)
        });
        let params = params.collect::<Vec<_>>();
        let mut evaluator = Evaluator::new(&self.program, 1);
        let mut frame = scope.frame.clone();
        let values = args.iter().map(|arg| evaluator.expr(&mut frame, arg));
        let values = values.collect::<Result<Vec<_>, _>>().ok()?;
        let mut function = Function {
            name: format!("f{}_{}", self.program.seed, self.program.functions.len()),
            attributes: vec![],
            dims,
            params,
            body: vec![],
            value: Expr::number(0.0, self.float),
        };
        if self.random.chance(0.25) {
            function.attributes.push("@checkpoint".into());
        }
        let mut inner = self.scope(&function, values);
        self.depth += 1;
        let statements = if self.depth > 2 {
            1
        } else {
            self.length(3, 0.35)
        };
        self.statements(&mut inner, statements);
        self.depth -= 1;
        // What was called inside may be new as well.
        function.name = format!("f{}_{}", self.program.seed, self.program.functions.len());
        function.value = match purpose {
            Purpose::Value => self.result(&mut inner)?,
            Purpose::Scalar => self.scalar_of_all(&inner, &function.params),
            Purpose::Tensor => {
                let scalar = self.scalar_of_all(&inner, &function.params);
                let x = self.float(&inner, |_| true)?;
                let shape = x.shape().to_vec();
                Expr::tensor(Op::Binary(Binary::Add), vec![x, scalar], self.float, shape)
            }
        };
        function.body = inner.body;
        self.program.functions.push(function);
        Some((self.program.functions.len() - 1, actual))
    }

    /// A scalar on which most parameters have an influence.
    fn scalar_of_all(&mut self, scope: &Scope, params: &[(String, Type)]) -> Expr {
        let mut sum = self.of_shape(scope, &[]);
        for x in self.tensors(scope) {
            let is_param = crate::walk::names_of(&x)
                .iter()
                .all(|name| params.iter().any(|(own, _)| own == name));
            if !is_param || !x.ty.is_float() || self.random.chance(0.3) {
                continue;
            }
            let op = *self
                .random
                .choose(&[Unary::Sin, Unary::Square, Unary::Tanh, Unary::Sigmoid]);
            let term = self.summed(Expr::unary(op, x));
            sum = Expr::tensor(Op::Binary(Binary::Add), vec![sum, term], self.float, vec![]);
        }
        sum
    }

    pub(super) fn call(&mut self, scope: &mut Scope) -> Option<()> {
        let args = self.operands(scope, false)?;
        let (position, actual) = self.function(scope, &args, Purpose::Value)?;
        let ty = self.program.functions[position]
            .value
            .ty
            .substituted(&actual);
        let value = Expr {
            op: Op::Call(position),
            args,
            ty,
        };
        self.bind(scope, value).map(|_| ())
    }

    /// A function of each part of a list, where one of floats is visible.
    pub(super) fn mapped(&mut self, scope: &mut Scope) -> Option<()> {
        let mut lists = scope.vars.iter().filter_map(|(name, ty)| match ty {
            Type::List(part, count) if part.is_float() => {
                Some((Expr::var(name, ty.clone()), *count))
            }
            _ => None,
        });
        let (list, count) = lists.next()?;
        let first = list.clone().part(0);
        let (of, ty) = self.callable(scope, &[first], Purpose::Tensor)?;
        let value = Expr {
            op: Op::Map(of),
            args: vec![list],
            ty: Type::List(Box::new(ty), count),
        };
        self.bind(scope, value).map(|_| ())
    }

    /// A function to differentiate: one with a name, or a function value that sees what is around it.
    fn callable(
        &mut self,
        scope: &Scope,
        args: &[Expr],
        purpose: Purpose,
    ) -> Option<(Callable, Type)> {
        if self.random.chance(0.6) {
            let (position, actual) = self.function(scope, args, purpose)?;
            let ty = self.program.functions[position]
                .value
                .ty
                .substituted(&actual);
            return Some((Callable::Named(position), ty));
        }
        let params = args.iter().map(|arg| (self.name("a"), arg.ty.clone()));
        let params = params.collect::<Vec<_>>();
        let mut inner = scope.clone();
        let mut evaluator = Evaluator::new(&self.program, 1);
        for ((name, ty), arg) in params.iter().zip(args) {
            let value = evaluator.expr(&mut inner.frame, arg).ok()?;
            inner.frame.vars.push((name.clone(), value));
            inner.vars.push((name.clone(), ty.clone()));
        }
        let mut value = self.scalar_of_all(&inner, &params);
        if purpose == Purpose::Tensor {
            let x = self.operation(&inner).filter(|x| x.ty.is_float());
            if let Some(x) = x {
                let shape = x.shape().to_vec();
                value = Expr::tensor(
                    Op::Binary(Binary::Multiply),
                    vec![value, x],
                    self.float,
                    shape,
                );
            }
        }
        let ty = value.ty.clone();
        Some((Callable::Lambda(params, Box::new(value)), ty))
    }

    pub(super) fn derivative(&mut self, scope: &mut Scope) -> Option<()> {
        if self.depth > 2 {
            return None;
        }
        self.depth += 1;
        self.derivatives += 1;
        let value = self.derived(scope);
        self.derivatives -= 1;
        self.depth -= 1;
        self.bind(scope, value?).map(|_| ())
    }

    fn derived(&mut self, scope: &mut Scope) -> Option<Expr> {
        let args = self.operands(scope, true)?;
        let types = args.iter().map(|arg| arg.ty.clone()).collect::<Vec<_>>();
        let directions = |generator: &mut Self| {
            let directions = types.iter().map(|ty| generator.of_type(scope, ty));
            directions.collect::<Vec<_>>()
        };
        let choice = self.random.below(6);
        let purpose = if choice == 2 || choice == 4 {
            Purpose::Tensor
        } else {
            Purpose::Scalar
        };
        let (of, result) = self.callable(scope, &args, purpose)?;
        let (mode, args, ty) = match choice {
            0 | 1 => {
                let mut wrt = (0..types.len())
                    .filter(|_| self.random.chance(0.6))
                    .collect::<Vec<_>>();
                if wrt.is_empty() {
                    wrt.push(0);
                }
                let gradient = match wrt.as_slice() {
                    [one] => types[*one].clone(),
                    many => Type::Tuple(many.iter().map(|i| types[*i].clone()).collect()),
                };
                match choice {
                    0 => (Mode::Grad(wrt), args, gradient),
                    _ => (
                        Mode::ValueAndGrad(wrt),
                        args,
                        Type::Tuple(vec![result, gradient]),
                    ),
                }
            }
            2 => {
                let ty = Type::Tuple(vec![result.clone(), result]);
                let args = [args, directions(self)].concat();
                (Mode::Jvp, args, ty)
            }
            4 | 5 => {
                let wrt = self.random.below(types.len());
                let own = types[wrt].tensor()?.1.to_vec();
                let outer = if choice == 4 {
                    result.shape().to_vec()
                } else {
                    own.clone()
                };
                let ty = Type::Tensor(self.float, [outer, own].concat());
                let mode = if choice == 4 {
                    Mode::Jacobian(wrt)
                } else {
                    Mode::Hessian(wrt)
                };
                (mode, args, ty)
            }
            _ => {
                let ty = match types.as_slice() {
                    [one] => one.clone(),
                    many => Type::Tuple(many.to_vec()),
                };
                (Mode::Hvp, [args, directions(self)].concat(), ty)
            }
        };
        Some(Expr {
            op: Op::Derivative(mode, of),
            args,
            ty,
        })
    }

    /// Floats of a type, tree or not.
    fn of_type(&mut self, scope: &Scope, ty: &Type) -> Expr {
        if let Type::Tensor(_, shape) = ty {
            return self.of_shape(scope, shape);
        }
        let parts = ty.parts();
        let args = parts.iter().map(|part| self.of_type(scope, part)).collect();
        let op = match ty {
            Type::Struct(position, _) => Op::Struct(*position),
            Type::List(..) => Op::List,
            _ => Op::Tuple,
        };
        Expr {
            op,
            args,
            ty: ty.clone(),
        }
    }

    /// A function of each element of batches.
    pub(super) fn batched(&mut self, scope: &mut Scope) -> Option<()> {
        if self.depth > 2 {
            return None;
        }
        let first = self.tensor(scope, |x| x.ty.is_float() && x.rank() > 0)?;
        let (position, axis) = self.axis(first.shape());
        let size = first.shape()[position].clone();
        if scope.size(&size) == 0 || !scope.at_least(&size, 1) {
            return None;
        }
        let mut elements = vec![element(&first, position)];
        let (mut args, mut axes) = (vec![first], vec![Some(axis)]);
        if self.random.chance(0.5) {
            let other = self.tensor(scope, |x| x.ty.is_float() && scope.count(x.shape()) <= 24)?;
            let own = other.shape().iter().position(|dim| *dim == size);
            match own.filter(|_| self.random.chance(0.6)) {
                Some(own) => {
                    elements.push(element(&other, own));
                    axes.push(Some(self.either(own, other.rank())));
                }
                None => {
                    elements.push(other.clone());
                    axes.push(None);
                }
            }
            args.push(other);
        }
        self.depth += 1;
        let found = self.callable(scope, &elements, Purpose::Tensor);
        self.depth -= 1;
        let (of, ty) = found?;
        let mut shape = ty.shape().to_vec();
        let out = self.random.below(shape.len() + 1);
        shape.insert(out, size);
        let out = self.either(out, shape.len());
        let value = Expr::tensor(Op::Vmap(of, axes, out), args, self.float, shape);
        self.bind(scope, value).map(|_| ())
    }

    /// `vjp` and what it pulls back.
    pub(super) fn pullback(&mut self, scope: &mut Scope) -> Option<()> {
        if self.depth > 2 {
            return None;
        }
        self.depth += 1;
        self.derivatives += 1;
        let args = self.operands(scope, true);
        let found = args.and_then(|args| {
            let (of, ty) = self.callable(scope, &args, Purpose::Tensor)?;
            Some((args, of, ty))
        });
        self.derivatives -= 1;
        self.depth -= 1;
        let (args, of, ty) = found?;
        let cotangent = self.of_type(scope, &ty);
        let (value, gradients) = (self.name("v"), self.name("v"));
        let types = args.iter().map(|arg| arg.ty.clone()).collect();
        let bound = [(value.clone(), ty), (gradients.clone(), Type::Tuple(types))];
        let statement = Statement::Pullback {
            value,
            gradients,
            of,
            args,
            cotangent,
        };
        self.attempt(scope, statement, &bound)
    }
}

/// The first element of a batch along an axis.
fn element(x: &Expr, axis: usize) -> Expr {
    let mut index = vec![Index::Slice(None, None, 1); axis];
    index.push(Index::At(0));
    let mut shape = x.shape().to_vec();
    shape.remove(axis);
    Expr::tensor(Op::Index(index), vec![x.clone()], x.dtype(), shape)
}

/// A type with names for some of its dims.
fn generalised(ty: &Type, names: &BTreeMap<Dim, usize>) -> Type {
    let parts = |parts: &[Type]| parts.iter().map(|part| generalised(part, names)).collect();
    match ty {
        Type::Tensor(dtype, shape) => {
            let shape = shape.iter().map(|dim| match names.get(dim) {
                Some(name) => Dim::named(*name),
                None => dim.clone(),
            });
            Type::Tensor(*dtype, shape.collect())
        }
        Type::Tuple(types) => Type::Tuple(parts(types)),
        Type::List(part, count) => Type::List(Box::new(generalised(part, names)), *count),
        // The dims of a struct's fields are numbers.
        Type::Struct(..) => ty.clone(),
    }
}
