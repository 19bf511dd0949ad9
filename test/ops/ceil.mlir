// dl.ceil: smallest whole number not below x.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @ceil([0.5, -0.5, -2.0, 1e+09]) == [1.0, -0.0, -2.0, 1e+09]
// EVAL: @ceil_dynamic(4, [0.5, -0.5, -2.0, 1000000000.0]) == [1.0, -0.0, -2.0, 1000000000.0]
// EVAL: @ceil_dynamic(0, []) == []

// CHECK-LABEL: func.func @ceil(
// CHECK: dl.ceil %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @ceil(
// LOWER: linalg.generic
// LOWER: math.ceil
func.func @ceil(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.ceil %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @ceil_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.ceil %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.ceil %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
