//! Who runs programs, and whether what they give is what the oracle expects.

use super::{
    Outcome,
    file::{self, MODES, Mode},
};
use crate::{
    cpu::small_too,
    gpu::{Devices, SHORT},
};
use dlc_driver::{
    Evaluator,
    compile::{ARCHITECTURES, Failure, Options, Session, Source, TempLibrary, temporary_library},
};
use dlc_programs::{
    arguments,
    ast::Program,
    oracle::{Answers, Expected, Gradient, answers},
};
use dlc_runtime::{Tensor, bind::Bound, library::Library};
use std::rc::Rc;

/// The targets' sessions, which are made once.
pub struct Targets {
    plain: Session,
    optimised: Session,
}

/// What a file was made into.
enum Made<'s> {
    Library(Rc<Native>),
    /// The same library, on the interpreter of what a GPU would run.
    Device(Rc<Native>, Box<Devices>),
    Reference(Evaluator<'s>),
}

/// A library that is loaded.
struct Native {
    name: &'static str,
    library: Library,
    /// Holds the library's file for as long as it is in use.
    _file: TempLibrary,
}

impl Made<'_> {
    fn name(&self) -> &'static str {
        match self {
            Made::Library(native) => native.name,
            Made::Device(..) => "gpu-emulated",
            Made::Reference(_) => "reference",
        }
    }

    fn call(&self, program: &Program, mode: Mode) -> anyhow::Result<Vec<Tensor>> {
        let (name, dims) = (file::export(program, mode), file::dims(program));
        let tensors = file::tensors(program, mode)?;
        match self {
            Made::Reference(evaluator) => Ok(evaluator.call(&name, &dims, &tensors)??),
            Made::Library(native) | Made::Device(native, _) => {
                let library = &native.library;
                let entry = library.entry(&name)?;
                let dims = dims.into_iter().collect::<Vec<_>>();
                let mut bound = Bound::from_tensors(entry, tensors, &dims)?;
                match self {
                    Made::Device(_, devices) => devices.run(library, &mut bound)?,
                    _ => library.prepare(&bound)?.run(&mut bound)?,
                }
                Ok(bound.results().to_vec())
            }
        }
    }
}

impl Default for Targets {
    fn default() -> Self {
        let session = |opt_level, gpu| {
            Session::new(Options {
                opt_level,
                gpu,
                knobs: small_too(),
                ..Options::default()
            })
        };
        Self {
            plain: session(0, None),
            optimised: session(3, Some(ARCHITECTURES[0])),
        }
    }
}

impl Targets {
    /// What becomes of programs that stand in one file, as far as it is known what they give.
    pub fn check(&self, programs: &[&Program]) -> Vec<Outcome> {
        let answers = programs.iter().map(|program| answers(program));
        let answers = answers.collect::<Vec<_>>();
        let asked = programs.iter().zip(&answers);
        let asked = asked.filter_map(|(program, answers)| Some((*program, answers.as_ref().ok()?)));
        let mut outcomes = self.compared(&asked.collect::<Vec<_>>()).into_iter();
        let outcomes = answers.iter().map(|answers| match answers {
            Ok(_) => outcomes.next().expect("an outcome for each that is asked"),
            Err(reason) => Outcome::Rejected(format!("{reason:?}")),
        });
        outcomes.collect()
    }

    fn compared(&self, asked: &[(&Program, &Answers)]) -> Vec<Outcome> {
        if asked.is_empty() {
            return vec![];
        }
        let programs = asked.iter().map(|(program, _)| *program);
        match self.made(&programs.collect::<Vec<_>>()) {
            Ok(made) => {
                let outcomes = asked.iter();
                let outcomes = outcomes.map(|(program, answers)| outcome(&made, program, answers));
                outcomes.collect()
            }
            Err(_) if asked.len() > 1 => {
                let outcomes = asked.chunks(1).flat_map(|one| self.compared(one));
                outcomes.collect()
            }
            Err((target, failure)) => vec![Outcome::Fails {
                kind: format!("{target}: {}", first_line(&failure)),
                details: failure.to_string(),
            }],
        }
    }

    fn made(&self, programs: &[&Program]) -> Result<Vec<Made<'_>>, (&'static str, Failure)> {
        let text = file::text(programs);
        let source = Source {
            name: "programs.dl",
            text: &text,
            stem: "programs",
        };
        let evaluator = Evaluator::new(&self.plain, &source);
        let mut made = vec![Made::Reference(
            evaluator.map_err(|error| ("reference", error))?,
        )];
        for (name, session) in [("-O0", &self.plain), ("-O3", &self.optimised)] {
            let library = temporary_library(session, &source).map_err(|error| (name, error))?;
            let loaded = Library::with_manifest(&library.path, library.manifest.clone());
            let loaded = loaded.map_err(|error| (name, Failure::Io(error.to_string())))?;
            let native = Rc::new(Native {
                name,
                library: loaded,
                _file: library,
            });
            if session.options().gpu.is_some() {
                let devices = Box::new(Devices::new(SHORT));
                made.push(Made::Device(Rc::clone(&native), devices));
            }
            made.push(Made::Library(native));
        }
        Ok(made)
    }
}

/// What says which failure it is: the title of a diagnostic.
fn first_line(failure: &Failure) -> String {
    let text = failure.to_string();
    let line = text.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default();
    // Names and shapes change while a program is made smaller.
    let words = line
        .split(' ')
        .filter(|word| !word.contains(|c: char| c.is_ascii_digit()) || word.starts_with("error["));
    words.collect::<Vec<_>>().join(" ")
}

fn outcome(made: &[Made], program: &Program, answers: &Answers) -> Outcome {
    for target in made {
        for mode in MODES {
            let wrong = match target.call(program, mode) {
                Ok(results) => wrong(program, mode, answers, &results),
                Err(error) => Some(format!("{error:#}")),
            };
            if let Some(wrong) = wrong {
                return Outcome::Fails {
                    kind: format!("{} {} is wrong", target.name(), mode.name()),
                    details: wrong,
                };
            }
        }
    }
    Outcome::Agrees
}

/// How what an export gave differs from what is expected.
fn wrong(program: &Program, mode: Mode, answers: &Answers, results: &[Tensor]) -> Option<String> {
    let (value, derivative) = results.split_at(answers.value.len());
    let mut wrong = all_near("value", &answers.value, value);
    if mode == Mode::Jvp {
        wrong = wrong.or_else(|| all_near("tangent", &answers.tangent, derivative));
    }
    if mode == Mode::Vjp {
        wrong = wrong.or_else(|| gradient(program, answers, derivative));
    }
    wrong
}

fn all_near(what: &str, expected: &[Expected], found: &[Tensor]) -> Option<String> {
    let leaves = expected.iter().zip(found).enumerate();
    let mut wrong = leaves.filter_map(|(leaf, (expected, found))| {
        near(&format!("{what} {leaf}"), expected, &found.to_f64())
    });
    wrong.next()
}

fn near(what: &str, expected: &Expected, found: &[f64]) -> Option<String> {
    let element = expected.differs(found)?;
    Some(format!(
        "{what}, element {element}: {:e} expected, {:e} found, {:e} allowed",
        expected.values[element], found[element], expected.tolerance
    ))
}

fn gradient(program: &Program, answers: &Answers, found: &[Tensor]) -> Option<String> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for (leaf, (expected, found)) in answers.gradient.iter().zip(found).enumerate() {
        let found = found.to_f64();
        let wrong = match expected {
            Gradient::Whole(expected) => near(&format!("gradient {leaf}"), expected, &found),
            Gradient::Products(products) => {
                let mut wrong = products.iter().filter_map(|(direction, expected)| {
                    let product = dot(direction, &found);
                    near(
                        &format!("gradient {leaf} in a direction"),
                        expected,
                        &[product],
                    )
                });
                wrong.next()
            }
        };
        if wrong.is_some() {
            return wrong;
        }
    }
    // The identity of both modes: the product of the cotangent with the tangent.
    let tangents = arguments::tangents(program, 0);
    let params = program.main().params.iter().zip(&tangents);
    let directions = params.filter(|((_, ty), _)| ty.all_floats());
    let directions = directions.flat_map(|(_, tangent)| tangent.leaves());
    let product = directions.zip(found).map(|(direction, found)| {
        let direction = direction.data.iter().map(|x| x.value()).collect::<Vec<_>>();
        dot(&direction, &found.to_f64())
    });
    near(
        "gradient times direction",
        &answers.product,
        &[product.sum()],
    )
}
