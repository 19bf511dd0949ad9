// dl.take: slices of x at ids along an axis, which the axes of ids replace.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rows([[1, 2], [3, 4], [5, 6]], [2, 0, -1, -3]) == [[5, 6], [1, 2], [5, 6], [1, 2]]
// EVAL: @columns(2, 3, [[1, 2, 3], [4, 5, 6]], [2, 0, 1, 1]) == [[3, 1, 2, 2], [6, 4, 5, 5]]
// EVAL: @columns(0, 3, [], [2, 0, 1, 1]) == []
// EVAL: @one([7, 8, 9], -1) == 9
// EVAL: @grid([10.0, 20.0], [[1, 0], [0, 1]]) == [[20.0, 10.0], [10.0, 20.0]]
// EVAL-ERROR: @one([7, 8, 9], 3) index 3 is outside a dim of 3
// EVAL-ERROR: @one([7, 8, 9], -4) index -4 is outside a dim of 3
// EVAL-ERROR: @grid([10.0, 20.0], [[1, 255], [0, 1]]) index 255 is outside a dim of 2
// GRADCHECK: @columns(2, 5) domain=(-2,2) int=(0,5) tol=1e-6
// GRADCHECK: @gradient_rows domain=(-2,2) int=(-3,3) tol=1e-6

// CHECK-LABEL: func.func @rows(
// CHECK: dl.take %{{.*}}, %{{.*}} axis 0 : (tensor<3x2xf32>, tensor<4xi64>) -> tensor<4x2xf32>
// LOWER-LABEL: func.func @rows(
// LOWER: tensor.extract
func.func @rows(%x: tensor<3x2xf32>, %i: tensor<4xi64>) -> tensor<4x2xf32> {
  %y = dl.take %x, %i axis 0 : (tensor<3x2xf32>, tensor<4xi64>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

func.func @columns(%m: index, %n: index, %x: tensor<?x?xf64> {dl.shape = ["m", "n"]}, %i: tensor<4xi32>)
    -> (tensor<?x4xf64> {dl.shape = ["m", "4"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.take %x, %i axis 1 : (tensor<?x?xf64>, tensor<4xi32>) -> tensor<?x4xf64>
  return %y : tensor<?x4xf64>
}

func.func @one(%x: tensor<3xi8>, %i: tensor<i8>) -> tensor<i8> {
  %y = dl.take %x, %i axis 0 : (tensor<3xi8>, tensor<i8>) -> tensor<i8>
  return %y : tensor<i8>
}

func.func @grid(%x: tensor<2xf16>, %i: tensor<2x2xui8>) -> tensor<2x2xf16> {
  %y = dl.take %x, %i axis 0 : (tensor<2xf16>, tensor<2x2xui8>) -> tensor<2x2xf16>
  return %y : tensor<2x2xf16>
}

func.func @gradient_rows(%x: tensor<3x2xf64>, %i: tensor<4xi64>) -> tensor<4x2xf64> {
  %y = dl.take %x, %i axis 0 : (tensor<3x2xf64>, tensor<4xi64>) -> tensor<4x2xf64>
  return %y : tensor<4x2xf64>
}

// -----

func.func @c1(%x: tensor<3x4xf32>, %i: tensor<2xi32>) -> tensor<3x4x2xf32> {
  // expected-error @+1 {{C1: axis 2 is outside rank 2}}
  %y = dl.take %x, %i axis 2 : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<3x4x2xf32>
  return %y : tensor<3x4x2xf32>
}

// -----

func.func @c2(%x: tensor<3x4xf32>, %i: tensor<2xi32>) -> tensor<3x2xf32> {
  // expected-error @+1 {{C2: shape should be [2, 4], is [3, 2]}}
  %y = dl.take %x, %i axis 0 : (tensor<3x4xf32>, tensor<2xi32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

func.func @ids_of_floats(%x: tensor<3xf32>, %i: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{operand #1 must be ranked tensor of integer values, but got 'tensor<2xf32>'}}
  %y = dl.take %x, %i axis 0 : (tensor<3xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
