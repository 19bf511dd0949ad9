//! The page in a browser without a window, where Chromium is installed: what stands on it, and that it asks for nothing but
//! its own files. Its requests are answered by this crate as it is compiled for this machine, and again by the module of
//! WebAssembly where `cargo xtask playground` has built that.

use std::io::{BufRead, BufReader, Read, Write};
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
/// The stack of a thread that answers, in bytes: the checker recurs as deep as expressions are.
const STACK: usize = 64 << 20;
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

/// A worker whose requests are answered by the server.
const WORKER: &str = "onmessage = async ({ data: { id, request } }) => {
  const response = await fetch('answer', { method: 'POST', body: JSON.stringify(request) });
  postMessage({ id, answer: await response.json() });
};
postMessage({ ready: true });
";

/// What a server has.
enum Site {
    /// The page, whose worker asks the server.
    Page,
    /// The folder with the page and the module.
    Built(PathBuf),
}

impl Site {
    /// The site, if it is built.
    fn built() -> Option<Self> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let site = target.unwrap_or(root.join("target")).join("playground");
        site.join("dlc.wasm").exists().then_some(Self::Built(site))
    }

    /// A file of it, or the answer to a request.
    fn file(&self, path: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        match (self, path) {
            (Self::Built(site), _) => std::fs::read(site.join(path)),
            (Self::Page, "worker.js") => Ok(WORKER.as_bytes().to_vec()),
            (Self::Page, "answer") => {
                let request = String::from_utf8_lossy(body);
                Ok(dlc_playground::answer(&request).into_bytes())
            }
            (Self::Page, "examples.json") => {
                let text = std::fs::read_to_string(page.join("welcome.dl"))?;
                let examples = serde_json::json!([{ "name": "Welcome", "text": text }]);
                Ok(examples.to_string().into_bytes())
            }
            (Self::Page, _) => std::fs::read(page.join(path)),
        }
    }
}

/// A site, as its server knows it.
struct Served {
    site: Site,
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

    fn answer(&self, path: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        match path {
            "index.html" => {
                let text = String::from_utf8(self.site.file(path, body)?);
                let text = text.map_err(std::io::Error::other)?;
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
            _ => self.site.file(path, body),
        }
    }
}

/// Serves a site; gives the port.
fn serve(site: Site) -> (u16, Arc<Served>) {
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
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn(move || respond(stream, &served)).unwrap();
        }
    });
    (port, served)
}

fn respond(mut stream: TcpStream, served: &Served) {
    let mut reader = BufReader::new(&stream);
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    // A connection that the browser opens in advance says nothing.
    let Some(first) = lines.next() else {
        return;
    };
    let mut length = 0;
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let path = first
        .split(' ')
        .nth(1)
        .unwrap_or("/")
        .trim_start_matches('/');
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = if path.is_empty() { "index.html" } else { path };
    let answer = served.answer(path, &body);
    if answer.is_err() {
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
    let status = if answer.is_ok() {
        "200 OK"
    } else {
        "404 Not Found"
    };
    let bytes = answer.as_deref().unwrap_or_default();
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

/// What stands on the panels of the page. Gives up where there is no browser.
fn look_at(site: Site) {
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

#[test]
fn the_page_checks_differentiates_and_runs() {
    look_at(Site::Page);
}

#[test]
fn the_module_of_webassembly_does_so_too() {
    match Site::built() {
        Some(site) => look_at(site),
        None => {
            println!("skipped: target/playground is not there (`cargo xtask playground` builds it)")
        }
    }
}
