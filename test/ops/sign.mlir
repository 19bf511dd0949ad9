// dl.sign: -1, 0 or 1; keeps NaN and the sign of zero.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @sign([-2.5, 0.0, nan, inf]) == [-1.0, 0.0, nan, 1.0]
// EVAL: @sign_dynamic(4, [-2.5, 0.0, nan, inf]) == [-1.0, 0.0, nan, 1.0]
// EVAL: @sign_dynamic(0, []) == []
// EVAL: @sign_i8([-7, 5, 0, 127]) == [-1, 1, 0, 1]
// EVAL: @sign_ui8([0, 1, 255, 128]) == [0, 1, 1, 1]

// CHECK-LABEL: func.func @sign(
// CHECK: dl.sign %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @sign(
// LOWER: linalg.generic
// LOWER: arith.cmpf olt
func.func @sign(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.sign %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @sign_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.sign %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @sign_i8(%x: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.sign %x : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @sign_ui8(%x: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.sign %x : tensor<4xui8>
  return %y : tensor<4xui8>
}

// -----

func.func @of_bools(%x: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.sign %x : tensor<4xi1>
  return %y : tensor<4xi1>
}
