// expand-reverse: gradients alone; one whose callee has a batch in it stays.
// RUN: dlc-opt %s --expand-reverse | FileCheck %s
// RUN: dlc-opt %s --expand-vmap --expand-reverse | FileCheck %s --check-prefix=BOTH
// EVAL: @slope(3.0) == 6.0
// EVAL: @of_batch([1.0, 2.0, 3.0]) == [2.0, 4.0, 6.0]

// CHECK-LABEL: func.func @slope(
// CHECK: call @square__grad_0(
func.func @slope(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.grad @square(%x) wrt [0] : (tensor<f64>) -> tensor<f64>
  return %y : tensor<f64>
}

func.func private @square(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.mul %x, %x : tensor<f64>
  return %y : tensor<f64>
}

// CHECK-LABEL: func.func @of_batch(
// CHECK: dl.grad @batch(
// BOTH-LABEL: func.func @of_batch(
// BOTH: call @batch__grad_0(
func.func @of_batch(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = dl.grad @batch(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func private @batch(%x: tensor<3xf64>) -> tensor<f64> {
  %size = arith.constant 3 : index
  %y = dl.vmap @square(%size, %x) in_axes [0] out_axes [0] : (index, tensor<3xf64>) -> tensor<3xf64>
  %s = dl.reduce "sum" %y axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}
