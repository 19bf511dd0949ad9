// dl.vmap: a function of each element of a batch; expanded by expand-derivatives.
// RUN: dlc-opt %s | FileCheck %s
// RUN: dlc-opt %s --expand-derivatives | FileCheck %s --check-prefix=EXPANDED
//
// EVAL: @lines(2, [10.0, 20.0], [[1.0, 2.0], [3.0, 4.0]]) == [50.0, 110.0]
// EVAL: @lines(0, [10.0, 20.0], []) == []
// EVAL: @columns([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) == [[2.0, 8.0], [4.0, 10.0], [6.0, 12.0]], 7.0
// EVAL: @powers(4, [2.0, 2.0, 2.0, 3.0], [0, 1, 5, -1]) == [1.0, 2.0, 32.0, 1.0]
// EVAL: @powers(0, [], []) == []
// EVAL: @halved(3, [10.0, 1.0, 3.0]) == [0.625, 1.0, 0.75], [4, 0, 2]
// EVAL: @sides(3, [4.0, -4.0, 0.0], 3.0) == [6.0, 16.0, 0.0]
// EVAL: @nested([1.0, 2.0], [10.0, 20.0, 30.0]) == [[11.0, 21.0, 31.0], [12.0, 22.0, 32.0]]
// EVAL: @checked_sides(4, [4.0, -4.0, 0.0, 9.0]) == [2.0, 16.0, 0.0, 3.0]
// EVAL: @checked_sides(0, []) == []
// EVAL-FAILS: @checked_sides(2, [-1.0, 11.0]) not large
// EVAL-FAILS: @checked_sides(2, [4.0, -11.0]) not small
// EVAL: @checked_rounds(3, [2.0, 9.0, 3.0], [2, 0, 4]) == [8.0, 9.0, 9.0], [1.0, 0.0, 6.0]
// EVAL-FAILS: @checked_rounds(3, [9.0, -1.0, 3.0], [2, 0, 4]) positive
// EVAL-FAILS: @checked_rounds(3, [1.0, 9.0, 3.0], [2, 0, 5]) below four
// EVAL: @noises([[1, 2], [3, 4], [5, 6]], [2, 0, 1]) == true
// GRADCHECK: @through(3)

// CHECK-LABEL: func.func @lines(
// CHECK: dl.vmap @dot(%{{.*}}, %{{.*}}, %{{.*}}) in_axes [-1, 0] out_axes [0] : (index, tensor<2xf64>, tensor<?x2xf64>) -> tensor<?xf64>
// EXPANDED-LABEL: func.func @lines(
// EXPANDED: call @dot__vmap_none_0(%arg0, %arg1, %arg2)
func.func @lines(%n: index, %w: tensor<2xf64>, %x: tensor<?x2xf64>) -> tensor<?xf64> {
  %y = dl.vmap @dot(%n, %w, %x) in_axes [-1, 0] out_axes [0] : (index, tensor<2xf64>, tensor<?x2xf64>) -> tensor<?xf64>
  return %y : tensor<?xf64>
}

// A batch of one operand makes one product of more rows.
// EXPANDED-LABEL: func.func private @dot__vmap_none_0(
// EXPANDED-NEXT: dl.dot_general %arg2, %arg1 batch [] x [] contract [1] x [0]
// EXPANDED-NEXT: return
func.func private @dot(%w: tensor<2xf64>, %x: tensor<2xf64>) -> tensor<f64> {
  %y = dl.dot_general %w, %x batch [] x [] contract [0] x [0] : (tensor<2xf64>, tensor<2xf64>) -> tensor<f64>
  return %y : tensor<f64>
}

// Axes are moved at the edges; what no batched argument reaches is computed once.
func.func @columns(%x: tensor<2x3xf64>) -> (tensor<3x2xf64>, tensor<f64>) {
  %size = arith.constant 3 : index
  %seven = dl.constant dense<7.0> : tensor<f64>
  %y:2 = dl.vmap @doubled(%size, %x, %seven) in_axes [1, -1] out_axes [0, -1]
    : (index, tensor<2x3xf64>, tensor<f64>) -> (tensor<3x2xf64>, tensor<f64>)
  return %y#0, %y#1 : tensor<3x2xf64>, tensor<f64>
}

func.func private @doubled(%x: tensor<2xf64>, %s: tensor<f64>) -> (tensor<2xf64>, tensor<f64>) {
  %y = dl.add %x, %x : tensor<2xf64>
  return %y, %s : tensor<2xf64>, tensor<f64>
}

// Elements with numbers of rounds of their own: as many as the greatest, and a choice in each.
// EXPANDED-LABEL: func.func private @power__vmap_0_0(
// EXPANDED: dl.reduce "max"
// EXPANDED: scf.for
// EXPANDED: dl.less
// EXPANDED: dl.select
// EXPANDED: scf.yield
func.func @powers(%b: index, %x: tensor<?xf64>, %n: tensor<?xi64>) -> tensor<?xf64> {
  %y = dl.vmap @power(%b, %x, %n) in_axes [0, 0] out_axes [0] : (index, tensor<?xf64>, tensor<?xi64>) -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func private @power(%x: tensor<f64>, %n: tensor<i64>) -> tensor<f64> {
  %zero = arith.constant 0 : index
  %unit = arith.constant 1 : index
  %number = tensor.extract %n[] : tensor<i64>
  %rounds = arith.index_cast %number : i64 to index
  %one = dl.constant dense<1.0> : tensor<f64>
  %y = scf.for %i = %zero to %rounds step %unit iter_args(%y = %one) -> (tensor<f64>) {
    %next = dl.mul %y, %x : tensor<f64>
    scf.yield %next : tensor<f64>
  }
  return %y : tensor<f64>
}

// A loop that elements leave one after another; the integer that all begin with becomes a batch.
func.func @halved(%b: index, %x: tensor<?xf64>) -> (tensor<?xf64>, tensor<?xi32>) {
  %y:2 = dl.vmap @half(%b, %x) in_axes [0] out_axes [0, 0] : (index, tensor<?xf64>) -> (tensor<?xf64>, tensor<?xi32>)
  return %y#0, %y#1 : tensor<?xf64>, tensor<?xi32>
}

func.func private @half(%x: tensor<f64>) -> (tensor<f64>, tensor<i32>) {
  %none = dl.constant dense<0> : tensor<i32>
  %one = dl.constant dense<1> : tensor<i32>
  %most = dl.constant dense<1.0> : tensor<f64>
  %two = dl.constant dense<2.0> : tensor<f64>
  %y:2 = scf.while (%y = %x, %n = %none) : (tensor<f64>, tensor<i32>) -> (tensor<f64>, tensor<i32>) {
    %more = dl.greater %y, %most : tensor<f64> -> tensor<i1>
    %go = tensor.extract %more[] : tensor<i1>
    scf.condition(%go) %y, %n : tensor<f64>, tensor<i32>
  } do {
  ^bb0(%y: tensor<f64>, %n: tensor<i32>):
    %next = dl.div %y, %two : tensor<f64>
    %count = dl.add %n, %one : tensor<i32>
    scf.yield %next, %count : tensor<f64>, tensor<i32>
  }
  return %y#0, %y#1 : tensor<f64>, tensor<i32>
}

// Both sides are computed; the square root of a negative number is not chosen.
func.func @sides(%b: index, %x: tensor<?xf64>, %w: tensor<f64>) -> tensor<?xf64> {
  %y = dl.vmap @side(%b, %x, %w) in_axes [0, -1] out_axes [0] : (index, tensor<?xf64>, tensor<f64>) -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func private @side(%x: tensor<f64>, %w: tensor<f64>) -> tensor<f64> {
  %zero = dl.constant dense<0.0> : tensor<f64>
  %positive = dl.greater %x, %zero : tensor<f64> -> tensor<i1>
  %holds = tensor.extract %positive[] : tensor<i1>
  %y = scf.if %holds -> (tensor<f64>) {
    %root = dl.sqrt %x : tensor<f64>
    %y = dl.mul %root, %w : tensor<f64>
    scf.yield %y : tensor<f64>
  } else {
    %y = dl.mul %x, %x : tensor<f64>
    scf.yield %y : tensor<f64>
  }
  return %y : tensor<f64>
}

func.func @nested(%x: tensor<2xf64>, %y: tensor<3xf64>) -> tensor<2x3xf64> {
  %size = arith.constant 2 : index
  %z = dl.vmap @inner(%size, %x, %y) in_axes [0, -1] out_axes [0] : (index, tensor<2xf64>, tensor<3xf64>) -> tensor<2x3xf64>
  return %z : tensor<2x3xf64>
}

func.func private @inner(%x: tensor<f64>, %y: tensor<3xf64>) -> tensor<3xf64> {
  %size = arith.constant 3 : index
  %z = dl.vmap @sum(%size, %x, %y) in_axes [-1, 0] out_axes [0] : (index, tensor<f64>, tensor<3xf64>) -> tensor<3xf64>
  return %z : tensor<3xf64>
}

func.func private @sum(%x: tensor<f64>, %y: tensor<f64>) -> tensor<f64> {
  %z = dl.add %x, %y : tensor<f64>
  return %z : tensor<f64>
}

// The gradient of a batch of branches: what is not chosen gives no NaN to the weight that all share.
func.func @through(%b: index, %x: tensor<?xf64>, %w: tensor<f64>) -> tensor<f64> {
  %y = dl.vmap @side(%b, %x, %w) in_axes [0, -1] out_axes [0] : (index, tensor<?xf64>, tensor<f64>) -> tensor<?xf64>
  %s = dl.reduce "sum" %y axes [0] : tensor<?xf64> -> tensor<f64>
  return %s : tensor<f64>
}

// What one element checks is no matter of the others.
func.func @checked_sides(%b: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.vmap @checked_side(%b, %x) in_axes [0] out_axes [0] : (index, tensor<?xf64>) -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func private @checked_side(%x: tensor<f64>) -> tensor<f64> {
  %zero = dl.constant dense<0.0> : tensor<f64>
  %ten = dl.constant dense<10.0> : tensor<f64>
  %positive = dl.greater %x, %zero : tensor<f64> -> tensor<i1>
  %holds = tensor.extract %positive[] : tensor<i1>
  %y = scf.if %holds -> (tensor<f64>) {
    %below = dl.less %x, %ten : tensor<f64> -> tensor<i1>
    dl.check %below, "DL1007", "not large"
    %root = dl.sqrt %x : tensor<f64>
    scf.yield %root : tensor<f64>
  } else {
    %least = dl.neg %ten : tensor<f64>
    %above = dl.greater %x, %least : tensor<f64> -> tensor<i1>
    dl.check %above, "DL1007", "not small"
    %y = dl.mul %x, %x : tensor<f64>
    scf.yield %y : tensor<f64>
  }
  return %y : tensor<f64>
}

func.func @checked_rounds(%b: index, %x: tensor<?xf64>, %n: tensor<?xi64>) -> (tensor<?xf64>, tensor<?xf64>) {
  %y:2 = dl.vmap @checked_round(%b, %x, %n) in_axes [0, 0] out_axes [0, 0]
    : (index, tensor<?xf64>, tensor<?xi64>) -> (tensor<?xf64>, tensor<?xf64>)
  return %y#0, %y#1 : tensor<?xf64>, tensor<?xf64>
}

func.func private @checked_round(%x: tensor<f64>, %n: tensor<i64>) -> (tensor<f64>, tensor<f64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = dl.constant dense<0.0> : tensor<f64>
  %one = dl.constant dense<1.0> : tensor<f64>
  %two = dl.constant dense<2.0> : tensor<f64>
  %eight = dl.constant dense<8.0> : tensor<f64>
  %four = dl.constant dense<4> : tensor<i64>
  %y = scf.while (%y = %x) : (tensor<f64>) -> tensor<f64> {
    %more = dl.less %y, %eight : tensor<f64> -> tensor<i1>
    %go = tensor.extract %more[] : tensor<i1>
    scf.condition(%go) %y : tensor<f64>
  } do {
  ^bb0(%y: tensor<f64>):
    %positive = dl.greater %y, %zero : tensor<f64> -> tensor<i1>
    dl.check %positive, "DL1007", "positive"
    %next = dl.add %y, %two : tensor<f64>
    scf.yield %next : tensor<f64>
  }
  %number = tensor.extract %n[] : tensor<i64>
  %rounds = arith.index_cast %number : i64 to index
  %s = scf.for %i = %c0 to %rounds step %c1 iter_args(%s = %zero) -> (tensor<f64>) {
    %at = dl.dim_value %i : tensor<i64>
    %below = dl.less %at, %four : tensor<i64> -> tensor<i1>
    dl.check %below, "DL1007", "below four"
    %f = dl.convert %at : tensor<i64> -> tensor<f64>
    %next = dl.add %s, %f : tensor<f64>
    scf.yield %next : tensor<f64>
  }
  return %y, %s : tensor<f64>, tensor<f64>
}

// Keys of their own, in rounds of their own: what the batch draws is what each element does.
func.func @noises(%k: tensor<3x2xui32>, %n: tensor<3xi64>) -> tensor<i1> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %yes = dl.constant dense<true> : tensor<i1>
  %y = dl.vmap @noise(%c3, %k, %n) in_axes [0, 0] out_axes [1] : (index, tensor<3x2xui32>, tensor<3xi64>) -> tensor<4x3xui32>
  %same = scf.for %i = %c0 to %c3 step %c1 iter_args(%same = %yes) -> (tensor<i1>) {
    %k1 = dl.slice %k starts(%i, %c0) strides [1, 1] sizes() : tensor<3x2xui32> -> tensor<1x2xui32>
    %ki = dl.reshape %k1 sizes() : tensor<1x2xui32> -> tensor<2xui32>
    %n1 = dl.slice %n starts(%i) strides [1] sizes() : tensor<3xi64> -> tensor<1xi64>
    %ni = dl.reshape %n1 sizes() : tensor<1xi64> -> tensor<i64>
    %one = func.call @noise(%ki, %ni) : (tensor<2xui32>, tensor<i64>) -> tensor<4xui32>
    %y1 = dl.slice %y starts(%c0, %i) strides [1, 1] sizes() : tensor<4x3xui32> -> tensor<4x1xui32>
    %yi = dl.reshape %y1 sizes() : tensor<4x1xui32> -> tensor<4xui32>
    %equal = dl.equal %one, %yi : tensor<4xui32> -> tensor<4xi1>
    %all = dl.reduce "all" %equal axes [0] : tensor<4xi1> -> tensor<i1>
    %next = dl.bitwise_and %same, %all : tensor<i1>
    scf.yield %next : tensor<i1>
  }
  return %same : tensor<i1>
}

func.func private @noise(%k: tensor<2xui32>, %n: tensor<i64>) -> tensor<4xui32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %number = tensor.extract %n[] : tensor<i64>
  %rounds = arith.index_cast %number : i64 to index
  %zero = dl.constant dense<7> : tensor<4xui32>
  %y:2 = scf.for %i = %c0 to %rounds step %c1 iter_args(%key = %k, %y = %zero) -> (tensor<2xui32>, tensor<4xui32>) {
    %next = dl.random_bits %key sizes() : tensor<2xui32> -> tensor<2xui32>
    %bits = dl.random_bits %key sizes() : tensor<2xui32> -> tensor<4xui32>
    %sum = dl.add %y, %bits : tensor<4xui32>
    scf.yield %next, %sum : tensor<2xui32>, tensor<4xui32>
  }
  return %y#1 : tensor<4xui32>
}
