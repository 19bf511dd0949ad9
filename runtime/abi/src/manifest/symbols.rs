//! The names of the functions of an entry that its manifest does not tell.

use super::Entry;
use crate::symbol;

impl Entry {
    /// The function that gives the text of a status.
    pub fn message_symbol(&self) -> String {
        symbol::message(&self.symbol)
    }

    /// The C function that takes an executor first, in libraries for several threads.
    pub fn on_symbol(&self) -> String {
        symbol::on(&self.symbol)
    }

    /// The uniform function that takes an executor first, in libraries for several threads.
    pub fn packed_on_symbol(&self) -> String {
        symbol::packed_on(&self.symbol)
    }

    /// The C function that takes a device first, in libraries for a GPU.
    pub fn gpu_symbol(&self) -> String {
        symbol::gpu(&self.symbol)
    }

    /// The uniform function that takes a device first, in libraries for a GPU.
    pub fn packed_gpu_symbol(&self) -> String {
        symbol::packed_gpu(&self.symbol)
    }

    /// The function that gives the size of the workspace on a device, in libraries for a GPU.
    pub fn workspace_gpu_symbol(&self) -> String {
        symbol::workspace_gpu(&self.symbol)
    }
}
