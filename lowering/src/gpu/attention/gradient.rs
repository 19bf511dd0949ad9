//! The gradient of attention as programs of blocks, one over rows and one over keys, which make scores again from what the program
//! of the result stores of each row. What they need besides, `D = rowsum(dO ∘ O)`, is an ordinary sum of rows.

use super::{
    Scores, Target,
    launch::{Grid, Work},
    matrix::{Matrix, Vector, memory},
    part::{Part, element_of},
    pattern::{Found, Gradient},
    score::Made,
    still::Others,
    terms::{Node, Term},
};
use crate::{
    alias,
    emit::Emitter,
    gpu::{products::element, programs::Programs},
    linalg::{Access, Generic, Iterator, fill_memory},
    matmul::{call::Places, contraction::Operand},
};
use dlc_kernels::{
    attention::{self, Side},
    program::{Callee, Element},
};
use melior::{
    Context,
    ir::{OperationRef, TypeLike, Value, ValueLike},
};

/// What is to be written in the place of the last product of a gradient.
pub(super) struct Steps<'c, 'a> {
    at: OperationRef<'c, 'a>,
    /// The result of attention.
    result: Operand<'c, 'a>,
    of_q: Option<Target<'c, 'a>>,
    of_k: Option<Target<'c, 'a>>,
    of_v: Option<Target<'c, 'a>>,
    scores: Scores<'c, 'a>,
    /// Whether the functions of scores and slopes are needed.
    calls: bool,
}

impl<'c: 'a, 'a> Steps<'c, 'a> {
    /// Nothing where there are no programs for them.
    pub fn of(
        found: &Found<'c, 'a>,
        scores: &Scores<'c, 'a>,
        (target, others): (&Target<'c, 'a>, Others<'c, 'a>),
    ) -> Option<Self> {
        let gradient = found.gradient.as_ref()?;
        let at = gradient.last();
        let others = match &target.rounding {
            Some(rounding) => others.without(rounding.op),
            None => others,
        };
        let result = target.operand.clone();
        others
            .keep((result.value, found.values.op), at)
            .then_some(())?;
        let operands = gradient.operands(&found.scores);
        let read = operands.iter().map(|(_, operand)| operand.value);
        let functions = [scores.term, gradient.slope].into_iter();
        let functions = functions.flat_map(|term| found.memory_in(term));
        let read: Vec<_> = read.chain(functions).chain([result.value]).collect();
        let apart = |target: &Target<'c, 'a>| {
            let written = target.operand.value;
            !read.iter().any(|from| alias::may_alias(*from, written))
        };
        let target = |part: &Option<Part<'c, 'a>>| match part {
            None => Some(None),
            Some(part) => {
                let rounded = Target::of(part, at).filter(apart);
                let plain = || Target {
                    operand: part.x.c.clone(),
                    rounding: None,
                };
                Some(rounded.unwrap_or_else(plain)).filter(apart).map(Some)
            }
        };
        let (of_q, of_k, of_v) = (&gradient.of_q, &gradient.of_k, &gradient.of_v);
        let mut steps = Self {
            at,
            result,
            of_q: target(of_q)?,
            of_k: target(of_k)?,
            of_v: target(of_v)?,
            calls: scores.scale.is_none() || !found.is_plain(gradient, scores),
            scores: *scores,
        };
        // One program stores both.
        if let ([Some(k), Some(v)], [Some(to_k), Some(to_v)]) =
            ([of_k, of_v], [&mut steps.of_k, &mut steps.of_v])
            && element_of(&to_k.operand) != element_of(&to_v.operand)
        {
            for (part, to) in [(k, to_k), (v, to_v)] {
                *to = Target {
                    operand: part.x.c.clone(),
                    rounding: None,
                };
            }
        }
        let mut sides = [Side::Queries, Side::Keys]
            .into_iter()
            .filter(|side| steps.has(*side));
        let fits = sides.all(|side| {
            let program = steps.program(found, side, [None, None]);
            program
                .is_some_and(|program| program.is_supported() && found.fits(program.shared_bytes()))
        });
        fits.then_some(steps)
    }

    /// Where results go.
    pub fn targets(&self) -> impl std::iter::Iterator<Item = &Target<'c, 'a>> {
        [&self.of_q, &self.of_k, &self.of_v].into_iter().flatten()
    }

    fn has(&self, side: Side) -> bool {
        match side {
            Side::Queries => self.of_q.is_some(),
            Side::Keys => self.of_k.is_some() || self.of_v.is_some(),
        }
    }

    fn program(
        &self,
        found: &Found<'c, 'a>,
        side: Side,
        [score, slope]: [Option<Callee>; 2],
    ) -> Option<attention::Gradient> {
        let targets = match side {
            Side::Queries => [&self.of_q, &None],
            Side::Keys => [&self.of_k, &self.of_v],
        };
        let target = targets.into_iter().flatten().next()?;
        Some(attention::Gradient {
            name: String::new(),
            element: element(found.scores.x.numbers.a)?,
            result: element_of(&target.operand)?,
            head: found.scores.columns()?,
            value_head: found.values.columns()?,
            bound: self.scores.bound,
            score,
            slope,
            side,
        })
    }

    /// Writes the programs and what they need.
    pub fn write(
        &self,
        cx: &'c Context,
        found: &Found<'c, 'a>,
        statistics: &[Vector<'c, 'a>; 2],
        programs: &mut Programs,
    ) {
        let gradient = found.gradient.as_ref().expect("there is a gradient");
        let e = &Emitter::before(cx, self.at);
        for target in self.targets() {
            target.settle(cx, self.at);
        }
        let change = &gradient.change;
        let places = Places::new(e, &change.x);
        let (rows, keys) = (places.m, places.n);
        let head = e.index(found.scores.columns().expect("programs know it"));
        let operands = gradient.operands(&found.scores);
        let by = [
            (rows, head),
            (keys, head),
            (keys, places.k),
            (rows, places.k),
        ];
        let is_of_rows = [true, false, false, true];
        let matrices = (0..4).map(|which| {
            let (part, operand) = operands[which];
            let row = match is_of_rows[which] {
                true => part.row(),
                false => part.key(),
            };
            Matrix::of(e, (part, operand), row, [by[which].0, by[which].1])
        });
        let matrices: Vec<_> = matrices.collect();
        let sums = self.row_sums(e, found, gradient);
        let made = match self.calls {
            true => [self.scores.term, gradient.slope]
                .map(|term| Some(found.function(e, term, programs))),
            false => [None, None],
        };
        let grid = Grid::of(change, &places);
        for side in [Side::Queries, Side::Keys] {
            if !self.has(side) {
                continue;
            }
            let callees = made
                .each_ref()
                .map(|made| Some(made.as_ref()?.callee.clone()));
            let program = self
                .program(found, side, callees)
                .expect("it was asked before");
            let results = self.results(e, found, (side, program.result));
            results.iter().for_each(|result| result.share(e));
            let count = match side {
                Side::Queries => rows,
                Side::Keys => keys,
            };
            let scale = match self.calls {
                true => e.constant(e.ty("f32"), e.attr("1.0 : f32")),
                false => self.scores.scale(e),
            };
            let work = Work {
                name: programs.gradient(&program),
                numbers: [rows, keys, e.index(0), scale],
                matrices: matrices.iter().collect(),
                vectors: statistics.iter().chain([&sums]).collect(),
                results: results.iter().collect(),
                functions: made
                    .iter()
                    .flatten()
                    .map(|made: &Made<'c, 'a>| made.values.clone())
                    .collect(),
                threads: program.threads(),
                shared_bytes: program.shared_bytes(),
            };
            grid.launch(e, e.ceil_div(count, program.rows()), &work);
        }
    }
}

impl<'c: 'a, 'a> Steps<'c, 'a> {
    /// The matrices that a program stores; what nobody wants goes to memory of its own.
    fn results(
        &self,
        e: &Emitter<'c, 'a>,
        found: &Found<'c, 'a>,
        (side, element): (Side, Element),
    ) -> Vec<Matrix<'c, 'a>> {
        let gradient = found.gradient.as_ref().expect("there is a gradient");
        let places = |part: &Part<'c, 'a>| Places::new(e, &part.x);
        let of = |target: &Target<'c, 'a>, part: &Part<'c, 'a>, row: usize| {
            let places = places(part);
            Matrix::of(e, (part, &target.operand), row, [places.m, places.n])
        };
        let change = &gradient.change;
        let unwanted = |columns: i64| {
            let batch = 0..change.loops.len() - 2;
            let axes: Vec<_> = batch.chain([change.loops.len() - 1]).collect();
            let memory = memory(e, change.x.c.value, (&axes, Some(columns)), element);
            let loops = axes.iter().map(|axis| change.loops[*axis]);
            let loops = loops.chain([change.column]).collect();
            let operand = Operand::new(memory, loops).expect("it has an axis for each loop");
            let keys = places(change).n;
            Matrix::of(
                e,
                (change, &operand),
                change.key(),
                [keys, e.index(columns)],
            )
        };
        let of_keys =
            |target: &Option<Target<'c, 'a>>, part: &Option<Part<'c, 'a>>, columns: Option<i64>| {
                match (target, part) {
                    (Some(target), Some(part)) => of(target, part, part.key()),
                    _ => unwanted(columns.expect("programs know it")),
                }
            };
        match (side, &self.of_q, &gradient.of_q) {
            (Side::Queries, Some(target), Some(part)) => vec![of(target, part, part.row())],
            (Side::Queries, ..) => vec![],
            (Side::Keys, ..) => vec![
                of_keys(&self.of_k, &gradient.of_k, found.scores.columns()),
                of_keys(&self.of_v, &gradient.of_v, found.values.columns()),
            ],
        }
    }

    /// The sums of the products of rows of the result and its gradient.
    fn row_sums(
        &self,
        e: &Emitter<'c, 'a>,
        found: &Found<'c, 'a>,
        gradient: &Gradient<'c, 'a>,
    ) -> Vector<'c, 'a> {
        let change = &gradient.change;
        let rows = change.loops.len() - 1;
        let access = |part: &Part<'c, 'a>, operand: &Operand<'c, 'a>| {
            let at = part
                .variables(operand)
                .expect("all axes are of the product");
            Access {
                value: operand.value,
                // Columns come right behind rows.
                loops: at.into_iter().map(|axis| axis.min(rows)).collect(),
            }
        };
        let sums = Vector::new(e, change.x.c.value);
        let zero = e.constant(e.ty("f32"), e.attr("0.0 : f32"));
        fill_memory(e, zero, sums.memory);
        let iterators = vec![Iterator::Parallel; rows].into_iter();
        let generic = Generic {
            iterators: iterators.chain([Iterator::Reduction]).collect(),
            inputs: vec![
                access(change, &change.x.a),
                access(&found.values, &self.result),
            ],
            outputs: vec![Access {
                value: sums.memory,
                loops: (0..rows).collect(),
            }],
            attributes: vec![],
        };
        generic.build(e, |e, given| {
            let float = e.ty("f32");
            let wide = |value: Value<'c, 'a>| match value.r#type().is_f32() {
                true => value,
                false => e.op("arith.extf", &[value], float),
            };
            let product = e.op("arith.mulf", &[wide(given[0]), wide(given[1])], float);
            vec![e.op("arith.addf", &[given[2], product], float)]
        });
        sums
    }
}

impl<'c: 'a, 'a> Found<'c, 'a> {
    /// Whether scores are products times a number within a bound, and the gradient of products is that of scores times the same.
    fn is_plain(&self, gradient: &Gradient<'c, 'a>, scores: &Scores<'c, 'a>) -> bool {
        let factors = self
            .terms
            .operands(scores.term, "arith.mulf")
            .unwrap_or_default();
        let scale = factors.into_iter().find(|factor| *factor != self.product);
        self.is_slope(gradient.slope, scale, scores.within)
    }

    /// Whether a term is 1 times a number, or 0 where it is not within a bound.
    fn is_slope(&self, term: Term, scale: Option<Term>, within: Option<Term>) -> bool {
        let terms = &self.terms;
        if let Some([a, b]) = terms.operands(term, "arith.mulf").as_deref() {
            return match scale {
                Some(scale) if *a == scale => self.is_slope(*b, None, within),
                Some(scale) if *b == scale => self.is_slope(*a, None, within),
                _ => false,
            };
        }
        if let Some([which, inner, other]) = terms.operands(term, "arith.select").as_deref() {
            let zero = terms.number(*other) == Some(0.0);
            return within == Some(*which) && zero && self.is_slope(*inner, scale, None);
        }
        matches!(terms.node(term), Node::One) && scale.is_none()
    }
}
