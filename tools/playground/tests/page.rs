//! The page in a browser without a window, where `cargo xtask playground` has built it and Chromium is installed: what
//! stands on it, and that it asks for nothing but its own files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const BROWSER: &str = "chromium-headless-shell";

/// A picture that comes when the page is ready: the browser writes the document when all of it is loaded, and does not
/// wait for workers.
const LATE: &str = "late.png";
/// What the page asks for when what is waited for stands on it.
const READY: &str = "ready";
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What looks for the element in question.
const WATCH: &str = "const wanted = new URLSearchParams(location.hash.slice(1)).get('wait');
const watch = setInterval(() => {
  if (!document.querySelector(wanted)) return;
  clearInterval(watch);
  fetch('ready');
}, 20);
";

/// The site, if it is built.
fn site() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let site = target.unwrap_or(root.join("target")).join("playground");
    site.join("dlc.wasm").exists().then_some(site)
}

/// The files of a site, as its server knows them.
struct Served {
    site: PathBuf,
    /// The paths that were asked for and are not there.
    missing: Mutex<Vec<String>>,
    ready: Mutex<bool>,
    changed: Condvar,
}

impl Served {
    /// Waits until the page is ready.
    fn wait(&self) {
        let ready = self.ready.lock().unwrap();
        let (mut ready, _) = self
            .changed
            .wait_timeout_while(ready, PATIENCE, |ready| !*ready)
            .unwrap();
        *ready = false;
    }

    fn body(&self, path: &str) -> std::io::Result<Vec<u8>> {
        match path {
            "index.html" => {
                let text = std::fs::read_to_string(self.site.join(path))?;
                let more = format!(
                    "<img src=\"{LATE}\" alt=\"\" hidden><script src=\"watch.js\"></script></body>"
                );
                Ok(text.replace("</body>", &more).into_bytes())
            }
            "watch.js" => Ok(WATCH.as_bytes().to_vec()),
            LATE => {
                self.wait();
                Ok(vec![])
            }
            READY => {
                *self.ready.lock().unwrap() = true;
                self.changed.notify_all();
                Ok(vec![])
            }
            _ => std::fs::read(self.site.join(path)),
        }
    }
}

/// Serves the files of a folder; gives the port.
fn serve(site: PathBuf) -> (u16, Arc<Served>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(Served {
        site,
        missing: Mutex::default(),
        ready: Mutex::default(),
        changed: Condvar::new(),
    });
    let server = served.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let served = server.clone();
            std::thread::spawn(move || respond(stream, &served));
        }
    });
    (port, served)
}

fn respond(mut stream: TcpStream, served: &Served) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    // A connection that the browser opens in advance says nothing.
    let Some(first) = lines.next() else {
        return;
    };
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let path = first
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/');
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = if path.is_empty() { "index.html" } else { path };
    let body = served.body(path);
    if body.is_err() {
        served.missing.lock().unwrap().push(path.to_string());
    }
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        _ => "text/plain",
    };
    let status = if body.is_ok() {
        "200 OK"
    } else {
        "404 Not Found"
    };
    let bytes = body.as_deref().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    // The browser may have gone.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(bytes));
}

/// The document that becomes of the page with these settings, when an element stands on it.
fn document(port: u16, settings: &str, element: &str) -> String {
    let element: String = url(element);
    let output = Command::new(BROWSER)
        .args(["--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!(
            "http://127.0.0.1:{port}/index.html#{settings}&wait={element}"
        ))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A text as addresses have it.
fn url(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn the_page_checks_differentiates_and_runs() {
    let Some(site) = site() else {
        println!("skipped: target/playground is not there (`cargo xtask playground` builds it)");
        return;
    };
    if Command::new(BROWSER).arg("--version").output().is_err() {
        println!("skipped: {BROWSER} is not installed");
        return;
    }
    let (port, served) = serve(site);
    let problems = document(port, "panel=problems", "#clean");
    assert!(problems.contains("id=\"clean\""), "{problems}");
    assert!(problems.contains("class=\"hint\""), "{problems}");
    let types = document(port, "panel=types", "#types .type");
    assert!(types.contains("f32[B, O]"), "{types}");
    let derivative = document(port, "panel=derivative", "#derivative-text[data-done]");
    assert!(derivative.contains("loss_grad"), "{derivative}");
    let result = document(port, "panel=result", "#outputs[data-done]");
    assert!(result.contains("data-done=\"step\""), "{result}");
    assert!(result.contains("<h2 data-name=\"out\">"), "{result}");
    assert_eq!(*served.missing.lock().unwrap(), Vec::<String>::new());
}
