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

// A loop keeps what its rounds begin with, where the way back reads it; the integer that it counts is not kept.
// CHECK-LABEL: func.func private @chain__grad_0(
// CHECK: %[[NONE:.*]] = dl.broadcast {{.*}} sizes(%[[N:.*]]) : tensor<f32> -> tensor<?xf32>
// CHECK: %[[FORTH:.*]]:3 = scf.for %[[I:.*]] = {{.*}} to %[[N]] {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %{{.*}} = %{{.*}}, %[[TAPE:.*]] = %[[NONE]])
// CHECK: %[[PART:.*]] = dl.reshape %[[A]]
// CHECK: dl.update_slice %[[TAPE]], %[[PART]] starts(%[[I]])
// CHECK: scf.for %[[J:.*]] = {{.*}} to %[[N]] {{.*}} iter_args(%[[A_ADJ:.*]] = %{{.*}}) -> (tensor<f32>)
// CHECK: %[[LAST:.*]] = arith.subi %[[N]], %{{.*}}
// CHECK: %[[AT:.*]] = arith.subi %[[LAST]], %[[J]]
// CHECK: dl.slice %[[FORTH]]#2 starts(%[[AT]])
// CHECK: dl.sin
// CHECK: dl.mul %[[A_ADJ]]
func.func private @chain(%n: index, %x: tensor<f32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = dl.constant dense<0> : tensor<i32>
  %one = dl.constant dense<1> : tensor<i32>
  %y:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %k = %zero) -> (tensor<f32>, tensor<i32>) {
    %b = dl.cos %a : tensor<f32>
    %m = dl.add %k, %one : tensor<i32>
    scf.yield %b, %m : tensor<f32>, tensor<i32>
  }
  return %y#0 : tensor<f32>
}
func.func @of_chain(%n: index, %x: tensor<f32>) -> tensor<f32> {
  %g = dl.grad @chain(%n, %x) wrt [0] : (index, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// What a round reads from outside has its adjoint summed in place, part by part: no zeros as large as it are added.
// CHECK-LABEL: func.func private @rows__grad_0(
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[SUM:.*]] = %{{.*}}) -> (tensor<f32>, tensor<?xf32>)
// CHECK: %[[PART:.*]] = dl.slice %[[SUM]]
// CHECK: %[[MORE:.*]] = dl.add %[[PART]], %{{.*}}
// CHECK: dl.update_slice %[[SUM]], %[[MORE]]
// CHECK-NOT: dl.pad
func.func private @rows(%n: index, %x: tensor<?xf32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = dl.constant dense<0.0> : tensor<f32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %zero) -> (tensor<f32>) {
    %p = dl.slice %x starts(%i) strides [1] sizes() : tensor<?xf32> -> tensor<1xf32>
    %r = dl.reshape %p sizes() : tensor<1xf32> -> tensor<f32>
    %s = dl.add %a, %r : tensor<f32>
    %b = dl.sin %s : tensor<f32>
    scf.yield %b : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func @of_rows(%n: index, %x: tensor<?xf32>) -> tensor<?xf32> {
  %g = dl.grad @rows(%n, %x) wrt [0] : (index, tensor<?xf32>) -> tensor<?xf32>
  return %g : tensor<?xf32>
}

// A loop that ends by a condition counts its rounds; the way back is a loop of as many. What the rounds begin with is kept
// where there is room for the most that there may be.
// CHECK-LABEL: func.func private @until__grad_0(
// CHECK: %[[NONE:.*]] = dl.broadcast {{.*}} -> tensor<8xf32>
// CHECK: %[[FORTH:.*]]:3 = scf.while (%{{.*}} = %{{.*}}, %[[A:.*]] = %{{.*}}, %[[TAPE:.*]] = %[[NONE]])
// CHECK: scf.condition(%{{.*}}) %{{.*}}, %[[A]], %[[TAPE]]
// CHECK: ^bb0(%[[I:.*]]: index, %[[B:.*]]: tensor<f32>, %[[GIVEN:.*]]: tensor<8xf32>):
// CHECK: %[[PART:.*]] = dl.reshape %[[B]]
// CHECK: dl.update_slice %[[GIVEN]], %[[PART]] starts(%[[I]])
// CHECK: scf.for %[[J:.*]] = {{.*}} to %[[FORTH]]#0 {{.*}} iter_args(%[[A_ADJ:.*]] = %{{.*}}) -> (tensor<f32>)
// CHECK: dl.slice %[[FORTH]]#2
// CHECK: dl.sin
// CHECK: dl.mul %[[A_ADJ]]
func.func private @until(%x: tensor<f32>, %least: tensor<f32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %eight = dl.constant dense<8> : tensor<i64>
  %y:2 = scf.while (%i = %c0, %a = %x) : (index, tensor<f32>) -> (index, tensor<f32>) {
    %more = dl.greater %a, %least : tensor<f32> -> tensor<i1>
    %k = dl.dim_value %i : tensor<i64>
    %below = dl.less %k, %eight : tensor<i64> -> tensor<i1>
    %both = dl.bitwise_and %more, %below : tensor<i1>
    %c = tensor.extract %both[] : tensor<i1>
    scf.condition(%c) %i, %a : index, tensor<f32>
  } do {
  ^bb0(%i: index, %a: tensor<f32>):
    %j = arith.addi %i, %c1 : index
    %b = dl.cos %a : tensor<f32>
    scf.yield %j, %b : index, tensor<f32>
  }
  return %y#1 : tensor<f32>
}
func.func @of_until(%x: tensor<f32>, %least: tensor<f32>) -> tensor<f32> {
  %g = dl.grad @until(%x, %least) wrt [0] : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// A derivative in a callee, by a number of which a bound is known where it is asked for.
// CHECK-NOT: func.func private @inner_slope(
// CHECK-LABEL: func.func private @inner_slope__1__grad_0(
// CHECK: %[[BOUND:.*]] = dl.constant dense<5> : tensor<i64>
// CHECK: dl.minimum %{{.*}}, %[[BOUND]] : tensor<i64>
func.func private @counts(%x: tensor<f32>, %n: tensor<i64>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.extract %n[] : tensor<i64>
  %rounds = arith.index_cast %m : i64 to index
  %y = scf.for %i = %c0 to %rounds step %c1 iter_args(%a = %x) -> (tensor<f32>) {
    %b = dl.cos %a : tensor<f32>
    scf.yield %b : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func private @inner_slope(%x: tensor<f32>, %n: tensor<i64>) -> tensor<f32> {
  %g = dl.grad @counts(%x, %n) wrt [0] : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return %g : tensor<f32>
}
func.func @of_inner_slope(%x: tensor<f32>, %n: tensor<i64>) -> tensor<f32> {
  %five = dl.constant dense<5> : tensor<i64>
  %m = dl.minimum %n, %five : tensor<i64>
  %g = dl.grad @inner_slope(%x, %m) wrt [0] : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return %g : tensor<f32>
}

// A loop whose derivative keeps less becomes a nest: what is kept is what the four outer rounds begin with, and one inner
// loop at a time.
// CHECK-LABEL: func.func private @ten__grad_0(
// CHECK: %[[FORTH:.*]]:2 = scf.for {{.*}} -> (tensor<8xf64>, tensor<4x8xf64>)
// CHECK: arith.minsi
// CHECK: scf.for {{.*}} -> (tensor<8xf64>)
// CHECK: dl.update_slice {{.*}} : tensor<4x8xf64>
// CHECK: scf.for {{.*}} -> (tensor<8xf64>)
// CHECK: dl.slice %[[FORTH]]#1
// CHECK: scf.for {{.*}} -> (tensor<8xf64>, tensor<3x8xf64>)
// CHECK: scf.for {{.*}} -> (tensor<8xf64>)
func.func private @ten(%x: tensor<8xf64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c10 = arith.constant 10 : index
  %y = scf.for %i = %c0 to %c10 step %c1 iter_args(%a = %x) -> (tensor<8xf64>) {
    %b = dl.cos %a : tensor<8xf64>
    scf.yield %b : tensor<8xf64>
  }
  %s = dl.reduce "sum" %y axes [0] : tensor<8xf64> -> tensor<f64>
  return %s : tensor<f64>
}
func.func @of_ten(%x: tensor<8xf64>) -> tensor<8xf64> attributes {dl.loop_depth = 2 : i64} {
  %g = dl.grad @ten(%x) wrt [0] : (tensor<8xf64>) -> tensor<8xf64>
  return %g : tensor<8xf64>
}

// What a product is needed for is kept rather than computed again; what is made of that elementwise is not. The matrix, which
// every round hands on as it is, is there once.
// CHECK-LABEL: func.func private @layers__grad_0(
// CHECK: %[[FORTH:.*]]:4 = scf.for {{.*}} -> (tensor<64x64xf32>, tensor<64x64xf32>, tensor<5x64x64xf32>, tensor<5x64x64xf32>)
// CHECK: dl.dot_general
// CHECK: dl.tanh
// CHECK: scf.for
// CHECK-NOT: dl.dot_general
// CHECK: %[[KEPT:.*]] = dl.slice %[[FORTH]]#2
// CHECK: %[[TANH:.*]] = dl.reshape %[[KEPT]]
// CHECK: dl.mul %[[TANH]], %[[TANH]]
// CHECK-NOT: dl.dot_general {{.*}} contract [1] x [0]
func.func private @layers(%w: tensor<64x64xf32>, %x: tensor<64x64xf32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %y:2 = scf.for %i = %c0 to %c5 step %c1 iter_args(%a = %x, %v = %w) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
    %p = dl.dot_general %a, %v batch [] x [] contract [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
    %t = dl.tanh %p : tensor<64x64xf32>
    %b = dl.add %t, %a : tensor<64x64xf32>
    scf.yield %b, %v : tensor<64x64xf32>, tensor<64x64xf32>
  }
  %s = dl.reduce "sum" %y#0 axes [0, 1] : tensor<64x64xf32> -> tensor<f32>
  return %s : tensor<f32>
}
func.func @of_layers(%w: tensor<64x64xf32>, %x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %g = dl.grad @layers(%w, %x) wrt [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %g : tensor<64x64xf32>
}
