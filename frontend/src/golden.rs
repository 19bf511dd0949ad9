//! Diagnostics compared with a text kept beside the program.

/// What comparing with a golden text gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Golden {
    /// They are the same.
    Same,
    /// The file is to be (re)written with this text, or removed when it is empty.
    Rewrite(String),
    /// They differ, and nothing may be written.
    Differs,
}

/// Compares what was printed with the golden text, `None` when there is no file. `bless` is whether `DLC_BLESS=1` is
/// set, which makes what is printed the golden text. Line ends do not matter.
pub fn compare(golden: Option<&str>, actual: &str, bless: bool) -> Golden {
    let same = match golden {
        Some(golden) => golden.replace("\r\n", "\n") == actual,
        None => actual.is_empty(),
    };
    match (same, bless) {
        (true, _) => Golden::Same,
        (false, true) => Golden::Rewrite(actual.to_owned()),
        (false, false) => Golden::Differs,
    }
}
