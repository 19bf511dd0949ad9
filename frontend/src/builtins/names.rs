//! Names that are not built-ins here: those of other libraries, and those still to come.

/// Names of other libraries: the name, what stands for it here (nothing where there is no single name), and the advice.
pub(super) const ALIASES: &[(&str, &str, &str)] = &[];

/// Built-ins of the language that this version does not have.
const LATER: &[&str] = &[];

/// What stands for a name of NumPy, JAX or PyTorch, and the advice.
pub(crate) fn alias(name: &str) -> Option<(&'static str, &'static str)> {
    ALIASES
        .iter()
        .find(|row| row.0 == name)
        .map(|row| (row.1, row.2))
}

/// Whether a name is that of a module that other languages have.
pub(crate) fn is_foreign_module(name: &str) -> bool {
    [
        "np", "numpy", "jnp", "jax", "lax", "torch", "nn", "F", "tf", "math", "random", "xp",
        "scipy", "nnx", "linalg",
    ]
    .contains(&name)
}

/// Whether a name is a built-in of the language that this version does not have.
pub(crate) fn is_later(name: &str) -> bool {
    LATER.contains(&name)
}
