// dl.cos: cosine of an angle in radians.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @cos([0.0, 1.0, -2.0, 100.0]) ~= [1.0, 0.5403023, -0.4161468, 0.8623189]
// EVAL: @cos_dynamic(4, [0.0, 1.0, -2.0, 100.0]) ~= [1.0, 0.5403023058681398, -0.4161468365471424, 0.8623188722876839]
// EVAL: @cos_dynamic(0, []) == []
// GRADCHECK: @cos_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @cos(
// CHECK: dl.cos %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @cos(
// LOWER: linalg.generic
// LOWER: math.cos
func.func @cos(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.cos %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @cos_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.cos %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.cos %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
