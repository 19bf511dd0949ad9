//! Every op under `dl.vmap`: what its batching rule gives, compared with the op of each element.
//!
//! The cases are those of the sweep. Those of one element type are batched over every choice of their tensors, with the
//! batch in front and with it last, in batches of three, of one and of none; those of the other types over one choice, of
//! three.
//! The reference evaluates the op element by element and the batch. Some cases are compiled, too, but for elementwise
//! ops, whose batches are the same ops with one axis more.

use super::{Call, Case, cases};
use crate::{
    compare,
    module::{self, Signature, TensorType},
    runner::{Program, Reference, Runner},
    values::Random,
};
use anyhow::{Context, Result, ensure};
use dlc_abi::DType;
use dlc_dialects::ops::OpKind;
use dlc_runtime::Tensor;
use std::collections::HashMap;

/// How many elements a batch has.
const SIZES: [usize; 3] = [3, 1, 0];

/// How many cases stand in a module, as functions are found by looking through it.
const IN_MODULE: usize = 24;

/// How many cases of an op are compiled.
const COMPILED: usize = 3;

/// The dim of a batch. No case has one of that name.
const SIZE: &str = "elements";

/// Where a batch's axis is in tensors that have one.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    First,
    Last,
}

/// A function that is the batch of a case's.
struct Batch<'a> {
    case: &'a Case,
    signature: &'a Signature,
    name: String,
    /// Which tensors are batched.
    batched: Vec<bool>,
    place: Place,
    /// The number of elements, where the types say it.
    size: Option<usize>,
}

impl<'a> Batch<'a> {
    fn new(case: &'a Case, signature: &'a Signature, choice: usize, place: Place) -> Self {
        let batched = (0..signature.params.len()).map(|i| choice >> i & 1 == 1);
        let (tag, size) = match place {
            Place::First => ("first", None),
            Place::Last => ("last", Some(SIZES[0])),
        };
        Self {
            case,
            signature,
            name: format!("{}__{choice}_{tag}", case.name),
            batched: batched.collect(),
            place,
            size,
        }
    }

    /// The axis of the batch among the tensors of a rank.
    fn axis(&self, rank: usize) -> usize {
        match self.place {
            Place::First => 0,
            Place::Last => rank,
        }
    }

    /// The type of a batch, and its shape.
    fn leaf(&self, ty: &TensorType, shape: &Option<Vec<String>>) -> Result<(String, String)> {
        let axis = self.axis(ty.dims.len());
        let mut dims = ty.dims.clone();
        dims.insert(axis, self.size);
        let mut shape = shape.clone().context("a case says its shapes")?;
        shape.insert(axis, self.size.map_or(SIZE.into(), |size| size.to_string()));
        let dtype = ty.dtype;
        Ok((
            TensorType { dtype, dims }.to_string(),
            format!("{{dl.shape = {shape:?}}}"),
        ))
    }

    /// The function.
    fn text(&self) -> Result<String> {
        let of = self.signature;
        let (params, results) = of.shapes.split_at(of.params.len());
        let mut arguments = of
            .dim_names
            .iter()
            .map(|dim| (format!("%{dim}"), "index".into(), String::new()));
        let mut arguments = arguments.by_ref().collect::<Vec<_>>();
        let mut in_axes = vec![];
        for (i, (ty, shape)) in of.params.iter().zip(params).enumerate() {
            let (text, shape, axis) = match self.batched[i] {
                true => {
                    let (text, shaped) = self.leaf(ty, shape)?;
                    (text, shaped, self.axis(ty.dims.len()) as i64)
                }
                false => (
                    ty.to_string(),
                    format!("{{dl.shape = {:?}}}", shape.as_ref().context("a shape")?),
                    -1,
                ),
            };
            arguments.push((format!("%a{i}"), text, shape));
            in_axes.push(axis);
        }
        let [ty] = &of.results[..] else {
            anyhow::bail!("a case has one result");
        };
        let (result, shaped) = self.leaf(ty, &results[0])?;
        let mut dims = of.dim_names.clone();
        let mut declared = arguments
            .iter()
            .map(|(name, ty, attributes)| format!("{name}: {ty} {attributes}"))
            .collect::<Vec<_>>();
        let size = match self.size {
            Some(size) => format!("%size = arith.constant {size} : index\n  "),
            None => {
                dims.insert(0, SIZE.into());
                declared.insert(0, "%size: index".into());
                String::new()
            }
        };
        let list = |of: &dyn Fn(&(String, String, String)) -> String| {
            arguments
                .iter()
                .map(|argument| format!(", {}", of(argument)))
                .collect::<String>()
        };
        let (names, types) = (
            list(&|argument| argument.0.clone()),
            list(&|argument| argument.1.clone()),
        );
        Ok(format!(
            "func.func @{}({}) -> ({result} {shaped}) attributes {{dl.dims = {dims:?}}} {{\n  \
             {size}%y = dl.vmap @{}(%size{names}) in_axes {in_axes:?} out_axes [{}] : (index{types}) -> {result}\n  \
             return %y : {result}\n}}\n",
            self.name,
            declared.join(", "),
            of.name,
            self.axis(ty.dims.len()),
        ))
    }

    /// Calls the batch of so many elements, and the function of each element on the reference.
    fn check(
        &self,
        call: &Call,
        count: usize,
        single: &dyn Program,
        program: &dyn Program,
    ) -> Result<()> {
        let elements = std::iter::once(&call.args)
            .chain(&call.others)
            .take(count.max(1));
        let elements = elements.map(|args| {
            let pick = |i: usize| {
                if self.batched[i] {
                    args[i].clone()
                } else {
                    call.args[i].clone()
                }
            };
            (0..args.len()).map(pick).collect::<Vec<_>>()
        });
        let elements = elements.collect::<Vec<_>>();
        let each = elements.iter().map(|args| {
            let mut results = single.call(&self.case.name, &call.dims, args)?;
            results.pop().context("a case has one result")
        });
        let each = each.collect::<Result<Vec<_>>>()?;
        let args = (0..call.args.len()).map(|i| match self.batched[i] {
            true => self.stacked(elements.iter().map(|args| &args[i]), count),
            false => Ok(call.args[i].clone()),
        });
        let args = args.collect::<Result<Vec<_>>>()?;
        let mut dims = call.dims.clone();
        if self.size.is_none() {
            dims.insert(0, count as i64);
        }
        let expected = self.stacked(each.iter(), count)?;
        let actual = program.call(&self.name, &dims, &args)?;
        ensure!(actual.len() == 1, "{} results", actual.len());
        compare::check(&expected, &actual[0], self.case.bound)
    }

    /// The batch of the first `count` of some tensors of one shape.
    fn stacked<'t>(&self, parts: impl Iterator<Item = &'t Tensor>, count: usize) -> Result<Tensor> {
        let parts = parts.collect::<Vec<_>>();
        let first = parts.first().context("there is an element")?;
        let axis = self.axis(first.shape().len());
        let mut shape = first.shape().to_vec();
        shape.insert(axis, count);
        let size = first.dtype().size();
        let run = first.shape()[axis..].iter().product::<usize>() * size;
        let runs = first.shape()[..axis].iter().product::<usize>();
        let mut bytes = vec![];
        for at in 0..runs {
            for part in &parts[..count] {
                bytes.extend(&part.bytes()[at * run..(at + 1) * run]);
            }
        }
        Ok(Tensor::from_bytes(first.dtype(), &shape, &bytes)?)
    }
}

/// The batches of a case that are evaluated: all that there are, or one.
fn batches<'a>(case: &'a Case, signature: &'a Signature, all: bool) -> Vec<Batch<'a>> {
    let every = (1 << signature.params.len()) - 1;
    let batch = |choice, place| Batch::new(case, signature, choice, place);
    if !all {
        let mut random = Random::of(&case.name);
        let choice = every.min(1 + random.below(every.max(1)));
        return vec![batch(choice, *random.choose(&[Place::First, Place::Last]))];
    }
    let choices = (every.min(1)..=every).map(|choice| batch(choice, Place::First));
    choices.chain([batch(every, Place::Last)]).collect()
}

/// The calls that are tried: the greatest of those that have other elements, and one without numbers.
fn calls(case: &Case) -> Vec<&Call> {
    let count = |call: &Call| call.args.iter().map(Tensor::len).sum::<usize>();
    let fit = case.calls.iter().filter(|call| !call.others.is_empty());
    let greatest = fit.clone().max_by_key(|call| count(call));
    let empty = fit
        .clone()
        .find(|call| call.args.iter().any(Tensor::is_empty));
    greatest.into_iter().chain(empty).collect()
}

/// The element type that stands for all: the first of these that an op has.
fn main_type(cases: &[Case]) -> Option<DType> {
    let first = [DType::F32, DType::I32].into_iter().chain(DType::STORED);
    let mut first = first.into_iter();
    first.find(|dtype| cases.iter().any(|case| case.dtype == *dtype))
}

/// A few cases of those of one element type, drawn by their names.
fn drawn(mut cases: Vec<Case>, dtype: Option<DType>) -> Vec<Case> {
    cases.retain(|case| Some(case.dtype) == dtype);
    cases.sort_by_key(|case| Random::of(&case.name).bits());
    cases.truncate(COMPILED);
    cases
}

/// Runs the batches of all cases of an op on a runner.
pub fn run(kind: OpKind, ulp: Option<f64>, runner: &dyn Runner) -> Result<()> {
    let mut cases = cases(kind, ulp)?;
    cases.retain(|case| !calls(case).is_empty());
    let dtype = main_type(&cases);
    if runner.name() != Reference.name() {
        cases = drawn(cases, dtype);
    }
    ensure!(!cases.is_empty(), "the op has no cases of a batch");
    let parts = cases.chunks(IN_MODULE);
    let failures = parts.map(|part| run_part(part, dtype, runner));
    let failures = failures.collect::<Result<Vec<_>>>()?.concat();
    super::report(&failures, "differ from the op of each element")
}

/// Runs the batches of some cases, in one module; `dtype` is the element type that stands for all. Gives what fails.
fn run_part(cases: &[Case], dtype: Option<DType>, runner: &dyn Runner) -> Result<Vec<String>> {
    let texts = cases.iter().map(|case| case.text.as_str());
    let mut text = texts.collect::<String>();
    let single = Reference.load(&text)?;
    let parsed = module::parse(&text)?;
    let functions = module::functions(&parsed).into_iter().map(|function| {
        let signature = module::signature(function)?;
        Ok((signature.name.clone(), signature))
    });
    let functions = functions.collect::<Result<HashMap<_, _>>>()?;
    let is_main = |case: &Case| Some(case.dtype) == dtype;
    let is_reference = runner.name() == Reference.name();
    let batches = cases.iter().flat_map(|case| {
        let signature = &functions[&case.name];
        batches(case, signature, is_reference && is_main(case))
    });
    let batches = batches.collect::<Vec<_>>();
    for case in cases {
        // What is compiled are the batches.
        text = text.replace(
            &format!("func.func @{}(", case.name),
            &format!("func.func private @{}(", case.name),
        );
    }
    for batch in &batches {
        text += &batch.text()?;
    }
    let program = runner.load(&text)?;
    let mut failures = vec![];
    for batch in &batches {
        let most = if is_main(batch.case) { SIZES.len() } else { 1 };
        for call in calls(batch.case).into_iter().take(most) {
            let sizes = SIZES.into_iter().take(most);
            for size in sizes.filter(|size| batch.size.is_none_or(|known| known == *size)) {
                if let Err(error) = batch.check(call, size, single.as_ref(), program.as_ref()) {
                    let name = &batch.name;
                    failures.push(format!("@{name}{:?} of {size}: {error:#}", call.dims));
                }
            }
        }
    }
    Ok(failures)
}
