//! `dlc build --report`: the data, and the page in a browser, from which no request leaves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "\
/// One layer.
fn layer<B>(x: f32[B, 64], w: f32[64, 64]) -> f32[B, 64] {
  softmax(x @ w, axis=-1)
}

fn loss<B>(w: f32[64, 64], x: f32[B, 64]) -> f32 {
  mean(layer(tanh(layer(x, w)), w) ** 2)
}

export fn step<B in 1..=1000>(inout w: f32[64, 64], x: f32[B, 64]) -> f32 {
  let (l, g) = value_and_grad(loss)(w, x)
  w = w - 0.1 * g
  l
}

export fn apply<B>(w: f32[64, 64], x: f32[B, 64]) -> f32[B, 64] { layer(x, w) }
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.dl"), PROGRAM).unwrap();
    folder
}

fn dlc(folder: &Path, arguments: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_dlc"))
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn build(folder: &Path, arguments: &str) {
    let (status, said) = dlc(
        folder,
        &format!("build m.dl --target-cpu x86-64-v3 {arguments}"),
    );
    assert_eq!((status, said.as_str()), (Some(0), ""), "{arguments}");
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The values of a list.
fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is a number"))
}

#[test]
fn the_data_add_up() {
    let folder = folder();
    let folder = folder.path();
    build(folder, "--emit=header --report json --dim B=100");
    let report: Value = serde_json::from_str(&read(folder.join("m.report.json"))).unwrap();
    assert_eq!(report["program"], "m.dl");
    assert_eq!(report["files"][0]["text"], PROGRAM);
    let entries = list(&report["entries"]);
    let names: Vec<_> = entries.iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["step", "apply"]);
    for entry in entries {
        assert_eq!(entry["dims"][0]["size"], 100);
        let sum = |of: &str| -> u64 {
            let costs = list(&entry["costs"]).iter();
            costs.map(|cost| number(&cost[of]["value"])).sum()
        };
        assert_eq!(sum("flops"), number(&entry["flops"]["value"]), "{entry}");
        assert_eq!(sum("bytes"), number(&entry["bytes"]["value"]), "{entry}");
        let nests = list(&entry["nests"]);
        let moved =
            |nest: &Value| number(&nest["reads"]["value"]) + number(&nest["writes"]["value"]);
        assert_eq!(
            nests.iter().map(moved).sum::<u64>(),
            number(&entry["bytes"]["value"])
        );
        for edge in list(&entry["edges"]) {
            let (from, to) = (number(&edge["from"]), number(&edge["to"]));
            assert!(
                from != to && (from.max(to) as usize) < nests.len(),
                "{edge}"
            );
        }
    }
    // A product of 100 x 64 by 64 x 64, and what softmax does on top.
    let apply = &entries[1];
    let line = list(&apply["costs"]).iter().find(|cost| cost["line"] == 3);
    let product = 2 * 100 * 64 * 64;
    let flops = number(&line.unwrap()["flops"]["value"]);
    assert!(flops > product && flops < product * 11 / 10, "{flops}");
    let products = |entry: &Value| {
        let nests = list(&entry["nests"]).iter();
        nests.filter(|nest| nest["kind"] == "product").count()
    };
    assert_eq!(products(apply), 1);
    // Two of the way forth, two by the weights, and one by what is between.
    assert_eq!(products(&entries[0]), 5);

    let functions = list(&report["functions"]);
    let calls: Vec<_> = list(&report["calls"])
        .iter()
        .map(|call| {
            let name = |of: &str| {
                functions[number(&call[of]) as usize]["name"]
                    .as_str()
                    .unwrap()
            };
            (name("caller"), name("callee"))
        })
        .collect();
    for pair in [("apply", "layer"), ("loss", "layer"), ("step", "loss")] {
        assert!(calls.contains(&pair), "{pair:?} in {calls:?}");
    }
    for kind in ["passed", "missed"] {
        let mut remarks = list(&report["remarks"]).iter();
        assert!(remarks.any(|remark| remark["kind"] == kind
            && remark["about"] == "fusion"
            && number(&remark["bytes"]["value"]) > 0));
    }
    for level in ["dl", "linalg", "loops", "llvm-mlir", "llvm-ir", "asm"] {
        // The product's line leads somewhere at each level.
        assert!(made_of(&report, level, 3) > 0, "{level}");
    }
    assert!(
        list(&report["times"])
            .iter()
            .any(|time| time["name"] == "fuse-rows")
    );
    assert_eq!(report["workspaces"][0]["entry"], "step");
}

/// How many lines of a level are made of a line of the program.
fn made_of(report: &Value, level: &str, line: u64) -> usize {
    let mut levels = list(&report["levels"]).iter();
    let level = levels.find(|found| found["name"] == level).unwrap();
    let functions = list(&level["functions"]).iter();
    let counts = functions.map(|function| {
        let mut places = list(&function["places"]).iter();
        let number = places.position(|place| place[0] == 0 && place[1] == line);
        let at = list(&function["at"]);
        assert_eq!(at.len(), list(&function["lines"]).len());
        number.map_or(0, |number| {
            at.iter().filter(|at| **at == number + 1).count()
        })
    });
    counts.sum()
}

#[test]
fn the_code_for_a_gpu_stands_beside_its_source() {
    let folder = folder();
    let folder = folder.path();
    build(folder, "--gpu sm_80 --emit=ptx -o plain --no-cache");
    build(folder, "--gpu sm_80 --emit=ptx --report json --no-cache");
    assert_eq!(read(folder.join("plain/m.ptx")), read(folder.join("m.ptx")));
    let report: Value = serde_json::from_str(&read(folder.join("m.report.json"))).unwrap();
    assert_eq!(report["unit"]["gpu"], "sm_80");
    // The product's line, that of `tanh`, and that of the update.
    for line in [3, 7, 12] {
        for level in ["gpu", "nvvm", "ptx"] {
            assert!(made_of(&report, level, line) > 0, "{level} of line {line}");
        }
    }
    // What is inlined from a program of products belongs to the product.
    assert!(
        made_of(&report, "ptx", 3) > 2000,
        "{}",
        made_of(&report, "ptx", 3)
    );
}

#[test]
fn a_report_of_a_module_in_text() {
    let folder = folder();
    let folder = folder.path();
    build(folder, "--emit=dl=k.mlir");
    let module = read(folder.join("k.mlir"));
    let (status, said) = dlc(folder, "build k.mlir --emit=header --report json");
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&read(folder.join("k.report.json"))).unwrap();
    assert_eq!(report["files"][0]["text"], module.as_str());
    let functions = list(&report["functions"]).iter();
    let names: Vec<_> = functions.map(|function| &function["name"]).collect();
    assert_eq!(names, ["step", "apply"]);
    let apply = &report["entries"][1];
    let costs = list(&apply["costs"]).iter();
    let most = costs
        .max_by_key(|cost| number(&cost["flops"]["value"]))
        .unwrap();
    let line = number(&most["line"]);
    let text = module.lines().nth(line as usize - 1).unwrap();
    assert!(text.contains("dl.dot_general"), "{text}");
    for level in ["dl", "linalg", "loops", "llvm-mlir", "llvm-ir", "asm"] {
        assert!(made_of(&report, level, line) > 0, "{level}");
    }
    // No caller could call this.
    let loose = "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.tanh %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
";
    std::fs::write(folder.join("loose.mlir"), loose).unwrap();
    let (status, said) = dlc(folder, "build loose.mlir");
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.starts_with("loose.mlir:1:1: error: `@f` is neither exported nor private"),
        "{said}"
    );
}

#[test]
fn a_report_changes_nothing_and_is_asked_for_once() {
    let folder = folder();
    let folder = folder.path();
    build(folder, "--emit=obj -o plain --no-cache");
    build(folder, "--emit=obj,report -o told --no-cache");
    let object = |of: &str| std::fs::read(folder.join(of).join("m.o")).unwrap();
    assert!(object("plain") == object("told"));
    assert!(read(folder.join("told/m.html")).starts_with("<!DOCTYPE html>"));
    let (status, said) = dlc(folder, "build m.dl --emit=report --report json");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("a report is asked for twice"), "{said}");
    let (status, said) = dlc(folder, "build m.dl --report pdf");
    assert_eq!(status, Some(2), "{said}");
}

/// A browser without a window; nothing where there is none.
fn browser() -> Option<PathBuf> {
    let names = ["chromium-headless-shell", "chromium", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file());
    if found.is_none() {
        println!("skipped: none of {} is there", names.join(", "));
    }
    found
}

/// What a page is after its scripts ran, and all addresses that the browser asked for.
fn opened(browser: &Path, page: &Path, fragment: &str) -> (String, Vec<String>) {
    let profile = tempfile::tempdir().unwrap();
    let log = profile.path().join("log.json");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
        ])
        .args(["--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND"])
        .args(["--window-size=1400,1000", "--virtual-time-budget=10000"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}{fragment}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = read(log);
    // A browser that ends does not always close the list.
    let text = match serde_json::from_str::<Value>(&text) {
        Ok(_) => text,
        Err(_) => format!("{}]}}", text.trim_end().trim_end_matches(',')),
    };
    let log: Value = serde_json::from_str(&text).unwrap();
    let asked = list(&log["events"]).iter().filter_map(|event| {
        let url = event["params"]["url"].as_str()?;
        Some(url.to_string())
    });
    let asked = asked.collect();
    (String::from_utf8(output.stdout).unwrap(), asked)
}

/// The addresses that are not on this machine.
fn elsewhere(asked: &[String]) -> Vec<&String> {
    let here = |url: &&String| {
        ["file:", "data:", "chrome:"]
            .iter()
            .any(|word| url.starts_with(word))
    };
    asked.iter().filter(|url| !here(url)).collect()
}

#[test]
fn the_page_in_a_browser() {
    let Some(browser) = browser() else { return };
    let folder = folder();
    let folder = folder.path();
    build(folder, "--emit=header --report html");
    let page = folder.join("m.html");
    let (dom, asked) = opened(&browser, &page, "#f0-3");
    assert!(
        dom.contains("data-ready=\"yes\""),
        "the script ran to its end"
    );
    assert_eq!(elsewhere(&asked), Vec::<&String>::new());
    // What the script makes: costs of lines, and panes whose lines belong to the line in the address.
    let count = |what: &str| dom.matches(what).count();
    assert!(count("<td class=\"cost") > 0 && count("<td class=\"cost hot\"") > 0);
    assert!(count("class=\"pane\"") >= 7, "{}", count("class=\"pane\""));
    assert!(
        count("class=\"row linked") > 3,
        "{}",
        count("class=\"row linked")
    );
    // What stands in the page: nests, buffers, calls, passes.
    for (what, least) in [
        ("<g class=\"node product\"", 6),
        ("data-from=\"", 6),
        ("<g class=\"node function\"", 2),
        ("<g class=\"buffer b", 5),
        ("<path class=\"arrow\"", 6),
        ("<tr data-ms=", 30),
    ] {
        assert!(count(what) >= least, "{what}: {}", count(what));
    }
    assert!(dom.contains("not fused with what makes its operand"));

    // The same page with a picture from elsewhere: its policy keeps it from asking, and without that it does.
    let text = read(page);
    let picture = "<img src=\"http://elsewhere.invalid/x.png\"></main>";
    let foreign = text.replace("</main>", picture);
    let other = folder.join("foreign.html");
    std::fs::write(&other, &foreign).unwrap();
    let (_, asked) = opened(&browser, &other, "");
    assert_eq!(elsewhere(&asked), Vec::<&String>::new());
    let open = foreign.replace("Content-Security-Policy", "x-nothing");
    std::fs::write(&other, open).unwrap();
    let (_, asked) = opened(&browser, &other, "");
    let asked = elsewhere(&asked);
    assert!(
        asked.iter().any(|url| url.contains("elsewhere.invalid")),
        "{asked:?}"
    );
}
