//! A call of an export on the reference evaluator.

use std::collections::BTreeMap;

use dlc_abi::{DType, Entry, status};
use dlc_dialects::ir::inspect;
use dlc_frontend::core::Options;
use dlc_reference::EvalError;
use dlc_runtime::dims::DimError;
use dlc_runtime::example::bind_or_random;
use dlc_runtime::output::outputs_of;
use dlc_runtime::{BindError, Bound, Input, Tensor};
use melior::ir::attribute::StringAttribute;
use melior::ir::operation::OperationLike;
use melior::ir::{BlockLike, Module};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Refused;
use crate::program::program;

/// Which call.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// The program.
    text: String,
    /// One of its exports.
    export: String,
    /// Sizes of dims; those that neither these nor inputs say are small.
    #[serde(default)]
    dims: BTreeMap<String, i64>,
    /// The parameters' values, as `dlc run --input` takes them; those without are random.
    #[serde(default)]
    inputs: BTreeMap<String, String>,
    /// What random numbers are made of.
    #[serde(default)]
    seed: u64,
}

/// The size of a dim that nothing says, if its range has it.
const SIZE: i64 = 4;
/// The most numbers of a tensor that are given out.
const MOST: usize = 1 << 14;

/// The results.
pub fn answer(request: &Request) -> Result<Value, Refused> {
    let context = dlc_dialects::context();
    let options = Options {
        check_bounds: true,
        ..Options::default()
    };
    let program = program(&context, &request.text, options)?;
    let found = program.entries.iter();
    let entry = found.clone().find(|entry| entry.name == request.export);
    let entry = entry.ok_or_else(|| {
        let names: Vec<_> = found.map(|entry| entry.name.as_str()).collect();
        Refused::Message(format!(
            "there is no export `{}`\nhelp: its exports are {}",
            request.export,
            names.join(", ")
        ))
    })?;
    let bound = bind(request, entry)?;
    let values: Vec<i64> = (entry.dims.iter())
        .map(|dim| bound.dims().get(&dim.name).copied().unwrap_or_default())
        .collect();
    let function = function(&program.module, &entry.symbol)
        .ok_or_else(|| Refused::Message(format!("the module has no `{}`", entry.symbol)))?;
    let results = dlc_reference::evaluate(&program.module, &function, &values, bound.params());
    let results = results.map_err(|error| {
        Refused::Message(match error {
            EvalError::Check { code, text } => status::failure_message(&entry.name, &code, &text),
            error => error.to_string(),
        })
    })?;
    let names = entry.params.iter();
    let names = names.flat_map(|param| param.tree.leaves(&param.name));
    let inputs = names.zip(bound.params());
    let outputs = outputs_of(entry, results);
    let outputs = outputs.iter().flat_map(|output| {
        let leaves = output.leaves.iter();
        leaves.map(|(path, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            tensor(&format!("{}{dot}{path}", output.name), value)
        })
    });
    Ok(json!({
        "dims": bound.dims(),
        "inputs": inputs.map(|(leaf, value)| tensor(&leaf.path, value)).collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
    }))
}

/// The tensors of the call.
fn bind(request: &Request, entry: &Entry) -> Result<Bound, Refused> {
    let given = request.inputs.iter();
    let given = given.filter(|(_, value)| !value.trim().is_empty());
    let inputs = given.map(|(name, value)| Input::parse(&format!("{name}={value}")));
    let inputs = inputs
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Refused::Message(format!("{error}\nhelp: {}", error.help)))?;
    let given = request.dims.iter();
    let mut dims: Vec<_> = given.map(|(name, size)| (name.clone(), *size)).collect();
    // One dim more has a size each time round.
    loop {
        match bind_or_random(entry, &inputs, &dims, request.seed) {
            Ok(bound) => return Ok(bound),
            Err(BindError::Dim(DimError::Missing { dim, .. })) => {
                let range = entry.dims.iter().find(|known| known.name == dim);
                let (min, max) = range.map_or((0, None), |range| (range.min, range.max));
                let size = SIZE.max(min).min(max.unwrap_or(i64::MAX));
                dims.push((dim, size));
            }
            Err(error) => {
                let help = error.help().map(|help| format!("\nhelp: {help}"));
                let help = help.unwrap_or_default();
                return Err(Refused::Message(format!("{error}{help}")));
            }
        }
    }
}

/// The function that a symbol is the entry of.
fn function(module: &Module, symbol: &str) -> Option<String> {
    let mut next = module.body().first_operation();
    while let Some(op) = next {
        next = op.next_in_block();
        let entry = op.attribute("dl.entry").and_then(StringAttribute::try_from);
        if entry.is_ok_and(|entry| inspect::text(entry) == symbol) {
            let name = op.attribute("sym_name").and_then(StringAttribute::try_from);
            return Some(inspect::text(name.ok()?).to_owned());
        }
    }
    None
}

/// A tensor: type, shape, and its elements as text and, where they are numbers, as numbers.
fn tensor(name: &str, tensor: &Tensor) -> Value {
    let shown = tensor.len().min(MOST);
    let numbers = match tensor.dtype() {
        DType::Key => None,
        _ => Some(tensor.to_f64()[..shown].to_vec()),
    };
    json!({
        "name": name,
        "type": tensor.type_text(),
        "shape": tensor.shape(),
        "count": tensor.len(),
        "texts": (0..shown).map(|i| tensor.element_text(i)).collect::<Vec<_>>(),
        "numbers": numbers,
    })
}
