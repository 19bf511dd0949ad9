//! Why an evaluation has no result.

/// An error of [`evaluate`](crate::evaluate).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The module has no such function, or only its declaration.
    #[error("the module does not define @{0}")]
    NoFunction(String),
    /// The arguments don't fit the function.
    #[error("@{function}: {message}")]
    Argument {
        /// The function.
        function: String,
        /// What does not fit.
        message: String,
    },
    /// An op of a kind that the evaluator does not know, or that a pass expands before.
    #[error("{location}: the reference evaluator does not run `{op}`")]
    Unsupported {
        /// The op's name.
        op: String,
        /// The op's location as MLIR prints it.
        location: String,
    },
    /// An op whose operands have values it is not defined on, such as an index out of range.
    #[error("{location}: `{op}`: {message}")]
    Op {
        /// The op's name.
        op: String,
        /// The op's location as MLIR prints it.
        location: String,
        /// What is wrong.
        message: String,
    },
    /// A `dl.check` that does not hold.
    #[error("{code} {text}")]
    Check {
        /// Its code.
        code: String,
        /// Its text.
        text: String,
    },
    /// There is no memory for a result.
    #[error(transparent)]
    Tensor(#[from] dlc_runtime::TensorError),
}
