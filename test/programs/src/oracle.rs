//! What a program gives, its derivatives, and how far rounding may take another implementation from them.

use crate::{
    arguments,
    array::{Array, Reject, Result, Value},
    ast::Program,
    eval::{Evaluator, slope},
    num::{FULL, Num},
    types::Dtype,
};

/// Gradients of arguments with more elements are compared in some directions instead of element by element.
const ELEMENTS: usize = 48;

/// How many directions there are then.
const DIRECTIONS: usize = 4;

/// A number that is expected: one of a list, and how far from it another may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The elements.
    pub values: Vec<f64>,
    /// How far from each of them.
    pub tolerance: f64,
}

impl Expected {
    /// The first element that is too far from its place, of as many as there are.
    pub fn differs(&self, found: &[f64]) -> Option<usize> {
        assert_eq!(
            found.len(),
            self.values.len(),
            "as many elements as expected"
        );
        let pairs = self.values.iter().zip(found);
        let mut near = pairs.map(|(expected, found)| (expected - found).abs() <= self.tolerance);
        near.position(|near| !near)
    }
}

/// The gradient of one leaf of the arguments.
#[derive(Clone, Debug, PartialEq)]
pub enum Gradient {
    /// All of its elements.
    Whole(Expected),
    /// Its products with directions.
    Products(Vec<(Vec<f64>, Expected)>),
}

/// All that is expected of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The leaves of the result.
    pub value: Vec<Expected>,
    /// The leaves of its tangent.
    pub tangent: Vec<Expected>,
    /// The gradient of each leaf of the arguments that has one.
    pub gradient: Vec<Gradient>,
    /// The product of the tangent with the cotangent: that of the gradient with the direction as well.
    pub product: Expected,
}

/// Runs in full precision and in lower ones.
struct Runs<'p> {
    program: &'p Program,
    dtype: Dtype,
}

fn numbers(array: &Array) -> Vec<f64> {
    array.data.iter().map(Num::value).collect()
}

impl Runs<'_> {
    /// The precisions that are compared with the full one.
    fn lower(&self) -> &'static [u8] {
        match self.dtype {
            // The difference of one run may be small by chance, seldom that of five.
            Dtype::F32 => &[24, 23, 22, 21, 20],
            _ => &[42, 40],
        }
    }

    /// The bits of the program's floats.
    fn own(&self) -> u8 {
        if self.dtype == Dtype::F32 { 24 } else { FULL }
    }

    fn run(&self, tangents: &[Value], precision: u8) -> Result<Value> {
        let arguments = arguments::arguments(self.program, precision);
        let moved = arguments::moved(self.program, arguments, tangents);
        let mut evaluator = Evaluator::new(self.program, 1).at_precision(precision);
        evaluator.run(moved)
    }

    /// What `measure` says of the run in some direction, at full precision and with how far it may be off.
    fn expected(
        &self,
        tangents: &[Value],
        measure: impl Fn(&Value) -> Vec<Vec<f64>>,
    ) -> Result<Vec<Expected>> {
        let exact = measure(&self.run(tangents, FULL)?);
        let mut errors = vec![0.0f64; exact.len()];
        for &bits in self.lower() {
            let coarse = measure(&self.run(tangents, bits)?);
            let scale = f64::from(i32::from(bits) - i32::from(self.own())).exp2();
            for ((error, exact), coarse) in errors.iter_mut().zip(&exact).zip(&coarse) {
                let pairs = exact.iter().zip(coarse);
                let own = pairs.fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
                *error = error.max(own * scale);
            }
        }
        let leaves = exact.into_iter().zip(errors);
        leaves
            .map(|(values, error)| self.tolerated(values, error))
            .collect()
    }

    /// Numbers with the distance that is allowed by the error that rounding makes; none if that is too great.
    fn tolerated(&self, values: Vec<f64>, error: f64) -> Result<Expected> {
        let scale = values
            .iter()
            .fold(1e-2f64, |most, value| most.max(value.abs()));
        let (tolerance, most) = match self.dtype {
            Dtype::F32 => (8.0 * error.max(4.0 * scale * 2f64.powi(-24)), 1e-2),
            _ => (1e-10 * scale, 1e-12),
        };
        match error <= most * scale {
            true => Ok(Expected { values, tolerance }),
            false => Err(Reject::Kink("ill-conditioned")),
        }
    }

    /// The leaves of the arguments that have a gradient: the parameter and the leaf in it.
    fn leaves(&self) -> Vec<(usize, usize, usize)> {
        let arguments = arguments::arguments(self.program, FULL);
        let params = self
            .program
            .main()
            .params
            .iter()
            .zip(&arguments)
            .enumerate();
        let floats = params.filter(|(_, ((_, ty), _))| ty.all_floats());
        let leaves = floats.flat_map(|(param, (_, argument))| {
            let leaves = argument.leaves().into_iter().enumerate();
            leaves
                .map(move |(leaf, array)| (param, leaf, array.data.len()))
                .collect::<Vec<_>>()
        });
        leaves.collect()
    }

    /// Directions in which nothing but one leaf moves.
    fn direction(&self, param: usize, leaf: usize, element: impl Fn(usize) -> f64) -> Vec<Value> {
        let arguments = arguments::arguments(self.program, FULL)
            .into_iter()
            .enumerate();
        let directions = arguments.map(|(own, argument)| {
            let leaves = argument
                .leaves()
                .into_iter()
                .enumerate()
                .map(|(position, array)| {
                    let moves = own == param && position == leaf;
                    let mut number = 0;
                    array.map(|_| {
                        number += 1;
                        Num::real(if moves { element(number - 1) } else { 0.0 })
                    })
                });
            let leaves = leaves.collect::<Vec<_>>();
            argument.rebuilt(&mut leaves.into_iter())
        });
        directions.collect()
    }

    fn gradient(
        &self,
        (param, leaf, count): (usize, usize, usize),
        cotangent: &Value,
    ) -> Result<Gradient> {
        if count <= ELEMENTS {
            let mut elements = vec![];
            for element in 0..count {
                let direction = self.direction(param, leaf, |number| f64::from(number == element));
                elements.push(self.product(&direction, cotangent)?);
            }
            let tolerance = elements
                .iter()
                .fold(0.0f64, |most, own| most.max(own.tolerance));
            let values = elements.iter().map(|own| own.values[0]).collect();
            return Ok(Gradient::Whole(Expected { values, tolerance }));
        }
        let products = (0..DIRECTIONS).map(|number| {
            let tangents = arguments::tangents(self.program, number + 1);
            let direction = numbers(tangents[param].leaves()[leaf]);
            let moved = self.direction(param, leaf, |element| direction[element]);
            Ok((direction, self.product(&moved, cotangent)?))
        });
        Ok(Gradient::Products(products.collect::<Result<_>>()?))
    }

    /// The product of the tangent in a direction with the cotangent.
    fn product(&self, tangents: &[Value], cotangent: &Value) -> Result<Expected> {
        // Reverse mode sums cotangents on its way, so the sum is rounded like all else.
        let measure = |value: &Value| {
            let slope = slope(value, 0);
            let leaves = slope.leaves().into_iter().zip(cotangent.leaves());
            let products = leaves.flat_map(|(slope, cotangent)| {
                let pairs = slope.data.iter().zip(&cotangent.data);
                pairs.map(|(a, b)| *a * *b).collect::<Vec<_>>()
            });
            let sum = products.fold(Num::real(0.0), |sum, product| sum + product);
            vec![vec![sum.value()]]
        };
        Ok(self.expected(tangents, measure)?.swap_remove(0))
    }
}

/// What a program is expected to give for its arguments.
pub fn answers(program: &Program) -> Result<Answers> {
    let leaves = program.main().params.iter().flat_map(|(_, ty)| ty.leaves());
    let f32s = leaves.into_iter().any(|(dtype, _)| dtype == Dtype::F32);
    let dtype = if f32s { Dtype::F32 } else { Dtype::F64 };
    let runs = Runs { program, dtype };
    let tangents = arguments::tangents(program, 0);
    let cotangent = arguments::cotangent(program);
    let all = |value: &Value| value.leaves().into_iter().map(numbers).collect();
    let value = runs.expected(&tangents, all)?;
    let tangent = runs.expected(&tangents, |value| {
        slope(value, 0).leaves().into_iter().map(numbers).collect()
    })?;
    let leaves = runs.leaves().into_iter();
    let gradient = leaves.map(|leaf| runs.gradient(leaf, &cotangent));
    let gradient = gradient.collect::<Result<_>>()?;
    let mut product = runs.product(&tangents, &cotangent)?;
    if dtype == Dtype::F64 {
        // Both sides are sums of products of what was compared already, so they are nearer to each other.
        let terms = tangent
            .iter()
            .flat_map(|leaf| &leaf.values)
            .map(|value| value.abs());
        let scale = terms.sum::<f64>().max(product.values[0].abs()).max(1e-2);
        product.tolerance = 1e-12 * scale;
    }
    Ok(Answers {
        value,
        tangent,
        gradient,
        product,
    })
}
