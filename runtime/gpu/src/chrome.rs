//! Timelines in the format of Chrome's traces, which chrome://tracing and ui.perfetto.dev show.

use serde_json::{Value, json};

/// A piece of work that took some time.
#[derive(Debug, Clone)]
pub struct Span {
    /// What is shown in it.
    pub name: String,
    /// What it is, by which viewers filter.
    pub category: &'static str,
    /// The number of the thread that did it. Spans of one thread are nested or apart.
    pub thread: u64,
    /// When it began, in microseconds.
    pub begin: f64,
    /// How long it took, in microseconds.
    pub duration: f64,
    /// More of it, an object.
    pub about: Value,
}

/// A timeline of what a process of that name did.
pub fn text(process: &str, spans: impl IntoIterator<Item = Span>) -> String {
    let process = json!({
        "name": "process_name",
        "ph": "M",
        "pid": 0,
        "args": {"name": process},
    });
    let events = spans.into_iter().map(|span| {
        json!({
            "name": span.name,
            "cat": span.category,
            "ph": "X",
            "pid": 0,
            "tid": span.thread,
            "ts": span.begin,
            "dur": span.duration,
            "args": span.about,
        })
    });
    let events: Vec<Value> = [process].into_iter().chain(events).collect();
    let all = json!({"displayTimeUnit": "ns", "traceEvents": events});
    format!("{all:#}\n")
}
