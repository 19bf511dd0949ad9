// dl.equal: whether a == b; false if either is NaN.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @equal([1.0, 2.0, nan, -0.0], [2.0, 2.0, nan, 0.0]) == [false, true, false, true]
// EVAL: @equal_dynamic(3, [3.0, -inf, 1.0], [2.0, inf, nan]) == [false, false, false]
// EVAL: @equal_dynamic(0, [], []) == []
// EVAL: @equal_i8([-1, 1, 5, -128], [1, -1, 5, 127]) == [false, false, true, false]
// EVAL: @equal_ui8([255, 1, 5, 128], [1, 255, 5, 127]) == [false, false, true, false]
// EVAL: @equal_bool([false, false, true, true], [false, true, false, true]) == [true, false, false, true]

// CHECK-LABEL: func.func @equal(
// CHECK: dl.equal %{{.*}}, %{{.*}} : tensor<4xf32> -> tensor<4xi1>
// LOWER-LABEL: func.func @equal(
// LOWER: arith.cmpf oeq
func.func @equal(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xi1> {
  %y = dl.equal %a, %b : tensor<4xf32> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @equal_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xi1> {
  %y = dl.equal %a, %b : tensor<?xf64> -> tensor<?xi1>
  return %y : tensor<?xi1>
}

func.func @equal_i8(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi1> {
  %y = dl.equal %a, %b : tensor<4xi8> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @equal_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xi1> {
  %y = dl.equal %a, %b : tensor<4xui8> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @equal_bool(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  %y = dl.equal %a, %b : tensor<4xi1> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @to_floats(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{result #0 must be ranked tensor of bool values, but got 'tensor<4xf32>'}}
  %y = dl.equal %a, %b : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @of_two_types(%a: tensor<4xf32>, %b: tensor<4xf64>) -> tensor<4xi1> {
  // expected-error @+1 {{requires all operands to have the same type}}
  %y = "dl.equal"(%a, %b) : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xi1>
  return %y : tensor<4xi1>
}
