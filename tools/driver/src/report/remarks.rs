//! What passes said, as remarks of a report.

use super::{Places, amount};
use dlc_abi::Poly;
use dlc_dialects::ir::context::Record;
use dlc_lowering::remarks;
use dlc_report::{Dim, Note, Remark};
use std::collections::HashSet;

/// The remarks, each once, in the order of the source.
pub(crate) fn remarks(records: &[Record], places: &mut Places, dims: &[Dim]) -> Vec<Remark> {
    let mut seen = HashSet::new();
    let told = records.iter().filter(|record| {
        let place = (&record.location, &record.message);
        !record.error && seen.insert(place)
    });
    let mut remarks: Vec<_> = told
        .filter_map(|record| remark(record, places, dims))
        .collect();
    remarks.sort_by_key(|remark| remark.place);
    remarks
}

/// A remark of DL begins with its code.
fn remark(record: &Record, places: &mut Places, dims: &[Dim]) -> Option<Remark> {
    let (code, message) = record.message.split_once(' ')?;
    let (kind, about) = match code {
        remarks::FUSED => (Note::Passed, "fusion"),
        remarks::MISSED => (Note::Missed, "fusion"),
        _ if code.starts_with("DL") => (Note::Analysis, "derivatives"),
        _ => return None,
    };
    let mut at = |location: &str| {
        let chain = places.chain(location);
        places.own(&chain)
    };
    let place = at(&record.location);
    let other = record.notes.iter().find_map(|note| {
        let other = at(&note.location).filter(|other| Some(*other) != place)?;
        Some((other, note.message.clone()))
    });
    Some(Remark {
        kind,
        about: about.to_string(),
        code: code.to_string(),
        place,
        other,
        bytes: bytes(message).map(|bytes| amount(Some(&bytes), dims)),
        message: message.to_string(),
    })
}

/// The bytes that a message ends with, as in `…: 512*B bytes less are written and read`.
fn bytes(message: &str) -> Option<Poly> {
    let (_, amount) = message.rsplit_once(": ")?;
    let (formula, _) = amount.split_once(" bytes")?;
    Poly::parse(formula).ok()
}
