//! `--error-format sarif`: standard error is one document, in the shape that SARIF 2.1.0 asks for, however a run ends.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const WRONG: &str = r#"import "lib dir/layers.dl"

fn f<T>(x: f32[T, 64], w: f32[256, 64]) -> f32[T, 256] { x @ w }

export fn g(x: f32[3]) -> f32[3] { print("é", x); layers::twise(x) }
"#;

const TESTS: &str = r#"import "lib dir/layers.dl"

test "holds" { assert(all(layers::twice(ones([3])) == 2.0)) }

test "does not" { assert(all(layers::twice(ones([3])) == 3.0)) }
"#;

/// A folder with programs and a file that they import.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("lib dir")).unwrap();
    let layers = "fn twice(x: f32[3]) -> f32[3] { var unread = 1.0; 2.0 * x }\n";
    write("lib dir/layers.dl", layers);
    write("wrong.dl", WRONG);
    write("tests.dl", TESTS);
    write("right.dl", "export fn f(x: f32) -> f32 { x }\n");
    folder
}

/// The exit status, and the document that is all of standard error.
fn sarif(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .args(arguments)
        .args(["--error-format", "sarif"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let log = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let status = output.status.code().unwrap();
    well_formed(&log, status);
    (status, log)
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn results(log: &Value) -> &[Value] {
    array(&log["runs"][0]["results"])
}

/// Asserts what the schema asks of the parts that are written: which there must be, their types and ranges.
fn well_formed(log: &Value, status: i32) {
    assert_eq!(log["version"], "2.1.0");
    let schema = log["$schema"].as_str().unwrap();
    assert!(schema.ends_with("/sarif-schema-2.1.0.json"), "{schema}");
    let runs = array(&log["runs"]);
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    only(run, &["tool", "columnKind", "invocations", "results"]);
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "dlc");
    let mut ids = BTreeSet::new();
    for rule in array(&driver["rules"]) {
        only(
            rule,
            &[
                "id",
                "name",
                "shortDescription",
                "fullDescription",
                "help",
                "defaultConfiguration",
            ],
        );
        assert!(ids.insert(rule["id"].as_str().unwrap()));
        for part in ["shortDescription", "fullDescription", "help"] {
            message(&rule[part]);
        }
        assert!(rule["help"]["markdown"].is_string());
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["exitCode"], status);
    assert_eq!(invocation["executionSuccessful"], status <= 1);
    for notification in array(&invocation["toolExecutionNotifications"]) {
        only(notification, &["level", "message"]);
        level(notification);
        message(&notification["message"]);
    }
    assert!(run["results"].is_array());
    for result in results(log) {
        let parts = [
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "relatedLocations",
            "fixes",
        ];
        only(result, &parts);
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
        level(result);
        message(&result["message"]);
        assert_eq!(array(&result["locations"]).len(), 1);
        location(&result["locations"][0]);
        for (id, related) in array(&result["relatedLocations"]).iter().enumerate() {
            assert_eq!(related["id"], id);
            location(related);
        }
        for fix in array(&result["fixes"]) {
            message(&fix["description"]);
            let change = &fix["artifactChanges"][0];
            assert!(change["artifactLocation"]["uri"].is_string());
            let replacement = &change["replacements"][0];
            region(&replacement["deletedRegion"]);
            assert!(replacement["insertedContent"]["text"].is_string());
        }
    }
}

fn only(value: &Value, parts: &[&str]) {
    for part in value.as_object().unwrap().keys() {
        assert!(parts.contains(&part.as_str()), "{part} in {value}");
    }
}

fn level(value: &Value) {
    let level = value["level"].as_str().unwrap();
    assert!(["note", "warning", "error"].contains(&level), "{level}");
}

fn message(value: &Value) {
    assert!(!value["text"].as_str().unwrap().is_empty(), "{value}");
}

fn location(value: &Value) {
    only(value, &["id", "physicalLocation", "message"]);
    let place = &value["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().unwrap();
    assert!(
        !uri.is_empty() && uri.is_ascii() && !uri.contains(' '),
        "{uri}"
    );
    region(&place["region"]);
    if let Some(text) = value.get("message") {
        message(text);
    }
}

fn region(region: &Value) {
    let number = |name: &str| region[name].as_u64().unwrap();
    let start = (number("startLine"), number("startColumn"));
    let end = (number("endLine"), number("endColumn"));
    assert!(start.0 >= 1 && start.1 >= 1 && start <= end, "{region}");
    assert!(number("byteOffset") < u64::MAX && number("byteLength") < u64::MAX);
}

#[test]
fn a_program_without_errors_has_no_results() {
    let folder = folder();
    for command in [
        &["check", "right.dl"][..],
        &["build", "right.dl", "--emit=header"],
    ] {
        let (status, log) = sarif(folder.path(), command);
        assert_eq!(status, 0);
        assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    }
}

#[test]
fn errors_and_warnings_of_all_files_are_results() {
    let folder = folder();
    for command in ["check", "build"] {
        let (status, log) = sarif(folder.path(), &[command, "wrong.dl"]);
        assert_eq!(status, 1);
        let found: Vec<_> = results(&log).iter().map(|one| &one["ruleId"]).collect();
        assert_eq!(found, ["DL0203", "DL0608"]);
        let product = &results(&log)[0];
        assert_eq!(array(&product["relatedLocations"]).len(), 4);
        // A column counts characters, an offset bytes.
        let region = &results(&log)[1]["locations"][0]["physicalLocation"]["region"];
        assert_eq!(
            (&region["startLine"], &region["startColumn"]),
            (&5.into(), &59.into())
        );
        let at = region["byteOffset"].as_u64().unwrap() as usize;
        assert_eq!(&WRONG[at..at + 5], "twise");
    }
    let (status, log) = sarif(
        folder.path(),
        &["check", "right.dl", "wrong.dl", "tests.dl"],
    );
    assert_eq!(status, 1);
    assert_eq!(results(&log).len(), 3);
    let last = &results(&log)[2];
    assert_eq!(
        (&last["ruleId"], &last["level"]),
        (&"DL0905".into(), &"warning".into())
    );
    let file = &last["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(file, "lib%20dir/layers.dl");
}

#[test]
fn a_fix_can_be_applied() {
    let folder = folder();
    let (_, log) = sarif(folder.path(), &["check", "wrong.dl"]);
    let mut text = WRONG.to_owned();
    for result in results(&log).iter().rev() {
        let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        let region = &replacement["deletedRegion"];
        let number = |name: &str| region[name].as_u64().unwrap() as usize;
        let range = number("byteOffset")..number("byteOffset") + number("byteLength");
        text.replace_range(
            range,
            replacement["insertedContent"]["text"].as_str().unwrap(),
        );
    }
    std::fs::write(folder.path().join("wrong.dl"), text).unwrap();
    let (status, _) = sarif(folder.path(), &["check", "wrong.dl"]);
    assert_eq!(status, 0);
}

#[test]
fn tests_that_fail_are_results() {
    let folder = folder();
    let (status, log) = sarif(folder.path(), &["test", "tests.dl"]);
    assert_eq!(status, 1);
    let found: Vec<_> = results(&log).iter().map(|one| &one["ruleId"]).collect();
    assert_eq!(found, ["DL0905", "DL1021"]);
    let (status, log) = sarif(
        folder.path(),
        &["test", "tests.dl", "does", "-Zcrash=test:1"],
    );
    assert_eq!(status, 1);
    let said = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(said.contains("test does not: ended by SIGABRT"), "{said}");
}

#[test]
fn what_is_no_finding_is_a_notification() {
    let folder = folder();
    for (arguments, expected, said) in [
        (
            &["check", "none.dl", "wrong.dl"][..],
            1,
            "cannot read none.dl",
        ),
        (&["check", "none.dl"], 3, "cannot read none.dl"),
        (&["explain", "DL9999"], 2, "there is no error code DL9999"),
        (&["check", "right.dl", "-Zcrash=abort"], 101, "SIGABRT"),
        (&["build", "right.dl", "-v", "--emit=header"], 0, "wrote "),
    ] {
        let (status, log) = sarif(folder.path(), arguments);
        assert_eq!(status, expected, "{log}");
        let notifications = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
        assert!(notifications.to_string().contains(said), "{log}");
    }
}
