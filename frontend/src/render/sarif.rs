//! Diagnostics in SARIF 2.1.0, the format in which editors and code-hosting sites read findings of analysers.
//!
//! [`result`] is one diagnostic, [`log`] the document that a run of the compiler ends in. What has no place in a source
//! (a file that cannot be read, a crash) is a notification.

use serde_json::{Map, Value, json};

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic, Label, Severity};
use crate::source::SourceMap;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A diagnostic as a `result`.
pub fn result(sources: &SourceMap, diagnostic: &Diagnostic) -> Value {
    let mut message = diagnostic.message.clone();
    for note in &diagnostic.notes {
        message += &format!("\nnote: {note}");
    }
    let mut result = Map::new();
    result.insert("ruleId".into(), json!(diagnostic.code.name()));
    result.insert("level".into(), json!(level(diagnostic.severity)));
    let place = location(sources, &diagnostic.primary);
    result.insert("locations".into(), json!([place]));
    let related = diagnostic.secondary.iter().enumerate().map(|(id, label)| {
        let mut place = location(sources, label);
        place["id"] = json!(id);
        place
    });
    let related: Vec<Value> = related.collect();
    if !related.is_empty() {
        result.insert("relatedLocations".into(), json!(related));
    }
    if let Some(help) = &diagnostic.help {
        message += &format!("\nhelp: {}", help.text);
        if let Some((span, text)) = &help.replacement {
            let replacement = json!({
                "deletedRegion": region(sources, *span),
                "insertedContent": {"text": text},
            });
            let change = json!({
                "artifactLocation": artifact(sources, *span),
                "replacements": [replacement],
            });
            let fix = json!({"description": {"text": help.text}, "artifactChanges": [change]});
            result.insert("fixes".into(), json!([fix]));
        }
    }
    result.insert("message".into(), json!({"text": message}));
    Value::Object(result)
}

/// Something to say that is no diagnostic of a source, as a `notification`.
pub fn notification(severity: Severity, message: &str, help: Option<&str>) -> Value {
    let help = help.map(|help| format!("\nhelp: {help}"));
    json!({
        "level": level(severity),
        "message": {"text": format!("{message}{}", help.unwrap_or_default())},
    })
}

/// The document: what a run found, what else it had to say, and its exit status.
pub fn log(results: Vec<Value>, notifications: Vec<Value>, status: u8) -> Value {
    let mut codes: Vec<Code> = results.iter().filter_map(code_of).collect();
    codes.sort_unstable();
    codes.dedup();
    let indexed = results.into_iter().map(|mut result| {
        let rule = code_of(&result).and_then(|code| codes.binary_search(&code).ok());
        if let Some(rule) = rule {
            result["ruleIndex"] = json!(rule);
        }
        result
    });
    let results: Vec<Value> = indexed.collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(*code)).collect();
    let driver = json!({
        "name": "dlc",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    // Errors in the program are what the run was to find: it has succeeded.
    let invocation = json!({
        "executionSuccessful": status <= 1,
        "exitCode": status,
        "toolExecutionNotifications": notifications,
    });
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation],
            "results": results,
        }],
    })
}

fn code_of(result: &Value) -> Option<Code> {
    Code::parse(result["ruleId"].as_str()?)
}

/// A code as a `reportingDescriptor`.
fn rule(code: Code) -> Value {
    let text = code.page().split_once('\n').map_or("", |(_, text)| text);
    let first = text.trim().split("\n\n").next().unwrap_or_default();
    let full = match first.is_empty() || first.starts_with("```") {
        true => code.title().to_owned(),
        false => first.replace('\n', " "),
    };
    let mut rule = json!({
        "id": code.name(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": full},
        "help": {
            "text": format!("dlc explain {code}"),
            "markdown": code.page(),
        },
    });
    if let Some(lint) = code.lint() {
        rule["name"] = json!(lint);
        rule["defaultConfiguration"] = json!({"level": level(Severity::Warning)});
    }
    rule
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Remark => "note",
    }
}

/// A place as a `location`.
fn location(sources: &SourceMap, label: &Label) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": artifact(sources, label.span),
            "region": region(sources, label.span),
        },
    });
    if !label.text.is_empty() {
        location["message"] = json!({"text": label.text});
    }
    location
}

/// The file of a place as an `artifactLocation`.
fn artifact(sources: &SourceMap, span: Span) -> Value {
    json!({"uri": uri(&sources.get(span.file).name)})
}

/// A place as a `region`; its end is the column behind it.
fn region(sources: &SourceMap, span: Span) -> Value {
    let source = sources.get(span.file);
    let (from, to) = (source.line_col(span.start), source.line_col(span.end));
    json!({
        "startLine": from.line,
        "startColumn": from.col,
        "endLine": to.line,
        "endColumn": to.col,
        "byteOffset": span.start,
        "byteLength": span.end.saturating_sub(span.start),
    })
}

/// A path as a URI: relative where the path is.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let mut uri = scheme.to_owned();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => uri.push(byte as char),
            b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(byte as char),
            b'\\' if cfg!(windows) => uri.push('/'),
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("lib/a.dl"), "lib/a.dl");
        assert_eq!(uri("../a b#ä:.dl"), "../a%20b%23%C3%A4%3A.dl");
        assert_eq!(uri("/tmp/a.dl"), "file:///tmp/a.dl");
        assert_eq!(uri("<std>/nn.dl"), "%3Cstd%3E/nn.dl");
    }

    #[test]
    fn rules_are_those_of_the_results_in_order() {
        let result = |code: &str| json!({"ruleId": code});
        let log = log(
            vec![result("DL0601"), result("DL0203"), result("DL0601")],
            Vec::new(),
            1,
        );
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().expect("an array");
        let ids: Vec<_> = rules.iter().map(|rule| &rule["id"]).collect();
        assert_eq!(ids, ["DL0203", "DL0601"]);
        let indices = run["results"].as_array().expect("an array").iter();
        let indices: Vec<_> = indices.map(|result| &result["ruleIndex"]).collect();
        assert_eq!(indices, [1, 0, 1]);
    }

    #[test]
    fn every_code_is_a_rule() {
        for code in Code::ALL {
            let rule = rule(*code);
            let full = rule["fullDescription"]["text"].as_str().expect("a text");
            assert!(!full.contains("```") && !full.is_empty(), "{code}: {full}");
        }
    }
}
