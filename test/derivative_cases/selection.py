"""The cases to differentiate: those of builtin_cases that have a float parameter and a float result, and some more."""

import copy

from builtin_cases.case import CASES, Case, dtype_of

from . import constructs, forms, options


class Derivative:
    """A case as a function of its float parameters."""

    def __init__(self, case):
        option = options.of(case)
        self.op, self.params, self.sizes, self.where, self.data = case.op, case.params, sizes_of(case), case.where, case.data
        self.call, self.dims, self.dynamic, self.static = case.call, case.dims, case.dynamic, case.static
        self.case = case
        self.items, self.bound = constructs.ITEMS.get(case.call, ""), constructs.BOUNDS.get(case.call, "")
        self.reference = option.reference or case.jax
        self.domain, self.special, self.note = option.domain, option.special, option.note
        self.inactive, self.expected = option.inactive, option.expected
        self.floats = [name for name, type_ in case.params.items() if dtype_of(type_, "f64") == "f64"]
        self.floats = option.wrt or self.floats
        self.elementwise, self.smooth, self.finite_only = option.elementwise, option.smooth, option.finite_only
        self.pool = option.pool

    def float_results(self):
        return [type_ for type_ in self.case.types() if dtype_of(type_, "f64") == "f64"]

    def body(self):
        """The call; an op whose derivative is zero is multiplied with a parameter, so that there is one."""
        types = self.case.types()
        floats = [f"r{i}" if dtype_of(type_, "f64") == "f64" else f"_r{i}" for i, type_ in enumerate(types)]
        if self.inactive:
            return f"{self.floats[0]} * {self.call}"
        if len(types) > 1 and any(name.startswith("_") for name in floats):
            kept = [name for name in floats if not name.startswith("_")]
            return f"let ({', '.join(floats)}) = {self.call}; {kept[0] if len(kept) == 1 else '(' + ', '.join(kept) + ')'}"
        return self.call

    def label(self):
        return f"{self.call} of {', '.join(f'{name}: {type_}' for name, type_ in self.params.items())}"


def sizes_of(case):
    """Sizes by class of input: some elements, one, none. Differences of many elements show no more than of a few."""
    found = {}
    for dims in case.sizes:
        used = {dim: dims[dim] for dim in case.dims}
        kind = "empty" if 0 in used.values() else "one" if all(size == 1 for size in used.values()) and used else "some"
        small = {dim: size if size < 12 else {"A": 6, "B": 4, "C": 5, "N": 7}[dim] for dim, size in dims.items()}
        found.setdefault(kind, small)
    return found


def is_selected(case):
    floats = [type_ for type_ in case.params.values() if dtype_of(type_, "f64") == "f64"]
    results = [type_ for type_ in case.types() if dtype_of(type_, "f64") == "f64"]
    return "f64" in case.dtypes and floats and results and not options.is_left_out(case)


def selected():
    """One derivative for each text of a call; the cases of builtin_cases differ in numbers and dtypes as well."""
    seen, result = set(), []
    for case in [*CASES, *more()]:
        key = (case.op, case.call, tuple(case.params.items()))
        if is_selected(case) and key not in seen:
            seen.add(key)
            result.append(Derivative(case))
    return result


def more():
    """Cases that only derivatives need."""
    before = len(CASES)
    for module in (options, forms, constructs):
        module.add_cases(Case)
    added = copy.copy(CASES[before:])
    del CASES[before:]
    return added
