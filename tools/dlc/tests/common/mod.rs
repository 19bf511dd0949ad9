//! What tests of the command line share.

#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

/// A product, a loop of the program around another one, and an update in place.
pub const STEPS: &str = "\
export fn step(inout w: f32[64, 64], inout count: f32, x: f32[32, 64]) -> f32 {
  var y = x
  for i in 0..3 {
    y = tanh(y @ w)
  }
  w = w - 0.01 * w
  count = count + 1.0
  mean(y ** 2)
}
";

/// Runs `dlc` in a folder.
pub fn dlc(folder: &Path, arguments: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_dlc"));
    process.current_dir(folder).args(arguments);
    process.output().unwrap()
}

/// What `dlc` says on standard output and standard error, where it succeeds; the arguments stand between blanks.
pub fn says(folder: &Path, arguments: &str) -> (String, String) {
    let arguments: Vec<_> = arguments.split(' ').collect();
    let output = dlc(folder, &arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    (stdout(&output), stderr(&output))
}

/// What a command wrote to standard output.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The text of a file of a folder.
pub fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}
