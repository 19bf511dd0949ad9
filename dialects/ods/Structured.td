// Structured.td: contraction, reduction, indexing, random bits, derivative calls.
#ifndef DL_STRUCTURED
#define DL_STRUCTURED

include "Dialect.td"

//===-- Products and windows -------------------------------------------------------------------------===//

def DL_DotGeneralOp : DL_Op<"dot_general", [Pure, DL_PrecisionFits]> {
  let summary = "Sum of products over pairs of axes";
  let description = [{
    Axes of `lhs` and `rhs` are batch, contracted or free. The result's axes are the batch axes, the
    free axes of `lhs`, the free axes of `rhs`, in order. f16 and bf16 are accumulated in f32. With a `precision` the
    operands are rounded to it first, and accumulated in f32 too; the products of what is rounded are exact. In tf32, which
    has f32's exponents and 10 bits behind the point, ties away from 0, a target multiplies or it does not round.

    C1: batch and contracting axes are distinct and in range, pairs of equal size, lists of equal length.
    C2: the result's shape is the one described.
    ```mlir
    %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] : (tensor<?x64xf32>, tensor<64x10xf32>) -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins DL_NumberTensor:$lhs, DL_NumberTensor:$rhs,
    DenseI64ArrayAttr:$lhs_batch, DenseI64ArrayAttr:$rhs_batch,
    DenseI64ArrayAttr:$lhs_contract, DenseI64ArrayAttr:$rhs_contract, DL_Precision:$precision);
  let results = (outs DL_NumberTensor:$y);
  let assemblyFormat = [{$lhs `,` $rhs `batch` $lhs_batch `x` $rhs_batch `contract` $lhs_contract `x` $rhs_contract
    attr-dict `:` functional-type(operands, results)}];
  let hasVerifier = 1;
}

def DL_ConvOp : DL_Op<"conv", [Pure, AllElementTypesMatch<["x", "w", "y"]>, DL_PrecisionFits]> {
  let summary = "Sums of products of windows of x and w: a convolution without padding";
  let description = [{
    y[n, o, i..] is the sum over c and k.. of x[n, g C + c, i * strides + k * dilations] w[o, c, k..], where x is
    [batch, channels, spatial..], w is [out, C, window..], C is channels / groups and g = o / (out / groups). The first
    groups of outputs see the first groups of channels. Padding, and gaps between the elements of x, are `dl.pad`.
    f16 and bf16 are accumulated in f32. `precision` is that of `dl.dot_general`.

    C1: one axis in space or more; ranks agree; one stride and one dilation >= 1 for each axis in space.
    C2: groups >= 1 divide the outputs, and x has groups * C channels. C3: the result's shape, with as many windows as
    fit. C4: one size for each `?` of the result.
    ```mlir
    %y = dl.conv %x, %w strides [2, 2] dilations [1, 1] groups 1 sizes(%n) : (tensor<?x3x9x9xf32>, tensor<8x3x3x3xf32>) -> tensor<?x8x4x4xf32>
    ```
  }];
  let arguments = (ins DL_NumberTensor:$x, DL_NumberTensor:$w, DL_Sizes:$sizes,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, I64Attr:$groups, DL_Precision:$precision);
  let results = (outs DL_NumberTensor:$y);
  let assemblyFormat = [{$x `,` $w `strides` $strides `dilations` $dilations `groups` $groups `sizes` `(` $sizes `)`
    attr-dict `:` `(` type($x) `,` type($w) `)` `->` type($y)}];
  let hasVerifier = 1;
}

def DL_ReduceWindowOp : DL_Op<"reduce_window", [Pure, AllElementTypesMatch<["x", "y"]>]> {
  let summary = "Reduction of each window of x";
  let description = [{
    y[i..] is the reduction of x[i * strides + k * dilations] over all k below `window`, axis by axis. `kind` is one of
    sum, max, min, prod. max and min keep NaN. Padding is `dl.pad`. Floats of less than 32 bits are accumulated in f32.

    Derivative: of sum, `x` gets `g` from each window that it is in; of max and min, the first element of a window that is
    it gets `g`; of prod, each gets `g` times the product of the others.

    C1: one size of the window, one stride and one dilation >= 1 for each axis. C2: `kind` is one of those.
    C3: the result's shape, with as many windows as fit. C4: one size for each `?` of the result.
    ```mlir
    %y = dl.reduce_window "max" %x window [1, 2] strides [1, 2] dilations [1, 1] sizes(%n) : tensor<?x8xf32> -> tensor<?x4xf32>
    ```
  }];
  let arguments = (ins DL_NumberTensor:$x, DL_Sizes:$sizes, StrAttr:$kind, DenseI64ArrayAttr:$window,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations);
  let results = (outs DL_NumberTensor:$y);
  let assemblyFormat = [{$kind $x `window` $window `strides` $strides `dilations` $dilations `sizes` `(` $sizes `)`
    attr-dict `:` type($x) `->` type($y)}];
  let hasVerifier = 1;
}

//===-- Reductions, sums so far, sorting -------------------------------------------------------------===//

def DL_ReduceOp : DL_Op<"reduce", [Pure]> {
  let summary = "Reduction over axes, which the result does not have";
  let description = [{
    `kind` is one of sum, max, min, prod (numbers), any, all (bool). An empty reduction gives the neutral
    element: 0, -inf or the least value, inf or the greatest value, 1, false, true. max and min keep NaN.
    Floats of less than 32 bits are accumulated in f32.

    Derivative: of sum, `x` gets `g`; of max and min, the elements that are it share `g` equally; of prod, each gets `g`
    times the product of the others.

    C1: `kind` fits the element type. C2: axes are distinct, ascending, in range. C3: the result's shape.
    ```mlir
    %s = dl.reduce "sum" %x axes [1] : tensor<?x8xf32> -> tensor<?xf32>
    ```
  }];
  let arguments = (ins DL_Tensor:$x, StrAttr:$kind, DenseI64ArrayAttr:$axes);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$kind $x `axes` $axes attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}

def DL_ArgReduceOp : DL_Op<"arg_reduce", [Pure]> {
  let summary = "Index of the first greatest (`argmax`) or least (`argmin`) element along an axis; NaN counts as both";
  let description = [{
    C1: `kind` is argmax or argmin. C2: the axis is in range. C3: the result's shape.
  }];
  let arguments = (ins DL_NumberTensor:$x, StrAttr:$kind, I64Attr:$axis);
  let results = (outs DL_TensorOf<I32>:$y);
  let assemblyFormat = "$kind $x `axis` $axis attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}

class DL_AxisOf<string tensor> : PredOpTrait<"C1: the axis is inside the rank of " # tensor,
  CPred<"getAxis() >= 0 && getAxis() < ::llvm::cast<::mlir::RankedTensorType>($" # tensor # ".getType()).getRank()">>;
class DL_KindOneOf<list<string> kinds> : PredOpTrait<"C2: the kind is one of " # !interleave(kinds, ", "),
  CPred<"::llvm::is_contained({\"" # !interleave(kinds, "\", \"") # "\"}, getKind())">>;

def DL_ArgsortOp : DL_Op<"argsort", [Pure, SameOperandsAndResultShape, DL_AxisOf<"x">]> {
  let summary = "The order of elements along an axis: where the first, second, … of them lies";
  let description = [{
    Ascending, or with `descending` the other way; equal elements keep their order in both. 0 and -0 are equal, so are
    all NaN, and NaN is greater than every number: last in ascending order, first in descending.

    C1: the axis is in range.
    ```mlir
    %i = dl.argsort %x axis 1 descending : tensor<?x8xf32> -> tensor<?x8xi32>
    ```
  }];
  let arguments = (ins DL_Tensor:$x, I64Attr:$axis, UnitAttr:$descending);
  let results = (outs DL_TensorOf<I32>:$y);
  let assemblyFormat = "$x `axis` $axis (`descending` $descending^)? attr-dict `:` type($x) `->` type($y)";
}

def DL_CumulativeOp : DL_Op<"cumulative", [Pure, SameOperandsAndResultType, DL_AxisOf<"x">,
    DL_KindOneOf<["sum", "prod", "max", "min"]>]> {
  let summary = "Each element combined with those before it along an axis, or with `reverse` those after it";
  let description = [{
    Kinds as for `dl.reduce`: integers wrap, max and min keep NaN, floats of less than 32 bits are accumulated in f32.
    The elements of a line are combined in order.

    Derivative: of sum, `x` gets the sums of `g` from the other end; of max and min, `g` goes to the last element at which
    the extreme was met; of prod, each gets the sum of `g` times the products that have it, without it.

    C1: the axis is in range. C2: `kind` is one of sum, prod, max, min.
    ```mlir
    %y = dl.cumulative "sum" %x axis 0 : tensor<?x8xf32>
    ```
  }];
  let arguments = (ins DL_NumberTensor:$x, StrAttr:$kind, I64Attr:$axis, UnitAttr:$reverse);
  let results = (outs DL_NumberTensor:$y);
  let assemblyFormat = "$kind $x `axis` $axis (`reverse` $reverse^)? attr-dict `:` type($x)";
}

//===-- Reading and writing at indices ---------------------------------------------------------------===//

def DL_TakeOp : DL_Op<"take", [Pure]> {
  let summary = "Slices of x at ids along an axis";
  let description = [{
    The axis is replaced by the axes of `ids`. A negative id counts from the end; what is then out of
    range is clamped (an error in the reference evaluator).

    C1: the axis is in range. C2: the result's shape.
  }];
  let arguments = (ins DL_Tensor:$x, DL_IntTensor:$ids, I64Attr:$axis);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `,` $ids `axis` $axis attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def DL_TakeAlongAxisOp : DL_Op<"take_along_axis", [Pure]> {
  let summary = "y[.., i, ..] = x[.., ids[.., i, ..], ..]";
  let description = [{
    x, ids and y have one rank; ids and y have one shape, which differs from x's in `axis` only.
    Out of range as for `dl.take`.

    C1: the axis is in range. C2: the shapes.
  }];
  let arguments = (ins DL_Tensor:$x, DL_IntTensor:$ids, I64Attr:$axis);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `,` $ids `axis` $axis attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def DL_ScatterOp : DL_Op<"scatter", [Pure, AllTypesMatch<["x", "y"]>, DL_KindOneOf<["add", "set"]>,
    PredOpTrait<"C3: truth values are set, not added",
      CPred<"getKind() == \"set\" || !getX().getType().getElementType().isInteger(1)">>]> {
  let summary = "x with the slices of updates added or put at ids along an axis, in order; adding is the transpose of `dl.take`";
  let description = [{
    `updates` has the shape that `dl.take` of x at ids gives. Out of range as there. Of several slices put at one place
    the last one, in the order of the ids, stays.

    C1: the axis is in range. C2: the shape of `updates`; `kind` is one of add, set. C3: `kind` fits the element type.
    ```mlir
    %y = dl.scatter "set" %x, %ids, %rows axis 0 : tensor<?x8xf32>, tensor<3xi32>, tensor<3x8xf32>
    ```
  }];
  let arguments = (ins DL_Tensor:$x, DL_IntTensor:$ids, DL_Tensor:$updates, StrAttr:$kind, I64Attr:$axis);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$kind $x `,` $ids `,` $updates `axis` $axis attr-dict `:` type($x) `,` type($ids) `,` type($updates)";
  let hasVerifier = 1;
}
def DL_ScatterAddAlongAxisOp : DL_Op<"scatter_add_along_axis", [Pure, AllTypesMatch<["x", "y"]>]> {
  let summary = "x with updates added at ids; the transpose of `dl.take_along_axis`";
  let description = [{
    C1: the axis is in range. C2: the shapes of `ids` and `updates` are one and differ from x's in `axis` only.
  }];
  let arguments = (ins DL_NumberTensor:$x, DL_IntTensor:$ids, DL_NumberTensor:$updates, I64Attr:$axis);
  let results = (outs DL_NumberTensor:$y);
  let assemblyFormat = "$x `,` $ids `,` $updates `axis` $axis attr-dict `:` type($x) `,` type($ids) `,` type($updates)";
  let hasVerifier = 1;
}

//===-- Random bits ----------------------------------------------------------------------------------===//

class DL_ShapeOf<string tensor> { string text = "::llvm::cast<::mlir::RankedTensorType>($" # tensor # ".getType()).getShape()"; }
// The first axes of one tensor are those of another but its last.
class DL_BeginsWithAxesOf<string y, string x> : CPred<!strconcat("[](::llvm::ArrayRef<int64_t> x, ::llvm::ArrayRef<int64_t> y) {"
    " return x.empty() || (y.size() + 1 >= x.size() && x.drop_back() == y.take_front(x.size() - 1)); }(",
    DL_ShapeOf<x>.text, ", ", DL_ShapeOf<y>.text, ")")>;
def DL_RandomBitsOp : DL_Op<"random_bits", [Pure,
    PredOpTrait<"C3: the result begins with the axes of keys", DL_BeginsWithAxesOf<"y", "key">>]> {
  let summary = "Threefry-2x32 bits of a key, laid out as JAX's partitionable ones";
  let description = [{
    Element i, in row-major order, is made of the pair (h, l) = threefry2x32(key, (i >> 32, i & 0xffffffff)):
    ui64 is h << 32 | l, ui32 is h ^ l, ui8 the low byte of h ^ l.
    Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011).

    The key's last axis holds its two words. A key of more axes is many: the result begins with these axes, and has for
    each key what that key gives alone.

    C1: the key's last axis is 2. C2: one size for each `?` of the result. C3: the result begins with the key's other axes.
    ```mlir
    %y = dl.random_bits %keys sizes(%n) : tensor<?x2xui32> -> tensor<?x3xui32>
    ```
  }];
  let arguments = (ins DL_Key:$key, DL_Sizes:$sizes);
  let results = (outs RankedTensorOf<[UI<8>, UI<32>, UI<64>]>:$y);
  let assemblyFormat = "$key `sizes` `(` $sizes `)` attr-dict `:` type($key) `->` type($y)";
  let hasVerifier = 1;
}

//===-- Derivatives, batches and calls ---------------------------------------------------------------===//

def DL_GradOp : DL_Op<"grad", [Pure]> {
  let summary = "Gradient of a function's first result";
  let description = [{
    The operands are the callee's arguments. `wrt` names tensor arguments of the callee (counted without the
    leading index arguments). Results: with `value`, all results of the callee; then one gradient for each `wrt`,
    of that argument's type. Expanded by `expand-derivatives`.

    C1: the callee's first result is a float of rank 0. C2: `wrt` is in range and names float tensors.
    C3: operands and results have the types described.
    (All are checked where the op is expanded, since they need the symbol.)
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyTypeOf<[Index, DL_Tensor]>>:$inputs,
    DenseI64ArrayAttr:$wrt, UnitAttr:$value);
  let results = (outs Variadic<DL_Tensor>:$outputs);
  let assemblyFormat = "$callee `(` $inputs `)` `wrt` $wrt (`value` $value^)? attr-dict `:` functional-type($inputs, $outputs)";
}

def DL_VjpOp : DL_Op<"vjp", [Pure]> {
  let summary = "Product of cotangents of a function's results and its Jacobian";
  let description = [{
    The operands are the callee's arguments, then one cotangent for each of its float results, of that result's type.
    `wrt` is as for `dl.grad`. Results: one gradient for each `wrt`, of that argument's type. Expanded by
    `expand-derivatives`; `dl.grad` is this with the cotangent 1.

    C1: the callee has a float result. C2: `wrt` is in range and names float tensors.
    C3: operands and results have the types described.
    (All are checked where the op is expanded, since they need the symbol.)
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyTypeOf<[Index, DL_Tensor]>>:$inputs,
    DenseI64ArrayAttr:$wrt);
  let results = (outs Variadic<DL_Tensor>:$outputs);
  let assemblyFormat = "$callee `(` $inputs `)` `wrt` $wrt attr-dict `:` functional-type($inputs, $outputs)";
}

def DL_JvpOp : DL_Op<"jvp", [Pure]> {
  let summary = "Values of a function, and the product of its Jacobian and tangents of its arguments";
  let description = [{
    The operands are the callee's arguments, then one tangent for each `wrt`, of that argument's type; the tangents of
    the other arguments are zero. `wrt` is as for `dl.grad`. Results: those of the callee, then one tangent for each
    of them that is a float. Expanded by `expand-derivatives`.

    C1: the callee has a float result. C2: `wrt` is in range and names float tensors.
    C3: operands and results have the types described.
    (All are checked where the op is expanded, since they need the symbol.)
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyTypeOf<[Index, DL_Tensor]>>:$inputs,
    DenseI64ArrayAttr:$wrt);
  let results = (outs Variadic<DL_Tensor>:$outputs);
  let assemblyFormat = "$callee `(` $inputs `)` `wrt` $wrt attr-dict `:` functional-type($inputs, $outputs)";
}

// A function that gives a derivative in place of another one's.
def DL_Rule : OptionalAttr<FlatSymbolRefAttr>;

def DL_CallOp : DL_Op<"call", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Call of a function that stays a call while derivatives are made, because it says itself how it is differentiated";
  let description = [{
    Gives what the callee gives. With `checkpoint` reverse mode keeps the arguments alone, and computes the callee again from
    them. `vjp` is the rule of reverse mode: a function of the callee's arguments, then one cotangent for each of its float
    results, that gives one gradient for each of its float tensor arguments. `jvp` is that of forward mode: of the callee's
    arguments, then one tangent for each that is a float tensor; it gives one tangent for each float result and is linear
    in the tangents. Where only `jvp` is given, reverse mode takes it back. `expand-derivatives` makes a plain call of it.

    C1: the callee and the rules are functions. C2: operands and results are those of the callee.
    C3: the rules have the types described.
    (All are checked where the op is expanded, since they need the symbols.)
    ```mlir
    %y = dl.call @block(%n, %x) checkpoint : (index, tensor<?x8xf32>) -> tensor<?x8xf32>
    %z = dl.call @clip(%y) vjp @clip_vjp : (tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyTypeOf<[Index, DL_Tensor]>>:$inputs,
    UnitAttr:$checkpoint, DL_Rule:$vjp, DL_Rule:$jvp);
  let results = (outs Variadic<DL_Tensor>:$outputs);
  let assemblyFormat = [{
    $callee `(` $inputs `)` (`checkpoint` $checkpoint^)? (`vjp` $vjp^)? (`jvp` $jvp^)? attr-dict `:`
    functional-type($inputs, $outputs)
  }];
}

def DL_OptimizationBarrierOp : DL_Op<"optimization_barrier", [Pure, AllTypesMatch<["x", "y"]>]> {
  let summary = "x, which nothing looks through: what is computed from it again is not merged with what was computed from x";
  let description = [{
    Nothing folds it. It stands for a value that is there once `after` is known: the arguments of what reverse mode
    computes again wait for the cotangent. It is gone before tensors become memory, and costs nothing.
    ```mlir
    %again = dl.optimization_barrier %x after %y_adj : tensor<?x8xf32>, tensor<f32>
    ```
  }];
  let arguments = (ins DL_Tensor:$x, DL_Tensor:$after);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `after` $after attr-dict `:` type($x) `,` type($after)";
}

def DL_VmapOp : DL_Op<"vmap", [Pure]> {
  let summary = "A function of each element of a batch";
  let description = [{
    The operands are the size of the batch, then the callee's arguments, tensors with one axis more where `in_axes` names
    it: element i of the results is what the callee gives for the elements i along those axes. An axis of -1 is none:
    every element gets the tensor as it is. `out_axes` says where the results have the axis; -1 is for a result that is one
    for all. Both name axes of the tensors with the axis in, and count tensors without the index arguments.
    Expanded by `expand-derivatives`.

    C1: one of `in_axes` for each tensor argument of the callee, one of `out_axes` for each result.
    C2: axes are in range, and a result with the axis -1 depends on no batched argument.
    C3: operands and results have the types described.
    (All are checked where the op is expanded, since they need the symbol.)
    ```mlir
    %y = dl.vmap @f(%n, %w, %x) in_axes [-1, 0] out_axes [0] : (index, tensor<3xf32>, tensor<?x3xf32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyTypeOf<[Index, DL_Tensor]>>:$inputs,
    DenseI64ArrayAttr:$in_axes, DenseI64ArrayAttr:$out_axes);
  let results = (outs Variadic<DL_Tensor>:$outputs);
  let assemblyFormat = [{$callee `(` $inputs `)` `in_axes` $in_axes `out_axes` $out_axes attr-dict `:`
    functional-type($inputs, $outputs)}];
}

//===-- Effects --------------------------------------------------------------------------------------===//

def DL_PrintOp : DL_Op<"print", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "One line on the standard output: a text and tensors; ops that print keep their order";
  let description = [{
    The text comes first if it is not empty, then each tensor: its type as the language writes it, a space, its
    elements in brackets for each axis. The parts have a space between them. Floats have six significant digits, as
    C's `%g`; bools are `true` and `false`. Of a tensor of more than 1000 elements, an axis longer than six shows the
    first and the last three.
    ```mlir
    dl.print "loss" %l, %g : tensor<f32>, tensor<?x2xi32>   // loss f32 0.25 i32[3, 2] [[1, 2], [3, 4], [5, 6]]
    ```
  }];
  let arguments = (ins Variadic<DL_Tensor>:$values, StrAttr:$text);
  let results = (outs);
  let assemblyFormat = "$text ($values^ `:` type($values))? attr-dict";
}

def DL_CheckOp : DL_Op<"check", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "A condition that makes the call fail where it does not hold; ops that check keep their order";
  let description = [{
    Of the checks that fail in a call of an entry the first one counts: the call returns a status of its own, whose
    message is the code, the entry and the text. The program runs on, so what comes after a check may not rely on it.
    The reference evaluator ends there. Derivatives take no notice of it: it stays where the function's value is made.

    C1: the condition is a bool of rank 0.
    ```mlir
    dl.check %inside, "DL1007", "an index is outside axis 0 of `f32[N]`, which has size N (m.dl:3)"
    ```
  }];
  let arguments = (ins DL_Condition:$holds, StrAttr:$code, StrAttr:$text);
  let results = (outs);
  let assemblyFormat = "$holds `,` $code `,` $text attr-dict";
}

#endif // DL_STRUCTURED
