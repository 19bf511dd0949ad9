//! Lints: what a warning is called on the command line, and whether it is shown, or is an error.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic, Severity, similar};

/// What becomes of the warnings of a lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// They are left out.
    Allow,
    /// They are warnings.
    Warn,
    /// They are errors.
    Deny,
}

/// The name that stands for every lint that is not switched off.
const ALL: &str = "warnings";

/// The level of each lint. The standard library's own warnings are nobody's business at any level.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// The lints whose level was set, and by what name.
    set: BTreeMap<Code, (Level, String)>,
}

/// Why a level cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLint {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Levels {
    /// Sets the level of a lint, named or by its code, or of all that are not switched off.
    pub fn set(&mut self, level: Level, name: &str) -> Result<(), UnknownLint> {
        if name == ALL {
            for code in Code::ALL.iter().filter(|code| code.lint().is_some()) {
                if self.of(*code) != Level::Allow {
                    self.set.insert(*code, (level, ALL.to_owned()));
                }
            }
            return Ok(());
        }
        let lint = Code::of_lint(name);
        let code = lint.or_else(|| Code::parse(name).filter(|code| code.lint().is_some()));
        let code = code.ok_or_else(|| UnknownLint::new(name))?;
        self.set.insert(code, (level, name.to_owned()));
        Ok(())
    }

    fn of(&self, code: Code) -> Level {
        self.set.get(&code).map_or(Level::Warn, |(level, _)| *level)
    }

    /// Leaves out what is allowed, and makes errors of what is denied.
    pub fn apply(&self, diagnostics: &mut Vec<Diagnostic>) {
        let level = |diagnostic: &Diagnostic| match diagnostic.severity {
            Severity::Warning => self.set.get(&diagnostic.code),
            Severity::Error | Severity::Remark => None,
        };
        diagnostics.retain(|one| !matches!(level(one), Some((Level::Allow, _))));
        for diagnostic in diagnostics {
            if let Some((Level::Deny, name)) = level(diagnostic) {
                let note = format!("a warning that `-D {name}` makes an error");
                diagnostic.severity = Severity::Error;
                diagnostic.notes.push(note);
            }
        }
    }
}

impl UnknownLint {
    fn new(name: &str) -> Self {
        if let Some(code) = Code::parse(name) {
            return Self {
                message: format!("{code} is no lint: only warnings have a level"),
                help: format!("`dlc explain {code}` tells what it means"),
            };
        }
        let lints = || Code::ALL.iter().filter_map(|code| code.lint());
        let help = match similar(name, lints().chain([ALL])) {
            Some(similar) => format!("a lint with a similar name exists: `{similar}`"),
            None => {
                let lints: Vec<_> = lints().collect();
                format!("the lints are {}; `{ALL}` is all of them", lints.join(", "))
            }
        };
        Self {
            message: format!("there is no lint `{name}`"),
            help,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Span;

    /// What becomes of a warning of each of two lints under these flags.
    fn severities(flags: &[(Level, &str)]) -> Vec<(Code, Severity)> {
        let mut levels = Levels::default();
        for (level, name) in flags {
            levels.set(*level, name).expect("the lint exists");
        }
        let warning = |code| Diagnostic::warning(code, "", Span::new(0, 0));
        let error = Diagnostic::error(Code::DL0203, "", Span::new(0, 0));
        let mut all = vec![warning(Code::DL0904), warning(Code::DL0905), error];
        levels.apply(&mut all);
        all.iter().map(|one| (one.code, one.severity)).collect()
    }

    #[test]
    fn later_flags_win() {
        use Level::{Allow, Deny, Warn};
        use Severity::{Error, Warning};
        let (unused_import, unused_variable) = (Code::DL0904, Code::DL0905);
        let error = (Code::DL0203, Error);
        let rest = |of: &[(Code, Severity)]| [of, &[error]].concat();
        assert_eq!(
            severities(&[]),
            rest(&[(unused_import, Warning), (unused_variable, Warning)])
        );
        assert_eq!(
            severities(&[(Deny, "unused-variables"), (Allow, "DL0904")]),
            rest(&[(unused_variable, Error)])
        );
        assert_eq!(
            severities(&[(Deny, "unused_variables"), (Warn, "DL0905")]),
            rest(&[(unused_import, Warning), (unused_variable, Warning)])
        );
        assert_eq!(
            severities(&[(Deny, "warnings"), (Warn, "unused-imports")]),
            rest(&[(unused_import, Warning), (unused_variable, Error)])
        );
        assert_eq!(
            severities(&[(Allow, "unused-imports"), (Deny, "warnings")]),
            rest(&[(unused_variable, Error)])
        );
        assert_eq!(
            severities(&[(Deny, "warnings"), (Allow, "warnings")]),
            rest(&[])
        );
    }

    #[test]
    fn unknown_lints_are_refused() {
        let refused = |name: &str| {
            Levels::default()
                .set(Level::Deny, name)
                .expect_err("unknown")
        };
        let help = refused("unused-variable").help;
        assert_eq!(
            help,
            "a lint with a similar name exists: `unused-variables`"
        );
        assert!(refused("x").help.starts_with("the lints are "));
        assert!(refused("DL0203").message.starts_with("DL0203 is no lint"));
    }

    #[test]
    fn every_warning_is_a_lint() {
        let mut names = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let lint = code.lint();
            assert_eq!(lint.is_some(), code.name().starts_with("DL09"), "{code}");
            let Some(lint) = lint else { continue };
            assert!(names.insert(lint), "{lint}");
            assert_eq!(Code::of_lint(lint), Some(*code));
            let off = format!("`-A {lint}`");
            assert!(
                code.page().contains(&off),
                "the page of {code} has no {off}"
            );
        }
    }
}
