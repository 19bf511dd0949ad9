// dl.sigmoid: 1 / (1 + exp(-x)).
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @sigmoid([0.0, 1.0, -inf, -3.5]) ~= [0.5, 0.7310586, 0.0, 0.02931223]
// EVAL: @sigmoid_dynamic(4, [0.0, 1.0, -inf, -3.5]) ~= [0.5, 0.7310585786300049, 0.0, 0.02931223075135632]
// EVAL: @sigmoid_dynamic(0, []) == []
// GRADCHECK: @sigmoid_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @sigmoid(
// CHECK: dl.sigmoid %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @sigmoid(
// LOWER: linalg.generic
// LOWER: math.exp
func.func @sigmoid(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.sigmoid %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @sigmoid_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.sigmoid %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.sigmoid %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
