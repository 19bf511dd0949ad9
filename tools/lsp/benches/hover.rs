//! How long an editor waits in a document of 2,000 lines, from its message to the answer: `cargo xtask bench --check`.
//!
//! - `hover`: what is under the cursor, at places all over the document.
//! - `hover after an edit`: the same when a character has just been typed, so that all is checked again.

#[path = "../../../frontend/benches/models/mod.rs"]
mod models;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use dlc_frontend::modules::NoFiles;
use dlc_lsp::{Settings, serve};
use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};

/// Nobody types faster. The server tidies up meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
const URI: &str = "file:///bench.dl";

/// An editor with one open document.
struct Editor {
    connection: Connection,
    requests: i32,
    lines: u32,
}

impl Editor {
    fn start(text: &str) -> Self {
        let (server, connection) = Connection::memory();
        std::thread::spawn(move || {
            let settings = Settings {
                disk: &NoFiles,
                std_folder: None,
            };
            serve(server, settings)
        });
        let mut editor = Self {
            connection,
            requests: 0,
            lines: text.lines().count() as u32,
        };
        editor.ask("initialize", json!({ "capabilities": {} }));
        editor.tell("initialized", json!({}));
        let document = json!({ "uri": URI, "languageId": "dl", "version": 1, "text": text });
        editor.tell("textDocument/didOpen", json!({ "textDocument": document }));
        editor
    }

    fn tell(&self, method: &str, params: Value) {
        let message = Notification::new(method.into(), params);
        let sent = self.connection.sender.send(message.into());
        sent.expect("the server is there");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let request = Request::new(self.requests.into(), method.into(), params);
        let sent = self.connection.sender.send(request.into());
        sent.expect("the server is there");
        loop {
            let message = self.connection.receiver.recv();
            if let Message::Response(response) = message.expect("the server is there") {
                assert!(response.error.is_none(), "{response:?}");
                return response.result.unwrap_or_default();
            }
        }
    }

    /// Hovers over another place each time.
    fn hover(&mut self) -> Value {
        let line = self.requests as u32 * 131 % self.lines;
        let place = json!({ "line": line, "character": 8 });
        self.ask(
            "textDocument/hover",
            json!({ "textDocument": { "uri": URI }, "position": place }),
        )
    }

    /// Types a character into the last line, which is empty, and takes it back the next time.
    fn edit(&self) {
        let end = json!({ "line": self.lines, "character": u32::from(self.requests % 2 == 0) });
        let start = json!({ "line": self.lines, "character": 0 });
        let text = if self.requests % 2 == 0 { "" } else { " " };
        let change = json!({ "range": { "start": start, "end": end }, "text": text });
        let document = json!({ "uri": URI, "version": self.requests });
        let params = json!({ "textDocument": document, "contentChanges": [change] });
        self.tell("textDocument/didChange", params);
    }
}

fn hovers(criterion: &mut Criterion) {
    let mut editor = Editor::start(&models::models(2000));
    assert!(editor.lines >= 2000);
    let found = (0..50).filter(|_| !editor.hover().is_null()).count();
    assert!(
        found > 10,
        "there is something under the cursor at {found} of 50 places"
    );
    let mut group = criterion.benchmark_group("2000 lines");
    group.sample_size(20);
    group.bench_function("hover", |bencher| bencher.iter(|| editor.hover()));
    group.bench_function("hover after an edit", |bencher| {
        bencher.iter_custom(|rounds| {
            let round = |_| {
                std::thread::sleep(PAUSE);
                let start = Instant::now();
                editor.edit();
                editor.hover();
                start.elapsed()
            };
            (0..rounds).map(round).sum()
        });
    });
    group.finish();
}

criterion_group!(benches, hovers);
criterion_main!(benches);
