// dl.transpose: axis i of the result is axis permutation[i] of x.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @matrix([[1, 2, 3], [4, 5, 6]]) == [[1, 4], [2, 5], [3, 6]]
// EVAL: @dynamic(1, 2, [[[1.0, 2.0], [3.0, 4.0]]]) == [[[1.0, 3.0]], [[2.0, 4.0]]]
// EVAL: @dynamic(0, 2, []) == [[], []]
// GRADCHECK: @dynamic(2, 3) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @matrix(
// CHECK: dl.transpose %{{.*}} [1, 0] : tensor<2x3xi32> -> tensor<3x2xi32>
// LOWER-LABEL: func.func @matrix(
// LOWER-NOT: dl.transpose
// LOWER: return
func.func @matrix(%x: tensor<2x3xi32>) -> tensor<3x2xi32> {
  %y = dl.transpose %x [1, 0] : tensor<2x3xi32> -> tensor<3x2xi32>
  return %y : tensor<3x2xi32>
}

func.func @dynamic(%m: index, %n: index, %x: tensor<?x2x?xf64> {dl.shape = ["m", "2", "n"]})
    -> (tensor<?x?x2xf64> {dl.shape = ["n", "m", "2"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.transpose %x [2, 0, 1] : tensor<?x2x?xf64> -> tensor<?x?x2xf64>
  return %y : tensor<?x?x2xf64>
}

// -----

func.func @c1_twice(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{C1: axis 0 is named twice}}
  %y = dl.transpose %x [0, 0] : tensor<2x3xf32> -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

func.func @c1_count(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{C1: 2 axes expected, 1 given}}
  %y = dl.transpose %x [0] : tensor<2x3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @c2(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{C2: shape should be [3, 2], is [2, 3]}}
  %y = dl.transpose %x [1, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
