// dl.bitwise_or: bits set in either; on bool logical or.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @bitwise_or([12, -1, 7, -128], [10, 5, -8, 127]) == [14, -1, -1, -1]
// EVAL: @bitwise_or_ui8([12, 255, 7, 128], [10, 5, 248, 127]) == [14, 255, 255, 255]
// EVAL: @bitwise_or_bool([false, false, true, true], [false, true, false, true]) == [false, true, true, true]
// EVAL: @bitwise_or_dynamic(4, [13194139533312, -1099511627776, 7696581394432, -140737488355328], [10995116277760, 5497558138880, -8796093022208, 139637976727552]) == [15393162788864, -1099511627776, -1099511627776, -1099511627776]
// EVAL: @bitwise_or_dynamic(0, [], []) == []

// CHECK-LABEL: func.func @bitwise_or(
// CHECK: dl.bitwise_or %{{.*}}, %{{.*}} : tensor<4xi8>
// LOWER-LABEL: func.func @bitwise_or(
// LOWER: arith.ori
func.func @bitwise_or(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.bitwise_or %a, %b : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @bitwise_or_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.bitwise_or %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

func.func @bitwise_or_bool(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  %y = dl.bitwise_or %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @bitwise_or_dynamic(%n: index, %a: tensor<?xi64>, %b: tensor<?xi64>) -> tensor<?xi64> {
  %y = dl.bitwise_or %a, %b : tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

func.func @of_floats(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or bool values, but got 'tensor<4xf32>'}}
  %y = dl.bitwise_or %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}
