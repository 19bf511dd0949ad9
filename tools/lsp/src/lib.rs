//! The language server of DL, over the language server protocol.
//!
//! One thread reads messages, one answers them in order (`server.rs`). A document is the text that the editor has
//! (`documents.rs`); what is known of it is found by the compiler's own checker when it is first asked for and kept until a
//! text changes (`world.rs`). Each feature is a file in `features`, a function from what is known to an answer.
//!
//! A panic in a feature is answered as an error, and the server goes on.

mod documents;
mod features;
mod names;
mod position;
mod server;
mod text;
mod world;

pub use server::{ServeError, serve, serve_stdio};
pub use text::Text;
pub use world::Settings;
