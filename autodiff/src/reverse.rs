//! The reverse sweep over a function body: which values the loss depends on through what is differentiated, and
//! their adjoints, from the last op to the first.
//!
//! The sweep alone deals with sums of several uses, with values that have no adjoint, which are those of zero, and
//! with what varies. A rule (`rules.rs`) says for one op what its result's adjoint means for one operand.
//!
//! Invariants: the ops are in one block and in order; everything is appended at its end, so every value of the
//! primal part can be used; nothing is computed that no adjoint asked for is made of.

use crate::rules::{Rule, depends, rule_of};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim},
        dims::{Source, source},
        inspect::{defining_op, identity},
        shape::{DYNAMIC, ElementClass, class, element_of, shape_of},
    },
    ops::OpKind,
    pass::PassError,
};
use melior::ir::{
    BlockLike, Location, OperationRef, RegionLike, TypeLike, Value, ValueLike,
    operation::OperationLike,
};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

/// What a rule sees: an op whose result has an adjoint.
pub struct Site<'s, 'c, 'a> {
    /// Where the rule builds.
    pub builder: Builder<'c, 'a>,
    /// The op.
    pub op: OperationRef<'c, 'a>,
    /// Its result.
    pub y: Value<'c, 'a>,
    /// The adjoint of the result, of the same type.
    pub y_adj: Value<'c, 'a>,
    sizes: &'s Sizes<'c, 'a>,
}

impl<'c, 'a> Site<'_, 'c, 'a> {
    /// An operand of the op.
    pub fn operand(&self, index: usize) -> Value<'c, 'a> {
        self.op
            .operand(index)
            .expect("a rule is asked for operands that the op has")
    }

    /// The dims of a primal value or of `y_adj`.
    pub fn dims(&self, value: Value<'c, 'a>) -> Vec<Dim<'c, 'a>> {
        let value = if value == self.y_adj { self.y } else { value };
        self.sizes.dims(&self.builder, value)
    }

    /// A tensor of the value's type filled with a number.
    pub fn full_like(&self, value: Value<'c, 'a>, text: &str) -> Value<'c, 'a> {
        self.builder
            .full(&self.dims(value), element_of(value), text)
    }
}

/// Adjoints of `wrt`, each of its value's type, for a loss of rank 0 that the ops compute. `None` where the loss
/// does not depend on a value.
pub fn gradients<'c, 'a>(
    builder: Builder<'c, 'a>,
    ops: &[OperationRef<'c, 'a>],
    loss: Value<'c, 'a>,
    wrt: &[Value<'c, 'a>],
    names: &[String],
) -> Result<Vec<Option<Value<'c, 'a>>>, PassError<'c>> {
    let mut sweep = Sweep {
        builder,
        varied: varied(ops, wrt),
        wrt: wrt
            .iter()
            .copied()
            .zip(names.iter().map(String::as_str))
            .collect(),
        adjoints: HashMap::new(),
        sizes: Sizes::default(),
    };
    if sweep.varied.contains(&identity(loss)) {
        let one = builder.scalar(element_of(loss), "1");
        sweep.adjoints.insert(
            identity(loss),
            Adjoint {
                value: one,
                from: None,
            },
        );
    }
    for op in ops.iter().rev() {
        sweep.step(*op)?;
    }
    Ok(wrt
        .iter()
        .map(|x| {
            sweep
                .adjoints
                .get(&identity(*x))
                .map(|adjoint| adjoint.value)
        })
        .collect())
}

/// The values that depend on `wrt` in a way that a derivative has to follow: floats that may get an adjoint, and
/// integers through which none can pass.
fn varied<'c, 'a>(ops: &[OperationRef<'c, 'a>], wrt: &[Value<'c, 'a>]) -> HashSet<usize> {
    let mut varied = wrt.iter().map(|x| identity(*x)).collect::<HashSet<_>>();
    for op in ops {
        if !varied_reads(&varied, *op).is_empty() {
            varied.extend(op.results().map(|y| identity(y.into())));
        }
    }
    varied
}

/// The varied values that an op's results depend on, with their operand numbers; without one where a region
/// reads them.
fn varied_reads<'c, 'a>(
    varied: &HashSet<usize>,
    op: OperationRef<'c, 'a>,
) -> Vec<(Option<usize>, Value<'c, 'a>)> {
    let mut found = reads(op);
    found.retain(|(i, x)| {
        !x.r#type().is_index() && varied.contains(&identity(*x)) && i.is_none_or(|i| depends(op, i))
    });
    found
}

struct Sweep<'s, 'c, 'a> {
    builder: Builder<'c, 'a>,
    varied: HashSet<usize>,
    wrt: Vec<(Value<'c, 'a>, &'s str)>,
    adjoints: HashMap<usize, Adjoint<'c, 'a>>,
    sizes: Sizes<'c, 'a>,
}

/// The sum of what has come so far, and the op that the first part came from.
struct Adjoint<'c, 'a> {
    value: Value<'c, 'a>,
    from: Option<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// Gives to the operands of an op what the adjoint of its result means for them.
    fn step(&mut self, op: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let has_adjoint = |y: &Value<'c, 'a>| self.adjoints.contains_key(&identity(*y));
        let Some(y) = op.results().map(Value::from).find(has_adjoint) else {
            return Ok(());
        };
        let mut site = Site {
            builder: self.builder,
            op,
            y,
            y_adj: self.adjoints[&identity(y)].value,
            sizes: &self.sizes,
        };
        let mut given = vec![];
        for (i, x) in varied_reads(&self.varied, op) {
            if class(element_of(x)) != ElementClass::Float {
                return Err(self.no_rule(self.made_integer(x), op));
            }
            site.builder = self.builder.at(self.location_of_adjoint(op, x));
            let x_adj = match (rule_of(op), i) {
                (Rule::Record(rules), Some(i)) => {
                    let rule = rules[i]
                        .as_ref()
                        .expect("the result depends on the operand");
                    let operands = op.operands().collect::<Vec<_>>();
                    let literal = |text: &str| site.full_like(y, text);
                    site.builder
                        .derivative(rule, &operands, y, site.y_adj, &literal)
                }
                (Rule::Hand(adjoint, _), Some(i)) => adjoint(&site, i),
                _ => return Err(self.no_rule(op, op)),
            };
            given.push((x, site.of_type_of(x_adj, x)));
        }
        for (x, x_adj) in given {
            self.add(x, x_adj, op);
        }
        Ok(())
    }

    /// A further part of an adjoint.
    fn add(&mut self, x: Value<'c, 'a>, x_adj: Value<'c, 'a>, from: OperationRef<'c, 'a>) {
        let b = self.builder.at(self.location_of_adjoint(from, x));
        self.adjoints
            .entry(identity(x))
            .and_modify(|sum| sum.value = b.elementwise(OpKind::Add, &[sum.value, x_adj]))
            .or_insert(Adjoint {
                value: x_adj,
                from: Some(from),
            });
    }

    /// The op's location, under the name `x_adj` where the location of `x` gives that a name.
    fn location_of_adjoint(&self, op: OperationRef<'c, 'a>, x: Value<'c, 'a>) -> Location<'c> {
        let mut place = op.location();
        while place.is_name() {
            place = place.name_child_location();
        }
        let location = x.location();
        if !location.is_name() {
            return place;
        }
        let name = location.name_value();
        let name = name.as_string_ref().as_str().unwrap_or_default();
        Location::name(self.builder.context, &format!("{name}_adj"), place)
    }

    /// The op before a varied integer value that made an integer of a float.
    fn made_integer(&self, integer: Value<'c, 'a>) -> OperationRef<'c, 'a> {
        let mut at = integer;
        loop {
            let op = defining_op(at).expect("an integer varies only as an op's result");
            let before = self
                .before(op)
                .expect("an op of a varied result has a varied operand");
            if class(element_of(before)) == ElementClass::Float {
                return op;
            }
            at = before;
        }
    }

    /// The first varied value that an op's result depends on.
    fn before(&self, op: OperationRef<'c, 'a>) -> Option<Value<'c, 'a>> {
        let first = varied_reads(&self.varied, op).into_iter().next();
        first.map(|(_, x)| x)
    }

    /// The error at `op`, which the path from an argument to the loss goes through, and `met`, where an adjoint
    /// came that far.
    fn no_rule(&self, op: OperationRef<'c, 'a>, met: OperationRef<'c, 'a>) -> PassError<'c> {
        let mut path = vec![met];
        let mut argument = None;
        while let Some(x) = path.last().and_then(|op| self.before(*op)) {
            match defining_op(x) {
                Some(op) => path.push(op),
                None => {
                    argument = self.wrt.iter().find(|(value, _)| *value == x);
                    break;
                }
            }
        }
        path.reverse();
        let mut next = self.came_from(met);
        while let Some(op) = next {
            path.push(op);
            next = self.came_from(op);
        }
        let error = PassError::at(
            &op,
            format!(
                "DL0302 no reverse-mode rule for `{}`, reached from {} on the way to the loss",
                name(op),
                argument.map_or("an argument", |(_, name)| *name),
            ),
        );
        let hops = path.len();
        let shown = |i: &usize| hops <= 2 * SHOWN || *i < SHOWN || hops - *i <= SHOWN;
        // The op itself is where the error stands.
        (0..hops)
            .filter(|i| shown(i) && (hops > 2 * SHOWN || path[*i] != op))
            .fold(error, |error, i| {
                let skipped = match hops > 2 * SHOWN && i + SHOWN == hops {
                    true => format!("after {} more ops ", hops - 2 * SHOWN),
                    false => String::new(),
                };
                error.note(
                    path[i].location(),
                    format!("{skipped}through `{}`", name(path[i])),
                )
            })
            .note(
                op.location(),
                "help: wrap it in `stop_gradient(...)` to treat the result as constant",
            )
    }

    fn came_from(&self, op: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        op.results()
            .find_map(|y| self.adjoints.get(&identity(y.into())))
            .and_then(|adjoint| adjoint.from)
    }
}

/// How many ops of a long path are shown at each of its ends.
const SHOWN: usize = 4;

impl<'c, 'a> Site<'_, 'c, 'a> {
    /// `x_adj` with x's type, which differs where one of both says more about its dims.
    fn of_type_of(&self, x_adj: Value<'c, 'a>, x: Value<'c, 'a>) -> Value<'c, 'a> {
        match x_adj.r#type() == x.r#type() {
            true => x_adj,
            false => self.builder.reshape(x_adj, &self.dims(x)),
        }
    }
}

/// Dims of values, each looked for once.
#[derive(Default)]
struct Sizes<'c, 'a>(RefCell<HashMap<(usize, usize), Dim<'c, 'a>>>);

impl<'c, 'a> Sizes<'c, 'a> {
    /// The dims as the value's type has them: static where it says so, else index values.
    fn dims(&self, b: &Builder<'c, 'a>, value: Value<'c, 'a>) -> Vec<Dim<'c, 'a>> {
        shape_of(value)
            .into_iter()
            .enumerate()
            .map(|(axis, d)| match d {
                DYNAMIC => Dim::Value(b.dim_value(self.dim(b, value, axis))),
                d => Dim::Static(d),
            })
            .collect()
    }

    fn dim(&self, b: &Builder<'c, 'a>, value: Value<'c, 'a>, axis: usize) -> Dim<'c, 'a> {
        let mut trail = vec![(value, axis)];
        let found = loop {
            let (value, axis) = *trail.last().expect("the trail begins with the question");
            if let Some(dim) = self.0.borrow().get(&(identity(value), axis)) {
                break *dim;
            }
            match source(value, axis) {
                Source::Static(d) => break Dim::Static(d),
                Source::Index(v) => break Dim::Value(v),
                Source::Own => break b.own_dim(value, axis),
                Source::Axis(x, i) => trail.push((x, i)),
                Source::Sum(values, i) => {
                    break values
                        .into_iter()
                        .map(|x| self.dim(b, x, i))
                        .reduce(|sum, d| b.dim_add(sum, d))
                        .expect("a concatenation has an operand");
                }
            }
        };
        let mut known = self.0.borrow_mut();
        known.extend(trail.into_iter().map(|(x, i)| ((identity(x), i), found)));
        found
    }
}

/// What a user calls an op.
pub fn name(op: OperationRef) -> String {
    match OpKind::of(&op) {
        Some(OpKind::Reduce) => dlc_dialects::ops::Reduce(op).kind().into(),
        Some(OpKind::Cumulative) => {
            format!("cum{}", dlc_dialects::ops::Cumulative(op).kind())
        }
        Some(OpKind::ArgReduce) => dlc_dialects::ops::ArgReduce(op).kind().into(),
        Some(kind) => kind.mnemonic().into(),
        None => match op.name().as_string_ref().as_str().unwrap_or("?") {
            "scf.for" => "for".into(),
            "scf.while" => "while".into(),
            // What is left of a branch that only chooses.
            "scf.if" | "arith.select" => "if".into(),
            name => name.into(),
        },
    }
}

/// The values that an op reads: its operands with their numbers, and what its regions read.
fn reads<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<(Option<usize>, Value<'c, 'a>)> {
    let mut found = op
        .operands()
        .enumerate()
        .map(|(i, x)| (Some(i), x))
        .collect::<Vec<_>>();
    for region in op.regions() {
        let mut block = region.first_block();
        while let Some(here) = block {
            let mut inner = here.first_operation();
            while let Some(op) = inner {
                found.extend(reads(op).into_iter().map(|(_, x)| (None, x)));
                inner = op.next_in_block();
            }
            block = here.next_in_region();
        }
    }
    found
}
