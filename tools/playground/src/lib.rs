//! The playground: what a page in the browser asks the compiler for, answered without a machine behind it.
//!
//! A request is a JSON object, and so is its answer ([`answer`]); `wasm.rs` hands both over where the crate is a module of
//! WebAssembly, and tests call the same function. `look.rs` is what is known of a text as one types, `derivative.rs` its
//! derivatives as source, `call.rs` calls of its exports on the reference evaluator; `program.rs` makes the modules
//! of both. `page` is the page itself.
//!
//! Invariants: nothing is read, written or sent; a text is all there is, and the standard library.

mod call;
mod derivative;
mod look;
mod program;
#[cfg(target_family = "wasm")]
mod wasm;

use serde::Deserialize;
use serde_json::{Value, json};

/// What a page can ask.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
enum Request {
    Look {
        text: String,
    },
    Hover {
        text: String,
        line: u32,
        character: u32,
    },
    Explain {
        code: String,
    },
    Format {
        text: String,
    },
    Derivative(derivative::Request),
    Call(call::Request),
}

/// What is wrong: text for a person.
#[derive(Debug)]
enum Refused {
    /// Errors in the program, with its lines.
    Program(String),
    /// Anything else.
    Message(String),
}

/// The file that a text is.
const NAME: &str = "playground.dl";

/// Answers a request. Both are JSON; what cannot be done is an object with `error`, or with `errors` where these are
/// diagnostics of the program.
pub fn answer(request: &str) -> String {
    let request = match serde_json::from_str(request) {
        Ok(request) => request,
        Err(error) => return json!({ "error": format!("no request: {error}") }).to_string(),
    };
    let answer = match request {
        Request::Look { text } => Ok(look::look(&text)),
        Request::Hover {
            text,
            line,
            character,
        } => Ok(look::hover(&text, line, character)),
        Request::Explain { code } => look::explain(&code),
        Request::Format { text } => look::format(&text),
        Request::Derivative(request) => derivative::answer(&request),
        Request::Call(request) => call::answer(&request),
    };
    let answer: Value = answer.unwrap_or_else(|refused| match refused {
        Refused::Program(errors) => json!({ "errors": errors }),
        Refused::Message(error) => json!({ "error": error }),
    });
    answer.to_string()
}
