//! Attention as a program of blocks: two products and the softmax between them, where nothing else reads what is between, or only
//! what makes the gradient, which is two more programs (`gradient.rs`).
//!
//! The program keeps scores in f32 and takes keys beyond a causal bound for absent. So a row all of whose scores are infinite and
//! negative is NaN, where large negative ones in their place would give the mean of all values.

mod gradient;
mod launch;
mod matrix;
mod part;
mod pattern;
mod score;
mod still;
mod terms;

use super::{
    products::{element, is_between, rounded_to},
    programs::Programs,
};
use crate::{
    alias::{self, ancestors},
    emit::Emitter,
    matmul::{call::Places, contraction::Operand, epilogue::Epilogue},
    schedule::{self, gpu::most_shared},
};
use dlc_dialects::ir::edit;
use dlc_kernels::{
    attention::{Attention, Bound, Statistics},
    program::Element,
};
use gradient::Steps;
use launch::{Grid, Work};
use matrix::{Matrix, Vector};
use melior::{
    Context, IrRewriter,
    ir::{OperationRef, Value, attribute::IntegerAttribute, operation::OperationLike},
};
use part::{Part, element_of};
pub(crate) use pattern::Found;
use still::Others;
use terms::{Node, Term};

/// Where a result goes, and the op that rounds it on the way.
struct Target<'c, 'a> {
    operand: Operand<'c, 'a>,
    rounding: Option<Epilogue<'c, 'a>>,
}

/// How a program makes scores.
#[derive(Clone, Copy)]
struct Scores<'c, 'a> {
    bound: Bound,
    /// What a key within the bound is compared by.
    within: Option<Term>,
    /// The score within the bound.
    term: Term,
    /// What the product is multiplied by if it is no more than that: nothing for the product itself.
    scale: Option<Option<Value<'c, 'a>>>,
}

impl<'c: 'a, 'a> Found<'c, 'a> {
    /// Writes programs in the place of the products, if there are some for them; gives what is gone.
    pub fn write(mut self, cx: &'c Context, programs: &mut Programs) -> Option<Vec<usize>> {
        let op = self.values.op;
        let others = Others::of(&self);
        self.is_still(&others).then_some(())?;
        let number = element(self.scores.x.numbers.a)?;
        let mut products = self.parts().into_iter().chain([&self.scores]);
        products.all(|part| part.is_of(number)).then_some(())?;
        let target = Target::of(&self.values, op)?;
        let written = target.operand.value;
        let scores = self.scores();
        // Other blocks still read what a block's result would be written over.
        let (x, y) = (&self.scores.x, &self.values.x);
        let inputs = [x.a.value, x.b.value, y.b.value];
        let mut read = inputs.into_iter().chain(self.memory_in(scores.term));
        if read.any(|from| alias::may_alias(from, written)) {
            return None;
        }
        let program = self.program(number, &scores, &target)?;
        let steps = match self.gradient.is_some() {
            true => Some(Steps::of(&self, &scores, (&target, others))?),
            false => None,
        };
        let e = Emitter::before(cx, op);
        target.settle(cx, op);
        let statistics = steps
            .as_ref()
            .map(|_| [(); 2].map(|()| Vector::new(&e, x.c.value)));
        self.write_forward(&e, program, (&scores, &target, &statistics), programs);
        if let (Some(steps), Some(statistics)) = (&steps, &statistics) {
            steps.write(cx, &self, statistics, programs);
        }
        let targets = steps.iter().flat_map(Steps::targets).chain([&target]);
        let roundings = targets.filter_map(|target| Some(target.rounding.as_ref()?.op));
        let parts = self.parts();
        let parts = parts.iter().flat_map(|part| [part.op, part.fill]);
        let between = self.between.iter().copied();
        let gone: Vec<_> = roundings.chain(parts).chain(between).collect();
        let identities = gone.iter().map(|op| edit::identity(*op)).collect();
        gone.into_iter().for_each(|op| edit::erase(cx, op));
        Some(identities)
    }

    /// The program of the result, but for its functions.
    fn program(
        &self,
        number: Element,
        scores: &Scores<'c, 'a>,
        target: &Target<'c, 'a>,
    ) -> Option<Attention> {
        let (head, value_head) = (self.scores.columns()?, self.values.columns()?);
        let mut program = Attention {
            name: String::new(),
            element: number,
            result: element_of(&target.operand)?,
            head,
            value_head,
            bound: scores.bound,
            score: None,
            statistics: match self.gradient {
                Some(_) => Statistics::Yes,
                None => Statistics::No,
            },
            rows: 64,
        };
        program.rows = Attention::usual_rows(head, value_head, None);
        (program.is_supported() && self.fits(program.shared_bytes())).then_some(program)
    }

    /// Whether a block has so many bytes of shared memory.
    fn fits(&self, bytes: i64) -> bool {
        let module = ancestors(self.values.op)
            .pop()
            .and_then(|func| func.parent_operation());
        module.is_some_and(|module| bytes <= most_shared(schedule::Target::of(module).gpu))
    }

    fn write_forward(
        &self,
        e: &Emitter<'c, 'a>,
        mut program: Attention,
        (scores, target, statistics): (
            &Scores<'c, 'a>,
            &Target<'c, 'a>,
            &Option<[Vector<'c, 'a>; 2]>,
        ),
        programs: &mut Programs,
    ) {
        let (x, y) = (&self.scores, &self.values);
        let [of_x, of_y] = [Places::new(e, &x.x), Places::new(e, &y.x)];
        let (rows, keys) = (of_x.m, of_x.n);
        let mut functions = vec![];
        if scores.scale.is_none() {
            let made = self.function(e, scores.term, programs);
            program.score = Some(made.callee);
            functions.push(made.values);
        }
        program.rows =
            Attention::usual_rows(program.head, program.value_head, program.score.as_ref());
        let matrices = [
            Matrix::of(e, (x, &x.x.a), x.row(), [rows, of_x.k]),
            Matrix::of(e, (x, &x.x.b), x.key(), [keys, of_x.k]),
            Matrix::of(e, (y, &y.x.b), y.key(), [keys, of_y.n]),
            Matrix::of(e, (y, &target.operand), y.row(), [rows, of_y.n]),
        ];
        matrices[3].share(e);
        let work = Work {
            name: programs.attention(&program),
            numbers: [rows, keys, e.index(0), scores.scale(e)],
            matrices: matrices.iter().collect(),
            vectors: statistics.iter().flatten().collect(),
            results: vec![],
            functions,
            threads: program.threads(),
            shared_bytes: program.shared_bytes(),
        };
        let grid = Grid::of(x, &of_x);
        grid.launch(e, e.ceil_div(rows, program.rows), &work);
    }

    /// How programs make scores.
    fn scores(&self) -> Scores<'c, 'a> {
        let causal = || {
            let [within, score, other] = self.terms.operands(self.score, "arith.select")?[..]
            else {
                return None;
            };
            let fits = self.is_causal(within)? && self.terms.number(other).is_some_and(is_low);
            fits.then_some((Bound::Causal, Some(within), score))
        };
        let (bound, within, term) = causal().unwrap_or((Bound::None, None, self.score));
        Scores {
            bound,
            within,
            term,
            scale: self.scale(term),
        }
    }

    /// Whether a term says that a key is not behind its row.
    fn is_causal(&self, term: Term) -> Option<bool> {
        let Node::Apply(cmp, _) = self.terms.node(term) else {
            return None;
        };
        let [a, b] = self.terms.operands(term, "arith.cmpi")?[..] else {
            return None;
        };
        let position = |term: Term| {
            let cast = self.terms.operands(term, "arith.index_cast");
            match self.terms.node(cast.map_or(term, |of| of[0])) {
                Node::Index(axis) => Some(*axis),
                _ => None,
            }
        };
        let predicate = IntegerAttribute::try_from(cmp.attribute("predicate").ok()?).ok()?;
        let (a, b) = (position(a)?, position(b)?);
        let rank = self.scores.loops.len();
        const SIGNED_AT_MOST: i64 = 3;
        const SIGNED_AT_LEAST: i64 = 5;
        Some(match predicate.value() {
            SIGNED_AT_LEAST => (a, b) == (rank - 2, rank - 1),
            SIGNED_AT_MOST => (b, a) == (rank - 2, rank - 1),
            _ => false,
        })
    }

    /// What the product is multiplied by, if a score is no more than that.
    fn scale(&self, score: Term) -> Option<Option<Value<'c, 'a>>> {
        if score == self.product {
            return Some(None);
        }
        let factors = self.terms.operands(score, "arith.mulf")?;
        let by = factors.iter().find(|factor| **factor != self.product)?;
        match self.terms.node(*by) {
            Node::Value(value) if factors.contains(&self.product) => Some(Some(*value)),
            _ => None,
        }
    }
}

impl<'c: 'a, 'a> Scores<'c, 'a> {
    /// The number that a program multiplies products by.
    fn scale(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        let one = || e.constant(e.ty("f32"), e.attr("1.0 : f32"));
        self.scale.flatten().unwrap_or_else(one)
    }
}

impl<'c: 'a, 'a> Target<'c, 'a> {
    /// Of a product, for a program that stands before an op.
    fn of(part: &Part<'c, 'a>, before: OperationRef<'c, 'a>) -> Option<Self> {
        let c = &part.x.c;
        let rounding = Epilogue::find(before, &part.x.made()?, 0);
        let rounding = rounding.filter(|rounding| {
            is_between(
                c.value,
                &[Some(part.op), Some(part.fill), Some(rounding.op)],
            )
        });
        let to = rounding
            .as_ref()
            .and_then(|rounding| rounded_to(rounding, &part.x));
        Some(Self {
            rounding: rounding.filter(|_| to.is_some()),
            operand: to.unwrap_or_else(|| c.clone()),
        })
    }

    /// Lets what the rounding needs stand before an op.
    fn settle(&self, cx: &'c Context, op: OperationRef<'c, 'a>) {
        let rewriter = IrRewriter::new(cx);
        let needed = self.rounding.iter().flat_map(|rounding| &rounding.needed);
        for needed in needed {
            rewriter.as_rewriter_base().move_op_before(*needed, op);
        }
    }
}

/// Whether the exponential of a number, less any other score, is 0.
fn is_low(number: f64) -> bool {
    number < -1e38
}
