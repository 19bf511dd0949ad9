//! The page in a browser without a window, where `cargo xtask playground` has built it and Chromium is installed: what
//! stands on it, and that it asks for nothing but its own files.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BROWSER: &str = "chromium-headless-shell";

/// A picture that comes late: the browser writes the document when all of it is loaded, and does not wait for workers.
const LATE: (&str, Duration) = ("late.png", Duration::from_secs(8));

/// The site, if it is built.
fn site() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let site = target.unwrap_or(root.join("target")).join("playground");
    site.join("dlc.wasm").exists().then_some(site)
}

/// Serves the files of a folder; gives the port, and the paths that are asked for and not there.
fn serve(site: PathBuf) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let missing = Arc::new(Mutex::new(vec![]));
    let noted = missing.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (site, noted) = (site.clone(), noted.clone());
            std::thread::spawn(move || {
                if let Err(path) = respond(stream, &site) {
                    noted.lock().unwrap().push(path);
                }
            });
        }
    });
    (port, missing)
}

fn respond(mut stream: TcpStream, site: &Path) -> Result<(), String> {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    // A connection that the browser opens in advance says nothing.
    let Some(first) = lines.next() else {
        return Ok(());
    };
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let path = first
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/');
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = if path.is_empty() { "index.html" } else { path };
    let body = match path {
        "index.html" => page(site),
        _ if path == LATE.0 => {
            std::thread::sleep(LATE.1);
            Ok(vec![])
        }
        _ => std::fs::read(site.join(path)),
    };
    let body = body.map_err(|_| path.to_owned());
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
    body.map(|_| ())
}

/// The page with the late picture.
fn page(site: &Path) -> std::io::Result<Vec<u8>> {
    let text = std::fs::read_to_string(site.join("index.html"))?;
    let picture = format!("<img src=\"{}\" alt=\"\" hidden></body>", LATE.0);
    Ok(text.replace("</body>", &picture).into_bytes())
}

/// The document that becomes of the page with these settings.
fn document(port: u16, settings: &str) -> String {
    let output = Command::new(BROWSER)
        .args(["--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("http://127.0.0.1:{port}/index.html#{settings}"))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
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
    let (port, missing) = serve(site);
    let problems = document(port, "panel=problems");
    assert!(problems.contains("id=\"clean\""), "{problems}");
    assert!(problems.contains("class=\"hint\""), "{problems}");
    let types = document(port, "panel=types");
    assert!(types.contains("f32[B, O]"), "{types}");
    let derivative = document(port, "panel=derivative");
    assert!(derivative.contains("loss_grad"), "{derivative}");
    let result = document(port, "panel=result");
    assert!(result.contains("data-done=\"step\""), "{result}");
    assert!(result.contains("<h2 data-name=\"out\">"), "{result}");
    assert_eq!(*missing.lock().unwrap(), Vec::<String>::new());
}
