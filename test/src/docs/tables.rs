//! The chapters that are made of tables of the compiler: all codes, passes and ops. `cargo bless` writes them.

use anyhow::Result;
use dlc_dialects::ops::OpKind;
use dlc_driver::info;
use dlc_driver::pipelines::{CPU, GPU, Stage, Step};
use dlc_frontend::codes::Code;
use libtest_mimic::Trial;

/// What stands below each title.
const NOTE: &str = "<!-- Made by `cargo bless` of the compiler's own tables. -->";

/// What makes a chapter.
type Text = fn() -> String;

/// A trial for each such chapter.
pub fn trials() -> Vec<Trial> {
    let chapters: [(&str, Text); 3] = [("error-index", codes), ("passes", passes), ("ops", ops)];
    let trial = |(name, text): (&'static str, Text)| {
        crate::trial(format!("docs-table/{name}"), move || check(name, &text()))
    };
    chapters.into_iter().map(trial).collect()
}

fn check(name: &str, text: &str) -> Result<()> {
    let path = crate::files::root()
        .join(super::FOLDER)
        .join(format!("{name}.md"));
    crate::golden::check(&path, text)
}

fn codes() -> String {
    let mut text = format!(
        "# All errors and warnings\n\n{NOTE}\n\n`dlc explain CODE` shows the page of a code, `dlc explain` this list.\n\n\
         | code | meaning | lint |\n|---|---|---|\n"
    );
    for code in Code::ALL {
        let lint = code
            .lint()
            .map_or(String::new(), |lint| format!("`{lint}`"));
        let name = code.name();
        text += &format!(
            "| [{name}](errors/{name}.md) | {} | {lint} |\n",
            code.title()
        );
    }
    text
}

fn passes() -> String {
    let mut text = format!(
        "# Passes\n\n{NOTE}\n\nThe passes of the pipelines, stage by stage; after each stage `--emit=STAGE` shows the module, and\n\
         `--print-ir-after=PASS` after a pass. `-O0` leaves optional ones out. Those without a summary are MLIR's own;\n\
         `dlc-opt --help` tells more of all.\n"
    );
    let known = info::passes();
    for (target, stages) in [("The CPU", CPU), ("GPUs", GPU)] {
        text += &format!("\n## {target}\n");
        for stage in stages {
            text += &of_stage(stage, &known);
        }
    }
    text
}

fn of_stage(stage: &Stage, known: &[(String, String)]) -> String {
    let mut text = format!(
        "\n### {}\n\n| pass | what it does | |\n|---|---|---|\n",
        stage.name
    );
    for step in stage.passes {
        let name = step.name();
        let summary = known.iter().find(|(known, _)| known == name);
        let optional = match step {
            Step::Required(_) | Step::Replaceable(..) => "",
            Step::Optional(_) => "optional",
        };
        let summary = summary.map_or("", |(_, summary)| summary);
        text += &format!(
            "| `{name}` | {} | {optional} |\n",
            summary.replace('|', "\\|")
        );
    }
    text
}

fn ops() -> String {
    let mut text = format!(
        "# Operations of the dl dialect\n\n{NOTE}\n\nThe IR that the checker writes and derivatives are made in; `dlc build --emit=dl` shows it. \
         `cargo xtask docs`\nwrites `dialects/OPS.md`, which has operands, results and constraints too.\n\n| operation | what it gives |\n|---|---|\n"
    );
    for kind in OpKind::ALL {
        let summary = kind.summary().replace('|', "\\|");
        text += &format!("| `dl.{}` | {summary} |\n", kind.mnemonic());
    }
    text
}
