// dl.bitcast: the same bits read as another type of the same width.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @to_float([1065353216, -2147483648, 2139095040]) == [1.0, -0.0, inf]
// EVAL: @to_bits(2, [-2.0, 0.0]) == [13835058055282163712, 0]
// EVAL: @to_bits(0, []) == []
// EVAL: @to_signed([255, 1]) == [-1, 1]

// CHECK-LABEL: func.func @to_float(
// CHECK: dl.bitcast %{{.*}} : tensor<3xi32> -> tensor<3xf32>
// LOWER-LABEL: func.func @to_float(
// LOWER: arith.bitcast
func.func @to_float(%x: tensor<3xi32>) -> tensor<3xf32> {
  %y = dl.bitcast %x : tensor<3xi32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

func.func @to_bits(%n: index, %x: tensor<?xf64>) -> tensor<?xui64> {
  %y = dl.bitcast %x : tensor<?xf64> -> tensor<?xui64>
  return %y : tensor<?xui64>
}

func.func @to_signed(%x: tensor<2xui8>) -> tensor<2xi8> {
  %y = dl.bitcast %x : tensor<2xui8> -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// -----

func.func @to_another_width(%x: tensor<2xf32>) -> tensor<2xi64> {
  // expected-error @+1 {{widths differ: 32 and 64 bits}}
  %y = dl.bitcast %x : tensor<2xf32> -> tensor<2xi64>
  return %y : tensor<2xi64>
}
