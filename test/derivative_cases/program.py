"""What is asked of the compiler about one case: an export with both modes, first and second order."""

import re

from builtin_cases.case import dtype_of

#: How often the export calls the function: a key may be used once, so it takes as many, all alike.
USES = 4


class Program:
    """The DL of a case: `value` is the function, `e` the export of its derivatives.

    With the inputs x, tangents v and cotangents u, the export gives y, J v, Jᵀ u, and the product of v and the Hessian
    of ⟨u, y⟩ + ⟨y, y⟩ / 2 twice: forward over reverse and reverse over reverse. The gradient of that function is
    Jᵀ (u + y), so calls of the same export give all that differences need.
    """

    def __init__(self, case, dtype, dims=None):
        self.case, self.dtype, self.dims = case, dtype, dims
        self.floats = case.floats

    def put(self, text):
        text = re.sub(r"\bT\b", self.dtype, text)
        if self.dims is not None:
            text = re.sub(r"\b[ABCN]\b", lambda found: str(self.dims[found[0]]), text)
        return text

    def function(self, name, params, result, *body, bound=""):
        heads = f"<{', '.join(self.case.dims)}>" if self.dims is None and self.case.dims else ""
        conditions = [self.case.where] * (self.dims is None) + [bound]
        where = f" where {', '.join(filter(None, conditions))}" if any(conditions) else ""
        params = ", ".join(f"{name}: {self.put(type_)}" for name, type_ in params.items())
        body = "\n".join(f"  {line}" for line in body)
        return f"fn {name}{heads}({params}) -> {result}{where} {{\n{body}\n}}"

    def keyed(self, use):
        """The names of the parameters, in the export, for a use of the function."""
        return [f"{name}_{use}" if type_.startswith("key") else name for name, type_ in self.case.params.items()]

    def given_dims(self):
        """The dims that a call has to give: those of none of the parameters."""
        hidden = [dim for dim in self.case.dims if not re.search(rf"\b{dim}\b", " ".join(self.case.params.values()))]
        return f"<{', '.join(f'{dim}={dim}' for dim in hidden)}>" if hidden and self.dims is None else ""

    def lines(self, n):
        """The functions of the number n, the export last."""
        case, params = self.case, self.case.params
        tangents = {f"tan_{name}": params[name] for name in self.floats}
        cotangents = {f"cot{i}": type_ for i, type_ in enumerate(case.float_results())}
        inputs, over, directions, weights = [", ".join(names) for names in (params, self.floats, tangents, cotangents)]
        outs = [f"value_{i}" for i in range(len(cotangents))]
        weighted = [f"sum({weight} * {out}) + 0.5 * sum(square({out}))" for weight, out in zip(cotangents, outs)]
        along = [f"sum(gradient_.{i} * {tangent})" for i, tangent in enumerate(tangents)]
        dims, scalars = self.given_dims(), params | cotangents
        result = self.put(tuple_of(list(cotangents.values())))
        gradients = self.put(f"({', '.join(params[name] for name in self.floats)},)")
        given = [", ".join(self.keyed(use)) for use in range(USES)]
        every = {f"{name}_{use}" if type_.startswith("key") else name: type_ for name, type_ in params.items()
                 for use in range(USES if type_.startswith("key") else 1)}
        function = f"|{inputs}| value{n}{dims}({inputs})" if dims else f"value{n}"
        partial = ", ".join(f"tan_{name}" if name in self.floats else "none" for name in params)
        back = ", ".join(f"back_.{i}" for i, name in enumerate(params) if name in self.floats)
        own = lambda text: self.put(text).replace("#", str(n))  # noqa: E731
        return [
            *([own(case.items)] if case.items else []),
            self.function(f"value{n}", params, result, own(case.body())),
            self.function(f"scalar{n}", scalars, self.dtype, f"let {tuple_of(outs)} = value{n}{dims}({inputs})", " + ".join(weighted)),
            self.function(f"along{n}", scalars | tangents, self.dtype,
                          f"let gradient_ = grad(scalar{n}, wrt=({over},))({inputs}, {weights})", " + ".join(along)),
            "export " + self.function(
                f"e{n}", every | cotangents | tangents, f"({result}, {result}, {gradients}, {gradients}, {gradients})",
                f"let (value_, tangent_) = jvp({function}, ({given[0]},), ({partial},))",
                f"let (_value, pull_) = vjp({function}, {given[1]})",
                f"let back_ = pull_({tuple_of(list(cotangents))})",
                f"let product_ = hvp(|{over}| scalar{n}({given[2]}, {weights}), ({over},), ({directions},))",
                f"let again_ = grad(along{n}, wrt=({over},))({given[3]}, {weights}, {directions})",
                f"(value_, tangent_, ({back},), {'(product_,)' if len(self.floats) == 1 else 'product_'}, again_)",
                bound=case.bound,
            ),
        ]

    def arguments(self, inputs, cotangents, tangents):
        """What the export is called with, in order."""
        arrays = []
        for name, type_ in self.case.params.items():
            arrays += [inputs[name]] * (USES if type_.startswith("key") else 1)
        return [*arrays, *cotangents, *(tangents[name] for name in self.floats)]

    def result_types(self):
        """The types of all that the export gives, in its five parts."""
        gradients = [self.case.params[name] for name in self.floats]
        values = self.case.float_results()
        return [values, values, gradients, gradients, gradients]

    def element_of(self, type_):
        return dtype_of(type_, self.dtype)


def tuple_of(parts):
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
