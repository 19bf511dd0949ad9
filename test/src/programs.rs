//! Random programs on all targets, against the oracle of `dlc-programs`: values, tangents and gradients.
//!
//! A program is an export for its value, one for its tangent and one for its gradient, and several programs stand in
//! one file. What may crash runs in a process of its own (`worker`), which a campaign watches.

pub mod campaign;
pub mod file;
pub mod target;
pub mod worker;

use dlc_programs::{ast::Program, generate::generate, shrink};

/// What became of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All numbers agree.
    Agrees,
    /// Its numbers cannot be compared.
    Rejected(String),
    /// The compiler refuses it, or a target gives something else: what kind of failure it is, and how it shows.
    Fails {
        /// What has to stay the same while the program is made smaller.
        kind: String,
        /// The numbers, or the messages.
        details: String,
    },
}

/// A program as a command line names it: a seed, and the edits that make it smaller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Name {
    /// What it is generated from.
    pub seed: u64,
    /// The edits after that.
    pub edits: Vec<usize>,
}

impl Name {
    /// The program.
    pub fn program(&self) -> Option<Program> {
        let program = generate(self.seed).0;
        let edits = self.edits.iter();
        edits
            .copied()
            .try_fold(program, |program, edit| shrink::edited(&program, edit))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let edits = self.edits.iter().map(usize::to_string).collect::<Vec<_>>();
        match edits.is_empty() {
            true => write!(f, "{}", self.seed),
            false => write!(f, "{}:{}", self.seed, edits.join(".")),
        }
    }
}

impl std::str::FromStr for Name {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seed, edits) = text.split_once(':').unwrap_or((text, ""));
        let edits = edits.split('.').filter(|edit| !edit.is_empty());
        Ok(Name {
            seed: seed.parse()?,
            edits: edits.map(str::parse).collect::<Result<_, _>>()?,
        })
    }
}
