//! `dlc grad`: the derivative of a function as source, or compared with finite differences.

use std::collections::BTreeMap;

use std::fmt::Write;

use dlc_driver::compile::{Failure, Goal, Options, Session, Source};
use dlc_driver::grad::{self, Comparison, Wanted};
use dlc_driver::testing;

use super::device;
use crate::cli::{Common, Grad, Mode};
use crate::report::{Error, Status, to_stdout};
use crate::source::{SourceFile, split_target};

/// Runs the command.
pub fn run(grad: &Grad, common: &Common) -> Result<(), Error> {
    let (path, Some(function)) = split_target(&grad.callee) else {
        return Err(Error::usage("a function is missing")
            .help(Some(format!("write `dlc grad {}::FN`", grad.callee))));
    };
    let file = SourceFile::read(path)?;
    let wanted = Wanted {
        function: function.to_string(),
        wrt: grad.wrt.clone(),
        forward: grad.mode == Mode::Forward,
    };
    let session = super::session(&grad.compile, 1, BTreeMap::new(), common)?;
    let failed = |failure: Failure| Error::of_compilation(failure, &file.name);
    if grad.check {
        return check(grad, &session, &file, &wanted);
    }
    let text = grad::derivative(&session, &file.source(), &wanted).map_err(failed)?;
    super::write(&grad.to.output, text.as_bytes())
}

/// Compares the gradient with finite differences.
fn check(grad: &Grad, session: &Session, file: &SourceFile, wanted: &Wanted) -> Result<(), Error> {
    if wanted.forward {
        return Err(Error::usage("`--check` compares gradients")
            .help(Some("leave out `--mode forward`".to_string())));
    }
    let failed = |failure: Failure| Error::of_compilation(failure, &file.name);
    let mut dims = vec![];
    for text in &grad.dims {
        let parsed = text.split_once('=');
        let parsed = parsed.and_then(|(name, size)| Some((name.to_string(), size.parse().ok()?)));
        dims.push(parsed.ok_or_else(|| {
            Error::usage(format!("`{text}` is no size of a dim"))
                .help(Some("write `--dims B=2,T=8`".to_string()))
        })?);
    }
    let comparison = Comparison {
        dims,
        seed: grad.seed,
        rtol: grad.rtol,
    };
    let source = file.source();
    let (text, test) = grad::with_test(&source, wanted, &comparison).map_err(failed)?;
    let source = Source {
        text: &text,
        ..source
    };
    let gpu = device::open(grad.target)?;
    let session = Session::new(Options {
        goal: Goal::Test(test),
        gpu: gpu.as_ref().map(device::architecture),
        ..session.options().clone()
    });
    let runner = super::test::one::runner(grad.target, gpu.as_ref());
    let found = testing::differences(&session, &source, runner).map_err(failed)?;
    let mut shown = String::new();
    for part in &found {
        let how = if part.random {
            " in a random direction"
        } else {
            ""
        };
        let verdict = if part.holds { "ok" } else { "WRONG" };
        writeln!(
            shown,
            "{}{how}: worst relative difference {:.1e} ... {verdict}",
            part.name, part.worst
        )
        .expect("writing to a string succeeds");
    }
    to_stdout(shown.as_bytes())?;
    match found.iter().all(|part| part.holds) {
        true => Ok(()),
        false => Err(Error::Shown(Status::Input)),
    }
}
