// Loops gone through backwards: those that do not count from 0 by 1, and those that end by a condition.
// GRADCHECK: @by_two(7) tol=1e-6
// GRADCHECK: @by_two(0) wrt=0,2 tol=1e-6
// GRADCHECK: @from_a_dim(2,9) tol=1e-6
// GRADCHECK: @from_a_dim(5,5) wrt=0 tol=1e-6
// GRADCHECK: @from_below tol=1e-6
// GRADCHECK: @counted tol=1e-6
// GRADCHECK: @any_of_many(4) tol=1e-6
// GRADCHECK: @passes_on_what_it_computes(3) domain=(0.2,0.4) tol=1e-6

// 1, 3, 5: the first is no round's number.
func.func @by_two(%n: index, %x: tensor<f64>, %w: tensor<f64>, %b: tensor<f64>) -> tensor<f64> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %y = scf.for %i = %c1 to %n step %c2 iter_args(%a = %x) -> tensor<f64> {
    %j = dl.dim_value %i : tensor<i64>
    %k = dl.convert %j : tensor<i64> -> tensor<f64>
    %p = dl.mul %k, %w : tensor<f64>
    %q = dl.mul %a, %p : tensor<f64>
    %r = dl.sin %q : tensor<f64>
    scf.yield %r : tensor<f64>
  }
  %z = dl.add %y, %b : tensor<f64>
  return %z : tensor<f64>
}

// Both bounds are dims.
func.func @from_a_dim(%m: index, %n: index, %x: tensor<f64>, %w: tensor<f64>) -> tensor<f64> {
  %c3 = arith.constant 3 : index
  %y = scf.for %i = %m to %n step %c3 iter_args(%a = %x) -> tensor<f64> {
    %q = dl.mul %a, %w : tensor<f64>
    %r = dl.tanh %q : tensor<f64>
    scf.yield %r : tensor<f64>
  }
  return %y : tensor<f64>
}

func.func @from_below(%x: tensor<f64>) -> tensor<f64> {
  %low = arith.constant -4 : index
  %c2 = arith.constant 2 : index
  %high = arith.constant 3 : index
  %y = scf.for %i = %low to %high step %c2 iter_args(%a = %x) -> tensor<f64> {
    %j = dl.dim_value %i : tensor<i64>
    %k = dl.convert %j : tensor<i64> -> tensor<f64>
    %q = dl.add %a, %k : tensor<f64>
    %r = dl.cos %q : tensor<f64>
    %s = dl.mul %r, %a : tensor<f64>
    scf.yield %s : tensor<f64>
  }
  return %y : tensor<f64>
}

// A condition that holds for at most eight rounds, and after three of them does not.
func.func @counted(%x: tensor<f64>, %w: tensor<f64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %three = dl.constant dense<3> : tensor<i64>
  %eight = dl.constant dense<8> : tensor<i64>
  %y:2 = scf.while (%i = %c0, %a = %x) : (index, tensor<f64>) -> (index, tensor<f64>) {
    %k = dl.dim_value %i : tensor<i64>
    %below = dl.less %k, %eight : tensor<i64> -> tensor<i1>
    %more = dl.less %k, %three : tensor<i64> -> tensor<i1>
    %both = dl.bitwise_and %more, %below : tensor<i1>
    %c = tensor.extract %both[] : tensor<i1>
    scf.condition(%c) %i, %a : index, tensor<f64>
  } do {
  ^bb0(%i: index, %a: tensor<f64>):
    %j = arith.addi %i, %c1 : index
    %q = dl.mul %a, %w : tensor<f64>
    %r = dl.sin %q : tensor<f64>
    scf.yield %j, %r : index, tensor<f64>
  }
  return %y#1 : tensor<f64>
}

// Rounds for as long as the condition holds anywhere, as a batch of loops has them.
func.func @any_of_many(%n: index, %x: tensor<?xf64>, %w: tensor<?xf64>) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %two = dl.constant dense<2.0> : tensor<f64>
  %limit = dl.broadcast %two axes [] sizes(%n) : tensor<f64> -> tensor<?xf64>
  %eight = dl.constant dense<8> : tensor<i64>
  %y:2 = scf.while (%i = %c0, %a = %x) : (index, tensor<?xf64>) -> (index, tensor<?xf64>) {
    %more = dl.less %a, %limit : tensor<?xf64> -> tensor<?xi1>
    %k = dl.dim_value %i : tensor<i64>
    %below = dl.less %k, %eight : tensor<i64> -> tensor<i1>
    %all = dl.broadcast %below axes [] sizes(%n) : tensor<i1> -> tensor<?xi1>
    %both = dl.bitwise_and %more, %all : tensor<?xi1>
    %any = dl.reduce "any" %both axes [0] : tensor<?xi1> -> tensor<i1>
    %c = tensor.extract %any[] : tensor<i1>
    scf.condition(%c) %i, %a : index, tensor<?xf64>
  } do {
  ^bb0(%i: index, %a: tensor<?xf64>):
    %j = arith.addi %i, %c1 : index
    %q = dl.mul %a, %w : tensor<?xf64>
    %r = dl.sin %q : tensor<?xf64>
    %s = dl.add %r, %a : tensor<?xf64>
    scf.yield %j, %s : index, tensor<?xf64>
  }
  return %y#1 : tensor<?xf64>
}

// The condition's region computes what the body and the result get; what a round begins with is not among it.
func.func @passes_on_what_it_computes(%n: index, %x: tensor<?xf64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %limit = dl.constant dense<6.0> : tensor<f64>
  %most = dl.constant dense<20> : tensor<i64>
  %y:3 = scf.while (%a = %x, %i = %c0) : (tensor<?xf64>, index) -> (tensor<f64>, index, tensor<?xf64>) {
    %s = dl.mul %a, %x : tensor<?xf64>
    %d = dl.add %s, %a : tensor<?xf64>
    %sum = dl.reduce "sum" %d axes [0] : tensor<?xf64> -> tensor<f64>
    %small = dl.less %sum, %limit : tensor<f64> -> tensor<i1>
    %k = dl.dim_value %i : tensor<i64>
    %below = dl.less %k, %most : tensor<i64> -> tensor<i1>
    %both = dl.bitwise_and %below, %small : tensor<i1>
    %c = tensor.extract %both[] : tensor<i1>
    scf.condition(%c) %sum, %i, %d : tensor<f64>, index, tensor<?xf64>
  } do {
  ^bb0(%sum: tensor<f64>, %i: index, %d: tensor<?xf64>):
    %wide = dl.broadcast %sum axes [] sizes(%n) : tensor<f64> -> tensor<?xf64>
    %t = dl.tanh %wide : tensor<?xf64>
    %e = dl.mul %t, %d : tensor<?xf64>
    %b = dl.add %e, %d : tensor<?xf64>
    %j = arith.addi %i, %c1 : index
    scf.yield %b, %j : tensor<?xf64>, index
  }
  %z = dl.reduce "sum" %y#2 axes [0] : tensor<?xf64> -> tensor<f64>
  %p = dl.mul %z, %y#0 : tensor<f64>
  return %p : tensor<f64>
}
