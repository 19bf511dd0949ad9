//! Derivatives inside of programs: directional ones, and gradients as one of these for each element.

use super::{Evaluator, Frame, elementwise::real};
use crate::{
    array::{Array, Reject, Result, Value},
    ast::{Callable, Mode},
    num::LEVELS,
    types::Dtype,
};

impl Evaluator<'_> {
    pub(super) fn derivative(
        &mut self,
        frame: &mut Frame,
        mode: &Mode,
        of: &Callable,
        mut args: Vec<Value>,
    ) -> Result<Value> {
        let params = match of {
            Callable::Named(position) => &self.program.functions[*position].params,
            Callable::Lambda(params, _) => params,
        };
        let floats = params
            .iter()
            .map(|(_, ty)| ty.all_floats())
            .collect::<Vec<_>>();
        match mode {
            Mode::Grad(wrt) | Mode::ValueAndGrad(wrt) => {
                let one = Value::Array(Array::scalar(Dtype::F64, real(1.0)));
                let gradients = wrt
                    .iter()
                    .map(|&position| self.pulled(frame, of, &args, position, &one));
                let mut gradients = gradients.collect::<Result<Vec<_>>>()?;
                let gradient = match gradients.len() {
                    1 => gradients.remove(0),
                    _ => Value::Tree(gradients),
                };
                match mode {
                    Mode::Grad(_) => Ok(gradient),
                    _ => Ok(Value::Tree(vec![self.apply(frame, of, args)?, gradient])),
                }
            }
            Mode::Jacobian(position) => {
                self.jacobian(frame, &args, *position, |own, frame, args| {
                    own.apply(frame, of, args)
                })
            }
            Mode::Hessian(position) => {
                self.jacobian(frame, &args, *position, |own, frame, args| {
                    let one = Value::Array(Array::scalar(Dtype::F64, real(1.0)));
                    own.pulled(frame, of, &args, *position, &one)
                })
            }
            Mode::Jvp | Mode::Hvp => {
                let tangents = args.split_off(params.len());
                let mut tangents = tangents.into_iter();
                let directions = floats.iter().map(|float| match float {
                    true => tangents.next(),
                    false => None,
                });
                let directions = directions.collect::<Vec<_>>();
                let level = self.enter()?;
                let moved = args
                    .iter()
                    .zip(&directions)
                    .map(|(arg, direction)| match direction {
                        Some(direction) => moved(arg, direction, level),
                        None => arg.clone(),
                    });
                let moved = moved.collect::<Vec<_>>();
                if *mode == Mode::Jvp {
                    let result = self.apply(frame, of, moved)?;
                    self.level = level;
                    let parts = [
                        result.map(|x| x.map(|x| x.split(level).0)),
                        slope(&result, level),
                    ];
                    return Ok(Value::Tree(parts.into()));
                }
                let one = Value::Array(Array::scalar(Dtype::F64, real(1.0)));
                let wrt = (0..args.len()).filter(|&position| floats[position]);
                let products = wrt.map(|position| {
                    let gradient = self.pulled(frame, of, &moved, position, &one)?;
                    Ok(slope(&gradient, level))
                });
                let mut products = products.collect::<Result<Vec<_>>>()?;
                self.level = level;
                Ok(match args.len() {
                    1 => products.remove(0),
                    _ => Value::Tree(products),
                })
            }
        }
    }

    /// Takes an ε.
    fn enter(&mut self) -> Result<usize> {
        let level = self.level;
        self.level += 1;
        match level < LEVELS {
            true => Ok(level),
            false => Err(Reject::Deep),
        }
    }

    /// A cotangent of the result, pulled back to one argument: a directional derivative for each of its elements.
    /// Of an argument without floats it is an empty tree.
    pub(super) fn pulled(
        &mut self,
        frame: &mut Frame,
        of: &Callable,
        args: &[Value],
        position: usize,
        cotangent: &Value,
    ) -> Result<Value> {
        let leaves = args[position].leaves();
        if !leaves.iter().all(|leaf| leaf.dtype.is_float()) {
            return Ok(Value::Tree(vec![]));
        }
        let zero = args[position].map(|leaf| leaf.map(|_| real(0.0)));
        let zeros = zero.leaves().into_iter().cloned().collect::<Vec<_>>();
        let level = self.enter()?;
        let mut gradient = zeros.clone();
        for leaf in 0..zeros.len() {
            for element in 0..zeros[leaf].data.len() {
                let mut direction = zeros.clone();
                direction[leaf].data[element] = real(1.0);
                let direction = zero.rebuilt(&mut direction.into_iter());
                let mut args = args.to_vec();
                args[position] = moved(&args[position], &direction, level);
                let result = slope(&self.apply(frame, of, args)?, level);
                let leaves = result.leaves().into_iter().zip(cotangent.leaves());
                let products = leaves.flat_map(|(slope, cotangent)| {
                    let pairs = slope.data.iter().zip(&cotangent.data);
                    pairs.map(|(slope, cotangent)| *slope * *cotangent)
                });
                let precision = gradient[leaf].data[element].precision();
                let sum = products.fold(real(0.0).at_precision(precision), |a, b| a + b);
                gradient[leaf].data[element] = sum;
            }
        }
        self.level = level;
        Ok(zero.rebuilt(&mut gradient.into_iter()))
    }

    /// What the tensor of `f` changes by with each element of an argument, whose axes come last.
    fn jacobian(
        &mut self,
        frame: &mut Frame,
        args: &[Value],
        position: usize,
        mut f: impl FnMut(&mut Self, &mut Frame, Vec<Value>) -> Result<Value>,
    ) -> Result<Value> {
        let x = args[position].array().clone();
        let level = self.enter()?;
        let mut columns = vec![];
        for element in 0..x.data.len() {
            let mut direction = x.map(|_| real(0.0));
            direction.data[element] = real(1.0);
            let mut args = args.to_vec();
            args[position] = moved(&args[position], &Value::Array(direction), level);
            columns.push(slope(&f(self, frame, args)?, level));
        }
        self.level = level;
        // Without an element only the shape is left to be found.
        let shape = match columns.first() {
            Some(column) => column.array().shape.clone(),
            None => f(self, frame, args.to_vec())?.array().shape.clone(),
        };
        let rank = shape.len();
        let whole = [shape, x.shape.clone()].concat();
        let numbers = Array {
            data: (0..x.data.len())
                .map(|number| real(number as f64))
                .collect(),
            ..x
        };
        Ok(Value::Array(Array::new(numbers.dtype, &whole, |place| {
            let column = numbers.at(&place[rank..]).value() as usize;
            columns[column].array().at(&place[..rank])
        })))
    }
}

/// A value moved in a direction.
pub fn moved(value: &Value, direction: &Value, level: usize) -> Value {
    let directions = direction.leaves().into_iter();
    let mut directions = directions.map(|direction| direction.data.iter());
    value.map(|leaf| {
        let mut tangents = directions.next().expect("a direction for each leaf");
        leaf.map(|x| x.perturbed(*tangents.next().expect("of its shape"), level))
    })
}

/// What a value changes by in a direction.
pub fn slope(value: &Value, level: usize) -> Value {
    value.map(|leaf| leaf.map(|x| x.split(level).1))
}
