//! What the playground answers, and its page.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod page;
