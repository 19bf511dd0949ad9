//! An editor: a client of the server that runs on a thread beside it.

#![allow(dead_code, reason = "each test uses part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use dlc_frontend::modules::{LoadError, Loader, MemoryFiles};
use dlc_lsp::{ServeError, Settings, serve};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use serde_json::{Value, json};

/// A disk that the test writes.
#[derive(Clone, Default)]
pub struct Files(pub Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Loader for Files {
    fn identity(&self, name: &str) -> String {
        MemoryFiles::default().identity(name)
    }

    fn read(&self, name: &str) -> Result<String, LoadError> {
        assert!(!name.ends_with("fault.dl"), "a fault of the test");
        let files = self.0.lock().unwrap();
        let bytes = files.get(name).ok_or(LoadError::NotFound)?;
        String::from_utf8(bytes.clone()).map_err(|_| LoadError::NotUtf8(1))
    }
}

/// An editor.
pub struct Editor {
    connection: Connection,
    server: JoinHandle<Result<(), ServeError>>,
    last: i32,
    version: i32,
    pub files: Files,
    /// The diagnostics sent last, by address, with the version that they belong to.
    shown: BTreeMap<String, (i64, Vec<Value>)>,
    /// What the server logged.
    pub log: Vec<String>,
}

impl Editor {
    /// A server that has been greeted.
    pub fn start() -> Self {
        Self::with_std(None)
    }

    /// A server that writes copies of the standard library to a folder.
    pub fn with_std(std_folder: Option<&Path>) -> Self {
        let (server, connection) = Connection::memory();
        let files = Files::default();
        let disk = files.clone();
        let std_folder = std_folder.map(Path::to_path_buf);
        let server = std::thread::spawn(move || {
            let settings = Settings {
                disk: &disk,
                std_folder,
            };
            serve(server, settings)
        });
        let mut editor = Self {
            connection,
            server,
            last: 0,
            version: 0,
            files,
            shown: BTreeMap::new(),
            log: Vec::new(),
        };
        let capabilities = json!({
            "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } },
        });
        let greeted = editor.ask("initialize", json!({ "capabilities": capabilities }));
        assert_eq!(greeted["capabilities"]["positionEncoding"], "utf-16");
        editor.tell("initialized", json!({}));
        // It asks to be told of files that change.
        let Message::Request(asked) = editor.connection.receiver.recv().unwrap() else {
            panic!("a request");
        };
        assert_eq!(asked.method, "client/registerCapability");
        let done = Response::new_ok(asked.id, ());
        editor.connection.sender.send(done.into()).unwrap();
        editor
    }

    /// Sends a notification.
    pub fn tell(&self, method: &str, params: Value) {
        let message = Notification::new(method.into(), params);
        self.connection.sender.send(message.into()).unwrap();
    }

    /// Sends a request and gives its number.
    pub fn send(&mut self, method: &str, params: Value) -> i32 {
        self.last += 1;
        let message = Request::new(self.last.into(), method.into(), params);
        self.connection.sender.send(message.into()).unwrap();
        self.last
    }

    /// The response to a request.
    pub fn response(&mut self, id: i32) -> Response {
        loop {
            match self.connection.receiver.recv().unwrap() {
                Message::Response(response) => {
                    assert_eq!(response.id, id.into(), "in order");
                    return response;
                }
                Message::Notification(notification) => self.note(notification),
                Message::Request(request) => panic!("{request:?}"),
            }
        }
    }

    fn note(&mut self, notification: Notification) {
        let params = notification.params;
        match notification.method.as_str() {
            "textDocument/publishDiagnostics" => {
                let uri = params["uri"].as_str().unwrap().to_owned();
                let all = params["diagnostics"].as_array().unwrap().clone();
                let version = params["version"].as_i64().unwrap_or_default();
                self.shown.insert(uri, (version, all));
            }
            "window/logMessage" => self.log.push(params["message"].as_str().unwrap().into()),
            other => panic!("{other}"),
        }
    }

    /// The result of a request.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        let response = self.response(id);
        assert!(response.error.is_none(), "{method}: {:?}", response.error);
        response.result.unwrap_or_default()
    }

    /// The code and message of a request that is refused.
    pub fn refused(&mut self, method: &str, params: Value) -> (i32, String) {
        let id = self.send(method, params);
        let error = self.response(id).error.expect("it is refused");
        (error.code, error.message)
    }

    /// Waits for the diagnostics of a document that was the last one to be opened or changed.
    pub fn diagnostics(&mut self, uri: &str) -> Vec<Value> {
        let wanted = i64::from(self.version);
        loop {
            match self.shown.get(uri) {
                Some((version, found)) if *version == wanted => return found.clone(),
                _ => self.wait(),
            }
        }
    }

    /// Waits until the diagnostics of a document are such.
    pub fn until(&mut self, uri: &str, such: impl Fn(&[Value]) -> bool) {
        while !self.shown.get(uri).is_some_and(|(_, found)| such(found)) {
            self.wait();
        }
    }

    fn wait(&mut self) {
        let limit = std::time::Duration::from_secs(300);
        match self.connection.receiver.recv_timeout(limit).unwrap() {
            Message::Notification(notification) => self.note(notification),
            other => panic!("{other:?}"),
        }
    }

    /// Opens a document and waits for its diagnostics.
    pub fn open(&mut self, uri: &str, text: &str) -> Vec<Value> {
        self.version += 1;
        let version = self.version;
        let document = json!({ "uri": uri, "languageId": "dl", "version": version, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        self.diagnostics(uri)
    }

    /// Replaces a range of a document.
    pub fn edit(&mut self, uri: &str, range: Value, text: &str) {
        self.version += 1;
        let document = json!({ "uri": uri, "version": self.version });
        let change = json!({ "range": range, "text": text });
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [change] }),
        );
    }

    /// Replaces all of a document and waits for its diagnostics.
    pub fn replace(&mut self, uri: &str, text: &str) -> Vec<Value> {
        self.version += 1;
        let document = json!({ "uri": uri, "version": self.version });
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [{ "text": text }] }),
        );
        self.diagnostics(uri)
    }

    /// Asks about a place.
    pub fn at(&mut self, method: &str, uri: &str, position: Value) -> Value {
        self.ask(method, at(uri, position))
    }

    /// Ends the server, which is still there.
    pub fn end(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null), Value::Null);
        let (code, _) = self.refused("textDocument/hover", json!({}));
        assert_eq!(code, ErrorCode::InvalidRequest as i32);
        self.tell("exit", Value::Null);
        self.server.join().unwrap().unwrap();
    }
}

/// The parameters of a request about a place.
pub fn at(uri: &str, position: Value) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": position })
}

/// The position of the `n`th occurrence of a text, counted as the protocol counts.
pub fn find(text: &str, wanted: &str, n: usize) -> Value {
    let (at, _) = text.match_indices(wanted).nth(n).expect("it occurs");
    position(text, at)
}

/// The position of a byte.
pub fn position(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    json!({ "line": line, "character": before[start..].encode_utf16().count() })
}

/// The range of the `n`th occurrence of a text.
pub fn range(text: &str, wanted: &str, n: usize) -> Value {
    let (at, _) = text.match_indices(wanted).nth(n).expect("it occurs");
    json!({ "start": position(text, at), "end": position(text, at + wanted.len()) })
}

/// A text with the edits of an answer made.
pub fn edited(text: &str, edits: &Value) -> String {
    let offset = |position: &Value| {
        let line = position["line"].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let mut units = position["character"].as_u64().unwrap() as usize;
        let rest = text[start..].char_indices();
        let end = rest.take_while(|(_, c)| {
            let fits = units >= c.len_utf16();
            units = units.saturating_sub(c.len_utf16());
            fits
        });
        start + end.map(|(_, c)| c.len_utf8()).sum::<usize>()
    };
    let mut edits: Vec<(usize, usize, &str)> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (
                offset(&range["start"]),
                offset(&range["end"]),
                edit["newText"].as_str().unwrap(),
            )
        })
        .collect();
    edits.sort_unstable();
    let mut text = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        text.replace_range(start..end, new);
    }
    text
}
