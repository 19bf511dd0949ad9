// dl.shift_right: floor(a / 2 ** b); a shift by the width or more, or by less than 0, gives 0 or -1.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @shift_right([64, -3, -128, 5], [6, 1, 100, -1]) == [1, -2, -1, 0]
// EVAL: @shift_right_ui8([128, 255, 1, 3], [7, 4, 8, 0]) == [1, 15, 0, 3]
// EVAL: @shift_right_dynamic(2, [1, -4], [1, 1]) == [0, -2]
// EVAL: @shift_right_dynamic(0, [], []) == []

// CHECK-LABEL: func.func @shift_right(
// CHECK: dl.shift_right %{{.*}}, %{{.*}} : tensor<4xi8>
// LOWER-LABEL: func.func @shift_right(
// LOWER: arith.shrsi
func.func @shift_right(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.shift_right %a, %b : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @shift_right_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.shift_right %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

func.func @shift_right_dynamic(%n: index, %a: tensor<?xi64>, %b: tensor<?xi64>) -> tensor<?xi64> {
  %y = dl.shift_right %a, %b : tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

func.func @of_bools(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer values, but got 'tensor<4xi1>'}}
  %y = dl.shift_right %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @of_floats(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer values, but got 'tensor<4xf32>'}}
  %y = dl.shift_right %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}
