// dl.scatter_add_along_axis: x with updates added at ids; the transpose of dl.take_along_axis.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @along([[0, 0, 0], [1, 1, 1]], [[2, 2], [0, -1]], [[1, 2], [3, 4]]) == [[0, 0, 3], [4, 1, 5]]
// EVAL: @dynamic(2, [[1.0, 2.0], [3.0, 4.0]], [[1, -2]], [[10.0, 20.0]]) == [[1.0, 22.0], [13.0, 4.0]]
// EVAL-ERROR: @dynamic(2, [[1.0, 2.0], [3.0, 4.0]], [[1, 2]], [[10.0, 20.0]]) index 2 is outside a dim of 2
// GRADCHECK: @dynamic(3) domain=(-2,2) int=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @along(
// CHECK: dl.scatter_add_along_axis %{{.*}}, %{{.*}}, %{{.*}} axis 1 : tensor<2x3xf32>, tensor<2x2xi32>, tensor<2x2xf32>
// LOWER-LABEL: func.func @along(
// LOWER-NOT: dl.scatter_add
// LOWER: return
func.func @along(%x: tensor<2x3xf32>, %i: tensor<2x2xi32>, %u: tensor<2x2xf32>) -> tensor<2x3xf32> {
  %y = dl.scatter_add_along_axis %x, %i, %u axis 1 : tensor<2x3xf32>, tensor<2x2xi32>, tensor<2x2xf32>
  return %y : tensor<2x3xf32>
}

func.func @dynamic(%n: index, %x: tensor<2x?xf64>, %i: tensor<1x?xi64>, %u: tensor<1x?xf64>) -> tensor<2x?xf64> {
  %y = dl.scatter_add_along_axis %x, %i, %u axis 0 : tensor<2x?xf64>, tensor<1x?xi64>, tensor<1x?xf64>
  return %y : tensor<2x?xf64>
}

// -----

func.func @c1(%x: tensor<3xf32>, %i: tensor<2xi32>, %u: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{C1: axis 1 is outside rank 1}}
  %y = dl.scatter_add_along_axis %x, %i, %u axis 1 : tensor<3xf32>, tensor<2xi32>, tensor<2xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c2(%x: tensor<3x4xf32>, %i: tensor<3x2xi32>, %u: tensor<3x1xf32>) -> tensor<3x4xf32> {
  // expected-error @+1 {{C2: shape should be [3, 2], is [3, 1]}}
  %y = dl.scatter_add_along_axis %x, %i, %u axis 1 : tensor<3x4xf32>, tensor<3x2xi32>, tensor<3x1xf32>
  return %y : tensor<3x4xf32>
}
