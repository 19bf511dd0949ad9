//! The arguments of `dlc doc`.

use std::path::PathBuf;

use clap::Args;

use super::Lints;

/// Writes a site about the items of programs or of the standard library
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dlc doc model.dl
  dlc doc models -o site --guide chapters --title 'Our models'
  dlc doc std::nn
  dlc doc --test models

The site needs no server: open DIR/index.html. Its pages ask for nothing that is not beside them.")]
pub struct Doc {
    /// Source files, folders of them, std, or a module of it such as std::nn
    #[arg(value_name = "FILE", required = true, help_heading = "Input")]
    pub what: Vec<String>,

    /// A folder of chapters in Markdown with a SUMMARY.md that lists them; they come first
    #[arg(long, value_name = "DIR", help_heading = "Input")]
    pub guide: Option<PathBuf>,

    /// The folder for the site
    #[arg(
        short,
        long = "out-dir",
        value_name = "DIR",
        default_value = "doc",
        help_heading = "Output"
    )]
    pub output: PathBuf,

    /// The title of the site; by default the name of what it is about
    #[arg(long, help_heading = "Output")]
    pub title: Option<String>,

    /// Writes nothing, and checks the programs in doc comments and chapters
    #[arg(long, help_heading = "Output")]
    pub test: bool,

    #[command(flatten)]
    pub lints: Lints,
}

/// How the standard library is named.
const STD: &str = "std";

impl Doc {
    /// The files and folders, without modules of the standard library.
    pub fn files(&self) -> Vec<&str> {
        let what = self.what.iter().map(String::as_str);
        what.filter(|what| module(what).is_none()).collect()
    }

    /// The modules of the standard library that are asked for; an empty name stands for all.
    pub fn modules(&self) -> Vec<&str> {
        self.what.iter().filter_map(|what| module(what)).collect()
    }
}

/// The name of a module of the standard library, empty for all of it.
fn module(what: &str) -> Option<&str> {
    match what {
        STD => Some(""),
        _ => what.strip_prefix("std::"),
    }
}
