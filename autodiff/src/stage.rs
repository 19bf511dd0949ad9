//! The first stage of every pipeline: from what the frontend emits to `dl` without derivatives.

use dlc_dialects::ir::pipeline::{
    Stage,
    Step::{Optional, Required},
};

/// After it a module is plain `dl`, which the reference evaluator runs and the lowering takes.
pub const DL: Stage = Stage {
    name: "dl",
    passes: &[
        // Derivatives are made of whole functions. Canonicalized, their branches would be `arith.select`, which has none.
        Required("inline{default-pipeline=}"),
        Required("expand-derivatives"),
        Required("inline"),                 // the functions that it made
        Optional("func.func(simplify-dl)"), // what derivatives leave behind
        Optional("canonicalize"),
        Optional("cse"),
        Optional("func.func(rematerialize)"), // after cse, which would join again what it takes apart
        Required("symbol-dce"), // functions that are no entries, after the last inlining
    ],
};
