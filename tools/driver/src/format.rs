//! `dlc fmt`: a source in the language's one layout.

use dlc_frontend::format::{self, Refused};
use dlc_frontend::render::render;
use dlc_frontend::source::SourceMap;

use crate::compile::{ErrorFormat, Failure, Source};
use crate::source;

/// The text of a source in the one layout. One with errors of syntax is refused with all of them, as `errors` says and
/// coloured if `color` is.
pub fn format(source: &Source, errors: ErrorFormat, color: bool) -> Result<String, Failure> {
    if source::is_module(source) {
        let message = format!(
            "{} is a module of the IR, not DL\nhelp: `dlc-opt` prints it anew",
            source.name
        );
        return Err(Failure::Usage(message));
    }
    let text = source::text(source);
    format::format(&text).map_err(|refused| match refused {
        Refused::Errors(diagnostics) => Failure::User {
            errors: diagnostics.iter().filter(|one| one.is_error()).count(),
            rendered: render(
                &SourceMap::from(text),
                &diagnostics,
                source::format_of(errors, color),
            ),
        },
        Refused::Changed => Failure::internal(format!(
            "the formatter would change what {} means or lose a comment; the file is as it was",
            source.name
        )),
    })
}
