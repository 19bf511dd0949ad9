// dl.atan: inverse tangent in radians.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @atan([0.0, 1.0, -inf, 10.0]) ~= [0.0, 0.7853982, -1.5707964, 1.4711277]
// EVAL: @atan_dynamic(4, [0.0, 1.0, -inf, 10.0]) ~= [0.0, 0.7853981633974483, -1.5707963267948966, 1.4711276743037347]
// EVAL: @atan_dynamic(0, []) == []
// GRADCHECK: @atan_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @atan(
// CHECK: dl.atan %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @atan(
// LOWER: linalg.generic
// LOWER: math.atan
func.func @atan(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.atan %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @atan_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.atan %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.atan %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
