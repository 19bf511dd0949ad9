//! Gradients against central differences in f64, along one random direction with a fixed seed.
//!
//! Of `@f` the check makes the scalar function `sum(f(x) * w)` with random weights w, differentiates it by
//! `dl.jvp` in a direction v, and compares with `(loss(x + h v) - loss(x - h v)) / 2h`, which the reference evaluator
//! computes. The gradient's product with v, by `dl.grad`, has to be the same number as the tangent, but for rounding, and
//! each element of the gradient that of the reference's.

use crate::{
    compare::{self, Bound},
    directive::Gradcheck,
    module::{self, Signature},
    runner::{Reference, Runner},
    values::{Random, is_float, uniform_tensor, whole_tensor},
};
use anyhow::{Context, Result, ensure};
use dlc_abi::DType;
use dlc_runtime::Tensor;

/// Half the distance of the two points; the truncation error is of its square.
const STEP: f64 = 1e-5;

/// How far the modes may be apart, relative where the derivative is larger than 1.
const BETWEEN_MODES: f64 = 1e-12;

/// Runs a check of a function of a module, the gradient on `runner`.
pub fn run(check: &Gradcheck, text: &str, runner: &dyn Runner) -> Result<()> {
    let signature = module::signature_of(&module::parse(text)?, &check.function)?;
    ensure!(
        signature.dims == check.dims.len(),
        "@{} has {} dims",
        check.function,
        signature.dims
    );
    let floats = (0..signature.params.len()).filter(|&i| is_float(signature.params[i].dtype));
    let wrt = match &check.wrt {
        Some(wrt) => wrt.iter().map(|&i| i as usize).collect(),
        None => floats.collect::<Vec<_>>(),
    };
    for &i in &wrt {
        let ty = signature
            .params
            .get(i)
            .with_context(|| format!("there is no argument {i}"))?;
        ensure!(ty.dtype == DType::F64, "argument {i} is no f64");
    }
    let result = signature
        .results
        .first()
        .context("the function has a result")?;
    ensure!(result.dtype == DType::F64, "the result is no f64");

    let mut random = Random::of(&check.function);
    let mut args = Vec::new();
    let (params, _) = signature.at(&check.dims)?;
    for ty in &params {
        let shape = ty.dims.iter().copied().collect::<Option<Vec<_>>>();
        let shape = shape.with_context(|| format!("{ty} needs `dl.shape`"))?;
        args.push(match is_float(ty.dtype) {
            true => uniform_tensor(ty.dtype, &shape, check.domain, &mut random)?,
            false => {
                let (low, high) = check.integers;
                whole_tensor(ty.dtype, &shape, (low as i64, high as i64 - 1), &mut random)?
            }
        });
    }
    // The weights have the result's shape, which only running the function tells.
    let forward = Reference.load(text)?;
    let value = forward.call(&check.function, &check.dims, &args)?;
    let weights = uniform_tensor(DType::F64, value[0].shape(), (0.5, 1.5), &mut random)?;
    let mut directions = Vec::new();
    for &i in &wrt {
        directions.push(uniform_tensor(
            DType::F64,
            args[i].shape(),
            (-1.0, 1.0),
            &mut random,
        )?);
    }

    let whole = format!(
        "{text}\n{}",
        functions(&signature, &wrt, value[0].shape(), check.reverse)
    );
    let reference = Reference.load(&whole)?;
    let loss = |sign: f64| -> Result<f64> {
        let mut moved = args.clone();
        for (&i, direction) in wrt.iter().zip(&directions) {
            let v = direction.to_f64();
            let slots = moved[i].as_mut_slice::<f64>()?;
            slots
                .iter_mut()
                .zip(v)
                .for_each(|(x, v)| *x += sign * STEP * v);
        }
        moved.push(weights.clone());
        Ok(reference.call("gradcheck_loss", &check.dims, &moved)?[0].to_f64()[0])
    };
    let numeric = (loss(1.0)? - loss(-1.0)?) / (2.0 * STEP);

    let mut all = args.clone();
    all.push(weights.clone());
    let code = runner.load(&whole)?;
    let moved = [all.as_slice(), &directions].concat();
    let tangent = code.call("gradcheck_tangent", &check.dims, &moved)?;
    let tangent = tangent[0].to_f64()[0];
    let off = |value: f64, from: f64| (value - from).abs() / from.abs().max(1.0);
    ensure!(
        off(tangent, numeric) <= check.tolerance,
        "the tangent is {tangent}, differences give {numeric}: off by {:e}, allowed are {:e}",
        off(tangent, numeric),
        check.tolerance
    );
    if check.reverse {
        let gradients = code.call("gradcheck_gradient", &check.dims, &all)?;
        let product = product(&gradients, &directions)?;
        ensure!(
            off(product, tangent) <= BETWEEN_MODES,
            "the gradient's product with the direction is {product}, the tangent is {tangent}: off by {:e}",
            off(product, tangent)
        );
        if runner.name() != Reference.name() {
            let expected = reference.call("gradcheck_gradient", &check.dims, &all)?;
            for (i, (expected, gradient)) in expected.iter().zip(&gradients).enumerate() {
                compare::check(expected, gradient, Bound::Near(BETWEEN_MODES))
                    .with_context(|| format!("gradient {i}, beside the reference's"))?;
            }
        }
    }
    // A direction along which nothing changes would pass whatever the gradient is.
    ensure!(
        numeric != 0.0,
        "the function is constant in this domain, so the check is empty"
    );
    Ok(())
}

/// The sum of the products of gradients and directions, which have one shape each.
fn product(gradients: &[Tensor], directions: &[Tensor]) -> Result<f64> {
    ensure!(
        gradients.len() == directions.len(),
        "{} gradients",
        gradients.len()
    );
    let mut sum = 0.0;
    for (i, (gradient, direction)) in gradients.iter().zip(directions).enumerate() {
        ensure!(
            gradient.shape() == direction.shape(),
            "gradient {i} has shape {:?}",
            gradient.shape()
        );
        let pairs = gradient.to_f64().into_iter().zip(direction.to_f64());
        sum += pairs.map(|(g, v)| g * v).sum::<f64>();
    }
    Ok(sum)
}

/// The loss, its tangent, and its gradient if the reverse mode is checked, as text.
fn functions(signature: &Signature, wrt: &[usize], result: &[usize], reverse: bool) -> String {
    let f = &signature.name;
    let mut names = (0..signature.dims)
        .map(|i| format!("%d{i}"))
        .collect::<Vec<_>>();
    let mut types = vec!["index".to_string(); signature.dims];
    let mut attributes = vec![String::new(); signature.dims];
    for (i, ty) in signature.params.iter().enumerate() {
        names.push(format!("%a{i}"));
        types.push(ty.to_string());
        attributes.push(shape(&signature.shapes[i]));
    }
    let (arguments, inner) = (names.join(", "), types.join(", "));
    let y = &signature.results[0];
    names.push("%w".into());
    types.push(y.to_string());
    attributes.push(shape(&signature.shapes[signature.params.len()]));
    let params = (0..names.len()).map(|i| format!("{}: {} {}", names[i], types[i], attributes[i]));
    let params = params.collect::<Vec<_>>().join(", ");
    let outer = types.join(", ");

    let list = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join(", ");
    let results = list(&mut signature.results.iter().map(|ty| ty.to_string()));
    let axes = list(&mut (0..result.len()).map(|i| i.to_string()));
    let gradients = list(&mut wrt.iter().map(|&i| signature.params[i].to_string()));
    let shaped = |&i: &usize| format!("{} {}", signature.params[i], shape(&signature.shapes[i]));
    let shaped = list(&mut wrt.iter().map(shaped));
    let indices = list(&mut wrt.iter().map(|i| i.to_string()));
    let values = list(&mut (0..wrt.len()).map(|i| format!("%g#{i}")));
    let (count, of) = (signature.results.len(), wrt.len());
    let dims = format!("attributes {{dl.dims = {:?}}}", signature.dim_names);
    let directions = list(&mut (0..wrt.len()).map(|i| format!("%v{i}")));
    let shaped_direction = |(n, i): (usize, &usize)| {
        let ty = &signature.params[*i];
        format!("%v{n}: {ty} {}", shape(&signature.shapes[*i]))
    };
    let shaped_directions = list(&mut wrt.iter().enumerate().map(shaped_direction));
    let gradient = format!(
        r#"
func.func @gradcheck_gradient({params}) -> ({shaped}) {dims} {{
  %g:{of} = dl.grad @gradcheck_loss({arguments}, %w) wrt [{indices}] : ({outer}) -> ({gradients})
  return {values} : {gradients}
}}
"#
    );
    let gradient = if reverse { gradient } else { String::new() };
    format!(
        r#"
func.func @gradcheck_loss({params}) -> tensor<f64> {dims} {{
  %y:{count} = func.call @{f}({arguments}) : ({inner}) -> ({results})
  %p = dl.mul %y#0, %w : {y}
  %s = dl.reduce "sum" %p axes [{axes}] : {y} -> tensor<f64>
  return %s : tensor<f64>
}}
func.func @gradcheck_tangent({params}, {shaped_directions}) -> tensor<f64> {dims} {{
  %t:2 = dl.jvp @gradcheck_loss({arguments}, %w, {directions}) wrt [{indices}]
    : ({outer}, {gradients}) -> (tensor<f64>, tensor<f64>)
  return %t#1 : tensor<f64>
}}
{gradient}"#
    )
}

/// The attribute that says an argument's shape.
fn shape(shape: &Option<Vec<String>>) -> String {
    match shape {
        Some(shape) => format!("{{dl.shape = {shape:?}}}"),
        None => String::new(),
    }
}
