//! Attention against softmax in f64.

use dlc_kernels::attention::{Attention, Bound, Statistics};
use dlc_kernels::program::{Element, Matrix as Global};
use dlc_ptx::{Fault, Launch, Memory, Module, Options};

use super::operands::{Matrix, Score};
use crate::numbers::{Random, float, roundoff};
use crate::tools::Arguments;

/// A program with inputs.
#[derive(Clone, Debug)]
struct Case {
    program: Attention,
    sizes: [i64; 2],
    offset: i64,
    scale: f64,
    /// What stands between rows and before the first.
    extra: [i64; 2],
    score: Score,
}

impl Case {
    fn new(element: Element, heads: [i64; 2], sizes: [i64; 2]) -> Self {
        Self {
            program: Attention {
                name: "attention".to_string(),
                element,
                result: element,
                head: heads[0],
                value_head: heads[1],
                bound: Bound::None,
                score: None,
                statistics: Statistics::Yes,
                rows: 64,
            },
            sizes,
            offset: 0,
            scale: 1.0 / (heads[0] as f64).sqrt(),
            extra: [0, 0],
            score: Score::Plain,
        }
    }

    fn ptx(&self) -> String {
        let program = Attention {
            score: self.score.callee(),
            ..self.program.clone()
        };
        let vectors = match program.statistics {
            Statistics::Yes => vec![super::VECTOR.to_string(); 2],
            Statistics::No => vec![],
        };
        let matrices = super::matrices(program.element, 3).chain([Global::ty(program.result)]);
        let types = matrices.chain(vectors).collect();
        let text = (program.name.as_str(), program.text());
        super::program(text, &self.score, types, program.threads())
    }

    fn inputs(&self) -> [Matrix; 3] {
        let mut random = Random(7);
        let mut numbers = || 2.0 * random.float();
        let Attention {
            head, value_head, ..
        } = self.program;
        let [tq, tk] = self.sizes;
        [[tq, head], [tk, head], [tk, value_head]]
            .map(|shape| Matrix::new(self.program.element, shape, self.extra, &mut numbers))
    }

    /// O with its statistics, and for each number the sum of its terms without signs.
    fn expected(&self, [q, k, v]: &[Matrix; 3]) -> (Vec<f64>, Vec<[f64; 2]>, Vec<f64>) {
        let (mut o, mut sizes, mut l) = (vec![], vec![], vec![]);
        for i in 0..q.rows {
            let scores: Vec<f64> = (0..k.rows)
                .map(|j| {
                    let product: f64 = (0..q.columns).map(|d| q.at(i, d) * k.at(j, d)).sum();
                    let score = self.score.apply(self.scale * product, i, j);
                    match self.program.bound {
                        Bound::Causal if j > i + self.offset => f64::NEG_INFINITY,
                        _ => score,
                    }
                })
                .collect();
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, |a, b| {
                if a.is_nan() || b.is_nan() {
                    f64::NAN
                } else {
                    a.max(b)
                }
            });
            let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let total: f64 = weights.iter().sum();
            l.push([most, total.log2()]);
            for d in 0..v.columns {
                let terms = || (0..v.rows).map(|j| weights[j as usize] / total * v.at(j, d));
                o.push(terms().sum());
                sizes.push(terms().map(f64::abs).sum());
            }
        }
        (o, l, sizes)
    }

    fn run(
        &self,
        ptx: &str,
        inputs: &[Matrix; 3],
        seed: u64,
    ) -> Result<(Vec<f64>, Vec<[f64; 2]>), Fault> {
        let module = Module::parse(ptx).unwrap_or_else(|error| panic!("{error}\n{ptx}"));
        let [tq, tk] = self.sizes;
        let result = Matrix::new(
            self.program.result,
            [tq, self.program.value_head],
            self.extra,
            || f64::NAN,
        );
        let mut memory = Memory::new();
        let addresses = inputs
            .each_ref()
            .map(|input| memory.alloc_copy(&input.bytes()));
        let o = memory.alloc_copy(&result.bytes());
        let l = memory.alloc_copy(&[255].repeat(2 * 4 * tq as usize));
        let blocks = self.program.blocks(tq);
        let mut arguments = Arguments::default();
        for number in [blocks, tq, tk, self.offset] {
            arguments.index(number);
        }
        arguments.f32(self.scale as f32);
        for (input, address) in inputs.iter().zip(addresses) {
            input.give(&mut arguments, address);
        }
        result.give(&mut arguments, o);
        if self.program.statistics == Statistics::Yes {
            for at in 0..2 {
                arguments.memref(l, at, &[tq], &[2]);
            }
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
        let all = memory.read(o, result.bytes().len()).unwrap();
        let numbers = result.inside(&all);
        let all = memory.read(l, 8 * tq as usize).unwrap();
        let statistics = all.chunks(8).map(|pair| {
            let (largest, logarithm) = pair.split_at(4);
            [largest, logarithm].map(|bytes| float(Element::F32, bytes))
        });
        Ok((numbers, statistics.collect()))
    }

    /// The largest error in units of its bound.
    fn error(&self, inputs: &[Matrix; 3], (o, l): &(Vec<f64>, Vec<[f64; 2]>)) -> f64 {
        let (expected, statistics, sizes) = self.expected(inputs);
        let (weights, result) = (
            roundoff(self.program.element),
            roundoff(self.program.result),
        );
        let mut worst: f64 = 0.0;
        let mut see = |got: f64, expected: f64, bound: f64| {
            let error = match got.is_finite() && expected.is_finite() {
                true => (got - expected).abs() / bound,
                false if got.is_nan() && expected.is_nan() || got == expected => 0.0,
                false => f64::INFINITY,
            };
            worst = worst.max(error);
        };
        for ((&got, &expected), &size) in o.iter().zip(&expected).zip(&sizes) {
            see(
                got,
                expected,
                (weights + 1e-5) * size + result * expected.abs() + 1e-7,
            );
        }
        if self.program.statistics == Statistics::Yes {
            for (got, expected) in l.iter().zip(&statistics) {
                // The logarithm of a row that is NaN says so.
                let numbers = got
                    .iter()
                    .zip(expected)
                    .skip(usize::from(expected[1].is_nan()));
                // What exponents are rounded to is in both.
                let size: f64 = expected.iter().map(|number| number.abs()).sum();
                for (&got, &expected) in numbers {
                    see(got, expected, 4e-6 * (1.0 + size));
                }
            }
        }
        worst
    }

    /// Runs it in several orders; all must give the same, which must be right.
    fn check(&self) {
        let ptx = self.ptx();
        let inputs = self.inputs();
        let mut first: Option<Vec<f64>> = None;
        for seed in 0..2 {
            let got = self
                .run(&ptx, &inputs, seed)
                .unwrap_or_else(|fault| panic!("{fault}"));
            let error = self.error(&inputs, &got);
            assert!(
                error <= 1.0,
                "{self:?}, seed {seed}: {error} times the bound"
            );
            let first = first.get_or_insert_with(|| got.0.clone());
            let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(first), bits(&got.0));
        }
    }
}

#[test]
fn heads_of_any_size() {
    let f16 = Element::F16;
    for (heads, sizes) in [
        ([64, 64], [64, 64]),
        ([128, 128], [70, 130]),
        ([40, 40], [33, 65]),
        ([16, 32], [16, 200]),
        ([72, 24], [64, 100]),
        ([1, 1], [5, 7]),
        ([36, 21], [9, 70]),
        ([256, 240], [20, 70]),
    ] {
        Case::new(f16, heads, sizes).check();
    }
}

#[test]
fn sizes_of_any_kind() {
    for sizes in [[1, 1], [64, 0], [65, 63], [3, 129], [200, 64]] {
        let mut case = Case::new(Element::Bf16, [32, 32], sizes);
        case.check();
        case.program.rows = 128;
        case.program.statistics = Statistics::No;
        case.program.result = Element::F32;
        case.check();
    }
}

#[test]
fn rows_at_any_place() {
    for extra in [[0, 1], [3, 0], [4, 4], [8, 16], [16, 8]] {
        let mut case = Case::new(Element::F16, [48, 40], [70, 90]);
        case.extra = extra;
        case.check();
        case.program.result = Element::F32;
        case.check();
    }
}

#[test]
fn keys_within_a_bound() {
    for (offset, sizes) in [
        (0, [130, 130]),
        (60, [70, 130]),
        (-3, [70, 66]),
        (-70, [130, 70]),
    ] {
        for rows in [64, 128] {
            let mut case = Case::new(Element::F16, [64, 32], sizes);
            case.program.bound = Bound::Causal;
            case.program.rows = rows;
            case.offset = offset;
            case.check();
        }
    }
}

#[test]
fn scales_of_any_sign() {
    for scale in [-1.5, 0.0, 7.0, f64::NAN] {
        let mut case = Case::new(Element::F16, [32, 32], [40, 70]);
        case.program.bound = Bound::Causal;
        case.scale = scale;
        case.check();
    }
}

/// Masks with rows that see nothing at all, or nothing in the first tiles.
#[test]
fn scores_by_a_function() {
    let inputs = |sizes: [i64; 2]| {
        let mut random = Random(3);
        let nothing = f64::NEG_INFINITY;
        let mut at = 0;
        Matrix::new(Element::F32, sizes, [1, 3], || {
            let (i, j) = (at / sizes[1], at % sizes[1]);
            at += 1;
            match i % 4 {
                0 if i == 8 => nothing,
                1 if j < 70 => nothing,
                2 if random.next().is_multiple_of(2) => nothing,
                _ => 3.0 * random.float(),
            }
        })
    };
    for rows in [64, 128] {
        let mut case = Case::new(Element::Bf16, [64, 64], [75, 140]);
        case.program.rows = rows;
        case.score = Score::Bias(inputs(case.sizes));
        case.check();
    }
    let mut case = Case::new(Element::F16, [32, 48], [70, 100]);
    case.program.bound = Bound::Causal;
    case.offset = 30;
    case.score = Score::Of(
        |s, i, j| {
            if (i + j) % 3 == 0 {
                f64::NEG_INFINITY
            } else {
                -s.abs()
            }
        },
        "%c = arith.addi %i, %j : index\n%three = arith.constant 3 : index\n%m = arith.remui %c, %three : index\n\
         %zero = arith.constant 0 : index\n%is = arith.cmpi eq, %m, %zero : index\n%none = arith.constant 0xFF800000 : f32\n\
         %z = arith.constant 0.0 : f32\n%n = arith.negf %s : f32\n%is_less = arith.cmpf olt, %s, %z : f32\n\
         %a = arith.select %is_less, %s, %n : f32\n%r = arith.select %is, %none, %a : f32",
    );
    case.check();
}

#[test]
fn what_is_not_finite() {
    let case = Case::new(Element::F16, [32, 32], [40, 100]);
    let ptx = case.ptx();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for matrix in 0..3 {
            let mut inputs = case.inputs();
            inputs[matrix].numbers[5 * 32 + 9] = value;
            let got = case
                .run(&ptx, &inputs, 0)
                .unwrap_or_else(|fault| panic!("{fault}"));
            let error = case.error(&inputs, &got);
            assert!(error <= 1.0, "{value} in matrix {matrix}: {error}");
        }
    }
}

/// Edits of PTX that are faults must be found: each barrier left out alone, and replacements.
fn check_faults(case: &Case, barriers: &[&str], edits: &[(&str, &str)]) {
    let ptx = case.ptx();
    let inputs = case.inputs();
    let is_found = |ptx: &str| {
        (0..2).any(|seed| match case.run(ptx, &inputs, seed) {
            Ok(got) => case.error(&inputs, &got) > 1.0,
            Err(_) => true,
        })
    };
    assert!(!is_found(&ptx));
    for barrier in barriers {
        assert!(ptx.contains(barrier), "{barrier} is not there");
        for (at, _) in ptx.match_indices(barrier) {
            let edited = format!("{}//{}", &ptx[..at], &ptx[at..]);
            assert!(is_found(&edited), "the {barrier} at {at} is not needed");
        }
    }
    for (from, to) in edits {
        assert!(ptx.contains(from), "{from} is not there");
        let edited = ptx.replace(from, to);
        assert!(is_found(&edited), "{from} as {to} is not found");
    }
}

#[test]
fn planted_faults() {
    let edits = [
        ("cp.async.wait_group \t0", "cp.async.wait_group \t1"),
        ("m8n8.x4.trans", "m8n8.x4"),
        ("xor.b32", "or.b32"),
        ("max.f32", "min.f32"),
    ];
    let case = Case::new(Element::F16, [64, 64], [64, 200]);
    check_faults(&case, &["bar.sync \t0"], &edits);
    let case = Case::new(Element::F32, [16, 16], [64, 200]);
    check_faults(&case, &["bar.sync \t0", "bar.warp.sync"], &edits[..1]);
}

#[test]
fn products_by_multiply_add() {
    for (heads, sizes, rows) in [
        ([64, 64], [70, 130], 64),
        ([32, 40], [130, 65], 128),
        ([20, 12], [33, 70], 64),
        ([128, 96], [9, 70], 64),
        ([3, 1], [5, 7], 64),
    ] {
        let mut case = Case::new(Element::F32, heads, sizes);
        case.program.rows = rows;
        case.check();
    }
    let mut case = Case::new(Element::F32, [24, 32], [100, 140]);
    case.program.bound = Bound::Causal;
    case.offset = 20;
    case.scale = -2.0;
    case.extra = [1, 3];
    case.check();
}
