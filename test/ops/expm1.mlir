// dl.expm1: exp(x) - 1, accurate near 0.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @expm1([0.0, 1.0, 1e-10, -3.5]) ~= [0.0, 1.7182819, 1e-10, -0.9698026]
// EVAL: @expm1_dynamic(4, [0.0, 1.0, 1.000000013351432e-10, -3.5]) ~= [0.0, 1.7182818284590453, 1.0000000134014319e-10, -0.9698026165776815]
// EVAL: @expm1_dynamic(0, []) == []
// GRADCHECK: @expm1_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @expm1(
// CHECK: dl.expm1 %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @expm1(
// LOWER: linalg.generic
// LOWER: math.expm1
func.func @expm1(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.expm1 %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @expm1_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.expm1 %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.expm1 %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
