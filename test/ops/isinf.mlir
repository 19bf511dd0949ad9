// dl.isinf: whether x is infinite.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @isinf_i32([0, 7, -2147483648]) == [false, false, false]
// EVAL: @isinf([1.0, nan, inf, -inf]) == [false, false, true, true]
// EVAL: @isinf_dynamic(3, [0.0, 1.7976931348623157e+308, 5e-324]) == [false, false, false]
// EVAL: @isinf_dynamic(0, []) == []

// CHECK-LABEL: func.func @isinf(
// CHECK: dl.isinf %{{.*}} : tensor<4xf32> -> tensor<4xi1>
// LOWER-LABEL: func.func @isinf(
// LOWER: arith.cmpf oeq
func.func @isinf(%x: tensor<4xf32>) -> tensor<4xi1> {
  %y = dl.isinf %x : tensor<4xf32> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @isinf_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xi1> {
  %y = dl.isinf %x : tensor<?xf64> -> tensor<?xi1>
  return %y : tensor<?xi1>
}

func.func @isinf_i32(%x: tensor<3xi32>) -> tensor<3xi1> {
  %y = dl.isinf %x : tensor<3xi32> -> tensor<3xi1>
  return %y : tensor<3xi1>
}

// -----

func.func @of_bools(%x: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.isinf %x : tensor<4xi1> -> tensor<4xi1>
  return %y : tensor<4xi1>
}
