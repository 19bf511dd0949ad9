// dl.update_slice: x with update in the place that dl.slice reads.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @window([[1, 2, 3, 4], [5, 6, 7, 8]], [[-1, -2]]) == [[1, 2, 3, 4], [5, -1, 7, -2]]
// EVAL: @dynamic(4, 1, 2, [1.0, 2.0, 3.0, 4.0], [8.0, 9.0]) == [1.0, 8.0, 9.0, 4.0]
// EVAL: @dynamic(4, 4, 0, [1.0, 2.0, 3.0, 4.0], []) == [1.0, 2.0, 3.0, 4.0]
// EVAL-ERROR: @dynamic(4, 3, 2, [1.0, 2.0, 3.0, 4.0], [8.0, 9.0]) axis 0 spans 3 to 4 of a dim of 4
// GRADCHECK: @gradient domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @window(
// CHECK: dl.update_slice %{{.*}}, %{{.*}} starts(%{{.*}}, %{{.*}}) strides [1, 2] : tensor<2x4xi32>, tensor<1x2xi32>
// LOWER-LABEL: func.func @window(
// LOWER: tensor.insert_slice
func.func @window(%x: tensor<2x4xi32>, %u: tensor<1x2xi32>) -> tensor<2x4xi32> {
  %c1 = arith.constant 1 : index
  %y = dl.update_slice %x, %u starts(%c1, %c1) strides [1, 2] : tensor<2x4xi32>, tensor<1x2xi32>
  return %y : tensor<2x4xi32>
}

func.func @dynamic(%n: index, %s: index, %k: index,
    %x: tensor<?xf64> {dl.shape = ["n"]}, %u: tensor<?xf64> {dl.shape = ["k"]})
    -> (tensor<?xf64> {dl.shape = ["n"]}) attributes {dl.dims = ["n", "s", "k"]} {
  %y = dl.update_slice %x, %u starts(%s) strides [1] : tensor<?xf64>, tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @gradient(%x: tensor<3x7xf64>, %u: tensor<2x3xf64>) -> tensor<3x7xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = dl.update_slice %x, %u starts(%c0, %c1) strides [2, 2] : tensor<3x7xf64>, tensor<2x3xf64>
  return %y : tensor<3x7xf64>
}

// -----

func.func @c1_rank(%x: tensor<2x3xf32>, %u: tensor<2xf32>) -> tensor<2x3xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C1: 2 dims in the update expected, 1 given}}
  %y = dl.update_slice %x, %u starts(%c0, %c0) strides [1, 1] : tensor<2x3xf32>, tensor<2xf32>
  return %y : tensor<2x3xf32>
}

// -----

func.func @c1_strides(%x: tensor<3xf32>, %u: tensor<2xf32>) -> tensor<3xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C1: 1 strides expected, 2 given}}
  %y = dl.update_slice %x, %u starts(%c0) strides [1, 1] : tensor<3xf32>, tensor<2xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @outside(%x: tensor<3xf32>, %u: tensor<2xf32>) -> tensor<3xf32> {
  %c2 = arith.constant 2 : index
  // expected-error @+1 {{axis 0 spans 2 to 3 of a dim of 3}}
  %y = dl.update_slice %x, %u starts(%c2) strides [1] : tensor<3xf32>, tensor<2xf32>
  return %y : tensor<3xf32>
}
