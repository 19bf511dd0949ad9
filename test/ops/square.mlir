// dl.square: x * x.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @square([0.0, 0.5, -1.25, 2.0]) == [0.0, 0.25, 1.5625, 4.0]
// EVAL: @square_dynamic(4, [0.0, 0.5, -1.25, 2.0]) == [0.0, 0.25, 1.5625, 4.0]
// EVAL: @square_dynamic(0, []) == []
// EVAL: @square_ui8([0, 1, 255, 128]) == [0, 1, 1, 0]
// EVAL: @square_i8([16, -3, 0, 100]) == [0, 9, 0, 16]
// GRADCHECK: @square_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @square(
// CHECK: dl.square %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @square(
// LOWER: linalg.generic
// LOWER: arith.mulf
func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.square %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @square_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.square %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @square_ui8(%x: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.square %x : tensor<4xui8>
  return %y : tensor<4xui8>
}

func.func @square_i8(%x: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.square %x : tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

func.func @of_bools(%x: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.square %x : tensor<4xi1>
  return %y : tensor<4xi1>
}
