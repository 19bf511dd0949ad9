//! Attention's gradient against that of softmax in f64.

use dlc_kernels::attention::{Bound, Gradient, Side};
use dlc_kernels::program::{Callee, Element};
use dlc_ptx::{Fault, Launch, Memory, Module, Options};

use super::operands::{Matrix, Score};
use crate::numbers::{Random, roundoff};
use crate::tools::Arguments;

/// A score's derivative, and its text.
type Slope = (fn(f64) -> f64, &'static str);

/// A program with inputs.
#[derive(Clone, Debug)]
struct Case {
    program: Gradient,
    sizes: [i64; 2],
    offset: i64,
    scale: f64,
    extra: [i64; 2],
    score: Score,
    slope: Option<Slope>,
}

/// Gradients and bounds of their errors.
#[derive(Clone, Debug, Default)]
struct Expected {
    numbers: Vec<f64>,
    bounds: Vec<f64>,
}

/// Sums of terms, with a bound of the error of terms that are rounded to one type, and the sum to another.
fn total(expected: &mut Expected, case: &Case, terms: impl Iterator<Item = (f64, f64)>) {
    let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| {
        (sum + term.0, size + term.1)
    });
    expected.numbers.push(sum);
    let rounded = (roundoff(case.program.element) + 2e-5) * size;
    expected
        .bounds
        .push(rounded + roundoff(case.program.result) * f64::abs(sum) + 1e-7);
}

impl Case {
    fn new(element: Element, heads: [i64; 2], sizes: [i64; 2], side: Side) -> Self {
        Self {
            program: Gradient {
                name: "gradient".to_string(),
                element,
                result: element,
                head: heads[0],
                value_head: heads[1],
                bound: Bound::None,
                score: None,
                slope: None,
                side,
            },
            sizes,
            offset: 0,
            scale: 1.0 / (heads[0] as f64).sqrt(),
            extra: [0, 0],
            score: Score::Plain,
            slope: None,
        }
    }

    fn ptx(&self) -> String {
        let slope = self.slope.map(|_| Callee {
            name: "slope".to_string(),
            captured: vec![],
        });
        let program = Gradient {
            score: self.score.callee(),
            slope,
            ..self.program.clone()
        };
        let mut text = program.text();
        if let Some((_, body)) = self.slope {
            text += &format!(
                "func.func private @slope(%s: f32, %i: index, %j: index) -> f32 {{\n{body}\nfunc.return %r : f32\n}}\n"
            );
        }
        let results = match program.side {
            Side::Queries => 1,
            Side::Keys => 2,
        };
        let vectors = [super::VECTOR; 3].map(str::to_string);
        let types = super::matrices(program.element, 4).chain(vectors);
        let types = types.chain(super::matrices(program.result, results));
        let text = (program.name.as_str(), text);
        super::program(text, &self.score, types.collect(), program.threads())
    }

    /// Q, K, V and dO.
    fn inputs(&self) -> [Matrix; 4] {
        let mut random = Random(11);
        let mut numbers = || 2.0 * random.float();
        let (head, value_head) = (self.program.head, self.program.value_head);
        let [tq, tk] = self.sizes;
        [[tq, head], [tk, head], [tk, value_head], [tq, value_head]]
            .map(|shape| Matrix::new(self.program.element, shape, self.extra, &mut numbers))
    }

    /// Statistics and sums of products of dO and O, and the gradients.
    fn expected(&self, [q, k, v, d_o]: &[Matrix; 4]) -> ([Vec<f32>; 3], Vec<Expected>) {
        let [tq, tk] = self.sizes;
        let mut vectors = [(); 3].map(|()| vec![]);
        // Of each place: weight, change of the score, and what its error is in proportion to.
        let mut places = vec![];
        for i in 0..tq {
            let scaled: Vec<f64> = (0..tk)
                .map(|j| self.scale * (0..q.columns).map(|d| q.at(i, d) * k.at(j, d)).sum::<f64>())
                .collect();
            let scores: Vec<f64> = (0..tk)
                .map(|j| match self.program.bound {
                    Bound::Causal if j > i + self.offset => f64::NEG_INFINITY,
                    _ => self.score.apply(scaled[j as usize], i, j),
                })
                .collect();
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
            let changes: Vec<f64> = (0..tk)
                .map(|j| (0..v.columns).map(|d| d_o.at(i, d) * v.at(j, d)).sum())
                .collect();
            let weights: Vec<f64> = scores
                .iter()
                .map(|score| (score - most).exp() / sum)
                .collect();
            let logarithm = sum.log2();
            let sum: f64 = weights.iter().zip(&changes).map(|(p, dp)| p * dp).sum();
            let numbers = vectors.iter_mut().zip([most, logarithm, sum]);
            numbers.for_each(|(vector, number)| vector.push(number as f32));
            for (at, (weight, change)) in weights.iter().zip(&changes).enumerate() {
                let slope = self.slope.map_or(1.0, |(slope, _)| slope(scaled[at]));
                let size = weight * (change.abs() + sum.abs()) * slope.abs();
                places.push((*weight, weight * (change - sum) * slope, size));
            }
        }
        let place = |i: i64, j: i64| places[(i * tk + j) as usize];
        let mut all = vec![];
        if self.program.side == Side::Queries {
            let mut gradient = Expected::default();
            for (i, d) in (0..tq).flat_map(|i| (0..q.columns).map(move |d| (i, d))) {
                let terms = (0..tk).map(|j| {
                    let (_, change, size) = place(i, j);
                    let factor = self.scale * k.at(j, d);
                    (factor * change, factor.abs() * size)
                });
                total(&mut gradient, self, terms);
            }
            all.push(gradient);
        } else {
            let (mut keys, mut values) = (Expected::default(), Expected::default());
            for j in 0..tk {
                for d in 0..k.columns {
                    let terms = (0..tq).map(|i| {
                        let (_, change, size) = place(i, j);
                        let factor = self.scale * q.at(i, d);
                        (factor * change, factor.abs() * size)
                    });
                    total(&mut keys, self, terms);
                }
                for d in 0..v.columns {
                    let terms = (0..tq).map(|i| {
                        let term = place(i, j).0 * d_o.at(i, d);
                        (term, term.abs())
                    });
                    total(&mut values, self, terms);
                }
            }
            all.extend([keys, values]);
        }
        (vectors, all)
    }

    fn run(
        &self,
        ptx: &str,
        inputs: &[Matrix; 4],
        vectors: &[Vec<f32>; 3],
        seed: u64,
    ) -> Result<Vec<Vec<f64>>, Fault> {
        let module = Module::parse(ptx).unwrap_or_else(|error| panic!("{error}\n{ptx}"));
        let [tq, tk] = self.sizes;
        let heads = [self.program.head, self.program.value_head];
        let shapes = match self.program.side {
            Side::Queries => vec![[tq, heads[0]]],
            Side::Keys => vec![[tk, heads[0]], [tk, heads[1]]],
        };
        let results = shapes.iter();
        let results =
            results.map(|shape| Matrix::new(self.program.result, *shape, self.extra, || f64::NAN));
        let results: Vec<_> = results.collect();
        let mut memory = Memory::new();
        let blocks = self.program.blocks(self.sizes);
        let mut arguments = Arguments::default();
        for number in [blocks, tq, tk, self.offset] {
            arguments.index(number);
        }
        arguments.f32(self.scale as f32);
        for input in inputs {
            let address = memory.alloc_copy(&input.bytes());
            input.give(&mut arguments, address);
        }
        for vector in vectors {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            let address = memory.alloc_copy(&bytes);
            arguments.memref(address, 0, &[tq], &[1]);
        }
        let mut places = vec![];
        for result in &results {
            let address = memory.alloc_copy(&result.bytes());
            result.give(&mut arguments, address);
            places.push(address);
        }
        if let Score::Bias(bias) = &self.score {
            let address = memory.alloc_copy(&bias.bytes());
            bias.give(&mut arguments, address);
        }
        let launch = Launch::linear(blocks as u32, self.program.threads() as u32)
            .with_shared(self.program.shared_bytes() as u32);
        let options = Options {
            seed,
            ..Options::default()
        };
        let params = arguments.bytes(module.entry("kernel").unwrap());
        module.launch("kernel", &launch, &params, &mut memory, &options)?;
        let read = results.iter().zip(places).map(|(result, place)| {
            let bytes = memory.read(place, result.bytes().len()).unwrap();
            result.inside(&bytes)
        });
        Ok(read.collect())
    }

    /// The largest error in units of its bound.
    fn error(&self, got: &[Vec<f64>], expected: &[Expected]) -> f64 {
        let mut worst: f64 = 0.0;
        for (got, expected) in got.iter().zip(expected) {
            assert_eq!(got.len(), expected.numbers.len());
            let expected = expected.numbers.iter().zip(&expected.bounds);
            for (got, (number, bound)) in got.iter().zip(expected) {
                let error = (got - number).abs() / bound;
                worst = match error.is_nan() && !(got.is_nan() && number.is_nan()) {
                    true => f64::INFINITY,
                    false => worst.max(error),
                };
            }
        }
        worst
    }

    /// Runs it in two orders; both must give the same, which must be right.
    fn check(&self) {
        let ptx = self.ptx();
        let inputs = self.inputs();
        let (vectors, expected) = self.expected(&inputs);
        let runs = [0, 1].map(|seed| {
            self.run(&ptx, &inputs, &vectors, seed)
                .unwrap_or_else(|fault| panic!("{self:?}: {fault}"))
        });
        let error = self.error(&runs[0], &expected);
        assert!(error <= 1.0, "{self:?}: {error} times the bound");
        let bits = runs.map(|run| run.concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        assert_eq!(bits[0], bits[1]);
    }
}

const SIDES: [Side; 2] = [Side::Queries, Side::Keys];

#[test]
fn gradients_of_any_size() {
    for side in SIDES {
        for (heads, sizes) in [
            ([64, 64], [64, 128]),
            ([128, 128], [70, 70]),
            ([40, 24], [33, 130]),
            ([16, 48], [130, 5]),
            ([3, 1], [1, 1]),
            ([32, 32], [0, 64]),
            ([32, 32], [64, 0]),
        ] {
            if Case::new(Element::F16, heads, sizes, side)
                .program
                .blocks(sizes)
                > 0
            {
                Case::new(Element::F16, heads, sizes, side).check();
            }
        }
        let mut case = Case::new(Element::Bf16, [40, 56], [70, 90], side);
        case.program.result = Element::F32;
        case.extra = [3, 1];
        case.check();
    }
}

#[test]
fn gradients_within_a_bound() {
    for side in SIDES {
        for (offset, sizes) in [
            (0, [130, 130]),
            (60, [70, 130]),
            (3, [200, 66]),
            (500, [70, 70]),
        ] {
            let mut case = Case::new(Element::F16, [32, 48], sizes, side);
            case.program.bound = Bound::Causal;
            case.offset = offset;
            case.scale = -0.3;
            case.check();
        }
    }
}

#[test]
fn gradients_of_scores_by_a_function() {
    for side in SIDES {
        let mut case = Case::new(Element::Bf16, [48, 32], [70, 100], side);
        let mut random = Random(3);
        case.score = Score::Bias(Matrix::new(Element::F32, case.sizes, [1, 3], || {
            match random.next() % 3 {
                0 => f64::NEG_INFINITY,
                _ => 3.0 * random.float(),
            }
        }));
        case.check();
        // Rows that see nothing, of which those that are nearly the lowest numbers are the mean.
        let mut case = Case::new(Element::F16, [16, 32], [70, 90], side);
        let low = f64::from(-0.7 * f32::MAX);
        case.score = Score::Bias(Matrix::new(Element::F32, case.sizes, [0, 0], || low));
        case.check();
        let mut case = Case::new(Element::F16, [64, 64], [100, 70], side);
        case.program.bound = Bound::Causal;
        case.offset = 10;
        case.score = Score::Of(
            |s, _, _| 0.5 * s * s.abs(),
            "%h = arith.constant 0.5 : f32\n%z = arith.constant 0.0 : f32\n%n = arith.negf %s : f32\n\
             %is_less = arith.cmpf olt, %s, %z : f32\n%a = arith.select %is_less, %n, %s : f32\n\
             %p = arith.mulf %s, %a : f32\n%r = arith.mulf %p, %h : f32",
        );
        case.slope = Some((
            f64::abs,
            "%z = arith.constant 0.0 : f32\n%n = arith.negf %s : f32\n\
             %is_less = arith.cmpf olt, %s, %z : f32\n%r = arith.select %is_less, %n, %s : f32",
        ));
        case.check();
    }
}

/// Edits of PTX that are faults must be found.
#[test]
fn planted_faults_of_gradients() {
    for side in SIDES {
        let case = Case::new(Element::F16, [32, 32], [150, 150], side);
        let ptx = case.ptx();
        let inputs = case.inputs();
        let (vectors, expected) = case.expected(&inputs);
        let is_found = |ptx: &str| {
            (0..4).any(|seed| match case.run(ptx, &inputs, &vectors, seed) {
                Ok(got) => case.error(&got, &expected) > 1.0,
                Err(_) => true,
            })
        };
        assert!(!is_found(&ptx));
        let barrier = "bar.sync \t0";
        for (at, _) in ptx.match_indices(barrier) {
            let edited = format!("{}//{}", &ptx[..at], &ptx[at..]);
            assert!(is_found(&edited), "the barrier at {at} is not needed");
        }
        for (from, to) in [
            ("cp.async.wait_group \t0", "cp.async.wait_group \t1"),
            ("m8n8.x4.trans", "m8n8.x4"),
            ("xor.b32", "or.b32"),
        ] {
            assert!(ptx.contains(from), "{from} is not there");
            let edited = ptx.replace(from, to);
            assert!(is_found(&edited), "{from} as {to} is not found");
        }
    }
}
