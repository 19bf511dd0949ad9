// dl.asin: inverse sine in radians.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @asin([0.0, 1.0, -0.5, 2.0]) ~= [0.0, 1.5707964, -0.5235988, nan]
// EVAL: @asin_dynamic(4, [0.0, 1.0, -0.5, 2.0]) ~= [0.0, 1.5707963267948966, -0.5235987755982989, nan]
// EVAL: @asin_dynamic(0, []) == []
// GRADCHECK: @asin_dynamic(5) domain=(-0.9,0.9) tol=1e-6

// CHECK-LABEL: func.func @asin(
// CHECK: dl.asin %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @asin(
// LOWER: linalg.generic
// LOWER: math.asin
func.func @asin(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.asin %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @asin_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.asin %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.asin %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
