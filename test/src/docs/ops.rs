//! The chapter of the `dl` dialect's operations, from their records, the table of derivative rules, and the ops' tests.

use anyhow::{Context, Result};
use dlc_autodiff::rules::{Rule, Tangent, rule};
use dlc_dialects::ops::{Argument, ELEMENT_CLASSES, Expr, OpKind, SECTIONS};

use super::tables::NOTE;
use crate::{files, opfile};

/// What a record's description of a derivative begins with, where there is a rule by hand that says nothing of itself.
const DERIVATIVE: &str = "Derivative: ";
/// How many evaluations an example shows.
const EVALS: usize = 2;

/// The chapter.
pub fn chapter() -> Result<String> {
    let mut text = format!(
        "# Operations of the dl dialect\n\n{NOTE}\n\n\
         The IR that the checker writes and derivatives are made in; `dlc build --emit=dl` shows it. Tensors are values, scalars\n\
         tensors of rank 0. A dim that is not known is `?`; an op whose result has dims that its operands do not tell takes them as\n\
         `sizes`. In the derivatives, `g` is the adjoint of the result. Examples are from the ops' tests, `test/ops`.\n\n"
    );
    for (title, kinds) in SECTIONS {
        let link = |kind: &OpKind| format!("[{0}](#dl{0})", kind.mnemonic());
        let links: Vec<_> = kinds.iter().map(link).collect();
        text += &format!("- {title}: {}\n", links.join(", "));
    }
    text +=
        "\nConstraints name classes of element types:\n\n| class | element types |\n|---|---|\n";
    for (class, types) in ELEMENT_CLASSES {
        text += &format!("| {class} | {} |\n", types.join(", "));
    }
    for (title, kinds) in SECTIONS {
        text += &format!("\n## {title}\n");
        for kind in *kinds {
            text += &of_op(*kind)?;
        }
    }
    Ok(text)
}

fn of_op(kind: OpKind) -> Result<String> {
    let record = kind.record();
    let mnemonic = kind.mnemonic();
    let mut text = format!("\n### `dl.{mnemonic}`\n\n{}.\n", kind.summary());
    // An example of the record is one of syntax alone; that of the test runs.
    let (description, _) = split_once(record.description, "```mlir");
    let (prose, constraints) = match description.find("C1: ") {
        Some(at) => description.split_at(at),
        None => (description, ""),
    };
    let (prose, told) = split_once(prose, DERIVATIVE);
    if !prose.trim().is_empty() {
        text += &format!("\n{}\n", prose.trim());
    }
    text += "\n| | name | what it may be |\n|---|---|---|\n";
    for (what, all) in [
        ("operand", record.operands),
        ("attribute", record.attributes),
        ("result", record.results),
    ] {
        for Argument { name, constraint } in all {
            text += &format!("| {what} | `{name}` | {constraint} |\n");
        }
    }
    let mut conditions = numbered(constraints);
    let unnumbered = record.conditions.iter();
    let unnumbered = unnumbered.filter(|one| !(one.starts_with('C') && one.contains(": ")));
    conditions.extend(unnumbered.map(|one| one.to_string()));
    if !conditions.is_empty() {
        text += &format!("\n- {}\n", conditions.join("\n- "));
    }
    let derivative = match told.trim() {
        "" => derivative(kind),
        told => told.to_string(),
    };
    text += &format!("\n**Derivative**: {derivative}\n");
    Ok(text + "\n```mlir\n" + &example(mnemonic)? + "```\n")
}

fn split_once<'t>(text: &'t str, at: &str) -> (&'t str, &'t str) {
    text.split_once(at).unwrap_or((text, ""))
}

/// The constraints `C1: …`, `C2: …` of a text, each by itself.
fn numbered(text: &str) -> Vec<String> {
    let mut rest = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut all = vec![];
    for number in 2.. {
        let Some(at) = rest.find(&format!(" C{number}: ")) else {
            break;
        };
        let next = rest.split_off(at + 1);
        all.push(rest.trim().to_string());
        rest = next;
    }
    all.extend((!rest.is_empty()).then_some(rest));
    all
}

/// How an op is differentiated.
fn derivative(kind: OpKind) -> String {
    let names: Vec<_> = kind.record().operands.iter().map(|one| one.name).collect();
    match rule(kind) {
        Rule::Record(rules) => {
            let rules = names.iter().zip(rules);
            let rules = rules.map(|(name, rule)| match rule {
                Some(expr) => format!("`{name}` gets `{}`", shown(expr, &names, Precedence::Sum)),
                None => format!("`{name}` gets none"),
            });
            format!("{}.", rules.collect::<Vec<_>>().join(", "))
        }
        Rule::Hand(hand) => {
            let mut text = match hand.tangent {
                Tangent::Linear => "linear: the tangent of the result is the op of the operands' tangents, and reverse mode \
                                    is its transpose.",
                Tangent::Multilinear => "linear in each operand: the tangent of the result is the sum of the op with one \
                                         operand's tangent in its place.",
                Tangent::Hand(_) => "a rule of its own in each mode.",
            }
            .to_string();
            for place in hand.places {
                text += &format!(
                    " Nothing flows to `{}`, which only says where.",
                    names[*place]
                );
            }
            text
        }
        Rule::Inactive => {
            "nothing flows: it is 0 almost everywhere, or the result is constant.".into()
        }
        Rule::None
            if kind
                .record()
                .attributes
                .iter()
                .any(|one| one.name == "callee") =>
        {
            "that of the callee.".into()
        }
        Rule::None => "none: an error where one would have to go through.".into(),
    }
}

/// How tightly an expression holds together.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Precedence {
    Sum,
    Product,
    Atom,
}

/// An expression of a record as one writes it; parentheses where it holds together less than `least`.
fn shown(expr: &Expr, names: &[&str], least: Precedence) -> String {
    use Precedence::{Atom, Product, Sum};
    let (text, own) = match expr {
        Expr::Operand(at) => (names[*at].to_string(), Atom),
        Expr::Result => ("y".to_string(), Atom),
        Expr::Grad => ("g".to_string(), Atom),
        Expr::Lit(text) => (text.to_string(), Atom),
        Expr::Apply(name, [a, b]) => {
            let infix = |sign, own, right| {
                let (a, b) = (shown(a, names, own), shown(b, names, right));
                (format!("{a} {sign} {b}"), own)
            };
            match *name {
                "add" => infix("+", Sum, Sum),
                "sub" => infix("-", Sum, Product),
                "mul" => infix("*", Product, Product),
                "div" => infix("/", Product, Atom),
                _ => (call(name, &[*a, *b], names), Atom),
            }
        }
        Expr::Apply("neg", [x]) => (format!("-{}", shown(x, names, Product)), Sum),
        Expr::Apply(name, all) => (call(name, all, names), Atom),
    };
    match own < least {
        true => format!("({text})"),
        false => text,
    }
}

fn call(name: &str, all: &[Expr], names: &[&str]) -> String {
    let all = all.iter().map(|one| shown(one, names, Precedence::Sum));
    format!("{name}({})", all.collect::<Vec<_>>().join(", "))
}

/// The shortest function of an op's test that has the op and is evaluated, with what it calls and what it gives.
fn example(mnemonic: &str) -> Result<String> {
    let text = files::read(&files::root().join(format!("ops/{mnemonic}.mlir")))?;
    let module = opfile::module_text(&text);
    let functions = functions(module);
    let evals = |name: &str| -> Vec<&str> {
        let of = |line: &&str| line.starts_with(&format!("@{name}(")) && !line.contains("tol=");
        let evals = module
            .lines()
            .filter_map(|line| line.strip_prefix("// EVAL: "));
        evals.filter(of).take(EVALS).collect()
    };
    let op = format!("dl.{mnemonic} ");
    let with_op = functions.iter().filter(|(_, body)| body.contains(&op));
    let whole = with_op.map(|(name, _)| (name, with_callees(name, &functions)));
    let chosen = whole.min_by_key(|(name, text)| (evals(name).is_empty(), text.len()));
    let (name, body) =
        chosen.with_context(|| format!("no function of test/ops/{mnemonic}.mlir has the op"))?;
    let evals = evals(name).into_iter().map(|eval| format!("// {eval}\n"));
    Ok(evals.collect::<String>() + &body)
}

/// A function of a module, then those that it calls, directly or not.
fn with_callees(name: &str, functions: &[(&str, String)]) -> String {
    let mut names = vec![name];
    let mut texts: Vec<&str> = vec![];
    while let Some(next) = names.get(texts.len()).copied() {
        let of_next = functions.iter().find(|(name, _)| *name == next);
        let body = of_next.map_or("", |(_, body)| body);
        texts.push(body);
        let called = functions.iter().map(|(name, _)| *name);
        let called = called.filter(|name| body.contains(&format!("@{name}(")));
        let new: Vec<_> = called.filter(|name| !names.contains(name)).collect();
        names.extend(new);
    }
    texts.join("\n")
}

/// The functions of a module with their texts, without comments.
fn functions(module: &str) -> Vec<(&str, String)> {
    let mut all: Vec<(&str, String)> = vec![];
    let mut inside = false;
    for line in module.lines() {
        if let Some((_, rest)) = line
            .split_once("func.func ")
            .filter(|_| !line.starts_with("//"))
        {
            let name = split_once(rest, "@").1;
            all.push((split_once(name, "(").0, String::new()));
            inside = true;
        }
        if let Some((_, text)) = all.last_mut().filter(|_| inside)
            && !line.trim_start().starts_with("//")
        {
            *text += &format!("{line}\n");
        }
        inside &= line != "}";
    }
    all
}
