//! `dlc tune`: schedules that make an export faster on this machine.
//!
//! Values are tried one by one, coordinate by coordinate; one is kept if the fastest of its rounds takes clearly less
//! time than the fastest with the best so far, both measured again in turns. Values that make the same code are not timed.

use std::time::{Duration, Instant};

use dlc_driver::artefact::{self, Artefact};
use dlc_driver::compile::{Emit, Options, Session, knobs};
use dlc_runtime::Bound;
use dlc_runtime::library::{Call, Library};

use super::call::Request;
use crate::cli::{Common, Tune};
use crate::report::{Error, to_stderr};
use crate::supervise;

/// The least part of the time that a value must gain to be kept: less may be noise.
const GAIN: f64 = 0.02;

/// How long one side is measured in a turn, and how many turns there are.
const TURN: Duration = Duration::from_millis(40);
const TURNS: usize = 5;

/// Runs the command.
pub fn run(tune: &Tune, common: &Common) -> Result<(), Error> {
    let request = Request::new(&tune.call, common)?;
    let mut options = request.session.options().clone();
    let first = Built::new(&request, &request.session)?;
    if supervise::keep_ir().is_some() {
        return Ok(());
    }
    let start = Instant::now();
    let budget = Duration::from_secs(tune.seconds);
    let mut best = first;
    let mut gained = 1.0;
    let mut again = true;
    while std::mem::take(&mut again) && start.elapsed() < budget {
        for knob in knobs::KNOBS {
            for value in knob.tries {
                if start.elapsed() >= budget {
                    break;
                }
                let mut changed = options.knobs.clone();
                if changed.insert(knob.name.to_string(), *value) == Some(*value) {
                    continue;
                }
                let session = Session::new(Options {
                    knobs: changed.clone(),
                    ..options.clone()
                });
                let other = Built::new(&request, &session)?;
                if other.code == best.code {
                    continue;
                }
                let ratio = compare(&request, &best, &other)?;
                if ratio < 1.0 - GAIN {
                    gained *= ratio;
                    to_stderr(&format!(
                        "{} = {value}: {ratio:.3} of the time\n",
                        knob.name
                    ));
                    options.knobs = changed;
                    best = other;
                    again = true;
                }
            }
        }
    }
    let name = &request.file.name;
    let comment = format!("Found by `dlc tune` for {name}: {gained:.3} of the time.");
    let values = options.knobs.iter();
    let values = values.map(|(name, value)| (name.as_str(), None, *value));
    let text = knobs::file(&comment, values);
    artefact::write_all(&[Artefact {
        path: tune.output.clone(),
        bytes: text.into_bytes(),
    }])?;
    to_stderr(&format!(
        "wrote {}: {} of {} values set, {gained:.3} of the time\n",
        tune.output.display(),
        options.knobs.len(),
        knobs::KNOBS.len()
    ));
    Ok(())
}

/// A library, its code, and the inputs of its call.
struct Built {
    library: Library,
    code: Vec<u8>,
    bound: Bound,
}

impl Built {
    fn new(request: &Request, session: &Session) -> Result<Self, Error> {
        let (library, code) = request.library_of(session, Emit::Staticlib)?;
        let bound = request.bind(request.entry(library.manifest())?)?;
        Ok(Self {
            library,
            code,
            bound,
        })
    }

    /// The call, on the request's threads.
    fn call<'a>(&'a self, request: &'a Request) -> Result<Call<'a>, Error> {
        Ok(self.library.prepare(&self.bound)?.on(&request.pool))
    }
}

/// The time of a call of `b` in that of one of `a`: the fastest of several turns each.
fn compare(request: &Request, a: &Built, b: &Built) -> Result<f64, Error> {
    let mut least = [f64::INFINITY; 2];
    let mut calls = [a.call(request)?, b.call(request)?];
    for _ in 0..TURNS {
        for (i, built) in [a, b].into_iter().enumerate() {
            let mut bound = built.bound.clone();
            let start = Instant::now();
            let mut warm = false;
            while !warm || start.elapsed() < TURN {
                let call = Instant::now();
                calls[i].run(&mut bound)?;
                // The first call of a turn finds cold caches.
                if warm {
                    least[i] = least[i].min(call.elapsed().as_secs_f64());
                }
                warm = true;
            }
        }
    }
    Ok(match least.iter().all(|time| time.is_finite()) {
        true => least[1] / least[0].max(1e-12),
        // Calls longer than a turn: one of each is what there was.
        false => 1.0,
    })
}
