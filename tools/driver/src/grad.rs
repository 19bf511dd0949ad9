//! `dlc grad`: the derivative of a function of a file as source, and its comparison with finite differences.

pub use dlc_derivative::{Comparison, Wanted};

use dlc_derivative::{Derivative, Refused};

use crate::compile::{Failure, Input, Ran, Session, Source};
use crate::files::Disk;
use crate::pipelines::CPU;
use crate::source;

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Usage(message) => Failure::Usage(message),
            Refused::Internal(message) => Failure::internal(message),
        }
    }
}

/// The derivative as source: what of the file its signature needs, and the function.
pub fn derivative(session: &Session, source: &Source, wanted: &Wanted) -> Result<String, Failure> {
    refuse_modules(source)?;
    let derivative = Derivative::new(source.name, source.text, wanted)?;
    let text = derivative.source();
    let source = Source {
        text: &text,
        ..*source
    };
    let unit = source::emit(session, &source)?;
    let mut module = unit.module;
    let input = Input {
        source: &source,
        sources: &unit.sources,
    };
    session.run_stages(
        input,
        &mut module,
        &CPU[..1],
        &mut Ran::default(),
        |_, _| {},
    )?;
    Ok(derivative.write(&module, source.stem, &unit.sources, &Disk)?)
}

/// The source with a test at its end that compares the gradient, and the number of that test.
pub fn with_test(
    source: &Source,
    wanted: &Wanted,
    comparison: &Comparison,
) -> Result<(String, usize), Failure> {
    refuse_modules(source)?;
    Ok(dlc_derivative::with_test(
        source.name,
        source.text,
        wanted,
        comparison,
    )?)
}

fn refuse_modules(source: &Source) -> Result<(), Failure> {
    match source::is_module(source) {
        true => Err(Failure::Usage(format!(
            "{}: a module has no functions of DL\nhelp: `dlc grad` is for DL sources",
            source.name
        ))),
        false => Ok(()),
    }
}
