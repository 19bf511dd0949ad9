//! `dlc lsp` over pipes, as an editor starts it, and in Neovim; `dlc-opt --lsp` over pipes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const DLC: &str = env!("CARGO_BIN_EXE_dlc");

fn start(cache: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(DLC);
    started(command.args(["lsp", "--stdio"]).env("DLC_CACHE_DIR", cache))
}

fn started(command: &mut Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

fn send(child: &mut Child, message: Value) {
    let text = message.to_string();
    let input = child.stdin.as_mut().unwrap();
    write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
    input.flush().unwrap();
}

fn receive(out: &mut impl BufRead) -> Value {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "the server ended");
        match line.trim() {
            "" => break,
            header => {
                if let Some(value) = header.strip_prefix("Content-Length: ") {
                    length = value.parse().unwrap();
                }
            }
        }
    }
    let mut bytes = vec![0; length];
    out.read_exact(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn request(id: i32, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

#[test]
fn a_session_with_files_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("lib.dl"),
        "fn g(x: f32) -> f32 { 2.0 * x }\n",
    )
    .unwrap();
    let text = "import \"lib.dl\"\nuse std::nn\nfn f(x: f32[4]) -> f32 { lib::g(sum(nn::swiglu(x, x))) }\n";
    let path = folder.path().join("main.dl").canonicalize();
    assert!(path.is_err(), "it is not saved yet");
    let uri = format!("file://{}/main.dl", folder.path().display());
    let (mut child, mut out) = start(&folder.path().join("cache"));
    send(
        &mut child,
        request(1, "initialize", json!({ "capabilities": {} })),
    );
    assert_eq!(receive(&mut out)["result"]["serverInfo"]["name"], "dlc");
    send(&mut child, notification("initialized", json!({})));
    let document = json!({ "uri": uri, "languageId": "dl", "version": 1, "text": text });
    send(
        &mut child,
        notification("textDocument/didOpen", json!({ "textDocument": document })),
    );
    let shown = receive(&mut out);
    assert_eq!(shown["method"], "textDocument/publishDiagnostics");
    let place = |column: usize| json!({ "textDocument": { "uri": uri }, "position": { "line": 2, "character": column } });
    let line = text.lines().nth(2).unwrap();
    let at = line.find("g(sum").unwrap();
    send(&mut child, request(2, "textDocument/definition", place(at)));
    let found = receive(&mut out);
    assert!(
        found["result"]["uri"]
            .as_str()
            .unwrap()
            .ends_with("/lib.dl"),
        "{found}"
    );
    let at = line.find("nn::").unwrap();
    send(&mut child, request(3, "textDocument/definition", place(at)));
    let found = receive(&mut out);
    let copy = found["result"]["uri"]
        .as_str()
        .unwrap()
        .strip_prefix("file://")
        .unwrap()
        .to_owned();
    assert!(copy.ends_with("/nn.dl"));
    assert!(std::fs::read_to_string(copy).unwrap().contains("fn linear"));
    send(&mut child, request(4, "shutdown", Value::Null));
    assert_eq!(receive(&mut out)["result"], Value::Null);
    send(&mut child, notification("exit", Value::Null));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_editor_that_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut out) = start(folder.path());
    send(
        &mut child,
        request(1, "initialize", json!({ "capabilities": {} })),
    );
    receive(&mut out);
    send(&mut child, notification("initialized", json!({})));
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(said.contains("the editor ended"), "{said}");
}

/// Diagnostics, a quick fix, hover, definition, completion, rename and formatting in Neovim: `neovim.lua`.
#[test]
fn neovim_is_content() {
    if Command::new("nvim").arg("--version").output().is_err() {
        println!("skipped: nvim is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.path().join("digits.dl");
    std::fs::copy(tests.join("../../examples/digits/digits.dl"), &program).unwrap();
    let mut nvim = Command::new("nvim");
    nvim.args(["--headless", "--clean", "-n", "-i", "NONE", "-c"]);
    nvim.arg(format!(
        "luafile {}",
        tests.join("tests/neovim.lua").display()
    ));
    nvim.env("DLC", DLC).env("DL_FILE", &program);
    nvim.env("DLC_CACHE_DIR", folder.path().join("cache"));
    for kind in ["CONFIG", "DATA", "STATE", "CACHE"] {
        nvim.env(format!("XDG_{kind}_HOME"), folder.path().join("nvim"));
    }
    let output = nvim.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("neovim is content"), "{said}");
}

/// MLIR's own server knows the `dl` dialect: what is wrong in a module, and what an op is.
#[test]
fn modules_of_the_dialect() {
    let dlc_opt = Path::new(DLC).with_file_name("dlc-opt");
    assert!(dlc_opt.exists(), "`cargo xtask test` builds {dlc_opt:?}");
    let (mut child, mut out) = started(Command::new(dlc_opt).arg("--lsp"));
    send(
        &mut child,
        request(1, "initialize", json!({ "capabilities": {} })),
    );
    let capabilities = &receive(&mut out)["result"]["capabilities"];
    assert_eq!(capabilities["hoverProvider"], true, "{capabilities}");
    send(&mut child, notification("initialized", json!({})));
    let right = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {\n  %y = dl.tanh %x : tensor<4xf32>\n  return %y : tensor<4xf32>\n}\n";
    let uri = "file:///tmp/a.mlir";
    let mut open = |text: &str, version: u32| {
        let document =
            json!({ "uri": uri, "languageId": "mlir", "version": version, "text": text });
        let params = json!({ "textDocument": document });
        send(&mut child, notification("textDocument/didOpen", params));
        let shown = receive(&mut out);
        assert_eq!(shown["method"], "textDocument/publishDiagnostics");
        shown["params"]["diagnostics"].clone()
    };
    let wrong = open(&right.replace("dl.tanh %x", "dl.tanh %z"), 1);
    assert_eq!(wrong[0]["range"]["start"]["line"], 1, "{wrong}");
    let message = wrong[0]["message"].as_str().unwrap();
    assert!(message.contains("undeclared SSA value"), "{message}");
    assert_eq!(open(right, 2), json!([]));
    let place =
        json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 10 } });
    send(&mut child, request(2, "textDocument/hover", place));
    let found = receive(&mut out);
    let text = found["result"]["contents"]["value"].as_str().unwrap();
    assert!(text.contains("dl.tanh"), "{text}");
    send(&mut child, request(3, "shutdown", Value::Null));
    receive(&mut out);
    send(&mut child, notification("exit", Value::Null));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
