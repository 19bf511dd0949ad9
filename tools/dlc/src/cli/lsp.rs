//! The options of `dlc lsp`.

use clap::Args;

/// Serves an editor over standard input and output, by the language server protocol
#[derive(Debug, Args)]
#[command(after_help = "\
Editors start it themselves; the chapter \"Editors\" of the reference has settings for Neovim and others.

Example:
  vim.lsp.start({ name = 'dlc', cmd = { 'dlc', 'lsp' } })    -- Neovim")]
pub struct Lsp {
    /// Standard input and output, which are used anyway; some editors pass it
    #[arg(long, hide = true)]
    pub stdio: bool,
}
