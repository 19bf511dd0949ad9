//! The page of each code: its wrong program gives the code, its right one gives nothing.

use crate::check_to_string;
use crate::diagnostic::Code;
use crate::render::Format;

/// The programs in the fences of a page that begin with ```` ```dl,wrong ```` or ```` ```dl ````.
pub(super) fn programs(page: &str) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut right) = (Vec::new(), Vec::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let into = match line {
            "```dl,wrong" => &mut wrong,
            "```dl" => &mut right,
            _ => continue,
        };
        into.push(
            lines
                .by_ref()
                .take_while(|line| *line != "```")
                .map(|line| format!("{line}\n"))
                .collect(),
        );
    }
    (wrong, right)
}

/// The codes of the diagnostics of a program.
fn codes(program: &str) -> Vec<String> {
    let (json, _) = check_to_string("page.dl", program, Format::Json);
    let code = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        value["code"].as_str().expect("it has a code").to_owned()
    };
    json.lines().map(code).collect()
}

/// The pages of errors and warnings without programs, each with its reason.
const WITHOUT_PROGRAMS: &[(Code, &str)] = &[
    (Code::DL0007, "a file of 16 MiB is no page"),
    (
        Code::DL0302,
        "it is found when the program is built; `page/DL0302` of the filetests does that",
    ),
    (Code::DL0311, "it depends on `--max-memory`"),
    (Code::DL0312, "it depends on `--max-memory`"),
    (
        Code::DL0314,
        "it is found when the program is built; `page/DL0314` of the filetests does that",
    ),
    (Code::DL0609, "`dlc doc --test` finds it"),
    (Code::DL0802, "it depends on `--gpu`"),
    (Code::DL0906, "`dlc doc` finds it"),
    (Code::DL1101, "it depends on `--remarks`"),
    (Code::DL1102, "it depends on `--remarks`"),
];

#[test]
fn pages_keep_their_word() {
    let mut faults = Vec::new();
    for code in Code::ALL {
        let page = code.page();
        let (wrong, right) = programs(page);
        let mut fault = |what: String| faults.push(format!("{code}: {what}"));
        if !page.starts_with("# ") || page.lines().count() < 3 || code.title() == code.name() {
            fault("has no title or no text".to_owned());
        }
        if wrong.len() != right.len() {
            fault("has not as many right programs as wrong ones".to_owned());
        }
        // What the library says when it is called, and a test that fails, is shown by tests that run.
        let shown_by_running = *code >= Code::DL1001;
        let excepted = WITHOUT_PROGRAMS.iter().any(|(one, _)| one == code);
        if wrong.is_empty() != (shown_by_running || excepted) {
            fault("should have programs exactly if it is not excepted".to_owned());
        }
        for program in wrong {
            let found = codes(&program);
            if found.is_empty() || found.iter().any(|one| one != code.name()) {
                fault(format!("the wrong program gives {found:?}\n{program}"));
            }
        }
        for program in right {
            let found = codes(&program);
            if !found.is_empty() {
                fault(format!("the right program gives {found:?}\n{program}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
