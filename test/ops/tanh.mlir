// dl.tanh: hyperbolic tangent.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @tanh([0.0, 1.0, -inf, 0.001]) ~= [0.0, 0.7615942, -1.0, 0.0009999997]
// EVAL: @tanh_dynamic(4, [0.0, 1.0, -inf, 0.0010000000474974513]) ~= [0.0, 0.7615941559557649, -1.0, 0.0009999997141642038]
// EVAL: @tanh_dynamic(0, []) == []
// GRADCHECK: @tanh_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @tanh(
// CHECK: dl.tanh %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @tanh(
// LOWER: linalg.generic
// LOWER: math.tanh
func.func @tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.tanh %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @tanh_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.tanh %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.tanh %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
