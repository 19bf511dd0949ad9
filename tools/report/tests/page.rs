//! The page and the schema of a report that is made up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dlc_report::{
    Amount, Buffer, Call, Cost, Dim, Edge, Entry, File, Function, Kind, Level, Nest, Note, Place,
    Remark, Report, Slot, Text, Time, Unit, Workspace, html, json, remarks, schema,
};

const TEXT: &str = "fn layer(x) {\n  x @ \"</script><b>\"\n}\nexport fn f(x) { layer(x) }\n";

fn amount(value: u64) -> Amount {
    Amount {
        formula: format!("{value}*B"),
        value: Some(value),
    }
}

fn place(line: usize) -> Place {
    Place {
        file: 0,
        line,
        column: 3,
    }
}

fn nest(kind: Kind, line: usize) -> Nest {
    Nest {
        kind,
        place: Some(place(line)),
        members: vec![place(2), place(4)],
        reads: amount(100),
        writes: amount(2000),
        inside: None,
        kernel: None,
    }
}

fn report() -> Report {
    let function = |name: &str, lines| Function {
        name: name.to_string(),
        file: 0,
        lines,
    };
    let text = Text {
        name: "m_f".to_string(),
        lines: vec!["func.func @m_f {".to_string(), "}".to_string()],
        at: vec![1, 0],
        places: vec![(0, 2)],
        left_out: 7,
    };
    Report {
        schema: dlc_report::SCHEMA,
        compiler: "dlc".to_string(),
        program: "a<b>.dl".to_string(),
        unit: Unit {
            target: "x86_64".to_string(),
            opt_level: 3,
            threads: 2,
            gpu: Some("sm_80".to_string()),
        },
        files: vec![File {
            name: "a<b>.dl".to_string(),
            text: TEXT.to_string(),
        }],
        functions: vec![function("layer", (1, 3)), function("f", (4, 4))],
        calls: vec![Call {
            caller: 1,
            callee: 0,
            operations: 3,
        }],
        entries: vec![Entry {
            name: "f".to_string(),
            symbol: "m_f".to_string(),
            dims: vec![Dim {
                name: "B".to_string(),
                size: 256,
            }],
            flops: amount(1_500_000),
            bytes: amount(4200),
            costs: vec![Cost {
                file: 0,
                line: 2,
                flops: amount(1_500_000),
                flops_with_calls: amount(1_500_000),
                bytes: amount(4200),
            }],
            nests: vec![nest(Kind::Product, 2), nest(Kind::Elementwise, 4)],
            edges: vec![Edge {
                from: 0,
                to: 1,
                ty: "f32[B, 64]".to_string(),
                bytes: amount(2000),
            }],
        }],
        remarks: vec![Remark {
            kind: Note::Missed,
            about: "fusion".to_string(),
            code: "DL1102".to_string(),
            place: Some(place(4)),
            other: Some((place(2), "made here".to_string())),
            message: "not fused: \"x\"".to_string(),
            bytes: Some(amount(2000)),
        }],
        workspaces: vec![Workspace {
            entry: "f".to_string(),
            dims: vec![],
            bytes: 2048,
            least_bytes: 2048,
            alive_bytes: vec![1024, 2048],
            slots: vec![Slot {
                offset: 0,
                bytes: 2048,
            }],
            buffers: vec![Buffer {
                ty: "f32[B, 64]".to_string(),
                bytes: 1024,
                slot: 0,
                offset: 1024,
                from: 1,
                to: 1,
                made: Some(("a<b>.dl".to_string(), 2)),
                last: None,
            }],
        }],
        times: vec![Time {
            name: "cse".to_string(),
            milliseconds: 1.5,
        }],
        levels: vec![Level {
            name: "dl".to_string(),
            functions: vec![text],
        }],
    }
}

#[test]
fn what_the_program_says_is_text() {
    let mut report = report();
    report.remarks.push(report.remarks[0].clone());
    let page = html(&report);
    assert_eq!(page.matches("</script>").count(), 3);
    assert!(!page.contains("<b>"), "what looks like a tag is none");
    for part in [
        "<title>a&lt;b&gt;.dl",
        "1.5 M",
        "2 threads, and for sm_80",
        "<g class=\"node product\">",
        "<g class=\"node export\">",
        "not fused: &quot;x&quot;",
        "id=\"f0-2\"",
        // Two remarks that say the same.
        "<td class=\"number\">4.0 k</td><td class=\"number\">2</td>",
        "<em>2 times</em>",
        "<polygon class=\"alive\" points=\"0,416.0 0.0,376.0 480.0,376.0 480.0,336.0",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // Nothing that a browser would fetch.
    for part in [
        " src=", "http:", "https:", "url(h", "@import", "<link", "<iframe",
    ] {
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains(part), "{part}");
    }
}

#[test]
fn remarks_in_the_form_of_llvm() {
    let report = report();
    let yaml = remarks::yaml(&report.remarks, &report.files);
    assert_eq!(
        yaml,
        "--- !Missed
Pass:            fusion
Name:            DL1102
DebugLoc:        { File: \"a<b>.dl\", Line: 4, Column: 3 }
Function:        ''
Args:
  - String:          \"not fused: \\\"x\\\"\"
  - Bytes:           \"2000*B\"
  - Other:           \"made here\"
    DebugLoc:        { File: \"a<b>.dl\", Line: 2, Column: 3 }
...
"
    );
}

#[test]
fn data_are_read_as_written_and_the_schema_stands_in_the_book() {
    let report = report();
    let text = json(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/src/report.schema.json"
    );
    if std::env::var_os("DLC_BLESS").is_some() {
        std::fs::write(path, schema()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == schema(),
        "{path} is not up to date: DLC_BLESS=1 cargo test -p dlc-report writes it"
    );
}
