//! What op records say for readers, as Rust source: operands, attributes and results with the texts of their constraints,
//! what must hold besides, the description, and the sections of the files in which they stand.

use std::{error::Error, fmt::Write as _, fs};
use tblgen::record::Record;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The files with records, in the order in which readers see them.
const FILES: [&str; 3] = ["Elementwise.td", "Structured.td", "Shape.td"];
/// What stands around the title of a section.
const SECTION: &str = "//===-- ";

/// The `Record` of an op, as Rust source.
pub fn record(record: Record) -> Result<String> {
    let mut operands = String::new();
    let mut attributes = String::new();
    for (name, value) in record.dag_value("arguments")?.args() {
        let constraint = Record::try_from(value)?;
        let list = match constraint.subclass_of("Attr") {
            true => &mut attributes,
            false => &mut operands,
        };
        *list += &argument(name.ok_or("an argument needs a name")?, constraint)?;
    }
    let mut results = String::new();
    for (name, value) in record.dag_value("results")?.args() {
        results += &argument(
            name.ok_or("a result needs a name")?,
            Record::try_from(value)?,
        )?;
    }
    let mut conditions = Vec::new();
    for one in record.list_init_value("traits")?.iter() {
        let condition = Record::try_from(one)?;
        if condition.subclass_of("PredTrait") {
            conditions.push(condition.str_value("summary")?.to_string());
        }
    }
    let description = unindented(
        record
            .optional_str_value("description")?
            .unwrap_or_default(),
    );
    Ok(format!(
        "Record {{ operands: &[{operands}], attributes: &[{attributes}], results: &[{results}], \
         conditions: &{conditions:?}, description: {description:?} }}"
    ))
}

/// A name with the text of what may stand for it.
fn argument(name: &str, constraint: Record) -> Result<String> {
    let mut text = constraint.str_value("summary")?.to_string();
    if constraint.subclass_of("OptionalAttr") {
        text += ", optional";
    }
    Ok(format!(
        "Argument {{ name: {name:?}, constraint: {text:?} }},"
    ))
}

/// A text without what all its lines begin with.
fn unindented(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let least = lines().map(indent).min().unwrap_or(0);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.get(least..).unwrap_or("").trim_end())
        .collect();
    lines.join("\n").trim().to_string()
}

/// The sections of the files, as the Rust source of a constant; `kind` gives the kind of a record by its name.
pub fn sections(kind: impl Fn(&str) -> Option<String>) -> Result<String> {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for file in FILES {
        let text = fs::read_to_string(format!("ods/{file}"))?;
        let mut here = None;
        for line in text.lines() {
            if let Some(title) = line.strip_prefix(SECTION) {
                here = Some(title.trim_end_matches(['-', '=', '/', ' ']).to_string());
            }
            let name = line.strip_prefix("def ");
            let name = name.and_then(|rest| rest.split([' ', ':', ';', '<']).next());
            let Some(kind) = name.and_then(&kind) else {
                continue;
            };
            let title = here
                .clone()
                .ok_or(format!("{file}: {line} stands in no section"))?;
            match sections.last_mut().filter(|(last, _)| *last == title) {
                Some((_, kinds)) => kinds.push(kind),
                None => sections.push((title, vec![kind])),
            }
        }
    }
    let mut source = String::from(
        "/// The sections of the files with records, with their ops, in the files' order.\n\
         pub const SECTIONS: &[(&str, &[OpKind])] = &[",
    );
    for (title, kinds) in sections {
        write!(source, "({title:?}, &[{}]),", kinds.join(", "))?;
    }
    source += "];\n";
    Ok(source)
}

/// The classes of element types that constraints name, with their types, as the Rust source of a constant.
pub fn classes<'r>(records: impl Iterator<Item = Record<'r>>) -> Result<String> {
    let mut source = String::from(
        "/// The classes of element types that constraints of operands name, with their types.\n\
         pub const ELEMENT_CLASSES: &[(&str, &[&str])] = &[",
    );
    for record in records.filter(|record| record.name().is_ok_and(|name| name.starts_with("DL_"))) {
        let types = record.list_init_value("allowedTypes")?;
        let types = types.iter().map(|one| {
            let ty = Record::try_from(one)?;
            // Unsigned types of MLIR have no records of their own names.
            Ok(match ty.subclass_of("UI") {
                true => format!("ui{}", ty.int_value("bitwidth")?),
                false => ty.name()?.to_lowercase(),
            })
        });
        let types: Vec<String> = types.collect::<Result<_>>()?;
        write!(source, "({:?}, &{types:?}),", record.str_value("summary")?)?;
    }
    source += "];\n";
    Ok(source)
}
