// dl.rem: a % b with the sign of b.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rem([5.5, -5.5, 5.5, -5.5], [2.0, 2.0, -2.0, -2.0]) == [1.5, 0.5, -0.5, -1.5]
// EVAL: @rem_dynamic(4, [5.5, -5.5, 5.5, -5.5], [2.0, 2.0, -2.0, -2.0]) == [1.5, 0.5, -0.5, -1.5]
// EVAL: @rem_dynamic(0, [], []) == []
// EVAL: @rem_i8([100, -128, 7, -7], [100, -1, 2, 2]) == [0, 0, 1, 1]
// EVAL: @rem_ui8([200, 3, 255, 0], [100, 5, 2, 1]) == [0, 3, 1, 0]
// EVAL: @rem_i8([7, -7, 5, -128], [-2, 2, 0, -1]) == [-1, 1, 0, 0]
// GRADCHECK: @rem_dynamic(5) domain=(0.6,0.9) tol=1e-6

// CHECK-LABEL: func.func @rem(
// CHECK: dl.rem %{{.*}}, %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @rem(
// LOWER: linalg.generic
// LOWER: arith.remf
func.func @rem(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.rem %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @rem_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.rem %a, %b : tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @rem_i8(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.rem %a, %b : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @rem_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.rem %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

// -----

func.func @of_bools(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.rem %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @of_two_shapes(%a: tensor<4xf32>, %b: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{must have the same shape}}
  %y = "dl.rem"(%a, %b) : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
