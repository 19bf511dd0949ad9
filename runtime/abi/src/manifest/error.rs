//! Why a text is no manifest.

use std::fmt;

use super::Manifest;

/// Why a text is no manifest that this version reads.
#[derive(Debug)]
pub enum ManifestError {
    /// It is no JSON of the right form.
    Json(serde_json::Error),
    /// It has another format.
    Format(u32),
    /// The stored hash is not that of the signatures.
    Hash {
        /// What the file says.
        stored: String,
        /// What its signatures give.
        computed: String,
    },
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ManifestError::Json(error) => write!(f, "not a manifest: {error}"),
            ManifestError::Format(format) => write!(
                f,
                "manifest format {format}, this version reads {}",
                Manifest::FORMAT
            ),
            ManifestError::Hash { stored, computed } => write!(
                f,
                "the manifest was changed: its hash is {stored}, its signatures give {computed}"
            ),
        }
    }
}

impl std::error::Error for ManifestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ManifestError::Json(error) => Some(error),
            ManifestError::Format(_) | ManifestError::Hash { .. } => None,
        }
    }
}
