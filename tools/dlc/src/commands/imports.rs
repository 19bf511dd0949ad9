//! `dlc imports`: the files that a file imports, each as soon as it is read. The parent process of a compiler that died
//! starts it, in a process of its own because the parser may be what dies.

use std::process::{Command as Process, Stdio};

use dlc_driver::compile::Session;

use crate::cli::Imports;
use crate::report::{Error, Output, to_stdout};
use crate::source::SourceFile;
use crate::supervise;

/// What ends each name in the list: no path has it.
const END: char = '\0';

/// Runs the command.
pub fn run(imports: &Imports) -> Result<(), Error> {
    let file = SourceFile::read(&imports.file)?;
    Session::find_imports(&file.source(), &|name| {
        // Without a reader there is nobody to tell.
        let _ = to_stdout(format!("{name}{END}").as_bytes());
    });
    Ok(())
}

/// The files that a file imports, as far as they can be found.
pub fn of(file: &str) -> Vec<String> {
    let Ok(program) = std::env::current_exe() else {
        return Vec::new();
    };
    let mut process = Process::new(program);
    process
        .args(["imports", file])
        .env(supervise::CHILD, supervise::child_value(Output::default()))
        .stdin(Stdio::null());
    let said = process.output().map(|output| output.stdout);
    let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
    said.split_terminator(END).map(str::to_owned).collect()
}
