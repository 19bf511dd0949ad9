// dl.log1p: log(1 + x), accurate near 0.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @log1p([0.0, 1.0, 1e-10, -1.0]) ~= [0.0, 0.6931472, 1e-10, -inf]
// EVAL: @log1p_dynamic(4, [0.0, 1.0, 1.000000013351432e-10, -1.0]) ~= [0.0, 0.6931471805599453, 1.000000013301432e-10, -inf]
// EVAL: @log1p_dynamic(0, []) == []
// GRADCHECK: @log1p_dynamic(5) domain=(-0.5,2) tol=1e-6

// CHECK-LABEL: func.func @log1p(
// CHECK: dl.log1p %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @log1p(
// LOWER: linalg.generic
// LOWER: math.log1p
func.func @log1p(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.log1p %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @log1p_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.log1p %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.log1p %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
