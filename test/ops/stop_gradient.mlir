// dl.stop_gradient: x, held constant by every derivative.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// EVAL: @stop_gradient([1.5, nan]) == [1.5, nan]
// EVAL: @dynamic(2, [true, false]) == [true, false]
// EVAL: @half_gradient([3.0, -2.0]) == [3.0, -2.0]

// CHECK-LABEL: func.func @stop_gradient(
// CHECK: dl.stop_gradient %{{.*}} : tensor<2xf32>
func.func @stop_gradient(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = dl.stop_gradient %x : tensor<2xf32>
  return %y : tensor<2xf32>
}

func.func @dynamic(%n: index, %x: tensor<?xi1>) -> tensor<?xi1> {
  %y = dl.stop_gradient %x : tensor<?xi1>
  return %y : tensor<?xi1>
}

func.func private @product(%x: tensor<2xf32>) -> tensor<f32> {
  %c = dl.stop_gradient %x : tensor<2xf32>
  %p = dl.mul %x, %c : tensor<2xf32>
  %y = dl.reduce "sum" %p axes [0] : tensor<2xf32> -> tensor<f32>
  return %y : tensor<f32>
}

// Of x * x with one factor held constant.
func.func @half_gradient(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = dl.grad @product(%x) wrt [0] : (tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
