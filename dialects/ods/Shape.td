// Shape.td: constants and movement of data.
#ifndef DL_SHAPE
#define DL_SHAPE

include "Dialect.td"

//===-- Constants and positions ----------------------------------------------------------------------===//

def DL_ConstantOp : DL_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "y"]>]> {
  let summary = "A tensor known at compile time";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}
def DL_DimValueOp : DL_Op<"dim_value", [Pure]> {
  let summary = "An index as a tensor<i64>: a dim's name used as a number";
  let arguments = (ins Index:$dim);
  let results = (outs RankedTensorOf<[I64]>:$y);
  let assemblyFormat = "$dim attr-dict `:` type($y)";
}
def DL_IotaOp : DL_Op<"iota", [Pure]> {
  let summary = "Each element is its own position along an axis";
  let description = "C1: the axis is in range. C2: one size for each `?` of the result.";
  let arguments = (ins DL_Sizes:$sizes, I64Attr:$axis);
  let results = (outs DL_NumberTensor:$y);
  let assemblyFormat = "`axis` $axis `sizes` `(` $sizes `)` attr-dict `:` type($y)";
  let hasVerifier = 1;
}
//===-- Shapes and movement of data ------------------------------------------------------------------===//

def DL_BroadcastOp : DL_Op<"broadcast", [Pure]> {
  let summary = "x repeated along new axes";
  let description = [{
    Axis i of x becomes axis `axes[i]` of the result, of the same size; the other axes are new. No size-1 axis is
    stretched: such an axis is reshaped away first.

    C1: axes are ascending and in range, one for each axis of x. C2: sizes agree. C3: one size for each `?` of the result.
    ```mlir
    %y = dl.broadcast %b axes [1] sizes(%n) : tensor<10xf32> -> tensor<?x10xf32>
    ```
  }];
  let arguments = (ins DL_Tensor:$x, DenseI64ArrayAttr:$axes, DL_Sizes:$sizes);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `axes` $axes `sizes` `(` $sizes `)` attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}
def DL_ReshapeOp : DL_Op<"reshape", [Pure]> {
  let summary = "The same elements in row-major order in another shape";
  let description = "C1: static element counts agree. C2: one size for each `?` of the result.";
  let arguments = (ins DL_Tensor:$x, DL_Sizes:$sizes);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `sizes` `(` $sizes `)` attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}
def DL_TransposeOp : DL_Op<"transpose", [Pure]> {
  let summary = "Axis i of the result is axis `permutation[i]` of x";
  let description = "C1: `permutation` is one. C2: the result's shape.";
  let arguments = (ins DL_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x $permutation attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}
def DL_ReverseOp : DL_Op<"reverse", [Pure, SameOperandsAndResultType]> {
  let summary = "x turned over along axes";
  let description = "C1: axes are distinct, ascending and in range.";
  let arguments = (ins DL_Tensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `axes` $axes attr-dict `:` type($x)";
  let hasVerifier = 1;
}
def DL_ConcatenateOp : DL_Op<"concatenate", [Pure]> {
  let summary = "Tensors one after another along an axis";
  let description = "C1: at least one operand, the axis in range. C2: the other dims agree, the axis adds up.";
  let arguments = (ins Variadic<DL_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` functional-type($inputs, $y)";
  let hasVerifier = 1;
}
def DL_SliceOp : DL_Op<"slice", [Pure, AttrSizedOperandSegments]> {
  let summary = "y[i] = x[starts + i * strides]";
  let description = [{
    The caller answers for the slice being inside x (the frontend clamps run-time starts).

    C1: one start for each axis, one stride >= 1 for each axis. C2: one size for each `?` of the result.
    C3: where sizes and starts are known, the slice is inside x.
    ```mlir
    %y = dl.slice %x starts(%c0, %k) strides [1, 2] sizes() : tensor<4x9xf32> -> tensor<4x3xf32>
    ```
  }];
  let arguments = (ins DL_Tensor:$x, DL_Sizes:$starts, DenseI64ArrayAttr:$strides, DL_Sizes:$sizes);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `starts` `(` $starts `)` `strides` $strides `sizes` `(` $sizes `)` attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
}
def DL_UpdateSliceOp : DL_Op<"update_slice", [Pure, AllTypesMatch<["x", "y"]>]> {
  let summary = "x with update in the place that `dl.slice` with the same starts and strides reads";
  let description = "C1: one start and one stride >= 1 for each axis; ranks agree.";
  let arguments = (ins DL_Tensor:$x, DL_Tensor:$update, DL_Sizes:$starts, DenseI64ArrayAttr:$strides);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `,` $update `starts` `(` $starts `)` `strides` $strides attr-dict `:` type($x) `,` type($update)";
  let hasVerifier = 1;
}
def DL_PadOp : DL_Op<"pad", [Pure, AttrSizedOperandSegments]> {
  let summary = "x inside a tensor of `value`: y[low + i * (interior + 1)] = x[i]";
  let description = [{
    C1: one low and one interior >= 0 for each axis; `value` has rank 0. C2: one size for each `?` of the result.
    C3: where all is known, x fits.
  }];
  let arguments = (ins DL_Tensor:$x, DL_Tensor:$value, DL_Sizes:$low, DenseI64ArrayAttr:$interior, DL_Sizes:$sizes);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x `,` $value `low` `(` $low `)` `interior` $interior `sizes` `(` $sizes `)` attr-dict `:` type($x) `,` type($value) `->` type($y)";
  let hasVerifier = 1;
}

#endif // DL_SHAPE
