//! Activity: which values depend on what is differentiated in a way that a derivative has to follow. These are floats,
//! and integers made of floats, through which no derivative can pass.

use crate::{
    calls::{kept, varied_results},
    functions::{block_arguments, is, operations},
    rules::depends,
};
use dlc_dialects::ir::inspect::identity;
use melior::ir::{
    BlockLike, BlockRef, OperationRef, RegionLike, TypeLike, Value, ValueLike,
    operation::OperationLike,
};
use std::collections::HashSet;

/// The values that vary with others, by `identity`.
pub struct Varied {
    values: HashSet<usize>,
    follows: Follows,
}

/// Whether an op's results vary with a value that it reads: an operand by its number, or what a region reads.
pub type Follows = for<'c, 'a> fn(OperationRef<'c, 'a>, Option<usize>, Value<'c, 'a>) -> bool;

/// What a derivative has to follow.
fn derivative(op: OperationRef, operand: Option<usize>, x: Value) -> bool {
    !x.r#type().is_index() && operand.is_none_or(|i| depends(op, i))
}

impl Varied {
    /// What varies with `wrt` among the results of `ops`, which are in order, and inside their regions.
    pub fn of<'c: 'a, 'a>(
        ops: impl IntoIterator<Item = OperationRef<'c, 'a>>,
        wrt: &[Value<'c, 'a>],
    ) -> Self {
        Self::following(derivative, ops, wrt)
    }

    /// The same, for another notion of what an op's results vary with.
    pub fn following<'c: 'a, 'a>(
        follows: Follows,
        ops: impl IntoIterator<Item = OperationRef<'c, 'a>>,
        wrt: &[Value<'c, 'a>],
    ) -> Self {
        let mut varied = Self {
            values: wrt.iter().map(|x| identity(*x)).collect(),
            follows,
        };
        varied.follow(ops);
        varied
    }

    /// Whether a value varies.
    pub fn contains(&self, value: Value) -> bool {
        self.values.contains(&identity(value))
    }

    /// Lets what the results of ops depend on decide whether they vary; the ops are in order.
    pub fn follow<'c: 'a, 'a>(&mut self, ops: impl IntoIterator<Item = OperationRef<'c, 'a>>) {
        for op in ops {
            let results = results(op);
            if let Some(edges) = Edges::of(op) {
                // A value that a round makes vary varies in the next one, until no more do.
                loop {
                    let before = self.values.len();
                    self.through(&edges);
                    if self.values.len() == before {
                        break;
                    }
                }
            } else if let Some(call) = kept(op) {
                let results = varied_results(call, |_, x| self.contains(x));
                self.values.extend(results.iter().map(|y| identity(*y)));
            } else if !self.reads(op).is_empty() {
                self.values.extend(results.iter().map(|y| identity(*y)));
            }
        }
    }

    /// Lets `to` vary where `from` does, one by one.
    pub fn link<'c: 'a, 'a>(&mut self, from: &[Value<'c, 'a>], to: &[Value<'c, 'a>]) {
        for (from, to) in from.iter().zip(to) {
            if self.contains(*from) {
                self.values.insert(identity(*to));
            }
        }
    }

    /// The varied values that an op's results depend on, with their operand numbers; without one where a region
    /// reads them.
    pub fn reads<'c, 'a>(&self, op: OperationRef<'c, 'a>) -> Vec<(Option<usize>, Value<'c, 'a>)> {
        let mut found = reads(op);
        found.retain(|(i, x)| self.contains(*x) && (self.follows)(op, *i, *x));
        found
    }

    /// Once through the regions of a loop or a branch.
    fn through<'c, 'a>(&mut self, edges: &Edges<'c, 'a>) {
        match edges {
            Edges::For { carried, body } => {
                self.link(&carried.inits, &carried.arguments);
                self.follow(operations(*body));
                self.link(&carried.given, &carried.arguments);
                self.link(&carried.arguments, &carried.results);
            }
            Edges::While {
                carried,
                passed,
                received,
                before,
                after,
            } => {
                self.link(&carried.inits, &carried.arguments);
                self.follow(operations(*before));
                self.link(passed, received);
                self.link(passed, &carried.results);
                self.follow(operations(*after));
                self.link(&carried.given, &carried.arguments);
            }
            Edges::If { arms, results } => {
                for (block, given) in arms {
                    self.follow(operations(*block));
                    self.link(given, results);
                }
            }
        }
    }
}

/// What a loop carries from round to round.
pub struct Carried<'c, 'a> {
    /// What it begins with.
    pub inits: Vec<Value<'c, 'a>>,
    /// The arguments of its first region that carry.
    pub arguments: Vec<Value<'c, 'a>>,
    /// What a round gives to the next.
    pub given: Vec<Value<'c, 'a>>,
    /// What it gives in the end.
    pub results: Vec<Value<'c, 'a>>,
}

/// How values enter and leave the regions of a loop or a branch.
pub enum Edges<'c, 'a> {
    /// `scf.for`.
    For {
        /// What is carried.
        carried: Carried<'c, 'a>,
        /// A round.
        body: BlockRef<'c, 'a>,
    },
    /// `scf.while`.
    While {
        /// What is carried, into the condition's region.
        carried: Carried<'c, 'a>,
        /// What the condition passes on, to the body and in the end to the results.
        passed: Vec<Value<'c, 'a>>,
        /// The body's arguments.
        received: Vec<Value<'c, 'a>>,
        /// The condition.
        before: BlockRef<'c, 'a>,
        /// A round.
        after: BlockRef<'c, 'a>,
    },
    /// `scf.if`.
    If {
        /// Each side, and what it gives.
        arms: Vec<(BlockRef<'c, 'a>, Vec<Value<'c, 'a>>)>,
        /// What the op gives.
        results: Vec<Value<'c, 'a>>,
    },
}

impl<'c, 'a> Edges<'c, 'a> {
    /// Those of an op; `None` for an op that is no loop and no branch.
    pub fn of(op: OperationRef<'c, 'a>) -> Option<Self> {
        let operands = || op.operands().collect::<Vec<_>>();
        let results = results(op);
        if is(op, "scf.for") {
            let body = block(op, 0)?;
            return Some(Self::For {
                carried: Carried {
                    inits: operands().split_off(3),
                    arguments: block_arguments(body).split_off(1),
                    given: ends_with(body),
                    results,
                },
                body,
            });
        }
        if is(op, "scf.while") {
            let (before, after) = (block(op, 0)?, block(op, 1)?);
            return Some(Self::While {
                carried: Carried {
                    inits: operands(),
                    arguments: block_arguments(before),
                    given: ends_with(after),
                    results,
                },
                passed: ends_with(before).split_off(1),
                received: block_arguments(after),
                before,
                after,
            });
        }
        if is(op, "scf.if") {
            let arm = |i| block(op, i).map(|block| (block, ends_with(block)));
            return Some(Self::If {
                arms: (0..2).filter_map(arm).collect(),
                results,
            });
        }
        None
    }
}

/// The results of an op.
pub fn results<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    op.results().map(Value::from).collect()
}

fn block<'c, 'a>(op: OperationRef<'c, 'a>, region: usize) -> Option<BlockRef<'c, 'a>> {
    op.region(region).ok()?.first_block()
}

/// The operands of a block's terminator.
fn ends_with<'c, 'a>(block: BlockRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    operations(block)
        .last()
        .map_or(vec![], |op| op.operands().collect())
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
            for inner in operations(here) {
                found.extend(reads(inner).into_iter().map(|(_, x)| (None, x)));
            }
            block = here.next_in_region();
        }
    }
    found
}
