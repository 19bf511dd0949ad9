// expand-forward: tangents alone; one whose callee has a gradient in it stays.
// RUN: dlc-opt %s --expand-forward | FileCheck %s
// RUN: dlc-opt %s --expand-reverse --expand-forward | FileCheck %s --check-prefix=BOTH
// EVAL: @push(3.0, 10.0) == 9.0, 60.0
// EVAL: @of_slope(3.0, 10.0) == 6.0, 20.0

// CHECK-LABEL: func.func @push(
// CHECK: call @square__jvp_0(
func.func @push(%x: tensor<f64>, %v: tensor<f64>) -> (tensor<f64>, tensor<f64>) {
  %y:2 = dl.jvp @square(%x, %v) wrt [0] : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %y#0, %y#1 : tensor<f64>, tensor<f64>
}

func.func private @square(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.mul %x, %x : tensor<f64>
  return %y : tensor<f64>
}

// CHECK-LABEL: func.func @of_slope(
// CHECK: dl.jvp @slope(
// BOTH-LABEL: func.func @of_slope(
// BOTH: call @slope__jvp_0(
func.func @of_slope(%x: tensor<f64>, %v: tensor<f64>) -> (tensor<f64>, tensor<f64>) {
  %y:2 = dl.jvp @slope(%x, %v) wrt [0] : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %y#0, %y#1 : tensor<f64>, tensor<f64>
}

func.func private @slope(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.grad @square(%x) wrt [0] : (tensor<f64>) -> tensor<f64>
  return %y : tensor<f64>
}
