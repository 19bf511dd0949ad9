// dl.atan2: angle of the point (b, a) in radians.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @atan2([0.0, 1.0, -1.0, 3.0], [-1.0, 0.0, -1.0, 4.0]) ~= [3.1415927, 1.5707964, -2.3561945, 0.64350116]
// EVAL: @atan2_dynamic(4, [0.0, 1.0, -1.0, 3.0], [-1.0, 0.0, -1.0, 4.0]) ~= [3.141592653589793, 1.5707963267948966, -2.356194490192345, 0.6435011087932844]
// EVAL: @atan2_dynamic(0, [], []) == []
// GRADCHECK: @atan2_dynamic(5) domain=(0.5,2) tol=1e-6

// CHECK-LABEL: func.func @atan2(
// CHECK: dl.atan2 %{{.*}}, %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @atan2(
// LOWER: linalg.generic
// LOWER: math.atan2
func.func @atan2(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.atan2 %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @atan2_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.atan2 %a, %b : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%a: tensor<4xi32>, %b: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.atan2 %a, %b : tensor<4xi32>
  return %y : tensor<4xi32>
}

// -----

func.func @of_two_shapes(%a: tensor<4xf32>, %b: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{must have the same shape}}
  %y = "dl.atan2"(%a, %b) : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
