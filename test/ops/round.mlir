// dl.round: nearest whole number, halves to even.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @round([0.5, 1.5, -2.5, 2.6]) == [0.0, 2.0, -2.0, 3.0]
// EVAL: @round_dynamic(4, [0.5, 1.5, -2.5, 2.5999999046325684]) == [0.0, 2.0, -2.0, 3.0]
// EVAL: @round_dynamic(0, []) == []

// CHECK-LABEL: func.func @round(
// CHECK: dl.round %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @round(
// LOWER: linalg.generic
// LOWER: math.roundeven
func.func @round(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.round %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @round_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.round %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.round %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
