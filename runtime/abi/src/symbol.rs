//! The names of the C symbols of a built library.

/// The C identifier that a file stem or an export becomes: letters, digits and `_`, not starting
/// with a digit.
pub fn identifier(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}

/// The C entry of an export, `STEM_EXPORT`.
pub fn entry(stem: &str, export: &str) -> String {
    format!("{}_{}", identifier(stem), identifier(export))
}

/// The uniform entry for loaders.
pub fn packed(entry: &str) -> String {
    format!("{entry}_packed")
}

/// The C entry that takes an executor first.
pub fn on(entry: &str) -> String {
    format!("{entry}_on")
}

/// The uniform entry that takes an executor first.
pub fn packed_on(entry: &str) -> String {
    format!("{entry}_packed_on")
}

/// The C entry that takes a device first, on which all tensors then are.
pub fn gpu(entry: &str) -> String {
    format!("{entry}_gpu")
}

/// The uniform entry that takes a device first, on which all memory then is.
pub fn packed_gpu(entry: &str) -> String {
    format!("{entry}_packed_gpu")
}

/// The function that gives the size of the workspace on a device.
pub fn workspace_gpu(entry: &str) -> String {
    format!("{entry}_workspace_gpu")
}

/// The function that gives the size of the workspace.
pub fn workspace(entry: &str) -> String {
    format!("{entry}_workspace")
}

/// The function that gives the text of a status.
pub fn message(entry: &str) -> String {
    format!("{entry}_message")
}

/// The function that gives the ABI hash of the library, `const char *STEM_abi_hash(void)`.
pub fn abi_hash(stem: &str) -> String {
    format!("{}_abi_hash", identifier(stem))
}

/// The function that sets what a traced library calls when a piece of work begins and ends ([`crate::trace`]).
pub fn trace(stem: &str) -> String {
    format!("{}_trace", identifier(stem))
}

/// The function that gives the name of the CPU whose code is taken, in libraries for several, `const char *STEM_target_cpu(void)`.
pub fn cpu(stem: &str) -> String {
    format!("{}_target_cpu", identifier(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_an_identifier() {
        assert_eq!(identifier("my-model"), "my_model");
        assert_eq!(identifier("3d"), "_3d");
        assert_eq!(identifier(""), "_");
        assert_eq!(identifier("a\"; system"), "a___system");
        assert_eq!(entry("tiny", "train_step"), "tiny_train_step");
        assert_eq!(abi_hash("tiny"), "tiny_abi_hash");
    }
}
