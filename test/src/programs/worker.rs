//! The process that compiles and runs programs: it says on standard output what becomes of each, a line a program.

use super::{Name, Outcome, file, target::Targets};
use std::io::Write;

/// How many programs stand in one file.
const TOGETHER: usize = 3;

/// The line that says what became of a program.
pub fn line(name: &Name, outcome: &Outcome) -> String {
    let escaped = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('\t', " ")
    };
    match outcome {
        Outcome::Agrees => format!("{name}\tagrees"),
        Outcome::Rejected(reason) => format!("{name}\trejected\t{}", escaped(reason)),
        Outcome::Fails { kind, details } => {
            format!("{name}\tfails\t{}\t{}", escaped(kind), escaped(details))
        }
    }
}

/// What a line says; none of a line that says something else.
pub fn parse(line: &str) -> Option<(Name, Outcome)> {
    let plain = |text: &str| {
        let marked = text.replace("\\\\", "\u{0}").replace("\\n", "\n");
        marked.replace('\u{0}', "\\")
    };
    let mut parts = line.split('\t');
    let name = parts.next()?.parse().ok()?;
    let outcome = match (parts.next()?, parts.next(), parts.next()) {
        ("agrees", None, None) => Outcome::Agrees,
        ("rejected", Some(reason), None) => Outcome::Rejected(plain(reason)),
        ("fails", Some(kind), Some(details)) => Outcome::Fails {
            kind: plain(kind),
            details: plain(details),
        },
        _ => return None,
    };
    Some((name, outcome))
}

/// Runs programs and reports them.
pub fn run(names: &[Name]) -> std::io::Result<()> {
    let targets = Targets::default();
    for names in names.chunks(TOGETHER) {
        let made = names.iter().map(|name| (name, name.program()));
        let (mut known, mut programs) = (vec![], vec![]);
        for (name, program) in made {
            match program {
                Some(program) => {
                    known.push(name);
                    programs.push(program);
                }
                None => report(name, &Outcome::Rejected("there is no such edit".into()))?,
            }
        }
        let outcomes = targets.check(&programs.iter().collect::<Vec<_>>());
        for (name, outcome) in known.into_iter().zip(outcomes) {
            report(name, &outcome)?;
        }
    }
    Ok(())
}

fn report(name: &Name, outcome: &Outcome) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", line(name, outcome))?;
    out.flush()
}

/// The text of a program with its exports.
pub fn text(name: &Name) -> Option<String> {
    Some(file::text(&[&name.program()?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_they_were_made_of() {
        let name: Name = "17:0.3.12".parse().unwrap();
        assert_eq!(name.to_string(), "17:0.3.12");
        let outcomes = [
            Outcome::Agrees,
            Outcome::Rejected("Large".into()),
            Outcome::Fails {
                kind: "-O3 vjp is wrong".into(),
                details: "two\nlines and a \\n".into(),
            },
        ];
        for outcome in outcomes {
            assert_eq!(parse(&line(&name, &outcome)), Some((name.clone(), outcome)));
        }
        assert_eq!(parse("warning: something"), None);
    }
}
