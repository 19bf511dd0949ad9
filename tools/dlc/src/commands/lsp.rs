//! `dlc lsp`: the language server.

use dlc_driver::files::Disk;
use dlc_lsp::{ServeError, Settings, serve_stdio};

use crate::cli::Common;
use crate::report::Error;

/// Serves until the editor says that it is over.
pub fn run(common: &Common) -> Result<(), Error> {
    let settings = Settings {
        disk: &Disk,
        std_folder: common.cache.std_folder(),
    };
    serve_stdio(settings).map_err(|error| match error {
        ServeError::Handshake(_) => Error::input(error.to_string()),
        ServeError::Gone | ServeError::Thread(_) => Error::io(error.to_string()),
    })
}
