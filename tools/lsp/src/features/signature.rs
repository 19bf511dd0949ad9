//! The parameters of the function that is being called, found in the text before the cursor, which need not parse.

use dlc_frontend::builtins;
use dlc_frontend::lexer::lex;
use dlc_frontend::source::Source;
use dlc_frontend::token::{Tok, Token};
use lsp_types::{
    Documentation, ParameterInformation, ParameterLabel, SignatureHelp, SignatureInformation,
};

use crate::names;
use crate::world::{Analysis, Place};
use dlc_frontend::resolve::Target;

/// A call that is open at a byte.
pub struct Call {
    /// What is called, its parts from the outermost.
    pub callee: Vec<String>,
    /// How many arguments stand before this one.
    pub position: usize,
    /// The name of this argument, where it is given by name.
    pub keyword: Option<String>,
    /// The names of the arguments before.
    pub given: Vec<String>,
}

/// The innermost call that is open at a byte.
pub fn open_call(analysis: &Analysis, offset: u32) -> Option<Call> {
    let source = analysis.source();
    // An item begins at the beginning of a line; what comes before it is of no interest.
    let text = source.text.get(..offset as usize)?;
    let start = ["\nfn ", "\nexport ", "\ntest ", "\nconst ", "\n@"];
    let start = start.iter().filter_map(|word| text.rfind(word)).max();
    let text = &text[start.unwrap_or(0)..];
    let (tokens, _) = lex(&Source::new("", text));
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    for (index, token) in tokens.iter().enumerate().rev() {
        match token.tok {
            Tok::RParen | Tok::RBracket | Tok::RBrace => depth += 1,
            Tok::LBracket | Tok::LBrace if depth == 0 => commas.clear(),
            Tok::LParen if depth == 0 => {
                if let Some(callee) = callee(&tokens[..index]) {
                    commas.reverse();
                    return Some(call(callee, index, &commas, &tokens));
                }
                commas.clear();
            }
            Tok::LParen | Tok::LBracket | Tok::LBrace => depth -= 1,
            Tok::Comma if depth == 0 => commas.push(index),
            _ => {}
        }
    }
    None
}

fn call(callee: Vec<String>, open: usize, commas: &[usize], tokens: &[Token]) -> Call {
    let mut given: Vec<Option<String>> = Vec::new();
    for start in [open].iter().chain(commas) {
        given.push(match &tokens[start + 1..] {
            [name, equals, ..] if equals.tok == Tok::Assign => word(name),
            _ => None,
        });
    }
    let keyword = given.pop().flatten();
    Call {
        callee,
        position: commas.len(),
        keyword,
        given: given.into_iter().flatten().collect(),
    }
}

/// The name that tokens end with, its dims left out.
fn callee(tokens: &[Token]) -> Option<Vec<String>> {
    let mut end = tokens.len();
    if matches!(tokens.last()?.tok, Tok::Gt) {
        end = tokens.iter().rposition(|token| token.tok == Tok::Lt)?;
    }
    let mut parts = vec![word(tokens[..end].last()?)?];
    let mut rest = &tokens[..end - 1];
    while let [before @ .., name, colons] = rest
        && colons.tok == Tok::ColonColon
        && let Some(part) = word(name)
    {
        parts.push(part);
        rest = before;
    }
    // The head of a function is no call.
    if rest.last().is_some_and(|token| token.tok == Tok::Fn) {
        return None;
    }
    parts.reverse();
    Some(parts)
}

fn word(token: &Token) -> Option<String> {
    match &token.tok {
        Tok::Ident(name) => Some(name.clone()),
        _ => None,
    }
}

/// The parameters of a function by its name, as they are written (`x: f32[T]`, `axis=none`), its result and its docs.
pub fn of(analysis: &Analysis, callee: &[String]) -> Option<(Vec<String>, String, String)> {
    let parts: Vec<&str> = callee.iter().map(String::as_str).collect();
    let target = names::written(analysis, &parts)?;
    if let Target::Builtin(name) = &target {
        let all = builtins();
        let (_, params) = all.iter().find(|(known, _)| known == name)?;
        let params = split(params).into_iter().filter(|param| *param != "*");
        return Some((
            params.map(str::to_owned).collect(),
            String::new(),
            String::new(),
        ));
    }
    let (item, function) = names::function(analysis, &target)?;
    let params = function.params.iter();
    let params = params.map(|param| analysis.text(param.span).to_owned());
    let result = function.result.as_ref();
    let result = result.map_or(String::new(), |ty| {
        format!(" -> {}", analysis.text(ty.span))
    });
    Some((params.collect(), result, names::docs(&item.docs)))
}

/// The parts between the commas that stand in no brackets.
fn split(params: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, character) in params.char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(params[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(params[start..].trim());
    parts
}

/// The name of a parameter as it is written.
pub fn name(param: &str) -> &str {
    let param = param.strip_prefix("inout ").unwrap_or(param);
    let end = param.find(|character: char| !character.is_alphanumeric() && character != '_');
    &param[..end.unwrap_or(param.len())]
}

/// Help for the call at a place.
pub fn help(place: &Place) -> Option<SignatureHelp> {
    let call = open_call(&place.analysis, place.offset)?;
    let (params, result, docs) = of(&place.analysis, &call.callee)?;
    let active = match &call.keyword {
        Some(keyword) => params.iter().position(|param| name(param) == keyword)?,
        None => call.position.min(params.len().saturating_sub(1)),
    };
    let label = format!("{}({}){result}", call.callee.join("::"), params.join(", "));
    let information = params.into_iter().map(|param| ParameterInformation {
        label: ParameterLabel::Simple(param),
        documentation: None,
    });
    Some(SignatureHelp {
        signatures: vec![SignatureInformation {
            label,
            documentation: (!docs.is_empty()).then_some(Documentation::String(docs)),
            parameters: Some(information.collect()),
            active_parameter: Some(active as u32),
        }],
        active_signature: Some(0),
        active_parameter: Some(active as u32),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_split_and_named() {
        let parts = split("x, window=[2, 2], *, axis=(0, 1)");
        assert_eq!(parts, ["x", "window=[2, 2]", "*", "axis=(0, 1)"]);
        assert_eq!(name("inout p: Params"), "p");
        assert_eq!(name("axis=none"), "axis");
    }
}
