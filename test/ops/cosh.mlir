// dl.cosh: hyperbolic cosine.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @cosh([0.0, 0.5, -1.25, 2.0]) ~= [1.0, 1.1276261, 1.8884238, 3.7621956]
// EVAL: @cosh_dynamic(4, [0.0, 0.5, -1.25, 2.0]) ~= [1.0, 1.1276259652063807, 1.8884238771610158, 3.7621956910836314]
// EVAL: @cosh_dynamic(0, []) == []
// GRADCHECK: @cosh_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @cosh(
// CHECK: dl.cosh %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @cosh(
// LOWER: linalg.generic
// LOWER: math.cosh
func.func @cosh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.cosh %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @cosh_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.cosh %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.cosh %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
