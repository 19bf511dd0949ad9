// dl.less_equal: whether a <= b.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @less_equal([1.0, 2.0, nan, -0.0], [2.0, 2.0, nan, 0.0]) == [true, true, false, true]
// EVAL: @less_equal_dynamic(3, [3.0, -inf, 1.0], [2.0, inf, nan]) == [false, true, false]
// EVAL: @less_equal_dynamic(0, [], []) == []
// EVAL: @less_equal_i8([-1, 1, 5, -128], [1, -1, 5, 127]) == [true, false, true, true]
// EVAL: @less_equal_ui8([255, 1, 5, 128], [1, 255, 5, 127]) == [false, true, true, false]
// EVAL: @less_equal_bool([false, false, true, true], [false, true, false, true]) == [true, true, false, true]

// CHECK-LABEL: func.func @less_equal(
// CHECK: dl.less_equal %{{.*}}, %{{.*}} : tensor<4xf32> -> tensor<4xi1>
// LOWER-LABEL: func.func @less_equal(
// LOWER: arith.cmpf ole
func.func @less_equal(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xi1> {
  %y = dl.less_equal %a, %b : tensor<4xf32> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @less_equal_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xi1> {
  %y = dl.less_equal %a, %b : tensor<?xf64> -> tensor<?xi1>
  return %y : tensor<?xi1>
}

func.func @less_equal_i8(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi1> {
  %y = dl.less_equal %a, %b : tensor<4xi8> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @less_equal_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xi1> {
  %y = dl.less_equal %a, %b : tensor<4xui8> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @less_equal_bool(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  %y = dl.less_equal %a, %b : tensor<4xi1> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @to_floats(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{result #0 must be ranked tensor of bool values, but got 'tensor<4xf32>'}}
  %y = dl.less_equal %a, %b : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @of_two_types(%a: tensor<4xf32>, %b: tensor<4xf64>) -> tensor<4xi1> {
  // expected-error @+1 {{requires all operands to have the same type}}
  %y = "dl.less_equal"(%a, %b) : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xi1>
  return %y : tensor<4xi1>
}
