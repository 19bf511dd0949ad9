// dl.div: a / b; integers round down.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @div([1.5, -2.0, 0.25, 7.0], [2.0, 3.0, -0.5, 7.0]) == [0.75, -0.6666667, -0.5, 1.0]
// EVAL: @div_dynamic(4, [1.5, -2.0, 0.25, 7.0], [2.0, 3.0, -0.5, 7.0]) == [0.75, -0.6666666666666666, -0.5, 1.0]
// EVAL: @div_dynamic(0, [], []) == []
// EVAL: @div_i8([100, -128, 7, -7], [100, -1, 2, 2]) == [1, -128, 3, -4]
// EVAL: @div_ui8([200, 3, 255, 0], [100, 5, 2, 1]) == [2, 0, 127, 0]
// EVAL: @div_i8([7, -7, 5, -128], [-2, 2, 0, -1]) == [-4, -4, 0, -128]
// GRADCHECK: @div_dynamic(5) domain=(0.5,2) tol=1e-6
// GRADCHECK: @softmax domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @div(
// CHECK: dl.div %{{.*}}, %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @div(
// LOWER: linalg.generic
// LOWER: arith.divf
func.func @div(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.div %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @div_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.div %a, %b : tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @div_i8(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.div %a, %b : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @div_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.div %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

// Powers divided by their sum have a rule as a whole.
func.func @softmax(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %e = dl.exp %x : tensor<3x4xf64>
  %s = dl.reduce "sum" %e axes [0] : tensor<3x4xf64> -> tensor<4xf64>
  %b = dl.broadcast %s axes [1] sizes() : tensor<4xf64> -> tensor<3x4xf64>
  %y = dl.div %e, %b : tensor<3x4xf64>
  return %y : tensor<3x4xf64>
}

// -----

func.func @of_bools(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.div %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @of_two_shapes(%a: tensor<4xf32>, %b: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{must have the same shape}}
  %y = "dl.div"(%a, %b) : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
