// dl.acos: inverse cosine in radians.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @acos([0.0, 1.0, -0.5, 2.0]) ~= [1.5707964, 0.0, 2.0943952, nan]
// EVAL: @acos_dynamic(4, [0.0, 1.0, -0.5, 2.0]) ~= [1.5707963267948966, 0.0, 2.0943951023931957, nan]
// EVAL: @acos_dynamic(0, []) == []
// GRADCHECK: @acos_dynamic(5) domain=(-0.9,0.9) tol=1e-6

// CHECK-LABEL: func.func @acos(
// CHECK: dl.acos %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @acos(
// LOWER: linalg.generic
// LOWER: math.acos
func.func @acos(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.acos %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @acos_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.acos %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.acos %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
