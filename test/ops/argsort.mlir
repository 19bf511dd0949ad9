// dl.argsort: where the first, second, … element along an axis lies.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rows(2, 3, [[3.0, 1.0, 2.0], [0.0, -0.0, -1.0]]) == [[1, 2, 0], [2, 0, 1]]
// EVAL: @rows(0, 3, []) == []
// EVAL: @rows(2, 0, [[], []]) == [[], []]
// EVAL: @down([nan, 1.0, -inf, inf, nan, 1.0, -0.0, 0.0]) == [0, 4, 3, 1, 5, 6, 7, 2]
// EVAL: @columns([[200, 1], [100, 255], [200, 0]]) == [[1, 2], [0, 0], [2, 1]]
// EVAL: @truth([true, false, true, false, true]) == [1, 3, 0, 2, 4]
// GRADCHECK: @sorted(5) domain=(-2,2) tol=1e-6
// GRADCHECK: @greatest domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @rows(
// CHECK: dl.argsort %{{.*}} axis 1 : tensor<?x?xf64> -> tensor<?x?xi32>
// LOWER-LABEL: func.func @rows(
// LOWER: scf.for
// LOWER-NOT: dl.argsort
// LOWER: return
func.func @rows(%m: index, %n: index, %x: tensor<?x?xf64> {dl.shape = ["m", "n"]})
    -> (tensor<?x?xi32> {dl.shape = ["m", "n"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.argsort %x axis 1 : tensor<?x?xf64> -> tensor<?x?xi32>
  return %y : tensor<?x?xi32>
}

// CHECK-LABEL: func.func @down(
// CHECK: dl.argsort %{{.*}} axis 0 descending : tensor<8xf16> -> tensor<8xi32>
func.func @down(%x: tensor<8xf16>) -> tensor<8xi32> {
  %y = dl.argsort %x axis 0 descending : tensor<8xf16> -> tensor<8xi32>
  return %y : tensor<8xi32>
}

func.func @columns(%x: tensor<3x2xui8>) -> tensor<3x2xi32> {
  %y = dl.argsort %x axis 0 : tensor<3x2xui8> -> tensor<3x2xi32>
  return %y : tensor<3x2xi32>
}

func.func @truth(%x: tensor<5xi1>) -> tensor<5xi32> {
  %y = dl.argsort %x axis 0 : tensor<5xi1> -> tensor<5xi32>
  return %y : tensor<5xi32>
}

// The derivative of what is sorted goes by way of the places.
func.func @sorted(%n: index, %x: tensor<?xf64> {dl.shape = ["n"]}) -> (tensor<?xf64> {dl.shape = ["n"]})
    attributes {dl.dims = ["n"]} {
  %i = dl.argsort %x axis 0 : tensor<?xf64> -> tensor<?xi32>
  %y = dl.take_along_axis %x, %i axis 0 : (tensor<?xf64>, tensor<?xi32>) -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @greatest(%x: tensor<3x7xf64>) -> tensor<3x2xf64> {
  %c0 = arith.constant 0 : index
  %i = dl.argsort %x axis 1 descending : tensor<3x7xf64> -> tensor<3x7xi32>
  %k = dl.slice %i starts(%c0, %c0) strides [1, 1] sizes() : tensor<3x7xi32> -> tensor<3x2xi32>
  %y = dl.take_along_axis %x, %k axis 1 : (tensor<3x7xf64>, tensor<3x2xi32>) -> tensor<3x2xf64>
  return %y : tensor<3x2xf64>
}

// -----

func.func @c1(%x: tensor<3xf32>) -> tensor<3xi32> {
  // expected-error @+1 {{failed to verify that C1: the axis is inside the rank of x}}
  %y = dl.argsort %x axis 1 : tensor<3xf32> -> tensor<3xi32>
  return %y : tensor<3xi32>
}

// -----

func.func @shape(%x: tensor<3xf32>) -> tensor<4xi32> {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %y = dl.argsort %x axis 0 : tensor<3xf32> -> tensor<4xi32>
  return %y : tensor<4xi32>
}

// -----

func.func @to_i64(%x: tensor<3xf32>) -> tensor<3xi64> {
  // expected-error @+1 {{result #0 must be ranked tensor of 32-bit signless integer values, but got 'tensor<3xi64>'}}
  %y = dl.argsort %x axis 0 : tensor<3xf32> -> tensor<3xi64>
  return %y : tensor<3xi64>
}
