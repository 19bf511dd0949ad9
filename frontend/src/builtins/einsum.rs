//! `einsum("bij,bjk->bik", a, b)`.
//!
//! Operands are taken together from left to right: two of them make a batched product over the letters that neither
//! the result nor a later operand has.

use crate::ast::Span;
use crate::builtins::args::Call;
use crate::check::class::Class;
use crate::check::convert::dim_text;
use crate::check::{Checker, NodeId, Res, Value};
use crate::core::{Dim, Num};
use crate::diagnostic::{Code, Diagnostic};

/// A letter, or an axis of `...` counted from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Dots(usize),
    Letter(char),
}

/// The letters of an operand or the result; `None` stands for `...`.
type Subscript = Vec<Option<char>>;

fn parse(text: &str) -> Result<(Vec<Subscript>, Option<Subscript>), String> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match compact.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (compact.as_str(), None),
    };
    let inputs = inputs.split(',').map(subscript).collect::<Result<_, _>>()?;
    Ok((inputs, output.map(subscript).transpose()?))
}

fn subscript(text: &str) -> Result<Subscript, String> {
    let mut labels = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            if labels.contains(&None) {
                return Err(format!("`...` stands twice in `{text}`"));
            }
            labels.push(None);
            rest = after;
        } else if c.is_ascii_alphabetic() {
            labels.push(Some(c));
            rest = &rest[1..];
        } else {
            return Err(format!("`{c}` is no letter"));
        }
    }
    Ok(labels)
}

/// An operand with the letters of its axes.
struct Term {
    x: NodeId,
    labels: Vec<Label>,
}

impl Term {
    fn position(&self, label: Label) -> Option<usize> {
        self.labels.iter().position(|known| *known == label)
    }
}

pub(super) fn einsum<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("subscripts")?;
    let Value::Str(text) = &operand.value else {
        return call.wrong("subscripts", "text such as `\"ij,jk->ik\"`", &operand);
    };
    let at = operand.span;
    let (inputs, output) = match parse(text) {
        Ok(parsed) => parsed,
        Err(message) => return call.error(Code::DL0218, message, at),
    };
    let operands = std::mem::take(&mut call.rest);
    if inputs.len() != operands.len() {
        let count = |n: usize| {
            if n == 1 {
                "1 tensor".to_string()
            } else {
                format!("{n} tensors")
            }
        };
        let message = format!(
            "`{text}` is of {}, and {} given",
            count(inputs.len()),
            crate::check::call::count_given(operands.len())
        );
        return call.error(Code::DL0218, message, at);
    }
    let mut terms = Vec::new();
    let mut dtype = None;
    for (subscript, operand) in inputs.iter().zip(&operands) {
        let x = call.as_tensor_of(operand, Class::Number)?;
        let ty = call.checker.ty(x).clone();
        if *dtype.get_or_insert(ty.dtype) != ty.dtype {
            let first = dtype.unwrap_or(ty.dtype);
            let message = format!("`einsum`: dtypes differ, `{first}` and `{}`", ty.dtype);
            let diagnostic = Diagnostic::error(Code::DL0201, message, operand.span);
            let diagnostic = call
                .checker
                .suggest_cast(diagnostic, operand.span, ty.dtype, first);
            return Err(call.checker.report(diagnostic));
        }
        let letters = subscript.iter().flatten().count();
        let dots = subscript.contains(&None);
        if letters > ty.rank() || (!dots && letters < ty.rank()) {
            let shown: String = subscript
                .iter()
                .map(|label| label.map_or("...".into(), String::from))
                .collect();
            let message = format!("`{shown}` names {letters} axes, and this is `{ty}`");
            let diagnostic = Diagnostic::error(Code::DL0218, message, operand.span)
                .secondary(at, "the letters stand here");
            return Err(call.checker.report(diagnostic));
        }
        let extra = ty.rank() - letters;
        let labels = expand(subscript, extra);
        terms.push(Term { x, labels });
    }
    let output = result_labels(call, output, &terms, at)?;
    let spans: Vec<Span> = operands.iter().map(|operand| operand.span).collect();
    check_sizes(call, &mut terms, &spans)?;
    let span = call.span();
    contract(call.checker, terms, &output, span).map(Value::Tensor)
}

fn expand(subscript: &Subscript, dots: usize) -> Vec<Label> {
    let mut labels = Vec::new();
    for label in subscript {
        match label {
            Some(letter) => labels.push(Label::Letter(*letter)),
            None => labels.extend((0..dots).rev().map(Label::Dots)),
        }
    }
    labels
}

/// The letters of the result; where they are not written, those that stand once, in the order of the alphabet.
fn result_labels(
    call: &mut Call<'_, '_>,
    output: Option<Subscript>,
    terms: &[Term],
    at: Span,
) -> Res<Vec<Label>> {
    let all: Vec<Label> = terms
        .iter()
        .flat_map(|term| term.labels.iter().copied())
        .collect();
    let dots = all
        .iter()
        .filter_map(|label| {
            if let Label::Dots(i) = label {
                Some(i + 1)
            } else {
                None
            }
        })
        .max()
        .unwrap_or(0);
    let Some(output) = output else {
        let mut once: Vec<Label> = all
            .iter()
            .copied()
            .filter(|label| {
                matches!(label, Label::Letter(_))
                    && all.iter().filter(|other| *other == label).count() == 1
            })
            .collect();
        once.sort_unstable();
        return Ok((0..dots).rev().map(Label::Dots).chain(once).collect());
    };
    let labels = expand(&output, dots);
    for (i, label) in labels.iter().enumerate() {
        let Label::Letter(letter) = label else {
            continue;
        };
        if labels[..i].contains(label) {
            return call.error(
                Code::DL0218,
                format!("`{letter}` stands twice in the result"),
                at,
            );
        }
        if !all.contains(label) {
            return call.error(
                Code::DL0218,
                format!("`{letter}` of the result stands in no operand"),
                at,
            );
        }
    }
    Ok(labels)
}

/// Axes of one letter have one size. An axis of size 1 under `...` broadcasts: it is dropped where another is wider.
fn check_sizes(call: &mut Call<'_, '_>, terms: &mut [Term], spans: &[Span]) -> Res<()> {
    let mut sizes: Vec<(Label, Dim, usize)> = Vec::new();
    for (i, term) in terms.iter().enumerate() {
        let shape = call.checker.shape(term.x);
        for (label, size) in term.labels.iter().zip(shape) {
            match sizes.iter_mut().find(|known| known.0 == *label) {
                None => sizes.push((*label, size, i)),
                Some(known) if call.checker.same_dim(&known.1, &size) => {}
                Some(known) if matches!(label, Label::Dots(_)) && known.1.as_const() == Some(1) => {
                    known.1 = size
                }
                Some(_) if matches!(label, Label::Dots(_)) && size.as_const() == Some(1) => {}
                Some(known) => {
                    let name = match label {
                        Label::Letter(letter) => format!("`{letter}`"),
                        Label::Dots(_) => "`...`".to_string(),
                    };
                    let message = format!(
                        "{name} has two sizes: {} and {}",
                        dim_text(&known.1),
                        dim_text(&size)
                    );
                    let note = call.checker.compare_note(&known.1, &size);
                    let mut diagnostic =
                        Diagnostic::error(Code::DL0218, message, spans[i]).note(note);
                    if known.2 != i {
                        diagnostic = diagnostic.secondary(
                            spans[known.2],
                            format!("here it is {}", dim_text(&known.1)),
                        );
                    }
                    return Err(call.checker.report(diagnostic));
                }
            }
        }
    }
    let span = call.span();
    for term in terms {
        let shape = call.checker.shape(term.x);
        let dropped: Vec<usize> = (0..shape.len())
            .filter(|axis| {
                let wide = sizes
                    .iter()
                    .any(|known| known.0 == term.labels[*axis] && known.1.as_const() != Some(1));
                matches!(term.labels[*axis], Label::Dots(_))
                    && shape[*axis].as_const() == Some(1)
                    && wide
            })
            .collect();
        for axis in dropped.into_iter().rev() {
            let mut shape = call.checker.shape(term.x);
            shape.remove(axis);
            term.labels.remove(axis);
            term.x = call.checker.reshape(term.x, &shape, span)?;
        }
    }
    Ok(())
}

fn contract(
    checker: &mut Checker<'_>,
    terms: Vec<Term>,
    output: &[Label],
    span: Span,
) -> Res<NodeId> {
    let mut rest = Vec::new();
    for term in terms {
        rest.push(diagonal(checker, term, span)?);
    }
    rest.reverse();
    let Some(mut left) = rest.pop() else {
        return Err(crate::check::Reported);
    };
    while let Some(right) = rest.pop() {
        let needed = |label: &Label| {
            output.contains(label) || rest.iter().any(|term| term.labels.contains(label))
        };
        left = sum_out(
            checker,
            left,
            &|label| needed(label) || right.labels.contains(label),
            span,
        )?;
        let right = sum_out(
            checker,
            right,
            &|label| needed(label) || left.labels.contains(label),
            span,
        )?;
        let (mut batch, mut contracted, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, label) in left.labels.iter().enumerate() {
            match right.position(*label) {
                Some(other) if needed(label) => {
                    batch.push((axis, other));
                    labels.push(*label);
                }
                Some(other) => contracted.push((axis, other)),
                None => {}
            }
        }
        labels.extend(
            left.labels
                .iter()
                .filter(|label| right.position(**label).is_none()),
        );
        labels.extend(
            right
                .labels
                .iter()
                .filter(|label| left.position(**label).is_none()),
        );
        left = Term {
            x: checker.dot_general(left.x, right.x, batch, contracted, span)?,
            labels,
        };
    }
    let left = sum_out(checker, left, &|label| output.contains(label), span)?;
    let permutation: Vec<usize> = output
        .iter()
        .filter_map(|label| left.position(*label))
        .collect();
    checker.transpose(left.x, &permutation, span)
}

/// Sums over the axes whose letters are not needed.
fn sum_out(
    checker: &mut Checker<'_>,
    term: Term,
    needed: &dyn Fn(&Label) -> bool,
    span: Span,
) -> Res<Term> {
    let axes: Vec<usize> = (0..term.labels.len())
        .filter(|axis| !needed(&term.labels[*axis]))
        .collect();
    let labels = term
        .labels
        .into_iter()
        .filter(|label| needed(label))
        .collect();
    Ok(Term {
        x: checker.reduce("sum", term.x, &axes, false, span)?,
        labels,
    })
}

/// One axis where a letter stands twice: what is off the diagonal is left out of a sum.
fn diagonal(checker: &mut Checker<'_>, mut term: Term, span: Span) -> Res<Term> {
    while let Some((first, second)) = (0..term.labels.len()).find_map(|i| {
        (i + 1..term.labels.len())
            .find(|j| term.labels[*j] == term.labels[i])
            .map(|j| (i, j))
    }) {
        let shape = checker.shape(term.x);
        let rows = checker.iota(&shape, first, crate::ast::DType::I64, span)?;
        let columns = checker.iota(&shape, second, crate::ast::DType::I64, span)?;
        let on = checker.elementwise("equal", &[rows, columns], crate::ast::DType::Bool, span)?;
        let zero = checker.full_like(Num::Int(0), term.x, span)?;
        let kept = checker.select(on, term.x, zero, span)?;
        term.x = checker.reduce("sum", kept, &[second], false, span)?;
        term.labels.remove(second);
    }
    Ok(term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscripts_are_letters_and_dots() {
        let (inputs, output) = parse(" bij, ...jk -> bik ").expect("well-formed");
        assert_eq!(
            inputs,
            [
                vec![Some('b'), Some('i'), Some('j')],
                vec![None, Some('j'), Some('k')]
            ]
        );
        assert_eq!(output, Some(vec![Some('b'), Some('i'), Some('k')]));
        assert!(parse("i......").is_err());
        assert!(parse("i1->i").is_err());
        assert_eq!(parse("ij").expect("without a result").1, None);
    }
}
