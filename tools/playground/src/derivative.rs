//! A function's derivative as source.

use dlc_derivative::{Derivative, Wanted};
use dlc_frontend::core::Options;
use dlc_frontend::format::format;
use dlc_frontend::modules::NoFiles;
use dlc_frontend::source::Source;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::program::program;
use crate::{NAME, Refused};

/// Which derivative.
#[derive(Debug, Deserialize)]
pub struct Request {
    /// The program.
    text: String,
    /// A function of it.
    function: String,
    /// With respect to these parameters; without any, the first.
    #[serde(default)]
    wrt: Vec<String>,
    /// Whether it is the tangent of the result, else the gradient.
    #[serde(default)]
    forward: bool,
}

impl From<dlc_derivative::Refused> for Refused {
    fn from(refused: dlc_derivative::Refused) -> Self {
        Refused::Message(refused.to_string())
    }
}

/// The derivative.
pub fn answer(request: &Request) -> Result<Value, Refused> {
    let wanted = Wanted {
        function: request.function.clone(),
        wrt: request.wrt.clone(),
        forward: request.forward,
    };
    let derivative = Derivative::new(NAME, &request.text, &wanted)?;
    let context = dlc_dialects::context();
    // What is wrong with the text itself is said at its own lines.
    let text = derivative.source();
    let program = program(&context, &text, Options::default())?;
    let text = derivative.write(&program.module, &program.stem, &program.sources, &NoFiles)?;
    Ok(json!({ "text": format(&Source::new(NAME, text.as_str())).unwrap_or(text) }))
}
