// dl.exp: e to the power x.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @exp([0.0, 1.0, -inf, -3.5]) ~= [1.0, 2.718282, 0.0, 0.030197384]
// EVAL: @exp_dynamic(4, [0.0, 1.0, -inf, -3.5]) ~= [1.0, 2.718281828459045, 0.0, 0.0301973834223185]
// EVAL: @exp_dynamic(0, []) == []
// GRADCHECK: @exp_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @exp(
// CHECK: dl.exp %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @exp(
// LOWER: linalg.generic
// LOWER: math.exp
func.func @exp(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @exp_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.exp %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.exp %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
