// dl.jvp: values and tangents of a function; expanded by expand-derivatives.
// RUN: dlc-opt %s | FileCheck %s

// RUN: dlc-opt %s --expand-derivatives | FileCheck %s --check-prefix=EXPANDED
//
// EVAL: @pushed([1.0, -2.0, 0.5], [1.0, 10.0, 100.0]) == [1.0, 4.0, 0.25], [2.0, -40.0, 100.0]
// EVAL: @of_some(2, [3.0, 4.0], [1.0, 2.0], [10.0, 20.0]) == 11.0, 2, [1.0, 2.0], 50.0, [0.0, 0.0]
// EVAL: @of_some(0, [], [], []) == 0.0, 0, [], 0.0, []
// EVAL: @powers(3, 2.0, 1.0) == 8.0, 12.0
// EVAL: @powers(0, 2.0, 1.0) == 1.0, 0.0
// EVAL: @until(2.0, 1.0) == 128.0, 448.0
// EVAL: @either(true, 3.0, 10.0) == 9.0, 60.0
// EVAL: @either(false, 3.0, 10.0) == 7.0, 0.0
// GRADCHECK: @forward_over_reverse tol=1e-5
// GRADCHECK: @reverse_over_forward tol=1e-5
// GRADCHECK: @recurrence(5, 3)
// GRADCHECK: @newton domain=(0.5,3) mode=forward
// GRADCHECK: @branches domain=(0.1,2)
// GRADCHECK: @nested(4)

// CHECK-LABEL: func.func @pushed(
// CHECK: dl.jvp @square(%{{.*}}, %{{.*}}) wrt [0] : (tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
// EXPANDED-LABEL: func.func @pushed(
// EXPANDED-NOT: dl.jvp
// EXPANDED: call @square__jvp_0(%arg0, %arg1)
func.func @pushed(%x: tensor<3xf32>, %v: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %y:2 = dl.jvp @square(%x, %v) wrt [0] : (tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  return %y#0, %y#1 : tensor<3xf32>, tensor<3xf32>
}

func.func private @square(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = dl.mul %x, %x : tensor<3xf32>
  return %y : tensor<3xf32>
}

// A tangent of one argument of two; a result that is an integer has none, one that does not depend on it has zero.
func.func @of_some(%n: index, %x: tensor<?xf64>, %w: tensor<?xf64>, %v: tensor<?xf64>)
    -> (tensor<f64>, tensor<i64>, tensor<?xf64>, tensor<f64>, tensor<?xf64>) {
  %y:5 = dl.jvp @weighted(%n, %x, %w, %v) wrt [0] : (index, tensor<?xf64>, tensor<?xf64>, tensor<?xf64>)
    -> (tensor<f64>, tensor<i64>, tensor<?xf64>, tensor<f64>, tensor<?xf64>)
  return %y#0, %y#1, %y#2, %y#3, %y#4 : tensor<f64>, tensor<i64>, tensor<?xf64>, tensor<f64>, tensor<?xf64>
}

func.func private @weighted(%n: index, %x: tensor<?xf64>, %w: tensor<?xf64>)
    -> (tensor<f64>, tensor<i64>, tensor<?xf64>) {
  %p = dl.mul %x, %w : tensor<?xf64>
  %y = dl.reduce "sum" %p axes [0] : tensor<?xf64> -> tensor<f64>
  %i = dl.dim_value %n : tensor<i64>
  return %y, %i, %w : tensor<f64>, tensor<i64>, tensor<?xf64>
}

// A loop carries the tangent of what it carries, from zero, as what it begins with does not vary.
// EXPANDED-LABEL: func.func private @power__jvp_0(
// EXPANDED: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (tensor<f64>, tensor<f64>)
func.func private @power(%n: index, %x: tensor<f64>) -> tensor<f64> {
  %zero = arith.constant 0 : index
  %unit = arith.constant 1 : index
  %one = dl.constant dense<1.0> : tensor<f64>
  %y = scf.for %i = %zero to %n step %unit iter_args(%y = %one) -> (tensor<f64>) {
    %next = func.call @product(%y, %x) : (tensor<f64>, tensor<f64>) -> tensor<f64>
    scf.yield %next : tensor<f64>
  }
  return %y : tensor<f64>
}

func.func private @product(%x: tensor<f64>, %y: tensor<f64>) -> tensor<f64> {
  %p = dl.mul %x, %y : tensor<f64>
  return %p : tensor<f64>
}

func.func @powers(%n: index, %x: tensor<f64>, %v: tensor<f64>) -> (tensor<f64>, tensor<f64>) {
  %y:2 = dl.jvp @power(%n, %x, %v) wrt [0] : (index, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %y#0, %y#1 : tensor<f64>, tensor<f64>
}

// x, multiplied by x until it is over 100, with a count that has no tangent.
func.func private @over(%x: tensor<f64>) -> tensor<f64> {
  %hundred = dl.constant dense<100.0> : tensor<f64>
  %zero = dl.constant dense<0> : tensor<i64>
  %one = dl.constant dense<1> : tensor<i64>
  %y:2 = scf.while (%y = %x, %n = %zero) : (tensor<f64>, tensor<i64>) -> (tensor<f64>, tensor<i64>) {
    %small = dl.less %y, %hundred : tensor<f64> -> tensor<i1>
    %go = tensor.extract %small[] : tensor<i1>
    scf.condition(%go) %y, %n : tensor<f64>, tensor<i64>
  } do {
  ^bb0(%y: tensor<f64>, %n: tensor<i64>):
    %next = dl.mul %y, %x : tensor<f64>
    %count = dl.add %n, %one : tensor<i64>
    scf.yield %next, %count : tensor<f64>, tensor<i64>
  }
  return %y#0 : tensor<f64>
}

func.func @until(%x: tensor<f64>, %v: tensor<f64>) -> (tensor<f64>, tensor<f64>) {
  %y:2 = dl.jvp @over(%x, %v) wrt [0] : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %y#0, %y#1 : tensor<f64>, tensor<f64>
}

// One side varies, the other does not.
func.func private @chosen(%c: tensor<i1>, %x: tensor<f64>) -> tensor<f64> {
  %seven = dl.constant dense<7.0> : tensor<f64>
  %if = tensor.extract %c[] : tensor<i1>
  %y = scf.if %if -> (tensor<f64>) {
    %y = dl.mul %x, %x : tensor<f64>
    scf.yield %y : tensor<f64>
  } else {
    scf.yield %seven : tensor<f64>
  }
  return %y : tensor<f64>
}

func.func @either(%c: tensor<i1>, %x: tensor<f64>, %v: tensor<f64>) -> (tensor<f64>, tensor<f64>) {
  %y:2 = dl.jvp @chosen(%c, %x, %v) wrt [1] : (tensor<i1>, tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>)
  return %y#0, %y#1 : tensor<f64>, tensor<f64>
}

// The product of a Hessian and a vector, both ways.
func.func private @energy(%x: tensor<4xf64>) -> tensor<f64> {
  %s = dl.sin %x : tensor<4xf64>
  %p = dl.mul %s, %x : tensor<4xf64>
  %y = dl.reduce "prod" %p axes [0] : tensor<4xf64> -> tensor<f64>
  return %y : tensor<f64>
}

func.func private @slope(%x: tensor<4xf64>) -> tensor<4xf64> {
  %g = dl.grad @energy(%x) wrt [0] : (tensor<4xf64>) -> tensor<4xf64>
  return %g : tensor<4xf64>
}

func.func @forward_over_reverse(%x: tensor<4xf64>, %v: tensor<4xf64>) -> tensor<4xf64> {
  %y:2 = dl.jvp @slope(%x, %v) wrt [0] : (tensor<4xf64>, tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>)
  return %y#1 : tensor<4xf64>
}

func.func private @along(%x: tensor<4xf64>, %v: tensor<4xf64>) -> tensor<f64> {
  %y:2 = dl.jvp @energy(%x, %v) wrt [0] : (tensor<4xf64>, tensor<4xf64>) -> (tensor<f64>, tensor<f64>)
  return %y#1 : tensor<f64>
}

func.func @reverse_over_forward(%x: tensor<4xf64>, %v: tensor<4xf64>) -> tensor<4xf64> {
  %y = dl.grad @along(%x, %v) wrt [0] : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}

// h = tanh(h w + x[t]), by a loop over the first axis of x.
func.func @recurrence(%n: index, %d: index, %w: tensor<?x?xf64> {dl.shape = ["d", "d"]},
    %x: tensor<?x?xf64> {dl.shape = ["n", "d"]}) -> (tensor<?xf64> {dl.shape = ["d"]})
    attributes {dl.dims = ["n", "d"]} {
  %zero = arith.constant 0 : index
  %unit = arith.constant 1 : index
  %number = dl.constant dense<0.25> : tensor<f64>
  %start = dl.broadcast %number axes [] sizes(%d) : tensor<f64> -> tensor<?xf64>
  %h = scf.for %t = %zero to %n step %unit iter_args(%h = %start) -> (tensor<?xf64>) {
    %row = dl.slice %x starts(%t, %zero) strides [1, 1] sizes(%d) : tensor<?x?xf64> -> tensor<1x?xf64>
    %in = dl.reshape %row sizes(%d) : tensor<1x?xf64> -> tensor<?xf64>
    %p = dl.dot_general %h, %w batch [] x [] contract [0] x [0] : (tensor<?xf64>, tensor<?x?xf64>) -> tensor<?xf64>
    %s = dl.add %p, %in : tensor<?xf64>
    %next = dl.tanh %s : tensor<?xf64>
    scf.yield %next : tensor<?xf64>
  }
  return %h : tensor<?xf64>
}

// The square root by Newton's method.
func.func @newton(%x: tensor<f64>) -> tensor<f64> {
  %half = dl.constant dense<0.5> : tensor<f64>
  %near = dl.constant dense<1.0e-13> : tensor<f64>
  %y = scf.while (%y = %x) : (tensor<f64>) -> (tensor<f64>) {
    %s = dl.mul %y, %y : tensor<f64>
    %d = dl.sub %s, %x : tensor<f64>
    %a = dl.abs %d : tensor<f64>
    %c = dl.greater %a, %near : tensor<f64> -> tensor<i1>
    %go = tensor.extract %c[] : tensor<i1>
    scf.condition(%go) %y : tensor<f64>
  } do {
  ^bb0(%y: tensor<f64>):
    %q = dl.div %x, %y : tensor<f64>
    %s = dl.add %y, %q : tensor<f64>
    %next = dl.mul %half, %s : tensor<f64>
    scf.yield %next : tensor<f64>
  }
  return %y : tensor<f64>
}

func.func @branches(%x: tensor<3xf64>) -> tensor<f64> {
  %one = dl.constant dense<3.0> : tensor<f64>
  %s = dl.reduce "sum" %x axes [0] : tensor<3xf64> -> tensor<f64>
  %c = dl.greater %s, %one : tensor<f64> -> tensor<i1>
  %if = tensor.extract %c[] : tensor<i1>
  %y:2 = scf.if %if -> (tensor<f64>, tensor<f64>) {
    %y = dl.exp %s : tensor<f64>
    scf.yield %y, %s : tensor<f64>, tensor<f64>
  } else {
    %y = dl.reduce "prod" %x axes [0] : tensor<3xf64> -> tensor<f64>
    scf.yield %one, %y : tensor<f64>, tensor<f64>
  }
  %z = dl.mul %y#0, %y#1 : tensor<f64>
  return %z : tensor<f64>
}

// What varies does so only from the second round on, through what was captured.
func.func @nested(%n: index, %x: tensor<f64>) -> tensor<f64> attributes {dl.dims = ["n"]} {
  %zero = arith.constant 0 : index
  %unit = arith.constant 1 : index
  %one = dl.constant dense<1.0> : tensor<f64>
  %y:2 = scf.for %i = %zero to %n step %unit iter_args(%a = %one, %b = %one) -> (tensor<f64>, tensor<f64>) {
    %c = scf.for %j = %zero to %i step %unit iter_args(%c = %b) -> (tensor<f64>) {
      %s = dl.mul %c, %x : tensor<f64>
      %next = dl.sin %s : tensor<f64>
      scf.yield %next : tensor<f64>
    }
    scf.yield %b, %c : tensor<f64>, tensor<f64>
  }
  %z = dl.add %y#0, %y#1 : tensor<f64>
  return %z : tensor<f64>
}
