//! `dlc bisect`: the first pass and the source line where compiled code differs from the reference evaluator.

use std::ffi::OsString;

use dlc_abi::{Entry, Mode};
use dlc_driver::bisect::compare::{self, Difference, Tolerance};
use dlc_driver::bisect::cuts::Cuts;
use dlc_driver::bisect::{Bisector, Called, Found, Made, OnDl, Pass};
use dlc_runtime::{Bound, Tensor};

use super::call::Request;
use super::device;
use super::variant::{Outcome, Variant, Variants};
use crate::cli::{Bisect, Common, Compared, RunTarget};
use crate::crash::quote;
use crate::report::{Error, Status, to_stderr, to_stdout};
use crate::supervise;

/// Runs the command.
pub fn run(bisect: &Bisect, common: &Common) -> Result<(), Error> {
    let compared = &bisect.compared;
    let gpu = device::open(compared.target)?;
    let call = device::call_for(gpu.as_ref(), &compared.call)?;
    let request = Request::new(&call, common)?;
    let failed = |failure| Error::of_compilation(failure, &request.file.name);
    let bisector = Bisector::new(&request.session, request.file.source()).map_err(failed)?;
    if supervise::keep_ir().is_some() {
        return Ok(());
    }
    let trial = Trial::new(compared, common, &request, &bisector)?;
    let on_dl = trial.on_dl()?;
    let found = match bisect.quick {
        true => trial.differs(&on_dl)?,
        false => trial.search(&on_dl)?,
    };
    let text = match found {
        Some(found) => {
            to_stderr(&bisector.shown(&found));
            return Err(Error::Shown(Status::Input));
        }
        None => trial.agreement(&on_dl),
    };
    to_stdout(text.as_bytes())
}

/// A call that is looked into.
struct Trial<'a> {
    compared: &'a Compared,
    common: &'a Common,
    bisector: &'a Bisector<'a>,
    file: &'a str,
    entry: &'a Entry,
    bound: Bound,
    tolerance: Tolerance,
    made: Made,
    variants: Variants,
}

/// How what a variant gave differs.
enum Verdict {
    Agrees,
    Differs(Wrong),
    Unknown,
}

/// What is wrong with what a variant gave.
#[derive(Debug, Clone)]
enum Wrong {
    /// Its results.
    Results(Difference),
    /// It ended the process.
    Died(String),
}

impl<'a> Trial<'a> {
    fn new(
        compared: &'a Compared,
        common: &'a Common,
        request: &'a Request,
        bisector: &'a Bisector<'a>,
    ) -> Result<Self, Error> {
        if compared.target == RunTarget::Reference {
            let message = "`--target reference` is what compiled code is compared with";
            let help = "leave it out, or name cpu, gpu or gpu-emulated".to_string();
            return Err(Error::usage(message).help(Some(help)));
        }
        let entry = request.entry_among(&bisector.entries)?;
        let bound = request.bind_or_random(entry)?;
        let called = Called {
            export: &entry.name,
            dims: bound.dims(),
            leaves: bound.params(),
        };
        Ok(Self {
            variants: Variants::new(compared, called, common)?,
            made: match compared.target {
                RunTarget::Gpu | RunTarget::GpuEmulated => Made::ForGpu,
                RunTarget::Cpu | RunTarget::Reference => Made::ForCpu,
            },
            tolerance: Tolerance::new(compared.rtol),
            file: &request.file.name,
            compared,
            common,
            bisector,
            entry,
            bound,
        })
    }

    fn called(&self) -> Called<'_> {
        Called {
            export: &self.entry.name,
            dims: self.bound.dims(),
            leaves: self.bound.params(),
        }
    }

    fn on_dl(&self) -> Result<OnDl, Error> {
        let found = self.bisector.on_dl(self.called(), self.tolerance);
        found.map_err(|failure| Error::of_compilation(failure, self.file))
    }

    /// Runs a variant and compares.
    fn try_variant(&self, variant: Variant, expected: &[Tensor]) -> Result<Verdict, Error> {
        Ok(match self.variants.run(variant)? {
            Outcome::Gave(results) => match compare::all(expected, &results, self.tolerance) {
                Some(difference) => Verdict::Differs(Wrong::Results(difference)),
                None => Verdict::Agrees,
            },
            Outcome::Died(how) => Verdict::Differs(Wrong::Died(how)),
            Outcome::Refused(_) => Verdict::Unknown,
        })
    }

    fn with_passes(&self, limit: usize, expected: &[Tensor]) -> Result<Verdict, Error> {
        let variant = Variant {
            limit: Some(limit),
            module: None,
        };
        self.try_variant(variant, expected)
    }

    /// Whether anything is wrong, without where.
    fn differs(&self, on_dl: &OnDl) -> Result<Option<Found>, Error> {
        let wrong = match &on_dl.wrong {
            Some(wrong) => Some(Wrong::Results(wrong.difference.clone())),
            None => self.whole(&on_dl.expected)?,
        };
        Ok(wrong.map(|wrong| Found {
            message: "compiled code gives another value".to_string(),
            notes: vec![self.outcome(&wrong)],
            help: "without `--quick`, `dlc bisect` says where".to_string(),
            ..Found::default()
        }))
    }

    /// What is wrong with the program as it is, if anything is.
    fn whole(&self, expected: &[Tensor]) -> Result<Option<Wrong>, Error> {
        Ok(match self.variants.run(Variant::default())? {
            Outcome::Refused(said) => {
                return Err(Error::input(format!(
                    "the export does not run as it is: {said}"
                )));
            }
            Outcome::Died(how) => Some(Wrong::Died(how)),
            Outcome::Gave(results) => {
                compare::all(expected, &results, self.tolerance).map(Wrong::Results)
            }
        })
    }

    /// What is wrong.
    fn search(&self, on_dl: &OnDl) -> Result<Option<Found>, Error> {
        if let Some(wrong) = &on_dl.wrong {
            let place = match &wrong.location {
                Some(location) => Some((location.clone(), None)),
                None => self.place()?,
            };
            let how = format!(
                "{}: the reference evaluator gives other results after it than before",
                self.told(wrong.pass)
            );
            let found = Wrong::Results(wrong.difference.clone());
            return Ok(Some(self.found(wrong.pass, how, &found, place)));
        }
        let expected = &on_dl.expected;
        let Some(wrong) = self.whole(expected)? else {
            return Ok(None);
        };
        let (pass, how) = self.first_wrong_pass(expected)?;
        Ok(Some(self.found(pass, how, &wrong, self.place()?)))
    }

    /// The first pass with which the result differs, and how that is known.
    fn first_wrong_pass(&self, expected: &[Tensor]) -> Result<(Pass, String), Error> {
        let first = self.made.first_below_dl();
        if !matches!(self.with_passes(first, expected)?, Verdict::Agrees) {
            let pass = self.made.pass(first);
            let how = format!(
                "{}: nothing stands in for it, and with plain passes after it the result differs already; \
                 it may also be one of the required passes that come later",
                self.told(pass)
            );
            return Ok((pass, how));
        }
        // With so many passes the result agrees, and with so many it does not.
        let (mut right, mut wrong) = (first, self.made.passes());
        while wrong - right > 1 {
            let middle = right + (wrong - right) / 2;
            let nearby = (middle..wrong).chain((right + 1..middle).rev());
            let mut moved = false;
            for limit in nearby {
                match self.with_passes(limit, expected)? {
                    Verdict::Agrees => right = limit,
                    Verdict::Differs(_) => wrong = limit,
                    Verdict::Unknown => continue,
                }
                moved = true;
                break;
            }
            if !moved {
                break;
            }
        }
        let pass = self.made.pass(wrong - 1);
        let how = match wrong - right {
            1 => format!(
                "{}: the result agrees where it is left out or done plainly, with all before it and none after it",
                self.told(pass)
            ),
            several => format!(
                "{}, or one of the {} passes before it, none of which can be left out alone",
                self.told(pass),
                several - 1
            ),
        };
        Ok((pass, how))
    }

    /// The place whose value differs while what it is computed from agrees.
    fn place(&self) -> Result<Option<(String, Option<Wrong>)>, Error> {
        let failed = |failure| Error::of_compilation(failure, self.file);
        let cuts = self.bisector.cuts(self.called()).map_err(failed)?;
        let Some(last) = cuts.len().map_err(failed)?.checked_sub(1) else {
            return Ok(None);
        };
        let Some(mut wrong) = self.wrong_at(&cuts, last)? else {
            return Ok(None);
        };
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = (low + high) / 2;
            match self.wrong_at(&cuts, middle)? {
                Some(found) => (wrong, high) = (found, middle),
                None => low = middle + 1,
            }
        }
        let location = cuts.location(high).map_err(failed)?;
        Ok(Some((location, Some(wrong))))
    }

    /// What is wrong behind an op, if anything is.
    fn wrong_at(&self, cuts: &Cuts, at: usize) -> Result<Option<Wrong>, Error> {
        let cut = cuts.cut(at);
        let Some(cut) = cut.map_err(|failure| Error::of_compilation(failure, self.file))? else {
            return Ok(None);
        };
        let variant = Variant {
            limit: None,
            module: Some(&cut.module),
        };
        Ok(match self.try_variant(variant, &cut.expected)? {
            Verdict::Differs(wrong) => Some(wrong),
            Verdict::Agrees | Verdict::Unknown => None,
        })
    }

    fn told(&self, pass: Pass) -> String {
        format!(
            "`{}` is pass {} of {}, in the stage `{}`",
            pass.name,
            pass.number + 1,
            self.made.passes(),
            pass.stage
        )
    }

    fn found(
        &self,
        pass: Pass,
        how: String,
        wrong: &Wrong,
        place: Option<(String, Option<Wrong>)>,
    ) -> Found {
        let mut notes = vec![how];
        notes.push(self.outcome(wrong));
        let (location, here) = place.unzip();
        let label = match here.flatten() {
            Some(Wrong::Results(difference)) => difference.words(),
            Some(Wrong::Died(how)) => format!("compiled code {how}"),
            None if location.is_some() => "this is differentiated wrongly".to_string(),
            None => {
                notes.push(
                    "no place: where intermediate values are results, they agree".to_string(),
                );
                String::new()
            }
        };
        let name = crate::source::split_target(&self.compared.call.callee).0;
        let again = [
            vec![OsString::from("dlc"), "bisect".into()],
            self.compared.arguments(&self.compared.call.callee),
            self.common.unstable_arguments(),
        ];
        let again: Vec<_> = again
            .concat()
            .iter()
            .map(|one| quote(&one.to_string_lossy()))
            .collect();
        notes.push(format!("shown again by: {}", again.join(" ")));
        Found {
            location,
            message: format!(
                "compiled code gives another value here since `{}`",
                pass.name
            ),
            label,
            notes,
            help: format!(
                "`dlc build {} --dump-ir DIR` writes the IR before and after the pass; `dlc reduce` makes a small program for a report",
                quote(name)
            ),
        }
    }

    fn outcome(&self, wrong: &Wrong) -> String {
        match wrong {
            Wrong::Results(difference) => format!(
                "`{}` of {}: {}",
                self.output(difference.result),
                self.entry.name,
                difference.words()
            ),
            Wrong::Died(how) => format!("compiled code {how} in a call of {}", self.entry.name),
        }
    }

    /// The name of a result.
    fn output(&self, number: usize) -> String {
        let params = self.entry.params.iter();
        let updated = params.filter(|param| param.mode == Mode::InOut);
        let updated = updated.flat_map(|param| param.tree.leaves(&param.name));
        let results = self.entry.result.iter().flat_map(|tree| tree.leaves("out"));
        let mut leaves = updated.chain(results).map(|leaf| leaf.path);
        leaves.nth(number).unwrap_or_else(|| "out".to_string())
    }

    fn agreement(&self, on_dl: &OnDl) -> String {
        let dims = self.bound.dims().iter();
        let dims: Vec<_> = dims
            .map(|(name, value)| format!(", {name} = {value}"))
            .collect();
        let unheld = match &on_dl.unheld {
            Some(why) => format!("derivatives were not held against finite differences: {why}\n"),
            None => String::new(),
        };
        format!(
            "{}: no difference{}: compiled code and the reference evaluator agree\n{unheld}",
            self.entry.name,
            dims.concat()
        )
    }
}
