//! Each feature, on a real example.

mod client;
mod grammar;

use client::{Editor, at, edited, find, range};
use serde_json::{Value, json};

const DIGITS: &str = include_str!("../../../examples/digits/digits.dl");
const GPT: &str = include_str!("../../../examples/gpt/gpt.dl");
const URI: &str = "file:///work/digits.dl";
const GPT_URI: &str = "file:///work/gpt.dl";

fn digits() -> Editor {
    let mut editor = Editor::start();
    assert_eq!(editor.open(URI, DIGITS), Vec::<Value>::new());
    editor
}

/// The text of what is under the `n`th occurrence of `wanted`.
fn hover(editor: &mut Editor, wanted: &str, n: usize) -> String {
    let found = editor.at("textDocument/hover", URI, find(DIGITS, wanted, n));
    found["contents"]["value"]
        .as_str()
        .expect("something is there")
        .to_owned()
}

fn labels(items: &Value) -> Vec<&str> {
    let items = items.as_array().expect("a list").iter();
    items
        .map(|item| item["label"].as_str().expect("a label"))
        .collect()
}

#[test]
fn diagnostics_have_codes_ranges_places_and_fixes() {
    let mut editor = digits();
    let wrong = DIGITS
        .replace("x @ p.w1", "x @ p.w2")
        .replace("relu(", "rellu(");
    let found = editor.replace(URI, &wrong);
    assert_eq!(found.len(), 2, "{found:?}");
    let unknown = &found[0];
    assert_eq!(unknown["code"], "DL0601");
    assert_eq!(unknown["range"], range(&wrong, "rellu", 0));
    assert_eq!(unknown["severity"], 1);
    let dims = &found[1];
    assert_eq!(dims["code"], "DL0203");
    let places = dims["relatedInformation"].as_array().expect("places");
    assert!(!places.is_empty());
    let params = json!({
        "textDocument": { "uri": URI },
        "range": unknown["range"],
        "context": { "diagnostics": [] },
    });
    let actions = editor.ask("textDocument/codeAction", params);
    let mut fixed = wrong.clone();
    for action in actions.as_array().expect("actions") {
        assert_eq!(action["kind"], "quickfix");
        if action["diagnostics"][0]["code"] == "DL0601" {
            fixed = edited(&wrong, &action["edit"]["changes"][URI]);
        }
    }
    assert_eq!(fixed, wrong.replace("rellu(", "relu("));
    assert_eq!(editor.replace(URI, DIGITS), Vec::<Value>::new());
    editor.end();
}

#[test]
fn hover_shows_types_shapes_and_bytes() {
    let mut editor = digits();
    let text = hover(&mut editor, "x @ p.w1", 0);
    assert!(text.contains("let x: f32[B, PIXELS]"), "{text}");
    assert!(
        text.contains("256*B` bytes") && text.contains("PIXELS = 64"),
        "{text}"
    );
    let text = hover(&mut editor, "@ p.w1", 0);
    assert!(text.contains("f32[B, HIDDEN]"), "{text}");
    let text = hover(&mut editor, "logits(p, images), labels", 0);
    assert!(text.contains("fn logits<B>(p: Params"), "{text}");
    let text = hover(&mut editor, "State {", 1);
    assert!(text.contains("All that training carries"), "{text}");
    let text = hover(&mut editor, "w1 + p.b1", 0);
    assert!(text.contains("Params.w1: f32[PIXELS, HIDDEN]"), "{text}");
    let text = hover(&mut editor, "m: Params, v", 0);
    assert!(text.contains("Running mean of the gradient"), "{text}");
    let text = hover(&mut editor, "cross_entropy", 0);
    assert!(text.contains("cross_entropy(logits"), "{text}");
    let text = hover(&mut editor, "B in 1..=1024", 0);
    assert!(text.contains("B in 1..=1024"), "{text}");
    let text = hover(&mut editor, "HIDDEN])", 0);
    assert!(text.contains("const HIDDEN = 128"), "{text}");
    // A division, and two products with their sums; `relu` chooses.
    let (line, all) = (2 * (64 + 10) * 128 + 128 + 10, 64);
    let text = hover(&mut editor, "logits<B>", 0);
    let call = format!(
        "a call: `{}*B` FLOPs, arguments and results of `104*B + 38440` bytes",
        line + all
    );
    assert!(text.contains(&call), "{text}");
    let text = hover(&mut editor, "@ p.w1", 0);
    assert!(
        text.contains(&format!(
            "this line, in a call of `logits`: `{line}*B` FLOPs"
        )),
        "{text}"
    );
    let text = hover(&mut editor, "train_step<B", 0);
    assert!(
        text.contains("at least `"),
        "gradients are not counted: {text}"
    );
    editor.end();
}

#[test]
fn definitions_and_references() {
    let mut editor = digits();
    for (wanted, n, place, m) in [
        ("loss)(s.params", 0, "loss<B>", 0),
        ("params, images, labels", 0, "params: Params,", 0),
        ("x @", 0, "x = f32(images)", 0),
        ("g, s.m, g", 0, "m: Params", 0),
    ] {
        let at = if wanted == "g, s.m, g" {
            "m, g)"
        } else {
            wanted
        };
        let found = editor.at("textDocument/definition", URI, find(DIGITS, at, n));
        assert_eq!(found["uri"], URI, "{wanted}");
        assert_eq!(found["range"]["start"], find(DIGITS, place, m), "{wanted}");
    }
    let mut params = at(URI, find(DIGITS, "PIXELS", 0));
    params["context"] = json!({ "includeDeclaration": false });
    let found = editor.ask("textDocument/references", params);
    let count = DIGITS.matches("PIXELS").count() - 1;
    assert_eq!(found.as_array().map(Vec::len), Some(count));
    let found = editor.at(
        "textDocument/documentHighlight",
        URI,
        find(DIGITS, "PIXELS", 0),
    );
    assert_eq!(found.as_array().map(Vec::len), Some(count + 1));
    editor.end();
}

#[test]
fn the_standard_library_can_be_looked_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut editor = Editor::with_std(Some(folder.path()));
    assert_eq!(editor.open(GPT_URI, GPT), Vec::<Value>::new());
    let found = editor.at(
        "textDocument/definition",
        GPT_URI,
        find(GPT, "glu_block(x, b)", 0),
    );
    let uri = found["uri"].as_str().expect("an address").to_owned();
    assert!(uri.ends_with("/nn.dl"), "{uri}");
    let text = std::fs::read_to_string(folder.path().join("nn.dl")).expect("a copy");
    assert_eq!(found["range"]["start"], find(&text, "glu_block<", 0));
    // The copy is the module itself.
    assert_eq!(editor.open(&uri, &text), Vec::<Value>::new());
    let mut params = at(GPT_URI, find(GPT, "glu_block(x, b)", 0));
    params["newName"] = json!("other");
    let (_, why) = editor.refused("textDocument/rename", params);
    assert!(why.contains("standard library"), "{why}");
    editor.end();
}

fn renamed(editor: &mut Editor, wanted: &str, n: usize, new: &str) -> String {
    let mut params = at(URI, find(DIGITS, wanted, n));
    params["newName"] = json!(new);
    let found = editor.ask("textDocument/rename", params);
    edited(DIGITS, &found["changes"][URI])
}

#[test]
fn names_are_changed_everywhere_or_not_at_all() {
    let mut editor = digits();
    let text = renamed(&mut editor, "HIDDEN", 0, "WIDTH");
    assert_eq!(text, DIGITS.replace("HIDDEN", "WIDTH"));
    let text = renamed(&mut editor, "w1", 0, "first");
    assert_eq!(text, DIGITS.replace("w1", "first"));
    let text = renamed(&mut editor, "x = f32(images)", 0, "x");
    assert_eq!(text, DIGITS);
    for (wanted, n, new, reason) in [
        ("HIDDEN", 0, "PIXELS", "twice"),
        ("HIDDEN", 0, "a b", "is not a name"),
        ("HIDDEN", 0, "fn", "is not a name"),
        ("relu", 0, "gelu", "part of the language"),
        ("m_scale = ", 0, "v_scale", "mixed up"),
    ] {
        let mut params = at(URI, find(DIGITS, wanted, n));
        params["newName"] = json!(new);
        let (_, why) = editor.refused("textDocument/rename", params);
        assert!(why.contains(reason), "{wanted} to {new}: {why}");
    }
    let found = editor.at("textDocument/prepareRename", URI, find(DIGITS, "relu", 0));
    assert_eq!(found, Value::Null);
    let found = editor.at("textDocument/prepareRename", URI, find(DIGITS, "HIDDEN", 1));
    assert_eq!(found, range(DIGITS, "HIDDEN", 1));
    editor.end();
}

#[test]
fn names_are_changed_in_all_files() {
    let mut editor = Editor::start();
    let lib = "struct P { w: f32, b: f32 }\n/// Twice.\nfn twice(x: f32) -> f32 { 2.0 * x }\n";
    let main = "import \"lib.dl\"\nuse lib::{P, twice}\nfn f(w: f32) -> P { P { w, b: lib::twice(twice(w)) } }\nfn g(x: f32) -> f32 { grad(twice, wrt=x)(x) }\n";
    let files = editor.files.clone();
    files
        .0
        .lock()
        .unwrap()
        .insert("/work/lib.dl".into(), lib.into());
    assert_eq!(
        editor.open("file:///work/main.dl", main),
        Vec::<Value>::new()
    );
    let mut params = at("file:///work/main.dl", find(main, "twice(w)", 0));
    params["newName"] = json!("double");
    let found = editor.ask("textDocument/rename", params);
    let changes = &found["changes"];
    let new = edited(main, &changes["file:///work/main.dl"]);
    assert_eq!(new, main.replace("twice", "double"));
    assert_eq!(
        edited(lib, &changes["file:///work/lib.dl"]),
        lib.replace("twice", "double")
    );
    // A parameter that `wrt` names, and a variable that stands for a field, too.
    assert_eq!(editor.open("file:///work/lib.dl", lib), Vec::<Value>::new());
    let mut params = at("file:///work/lib.dl", find(lib, "x: f32", 0));
    params["newName"] = json!("y");
    let found = editor.ask("textDocument/rename", params);
    let new = edited(main, &found["changes"]["file:///work/main.dl"]);
    assert_eq!(new, main.replace("wrt=x", "wrt=y"));
    let mut params = at("file:///work/main.dl", find(main, "w: f32", 0));
    params["newName"] = json!("v");
    let found = editor.ask("textDocument/rename", params);
    let new = edited(main, &found["changes"]["file:///work/main.dl"]);
    let expected = main.replace("f(w:", "f(v:").replace("{ w, b", "{ w: v, b");
    assert_eq!(new, expected.replace("twice(w)", "twice(v)"));
    editor.end();
}

#[test]
fn symbols_and_folds() {
    let mut editor = digits();
    let document = json!({ "textDocument": { "uri": URI } });
    let symbols = editor.ask("textDocument/documentSymbol", document.clone());
    let symbols = symbols.as_array().expect("a list");
    let names: Vec<&str> = symbols
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    let expected = [
        "PIXELS",
        "HIDDEN",
        "CLASSES",
        "Params",
        "State",
        "logits",
        "loss",
        "init",
        "train_step",
        "predict",
    ];
    assert_eq!(names, expected);
    assert_eq!(symbols[3]["children"].as_array().map(Vec::len), Some(4));
    assert_eq!(symbols[5]["selectionRange"], range(DIGITS, "logits", 0));
    let folds = editor.ask("textDocument/foldingRange", document);
    let line = |wanted: &str| find(DIGITS, wanted, 0)["line"].clone();
    let folds = folds.as_array().expect("a list");
    let starts: Vec<&Value> = folds.iter().map(|fold| &fold["startLine"]).collect();
    assert!(starts.contains(&&line("struct Params")), "{starts:?}");
    assert!(starts.contains(&&line(") -> f32 {")), "{starts:?}");
    editor.end();
}

/// What may be written where `¦` stands.
fn complete(editor: &mut Editor, text: &str) -> Value {
    let at = text.find('¦').expect("a place");
    let written = text.replacen('¦', "", 1);
    editor.replace(URI, &written);
    editor.at(
        "textDocument/completion",
        URI,
        client::position(&written, at),
    )
}

#[test]
fn completion_knows_fields_arguments_and_names() {
    let mut editor = digits();
    // Fields, in broken text.
    let text = DIGITS.replace("relu(x @ p.w1", "relu(x @ p.¦");
    let found = complete(&mut editor, &text);
    assert_eq!(labels(&found), ["w1", "b1", "w2", "b2"]);
    assert_eq!(found[0]["detail"], "f32[PIXELS, HIDDEN]");
    let text = DIGITS.replace("let t = s.step + 1", "let t = s.params.¦");
    assert_eq!(
        labels(&complete(&mut editor, &text)),
        ["w1", "b1", "w2", "b2"]
    );
    let text = DIGITS.replace(
        "  l\n}",
        "  l + split_pair().¦\n}\nfn split_pair() -> (f32, f32) { (1.0, 2.0) }",
    );
    assert_eq!(labels(&complete(&mut editor, &text)), ["0", "1"]);
    // In the middle of a word.
    let text = DIGITS.replace("mean(cross_entropy", "mean(cross_¦ent");
    let found = complete(&mut editor, &text);
    let all = labels(&found);
    for name in [
        "cross_entropy",
        "logits",
        "p",
        "images",
        "labels",
        "B",
        "PIXELS",
        "Params",
        "f32",
        "let",
    ] {
        assert!(all.contains(&name), "{name}");
    }
    assert!(!all.contains(&"m_scale"), "out of reach");
    // Arguments by name, those that are given left out, in a call that is not closed.
    let text = DIGITS.replace(
        "argmax(logits(p, images), axis=-1)",
        "argmax(logits(p, images), ¦",
    );
    let found = complete(&mut editor, &text);
    let all = labels(&found);
    assert!(all.contains(&"axis=") && !all.contains(&"x="), "{all:?}");
    let text = DIGITS.replace("logits(p, images), labels", "logits(p, i¦, labels");
    assert!(labels(&complete(&mut editor, &text)).contains(&"images="));
    // Fields that a literal lacks.
    let text = DIGITS.replace("m: m, v: v, step: t }", "m: m, ¦}");
    let found = complete(&mut editor, &text);
    let all = labels(&found);
    assert_eq!(all[..2], ["v", "step"]);
    // Modules.
    let found = complete(&mut editor, &format!("use std::¦\n{DIGITS}"));
    assert!(labels(&found).contains(&"nn"));
    let found = complete(&mut editor, &format!("use std::nn::li¦\n{DIGITS}"));
    assert!(labels(&found).contains(&"linear"));
    // Nothing in comments and numbers.
    let found = complete(&mut editor, &format!("// p.¦\n{DIGITS}"));
    assert_eq!(labels(&found), Vec::<&str>::new());
    editor.end();
}

#[test]
fn signatures_of_open_calls() {
    let mut editor = digits();
    let mut help = |text: &str| {
        let at = text.find('¦').expect("a place");
        let written = text.replacen('¦', "", 1);
        editor.replace(URI, &written);
        editor.at(
            "textDocument/signatureHelp",
            URI,
            client::position(&written, at),
        )
    };
    let found = help(&DIGITS.replace(
        "fn loss<B>(p: Params, images",
        "fn loss<B>(p: Params, ¦images",
    ));
    assert_eq!(found, Value::Null, "a declaration is no call");
    let found = help(&DIGITS.replace(
        "mean(cross_entropy(logits(p, images), labels))",
        "loss(p, images, ¦",
    ));
    let signature = &found["signatures"][0];
    assert_eq!(
        signature["label"],
        "loss(p: Params, images: u8[B, PIXELS], labels: i32[B]) -> f32"
    );
    assert_eq!(found["activeParameter"], 2);
    let found = help(&DIGITS.replace(
        "argmax(logits(p, images), axis=-1)",
        "argmax(logits(p, images), axis=¦",
    ));
    assert!(
        found["signatures"][0]["label"]
            .as_str()
            .expect("a label")
            .starts_with("argmax(x")
    );
    assert_eq!(found["activeParameter"], 1);
    editor.end();
}

#[test]
fn formatting_is_that_of_the_formatter() {
    let mut editor = digits();
    let options = json!({ "tabSize": 8, "insertSpaces": false });
    let document = json!({ "textDocument": { "uri": URI }, "options": options });
    let found = editor.ask("textDocument/formatting", document.clone());
    assert_eq!(found, json!([]), "it is formatted");
    let ugly = DIGITS
        .replace("x @ p.w1", "x@p.w1")
        .replace("s.step + 1", "s.step+1");
    editor.replace(URI, &ugly);
    let found = editor.ask("textDocument/formatting", document.clone());
    assert_eq!(
        found.as_array().map(Vec::len),
        Some(2),
        "two lines: {found}"
    );
    assert_eq!(edited(&ugly, &found), DIGITS);
    let mut part = document.clone();
    part["range"] = range(&ugly, "s.step+1", 0);
    let found = editor.ask("textDocument/rangeFormatting", part);
    assert_eq!(
        edited(&ugly, &found),
        ugly.replace("s.step+1", "s.step + 1")
    );
    editor.replace(URI, &format!("{ugly}fn f("));
    let found = editor.ask("textDocument/formatting", document);
    assert_eq!(found, Value::Null, "it does not parse");
    editor.end();
}

#[test]
fn symbols_of_all_files_are_found_by_some_letters() {
    let mut editor = digits();
    let found = editor.ask("workspace/symbol", json!({ "query": "TrSt" }));
    assert_eq!(found[0]["name"], "train_step");
    assert_eq!(
        found[0]["location"],
        json!({ "uri": URI, "range": range(DIGITS, "train_step", 0) })
    );
    let found = editor.ask("workspace/symbol", json!({ "query": "w1" }));
    assert_eq!(found[0]["containerName"], "Params");
    assert_eq!(
        editor.ask("workspace/symbol", json!({ "query": "qqq" })),
        json!([])
    );
    editor.end();
}

/// All golden programs with an error: each change that a message advises is an action, and it can be made.
#[test]
fn every_advised_change_is_an_action() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/frontend/err");
    // The server says the shortest form of an address.
    let folder = folder.canonicalize().expect("a folder");
    let mut editor = Editor::start();
    let mut advised = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|end| end != "dl") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let uri = format!("file://{}", path.display());
        editor.open(&uri, &text);
        let source = dlc_frontend::source::Source::new(path.to_string_lossy(), text.as_str());
        let checked = dlc_frontend::inspect(source, &dlc_frontend::modules::NoFiles);
        let own = checked
            .diagnostics
            .iter()
            .filter(|one| one.primary.span.file == 0);
        let fixes = own.filter_map(|one| one.help.as_ref()?.replacement.clone());
        let mut expected: Vec<String> = fixes
            .filter(|(span, _)| span.file == 0)
            .map(|(span, new)| {
                let mut text = text.clone();
                text.replace_range(span.range(), &new);
                text
            })
            .collect();
        let all = json!({ "start": client::position(&text, 0), "end": client::position(&text, text.len()) });
        let params = json!({ "textDocument": { "uri": uri }, "range": all, "context": { "diagnostics": [] } });
        let found = editor.ask("textDocument/codeAction", params);
        let actions = found.as_array().expect("actions").iter();
        let mut given: Vec<String> = actions
            .map(|action| edited(&text, &action["edit"]["changes"][&uri]))
            .collect();
        expected.sort();
        given.sort();
        assert_eq!(given, expected, "{}", path.display());
        advised += given.len();
        editor.tell(
            "textDocument/didClose",
            json!({ "textDocument": { "uri": uri } }),
        );
    }
    assert!(advised > 50, "{advised}");
    editor.end();
}

#[test]
fn dims_and_parameters_that_are_not_written_are_hinted_at() {
    let mut editor = Editor::start();
    let text = "fn f<N, M>(x: f32[N, M], scale: f32) -> f32 { sum(x) * scale }\nfn g<N>(x: f32[N, 3]) -> f32 {\n  let y = f(x, 0.5)\n  let (a, b) = (y, 2)\n  y + a + sum(concat([x, x], 0))\n}\n";
    assert!(
        editor
            .open(URI, text)
            .iter()
            .all(|one| one["severity"] != 1)
    );
    let all =
        json!({ "start": client::position(text, 0), "end": client::position(text, text.len()) });
    let params = json!({ "textDocument": { "uri": URI }, "range": all });
    let hints = editor.ask("textDocument/inlayHint", params);
    let has = |at: Value, label: &str| {
        let mut hints = hints.as_array().expect("a list").iter();
        hints.any(|hint| hint["position"] == at && hint["label"] == label)
    };
    assert!(has(find(text, "(x, 0.5)", 0), "<M=3>"), "{hints}");
    assert!(has(find(text, "0.5", 0), "scale="), "{hints}");
    assert!(has(find(text, "0))", 0), "axis="), "{hints}");
    // A type can be written by a click, but not in a pattern.
    let edits = |label: &str| {
        let mut hints = hints.as_array().expect("a list").iter();
        hints
            .find(|hint| hint["label"] == label)
            .map(|hint| hint["textEdits"].clone())
    };
    let written = edited(text, &edits(": f32").expect("`y`"));
    assert_eq!(written, text.replace("let y =", "let y: f32 ="));
    assert_eq!(
        edits(": i32").or(edits(": i64")),
        Some(Value::Null),
        "{hints}"
    );
    editor.end();
}

#[test]
fn hints_and_colours() {
    let mut editor = digits();
    let all =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 999, "character": 0 } });
    let params = json!({ "textDocument": { "uri": URI }, "range": all });
    let hints = editor.ask("textDocument/inlayHint", params);
    let hints: Vec<(&Value, &str)> = hints
        .as_array()
        .expect("a list")
        .iter()
        .map(|hint| (&hint["position"], hint["label"].as_str().expect("a label")))
        .collect();
    let end = find(DIGITS, " = f32(images)", 0);
    assert!(hints.contains(&(&end, ": f32[B, PIXELS]")), "{hints:?}");
    assert!(
        hints.iter().any(|(_, label)| *label == ": key"),
        "{hints:?}"
    );
    assert!(
        hints.iter().any(|(_, label)| *label == ": Params"),
        "{hints:?}"
    );
    let tokens = editor.ask(
        "textDocument/semanticTokens/full",
        json!({ "textDocument": { "uri": URI } }),
    );
    let data: Vec<u64> = tokens["data"]
        .as_array()
        .expect("numbers")
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    assert_eq!(data.len() % 5, 0);
    // Line by line: a comment, `const`, `PIXELS`, `64`.
    let length = DIGITS.lines().next().expect("a line").len() as u64;
    assert_eq!(data[..5], [0, 0, length, 3, 0]);
    assert_eq!(data[5..10], [2, 0, 5, 0, 0]);
    assert_eq!(data[10..15], [0, 6, 6, 9, 3]);
    assert_eq!(data[15..20], [0, 9, 2, 1, 0]);
    editor.end();
}
