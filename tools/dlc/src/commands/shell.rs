//! `dlc completions` and `dlc man`: what shells and `man` know of the command line, made from it.

use std::path::Path;

use clap::Command;
use clap_mangen::Man as Page;

use crate::cli::{Completions, Man, visible};
use crate::report::{Error, to_stdout};

/// Runs `dlc completions`.
pub fn completions(completions: &Completions) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut visible(), "dlc", &mut script);
    to_stdout(&script)
}

/// Runs `dlc man`.
pub fn man(man: &Man) -> Result<(), Error> {
    let mut pages = pages(visible());
    match &man.folder {
        None => to_stdout(&pages.swap_remove(0).1),
        Some(folder) => {
            for (name, text) in pages {
                write(folder, &name, &text)?;
            }
            Ok(())
        }
    }
}

/// The pages: names of files and texts, that of `dlc` first.
fn pages(mut dlc: Command) -> Vec<(String, Vec<u8>)> {
    // Gives the commands the names that their pages have.
    dlc.build();
    let opt = Command::new("dlc-opt")
        .disable_version_flag(true)
        .about("mlir-opt with the dl dialect and the passes of dlc")
        .after_help(
            "It takes the options of mlir-opt; `dlc-opt --help` lists them with all passes.",
        );
    let commands = dlc.get_subcommands().chain([&opt]).cloned();
    let all: Vec<Command> = std::iter::once(dlc.clone()).chain(commands).collect();
    all.into_iter()
        .map(|command| page(command.version(env!("CARGO_PKG_VERSION"))))
        .collect()
}

fn page(command: Command) -> (String, Vec<u8>) {
    let page = Page::new(command).manual("dlc");
    let mut text = Vec::new();
    page.render(&mut text)
        .expect("memory takes all that is written");
    (page.get_filename(), text)
}

fn write(folder: &Path, name: &str, text: &[u8]) -> Result<(), Error> {
    let path = folder.join(name);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
    written.map_err(|error| Error::io(format!("cannot write {}: {error}", path.display())))
}
