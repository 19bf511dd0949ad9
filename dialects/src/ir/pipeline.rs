//! What pipelines are made of: passes named as in textual pipelines, so that a list of them can be given to
//! `dlc-opt --pass-pipeline`.

/// A part of a pipeline, after which the module can be looked at.
#[derive(Debug)]
pub struct Stage {
    /// The `--emit` word of what it gives.
    pub name: &'static str,
    /// Its passes.
    pub passes: &'static [Step],
}

/// A pass of a pipeline.
#[derive(Debug)]
pub enum Step {
    /// The result is wrong, or a later pass fails, without it.
    Required(&'static str),
    /// Left out at -O0.
    Optional(&'static str),
    /// Required, but the other passes do the same work plainly: what `dlc bisect` compares the first one with.
    Replaceable(&'static str, &'static str),
}

impl Step {
    /// Its text in a pipeline on the module.
    pub fn text(&self) -> &'static str {
        match self {
            Step::Required(text) | Step::Optional(text) | Step::Replaceable(text, _) => text,
        }
    }

    /// The pass's name, without anchor and options.
    pub fn name(&self) -> &'static str {
        let text = self.text();
        let text = text.strip_prefix("func.func(").unwrap_or(text);
        text.split(['{', ')']).next().unwrap_or(text)
    }
}
