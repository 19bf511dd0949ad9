//! `--error-format sarif`: the one document that a run of the compiler ends in.
//!
//! The child process writes each result and each notification on a line of its own; its parent makes the document of
//! them, and so there is one however the child ends.

use dlc_driver::{Severity, sarif};
use serde_json::Value;

/// The document of what the child process wrote and the status it ended with.
pub fn document(written: &str, status: u8) -> String {
    let (mut results, mut notifications) = (Vec::new(), Vec::new());
    let mut other = String::new();
    for line in written.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(value) if value["ruleId"].is_string() => results.push(value),
            Ok(value) if value["message"]["text"].is_string() => notifications.push(value),
            _ => other += &format!("{line}\n"),
        }
    }
    let other = other.trim();
    if !other.is_empty() {
        notifications.push(sarif::notification(Severity::Remark, other, None));
    }
    format!("{:#}\n", sarif::log(results, notifications, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sorted_out() {
        let written = "{\"ruleId\":\"DL0203\"}\nwrote a.o\n{\"message\":{\"text\":\"m\"}}\n";
        let log: Value = serde_json::from_str(&document(written, 3)).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().unwrap().len(), 1);
        let said = run["invocations"][0]["toolExecutionNotifications"].clone();
        let said: Vec<_> = said.as_array().unwrap().iter().collect();
        assert_eq!(said[0]["message"]["text"], "m");
        assert_eq!(said[1]["message"]["text"], "wrote a.o");
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
        let log: Value = serde_json::from_str(&document("", 0)).unwrap();
        assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    }
}
