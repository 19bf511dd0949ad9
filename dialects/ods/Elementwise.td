// Elementwise.td: one record an op. The record carries the scalar body for each class of element type
// and the derivative; `dialects/build.rs` turns both into the static tables that the lowering, the
// reference evaluator and the derivative engine interpret. An elementwise op is nowhere else.
#ifndef DL_ELEMENTWISE
#define DL_ELEMENTWISE

include "Dialect.td"

//===-- The vocabulary of bodies and derivatives ---------------------------------------------------===//

// Operator of a body DAG: the scalar MLIR op of that name, the predicate of a comparison last.
class Scalar<string name> { string scalar = name; }
foreach f = ["addf", "subf", "mulf", "divf", "negf", "remf", "maximumf", "minimumf",
             "addi", "subi", "muli", "divui", "remui", "divsi", "remsi",
             "maxsi", "minsi", "maxui", "minui",
             "andi", "ori", "xori", "shli", "shrsi", "shrui", "select"] in
  def s_#f : Scalar<"arith."#f>;
foreach p = ["oeq", "une", "olt", "ole", "ogt", "oge", "uno", "ord"] in
  def s_cmpf_#p : Scalar<"arith.cmpf."#p>;
foreach p = ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"] in
  def s_cmpi_#p : Scalar<"arith.cmpi."#p>;
foreach f = ["absf", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan",
             "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "erf", "powf",
             "floor", "ceil", "roundeven", "copysign", "fma", "ipowi"] in
  def s_#f : Scalar<"math."#f>;

// Operator of a derivative DAG: the `dl` op of that mnemonic.
class Tensor<string name> { string tensor = name; }
foreach f = ["add", "sub", "mul", "div", "neg", "abs", "sign", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "sin", "cos",
             "tan", "sinh", "cosh", "tanh", "erf", "sigmoid", "pow", "round", "greater", "less", "equal", "select", "convert"] in
  def d_#f : Tensor<f>;

// `(lit "0.5")`: a constant of the type at hand (in a derivative: of the type and shape of `$g`).
// `$g` is the gradient of the result, `$y` the result, any other name an operand.
// `(none)`: no gradient flows to this operand.
def lit;
def none;

//===-- Classes -----------------------------------------------------------------------------------===//

class DL_Elementwise<string mnemonic, list<Trait> traits = []>
    : DL_Op<mnemonic, [Pure, Elementwise, SameOperandsAndResultShape] # traits> {
  dag bodyFloat = ?;
  dag bodySigned = ?;
  dag bodyUnsigned = ?;
  dag bodyBool = ?;
  // One DAG for each operand; empty without a derivative.
  list<dag> derivative = [];
  // No gradient passes through this op, by definition of the function.
  bit inactive = 0;
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

class DL_Unary<string mnemonic, Type type> : DL_Elementwise<mnemonic, [SameOperandsAndResultType]> {
  let arguments = (ins type:$x);
  let results = (outs type:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}
class DL_UnaryFloat<string mnemonic, string text, dag body, list<dag> derivatives = []> : DL_Unary<mnemonic, DL_FloatTensor> {
  let summary = text;
  let bodyFloat = body;
  let derivative = derivatives;
}
class DL_Binary<string mnemonic, Type type> : DL_Elementwise<mnemonic, [SameOperandsAndResultType]> {
  let arguments = (ins type:$a, type:$b);
  let results = (outs type:$y);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a)";
}
class DL_Compare<string mnemonic, string text, string float, string signed, string unsigned>
    : DL_Elementwise<mnemonic, [SameTypeOperands]> {
  let summary = text;
  let arguments = (ins DL_Tensor:$a, DL_Tensor:$b);
  let results = (outs DL_BoolTensor:$y);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `->` type($y)";
  let bodyFloat = (!cast<Scalar>("s_cmpf_"#float) $a, $b);
  let bodySigned = (!cast<Scalar>("s_cmpi_"#signed) $a, $b);
  let bodyUnsigned = (!cast<Scalar>("s_cmpi_"#unsigned) $a, $b);
  let bodyBool = (!cast<Scalar>("s_cmpi_"#unsigned) $a, $b);
  let inactive = 1;
}
// Integers are finite numbers.
class DL_Predicate<string mnemonic, string text, dag body, dag ofIntegers> : DL_Elementwise<mnemonic> {
  let summary = text;
  let arguments = (ins DL_NumberTensor:$x);
  let results = (outs DL_BoolTensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let bodyFloat = body;
  let bodySigned = ofIntegers;
  let bodyUnsigned = ofIntegers;
  let inactive = 1;
}

//===-- Arithmetic --------------------------------------------------------------------------------===//

def DL_AddOp : DL_Binary<"add", DL_NumberTensor> {
  let summary = "a + b; integers wrap";
  let bodyFloat = (s_addf $a, $b);
  let bodySigned = (s_addi $a, $b);
  let bodyUnsigned = (s_addi $a, $b);
  let derivative = [(lit $g), (lit $g)];
}
def DL_SubOp : DL_Binary<"sub", DL_NumberTensor> {
  let summary = "a - b; integers wrap";
  let bodyFloat = (s_subf $a, $b);
  let bodySigned = (s_subi $a, $b);
  let bodyUnsigned = (s_subi $a, $b);
  let derivative = [(lit $g), (d_neg $g)];
}
def DL_MulOp : DL_Binary<"mul", DL_NumberTensor> {
  let summary = "a * b; integers wrap";
  let bodyFloat = (s_mulf $a, $b);
  let bodySigned = (s_muli $a, $b);
  let bodyUnsigned = (s_muli $a, $b);
  let derivative = [(d_mul $g, $b), (d_mul $g, $a)];
}
// The machine traps on x / 0 and MIN / -1: the divisor that reaches it is neither.
defvar isZeroOrMinusOne = (s_cmpi_eq (s_ori (s_addi $b, (lit "1")), (lit "1")), (lit "1"));
defvar safeDivisor = (s_select isZeroOrMinusOne, (lit "2"), $b);

def DL_DivOp : DL_Binary<"div", DL_NumberTensor> {
  let summary = "a / b; on integers floor division, with x / 0 = 0 as NumPy has it and MIN / -1 = MIN";
  let bodyFloat = (s_divf $a, $b);
  let bodySigned =
    (s_select (s_cmpi_eq $b, (lit "0")), (lit "0"),
      (s_select (s_cmpi_eq $b, (lit "-1")), (s_subi (lit "0"), $a),
        (s_subi (s_divsi $a, safeDivisor),
          (s_select (s_andi (s_cmpi_ne (s_remsi $a, safeDivisor), (lit "0")), (s_cmpi_slt (s_xori $a, $b), (lit "0"))),
            (lit "1"), (lit "0")))));
  let bodyUnsigned =
    (s_select (s_cmpi_eq $b, (lit "0")), (lit "0"), (s_divui $a, (s_select (s_cmpi_eq $b, (lit "0")), (lit "1"), $b)));
  let derivative = [(d_div $g, $b), (d_neg (d_div (d_mul $g, $y), $b))];
}
def DL_RemOp : DL_Binary<"rem", DL_NumberTensor> {
  let summary = "a % b with the sign of b, as NumPy has it; x % 0 is 0 on integers and NaN on floats";
  let bodyFloat =
    (s_select
      (s_andi (s_cmpf_une (s_remf $a, $b), (lit "0")),
              (s_cmpf_olt (s_mulf (s_copysign (lit "1"), (s_remf $a, $b)), (s_copysign (lit "1"), $b)), (lit "0"))),
      (s_addf (s_remf $a, $b), $b),
      (s_select (s_cmpf_oeq (s_remf $a, $b), (lit "0")), (s_copysign (lit "0"), $b), (s_remf $a, $b)));
  let bodySigned =
    (s_select isZeroOrMinusOne, (lit "0"),
      (s_addi (s_remsi $a, safeDivisor),
        (s_select (s_andi (s_cmpi_ne (s_remsi $a, safeDivisor), (lit "0")), (s_cmpi_slt (s_xori $a, $b), (lit "0"))),
          $b, (lit "0"))));
  let bodyUnsigned =
    (s_select (s_cmpi_eq $b, (lit "0")), (lit "0"), (s_remui $a, (s_select (s_cmpi_eq $b, (lit "0")), (lit "1"), $b)));
  // The quotient that the remainder was made with; that of a and b may have been rounded up to the next whole number.
  let derivative = [(lit $g), (d_neg (d_mul $g, (d_round (d_div (d_sub $a, $y), $b))))];
}
def DL_NegOp : DL_Unary<"neg", DL_NumberTensor> {
  let summary = "-x; integers wrap";
  let bodyFloat = (s_negf $x);
  let bodySigned = (s_subi (lit "0"), $x);
  let bodyUnsigned = (s_subi (lit "0"), $x);
  let derivative = [(d_neg $g)];
}
def DL_AbsOp : DL_Unary<"abs", DL_NumberTensor> {
  let summary = "Absolute value; its derivative at 0 is 0";
  let bodyFloat = (s_absf $x);
  let bodySigned = (s_maxsi $x, (s_subi (lit "0"), $x));
  let bodyUnsigned = (lit $x);
  let derivative = [(d_mul $g, (d_sign $x))];
}
def DL_SignOp : DL_Unary<"sign", DL_NumberTensor> {
  let summary = "-1, 0 or 1; keeps NaN and the sign of zero";
  let bodyFloat = (s_select (s_cmpf_olt $x, (lit "0")), (lit "-1"), (s_select (s_cmpf_ogt $x, (lit "0")), (lit "1"), $x));
  let bodySigned = (s_select (s_cmpi_slt $x, (lit "0")), (lit "-1"), (s_select (s_cmpi_sgt $x, (lit "0")), (lit "1"), (lit "0")));
  let bodyUnsigned = (s_minui $x, (lit "1"));
  let inactive = 1;
}
def DL_MaximumOp : DL_Binary<"maximum", DL_NumberTensor> {
  let summary = "The larger of a and b, NaN if either is; a tie halves the gradient";
  let bodyFloat = (s_maximumf $a, $b);
  let bodySigned = (s_maxsi $a, $b);
  let bodyUnsigned = (s_maxui $a, $b);
  let derivative = [
    (d_select (d_greater $a, $b), $g, (d_select (d_equal $a, $b), (d_mul $g, (lit "0.5")), (lit "0"))),
    (d_select (d_greater $b, $a), $g, (d_select (d_equal $a, $b), (d_mul $g, (lit "0.5")), (lit "0")))];
}
def DL_MinimumOp : DL_Binary<"minimum", DL_NumberTensor> {
  let summary = "The smaller of a and b, NaN if either is; a tie halves the gradient";
  let bodyFloat = (s_minimumf $a, $b);
  let bodySigned = (s_minsi $a, $b);
  let bodyUnsigned = (s_minui $a, $b);
  let derivative = [
    (d_select (d_less $a, $b), $g, (d_select (d_equal $a, $b), (d_mul $g, (lit "0.5")), (lit "0"))),
    (d_select (d_less $b, $a), $g, (d_select (d_equal $a, $b), (d_mul $g, (lit "0.5")), (lit "0")))];
}
def DL_PowOp : DL_Binary<"pow", DL_NumberTensor> {
  let summary = "a to the power b, with C's special cases; 0 ** 0 is 1; integers wrap, their negative powers are rounded to 0";
  let bodyFloat = (s_powf $a, $b);
  let bodySigned = (s_ipowi $a, $b);
  // `ipowi` has signed powers: half of one is none too large.
  let bodyUnsigned =
    (s_muli (s_muli (s_ipowi $a, (s_shrui $b, (lit "1"))), (s_ipowi $a, (s_shrui $b, (lit "1")))),
      (s_select (s_cmpi_eq (s_andi $b, (lit "1")), (lit "1")), $a, (lit "1")));
  // 0 ** 0 is taken for the constant a ** 0, and the logarithm of 0 is not taken.
  let derivative = [
    (d_mul (d_mul $g, (d_select (d_equal $b, (lit "0")), (d_select (d_equal $a, (lit "0")), (lit "0"), (lit "1")), (lit "1"))),
      (d_mul $b, (d_pow (d_select (d_equal $a, (lit "0")), (d_select (d_equal $b, (lit "0")), (lit "1"), $a), $a), (d_sub $b, (lit "1"))))),
    (d_mul $g, (d_mul $y, (d_log (d_select (d_equal $a, (lit "0")), (lit "1"), $a))))];
}
def DL_SquareOp : DL_Unary<"square", DL_NumberTensor> {
  let summary = "x * x";
  let bodyFloat = (s_mulf $x, $x);
  let bodySigned = (s_muli $x, $x);
  let bodyUnsigned = (s_muli $x, $x);
  let derivative = [(d_mul $g, (d_mul (lit "2"), $x))];
}

//===-- Floating-point functions ------------------------------------------------------------------===//

def DL_SqrtOp : DL_UnaryFloat<"sqrt", "Square root", (s_sqrt $x), [(d_div (d_mul $g, (lit "0.5")), $y)]>;
def DL_RsqrtOp : DL_UnaryFloat<"rsqrt", "1 / sqrt(x)", (s_divf (lit "1"), (s_sqrt $x)),
  [(d_mul (d_mul $g, (lit "-0.5")), (d_div $y, $x))]>;
def DL_ExpOp : DL_UnaryFloat<"exp", "e to the power x", (s_exp $x), [(d_mul $g, $y)]>;
def DL_Expm1Op : DL_UnaryFloat<"expm1", "exp(x) - 1, accurate near 0", (s_expm1 $x), [(d_mul $g, (d_add $y, (lit "1")))]>;
def DL_LogOp : DL_UnaryFloat<"log", "Natural logarithm", (s_log $x), [(d_div $g, $x)]>;
def DL_Log1pOp : DL_UnaryFloat<"log1p", "log(1 + x), accurate near 0", (s_log1p $x), [(d_div $g, (d_add $x, (lit "1")))]>;
def DL_SinOp : DL_UnaryFloat<"sin", "Sine of an angle in radians", (s_sin $x), [(d_mul $g, (d_cos $x))]>;
def DL_CosOp : DL_UnaryFloat<"cos", "Cosine of an angle in radians", (s_cos $x), [(d_neg (d_mul $g, (d_sin $x)))]>;
def DL_TanOp : DL_UnaryFloat<"tan", "Tangent of an angle in radians", (s_tan $x),
  [(d_mul $g, (d_add (lit "1"), (d_mul $y, $y)))]>;
def DL_AsinOp : DL_UnaryFloat<"asin", "Inverse sine in radians", (s_asin $x),
  [(d_mul $g, (d_rsqrt (d_mul (d_sub (lit "1"), $x), (d_add (lit "1"), $x))))]>;
def DL_AcosOp : DL_UnaryFloat<"acos", "Inverse cosine in radians", (s_acos $x),
  [(d_neg (d_mul $g, (d_rsqrt (d_mul (d_sub (lit "1"), $x), (d_add (lit "1"), $x)))))]>;
def DL_AtanOp : DL_UnaryFloat<"atan", "Inverse tangent in radians", (s_atan $x),
  [(d_div $g, (d_add (lit "1"), (d_mul $x, $x)))]>;
def DL_SinhOp : DL_UnaryFloat<"sinh", "Hyperbolic sine", (s_sinh $x), [(d_mul $g, (d_cosh $x))]>;
def DL_CoshOp : DL_UnaryFloat<"cosh", "Hyperbolic cosine", (s_cosh $x), [(d_mul $g, (d_sinh $x))]>;
def DL_TanhOp : DL_UnaryFloat<"tanh", "Hyperbolic tangent", (s_tanh $x),
  [(d_mul $g, (d_sub (lit "1"), (d_mul $y, $y)))]>;
def DL_ErfOp : DL_UnaryFloat<"erf", "Error function", (s_erf $x),
  [(d_mul (d_mul $g, (lit "1.1283791670955126")), (d_exp (d_neg (d_mul $x, $x))))]>;
def DL_SigmoidOp : DL_UnaryFloat<"sigmoid", "1 / (1 + exp(-x))",
  // Of -|x|, so that nothing overflows on the way to a small result.
  (s_divf (s_select (s_cmpf_olt $x, (lit "0")), (s_exp (s_negf (s_absf $x))), (lit "1")),
    (s_addf (lit "1"), (s_exp (s_negf (s_absf $x))))),
  [(d_mul $g, (d_mul $y, (d_sub (lit "1"), $y)))]>;
def DL_SoftplusOp : DL_UnaryFloat<"softplus", "log(1 + exp(x)) without overflow",
  (s_addf (s_maximumf $x, (lit "0")), (s_log1p (s_exp (s_negf (s_absf $x))))),
  [(d_mul $g, (d_sigmoid $x))]>;
def DL_FloorOp : DL_UnaryFloat<"floor", "Largest whole number not above x", (s_floor $x)> { let inactive = 1; }
def DL_CeilOp : DL_UnaryFloat<"ceil", "Smallest whole number not below x", (s_ceil $x)> { let inactive = 1; }
def DL_RoundOp : DL_UnaryFloat<"round", "Nearest whole number, halves to even", (s_roundeven $x)> { let inactive = 1; }
def DL_Atan2Op : DL_Binary<"atan2", DL_FloatTensor> {
  let summary = "Angle of the point (b, a) in radians, in [-pi, pi]";
  let bodyFloat = (s_atan2 $a, $b);
  let derivative = [
    (d_div (d_mul $g, $b), (d_add (d_mul $a, $a), (d_mul $b, $b))),
    (d_neg (d_div (d_mul $g, $a), (d_add (d_mul $a, $a), (d_mul $b, $b))))];
}

// f16 and bf16 would be computed in f32 and be rounded twice.
def DL_FmaOp : DL_Elementwise<"fma", [SameOperandsAndResultType]> {
  let summary = "a * b + c, rounded once";
  let arguments = (ins RankedTensorOf<[F32, F64]>:$a, RankedTensorOf<[F32, F64]>:$b, RankedTensorOf<[F32, F64]>:$c);
  let results = (outs RankedTensorOf<[F32, F64]>:$y);
  let assemblyFormat = "$a `,` $b `,` $c attr-dict `:` type($y)";
  let bodyFloat = (s_fma $a, $b, $c);
  let derivative = [(d_mul $g, $b), (d_mul $g, $a), (lit $g)];
}

//===-- Bits and logic ----------------------------------------------------------------------------===//

class DL_Bitwise<string mnemonic, string text, dag body> : DL_Binary<mnemonic, DL_IntOrBoolTensor> {
  let summary = text;
  let bodySigned = body;
  let bodyUnsigned = body;
  let bodyBool = body;
  let inactive = 1;
}
def DL_BitwiseAndOp : DL_Bitwise<"bitwise_and", "Bits set in both; on bool: logical and", (s_andi $a, $b)>;
def DL_BitwiseOrOp : DL_Bitwise<"bitwise_or", "Bits set in either; on bool: logical or", (s_ori $a, $b)>;
def DL_BitwiseXorOp : DL_Bitwise<"bitwise_xor", "Bits set in one of both; on bool: exclusive or", (s_xori $a, $b)>;
def DL_BitwiseNotOp : DL_Unary<"bitwise_not", DL_IntOrBoolTensor> {
  let summary = "All bits turned over; on bool: logical not";
  let bodySigned = (s_xori $x, (lit "-1"));
  let bodyUnsigned = (s_xori $x, (lit "-1"));
  let bodyBool = (s_xori $x, (lit "1"));
  let inactive = 1;
}
// A shift by the width of the type or more gives 0 (or the sign), as a shift bit by bit would.
def DL_ShiftLeftOp : DL_Binary<"shift_left", DL_IntTensor> {
  let summary = "a * 2 ** b; a shift by the type's width or more gives 0, b < 0 too";
  let bodySigned = (s_select (s_cmpi_ult $b, (lit "width")), (s_shli $a, (s_andi $b, (lit "width-1"))), (lit "0"));
  let bodyUnsigned = (s_select (s_cmpi_ult $b, (lit "width")), (s_shli $a, (s_andi $b, (lit "width-1"))), (lit "0"));
  let inactive = 1;
}
def DL_ShiftRightOp : DL_Binary<"shift_right", DL_IntTensor> {
  let summary = "floor(a / 2 ** b): keeps the sign of a signed a; b < 0 or b >= width gives 0 or -1 by sign";
  let bodySigned = (s_shrsi $a, (s_select (s_cmpi_ult $b, (lit "width")), $b, (lit "width-1")));
  let bodyUnsigned = (s_select (s_cmpi_ult $b, (lit "width")), (s_shrui $a, (s_andi $b, (lit "width-1"))), (lit "0"));
  let inactive = 1;
}

//===-- Comparison, selection, conversion ---------------------------------------------------------===//

def DL_EqualOp : DL_Compare<"equal", "a == b; false if either is NaN", "oeq", "eq", "eq">;
def DL_NotEqualOp : DL_Compare<"not_equal", "a != b; true if either is NaN", "une", "ne", "ne">;
def DL_LessOp : DL_Compare<"less", "a < b", "olt", "slt", "ult">;
def DL_LessEqualOp : DL_Compare<"less_equal", "a <= b", "ole", "sle", "ule">;
def DL_GreaterOp : DL_Compare<"greater", "a > b", "ogt", "sgt", "ugt">;
def DL_GreaterEqualOp : DL_Compare<"greater_equal", "a >= b", "oge", "sge", "uge">;
def DL_IsnanOp : DL_Predicate<"isnan", "Whether x is NaN", (s_cmpf_uno $x, $x), (s_cmpi_ne $x, $x)>;
def DL_IsfiniteOp : DL_Predicate<"isfinite", "Whether x is neither NaN nor infinite", (s_cmpf_olt (s_absf $x), (lit "inf")), (s_cmpi_eq $x, $x)>;
def DL_IsinfOp : DL_Predicate<"isinf", "Whether x is infinite", (s_cmpf_oeq (s_absf $x), (lit "inf")), (s_cmpi_ne $x, $x)>;

def DL_SelectOp : DL_Elementwise<"select", [AllTypesMatch<["a", "b", "y"]>]> {
  let summary = "a where cond is true, else b; the surface language's `where`";
  let arguments = (ins DL_BoolTensor:$cond, DL_Tensor:$a, DL_Tensor:$b);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$cond `,` $a `,` $b attr-dict `:` type($cond) `,` type($a)";
  let bodyFloat = (s_select $cond, $a, $b);
  let bodySigned = (s_select $cond, $a, $b);
  let bodyUnsigned = (s_select $cond, $a, $b);
  let bodyBool = (s_select $cond, $a, $b);
  let derivative = [(none), (d_select $cond, $g, (lit "0")), (d_select $cond, (lit "0"), $g)];
}
def DL_ConvertOp : DL_Elementwise<"convert"> {
  let summary = "Conversion of the element type";
  let description = [{
    Float to integer truncates toward zero and saturates, NaN gives 0; integer to integer wraps;
    to bool is `x != 0`; float to float rounds to nearest even.
    The body depends on two types and is written by hand in the lowering and the reference.
  }];
  let arguments = (ins DL_Tensor:$x);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  // Back to the operand's type; applies where both are floats, else no gradient flows.
  let derivative = [(d_convert $g)];
}
def DL_BitcastOp : DL_Elementwise<"bitcast"> {
  let summary = "The same bits read as another element type of the same width";
  let arguments = (ins DL_Tensor:$x);
  let results = (outs DL_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let inactive = 1;
}
def DL_StopGradientOp : DL_Unary<"stop_gradient", DL_Tensor> {
  let summary = "x, held constant by every derivative";
  let bodyFloat = (lit $x);
  let bodySigned = (lit $x);
  let bodyUnsigned = (lit $x);
  let bodyBool = (lit $x);
  let inactive = 1;
}

#endif // DL_ELEMENTWISE
