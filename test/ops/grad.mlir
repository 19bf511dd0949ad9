// dl.grad: gradient of a function's first result; expanded by expand-derivatives.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// RUN: dlc-opt %s --split-input-file --verify-diagnostics --expand-derivatives | FileCheck %s --check-prefix=EXPANDED
//
// EVAL: @gradient([1.0, -2.0, 0.5]) == [2.0, -4.0, 1.0]
// EVAL: @value_and_gradient(2, [3.0, 4.0], [2.0, 0.5]) == 26.0, [12.0, 4.0], [9.0, 16.0]
// EVAL: @value_and_gradient(0, [], []) == 0.0, [], []
// EVAL: @second(2.0) == 12.0
// GRADCHECK: @gradient_f64 domain=(-2,2) tol=1e-5

// CHECK-LABEL: func.func @gradient(
// CHECK: dl.grad @square_sum(%{{.*}}) wrt [0] : (tensor<3xf32>) -> tensor<3xf32>
// EXPANDED-LABEL: func.func @gradient(
// EXPANDED-NOT: dl.grad
func.func @gradient(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = dl.grad @square_sum(%x) wrt [0] : (tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

func.func private @square_sum(%x: tensor<3xf32>) -> tensor<f32> {
  %s = dl.mul %x, %x : tensor<3xf32>
  %y = dl.reduce "sum" %s axes [0] : tensor<3xf32> -> tensor<f32>
  return %y : tensor<f32>
}

// By both arguments, with the value.
func.func @value_and_gradient(%n: index, %x: tensor<?xf64>, %w: tensor<?xf64>)
    -> (tensor<f64>, tensor<?xf64>, tensor<?xf64>) {
  %y:3 = dl.grad @weighted(%n, %x, %w) wrt [0, 1] value
    : (index, tensor<?xf64>, tensor<?xf64>) -> (tensor<f64>, tensor<?xf64>, tensor<?xf64>)
  return %y#0, %y#1, %y#2 : tensor<f64>, tensor<?xf64>, tensor<?xf64>
}

func.func private @weighted(%n: index, %x: tensor<?xf64>, %w: tensor<?xf64>) -> tensor<f64> {
  %s = dl.mul %x, %x : tensor<?xf64>
  %p = dl.mul %s, %w : tensor<?xf64>
  %y = dl.reduce "sum" %p axes [0] : tensor<?xf64> -> tensor<f64>
  return %y : tensor<f64>
}

// The second derivative of x^3, by nesting.
func.func @second(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.grad @first(%x) wrt [0] : (tensor<f64>) -> tensor<f64>
  return %y : tensor<f64>
}

func.func private @first(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.grad @cube(%x) wrt [0] : (tensor<f64>) -> tensor<f64>
  return %y : tensor<f64>
}

func.func private @cube(%x: tensor<f64>) -> tensor<f64> {
  %s = dl.mul %x, %x : tensor<f64>
  %y = dl.mul %s, %x : tensor<f64>
  return %y : tensor<f64>
}

// A gradient is itself differentiable: the check is of second order.
func.func @gradient_f64(%x: tensor<4xf64>) -> tensor<4xf64> {
  %y = dl.grad @tanh_sum(%x) wrt [0] : (tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}

func.func private @tanh_sum(%x: tensor<4xf64>) -> tensor<f64> {
  %t = dl.tanh %x : tensor<4xf64>
  %s = dl.mul %t, %x : tensor<4xf64>
  %y = dl.reduce "sum" %s axes [0] : tensor<4xf64> -> tensor<f64>
  return %y : tensor<f64>
}
