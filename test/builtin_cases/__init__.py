"""The parts of test/builtins_table.py: what a case is, its data, the library that runs it, and the cases by family."""

from . import (  # noqa: F401
    convolutions,
    creation,
    elementwise,
    indexing,
    linalg,
    neural,
    order,
    randomness,
    reductions,
    shapes,
)

#: Built-ins that compute no numbers of their own, and where they are tested.
ELSEWHERE = {
    "grad": "GRADCHECK lines of test/ops, test/jax_compare.py",
    "value_and_grad": "GRADCHECK lines of test/ops, test/jax_compare.py",
    "jvp": "test/ops/jvp.mlir",
    "vjp": "test/ops/vjp.mlir",
    "hvp": "test/models/derivatives.dl",
    "vmap": "test/models/vmap.dl",
    "jacobian": "test/models/jacobian.dl",
    "hessian": "test/models/jacobian.dl",
    "print": "test/ops/print.mlir",
    "assert": "what `dlc test` does with it",
    "assert_close": "what `dlc test` does with it",
    "check_grad": "what `dlc test` does with it",
}
