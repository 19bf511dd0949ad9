//! `--version`, `--print` and the help page.

use clap::CommandFactory;
use dlc_driver::{compile::ARCHITECTURES, info};

use super::device;
use crate::cli::{Cli, Common, Print};
use crate::report::{Error, to_stdout};

/// The version, and with `verbose` what a report needs.
pub fn version_text(verbose: bool) -> String {
    let mut text = format!("dlc {}\n", env!("CARGO_PKG_VERSION"));
    if verbose {
        text += &format!("LLVM {}\n", info::llvm_version());
        text += &format!("host {}\n", info::host_triple());
        text += &format!("cpu {}\n", info::host_cpu());
        text += &format!("ABI {}\n", dlc_abi::ABI_VERSION);
    }
    text
}

/// Prints the version.
pub fn version(common: &Common) -> Result<(), Error> {
    let mut text = version_text(common.verbose);
    if common.verbose {
        text += &match common.cache.cache() {
            Some(cache) => format!("cache {}\n", cache.folder.display()),
            None => "no cache\n".to_string(),
        };
        let gpus: Vec<_> = ARCHITECTURES.iter().map(|one| one.name).collect();
        text += &format!("targets {}\n", info::targets().join(" "));
        text += &format!("GPU targets {}\n", gpus.join(" "));
        text += &format!("GPU {}\n", device::first());
    }
    to_stdout(text.as_bytes())
}

/// Prints a list.
pub fn list(what: Print) -> Result<(), Error> {
    let text = match what {
        Print::Passes => table(&info::passes()),
        Print::Builtins => info::builtins()
            .into_iter()
            .map(|(name, params)| format!("{name}({params})\n"))
            .collect(),
        Print::Ops => table(&info::ops()),
        Print::Targets => info::targets()
            .iter()
            .map(|triple| match info::foreign_cpu(triple) {
                None => format!("{triple} (here)\n"),
                Some(_) => format!("{triple}\n"),
            })
            .collect(),
        Print::TargetCpus => {
            let mut text = format!("native (here: {})\n", info::host_cpu());
            for (arch, cpus, features) in info::target_cpus() {
                text += &format!("\n{arch}\n  {}\n", cpus.join("\n  "));
                text += &format!("  features: {}\n", features.join(", "));
            }
            text
        }
        Print::HostTuple => format!("{}\n", info::host_triple()),
        // Compiled code calls memcpy and its like only.
        Print::NativeStaticLibs => "-lc\n".to_string(),
        Print::ManifestSchema => dlc_abi::Manifest::schema(),
    };
    to_stdout(text.as_bytes())
}

fn table(rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(name, summary)| format!("{name:width$}  {summary}").trim_end().to_string() + "\n")
        .collect()
}

/// What `dlc` alone says.
pub fn help() -> Result<(), Error> {
    let text = Cli::command().render_help().to_string();
    to_stdout(text.as_bytes())?;
    Err(Error::usage("no command is given").help(Some("`dlc check FILE.dl` to begin".to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let rows = [
            ("a".to_string(), "x".to_string()),
            ("bcd".to_string(), String::new()),
        ];
        assert_eq!(table(&rows), "a    x\nbcd\n");
    }
}
