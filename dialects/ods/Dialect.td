// Dialect.td: the `dl` dialect, its type constraints and the classes that op records derive from.
#ifndef DL_DIALECT
#define DL_DIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/IR/SymbolInterfaces.td"

def DL_Dialect : Dialect {
  let name = "dl";
  let cppNamespace = "::dl";
  let summary = "Value-semantic tensor operations of the DL language";
  let description = [{
    Operations on ranked tensors; all but `dl.print` and `dl.check` have no side effects. Scalars are tensors of rank 0.
    A dynamic dim is `?`; an op whose result has dims that its operands do not give
    takes them as `sizes(...)`, one `index` value for each `?` of the result type.
    Broadcasting is explicit (`dl.broadcast`). Derivatives are made on this dialect.
  }];
}

// Element types. `bool` is i1, unsigned integers are uiN; a random key is tensor<2xui32>.
def DL_Float : AnyTypeOf<[F16, BF16, F32, F64], "float">;
def DL_SInt : AnyTypeOf<[I8, I32, I64], "signed integer">;
def DL_UInt : AnyTypeOf<[UI<8>, UI<32>, UI<64>], "unsigned integer">;
def DL_Bool : AnyTypeOf<[I1], "bool">;
def DL_Int : AnyTypeOf<[I8, I32, I64, UI<8>, UI<32>, UI<64>], "integer">;
def DL_Number : AnyTypeOf<[F16, BF16, F32, F64, I8, I32, I64, UI<8>, UI<32>, UI<64>], "number">;
def DL_IntOrBool : AnyTypeOf<[I1, I8, I32, I64, UI<8>, UI<32>, UI<64>], "integer or bool">;
def DL_Any : AnyTypeOf<[I1, F16, BF16, F32, F64, I8, I32, I64, UI<8>, UI<32>, UI<64>], "element">;

class DL_TensorOf<Type element> : RankedTensorOf<[element]>;
def DL_Tensor : DL_TensorOf<DL_Any>;
def DL_FloatTensor : DL_TensorOf<DL_Float>;
def DL_IntTensor : DL_TensorOf<DL_Int>;
def DL_NumberTensor : DL_TensorOf<DL_Number>;
def DL_BoolTensor : DL_TensorOf<DL_Bool>;
def DL_IntOrBoolTensor : DL_TensorOf<DL_IntOrBool>;
def DL_Condition : TypeConstraint<CPred<"::mlir::isa<::mlir::RankedTensorType>($_self) && "
    "::mlir::cast<::mlir::RankedTensorType>($_self).getRank() == 0 && "
    "::mlir::cast<::mlir::RankedTensorType>($_self).getElementType().isInteger(1)">, "bool of rank 0 (C1)">,
  BuildableType<"::mlir::RankedTensorType::get({}, $_builder.getI1Type())">;
def DL_Key : RankedTensorOf<[UI<32>]>;
def DL_Sizes : Variadic<Index>;

// What the f32 and f64 operands of a product are rounded to before they are multiplied; tf32 is for f32, and where a
// target has it.
def DL_Precision : OptionalAttr<StringBasedAttr<
  CPred<"::llvm::is_contained({\"bf16\", \"f16\", \"tf32\"}, ::llvm::cast<::mlir::StringAttr>($_self).getValue())">,
  "bf16, f16 or tf32">>;
def DL_PrecisionFits : PredOpTrait<"the precision is that of f32 or f64 operands, tf32 of f32 ones",
  CPred<"!getPrecision() || getY().getType().getElementType().isF32() || "
    "(getY().getType().getElementType().isF64() && *getPrecision() != \"tf32\")">>;

class DL_Op<string mnemonic, list<Trait> traits = []> : Op<DL_Dialect, mnemonic, traits>;

// A marker on an op without a derivative by its nature (integer results, piecewise constants):
// a gradient that arrives there is dropped. An op with neither a derivative, nor this mark, nor a
// hand-written rule in `autodiff` is refused with a message.
class DL_Inactive { bit inactive = 1; }

#endif // DL_DIALECT
