// dl.take_along_axis: y[.., i, ..] = x[.., ids[.., i, ..], ..].
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @along([[1, 2, 3], [4, 5, 6]], [[2, 0], [-1, 1]]) == [[3, 1], [6, 5]]
// EVAL: @dynamic(3, 2, [[1, 2], [3, 4], [5, 6]], [[2, -3]]) == [[5, 2]]
// EVAL-ERROR: @along([[1, 2, 3], [4, 5, 6]], [[2, 0], [3, 1]]) index 3 is outside a dim of 3
// GRADCHECK: @dynamic(4, 3) domain=(-2,2) int=(-4,4) tol=1e-6

// CHECK-LABEL: func.func @along(
// CHECK: dl.take_along_axis %{{.*}}, %{{.*}} axis 1 : (tensor<2x3xf32>, tensor<2x2xi8>) -> tensor<2x2xf32>
// LOWER-LABEL: func.func @along(
// LOWER: tensor.extract
func.func @along(%x: tensor<2x3xf32>, %i: tensor<2x2xi8>) -> tensor<2x2xf32> {
  %y = dl.take_along_axis %x, %i axis 1 : (tensor<2x3xf32>, tensor<2x2xi8>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

func.func @dynamic(%m: index, %n: index,
    %x: tensor<?x?xf64> {dl.shape = ["m", "n"]}, %i: tensor<1x?xi64> {dl.shape = ["1", "n"]})
    -> (tensor<1x?xf64> {dl.shape = ["1", "n"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.take_along_axis %x, %i axis 0 : (tensor<?x?xf64>, tensor<1x?xi64>) -> tensor<1x?xf64>
  return %y : tensor<1x?xf64>
}

// -----

func.func @c1(%x: tensor<3x4xf32>, %i: tensor<3x4xi32>) -> tensor<3x4xf32> {
  // expected-error @+1 {{C1: axis 2 is outside rank 2}}
  %y = dl.take_along_axis %x, %i axis 2 : (tensor<3x4xf32>, tensor<3x4xi32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

func.func @c2_ids(%x: tensor<3x4xf32>, %i: tensor<2x2xi32>) -> tensor<2x2xf32> {
  // expected-error @+1 {{C2: shape should be [3, 2], is [2, 2]}}
  %y = dl.take_along_axis %x, %i axis 1 : (tensor<3x4xf32>, tensor<2x2xi32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

func.func @c2_result(%x: tensor<3x4xf32>, %i: tensor<3x2xi32>) -> tensor<3x4xf32> {
  // expected-error @+1 {{C2: shape should be [3, 2], is [3, 4]}}
  %y = dl.take_along_axis %x, %i axis 1 : (tensor<3x4xf32>, tensor<3x2xi32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
