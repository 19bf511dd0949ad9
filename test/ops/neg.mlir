// dl.neg: -x; integers wrap.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @neg([0.0, 0.5, -1.25, 2.0]) == [-0.0, -0.5, 1.25, -2.0]
// EVAL: @neg_dynamic(4, [0.0, 0.5, -1.25, 2.0]) == [-0.0, -0.5, 1.25, -2.0]
// EVAL: @neg_dynamic(0, []) == []
// EVAL: @neg_i8([-128, 5, 0, 127]) == [-128, -5, 0, -127]
// EVAL: @neg_ui8([0, 1, 255, 128]) == [0, 255, 1, 128]
// GRADCHECK: @neg_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @neg(
// CHECK: dl.neg %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @neg(
// LOWER: linalg.generic
// LOWER: arith.negf
func.func @neg(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.neg %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @neg_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.neg %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @neg_i8(%x: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.neg %x : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @neg_ui8(%x: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.neg %x : tensor<4xui8>
  return %y : tensor<4xui8>
}

// -----

func.func @of_bools(%x: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.neg %x : tensor<4xi1>
  return %y : tensor<4xi1>
}
