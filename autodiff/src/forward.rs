//! The forward sweep over a function body: behind each op, the tangent of its result.
//!
//! A rule (`rules.rs`) says for one op what the tangents of its operands mean for its result. Loops and branches carry
//! the tangents of what varies beside it (`forward/control.rs`), so what a loop needs does not grow with its rounds.
//!
//! Invariants: a value without a tangent has the tangent zero; nothing is written for ops that do not vary.

mod call;
mod control;

use crate::{
    activity::{Edges, Varied},
    calls::kept,
    functions::operations,
    rules::{Direction, Rule, Tangent, rule_of},
    site::{Site, Sizes, named},
    trail::Trail,
};
use dlc_dialects::{
    ir::{
        builder::Builder,
        inspect::identity,
        shape::{ElementClass, class, element_of, is_tensor},
    },
    ops::{Expr, OpKind},
    pass::PassError,
};
use melior::ir::{
    BlockRef, OperationRef, Value, ValueLike,
    operation::{OperationLike, OperationMutLike},
};
use std::collections::HashMap;

/// Tangents of the results that a function returns by `end`, from those of `wrt`, `None` for zero. The ops before it may
/// be replaced by others on the way, and with them what it returns.
pub fn tangents<'c, 'a>(
    builder: Builder<'c, 'a>,
    end: OperationRef<'c, 'a>,
    wrt: &[(Value<'c, 'a>, String)],
    given: &[Value<'c, 'a>],
) -> Result<Vec<Option<Value<'c, 'a>>>, PassError<'c>> {
    let values = wrt.iter().map(|(x, _)| *x).collect::<Vec<_>>();
    let block = builder.block;
    let mut sweep = Sweep {
        builder,
        varied: Varied::of(operations(block), &values),
        wrt,
        tangents: HashMap::new(),
    };
    for (x, x_tan) in values.iter().zip(given) {
        sweep.tangents.insert(identity(*x), *x_tan);
    }
    sweep.block(block)?;
    Ok(end.operands().map(|y| sweep.tangent(y)).collect())
}

struct Sweep<'s, 'c, 'a> {
    builder: Builder<'c, 'a>,
    varied: Varied,
    wrt: &'s [(Value<'c, 'a>, String)],
    tangents: HashMap<usize, Value<'c, 'a>>,
}

impl<'c, 'a> Sweep<'_, 'c, 'a> {
    /// The tangent of a value; `None` for zero.
    fn tangent(&self, x: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        self.tangents.get(&identity(x)).copied()
    }

    /// Writes tangents behind the ops of a block, all but its terminator.
    fn block(&mut self, block: BlockRef<'c, 'a>) -> Result<(), PassError<'c>> {
        let ops = operations(block).collect::<Vec<_>>();
        for pair in ops.windows(2) {
            match (Edges::of(pair[0]), kept(pair[0])) {
                (Some(edges), _) => self.control(pair[0], edges)?,
                (None, Some(call)) => self.call(call, pair[1])?,
                (None, None) => self.step(pair[0], pair[1])?,
            }
        }
        Ok(())
    }

    /// Writes the tangent of an op's result before the op that follows.
    fn step(
        &mut self,
        op: OperationRef<'c, 'a>,
        next: OperationRef<'c, 'a>,
    ) -> Result<(), PassError<'c>> {
        let reads = self.varied.reads(op);
        let Some(y) = op.results().next().map(Value::from) else {
            return Ok(());
        };
        if reads.is_empty() || !is_float(y) {
            return Ok(());
        }
        let cx = self.builder.context;
        let builder = Builder::before(cx, next).at(named(cx, op.location(), y, "tan"));
        let sizes = Sizes::default();
        let mut site = Site {
            builder,
            op,
            y,
            y_adj: y,
            sizes: &sizes,
        };
        let mut varied = vec![];
        for (i, x) in reads {
            if !is_float(x) {
                let made = self.trail().made_integer(x).unwrap_or(op);
                return Err(self.trail().no_rule(made, op, &[]));
            }
            // A value that varies only along with integers has the tangent zero.
            if let (Some(i), Some(x_tan)) = (i, self.tangent(x)) {
                varied.push((i, x_tan));
            }
        }
        if varied.is_empty() {
            return Ok(());
        }
        let y_tan = match rule_of(op) {
            Rule::Record(rules) => record(&site, rules, &varied),
            Rule::Hand(hand) => match hand.tangent {
                Tangent::Linear => linear(&site, hand.places, &varied),
                Tangent::Multilinear => multilinear(&site, &varied),
                Tangent::Hand(tangent) => {
                    site.y_adj = site.full_like(y, "1");
                    tangent(&site, varied[0].1)
                }
            },
            Rule::Inactive | Rule::None => return Err(self.trail().no_rule(op, op, &[])),
        };
        let y_tan = site.of_type_of(y_tan, y);
        self.tangents.insert(identity(y), y_tan);
        Ok(())
    }

    fn trail(&self) -> Trail<'_, 'c, 'a> {
        Trail {
            varied: &self.varied,
            wrt: self.wrt,
            direction: Direction::Forward,
        }
    }
}

/// Whether a value is a tensor of floats, which can have a tangent.
fn is_float(value: Value) -> bool {
    is_tensor(value.r#type()) && class(element_of(value)) == ElementClass::Float
}

/// The sum over the operands of what the record says of each. What it says of an adjoint holds for a tangent, as both
/// are multiplied with the same derivative, element by element.
fn record<'c, 'a>(
    site: &Site<'_, 'c, 'a>,
    rules: &[Option<Expr>],
    varied: &[(usize, Value<'c, 'a>)],
) -> Value<'c, 'a> {
    let b = site.builder;
    if OpKind::of(&site.op) == Some(OpKind::Convert) {
        return b.convert(varied[0].1, element_of(site.y));
    }
    let operands = site.op.operands().collect::<Vec<_>>();
    let literal = |text: &str| site.full_like(site.y, text);
    let parts = varied.iter().map(|(i, x_tan)| {
        let rule = rules[*i]
            .as_ref()
            .expect("the result depends on the operand");
        let x_tan = site.of_type_of(*x_tan, site.y);
        b.derivative(rule, &operands, site.y, x_tan, &literal)
    });
    sum(b, parts)
}

/// The op of the tangents of all its tensors but places.
fn linear<'c, 'a>(
    site: &Site<'_, 'c, 'a>,
    places: &[usize],
    varied: &[(usize, Value<'c, 'a>)],
) -> Value<'c, 'a> {
    let tangents = site.op.operands().enumerate().map(|(i, x)| {
        let given = varied.iter().find(|(at, _)| *at == i);
        match given {
            Some((_, x_tan)) => *x_tan,
            None if is_tensor(x.r#type()) && !places.contains(&i) => site.full_like(x, "0"),
            None => x,
        }
    });
    apply(site, &tangents.collect::<Vec<_>>())
}

/// The sum of the op with one tangent in its operand's place, over the operands that have one.
fn multilinear<'c, 'a>(
    site: &Site<'_, 'c, 'a>,
    varied: &[(usize, Value<'c, 'a>)],
) -> Value<'c, 'a> {
    let parts = varied.iter().map(|(i, x_tan)| {
        let mut operands = site.op.operands().collect::<Vec<_>>();
        operands[*i] = *x_tan;
        apply(site, &operands)
    });
    sum(site.builder, parts)
}

/// The op of other operands.
fn apply<'c, 'a>(site: &Site<'_, 'c, 'a>, operands: &[Value<'c, 'a>]) -> Value<'c, 'a> {
    let mut copy = (*site.op).clone();
    copy.set_operands(operands);
    site.builder.value(copy)
}

fn sum<'c, 'a>(b: Builder<'c, 'a>, parts: impl Iterator<Item = Value<'c, 'a>>) -> Value<'c, 'a> {
    parts
        .reduce(|sum, part| b.elementwise(OpKind::Add, &[sum, part]))
        .expect("an operand varies")
}
