//! The lines of a test file that say what to run.
//!
//! ```text
//! // RUN: dlc-opt %s | FileCheck %s
//! // EVAL: @f(2, [0.0, 1.0]) == [1.0, 2.0]
//! // EVAL: @f([0.0, 1.0]) ~= [1.0, 2.7182818], 3.0 tol=1e-6
//! // EVAL-ERROR: @f([0.0], 7) index 7 is outside a dim of 1
//! // EVAL-FAILS: @f([0.0], 8) DL1007
//! // GRADCHECK: @f(3, 5) domain=(-2,2) tol=1e-6 wrt=0,1 int=(0,3) mode=forward
//! // ULP: 4
//! ```
//!
//! Arguments of `EVAL` are those of the function, dims first. `==` wants the same bits (any NaN for NaN),
//! `~=` numbers that are near. `EVAL-ERROR` is what the reference evaluator alone refuses, `EVAL-FAILS` what
//! every runner does. `GRADCHECK` names the dims' values; it wants a function on f64; `mode=forward` leaves
//! out the reverse mode. `ULP` is how far the op's float results may be off.

use crate::literal::{Literal, parse_list};
use anyhow::{Context, Result, bail, ensure};

/// An `EVAL` line.
#[derive(Clone, Debug)]
pub struct Eval {
    /// Line number in the file.
    pub line: usize,
    /// The function.
    pub function: String,
    /// Its arguments.
    pub args: Vec<Literal>,
    /// What is expected.
    pub expected: Expected,
}

/// What an `EVAL` line expects.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The same bits.
    Equal(Vec<Literal>),
    /// Numbers within a tolerance, relative where they are larger than 1; the type's own if `None`.
    Near(Vec<Literal>, Option<f64>),
    /// An error of the reference evaluator that has this text.
    Error(String),
    /// An error of every runner that has this text.
    Fails(String),
}

/// A `GRADCHECK` line.
#[derive(Clone, Debug)]
pub struct Gradcheck {
    /// Line number in the file.
    pub line: usize,
    /// The function.
    pub function: String,
    /// The values of its dims.
    pub dims: Vec<i64>,
    /// The range that float arguments are drawn from.
    pub domain: (f64, f64),
    /// The range, without its end, that integer arguments are drawn from.
    pub integers: (f64, f64),
    /// How far the derivative may be off, relative where it is larger than 1.
    pub tolerance: f64,
    /// Tensor arguments to differentiate by; all float ones if `None`.
    pub wrt: Option<Vec<i64>>,
    /// Whether the reverse mode is checked too.
    pub reverse: bool,
}

/// All directives of a file.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// Shell commands, with continuation lines joined.
    pub runs: Vec<String>,
    /// Evaluations.
    pub evals: Vec<Eval>,
    /// Gradient checks.
    pub gradchecks: Vec<Gradcheck>,
    /// Units in the last place that the op's results may be off.
    pub ulp: Option<f64>,
}

/// Reads the directives of a file's text.
pub fn parse(text: &str) -> Result<Directives> {
    let mut found = Directives::default();
    let mut continued = false;
    for (i, line) in text.lines().enumerate() {
        let Some(comment) = line.trim_start().strip_prefix("//") else {
            continue;
        };
        let Some((key, value)) = comment.trim_start().split_once(": ") else {
            continue;
        };
        let at = || format!("line {}: {}", i + 1, line.trim());
        let value = value.trim();
        match key {
            "RUN" => {
                let (command, more) = match value.strip_suffix('\\') {
                    Some(command) => (command, true),
                    None => (value, false),
                };
                match found.runs.last_mut() {
                    Some(last) if continued => last.push_str(command),
                    _ => found.runs.push(command.into()),
                }
                continued = more;
            }
            "EVAL" => found.evals.push(parse_eval(i + 1, value).with_context(at)?),
            "EVAL-ERROR" => found
                .evals
                .push(parse_error(i + 1, value, Expected::Error).with_context(at)?),
            "EVAL-FAILS" => found
                .evals
                .push(parse_error(i + 1, value, Expected::Fails).with_context(at)?),
            "GRADCHECK" => found
                .gradchecks
                .push(parse_gradcheck(i + 1, value).with_context(at)?),
            "ULP" => found.ulp = Some(value.parse().with_context(at)?),
            _ => {}
        }
    }
    ensure!(!continued, "the last RUN line goes on without an end");
    Ok(found)
}

/// `@f(args)` and what follows.
fn parse_call(text: &str) -> Result<(String, Vec<Literal>, &str)> {
    let rest = text
        .strip_prefix('@')
        .context("`@` and a function's name are expected")?;
    let name_end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at(name_end);
    let Some(rest) = rest.strip_prefix('(') else {
        return Ok((name.into(), vec![], rest.trim_start()));
    };
    let (args, rest) = rest.split_once(')').context("`)` is missing")?;
    Ok((name.into(), parse_list(args)?, rest.trim_start()))
}

fn parse_eval(line: usize, text: &str) -> Result<Eval> {
    let (function, args, rest) = parse_call(text)?;
    let expected = if let Some(values) = rest.strip_prefix("==") {
        Expected::Equal(parse_list(values)?)
    } else if let Some(values) = rest.strip_prefix("~=") {
        let (values, tolerance) = match values.split_once("tol=") {
            Some((values, tolerance)) => (values, Some(tolerance.trim().parse()?)),
            None => (values, None),
        };
        Expected::Near(parse_list(values)?, tolerance)
    } else {
        bail!("`==` or `~=` is expected at `{rest}`")
    };
    Ok(Eval {
        line,
        function,
        args,
        expected,
    })
}

fn parse_error(line: usize, text: &str, expected: fn(String) -> Expected) -> Result<Eval> {
    let (function, args, rest) = parse_call(text)?;
    ensure!(!rest.is_empty(), "the text of the error is missing");
    Ok(Eval {
        line,
        function,
        args,
        expected: expected(rest.into()),
    })
}

fn parse_gradcheck(line: usize, text: &str) -> Result<Gradcheck> {
    let (function, dims, rest) = parse_call(text)?;
    let mut check = Gradcheck {
        line,
        function,
        dims: dims.iter().map(Literal::integer).collect::<Result<_>>()?,
        domain: (-2.0, 2.0),
        integers: (0.0, 1.0),
        tolerance: 1e-6,
        wrt: None,
        reverse: true,
    };
    for word in rest.split_whitespace() {
        let (key, value) = word
            .split_once('=')
            .with_context(|| format!("`{word}` has no `=`"))?;
        match key {
            "domain" => check.domain = parse_range(value)?,
            "int" => check.integers = parse_range(value)?,
            "tol" => check.tolerance = value.parse()?,
            "wrt" => check.wrt = Some(value.split(',').map(str::parse).collect::<Result<_, _>>()?),
            "mode" => {
                ensure!(value == "forward", "`{value}` is no mode to check alone");
                check.reverse = false;
            }
            _ => bail!("`{key}` is not known"),
        }
    }
    Ok(check)
}

fn parse_range(text: &str) -> Result<(f64, f64)> {
    let inner = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'));
    let (low, high) = inner
        .and_then(|inner| inner.split_once(','))
        .context("(low,high) is expected")?;
    Ok((low.parse()?, high.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read() {
        let text = "\
            // RUN: dlc-opt %s \\\n// RUN: | FileCheck %s\n// RUN: true\n\
            // EVAL: @f(2, [0.0, 1.0]) ~= [1, 2], 3 tol=1e-3\n// EVAL: @g() == true\n\
            // EVAL-ERROR: @f([1]) is outside\n// GRADCHECK: @f(3) domain=(0.5,2) wrt=0,2 tol=1e-5\n\
            // ULP: 4\n// CHECK: a = b\n";
        let found = parse(text).unwrap();
        assert_eq!(found.runs, ["dlc-opt %s | FileCheck %s", "true"]);
        assert_eq!(found.evals.len(), 3);
        assert!(
            matches!(&found.evals[0].expected, Expected::Near(v, Some(t)) if v.len() == 2 && *t == 1e-3)
        );
        assert!(matches!(&found.evals[2].expected, Expected::Error(text) if text == "is outside"));
        let check = &found.gradchecks[0];
        assert_eq!(
            (check.dims.as_slice(), check.domain),
            (&[3][..], (0.5, 2.0))
        );
        assert_eq!(check.wrt, Some(vec![0, 2]));
        assert_eq!(found.ulp, Some(4.0));
    }

    #[test]
    fn mistakes_name_their_line() {
        for text in [
            "// EVAL: f() == 1",
            "// EVAL: @f() = 1",
            "// GRADCHECK: @f range=(0,1)",
            "// ULP: few",
        ] {
            let message = format!("{:#}", parse(&format!("\n{text}")).unwrap_err());
            assert!(message.starts_with("line 2: "), "{message}");
        }
        assert!(parse("// RUN: a \\").is_err());
    }
}
