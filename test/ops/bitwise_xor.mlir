// dl.bitwise_xor: bits set in one of both; on bool exclusive or.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @bitwise_xor([12, -1, 7, -128], [10, 5, -8, 127]) == [6, -6, -1, -1]
// EVAL: @bitwise_xor_ui8([12, 255, 7, 128], [10, 5, 248, 127]) == [6, 250, 255, 255]
// EVAL: @bitwise_xor_bool([false, false, true, true], [false, true, false, true]) == [false, true, true, false]
// EVAL: @bitwise_xor_dynamic(4, [13194139533312, -1099511627776, 7696581394432, -140737488355328], [10995116277760, 5497558138880, -8796093022208, 139637976727552]) == [6597069766656, -6597069766656, -1099511627776, -1099511627776]
// EVAL: @bitwise_xor_dynamic(0, [], []) == []

// CHECK-LABEL: func.func @bitwise_xor(
// CHECK: dl.bitwise_xor %{{.*}}, %{{.*}} : tensor<4xi8>
// LOWER-LABEL: func.func @bitwise_xor(
// LOWER: arith.xori
func.func @bitwise_xor(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.bitwise_xor %a, %b : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @bitwise_xor_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.bitwise_xor %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

func.func @bitwise_xor_bool(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  %y = dl.bitwise_xor %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @bitwise_xor_dynamic(%n: index, %a: tensor<?xi64>, %b: tensor<?xi64>) -> tensor<?xi64> {
  %y = dl.bitwise_xor %a, %b : tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

func.func @of_floats(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or bool values, but got 'tensor<4xf32>'}}
  %y = dl.bitwise_xor %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}
