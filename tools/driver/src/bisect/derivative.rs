//! The op whose derivative is wrong: the function that is differentiated is cut behind its ops, and the derivative of
//! each part held against finite differences.

use super::{Bisector, EXPAND, Made, compare, compare::Tolerance, cuts};
use crate::compile::Failure;
use dlc_dialects::ir::{edit, shape};
use dlc_lowering::{linalg, walk};
use dlc_reference::{Asked, evaluate, evaluate_by_differences};
use dlc_runtime::Tensor;
use melior::ir::{
    Module, Value, ValueLike, attribute::FlatSymbolRefAttribute, operation::OperationLike,
};
use std::collections::BTreeSet;

/// How near finite differences are: derivatives in f32 are rounded on their way, and kinks may lie within a step.
pub(super) const NEAR: f64 = 1e-3;

/// The function that asks for the derivative of a part.
const PROBE: &str = "dlc_probe";

impl Bisector<'_> {
    /// MLIR's text of the place of the op whose derivative is wrong, among derivatives that were asked for.
    pub(super) fn wrong_derivative(
        &self,
        asked: &[Asked],
        tolerance: Tolerance,
    ) -> Result<Option<String>, Failure> {
        for derivative in asked {
            let Some(last) = self.ops_of(&derivative.callee)?.checked_sub(2) else {
                continue;
            };
            if self.is_right(derivative, last, tolerance)? {
                continue;
            }
            // Where all that is alive behind an op is right, so is what comes before.
            let (mut low, mut high) = (0, last);
            while low < high {
                let middle = (low + high) / 2;
                match self.is_right(derivative, middle, tolerance)? {
                    true => low = middle + 1,
                    false => high = middle,
                }
            }
            let module = self.inlined()?;
            let ops = cuts::ops(cuts::named(&module, &derivative.callee)?)?;
            return Ok(Some(ops[high].location().to_string()));
        }
        Ok(None)
    }

    /// The module with calls inlined, where derivatives are still to be made.
    fn inlined<'m>(&'m self) -> Result<Module<'m>, Failure> {
        let mut module: Module<'m> = edit::clone_module(&self.module);
        let mut found = None;
        self.run(&mut module, self.session.selection(), |number, module| {
            if Made::ForCpu.pass(number + 1).name == EXPAND {
                found = Some(edit::clone_module(module));
            }
        })?;
        found.ok_or_else(|| Failure::internal("the pipeline makes no derivatives"))
    }

    fn ops_of(&self, function: &str) -> Result<usize, Failure> {
        let module = self.inlined()?;
        Ok(cuts::ops(cuts::named(&module, function)?)?.len())
    }

    /// Whether the derivative of what is alive behind an op of a function is that of finite differences.
    fn is_right(&self, asked: &Asked, at: usize, tolerance: Tolerance) -> Result<bool, Failure> {
        let module = self.inlined()?;
        let context = self.session.context();
        let func = cuts::named(&module, &asked.callee)?;
        cuts::truncate(context, func, at).map_err(cuts::internal)?;
        let mut needed = BTreeSet::from([asked.callee.clone()]);
        while let Some(next) = callees(&module, &needed)?.find(|name| !needed.contains(name)) {
            needed.insert(next);
        }
        for other in cuts::top(&module) {
            let name = dlc_lowering::entry::string(other.attribute("sym_name").ok());
            if !name.is_some_and(|name| needed.contains(&name)) {
                edit::erase(context, other);
            }
        }
        let floats = |tensors: &[Tensor]| -> Vec<Tensor> {
            let floats = tensors.iter().filter(|tensor| tensor.dtype().is_float());
            floats.cloned().collect()
        };
        let refused = |error| Failure::internal(format!("a part of the function fails: {error}"));
        let (values, _) = evaluate_by_differences(&module, &asked.callee, &asked.dims, &asked.args)
            .map_err(refused)?;
        let mut cotangents = floats(&values);
        if cotangents.is_empty() {
            return Ok(true);
        }
        for tensor in &mut cotangents {
            let mut count = 0.0f64;
            let next = || {
                count += 1.0;
                count.cos()
            };
            let filled = tensor.fill_with(next);
            filled.map_err(|error| Failure::internal(error.to_string()))?;
        }
        let func = cuts::named(&module, &asked.callee)?;
        let text = probe(func, asked)?;
        let made = Module::parse(context, &text)
            .ok_or_else(|| Failure::internal(format!("the probe does not parse:\n{text}")))?;
        edit::move_module_before(context, &made, func, |_| true);
        let args = [asked.args.as_slice(), &cotangents].concat();
        let expected = evaluate_by_differences(&module, PROBE, &asked.dims, &args);
        let (expected, _) = expected.map_err(refused)?;
        let mut module = module;
        let mut actual = None;
        self.run(&mut module, self.session.selection(), |number, module| {
            if Made::ForCpu.pass(number).name == EXPAND {
                actual = Some(evaluate(module, PROBE, &asked.dims, &args));
            }
        })?;
        let actual =
            actual.ok_or_else(|| Failure::internal("the pipeline makes no derivatives"))?;
        let actual = actual.map_err(refused)?;
        Ok(compare::all(&expected, &actual, tolerance).is_none())
    }
}

/// The functions that some functions name.
fn callees(
    module: &Module,
    functions: &BTreeSet<String>,
) -> Result<std::vec::IntoIter<String>, Failure> {
    let mut found = vec![];
    for name in functions {
        for op in walk::inside(cuts::named(module, name)?) {
            for attribute in ["callee", "vjp", "jvp"] {
                let symbol = op.attribute(attribute).ok();
                let symbol = symbol.and_then(|one| FlatSymbolRefAttribute::try_from(one).ok());
                found.extend(symbol.map(|one| one.value().to_string()));
            }
        }
    }
    Ok(found.into_iter())
}

/// A function that asks for the product of cotangents and a function's derivative.
fn probe(func: melior::ir::OperationRef, asked: &Asked) -> Result<String, Failure> {
    let block = dlc_lowering::entry::body(func).map_err(cuts::internal)?;
    let ops = dlc_lowering::alias::operations(block);
    let end = ops.last().expect("a function's body has an end");
    let types = |values: Vec<Value>| -> Vec<String> {
        let types = values.iter().map(|value| value.r#type().to_string());
        types.collect()
    };
    let inputs = types(linalg::arguments(block));
    let is_float = |value: &Value| {
        let element = shape::element(value.r#type());
        ["f16", "bf16", "f32", "f64"].contains(&element.to_string().as_str())
    };
    let results = end.operands().filter(is_float).collect();
    let all = [inputs.clone(), types(results)].concat();
    let wrt = asked
        .wrt
        .iter()
        .map(|i| inputs[asked.dims.len() + i].clone());
    let gradients = wrt.collect::<Vec<_>>();
    let names: Vec<_> = (0..all.len()).map(|i| format!("%a{i}")).collect();
    let given: Vec<_> = (0..gradients.len()).map(|i| format!("%r#{i}")).collect();
    let typed: Vec<_> = names
        .iter()
        .zip(&all)
        .map(|(n, t)| format!("{n}: {t}"))
        .collect();
    let wrt: Vec<_> = asked.wrt.iter().map(usize::to_string).collect();
    Ok(format!(
        "func.func @{PROBE}({}) -> ({types}) {{\n  %r:{} = dl.vjp @{}({}) wrt [{}] : ({}) -> ({types})\n  return {} : {types}\n}}\n",
        typed.join(", "),
        gradients.len(),
        asked.callee,
        names.join(", "),
        wrt.join(", "),
        all.join(", "),
        given.join(", "),
        types = gradients.join(", "),
    ))
}
