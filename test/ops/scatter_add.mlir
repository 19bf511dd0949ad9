// dl.scatter_add: x with the slices of updates added at ids along an axis.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rows([[1, 2], [3, 4]], [1, 1, -2], [[10, 20], [30, 40], [50, 60]]) == [[51, 62], [43, 64]]
// EVAL: @dynamic(3, [1.0, 2.0, 3.0], [0, 2, 0], [1.0, 2.0, 4.0]) == [6.0, 2.0, 5.0]
// EVAL: @dynamic(0, [1.0, 2.0, 3.0], [], []) == [1.0, 2.0, 3.0]
// EVAL: @wraps([100, 0], [0, 0], [100, 57]) == [1, 0]
// EVAL-ERROR: @wraps([100, 0], [0, 2], [100, 57]) index 2 is outside a dim of 2
// GRADCHECK: @dynamic(4) domain=(-2,2) int=(-3,3) tol=1e-6
// GRADCHECK: @columns domain=(-2,2) int=(0,3) tol=1e-6

// CHECK-LABEL: func.func @rows(
// CHECK: dl.scatter_add %{{.*}}, %{{.*}}, %{{.*}} axis 0 : tensor<2x2xf32>, tensor<3xi32>, tensor<3x2xf32>
// LOWER-LABEL: func.func @rows(
// LOWER-NOT: dl.scatter_add
// LOWER: return
func.func @rows(%x: tensor<2x2xf32>, %i: tensor<3xi32>, %u: tensor<3x2xf32>) -> tensor<2x2xf32> {
  %y = dl.scatter_add %x, %i, %u axis 0 : tensor<2x2xf32>, tensor<3xi32>, tensor<3x2xf32>
  return %y : tensor<2x2xf32>
}

func.func @dynamic(%n: index, %x: tensor<3xf64>, %i: tensor<?xi64>, %u: tensor<?xf64>) -> tensor<3xf64> {
  %y = dl.scatter_add %x, %i, %u axis 0 : tensor<3xf64>, tensor<?xi64>, tensor<?xf64>
  return %y : tensor<3xf64>
}

func.func @wraps(%x: tensor<2xui8>, %i: tensor<2xui32>, %u: tensor<2xui8>) -> tensor<2xui8> {
  %y = dl.scatter_add %x, %i, %u axis 0 : tensor<2xui8>, tensor<2xui32>, tensor<2xui8>
  return %y : tensor<2xui8>
}

func.func @columns(%x: tensor<2x3xf64>, %i: tensor<4xi32>, %u: tensor<2x4xf64>) -> tensor<2x3xf64> {
  %y = dl.scatter_add %x, %i, %u axis 1 : tensor<2x3xf64>, tensor<4xi32>, tensor<2x4xf64>
  return %y : tensor<2x3xf64>
}

// -----

func.func @c1(%x: tensor<3xf32>, %i: tensor<2xi32>, %u: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{C1: axis 1 is outside rank 1}}
  %y = dl.scatter_add %x, %i, %u axis 1 : tensor<3xf32>, tensor<2xi32>, tensor<2xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c2(%x: tensor<3x4xf32>, %i: tensor<2xi32>, %u: tensor<2x3xf32>) -> tensor<3x4xf32> {
  // expected-error @+1 {{C2: shape should be [2, 4], is [2, 3]}}
  %y = dl.scatter_add %x, %i, %u axis 0 : tensor<3x4xf32>, tensor<2xi32>, tensor<2x3xf32>
  return %y : tensor<3x4xf32>
}

// -----

func.func @of_bools(%x: tensor<3xi1>, %i: tensor<2xi32>, %u: tensor<2xi1>) -> tensor<3xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<3xi1>'}}
  %y = dl.scatter_add %x, %i, %u axis 0 : tensor<3xi1>, tensor<2xi32>, tensor<2xi1>
  return %y : tensor<3xi1>
}
