//! What a page asks and is told, on the machine that builds.

use serde_json::{Value, json};

const PROGRAM: &str = include_str!("../../page/welcome.dl");

fn ask(request: Value) -> Value {
    serde_json::from_str(&dlc_playground::answer(&request.to_string())).unwrap()
}

fn look(text: &str) -> Value {
    ask(json!({ "ask": "look", "text": text }))
}

#[test]
fn a_right_program_has_types_and_exports_and_no_problems() {
    let seen = look(PROGRAM);
    assert_eq!(seen["diagnostics"], json!([]), "{seen}");
    assert_eq!(seen["rendered"], "");
    let hints = seen["hints"].as_array().unwrap();
    assert!(
        hints.iter().any(|hint| hint["label"] == ": f32[B, O]"),
        "{hints:?}"
    );
    let names = |list: &str| -> Vec<&str> {
        let all = seen[list].as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("exports"), ["step", "curve", "waves"]);
    // The last has no parameters.
    assert_eq!(names("functions"), ["layer", "loss", "step", "curve"]);
    assert_eq!(seen["tokens"]["data"].as_array().unwrap().len() % 5, 0);
}

#[test]
fn a_problem_has_its_code_place_and_lines() {
    let seen = look("export fn f<N, M>(x: f32[N], y: f32[M]) -> f32[N] {\n  x + y\n}\n");
    let problem = &seen["diagnostics"][0];
    assert_eq!(problem["severity"], "error");
    assert_eq!(problem["line"], 2);
    let code = problem["code"].as_str().unwrap();
    let rendered = seen["rendered"].as_str().unwrap();
    assert!(rendered.contains(code) && rendered.contains("playground.dl"));
    let page = ask(json!({ "ask": "explain", "code": code }));
    assert!(page["markdown"].as_str().unwrap().starts_with("# "));
    let none = ask(json!({ "ask": "explain", "code": "DL9999" }));
    assert_eq!(none["error"], "there is no error code DL9999");
}

#[test]
fn a_word_is_explained_where_the_mouse_is() {
    let line = PROGRAM.lines().position(|line| line.contains("let said"));
    let hover = ask(json!({
        "ask": "hover", "text": PROGRAM, "line": line.unwrap(), "character": 7,
    }));
    let markdown = hover["markdown"].as_str().unwrap();
    assert!(markdown.contains("said: f32[B, O]"), "{markdown}");
    let nothing = ask(json!({ "ask": "hover", "text": "", "line": 9, "character": 9 }));
    assert_eq!(nothing["markdown"], Value::Null);
}

#[test]
fn derivatives_are_programs() {
    let text = "fn f(x: f64[3]) -> f64 { sum(sin(x)) }\n";
    let given = ask(json!({ "ask": "derivative", "text": text, "function": "f", "wrt": ["x"] }));
    let derivative = given["text"].as_str().unwrap_or_else(|| panic!("{given}"));
    assert!(derivative.contains("cos(x)"), "{derivative}");
    assert_eq!(look(derivative)["diagnostics"], json!([]), "{derivative}");
    let tangent = ask(json!({
        "ask": "derivative", "text": text, "function": "f", "wrt": ["x"], "forward": true,
    }));
    assert!(tangent["text"].as_str().unwrap().contains("x_tan"));
    let missing = ask(json!({ "ask": "derivative", "text": text, "function": "g" }));
    assert!(
        missing["error"]
            .as_str()
            .unwrap()
            .contains("its functions are f")
    );
}

#[test]
fn calls_give_numbers() {
    let text = "export fn f<N>(x: f32[N], s: f32) -> f32[N] { s * x }\n";
    let call = |inputs: Value, dims: Value| {
        ask(json!({
            "ask": "call", "text": text, "export": "f", "inputs": inputs, "dims": dims,
        }))
    };
    let given = call(json!({ "x": "[1, 2.5]", "s": "2" }), json!({}));
    assert_eq!(given["dims"], json!({ "N": 2 }), "{given}");
    let output = &given["outputs"][0];
    assert_eq!(output["type"], "f32[2]");
    assert_eq!(output["numbers"], json!([2.0, 5.0]));
    assert_eq!(output["texts"], json!(["2", "5"]));
    // What nothing says is random, and small.
    let random = call(json!({ "x": "", "s": "1" }), json!({}));
    assert_eq!(random["dims"], json!({ "N": 4 }));
    assert_eq!(
        random["inputs"][0]["numbers"],
        random["outputs"][0]["numbers"]
    );
    let sized = call(json!({}), json!({ "N": 7 }));
    assert_eq!(sized["outputs"][0]["shape"], json!([7]));
    let wrong = call(json!({ "x": "[1, [2]]" }), json!({}));
    assert!(
        wrong["error"].as_str().unwrap().contains("help: "),
        "{wrong}"
    );
}

#[test]
fn what_fails_at_run_time_says_why() {
    let text = "export fn f(x: f32[3], i: i32) -> f32 { x[i] }\n";
    let given = ask(json!({
        "ask": "call", "text": text, "export": "f", "inputs": { "x": "[1, 2, 3]", "i": "7" },
    }));
    assert!(given["error"].as_str().unwrap().contains("DL1"), "{given}");
    let broken = ask(json!({ "ask": "call", "text": "export fn f() -> f32 { g }", "export": "f" }));
    assert!(
        broken["errors"].as_str().unwrap().contains("DL06"),
        "{broken}"
    );
}

#[test]
fn texts_are_formatted_and_bad_requests_refused() {
    let formatted = ask(json!({ "ask": "format", "text": "fn f( x:f32 )->f32{x}" }));
    assert_eq!(formatted["text"], "fn f(x: f32) -> f32 { x }\n");
    let broken = ask(json!({ "ask": "format", "text": "fn (" }));
    assert!(broken["error"].is_string());
    assert!(ask(json!({ "ask": "nothing" }))["error"].is_string());
}
