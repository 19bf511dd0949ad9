// dl.isnan: whether x is NaN.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @isnan_i32([0, 7, -2147483648]) == [false, false, false]
// EVAL: @isnan([1.0, nan, inf, -inf]) == [false, true, false, false]
// EVAL: @isnan_dynamic(3, [0.0, 1.7976931348623157e+308, 5e-324]) == [false, false, false]
// EVAL: @isnan_dynamic(0, []) == []

// CHECK-LABEL: func.func @isnan(
// CHECK: dl.isnan %{{.*}} : tensor<4xf32> -> tensor<4xi1>
// LOWER-LABEL: func.func @isnan(
// LOWER: arith.cmpf uno
func.func @isnan(%x: tensor<4xf32>) -> tensor<4xi1> {
  %y = dl.isnan %x : tensor<4xf32> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @isnan_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xi1> {
  %y = dl.isnan %x : tensor<?xf64> -> tensor<?xi1>
  return %y : tensor<?xi1>
}

func.func @isnan_i32(%x: tensor<3xi32>) -> tensor<3xi1> {
  %y = dl.isnan %x : tensor<3xi32> -> tensor<3xi1>
  return %y : tensor<3xi1>
}

// -----

func.func @of_bools(%x: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.isnan %x : tensor<4xi1> -> tensor<4xi1>
  return %y : tensor<4xi1>
}
