//! The loop: messages are read by a thread of their own, and answered in order by this one.
//!
//! What has come in meanwhile is looked at before a request is answered: one that was taken back, or whose document has
//! newer text, is not answered any more. Diagnostics are sent when nothing waits.

mod requests;

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};

use lsp_server::{Connection, ErrorCode, ExtractError, Message, Notification, Request, Response};
use lsp_types::notification::{
    Cancel, DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument,
    DidOpenTextDocument, DidSaveTextDocument, Exit, LogMessage, Notification as _,
    PublishDiagnostics,
};
use lsp_types::request::{RegisterCapability, Request as _, Shutdown};
use lsp_types::{
    CancelParams, InitializeParams, LogMessageParams, MessageType, NumberOrString,
    PublishDiagnosticsParams, Url,
};
use serde::de::DeserializeOwned;

use crate::documents::Document;
use crate::features::diagnostics;
use crate::world::{Settings, World};

/// Why the server ended other than by being told to.
#[derive(Debug)]
pub enum ServeError {
    /// The first messages were not those that the protocol has there.
    Handshake(String),
    /// The editor went away, or said `exit` without `shutdown`.
    Gone,
    /// A thread could not be started or went wrong.
    Thread(String),
}

impl std::fmt::Display for ServeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Handshake(what) => write!(f, "the editor's first message is wrong: {what}"),
            Self::Gone => f.write_str("the editor ended without saying so"),
            Self::Thread(what) => write!(f, "the server cannot go on: {what}"),
        }
    }
}

impl std::error::Error for ServeError {}

/// Serves an editor over standard input and output until it says `exit`.
pub fn serve_stdio(settings: Settings<'_>) -> Result<(), ServeError> {
    let (connection, threads) = Connection::stdio();
    let result = serve(connection, settings);
    match result {
        Ok(()) => threads
            .join()
            .map_err(|error| ServeError::Thread(error.to_string())),
        // The thread that reads may wait for ever.
        Err(error) => Err(error),
    }
}

/// Serves an editor over a connection until it says `exit`.
pub fn serve(connection: Connection, settings: Settings<'_>) -> Result<(), ServeError> {
    let handshake = |error: lsp_server::ProtocolError| ServeError::Handshake(error.to_string());
    let (id, params) = connection.initialize_start().map_err(handshake)?;
    let params: InitializeParams = match serde_json::from_value(params) {
        Ok(params) => params,
        Err(error) => {
            let text = error.to_string();
            let response = Response::new_err(id, ErrorCode::InvalidParams as i32, text.clone());
            let _ = connection.sender.send(response.into());
            return Err(ServeError::Handshake(text));
        }
    };
    let result = serde_json::json!({
        "capabilities": requests::capabilities(),
        "serverInfo": { "name": "dlc", "version": env!("CARGO_PKG_VERSION") },
    });
    connection
        .initialize_finish(id, result)
        .map_err(handshake)?;
    if requests::can_watch(&params) {
        let watch = Request::new(
            0.into(),
            RegisterCapability::METHOD.into(),
            requests::watched(),
        );
        // An editor that is gone is noticed when its messages end.
        let _ = connection.sender.send(watch.into());
    }
    let (sender, messages) = channel();
    let Connection {
        sender: out,
        receiver,
    } = connection;
    let reader = std::thread::Builder::new().name("messages".into());
    let reader = reader.spawn(move || {
        for message in receiver {
            let last = matches!(&message, Message::Notification(n) if n.method == Exit::METHOD);
            if sender.send(message).is_err() || last {
                break;
            }
        }
    });
    reader.map_err(|error| ServeError::Thread(error.to_string()))?;
    let mut server = Server {
        world: World::new(settings),
        messages,
        queue: VecDeque::new(),
        shown: HashSet::new(),
        out: &|message| out.send(message).is_ok(),
        is_down: false,
    };
    server.run()
}

struct Server<'a> {
    world: World<'a>,
    messages: Receiver<Message>,
    /// What has come in and is not answered yet.
    queue: VecDeque<Message>,
    /// The names of the documents whose diagnostics have been sent.
    shown: HashSet<String>,
    /// Sends a message; false if nobody is there any more.
    out: &'a dyn Fn(Message) -> bool,
    /// Whether `shutdown` was asked for.
    is_down: bool,
}

/// What to do after a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Server<'_> {
    fn run(&mut self) -> Result<(), ServeError> {
        loop {
            self.queue.extend(self.messages.try_iter());
            let message = match self.queue.pop_front() {
                Some(message) => message,
                None if self.show_one() => continue,
                None => {
                    self.world.tidy();
                    self.messages.recv().map_err(|_| ServeError::Gone)?
                }
            };
            if self.message(message) == Next::End {
                return match self.is_down {
                    true => Ok(()),
                    false => Err(ServeError::Gone),
                };
            }
        }
    }

    fn message(&mut self, message: Message) -> Next {
        match message {
            Message::Request(request) => {
                self.queue.extend(self.messages.try_iter());
                let response = self.answer(request);
                self.send(response.into())
            }
            Message::Notification(notification) if notification.method == Exit::METHOD => Next::End,
            Message::Notification(notification) => {
                let method = notification.method.clone();
                let result = catch_unwind(AssertUnwindSafe(|| self.notified(notification)));
                let wrong = match result {
                    Ok(Ok(())) => return Next::GoOn,
                    Ok(Err(error)) => error,
                    Err(panic) => self.after_panic(panic.as_ref()),
                };
                self.log(format!("{method}: {wrong}"))
            }
            Message::Response(_) => Next::GoOn,
        }
    }

    fn send(&self, message: Message) -> Next {
        match (self.out)(message) {
            true => Next::GoOn,
            false => Next::End,
        }
    }

    fn log(&self, message: String) -> Next {
        let params = LogMessageParams {
            typ: MessageType::ERROR,
            message,
        };
        self.send(Notification::new(LogMessage::METHOD.into(), params).into())
    }

    /// What a panic said. What was known may be half done, so it is found again.
    fn after_panic(&mut self, panic: &(dyn std::any::Any + Send)) -> String {
        self.world.forget();
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        format!("a bug in dlc: {}", text.unwrap_or("a panic"))
    }

    fn answer(&mut self, request: Request) -> Response {
        let (id, method) = (request.id.clone(), request.method.clone());
        let failed =
            |code: ErrorCode, text: String| Response::new_err(id.clone(), code as i32, text);
        if request.method == Shutdown::METHOD {
            self.is_down = true;
            return Response::new_ok(id, ());
        }
        if self.is_down {
            return failed(ErrorCode::InvalidRequest, "the server is shut down".into());
        }
        if let Some((code, text)) = self.outdated(&request) {
            return failed(code, text.into());
        }
        let world = &mut self.world;
        match catch_unwind(AssertUnwindSafe(|| requests::answer(world, request))) {
            Ok(Ok(value)) => Response::new_ok(id, value),
            Ok(Err((code, text))) => failed(code, text),
            Err(panic) => {
                let text = self.after_panic(panic.as_ref());
                self.log(format!("{method}: {text}"));
                failed(ErrorCode::InternalError, text)
            }
        }
    }

    /// Whether what has come in since makes an answer useless.
    fn outdated(&self, request: &Request) -> Option<(ErrorCode, &'static str)> {
        let uri = &request.params["textDocument"]["uri"];
        self.queue.iter().find_map(|message| {
            let Message::Notification(later) = message else {
                return None;
            };
            let params = serde_json::from_value::<CancelParams>(later.params.clone());
            let canceled = params.map(|params| match params.id {
                NumberOrString::Number(id) => id.into(),
                NumberOrString::String(id) => id.into(),
            });
            let changed = !uri.is_null() && later.params["textDocument"]["uri"] == *uri;
            match later.method.as_str() {
                Cancel::METHOD
                    if canceled.is_ok_and(|id: lsp_server::RequestId| id == request.id) =>
                {
                    Some((ErrorCode::RequestCanceled, "taken back"))
                }
                DidChangeTextDocument::METHOD if changed => {
                    Some((ErrorCode::ContentModified, "there is newer text"))
                }
                _ => None,
            }
        })
    }

    fn notified(&mut self, notification: Notification) -> Result<(), String> {
        match notification.method.as_str() {
            DidOpenTextDocument::METHOD => {
                let opened = extract::<DidOpenTextDocument>(notification)?.text_document;
                self.world.open(Document {
                    uri: opened.uri,
                    version: opened.version,
                    text: opened.text,
                });
                self.shown.clear();
            }
            DidChangeTextDocument::METHOD => {
                let params = extract::<DidChangeTextDocument>(notification)?;
                let uri = &params.text_document.uri;
                let document = self.world.change(uri);
                let document = document.ok_or_else(|| format!("{uri} is not open"))?;
                document.version = params.text_document.version;
                document.change(params.content_changes);
            }
            DidCloseTextDocument::METHOD => {
                let uri = extract::<DidCloseTextDocument>(notification)?
                    .text_document
                    .uri;
                self.world.close(&uri);
                self.shown.clear();
                self.publish(uri, Vec::new(), None);
            }
            DidSaveTextDocument::METHOD | DidChangeWatchedFiles::METHOD => {
                self.world.forget();
                self.shown.clear();
            }
            _ => {}
        }
        // What has to be found again has to be shown again.
        let world = &self.world;
        self.shown.retain(|name| world.is_known(name));
        Ok(())
    }

    /// Sends the diagnostics of one document that has not been shown; false if there is none.
    fn show_one(&mut self) -> bool {
        let mut names = self.world.documents.0.keys();
        let Some(name) = names.find(|name| !self.shown.contains(*name)).cloned() else {
            return false;
        };
        self.shown.insert(name.clone());
        let world = &mut self.world;
        let found = catch_unwind(AssertUnwindSafe(|| {
            let analysis = world.analysis_of(&name)?;
            Some(diagnostics::all(world, &analysis))
        }));
        match found {
            Ok(Some(found)) => {
                let document = &self.world.documents.0[&name];
                let (uri, version) = (document.uri.clone(), document.version);
                self.publish(uri, found, Some(version));
            }
            Ok(None) => {}
            Err(panic) => {
                let text = self.after_panic(panic.as_ref());
                self.log(format!("diagnostics of {name}: {text}"));
            }
        }
        true
    }

    fn publish(&self, uri: Url, diagnostics: Vec<lsp_types::Diagnostic>, version: Option<i32>) {
        let params = PublishDiagnosticsParams::new(uri, diagnostics, version);
        self.send(Notification::new(PublishDiagnostics::METHOD.into(), params).into());
    }
}

/// The parameters of a notification.
fn extract<N: lsp_types::notification::Notification>(
    notification: Notification,
) -> Result<N::Params, String>
where
    N::Params: DeserializeOwned,
{
    notification
        .extract(N::METHOD)
        .map_err(|error: ExtractError<Notification>| error.to_string())
}
