// dl.softplus: log(1 + exp(x)) without overflow.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @softplus([0.0, 1.0, 1000.0, -3.5]) ~= [0.6931472, 1.3132617, 1000.0, 0.029750418]
// EVAL: @softplus_dynamic(4, [0.0, 1.0, 1000.0, -3.5]) ~= [0.6931471805599453, 1.3132616875182228, 1000.0, 0.029750418272620566]
// EVAL: @softplus_dynamic(0, []) == []
// GRADCHECK: @softplus_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @softplus(
// CHECK: dl.softplus %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @softplus(
// LOWER: linalg.generic
// LOWER: math.log1p
func.func @softplus(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.softplus %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @softplus_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.softplus %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.softplus %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
