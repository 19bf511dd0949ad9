// dl.call: a call that stays one while derivatives are made; expand-derivatives makes a plain one of it.
// RUN: dlc-opt %s --canonicalize | FileCheck %s
// RUN: dlc-opt %s --inline --expand-derivatives | FileCheck %s --check-prefix=EXPANDED
//
// EVAL: @twice([1.0, -2.0, 0.5]) == [1.0, 16.0, 0.0625]
// EVAL: @of_loss([1.0, -2.0, 0.5]) == [4.0, -32.0, 0.5]
// EVAL: @straight([1.2, -2.0, 0.5]) == [10.0, 10.0, 10.0]
// EVAL: @scaled(2, [1.0, 2.0], 3.0, [1.0, 0.5], 2.0) == [3.0, 6.0], [5.0, 5.5]
// EVAL: @scaled_back(2, [1.0, 2.0], 3.0, [1.0, 0.5]) == [3.0, 1.5], 2.0
// GRADCHECK: @of_loss
// GRADCHECK: @scaled_value tol=1e-6
// GRADCHECK: @second tol=1e-5

// An op with effects as long as nobody knows whether the callee prints.
// CHECK-LABEL: func.func @twice(
// CHECK: %[[A:.*]] = dl.call @square(%arg0) checkpoint : (tensor<3xf64>) -> tensor<3xf64>
// CHECK: %{{.*}} = dl.call @square(%[[A]]) checkpoint : (tensor<3xf64>) -> tensor<3xf64>
// EXPANDED-LABEL: func.func @twice(
// EXPANDED: call @square(%arg0) : (tensor<3xf64>) -> tensor<3xf64>
func.func @twice(%x: tensor<3xf64>) -> tensor<3xf64> {
  %a = dl.call @square(%x) checkpoint : (tensor<3xf64>) -> tensor<3xf64>
  %b = dl.call @square(%a) checkpoint : (tensor<3xf64>) -> tensor<3xf64>
  return %b : tensor<3xf64>
}

func.func private @square(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = dl.mul %x, %x : tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func private @loss(%x: tensor<3xf64>) -> tensor<f64> {
  %y = func.call @twice(%x) : (tensor<3xf64>) -> tensor<3xf64>
  %l = dl.reduce "sum" %y axes [0] : tensor<3xf64> -> tensor<f64>
  return %l : tensor<f64>
}

// The way back calls the callee's derivative, with the arguments behind a barrier; the last call has no other use.
// EXPANDED-LABEL: func.func private @loss__grad_0(
// EXPANDED: %[[A:.*]] = call @square(%arg0)
// EXPANDED-NOT: call @square(
// EXPANDED: %[[CT:.*]] = dl.broadcast
// EXPANDED: %[[AGAIN:.*]] = dl.optimization_barrier %[[A]] after %[[CT]]
// EXPANDED: %[[A_ADJ:.*]] = call @square__vjp_0(%[[AGAIN]], %[[CT]])
// EXPANDED: %[[X:.*]] = dl.optimization_barrier %arg0 after %[[A_ADJ]]
// EXPANDED: call @square__vjp_0(%[[X]], %[[A_ADJ]])
func.func @of_loss(%x: tensor<3xf64>) -> tensor<3xf64> {
  %g = dl.grad @loss(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}

// A rule of reverse mode.
func.func private @rounded(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = dl.round %x : tensor<3xf64>
  return %y : tensor<3xf64>
}
func.func private @rounded_vjp(%x: tensor<3xf64>, %ct: tensor<3xf64>) -> tensor<3xf64> {
  %ten = dl.constant dense<10.0> : tensor<3xf64>
  %x_adj = dl.mul %ct, %ten : tensor<3xf64>
  return %x_adj : tensor<3xf64>
}
func.func private @rounded_loss(%x: tensor<3xf64>) -> tensor<f64> {
  %y = dl.call @rounded(%x) vjp @rounded_vjp : (tensor<3xf64>) -> tensor<3xf64>
  %l = dl.reduce "sum" %y axes [0] : tensor<3xf64> -> tensor<f64>
  return %l : tensor<f64>
}
func.func @straight(%x: tensor<3xf64>) -> tensor<3xf64> {
  %g = dl.grad @rounded_loss(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}

// A rule of forward mode, which reverse mode takes back.
func.func private @scale(%n: index, %x: tensor<?xf64>, %s: tensor<f64>) -> tensor<?xf64> {
  %all = dl.broadcast %s axes [] sizes(%n) : tensor<f64> -> tensor<?xf64>
  %y = dl.mul %x, %all : tensor<?xf64>
  return %y : tensor<?xf64>
}
func.func private @scale_jvp(%n: index, %x: tensor<?xf64>, %s: tensor<f64>, %x_tan: tensor<?xf64>, %s_tan: tensor<f64>)
    -> tensor<?xf64> {
  %a = func.call @scale(%n, %x_tan, %s) : (index, tensor<?xf64>, tensor<f64>) -> tensor<?xf64>
  %b = func.call @scale(%n, %x, %s_tan) : (index, tensor<?xf64>, tensor<f64>) -> tensor<?xf64>
  %y_tan = dl.add %a, %b : tensor<?xf64>
  return %y_tan : tensor<?xf64>
}
func.func private @of_scale(%n: index, %x: tensor<?xf64>, %s: tensor<f64>) -> tensor<?xf64> {
  %y = dl.call @scale(%n, %x, %s) jvp @scale_jvp : (index, tensor<?xf64>, tensor<f64>) -> tensor<?xf64>
  return %y : tensor<?xf64>
}
func.func @scaled(%n: index, %x: tensor<?xf64>, %s: tensor<f64>, %x_tan: tensor<?xf64>, %s_tan: tensor<f64>)
    -> (tensor<?xf64>, tensor<?xf64>) {
  %y:2 = dl.jvp @of_scale(%n, %x, %s, %x_tan, %s_tan) wrt [0, 1]
    : (index, tensor<?xf64>, tensor<f64>, tensor<?xf64>, tensor<f64>) -> (tensor<?xf64>, tensor<?xf64>)
  return %y#0, %y#1 : tensor<?xf64>, tensor<?xf64>
}
func.func @scaled_back(%n: index, %x: tensor<?xf64>, %s: tensor<f64>, %ct: tensor<?xf64>) -> (tensor<?xf64>, tensor<f64>) {
  %y:2 = dl.vjp @of_scale(%n, %x, %s, %ct) wrt [0, 1]
    : (index, tensor<?xf64>, tensor<f64>, tensor<?xf64>) -> (tensor<?xf64>, tensor<f64>)
  return %y#0, %y#1 : tensor<?xf64>, tensor<f64>
}

// Derivatives of derivatives, in a loop with a branch, of an integer argument and of one result of two.
func.func @scaled_value(%x: tensor<4xf64>, %s: tensor<f64>) -> tensor<f64> {
  %n = arith.constant 4 : index
  %d = dl.reshape %x sizes(%n) : tensor<4xf64> -> tensor<?xf64>
  %y = dl.call @scale(%n, %d, %s) checkpoint jvp @scale_jvp : (index, tensor<?xf64>, tensor<f64>) -> tensor<?xf64>
  %p = dl.sin %y : tensor<?xf64>
  %l = dl.reduce "sum" %p axes [0] : tensor<?xf64> -> tensor<f64>
  return %l : tensor<f64>
}
func.func private @step(%i: tensor<i64>, %x: tensor<4xf64>) -> (tensor<i64>, tensor<4xf64>, tensor<4xf64>) {
  %f = dl.convert %i : tensor<i64> -> tensor<f64>
  %n = dl.broadcast %f axes [] sizes() : tensor<f64> -> tensor<4xf64>
  %a = dl.add %x, %n : tensor<4xf64>
  %y = dl.sin %a : tensor<4xf64>
  %next = dl.add %i, %i : tensor<i64>
  %z = dl.exp %y : tensor<4xf64>
  return %next, %y, %z : tensor<i64>, tensor<4xf64>, tensor<4xf64>
}
func.func private @steps(%x: tensor<4xf64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %one = dl.constant dense<1> : tensor<i64>
  %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%n = %one, %a = %x) -> (tensor<i64>, tensor<4xf64>) {
    %s:3 = dl.call @step(%n, %a) checkpoint : (tensor<i64>, tensor<4xf64>) -> (tensor<i64>, tensor<4xf64>, tensor<4xf64>)
    scf.yield %s#0, %s#2 : tensor<i64>, tensor<4xf64>
  }
  %f = dl.convert %r#0 : tensor<i64> -> tensor<f64>
  %l = dl.reduce "sum" %r#1 axes [0] : tensor<4xf64> -> tensor<f64>
  %y = dl.mul %l, %f : tensor<f64>
  return %y : tensor<f64>
}
func.func @second(%x: tensor<4xf64>) -> tensor<4xf64> {
  %g = dl.grad @steps(%x) wrt [0] : (tensor<4xf64>) -> tensor<4xf64>
  return %g : tensor<4xf64>
}
