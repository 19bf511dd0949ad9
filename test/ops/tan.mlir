// dl.tan: tangent of an angle in radians.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @tan([0.0, 1.0, -2.0, 10.0]) ~= [0.0, 1.5574077, 2.18504, 0.6483608]
// EVAL: @tan_dynamic(4, [0.0, 1.0, -2.0, 10.0]) ~= [0.0, 1.5574077246549023, 2.185039863261519, 0.6483608274590866]
// EVAL: @tan_dynamic(0, []) == []
// GRADCHECK: @tan_dynamic(5) domain=(-1,1) tol=1e-6

// CHECK-LABEL: func.func @tan(
// CHECK: dl.tan %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @tan(
// LOWER: linalg.generic
// LOWER: math.tan
func.func @tan(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.tan %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @tan_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.tan %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.tan %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
