//! What programs are called with: numbers that follow from the seed, so that a program that is made smaller keeps them.

use crate::{
    array::{Array, Value},
    ast::Program,
    eval,
    num::Num,
    random::Random,
    types::{Dtype, Type},
};

/// The greatest value of an integer parameter.
pub const GREATEST_INTEGER: i64 = 2;

fn drawn(ty: &Type, sizes: &[i64], random: &mut Random, precision: u8) -> Value {
    let Type::Tensor(dtype, shape) = ty else {
        let parts = ty.parts();
        let parts = parts
            .iter()
            .map(|part| drawn(part, sizes, random, precision));
        return Value::Tree(parts.collect());
    };
    let shape = shape.iter().map(|dim| dim.at(sizes) as usize);
    Value::Array(Array::new(*dtype, &shape.collect::<Vec<_>>(), |_| {
        Num::real(match dtype {
            Dtype::F32 => f64::from(random.uniform(-1.5, 1.5) as f32),
            Dtype::F64 => random.uniform(-1.5, 1.5),
            Dtype::I32 => random.below(GREATEST_INTEGER as usize + 1) as f64,
            Dtype::Bool => random.below(2) as f64,
        })
        .at_precision(precision)
    }))
}

fn all(program: &Program, what: &str, precision: u8) -> Vec<Value> {
    let params = program.main().params.iter();
    let values = params.map(|(name, ty)| {
        let mut random = Random::of(&format!("{} {what} {name}", program.seed));
        drawn(ty, &program.sizes, &mut random, precision)
    });
    values.collect()
}

/// The arguments, computed with at a precision.
pub fn arguments(program: &Program, precision: u8) -> Vec<Value> {
    all(program, "argument", precision)
}

/// A direction for each argument; of one without floats, numbers without a meaning.
pub fn tangents(program: &Program, number: usize) -> Vec<Value> {
    all(program, &format!("tangent {number}"), crate::num::FULL)
}

/// A cotangent of the result.
pub fn cotangent(program: &Program) -> Value {
    let mut random = Random::of(&format!("{} cotangent", program.seed));
    let ty = &program.main().value.ty;
    drawn(ty, &program.sizes, &mut random, crate::num::FULL)
}

/// The arguments moved in a direction, by the first ε.
pub fn perturbed(program: &Program, precision: u8) -> Vec<Value> {
    let tangents = tangents(program, 0);
    moved(program, arguments(program, precision), &tangents)
}

/// Arguments moved in directions, as far as they are of floats.
pub fn moved(program: &Program, arguments: Vec<Value>, tangents: &[Value]) -> Vec<Value> {
    let params = program.main().params.iter().zip(arguments).zip(tangents);
    let moved = params.map(|(((_, ty), argument), tangent)| match ty.all_floats() {
        true => eval::moved(&argument, tangent, 0),
        false => argument,
    });
    moved.collect()
}
