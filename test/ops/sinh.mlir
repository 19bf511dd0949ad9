// dl.sinh: hyperbolic sine.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @sinh([0.0, 0.5, -1.25, 2.0]) ~= [0.0, 0.5210953, -1.601919, 3.6268604]
// EVAL: @sinh_dynamic(4, [0.0, 0.5, -1.25, 2.0]) ~= [0.0, 0.5210953054937474, -1.6019190803008256, 3.6268604078470186]
// EVAL: @sinh_dynamic(0, []) == []
// GRADCHECK: @sinh_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @sinh(
// CHECK: dl.sinh %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @sinh(
// LOWER: linalg.generic
// LOWER: math.sinh
func.func @sinh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.sinh %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @sinh_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.sinh %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.sinh %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
