//! The index that the search goes through, as a script: a page on a disk may load scripts, but no data.

use serde_json::{Value, json};

use crate::model::{Item, Library, Module};

/// The script: a list of what can be found, each with its name, kind, where it stands, address, summary and words.
pub(crate) fn script(library: &Library) -> String {
    let mut all: Vec<Value> = Vec::new();
    for chapter in &library.chapters {
        let page = crate::model::page(&chapter.slug);
        for section in &chapter.sections {
            let (name, address) = match &section.anchor {
                Some(anchor) => (section.title.as_str(), format!("{page}#{anchor}")),
                None => (chapter.title.as_str(), page.clone()),
            };
            all.push(entry(Entry {
                name,
                kind: "guide",
                place: &chapter.title,
                address: &address,
                summary: "",
                text: &section.text,
            }));
        }
    }
    for builtin in &library.builtins {
        all.push(entry(Entry {
            name: &builtin.name,
            kind: "builtin",
            place: "",
            address: &builtin.address,
            summary: &builtin.signature,
            text: &builtin.signature,
        }));
    }
    for module in &library.modules {
        all.push(entry(Entry {
            name: &module.name,
            kind: "module",
            place: &module.file,
            address: &module.page(),
            summary: &first_sentence(&module.docs.text),
            text: &module.docs.text,
        }));
        for item in &module.items {
            all.push(of_item(module, item));
            all.extend(item.fields.iter().map(|field| {
                let name = format!("{}.{}", item.name, field.name);
                entry(Entry {
                    name: &name,
                    kind: "field",
                    place: &module.name,
                    address: &format!("{}#{name}", module.page()),
                    summary: &first_sentence(&field.docs.text),
                    text: &field.docs.text,
                })
            }));
        }
    }
    // `</` in a string would be of no harm in a file of its own, but who puts the script into a page need not know.
    let list = Value::Array(all).to_string().replace("</", "<\\/");
    format!("globalThis.dlcIndex = {list};\n")
}

/// What can be found.
struct Entry<'a> {
    name: &'a str,
    kind: &'a str,
    place: &'a str,
    address: &'a str,
    summary: &'a str,
    text: &'a str,
}

fn entry(entry: Entry) -> Value {
    json!([
        entry.name,
        entry.kind,
        entry.place,
        entry.address,
        entry.summary,
        entry.text,
    ])
}

fn of_item(module: &Module, item: &Item) -> Value {
    let signature: String = item
        .signature
        .iter()
        .map(|piece| piece.text.as_str())
        .collect();
    entry(Entry {
        name: &item.name,
        kind: item.kind.word(),
        place: &module.name,
        address: &format!("{}#{}", module.page(), item.name),
        summary: &first_sentence(&item.docs.text),
        text: &format!("{} {signature}", item.docs.text),
    })
}

/// The first sentence of a text: up to a full stop before a blank and a capital, or its end.
fn first_sentence(text: &str) -> String {
    let ends = text.match_indices(". ").find(|(at, _)| {
        let next = text[at + 2..].chars().next();
        next.is_some_and(|c| c.is_uppercase() || c == '`')
    });
    text[..ends.map_or(text.len(), |(at, _)| at + 1)].to_owned()
}
