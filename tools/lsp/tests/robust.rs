//! The server goes on, whatever comes.

mod client;

use client::{Editor, at, find, position};
use dlc_lsp::{ServeError, Settings, serve};
use lsp_server::{Connection, ErrorCode};
use serde_json::{Value, json};

const URI: &str = "file:///work/a.dl";

const EXAMPLES: &[&str] = &[
    include_str!("../../../examples/digits/digits.dl"),
    include_str!("../../../examples/gpt/gpt.dl"),
    include_str!("../../../examples/physics/physics.dl"),
    include_str!("../../../examples/gan/gan.dl"),
];

#[test]
fn positions_after_other_scripts() {
    let mut editor = Editor::start();
    editor.open(URI, "// größer 𝄞\nfn f(x: f32) -> f32 { x }\n");
    let text = "fn f(x: f32) -> f32 { print(\"𝄞 é\", x); y }\n";
    let found = editor.replace(URI, text);
    let unknown = found
        .iter()
        .find(|one| one["code"] == "DL0601")
        .expect("`y`");
    assert_eq!(unknown["range"]["start"], find(text, "y }", 0));
    // An edit after the clef, counted in units of UTF-16.
    editor.edit(URI, unknown["range"].clone(), "x");
    let found = editor.diagnostics(URI);
    assert!(found.iter().all(|one| one["severity"] != 1), "{found:?}");
    let text = text.replace("y }", "x }");
    let found = editor.at("textDocument/definition", URI, find(&text, "x }", 0));
    assert_eq!(found["range"]["start"], find(&text, "x: f32", 0));
    editor.end();
}

#[test]
fn files_that_cannot_be_read_come_and_go() {
    let mut editor = Editor::start();
    let files = editor.files.clone();
    let main = "import \"lib.dl\"\nfn f(x: f32) -> f32 { lib::g(x) }\n";
    let found = editor.open(URI, main);
    assert_eq!(found[0]["code"], "DL0607", "{found:?}");
    files
        .0
        .lock()
        .unwrap()
        .insert("/work/lib.dl".into(), b"fn g\xff".to_vec());
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    let says = |found: &[Value], text: &str| {
        found
            .last()
            .is_some_and(|one| one["message"].as_str().unwrap().contains(text))
    };
    editor.until(URI, |found| says(found, "not UTF-8"));
    // Open, it is what the editor says.
    let lib = "file:///work/lib.dl";
    editor.open(lib, "fn g(x: f32) -> f32 { y }\n");
    editor.until(URI, |found| {
        says(found, "in `/work/lib.dl`: there is nothing called `y`")
    });
    editor.edit(
        lib,
        json!({ "start": { "line": 0, "character": 22 }, "end": { "line": 0, "character": 23 } }),
        "x",
    );
    editor.until(URI, <[Value]>::is_empty);
    // It moves away.
    files.0.lock().unwrap().clear();
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": lib } }),
    );
    editor.until(URI, |found| {
        found.len() == 1 && found[0]["code"] == "DL0607"
    });
    editor.end();
}

#[test]
fn a_document_that_is_moved_or_deleted_stays_known() {
    let mut editor = Editor::start();
    let files = editor.files.clone();
    let main = "import \"lib.dl\"\nfn f(x: f32) -> f32 { lib::g(x) }\n";
    let lib = b"fn g(x: f32) -> f32 { x }\n".to_vec();
    files
        .0
        .lock()
        .unwrap()
        .insert("/work/lib.dl".into(), lib.clone());
    assert_eq!(editor.open(URI, main), Vec::<Value>::new());
    // The file behind the open document goes; its text is still the editor's.
    let deleted = json!({ "changes": [{ "uri": URI, "type": 3 }] });
    editor.tell("workspace/didChangeWatchedFiles", deleted);
    let found = editor.at("textDocument/definition", URI, find(main, "g(x)", 0));
    assert_eq!(found["uri"], "file:///work/lib.dl");
    // Moved to another folder, it no longer finds what it imports, until that is moved as well.
    let moved = "file:///else/a.dl";
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": URI } }),
    );
    let found = editor.open(moved, main);
    assert_eq!(found[0]["code"], "DL0607", "{found:?}");
    assert_eq!(
        editor.at("textDocument/hover", URI, find(main, "f(x", 0)),
        Value::Null
    );
    files.0.lock().unwrap().insert("/else/lib.dl".into(), lib);
    let created = json!({ "changes": [{ "uri": "file:///else/lib.dl", "type": 1 }] });
    editor.tell("workspace/didChangeWatchedFiles", created);
    editor.until(moved, <[Value]>::is_empty);
    editor.end();
}

#[test]
fn a_panic_is_an_answer() {
    let mut editor = Editor::start();
    editor.open(URI, "const A = 1\n");
    let start = json!({ "line": 0, "character": 0 });
    let whole = json!({ "start": start, "end": { "line": 9, "character": 0 } });
    // The disk of these tests fails badly for a file of that name.
    editor.edit(URI, whole.clone(), "import \"fault.dl\"\n");
    let (code, why) = editor.refused("textDocument/hover", at(URI, start.clone()));
    assert_eq!(code, ErrorCode::InternalError as i32);
    assert!(why.contains("a fault of the test"), "{why}");
    assert!(
        editor
            .log
            .iter()
            .all(|line| line.contains("a fault of the test"))
    );
    assert!(!editor.log.is_empty());
    editor.edit(URI, whole, "const B = 2\n");
    let found = editor.at(
        "textDocument/hover",
        URI,
        json!({ "line": 0, "character": 6 }),
    );
    assert!(
        found["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("const B = 2")
    );
    editor.end();
}

#[test]
fn wrong_messages_are_refused() {
    let mut editor = Editor::start();
    let (code, _) = editor.refused("textDocument/hover", json!({ "nonsense": 1 }));
    assert_eq!(code, ErrorCode::InvalidParams as i32);
    let (code, _) = editor.refused("textDocument/unheardOf", json!({}));
    assert_eq!(code, ErrorCode::MethodNotFound as i32);
    let (code, _) = editor.refused("textDocument/formatting", json!({}));
    assert_eq!(code, ErrorCode::InvalidParams as i32);
    // A document that is not open.
    let found = editor.at(
        "textDocument/hover",
        URI,
        json!({ "line": 0, "character": 0 }),
    );
    assert_eq!(found, Value::Null);
    editor.tell("textDocument/didChange", json!({ "textDocument": 1 }));
    editor.edit(
        URI,
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 9 } }),
        "x",
    );
    editor.open("untitled:new", "const A = 1\n");
    assert_eq!(editor.log.len(), 2, "{:?}", editor.log);
    // Positions far outside.
    let found = editor.at(
        "textDocument/hover",
        "untitled:new",
        json!({ "line": 99999, "character": 99999 }),
    );
    assert_eq!(found, Value::Null);
    editor.end();
}

#[test]
fn what_is_taken_back_is_not_answered() {
    let mut editor = Editor::start();
    // The check of a long document keeps the server busy while the others come in.
    let long: String = (0..3000)
        .map(|i| format!("fn f{i}(x: f32[8]) -> f32 {{ sum(x * {i}.0) }}\n"))
        .collect();
    editor.open(URI, "const A = 1\n");
    editor.edit(
        URI,
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } }),
        &long,
    );
    let start = json!({ "line": 0, "character": 3 });
    let busy = editor.send("textDocument/hover", at(URI, start.clone()));
    let canceled = editor.send("textDocument/hover", at(URI, start.clone()));
    editor.tell("$/cancelRequest", json!({ "id": canceled }));
    let outdated = editor.send("textDocument/hover", at(URI, start.clone()));
    editor.edit(
        URI,
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } }),
        "\n",
    );
    let last = editor.send(
        "textDocument/hover",
        at(URI, json!({ "line": 1, "character": 3 })),
    );
    let code = |editor: &mut Editor, id| editor.response(id).error.map(|error| error.code);
    let first = code(&mut editor, busy);
    assert!(first.is_none() || first == Some(ErrorCode::ContentModified as i32));
    if first.is_none() {
        assert_eq!(
            code(&mut editor, canceled),
            Some(ErrorCode::RequestCanceled as i32)
        );
    } else {
        code(&mut editor, canceled);
    }
    assert_eq!(
        code(&mut editor, outdated),
        Some(ErrorCode::ContentModified as i32)
    );
    let found = editor.response(last);
    assert!(
        found.result.expect("an answer")["contents"]["value"]
            .as_str()
            .is_some()
    );
    editor.end();
}

#[test]
fn an_editor_that_goes_away_ends_the_server() {
    for first in [None, Some(json!({ "capabilities": 7 }))] {
        let (server, client) = Connection::memory();
        if let Some(params) = first {
            let request = lsp_server::Request::new(1.into(), "initialize".into(), params);
            client.sender.send(request.into()).unwrap();
        } else {
            drop(client);
            let disk = client::Files::default();
            let settings = Settings {
                disk: &disk,
                std_folder: None,
            };
            assert!(matches!(
                serve(server, settings),
                Err(ServeError::Handshake(_))
            ));
            continue;
        }
        let disk = client::Files::default();
        let settings = Settings {
            disk: &disk,
            std_folder: None,
        };
        assert!(matches!(
            serve(server, settings),
            Err(ServeError::Handshake(_))
        ));
    }
}

/// A generator of random numbers (xorshift), the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

/// Everything there is to ask about a place.
fn ask_everything(editor: &mut Editor, place: &Value) {
    for method in [
        "hover",
        "definition",
        "documentHighlight",
        "prepareRename",
        "completion",
        "signatureHelp",
    ] {
        editor.at(&format!("textDocument/{method}"), URI, place.clone());
    }
    let mut params = at(URI, place.clone());
    params["context"] = json!({ "includeDeclaration": true });
    editor.ask("textDocument/references", params);
    let mut params = at(URI, place.clone());
    params["newName"] = json!("fresh_name");
    // It may well be refused.
    let id = editor.send("textDocument/rename", params);
    if let Some(error) = editor.response(id).error {
        assert_eq!(
            error.code,
            ErrorCode::RequestFailed as i32,
            "{}",
            error.message
        );
    }
    let all =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9999, "character": 0 } });
    let document = json!({ "uri": URI });
    editor.ask("workspace/symbol", json!({ "query": "f" }));
    for method in ["formatting", "rangeFormatting"] {
        let params = json!({ "textDocument": document, "range": { "start": place, "end": place }, "options": { "tabSize": 2, "insertSpaces": true } });
        editor.ask(&format!("textDocument/{method}"), params);
    }
    for method in ["documentSymbol", "foldingRange", "semanticTokens/full"] {
        editor.ask(
            &format!("textDocument/{method}"),
            json!({ "textDocument": document }),
        );
    }
    editor.ask(
        "textDocument/inlayHint",
        json!({ "textDocument": document, "range": all }),
    );
    editor.ask(
        "textDocument/codeAction",
        json!({ "textDocument": document, "range": all, "context": { "diagnostics": [] } }),
    );
}

/// The character that a byte belongs to.
fn boundary_of(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// Random edits of examples, as if somebody typed; after each one everything is asked, and the server's text is ours.
#[test]
fn random_edits() {
    const PIECES: &[&str] = &[
        "",
        "",
        "",
        "x",
        "p.",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "\n",
        ",",
        "::",
        "\"",
        "// ",
        "𝄞",
        "é",
        "let ",
        "fn ",
        "struct ",
        "export ",
        "@",
        "|",
        "use std::",
        "import \"a.dl\"",
        "f32[",
        "= ",
        "1.5e",
        "\u{0}",
        "\r\n",
        "..",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut editor = Editor::start();
    for example in EXAMPLES {
        let mut text = (*example).to_owned();
        editor.open(URI, &text);
        for _ in 0..40 {
            // Editors do not split characters and the ends of lines.
            let whole = |at: &usize| text.is_char_boundary(*at) && !text[..*at].ends_with('\r');
            let boundary = |at: usize| (0..=at).rev().find(whole).unwrap_or(0);
            let start = boundary(random.below(text.len() + 1));
            let long = if random.below(8) == 0 { 60 } else { 4 };
            let end = boundary((start + random.below(long)).min(text.len())).max(start);
            let piece = PIECES[random.below(PIECES.len())];
            let range = json!({ "start": position(&text, start), "end": position(&text, end) });
            editor.edit(URI, range, piece);
            text.replace_range(start..end, piece);
            let place = position(&text, boundary_of(&text, start + piece.len()));
            ask_everything(&mut editor, &place);
        }
        // What the server reports of the text that it has by now is what it reports of ours.
        let end = position(&text, text.len());
        editor.edit(URI, json!({ "start": end, "end": end }), "\n");
        let theirs = editor.diagnostics(URI);
        editor.tell(
            "textDocument/didClose",
            json!({ "textDocument": { "uri": URI } }),
        );
        assert_eq!(editor.open(URI, &format!("{text}\n")), theirs);
        editor.tell(
            "textDocument/didClose",
            json!({ "textDocument": { "uri": URI } }),
        );
    }
    assert_eq!(
        editor.log,
        Vec::<String>::new(),
        "nothing went wrong inside"
    );
    editor.end();
}

#[test]
fn ten_thousand_lines() {
    let mut editor = Editor::start();
    let function = "fn f0(x: f32[8], w: f32[8, 8]) -> f32 {\n  let y = x @ w\n  let z = tanh(y)\n  sum(z)\n}\n";
    let text: String = (0..2000)
        .map(|i| function.replace("f0", &format!("f{i}")))
        .collect();
    assert_eq!(editor.open(URI, &text), Vec::<Value>::new());
    ask_everything(&mut editor, &find(&text, "tanh(y)", 1000));
    let found = editor.at("textDocument/hover", URI, find(&text, "y = x", 1999));
    assert!(
        found["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("y: f32[8]")
    );
    editor.end();
}
