// dl.bitwise_not: all bits turned over; on bool logical not.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @bitwise_not([12, -1, 7, -128]) == [-13, 0, -8, 127]
// EVAL: @bitwise_not_ui8([12, 255, 7, 128]) == [243, 0, 248, 127]
// EVAL: @bitwise_not_bool([false, false, true, true]) == [true, true, false, false]
// EVAL: @bitwise_not_dynamic(4, [13194139533312, -1099511627776, 7696581394432, -140737488355328]) == [-13194139533313, 1099511627775, -7696581394433, 140737488355327]
// EVAL: @bitwise_not_dynamic(0, []) == []

// CHECK-LABEL: func.func @bitwise_not(
// CHECK: dl.bitwise_not %{{.*}} : tensor<4xi8>
// LOWER-LABEL: func.func @bitwise_not(
// LOWER: arith.xori
func.func @bitwise_not(%x: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.bitwise_not %x : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @bitwise_not_ui8(%x: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.bitwise_not %x : tensor<4xui8>
  return %y : tensor<4xui8>
}

func.func @bitwise_not_bool(%x: tensor<4xi1>) -> tensor<4xi1> {
  %y = dl.bitwise_not %x : tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @bitwise_not_dynamic(%n: index, %x: tensor<?xi64>) -> tensor<?xi64> {
  %y = dl.bitwise_not %x : tensor<?xi64>
  return %y : tensor<?xi64>
}

// -----

func.func @of_floats(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or bool values, but got 'tensor<4xf32>'}}
  %y = dl.bitwise_not %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
