//! The chapters that are made of tables of the compiler: all codes, passes and ops. `cargo bless` writes them.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::Result;
use dlc_driver::info;
use dlc_driver::pipelines::{CPU, GPU, Stage, Step};
use dlc_frontend::codes::Code;
use libtest_mimic::Trial;

use super::ops;
use crate::{files, host};

/// What stands below each title.
pub const NOTE: &str = "<!-- Made by `cargo bless` of the compiler's own tables. -->";

/// What makes a chapter.
type Text = fn() -> Result<String>;

/// A trial for each such chapter.
pub fn trials() -> Vec<Trial> {
    let chapters: [(&str, Text); 3] = [
        ("error-index", codes),
        ("passes", passes),
        ("ops", ops::chapter),
    ];
    let trial = |(name, text): (&'static str, Text)| {
        crate::trial(format!("docs-table/{name}"), move || check(name, &text()?))
    };
    chapters.into_iter().map(trial).collect()
}

fn check(name: &str, text: &str) -> Result<()> {
    let path = crate::files::root()
        .join(super::FOLDER)
        .join(format!("{name}.md"));
    crate::golden::check(&path, text)
}

fn codes() -> Result<String> {
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
    Ok(text)
}

fn passes() -> Result<String> {
    let mut text = format!(
        "# Passes\n\n{NOTE}\n\nThe passes of the pipelines, stage by stage; after each stage `--emit=STAGE` shows the module, and\n\
         `--print-ir-after=PASS` after a pass. `-O0` leaves optional ones out, and `dlc-opt --help` tells\n\
         more of all.\n"
    );
    let known = info::passes();
    let summaries = summaries()?;
    for (target, stages) in [("The CPU", CPU), ("GPUs", GPU)] {
        text += &format!("\n## {target}\n");
        for stage in stages {
            text += &of_stage(stage, &known, &summaries);
        }
    }
    Ok(text)
}

/// What `dlc-opt --help` says of every pass, ours and MLIR's, by name.
fn summaries() -> Result<BTreeMap<String, String>> {
    let output = host::run(Command::new(files::tools()?.join("dlc-opt")).arg("--help"))?;
    let text = String::from_utf8(output.stdout)?;
    // Passes stand less far in than their options.
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("      --"));
    let lines = lines.filter_map(|line| line.split_once(" -   "));
    let pair = |(name, summary): (&str, &str)| (name.trim().into(), summary.trim().into());
    Ok(lines.map(pair).collect())
}

fn of_stage(
    stage: &Stage,
    known: &[(String, String)],
    summaries: &BTreeMap<String, String>,
) -> String {
    let mut text = format!(
        "\n### {}\n\n| pass | what it does | |\n|---|---|---|\n",
        stage.name
    );
    for step in stage.passes {
        let name = step.name();
        let is_ours = known.iter().any(|(known, _)| known == name);
        let marks: Vec<_> = [
            matches!(step, Step::Optional(_)).then_some("optional"),
            (!is_ours).then_some("MLIR's"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let summary = summaries.get(name).map_or("", String::as_str);
        text += &format!(
            "| `{name}` | {} | {} |\n",
            summary.replace('|', "\\|"),
            marks.join(", ")
        );
    }
    text
}
