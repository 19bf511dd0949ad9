//! Random programs: statements are tried one after the other on the program's own arguments, and those whose numbers
//! could not be compared (near a kink, too large, out of range) are dropped as soon as they are made.
//!
//! Most programs are short: lengths of bodies fall off geometrically, and a program that is heavier than `WEIGHT` is kept
//! with a probability that falls with its weight. A fault of a compiler mostly shows in some program of a few
//! statements (the small scope hypothesis, Jackson 2006), and compiling takes as long as programs are, so many short ones
//! find more in the same time; heavy ones are as likely as their share of the time is the same.

mod control;
mod elements;
mod functions;
mod indexing;
mod products;
mod shapes;

use crate::{
    arguments,
    array::{Reject, Value},
    ast::{Binary, DimDeclaration, Expr, Function, Op, Program, Reduction, Statement, Unary},
    eval::{self, Evaluator, Frame},
    num::{FULL, Num},
    random::Random,
    types::{Dim, Dtype, Type},
    walk, weight,
};
use std::collections::{BTreeMap, BTreeSet};

/// No tensor of a program has more elements.
const GREATEST_SIZE: usize = 160;

/// Of heavier programs so many are kept that they have the weight of one of this weight together.
const WEIGHT: f64 = 16.0;

/// How many candidates were dropped, by reason.
pub type Rejected = BTreeMap<Reject, usize>;

/// A program made from a seed, and what was dropped on the way.
pub fn generate(seed: u64) -> (Program, Rejected) {
    let mut rejected = Rejected::new();
    // A program without a result, or one too heavy, is given up; the next one of the same seed is another.
    for attempt in 0.. {
        let mut generator = Generator::new(seed, attempt);
        let program = generator.program();
        for (reason, count) in generator.rejected {
            *rejected.entry(reason).or_insert(0) += count;
        }
        if let Some(program) = program {
            return (program, rejected);
        }
    }
    unreachable!("attempts are not counted out")
}

struct Generator {
    random: Random,
    /// The dtype of the program's floats.
    float: Dtype,
    program: Program,
    rejected: Rejected,
    /// How many names there are.
    names: usize,
    /// How deep the function at hand is nested in calls.
    depth: usize,
    /// In how many derivatives it stands.
    derivatives: usize,
}

/// What is visible at a place, with values to try things on.
#[derive(Clone)]
struct Scope {
    dims: Vec<DimDeclaration>,
    frame: Frame,
    vars: Vec<(String, Type)>,
    body: Vec<Statement>,
}

impl Scope {
    /// The size of a dim here.
    fn size(&self, dim: &Dim) -> usize {
        dim.at(&self.frame.sizes).max(0) as usize
    }

    /// The number of elements of a shape here.
    fn count(&self, shape: &[Dim]) -> usize {
        shape.iter().map(|dim| self.size(dim)).product()
    }

    /// Whether a dim is at least so large wherever the function is called.
    fn at_least(&self, dim: &Dim, least: i64) -> bool {
        match (dim.number(), dim.name()) {
            (Some(number), _) => number >= least,
            (_, Some(name)) => self.dims[name].least >= least,
            _ => false,
        }
    }
}

impl Generator {
    fn new(seed: u64, attempt: usize) -> Self {
        let mut random = Random::of(&format!("program {seed} {attempt}"));
        let float = if random.chance(0.15) {
            Dtype::F32
        } else {
            Dtype::F64
        };
        Self {
            random,
            float,
            program: Program {
                seed,
                structs: vec![],
                functions: vec![],
                sizes: vec![],
            },
            rejected: Rejected::new(),
            names: 0,
            depth: 0,
            derivatives: 0,
        }
    }

    fn program(&mut self) -> Option<Program> {
        let dims = (0..self.random.below(3)).map(|position| DimDeclaration {
            name: ["N", "M"][position].into(),
            least: self.random.below(3) as i64,
        });
        let dims = dims.collect::<Vec<_>>();
        let sizes = dims
            .iter()
            .map(|dim| dim.least + self.random.below(4) as i64);
        self.program.sizes = sizes.collect();
        let params = self.params(&dims);
        let mut function = Function {
            name: format!("p{}", self.program.seed),
            attributes: vec![],
            dims,
            params,
            body: vec![],
            value: Expr::number(0.0, self.float),
        };
        self.program.functions.push(function.clone());
        let arguments = arguments::perturbed(&self.program, FULL);
        self.program.functions.pop();
        let mut scope = self.scope(&function, arguments);
        let statements = self.length(7, 0.5);
        self.statements(&mut scope, statements);
        function.value = self.result(&mut scope)?;
        function.body = scope.body;
        self.program.functions.push(function);
        let mut program = self.program.clone();
        walk::remove_unused(&mut program);
        let kept = self.random.chance(WEIGHT / weight::of(&program));
        kept.then_some(program)
    }

    /// A scope of nothing but the parameters of a function.
    fn scope(&self, function: &Function, arguments: Vec<Value>) -> Scope {
        let names = function.params.iter().map(|(name, _)| name.clone());
        let vars = names.zip(arguments).collect();
        let mut frame = Frame {
            sizes: vec![],
            vars,
        };
        frame.sizes = eval::sizes(function, &frame.vars);
        Scope {
            dims: function.dims.clone(),
            frame,
            vars: function.params.clone(),
            body: vec![],
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn params(&mut self, dims: &[DimDeclaration]) -> Vec<(String, Type)> {
        let mut params = vec![];
        // Each dim is the size of an axis by itself.
        for position in 0..dims.len() {
            let mut shape = self.shape(dims.len(), 2);
            shape.insert(self.random.below(shape.len() + 1), Dim::named(position));
            params.push(Type::Tensor(self.float, shape));
        }
        for _ in 0..self.length(2, 0.35) {
            let rank = self.random.below(5).min(3);
            params.push(Type::Tensor(self.float, self.shape(dims.len(), rank)));
        }
        if self.random.chance(0.35) {
            let shape = [Dim::known(1 + self.random.below(3) as i64)];
            let rank = self.random.below(2);
            params.push(Type::Tensor(Dtype::I32, shape[..rank].to_vec()));
        }
        if self.random.chance(0.2) {
            params.push(Type::Tensor(Dtype::Bool, self.shape(0, 1)));
        }
        if self.random.chance(0.25) {
            let fields = (0..2).map(|_| {
                let rank = self.random.below(3);
                Type::Tensor(self.float, self.shape(0, rank))
            });
            let fields = fields.collect::<Vec<_>>();
            self.program.structs.push(fields.clone());
            params.push(Type::Struct(self.program.structs.len() - 1, fields));
        }
        if self.random.chance(0.15) {
            let part = Type::Tensor(self.float, self.shape(0, 1));
            params.push(match self.random.chance(0.5) {
                true => Type::List(Box::new(part), 2),
                false => Type::Tuple(vec![part.clone(), part]),
            });
        }
        params.into_iter().map(|ty| (self.name("a"), ty)).collect()
    }

    /// A shape of known sizes and of some of the first dims.
    fn shape(&mut self, dims: usize, rank: usize) -> Vec<Dim> {
        let dim = |random: &mut Random| match dims > 0 && random.chance(0.3) {
            true => Dim::named(random.below(dims)),
            false => Dim::known(*random.choose(&[1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 0])),
        };
        let sizes = (0..rank).map(|_| dim(&mut self.random)).collect::<Vec<_>>();
        // Most programs are about something.
        let empty = |dim: &Dim| dim.number() == Some(0);
        match sizes.iter().any(empty) && !self.random.chance(0.3) {
            true => sizes
                .iter()
                .map(|dim| {
                    if empty(dim) {
                        Dim::known(2)
                    } else {
                        dim.clone()
                    }
                })
                .collect(),
            false => sizes,
        }
    }

    /// How many statements a body has: at most so many, each one more with a probability.
    fn length(&mut self, most: usize, more: f64) -> usize {
        let further = (1..most).take_while(|_| self.random.chance(more));
        1 + further.count()
    }

    /// Up to so many statements; some are dropped.
    fn statements(&mut self, scope: &mut Scope, count: usize) {
        for _ in 0..count {
            for _ in 0..6 {
                if self.one_statement(scope).is_some() {
                    break;
                }
            }
        }
    }

    fn one_statement(&mut self, scope: &mut Scope) -> Option<()> {
        // Derivatives of derivatives and of batches would be rare otherwise.
        if self.derivatives > 0 && self.random.chance(0.2) {
            return match self.random.chance(0.5) {
                true => self.derivative(scope),
                false => self.batched(scope),
            };
        }
        // Few programs have a list.
        if self.random.chance(0.1) && self.mapped(scope).is_some() {
            return Some(());
        }
        match self.random.below(20) {
            0 => self.for_loop(scope),
            1 => self.branch(scope),
            2 => self.update(scope),
            3 => self.while_loop(scope),
            4 => self.call(scope),
            5..=7 => self.derivative(scope),
            8 | 9 => self.pullback(scope),
            10 => self.several(scope),
            11 | 12 => self.batched(scope),
            _ => {
                let value = self.operation(scope)?;
                self.bind(scope, value).map(|_| ())
            }
        }
    }

    /// One operation on what is visible.
    fn operation(&mut self, scope: &Scope) -> Option<Expr> {
        match self.random.below(12) {
            0..=2 => self.elementwise(scope),
            3..=4 => self.reduction(scope),
            5..=6 => self.movement(scope),
            7..=8 => self.indexing(scope),
            9..=10 => self.product(scope),
            _ => self.ordering(scope),
        }
    }

    /// Tries a statement; what it binds is visible from here on.
    fn attempt(
        &mut self,
        scope: &mut Scope,
        statement: Statement,
        types: &[(String, Type)],
    ) -> Option<()> {
        let (vars, old) = (scope.frame.vars.len(), scope.frame.clone());
        let mut evaluator = Evaluator::new(&self.program, 1);
        let done = evaluator.statement(&mut scope.frame, &statement);
        let new = &scope.frame.vars[vars..];
        let large = new.iter().flat_map(|(_, value)| value.leaves());
        let large = large
            .into_iter()
            .any(|leaf| leaf.data.len() > GREATEST_SIZE);
        let done = match large {
            true => Err(Reject::Long),
            false => done,
        };
        if let Err(reason) = done {
            *self.rejected.entry(reason).or_insert(0) += 1;
            scope.frame = old;
            return None;
        }
        scope.body.push(statement);
        scope.vars.extend_from_slice(types);
        Some(())
    }

    /// A variable of a value.
    fn bind(&mut self, scope: &mut Scope, value: Expr) -> Option<Expr> {
        let (name, ty) = (self.name("v"), value.ty.clone());
        let types = [(name.clone(), ty.clone())];
        self.attempt(scope, Statement::Let(name.clone(), value), &types)?;
        Some(Expr::var(&name, ty))
    }

    /// A variable that may be assigned, beginning with a value.
    fn variable(&mut self, scope: &mut Scope, value: Expr) -> Option<Expr> {
        let (name, ty) = (self.name("v"), value.ty.clone());
        let types = [(name.clone(), ty.clone())];
        self.attempt(scope, Statement::Var(name.clone(), value), &types)?;
        Some(Expr::var(&name, ty))
    }

    /// All tensors that are visible, also as parts of trees.
    fn tensors(&self, scope: &Scope) -> Vec<Expr> {
        fn parts(expr: Expr, found: &mut Vec<Expr>) {
            if expr.ty.tensor().is_some() {
                return found.push(expr);
            }
            for position in 0..expr.ty.parts().len() {
                parts(expr.clone().part(position), found);
            }
        }
        let mut found = vec![];
        for (name, ty) in &scope.vars {
            parts(Expr::var(name, ty.clone()), &mut found);
        }
        found
    }

    /// A visible tensor with a property; late ones are likelier.
    fn tensor(&mut self, scope: &Scope, fits: impl Fn(&Expr) -> bool) -> Option<Expr> {
        let found = self.tensors(scope).into_iter().filter(|expr| fits(expr));
        let found = found.collect::<Vec<_>>();
        let position = self
            .random
            .below(found.len())
            .max(self.random.below(found.len()));
        found.get(position).cloned()
    }

    /// A visible tensor of floats with a property, sometimes with a function around it.
    fn float(&mut self, scope: &Scope, fits: impl Fn(&[Dim]) -> bool) -> Option<Expr> {
        let x = self.tensor(scope, |x| x.ty.is_float() && fits(x.shape()))?;
        Some(match self.random.chance(0.2) {
            true => {
                let op = *self.random.choose(&[
                    Unary::Sin,
                    Unary::Tanh,
                    Unary::Negative,
                    Unary::Sigmoid,
                    Unary::Cos,
                    Unary::StopGradient,
                ]);
                Expr::unary(op, x)
            }
            false => x,
        })
    }

    /// A number that every float type holds.
    fn constant(&mut self) -> Expr {
        let eighths = 1 + self.random.below(16) as i64;
        let sign = if self.random.chance(0.25) { -1.0 } else { 1.0 };
        Expr::number(sign * eighths as f64 / 8.0, self.float)
    }

    /// A scalar of a tensor.
    fn summed(&mut self, x: Expr) -> Expr {
        let dtype = x.dtype();
        match x.rank() {
            0 => x,
            _ => Expr::tensor(
                Op::Reduce(Reduction::Sum, None, false),
                vec![x],
                dtype,
                vec![],
            ),
        }
    }

    /// Floats of a type, from what is visible; bounded, so that loops may carry them.
    fn of_shape(&mut self, scope: &Scope, shape: &[Dim]) -> Expr {
        let mut value = self.term(scope, shape);
        for _ in 0..1 + self.random.below(2) {
            let other = self.term(scope, shape);
            let op = *self
                .random
                .choose(&[Binary::Add, Binary::Multiply, Binary::Subtract]);
            let Some(common) = elements::broadcast(value.shape(), other.shape()) else {
                continue;
            };
            value = Expr::tensor(Op::Binary(op), vec![value, other], self.float, common);
        }
        if self.random.chance(0.7) {
            let op = *self.random.choose(&[
                Unary::Tanh,
                Unary::Sin,
                Unary::Cos,
                Unary::Sigmoid,
                Unary::Atan,
                Unary::Erf,
            ]);
            value = Expr::unary(op, value);
        }
        match value.shape() == shape {
            true => value,
            false => Expr::tensor(Op::BroadcastTo, vec![value], self.float, shape.to_vec()),
        }
    }

    /// A visible tensor that broadcasts to a shape, or else a scalar of one.
    fn term(&mut self, scope: &Scope, shape: &[Dim]) -> Expr {
        let fits = |own: &[Dim]| elements::broadcast(own, shape).as_deref() == Some(shape);
        let (fitting, any) = (self.float(scope, fits), self.float(scope, |_| true));
        match (fitting, any) {
            (Some(x), _) if self.random.chance(0.8) => x,
            (_, Some(x)) => self.summed(x),
            _ => self.constant(),
        }
    }

    /// The result: one to three trees of floats, on which most of the variables have an influence.
    fn result(&mut self, scope: &mut Scope) -> Option<Expr> {
        let used = walk::names(&scope.body);
        // A parameter that nothing reads has the gradient zero, which is to be seen as well.
        let is_param = |name: &str| name.starts_with('a');
        let unused = scope.vars.iter().filter(|(name, _)| {
            !used.contains(name) && (!is_param(name) || self.random.chance(0.3))
        });
        let unused = unused
            .map(|(name, _)| name.clone())
            .collect::<BTreeSet<_>>();
        let own = |expr: &Expr| {
            walk::names_of(expr)
                .iter()
                .any(|name| unused.contains(name))
        };
        let tensors = self
            .tensors(scope)
            .into_iter()
            .filter(|x| x.ty.is_float() && own(x));
        let mut tensors = tensors.collect::<Vec<_>>();
        // What was computed last is a result as it is; the rest is summed.
        tensors.reverse();
        let kept = 1 + self.random.below(2);
        let rest = tensors.split_off(tensors.len().min(kept));
        if !rest.is_empty() {
            let terms = rest.into_iter().map(|x| self.summed(x)).collect::<Vec<_>>();
            let sum = terms.into_iter().reduce(|a, b| {
                Expr::tensor(Op::Binary(Binary::Add), vec![a, b], self.float, vec![])
            });
            tensors.extend(sum);
        }
        let values = tensors.into_iter().map(|x| self.bind(scope, x));
        let mut values = values
            .collect::<Vec<_>>()
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        match values.len() {
            0 => None,
            1 => values.pop(),
            _ => {
                let types = values.iter().map(|value| value.ty.clone()).collect();
                Some(Expr {
                    op: Op::Tuple,
                    args: values,
                    ty: Type::Tuple(types),
                })
            }
        }
    }
}

/// A number without perturbations.
fn real(value: f64) -> Num {
    Num::real(value)
}
