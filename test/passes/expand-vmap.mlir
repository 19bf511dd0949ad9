// expand-vmap: batches alone; one whose callee has a derivative in it stays.
// RUN: dlc-opt %s --expand-vmap | FileCheck %s
// RUN: dlc-opt %s --expand-reverse --expand-vmap | FileCheck %s --check-prefix=BOTH
// EVAL: @plain([1.0, 2.0, 3.0]) == [1.0, 4.0, 9.0]
// EVAL: @slopes([1.0, 2.0, 3.0]) == [2.0, 4.0, 6.0]

// CHECK-LABEL: func.func @plain(
// CHECK: call @square__vmap_0(
// CHECK: func.func private @square__vmap_0(
func.func @plain(%x: tensor<3xf64>) -> tensor<3xf64> {
  %size = arith.constant 3 : index
  %y = dl.vmap @square(%size, %x) in_axes [0] out_axes [0] : (index, tensor<3xf64>) -> tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func private @square(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.mul %x, %x : tensor<f64>
  return %y : tensor<f64>
}

// CHECK-LABEL: func.func @slopes(
// CHECK: dl.vmap @slope(
// BOTH-LABEL: func.func @slopes(
// BOTH: call @slope__vmap_0(
// BOTH-NOT: dl.vmap
// BOTH-NOT: dl.grad
func.func @slopes(%x: tensor<3xf64>) -> tensor<3xf64> {
  %size = arith.constant 3 : index
  %y = dl.vmap @slope(%size, %x) in_axes [0] out_axes [0] : (index, tensor<3xf64>) -> tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func private @slope(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.grad @square(%x) wrt [0] : (tensor<f64>) -> tensor<f64>
  return %y : tensor<f64>
}
