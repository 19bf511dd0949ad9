// RUN: dlc-opt %s --expand-derivatives | FileCheck %s

// The callee's body, what the gradient needs of it, and the sweep back; the leading index is passed through.
func.func private @dense(%n: index, %x: tensor<?x4xf64>, %w: tensor<4x3xf64>) -> (tensor<f64>, tensor<?x3xf64>) attributes {dl.dims = ["N"]} {
  %h = dl.dot_general %x, %w batch [] x [] contract [1] x [0] : (tensor<?x4xf64>, tensor<4x3xf64>) -> tensor<?x3xf64>
  %y = func.call @squash(%n, %h) : (index, tensor<?x3xf64>) -> tensor<?x3xf64>
  %l = dl.reduce "sum" %y axes [0, 1] : tensor<?x3xf64> -> tensor<f64>
  return %l, %h : tensor<f64>, tensor<?x3xf64>
}
func.func private @squash(%n: index, %x: tensor<?x3xf64>) -> tensor<?x3xf64> {
  %y = dl.tanh %x : tensor<?x3xf64>
  return %y : tensor<?x3xf64>
}

// CHECK-LABEL: func.func private @dense__value_and_grad_1(
// CHECK-SAME:    %[[N:[^:]*]]: index, %[[X:[^:]*]]: tensor<?x4xf64>, %[[W:[^:]*]]: tensor<4x3xf64>)
// CHECK-SAME:    -> (tensor<f64>, tensor<?x3xf64>, tensor<4x3xf64>) attributes {dl.dims = ["N"]}
// CHECK-DAG:     %[[H:.*]] = dl.dot_general %[[X]], %[[W]]
// CHECK-DAG:     %[[Y:.*]] = dl.tanh %[[H]]
// CHECK-DAG:     %[[L:.*]] = dl.reduce "sum" %[[Y]]
// CHECK:         %[[Y_ADJ:.*]] = dl.broadcast %{{.*}} axes []
// CHECK:         dl.mul %[[Y]], %[[Y]]
// CHECK:         %[[H_ADJ:.*]] = dl.mul %[[Y_ADJ]],
// CHECK-NEXT:    %[[W_ADJ:.*]] = dl.dot_general %[[X]], %[[H_ADJ]] batch [] x [] contract [0] x [0]
// CHECK-NEXT:    return %[[L]], %[[H]], %[[W_ADJ]]

// Only what the gradient is made of is computed: the sum is not, without its value.
// CHECK-LABEL: func.func private @dense__grad_1(
// CHECK-NOT:     dl.reduce
// CHECK:         return

// CHECK-LABEL: func.func @dense_grads(
// CHECK:         call @dense__grad_1(
// CHECK:         call @dense__grad_1(
// CHECK:         call @dense__value_and_grad_1(
// CHECK-NOT:     dl.grad
func.func @dense_grads(%n: index, %x: tensor<?x4xf64>, %w: tensor<4x3xf64>) -> (tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xf64>) {
  %a = dl.grad @dense(%n, %x, %w) wrt [1] : (index, tensor<?x4xf64>, tensor<4x3xf64>) -> tensor<4x3xf64>
  %b = dl.grad @dense(%n, %x, %w) wrt [1] : (index, tensor<?x4xf64>, tensor<4x3xf64>) -> tensor<4x3xf64>
  %c:3 = dl.grad @dense(%n, %x, %w) wrt [1] value : (index, tensor<?x4xf64>, tensor<4x3xf64>) -> (tensor<f64>, tensor<?x3xf64>, tensor<4x3xf64>)
  return %a, %b, %c#2 : tensor<4x3xf64>, tensor<4x3xf64>, tensor<4x3xf64>
}

// Several uses are added; an argument that the result does not depend on gets zeros, and so does one that is held.
func.func private @uses(%x: tensor<2xf32>, %y: tensor<2xf32>, %z: tensor<?xf32>) -> tensor<f32> {
  %held = dl.stop_gradient %y : tensor<2xf32>
  %a = dl.mul %x, %held : tensor<2xf32>
  %b = dl.sin %x : tensor<2xf32>
  %c = dl.add %a, %b : tensor<2xf32>
  %l = dl.reduce "sum" %c axes [0] : tensor<2xf32> -> tensor<f32>
  return %l : tensor<f32>
}
// CHECK-LABEL: func.func private @uses__grad_0_1_2(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<2xf32>, %[[Y:[^:]*]]: tensor<2xf32>, %[[Z:[^:]*]]: tensor<?xf32>)
// CHECK:         %[[HELD:.*]] = dl.stop_gradient %[[Y]]
// CHECK:         %[[COS:.*]] = dl.cos %[[X]]
// CHECK:         %[[FROM_SIN:.*]] = dl.mul %[[C_ADJ:.*]], %[[COS]]
// CHECK:         %[[FROM_MUL:.*]] = dl.mul %[[C_ADJ]], %[[HELD]]
// CHECK:         %[[X_ADJ:.*]] = dl.add %[[FROM_SIN]], %[[FROM_MUL]]
// CHECK:         %[[Y_ADJ:.*]] = dl.broadcast %{{.*}} axes [] sizes() : tensor<f32> -> tensor<2xf32>
// CHECK:         %[[DIM:.*]] = tensor.dim %[[Z]]
// CHECK:         %[[Z_ADJ:.*]] = dl.broadcast %{{.*}} axes [] sizes(%[[DIM]]) : tensor<f32> -> tensor<?xf32>
// CHECK:         return %[[X_ADJ]], %[[Y_ADJ]], %[[Z_ADJ]]
func.func @uses_grads(%x: tensor<2xf32>, %z: tensor<?xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<?xf32>) {
  %g:3 = dl.grad @uses(%x, %x, %z) wrt [0, 1, 2] : (tensor<2xf32>, tensor<2xf32>, tensor<?xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<?xf32>)
  return %g#0, %g#1, %g#2 : tensor<2xf32>, tensor<2xf32>, tensor<?xf32>
}

// A derivative of a derivative: the inner one first, and the name of a function that the module has already is left alone.
func.func private @cube(%x: tensor<f64>) -> tensor<f64> {
  %a = dl.square %x : tensor<f64>
  %y = dl.mul %a, %x : tensor<f64>
  return %y : tensor<f64>
}
func.func private @slope(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.grad @cube(%x) wrt [0] : (tensor<f64>) -> tensor<f64>
  return %y : tensor<f64>
}
func.func private @cube__grad_0() {
  return
}
// CHECK-LABEL: func.func private @cube__grad_0__1(
// CHECK-LABEL: func.func private @slope(
// CHECK:         call @cube__grad_0__1(
// CHECK-LABEL: func.func private @slope__grad_0(
// CHECK-NOT:     call
// CHECK-LABEL: func.func @curvature(
// CHECK:         call @slope__grad_0(
func.func @curvature(%x: tensor<f64>) -> tensor<f64> {
  %y = dl.grad @slope(%x) wrt [0] : (tensor<f64>) -> tensor<f64>
  return %y : tensor<f64>
}

// An index that is only looked up with carries no gradient.
func.func private @looked_up(%x: tensor<4x8xf32>) -> tensor<f32> {
  %i = dl.arg_reduce "argmax" %x axis 1 : tensor<4x8xf32> -> tensor<4xi32>
  %j = dl.reshape %i sizes() : tensor<4xi32> -> tensor<4x1xi32>
  %y = dl.take_along_axis %x, %j axis 1 : (tensor<4x8xf32>, tensor<4x1xi32>) -> tensor<4x1xf32>
  %l = dl.reduce "sum" %y axes [0, 1] : tensor<4x1xf32> -> tensor<f32>
  return %l : tensor<f32>
}
// CHECK-LABEL: func.func private @looked_up__grad_0(
// CHECK:         %[[J:.*]] = dl.reshape
// CHECK:         dl.scatter_add_along_axis %{{.*}}, %[[J]], %{{.*}} axis 1
func.func @looked_up_grad(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %g = dl.grad @looked_up(%x) wrt [0] : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// The products of a derivative are in the precision of those that they belong to.
func.func private @in_bf16(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<f32> {
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] {precision = "bf16"} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2xf32>
  %s = dl.reduce "sum" %y axes [0] : tensor<2xf32> -> tensor<f32>
  return %s : tensor<f32>
}

// CHECK-LABEL: func.func private @in_bf16__grad
// CHECK-NOT:   contract [] x [] : (
// CHECK:       dl.dot_general {{.*}} contract [] x [] {precision = "bf16"} : (tensor<2xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @of_in_bf16(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %g = dl.grad @in_bf16(%a, %b) wrt [0] : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %g : tensor<2x3xf32>
}
