//! `--max-memory`: derivatives keep less and compute more again, until the workspace of each export fits.
//!
//! The steps are depths of nests of loops (`autodiff/src/reverse/schedule.rs`), for each export by itself. At each step
//! the pipeline runs until the workspace is planned, and the plan is looked at where the dims are greatest.

use crate::{
    compile::{Failure, Input, Ran, Session},
    pipelines::CPU,
    source,
};
use dlc_abi::WORKSPACE_ALIGN;
use dlc_autodiff::{bounds::GREATEST, reverse::schedule::DEPTH};
use dlc_dialects::ir::edit;
use dlc_frontend::{codes::Code, diagnostic::Diagnostic, reported};
use dlc_lowering::entry::{self, Entry};
use melior::ir::{Attribute, BlockLike, Module, Value, operation::OperationLike};
use std::collections::BTreeMap;

/// The most loops that become of one.
const DEEPEST: i64 = 8;
/// How many of the largest buffers are named where nothing fits.
const SHOWN: usize = 4;

/// The number of bytes that a text such as `512K`, `64M` or `2G` says.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G', 'k', 'm', 'g']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "K" | "k" => 1 << 10,
        "M" | "m" => 1 << 20,
        "G" | "g" => 1 << 30,
        _ => return Err("a size is a number of bytes, or one with K, M or G behind it".into()),
    };
    let number = digits.parse::<u64>();
    number
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "a size is a number of bytes, or one with K, M or G behind it".into())
}

/// The planned workspace of an export.
struct Plan {
    /// Its name in DL.
    name: String,
    /// Where it is declared, as MLIR writes places.
    place: String,
    /// The bytes where the dims are greatest; the dim that has no greatest value where they depend on one.
    bytes: Result<u64, String>,
    /// The largest slots: their bytes, and where what is in them is made.
    largest: Vec<(u64, String)>,
}

/// What has been tried for an export.
struct Tried {
    depth: i64,
    least: u64,
}

impl Session {
    /// Chooses how much the derivatives of each export keep, and notes it on the exports; gives the remarks.
    pub(crate) fn fit<'c>(
        &'c self,
        input: Input,
        module: &Module<'c>,
        most: u64,
    ) -> Result<String, Failure> {
        let mut tried: BTreeMap<String, Tried> = BTreeMap::new();
        loop {
            let plans = self.plans(input, module)?;
            let mut more = vec![];
            let mut errors = vec![];
            for (symbol, plan) in &plans {
                let bytes = match &plan.bytes {
                    Ok(bytes) => *bytes,
                    Err(dim) => {
                        errors.push(unlimited(input, plan, dim));
                        continue;
                    }
                };
                let state = tried.entry(symbol.clone()).or_insert(Tried {
                    depth: 0,
                    least: u64::MAX,
                });
                let gained = bytes < state.least || state.depth <= 1;
                if bytes > most && state.depth < DEEPEST && gained {
                    state.depth += 1;
                    more.push((symbol.clone(), state.depth));
                } else if bytes > most {
                    errors.push(too_large(input, plan, state.least.min(bytes), most));
                }
                state.least = state.least.min(bytes);
            }
            if !errors.is_empty() {
                source::report(self, input.sources, &errors)?;
            }
            if more.is_empty() {
                let remarks = plans.iter().filter_map(|(symbol, plan)| {
                    let depth = tried.get(symbol)?.depth;
                    (depth > 0).then(|| chosen(input, plan, depth))
                });
                let remarks = remarks.collect::<Vec<_>>();
                return Ok(source::rendered(self, input.sources, &remarks));
            }
            for (symbol, depth) in more {
                self.set_depth(module, &symbol, depth)?;
            }
        }
    }

    /// The workspaces of all exports, by their C names, as the pipeline plans them now.
    fn plans<'c>(
        &'c self,
        input: Input,
        module: &Module<'c>,
    ) -> Result<BTreeMap<String, Plan>, Failure> {
        let mut trial = edit::clone_module(module);
        let planned = CPU.iter().position(|stage| stage.name == "loops");
        let stages = planned.expect("the workspace is planned in this stage") + 1;
        self.run_stages(
            input,
            &mut trial,
            &CPU[..stages],
            &mut Ran::default(),
            |_, _| {},
        )?;
        let entries = entry::entries(trial.as_operation());
        let entries = entries.map_err(|error| Failure::internal(error.message))?;
        let plans = entries
            .iter()
            .map(|entry| Ok((entry.symbol.clone(), plan(entry)?)));
        plans.collect()
    }

    /// Notes on an export how deep the nests of its derivatives' loops are, and how great its dims can be.
    fn set_depth<'c>(
        &'c self,
        module: &Module<'c>,
        symbol: &str,
        depth: i64,
    ) -> Result<(), Failure> {
        let entries = entry::entries(module.as_operation());
        let entries = entries.map_err(|error| Failure::internal(error.message))?;
        let attribute = |text: &str| {
            Attribute::parse(self.context(), text).expect("the attribute's text is well formed")
        };
        for entry in entries.iter().filter(|entry| entry.symbol == symbol) {
            let greatest = entry
                .dims
                .iter()
                .map(|dim| dim.max.unwrap_or(-1).to_string());
            let greatest = greatest.collect::<Vec<_>>().join(", ");
            if !greatest.is_empty() {
                let greatest = attribute(&format!("array<i64: {greatest}>"));
                edit::set_attribute(entry.func, GREATEST, greatest);
            }
            edit::set_attribute(entry.func, DEPTH, attribute(&format!("{depth} : i64")));
        }
        Ok(())
    }
}

/// The workspace of an entry whose slots are planned.
fn plan(entry: &Entry) -> Result<Plan, Failure> {
    let internal = |error: String| Failure::internal(error);
    let slots = entry::slots(entry).map_err(|error| internal(error.message))?;
    let body = entry::body(entry.func).map_err(|error| internal(error.message))?;
    let count = body.argument_count();
    let greatest = |name: &str| entry.dims.iter().find(|dim| dim.name == name)?.max;
    let mut total = Ok(0u64);
    let mut sized = vec![];
    for (i, sizes) in slots.iter().enumerate() {
        let mut largest = 0;
        for size in sizes {
            match size.eval(&greatest) {
                Ok(bytes) => largest = largest.max(u64::try_from(bytes).unwrap_or(0)),
                Err(_) => {
                    let names = size.names();
                    let open = names.into_iter().find(|name| greatest(name).is_none());
                    total = Err(open.unwrap_or_default());
                }
            }
        }
        let align = WORKSPACE_ALIGN as u64;
        let padded = largest.next_multiple_of(align);
        total = total.map(|total| total.saturating_add(padded));
        let slot = body.argument(count - slots.len() + i);
        let slot: Value = slot.map_err(|error| internal(error.to_string()))?.into();
        let first = edit::uses(slot)
            .last()
            .map(|(op, _)| op.location().to_string());
        sized.push((largest, first.unwrap_or_default()));
    }
    sized.sort_by(|a, b| b.cmp(a));
    sized.truncate(SHOWN);
    Ok(Plan {
        name: entry.name.clone(),
        place: entry.func.location().to_string(),
        bytes: total,
        largest: sized,
    })
}

/// An export with a dim that may be of any size.
fn unlimited(input: Input, plan: &Plan, dim: &str) -> Diagnostic {
    let message = format!(
        "`{}` has no greatest workspace: `{dim}` may have any size",
        plan.name
    );
    let at = reported::place_of(input.sources, &plan.place);
    Diagnostic::error(Code::DL0311, message, at)
        .help(format!("give the dim a range, as in `{dim} in 1..=1024`"))
}

/// An export that does not fit, whatever is computed again.
fn too_large(input: Input, plan: &Plan, least: u64, most: u64) -> Diagnostic {
    let message = format!(
        "the workspace of `{}` takes {least} bytes at the least, and `--max-memory` allows {most}",
        plan.name
    );
    let at = reported::place_of(input.sources, &plan.place);
    let mut diagnostic = Diagnostic::error(Code::DL0311, message, at);
    for (bytes, place) in &plan.largest {
        let text = format!("{bytes} bytes");
        diagnostic = match reported::span(input.sources, place) {
            Some(span) if span != at => diagnostic.secondary(span, text),
            _ => diagnostic.note(text),
        };
    }
    diagnostic.help("smaller ranges of dims, or `@checkpoint` on functions whose intermediates are large, take less")
}

/// What has been chosen for an export.
fn chosen(input: Input, plan: &Plan, depth: i64) -> Diagnostic {
    let bytes = plan.bytes.as_ref().map_or(0, |bytes| *bytes);
    let name = &plan.name;
    let less = match depth {
        1 => format!(
            "the derivatives of `{name}` keep no wide products, and of loops only what rounds begin with"
        ),
        depth => format!("loops of the derivatives of `{name}` become nests of {depth}"),
    };
    let message = format!("{less}, and its workspace takes {bytes} bytes at most");
    let at = reported::place_of(input.sources, &plan.place);
    Diagnostic::remark(Code::DL0312, message, at).note(format!(
        "each round of a loop is computed up to {depth} times again on the way back"
    ))
}

#[cfg(test)]
mod tests {
    use super::parse_bytes;

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("512"), Ok(512));
        assert_eq!(parse_bytes("512K"), Ok(512 << 10));
        assert_eq!(parse_bytes("64m"), Ok(64 << 20));
        assert_eq!(parse_bytes("2G"), Ok(2 << 30));
        for wrong in ["", "K", "1KB", "1.5M", "-1", "99999999999G", "1MM"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
