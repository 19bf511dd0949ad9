//! The commands, one module each.

pub mod bench;
pub mod bisect;
pub mod bugreport;
pub mod build;
pub mod call;
pub mod check;
pub mod device;
pub mod diff;
pub mod doc;
pub mod doctor;
pub mod explain;
pub mod fmt;
pub mod grad;
pub mod imports;
pub mod inspect;
pub mod lsp;
pub mod new;
pub mod print;
pub mod reduce;
pub mod run;
pub mod shell;
pub mod test;
pub mod tune;
pub mod unstable;
pub mod variant;

use std::collections::BTreeMap;
use std::path::Path;

use dlc_driver::compile::{
    ARCHITECTURES, Architecture, Goal, Options, Session,
    knobs::{self, Knobs},
};

use crate::cli::{Cli, Command, Common, Compile, Remarks};
use crate::report::{Error, to_stdout};
use crate::supervise;

/// Runs a command line.
pub fn run(cli: Cli) -> Result<(), Error> {
    unstable::run(&cli.common)?;
    if cli.version {
        return print::version(&cli.common);
    }
    if let Some(what) = cli.print {
        return print::list(what);
    }
    match cli.command {
        None => print::help(),
        Some(Command::Check(check)) => check::run(&check, &cli.common),
        Some(Command::Build(build)) => build::run(&build, &cli.common),
        Some(Command::Run(run)) => run::run(&run, &cli.common),
        Some(Command::Bench(bench)) => bench::run(&bench, &cli.common),
        Some(Command::Diff(diff)) => diff::run(&diff),
        Some(Command::Tune(tune)) => tune::run(&tune, &cli.common),
        Some(Command::Grad(grad)) => grad::run(&grad, &cli.common),
        Some(Command::Inspect(inspect)) => inspect::run(&inspect, &cli.common),
        Some(Command::Test(test)) => test::run(&test, &cli.common),
        Some(Command::RunTest(test)) => test::one::run(&test, &cli.common),
        Some(Command::Bisect(bisect)) => bisect::run(&bisect, &cli.common),
        Some(Command::Reduce(reduce)) => reduce::run(&reduce, &cli.common),
        Some(Command::Bugreport(report)) => bugreport::run(&report, &cli.common),
        Some(Command::Doctor(_)) => doctor::run(&cli.common),
        Some(Command::RunVariant(variant)) => variant::run(&variant, &cli.common),
        Some(Command::Imports(imports)) => imports::run(&imports),
        Some(Command::Fmt(fmt)) => fmt::run(&fmt, &cli.common),
        Some(Command::Doc(doc)) => doc::run(&doc, &cli.common),
        Some(Command::Explain(explain)) => explain::run(&explain),
        Some(Command::Lsp(_)) => lsp::run(&cli.common),
        Some(Command::New(new)) => new::run(&new),
        Some(Command::Completions(to)) => shell::completions(&to),
        Some(Command::Man(man)) => shell::man(&man),
        Some(Command::Later(later)) => {
            let (name, help) = later.name_and_help();
            Err(Error::usage(format!("`dlc {name}` is not there yet")).help(Some(help.to_string())))
        }
    }
}

/// A session with the options of the command line, for code that runs on so many threads, and reports at such sizes of dims.
pub fn session(
    compile: &Compile,
    threads: u32,
    sizes: BTreeMap<String, i64>,
    common: &Common,
) -> Result<Session, Error> {
    options(compile, threads, sizes, common).map(Session::new)
}

/// The options of such a session.
pub fn options(
    compile: &Compile,
    threads: u32,
    sizes: BTreeMap<String, i64>,
    common: &Common,
) -> Result<Options, Error> {
    let gpu = architecture(&compile.gpu)?;
    let output = common.output();
    let knobs = compile.schedule.as_deref().map(knobs_of).transpose()?;
    Ok(Options {
        target: None,
        target_cpu: compile.code.cpu().to_string(),
        target_features: compile.code.target_feature.clone(),
        opt_level: compile.code.level,
        error_format: output.format,
        color: output.color,
        lints: compile.lints.levels()?,
        print_ir_after: match compile.print_ir_after_all {
            true => vec!["all".to_string()],
            false => compile.print_ir_after.clone(),
        },
        print_ir_after_change: compile.print_ir_after_change,
        dump_ir: compile.dump_ir.clone(),
        time_passes: compile.time_passes.map(Into::into),
        stats: compile.stats,
        trace: false,
        debug_info: false,
        keep_ir: supervise::keep_ir(),
        goal: Goal::Library,
        check_bounds: compile.check_bounds,
        max_memory: compile.max_memory,
        threads,
        gpu,
        knobs: knobs.unwrap_or_default(),
        remarks: Remarks::shown(&compile.code.remarks),
        sizes,
        jobs: compile.jobs.map_or_else(cores, usize::from),
        cache: common.cache.cache(),
        pass_limit: unstable::pass_limit(common)?,
        fault: unstable::fault(common)?,
    })
}

/// Writes a text to a file, or to standard output for `-`.
fn write(path: &Path, text: &[u8]) -> Result<(), Error> {
    if path.as_os_str() == "-" {
        return to_stdout(text);
    }
    std::fs::write(path, text)
        .map_err(|error| Error::io(format!("cannot write {}: {error}", path.display())))
}

/// The GPU of a name; none for `none`.
fn architecture(name: &str) -> Result<Option<Architecture>, Error> {
    if name == "none" {
        return Ok(None);
    }
    let mut known = ARCHITECTURES.iter();
    let found = known.find(|one| one.name == name);
    let names = || ARCHITECTURES.iter().map(|one| one.name);
    found.map(|one| Some(*one)).ok_or_else(|| {
        let names = names().collect::<Vec<_>>().join(", ");
        Error::usage(format!("no GPU is called `{name}`"))
            .help(Some(format!("`none`, or one of {names}")))
    })
}

/// The threads that this machine runs at a time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The values of a file of schedules.
fn knobs_of(path: &Path) -> Result<Knobs, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io(format!("cannot read {}: {error}", path.display())))?;
    knobs::parse(&text).map_err(|message| {
        Error::usage(format!("{}: {}", path.display(), message.trim_end())).help(Some(
            "--emit=schedule writes a file with all values".to_string(),
        ))
    })
}
