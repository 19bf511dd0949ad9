//! What may be written at the cursor.
//!
//! The word under the cursor is replaced by one that nothing has, and the document is checked again with it: so `p.`
//! has a field, if an unknown one, and the text parses as it will when the word is there.

use dlc_frontend::ast::{DType, ExprKind, Span};
use dlc_frontend::builtins;
use dlc_frontend::modules::STD;
use dlc_frontend::resolve::{BoundKind, Target};
use lsp_types::{CompletionItem, CompletionItemKind, Url};

use crate::documents::name_of;
use crate::features::signature;
use crate::names::{self, Declaration};
use crate::world::{Analysis, Place, World};

/// The word that stands for the one to be found.
const WORD: &str = "zz_completed_here";

const KEYWORDS: &[&str] = &[
    "const", "else", "export", "false", "fn", "for", "if", "import", "in", "inout", "let", "none",
    "return", "struct", "true", "use", "var", "where", "while", "within",
];

/// What may be written at a place.
pub fn completions(world: &World<'_>, uri: &Url, place: &Place) -> Vec<CompletionItem> {
    let text = &place.analysis.source().text;
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    let at = place.offset as usize;
    let start = at
        - bytes[..at]
            .iter()
            .rev()
            .take_while(|byte| is_word(byte))
            .count();
    let end = at + bytes[at..].iter().take_while(|byte| is_word(byte)).count();
    if bytes.get(start).is_some_and(u8::is_ascii_digit) || in_comment(&text[..start]) {
        return Vec::new();
    }
    let before = &text[..start];
    let with_word = |word: &str| {
        let text = format!("{before}{word}{}", &text[end..]);
        world.analyse(&name_of(uri), text, &world.documents)
    };
    if let Some(path) = before.strip_suffix("::") {
        let parts = path_before(path);
        return members(&with_word(WORD), &parts);
    }
    if before.ends_with('.') && !before.ends_with("..") {
        return fields(&with_word(WORD), start as u32);
    }
    let analysis = with_word(WORD);
    let mut items = keywords_of_call(&analysis, start as u32);
    items.extend(fields_of_literal(&analysis, start as u32));
    for bound in analysis.inspected.names.in_reach(0, start as u32) {
        let seen = analysis.inspected.seen.type_at(bound.span);
        let kind = match bound.kind {
            BoundKind::Generic => CompletionItemKind::TYPE_PARAMETER,
            _ => CompletionItemKind::VARIABLE,
        };
        items.push(CompletionItem {
            detail: seen.map(|seen| seen.text),
            ..item(&bound.name, kind, "1")
        });
    }
    for (name, own) in analysis.inspected.names.files.first().into_iter().flatten() {
        if name != WORD {
            items.push(of_target(&analysis, name, &own.target));
        }
    }
    items.push(item("std", CompletionItemKind::MODULE, "3"));
    for (name, params) in builtins() {
        items.push(CompletionItem {
            detail: Some(format!("{name}({params})")),
            ..item(name, CompletionItemKind::FUNCTION, "4")
        });
    }
    for dtype in DType::ALL {
        items.push(item(dtype.dl_name(), CompletionItemKind::KEYWORD, "5"));
    }
    for name in ["inf", "nan", "pi"] {
        items.push(item(name, CompletionItemKind::CONSTANT, "5"));
    }
    for word in KEYWORDS {
        items.push(item(word, CompletionItemKind::KEYWORD, "6"));
    }
    let mut known = std::collections::HashSet::new();
    items.retain(|item| known.insert(item.label.clone()));
    items
}

/// Whether a text ends in a comment.
fn in_comment(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let mut in_string = false;
    let mut last = ' ';
    for character in line.chars() {
        match (in_string, character, last) {
            (false, '/', '/') => return true,
            (_, '"', last) if last != '\\' => in_string = !in_string,
            _ => {}
        }
        last = character;
    }
    false
}

/// The parts of a qualified name that a text ends with.
fn path_before(text: &str) -> Vec<&str> {
    let start = text.rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let start = start.map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    text[start..]
        .split("::")
        .filter(|part| !part.is_empty())
        .collect()
}

/// An item; those of a lower rank come first.
fn item(name: &str, kind: CompletionItemKind, rank: &str) -> CompletionItem {
    CompletionItem {
        label: name.to_owned(),
        kind: Some(kind),
        sort_text: Some(format!("{rank}{name}")),
        ..CompletionItem::default()
    }
}

/// A name of a file.
fn of_target(analysis: &Analysis, name: &str, target: &Target) -> CompletionItem {
    let Target::Place(span) = target else {
        return item(name, CompletionItemKind::MODULE, "3");
    };
    let Some(Declaration::Item(declared)) = names::declaration(analysis, *span) else {
        return item(name, CompletionItemKind::VALUE, "2");
    };
    let bound = analysis.inspected.names.bound_at(*span);
    let (kind, detail) = match (&declared.kind, bound.map(|bound| bound.kind)) {
        (dlc_frontend::ast::ItemKind::Fn(f), _) => (
            CompletionItemKind::FUNCTION,
            Some(analysis.text(f.header_span).to_owned()),
        ),
        (_, Some(BoundKind::Struct)) => (CompletionItemKind::STRUCT, None),
        _ => (
            CompletionItemKind::CONSTANT,
            Some(analysis.text(declared.span).to_owned()),
        ),
    };
    let docs = names::docs(&declared.docs);
    CompletionItem {
        detail,
        documentation: (!docs.is_empty()).then_some(lsp_types::Documentation::String(docs)),
        ..item(name, kind, "2")
    }
}

/// The names in a module.
fn members(analysis: &Analysis, parts: &[&str]) -> Vec<CompletionItem> {
    match names::written(analysis, parts) {
        Some(Target::Std) => STD
            .iter()
            .map(|(name, _)| item(name, CompletionItemKind::MODULE, "1"))
            .collect(),
        Some(Target::Module(file)) => {
            let own = analysis.inspected.names.files[file as usize].iter();
            own.filter(|(_, own)| !own.used)
                .map(|(name, own)| of_target(analysis, name, &own.target))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The fields or parts of the value before the word.
fn fields(analysis: &Analysis, word: u32) -> Vec<CompletionItem> {
    let expressions = names::expressions_at(analysis, word);
    let base = expressions.iter().rev().find_map(|expr| match &expr.kind {
        ExprKind::Field { base, name } if name.span.start == word => Some(base),
        _ => None,
    });
    let Some(seen) = base.and_then(|base| analysis.inspected.seen.type_at(base.span)) else {
        return Vec::new();
    };
    if let Some(span) = seen.structure {
        return fields_of(analysis, span);
    }
    let positions = (0..seen.parts).map(|part| part.to_string());
    positions
        .map(|part| item(&part, CompletionItemKind::FIELD, "1"))
        .collect()
}

fn fields_of(analysis: &Analysis, structure: Span) -> Vec<CompletionItem> {
    let Some(s) = names::structure(analysis, &Target::Place(structure)) else {
        return Vec::new();
    };
    let field = |field: &dlc_frontend::ast::Field| CompletionItem {
        detail: Some(analysis.text(field.ty.span).to_owned()),
        ..item(&field.name.name, CompletionItemKind::FIELD, "1")
    };
    s.fields.iter().map(field).collect()
}

/// The fields that a struct literal has not been given.
fn fields_of_literal(analysis: &Analysis, word: u32) -> Vec<CompletionItem> {
    let expressions = names::expressions_at(analysis, word);
    let literal = expressions.iter().rev().find_map(|expr| match &expr.kind {
        ExprKind::Struct { path, fields, .. }
            if fields.iter().any(|field| field.name.span.start == word) =>
        {
            Some((path, fields))
        }
        _ => None,
    });
    let Some((path, fields)) = literal else {
        return Vec::new();
    };
    let parts: Vec<&str> = path
        .segments
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    let Some(Target::Place(span)) = names::written(analysis, &parts) else {
        return Vec::new();
    };
    let mut missing = fields_of(analysis, span);
    missing.retain(|item| fields.iter().all(|field| field.name.name != item.label));
    for item in &mut missing {
        item.insert_text = Some(format!("{}: ", item.label));
        item.sort_text = Some(format!("0{}", item.label));
    }
    missing
}

/// The arguments that may be given by name in the call around the word.
fn keywords_of_call(analysis: &Analysis, word: u32) -> Vec<CompletionItem> {
    let Some(call) = signature::open_call(analysis, word) else {
        return Vec::new();
    };
    // The value of one that is named already.
    if call.keyword.is_some() {
        return Vec::new();
    }
    let Some((params, ..)) = signature::of(analysis, &call.callee) else {
        return Vec::new();
    };
    let positional = call.position - call.given.len();
    let open = params.iter().skip(positional);
    let open = open.filter(|param| {
        !call
            .given
            .iter()
            .any(|given| given == signature::name(param))
    });
    open.filter(|param| !signature::name(param).is_empty())
        .map(|param| CompletionItem {
            detail: Some(param.clone()),
            insert_text: Some(format!("{}=", signature::name(param))),
            ..item(
                &format!("{}=", signature::name(param)),
                CompletionItemKind::PROPERTY,
                "0",
            )
        })
        .collect()
}
