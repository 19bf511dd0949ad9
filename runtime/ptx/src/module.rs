//! PTX modules.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::decode;
use crate::kernel::Entry;
use crate::lexer::ParseError;
use crate::parser;
use crate::syntax::{Initial, Space, Variable};

/// A module: its kernels, decoded, and its variables.
#[derive(Debug)]
pub struct Module {
    /// What tells it from others, for where its variables are in a memory.
    pub(crate) id: u64,
    version: String,
    target: String,
    entries: Vec<Entry>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) lines: Vec<String>,
}

impl Module {
    /// Parses and decodes PTX.
    ///
    /// # Errors
    /// Fails at the first place that is not PTX or that the interpreter does not know.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let unit = parser::parse(text)?;
        check_initials(&unit.variables)?;
        let entries = unit
            .functions
            .iter()
            .filter(|function| function.is_entry)
            .map(|function| decode::entry(&unit, function))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            version: unit.version,
            target: unit.target,
            entries,
            variables: unit.variables,
            lines: text.lines().map(str::to_string).collect(),
        })
    }

    /// The PTX version in the text.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The first target in the text, as `sm_90a`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The kernels, in the order of the text.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The kernel of a name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The text of a line, counted from 1.
    pub(crate) fn line(&self, line: u32) -> &str {
        let index = (line as usize).checked_sub(1);
        let text = index.and_then(|index| self.lines.get(index));
        text.map_or("", |text| text.trim())
    }
}

fn check_initials(variables: &[Variable]) -> Result<(), ParseError> {
    for variable in variables {
        for value in &variable.initial {
            let Initial::Address(name, _) = value else {
                continue;
            };
            let known = variables
                .iter()
                .any(|other| &other.name == name && other.space != Space::Shared);
            if !known || variable.ty.bits() != 64 {
                let message = format!("`{name}` is no address that a variable can begin with");
                return Err(ParseError::new(variable.place, message));
            }
        }
    }
    Ok(())
}
