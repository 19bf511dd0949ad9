// dl.pow: a to the power b.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @pow([2.0, 9.0, 0.0, -2.0], [10.0, 0.5, 0.0, 3.0]) ~= [1024.0, 3.0, 1.0, -8.0]
// EVAL: @pow_dynamic(4, [2.0, 9.0, 0.0, -2.0], [10.0, 0.5, 0.0, 3.0]) ~= [1024.0, 3.0, 1.0, -8.0]
// EVAL: @pow_dynamic(0, [], []) == []
// EVAL: @pow_i8([2, 3, -2, -1, -1, 1, 0, 5, 0], [7, 5, 3, -3, -128, -7, -1, -1, 0]) == [-128, -13, -8, -1, 1, 1, 0, 0, 1]
// EVAL: @pow_ui8([2, 3, 255, 7], [7, 255, 254, 0]) == [128, 171, 1, 1]
// GRADCHECK: @pow_dynamic(5) domain=(0.5,2) tol=1e-6

// CHECK-LABEL: func.func @pow(
// CHECK: dl.pow %{{.*}}, %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @pow(
// LOWER: linalg.generic
// LOWER: math.powf
func.func @pow(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.pow %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @pow_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.pow %a, %b : tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @pow_i8(%a: tensor<9xi8>, %b: tensor<9xi8>) -> tensor<9xi8> {
  %y = dl.pow %a, %b : tensor<9xi8>
  return %y : tensor<9xi8>
}

func.func @pow_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.pow %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

// -----

func.func @of_bools(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.pow %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @of_two_shapes(%a: tensor<4xf32>, %b: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{must have the same shape}}
  %y = "dl.pow"(%a, %b) : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
