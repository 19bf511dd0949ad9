//! Remarks for programs: as LLVM's tools write them in YAML, and as JSON.

use crate::model::{File, Note, Place, Remark};
use serde_json::{Value, json};

/// Remarks in the YAML of LLVM's optimisation remarks, one document each, which `opt-viewer` and `llvm-remarkutil` read.
///
/// A value is written as JSON's text of it, which YAML takes as it is.
pub fn yaml(remarks: &[Remark], files: &[File]) -> String {
    remarks
        .iter()
        .map(|remark| document(remark, files))
        .collect()
}

fn document(remark: &Remark, files: &[File]) -> String {
    let tag = match remark.kind {
        Note::Passed => "Passed",
        Note::Missed => "Missed",
        Note::Analysis => "Analysis",
    };
    let text = |text: &str| Value::from(text).to_string();
    let location = |place: Place| {
        let file = files.get(place.file).map_or("", |file| file.name.as_str());
        let (line, column) = (place.line, place.column);
        format!("{{ File: {}, Line: {line}, Column: {column} }}", text(file))
    };
    let mut yaml = format!("--- !{tag}\n");
    yaml += &format!("Pass:            {}\n", remark.about);
    yaml += &format!("Name:            {}\n", remark.code);
    if let Some(place) = remark.place {
        yaml += &format!("DebugLoc:        {}\n", location(place));
    }
    yaml += "Function:        ''\nArgs:\n";
    yaml += &format!("  - String:          {}\n", text(&remark.message));
    if let Some(bytes) = &remark.bytes {
        yaml += &format!("  - Bytes:           {}\n", text(&bytes.formula));
    }
    if let Some((place, what)) = &remark.other {
        yaml += &format!("  - Other:           {}\n", text(what));
        yaml += &format!("    DebugLoc:        {}\n", location(*place));
    }
    yaml + "...\n"
}

/// Remarks as a JSON object.
pub fn json(remarks: &[Remark], files: &[File]) -> String {
    let place = |place: Place| {
        let file = files.get(place.file).map(|file| file.name.as_str());
        json!({ "file": file, "line": place.line, "column": place.column })
    };
    let all = remarks.iter().map(|remark| {
        json!({
            "kind": remark.kind,
            "about": remark.about,
            "code": remark.code,
            "place": remark.place.map(place),
            "other": remark.other.as_ref().map(|(at, what)| json!({ "place": place(*at), "is": what })),
            "message": remark.message,
            "bytes": remark.bytes,
        })
    });
    format!("{:#}\n", json!({ "remarks": all.collect::<Vec<_>>() }))
}
