// dl.add: a + b; integers wrap.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @add([1.5, -2.0, 0.25, 7.0], [2.0, 3.0, -0.5, 7.0]) == [3.5, 1.0, -0.25, 14.0]
// EVAL: @add_dynamic(4, [1.5, -2.0, 0.25, 7.0], [2.0, 3.0, -0.5, 7.0]) == [3.5, 1.0, -0.25, 14.0]
// EVAL: @add_dynamic(0, [], []) == []
// EVAL: @add_i8([100, -128, 7, -7], [100, -1, 2, 2]) == [-56, 127, 9, -5]
// EVAL: @add_ui8([200, 3, 255, 0], [100, 5, 2, 1]) == [44, 8, 1, 1]
// GRADCHECK: @add_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @add(
// CHECK: dl.add %{{.*}}, %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @add(
// LOWER: linalg.generic
// LOWER: arith.addf
func.func @add(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.add %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @add_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.add %a, %b : tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @add_i8(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.add %a, %b : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @add_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.add %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

// -----

func.func @of_bools(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.add %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @of_two_shapes(%a: tensor<4xf32>, %b: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{must have the same shape}}
  %y = "dl.add"(%a, %b) : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
