//! The reverse sweep over a function body: the adjoints of what the results depend on, from the last op to the first.
//!
//! The sweep alone deals with sums of several uses, with values that have no adjoint, which are those of zero, and
//! with what varies. A rule (`rules.rs`) says for one op what its result's adjoint means for one operand.
//!
//! Loops and branches are gone through backwards by loops and branches of their own (`reverse/control.rs`, `reverse/rounds.rs`).
//!
//! Invariants: the ops are in one block and in order; everything is written behind them, so every value of the
//! primal part can be used; nothing is computed that no adjoint asked for is made of.

mod call;
mod control;
mod kept;
mod rounds;
pub mod schedule;
mod tape;

use crate::{
    activity::{Edges, Varied},
    calls::kept,
    rules::{Direction, Rule, rule_of, softmax::softmax},
    site::{Site, Sizes, named},
    trail::Trail,
};
use dlc_dialects::{
    ir::{
        builder::Builder,
        inspect::identity,
        shape::{ElementClass, class, element_of},
    },
    ops::OpKind,
    pass::PassError,
};
use melior::ir::{Location, OperationRef, Value, operation::OperationLike};
use std::collections::HashMap;

/// Adjoints of `wrt`, which have names, each of its value's type, from those of results that the ops compute. `None`
/// where no result depends on a value. Loops become nests of `depth` loops.
pub fn gradients<'c, 'a>(
    builder: Builder<'c, 'a>,
    ops: &[OperationRef<'c, 'a>],
    seeds: &[(Value<'c, 'a>, Value<'c, 'a>)],
    wrt: &[(Value<'c, 'a>, String)],
    depth: i64,
) -> Result<Vec<Option<Value<'c, 'a>>>, PassError<'c>> {
    let values = wrt.iter().map(|(x, _)| *x).collect::<Vec<_>>();
    let mut sweep = Sweep {
        builder,
        varied: Varied::of(ops.iter().copied(), &values),
        wrt,
        adjoints: HashMap::new(),
        sizes: Sizes::default(),
        depth,
        replaced: HashMap::new(),
    };
    for (y, y_adj) in seeds {
        if sweep.varied.contains(*y) {
            sweep.add(*y, *y_adj, None);
        }
    }
    for op in ops.iter().rev() {
        sweep.step(*op)?;
    }
    let adjoint = |x: &Value<'c, 'a>| Some(sweep.adjoints.get(&identity(*x))?.value);
    Ok(values.iter().map(adjoint).collect())
}

struct Sweep<'s, 'c, 'a> {
    builder: Builder<'c, 'a>,
    varied: Varied,
    wrt: &'s [(Value<'c, 'a>, String)],
    adjoints: HashMap<usize, Adjoint<'c, 'a>>,
    sizes: Sizes<'c, 'a>,
    /// How many loops become of each loop, so that it keeps less; 0 where a loop keeps what costs to compute again.
    depth: i64,
    /// What stands for results of loops that have been written again.
    replaced: HashMap<usize, Value<'c, 'a>>,
}

/// The sum of what has come so far, and the op that the first part came from.
struct Adjoint<'c, 'a> {
    value: Value<'c, 'a>,
    from: Option<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// Gives to the operands of an op what the adjoint of its result means for them.
    fn step(&mut self, op: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
        if let Some(edges) = Edges::of(op) {
            return self.control(op, edges);
        }
        if let Some(call) = kept(op) {
            return self.call(call);
        }
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
        if let Some((z, z_adj)) = softmax(&site).filter(|(z, _)| self.varied.contains(*z)) {
            self.add(z, z_adj, Some(op));
            return Ok(());
        }
        let mut given = vec![];
        for (i, x) in self.varied.reads(op) {
            if class(element_of(x)) != ElementClass::Float {
                let made = self.trail().made_integer(x).unwrap_or(op);
                return Err(self.no_rule(made, op));
            }
            site.builder = self.builder.at(self.location_of_adjoint(Some(op), x));
            if let (Rule::Hand(hand), Some(0)) = (rule_of(op), i)
                && let Some(accumulate) = hand.accumulate
                && let Some(sum) = self.adjoints.get_mut(&identity(x))
            {
                sum.value = accumulate(&site, sum.value);
                continue;
            }
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
                (Rule::Hand(hand), Some(i)) => (hand.adjoint)(&site, i),
                _ => return Err(self.no_rule(op, op)),
            };
            given.push((x, site.of_type_of(x_adj, x)));
        }
        for (x, x_adj) in given {
            self.add(x, x_adj, Some(op));
        }
        Ok(())
    }

    /// A further part of an adjoint.
    fn add(&mut self, x: Value<'c, 'a>, x_adj: Value<'c, 'a>, from: Option<OperationRef<'c, 'a>>) {
        let b = self.builder.at(self.location_of_adjoint(from, x));
        self.adjoints
            .entry(identity(x))
            .and_modify(|sum| sum.value = b.elementwise(OpKind::Add, &[sum.value, x_adj]))
            .or_insert(Adjoint { value: x_adj, from });
    }

    /// The op's location, under the name `x_adj` where the location of `x` gives that a name.
    fn location_of_adjoint(
        &self,
        op: Option<OperationRef<'c, 'a>>,
        x: Value<'c, 'a>,
    ) -> Location<'c> {
        let place = op.map_or(self.builder.location, |op| op.location());
        named(self.builder.context, place, x, "adj")
    }

    /// The value itself, or what stands for it by now.
    fn stands_for(&self, x: Value<'c, 'a>) -> Value<'c, 'a> {
        let next = |x: &Value<'c, 'a>| self.replaced.get(&identity(*x)).copied();
        std::iter::successors(Some(x), next).last().unwrap_or(x)
    }

    fn trail(&self) -> Trail<'_, 'c, 'a> {
        Trail {
            varied: &self.varied,
            wrt: self.wrt,
            direction: Direction::Reverse,
        }
    }

    /// The error at `op`, where an adjoint came as far as `met`.
    fn no_rule(&self, op: OperationRef<'c, 'a>, met: OperationRef<'c, 'a>) -> PassError<'c> {
        let after = std::iter::successors(self.came_from(met), |op| self.came_from(*op));
        self.trail().no_rule(op, met, &after.collect::<Vec<_>>())
    }

    fn came_from(&self, op: OperationRef<'c, 'a>) -> Option<OperationRef<'c, 'a>> {
        op.results()
            .find_map(|y| self.adjoints.get(&identity(y.into())))
            .and_then(|adjoint| adjoint.from)
    }
}
