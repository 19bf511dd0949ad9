//! Every op on every element type that it takes, on a set of shapes, compared with the reference evaluator.
//!
//! The cases come from the table of ops: elementwise ops from their records, the others from one function
//! each, found by a match without a wildcard. Inputs hold each type's special values. Sums are taken of small
//! whole numbers, on which every order gives the same bits, and once more of any numbers within a tolerance.

pub mod batch;
mod elementwise;
mod indexing;
mod made;
mod movement;
mod order;
mod starts;
mod structured;
mod window;

use crate::{
    compare,
    compare::Bound,
    runner::{Reference, Runner},
    values::Random,
};
use anyhow::{Context, Result, ensure};
use dlc_abi::{DType, dim::Poly};
use dlc_dialects::{elementwise_kinds, ops::OpKind};
use dlc_runtime::Tensor;

/// Arguments of a function.
pub struct Call {
    /// The values of its dims.
    pub dims: Vec<i64>,
    /// Its tensors.
    pub args: Vec<Tensor>,
    /// Tensors of the same shapes, for the further elements of a batch; none where they would be large.
    pub others: Vec<Vec<Tensor>>,
}

/// A function of one op, with calls.
pub struct Case {
    /// Its name.
    pub name: String,
    /// The element type that it is about.
    pub dtype: DType,
    /// Its text.
    pub text: String,
    /// What it is called with.
    pub calls: Vec<Call>,
    /// How far results may be off.
    pub bound: Bound,
}

/// The calls with so many numbers or fewer are tried in batches, too.
const IN_BATCHES: usize = 700;

/// A tensor type by names of dims: a number is static, anything else a polynomial over the function's dims.
#[derive(Clone)]
pub struct Leaf(pub DType, pub Vec<String>);

/// A leaf of the given dims.
pub fn leaf(dtype: DType, dims: &[&str]) -> Leaf {
    Leaf(dtype, dims.iter().map(|dim| dim.to_string()).collect())
}

impl Leaf {
    /// The type in MLIR.
    pub fn ty(&self) -> String {
        let dims = self.1.iter().map(|dim| match dim.parse::<usize>() {
            Ok(dim) => format!("{dim}x"),
            Err(_) => "?x".into(),
        });
        format!("tensor<{}{}>", dims.collect::<String>(), self.0.mlir_name())
    }

    fn attributes(&self) -> String {
        format!("{{dl.shape = {:?}}}", self.1)
    }

    /// The shape where the dims have these values.
    pub fn shape(&self, names: &[&str], values: &[i64]) -> Result<Vec<usize>> {
        let value = |name: &str| {
            let at = names.iter().position(|other| *other == name)?;
            Some(values[at])
        };
        let size = |dim: &String| Ok(usize::try_from(Poly::parse(dim)?.eval(&value)?)?);
        self.1.iter().map(size).collect()
    }
}

/// A function `name` of dims `%m` … and tensors `%a0` …, which returns the `%y` of its body.
pub fn function(name: &str, dims: &[&str], params: &[Leaf], result: &Leaf, body: &str) -> String {
    let mut list = dims
        .iter()
        .map(|dim| format!("%{dim}: index"))
        .collect::<Vec<_>>();
    for (i, param) in params.iter().enumerate() {
        list.push(format!("%a{i}: {} {}", param.ty(), param.attributes()));
    }
    format!(
        "func.func @{name}({}) -> ({} {}) attributes {{dl.dims = {dims:?}}} {{\n  {body}\n  return %y : {}\n}}\n",
        list.join(", "),
        result.ty(),
        result.attributes(),
        result.ty()
    )
}

/// Something to sweep over: a form of an op with its dims, arguments and body.
pub struct Form<'a> {
    /// Distinguishes the function's name.
    pub tag: &'a str,
    /// Names of the dims.
    pub dims: &'a [&'a str],
    /// Types of the arguments.
    pub params: Vec<Leaf>,
    /// Type of the result.
    pub result: Leaf,
    /// The body, which defines `%y`.
    pub body: String,
    /// Values of the dims, one list for each call.
    pub sizes: &'a [&'a [i64]],
}

impl Form<'_> {
    /// The case whose arguments `fill` makes from the number of the argument, its type and its shape.
    pub fn case(
        &self,
        kind: OpKind,
        dtype: DType,
        bound: Bound,
        mut fill: impl FnMut(usize, DType, &[usize], &mut Random) -> Result<Tensor>,
    ) -> Result<Case> {
        let name = format!("{}_{}_{}", kind.mnemonic(), dtype, self.tag);
        let mut random = Random::of(&name);
        let mut made = |sizes: &&[i64]| -> Result<Vec<Tensor>> {
            let params = self.params.iter().enumerate();
            params
                .map(|(i, param)| fill(i, param.0, &param.shape(self.dims, sizes)?, &mut random))
                .collect()
        };
        let mut calls = vec![];
        for sizes in self.sizes {
            calls.push(Call {
                dims: sizes.to_vec(),
                args: made(sizes)?,
                others: vec![],
            });
        }
        for (sizes, call) in self.sizes.iter().zip(&mut calls) {
            if call.args.iter().map(Tensor::len).sum::<usize>() <= IN_BATCHES {
                call.others = vec![made(sizes)?, made(sizes)?];
            }
        }
        let text = function(&name, self.dims, &self.params, &self.result, &self.body);
        Ok(Case {
            name,
            dtype,
            text,
            calls,
            bound,
        })
    }
}

/// All cases of an op; `ulp` is what its test file allows.
pub fn cases(kind: OpKind, ulp: Option<f64>) -> Result<Vec<Case>> {
    match kind {
        OpKind::Constant => made::constant(),
        OpKind::DimValue => with(made::dim_value()?, starts::dim_value()?),
        OpKind::Iota => made::iota(),
        OpKind::Broadcast => movement::broadcast(),
        OpKind::Reshape => movement::reshape(),
        OpKind::Transpose => movement::transpose(),
        OpKind::Reverse => movement::reverse(),
        OpKind::Concatenate => movement::concatenate(),
        OpKind::Slice => with(movement::slice()?, starts::slice()?),
        OpKind::UpdateSlice => with(movement::update_slice()?, starts::update_slice()?),
        OpKind::Pad => with(movement::pad()?, starts::pad()?),
        OpKind::DotGeneral => structured::dot_general(),
        OpKind::Conv => window::conv(),
        OpKind::ReduceWindow => window::reduce_window(),
        OpKind::Reduce => structured::reduce(),
        OpKind::ArgReduce => structured::arg_reduce(),
        OpKind::Argsort => order::argsort(),
        OpKind::Cumulative => structured::cumulative(),
        OpKind::Take => indexing::take(),
        OpKind::TakeAlongAxis => indexing::take_along_axis(),
        OpKind::Scatter => indexing::scatter(),
        OpKind::ScatterAddAlongAxis => indexing::scatter_add_along_axis(),
        OpKind::RandomBits => made::random_bits(),
        OpKind::Call | OpKind::Grad | OpKind::Jvp | OpKind::Vjp => structured::derivative(kind),
        OpKind::OptimizationBarrier => structured::optimization_barrier(),
        OpKind::Vmap => structured::vmap(),
        OpKind::Print => made::print(),
        OpKind::Check => made::check(),
        OpKind::Convert => elementwise::convert(),
        OpKind::Bitcast => elementwise::bitcast(),
        elementwise_kinds!() => elementwise::cases(kind, ulp),
    }
}

fn with(mut cases: Vec<Case>, more: Vec<Case>) -> Result<Vec<Case>> {
    cases.extend(more);
    Ok(cases)
}

/// Runs all cases of an op on a runner.
pub fn run(kind: OpKind, ulp: Option<f64>, runner: &dyn Runner) -> Result<()> {
    let cases = cases(kind, ulp)?;
    ensure!(!cases.is_empty(), "the op has no cases");
    let text = cases
        .iter()
        .map(|case| case.text.as_str())
        .collect::<String>();
    let reference = Reference.load(&text)?;
    let program = runner.load(&text)?;
    let mut failures = vec![];
    for case in &cases {
        for call in &case.calls {
            let expected = reference
                .call(&case.name, &call.dims, &call.args)
                .with_context(|| format!("the reference on @{}{:?}", case.name, call.dims))?;
            let run = || -> Result<()> {
                let actual = program.call(&case.name, &call.dims, &call.args)?;
                ensure!(expected.len() == actual.len(), "{} results", actual.len());
                for (expected, actual) in expected.iter().zip(&actual) {
                    compare::check(expected, actual, case.bound)?;
                }
                Ok(())
            };
            if let Err(error) = run() {
                failures.push(format!("@{}{:?}: {error:#}", case.name, call.dims));
            }
        }
    }
    report(&failures, "differ from the reference")
}

/// Fails where there are failures, and shows the first of them.
fn report(failures: &[String], what: &str) -> Result<()> {
    const SHOWN: usize = 12;
    let (count, shown) = (failures.len(), &failures[..failures.len().min(SHOWN)]);
    ensure!(count == 0, "{count} calls {what}:\n{}", shown.join("\n"));
    Ok(())
}
