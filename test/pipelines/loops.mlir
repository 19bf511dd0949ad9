// Loops and branches of dl through the whole pipeline, on both targets.

// A running sum: the carried tensor is written element by element.
func.func @fib(%n: index, %x: tensor<?xf32> {dl.shape = ["n"]}) -> (tensor<?xf32> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %y = scf.for %i = %c2 to %n step %c1 iter_args(%a = %x) -> (tensor<?xf32>) {
    %p = arith.subi %i, %c1 : index
    %q = arith.subi %i, %c2 : index
    %u = dl.slice %a starts(%p) strides [1] sizes() : tensor<?xf32> -> tensor<1xf32>
    %v = dl.slice %a starts(%q) strides [1] sizes() : tensor<?xf32> -> tensor<1xf32>
    %w = dl.add %u, %v : tensor<1xf32>
    %b = dl.update_slice %a, %w starts(%i) strides [1] : tensor<?xf32>, tensor<1xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}
// EVAL: @fib(6, [1, 1, 0, 0, 0, 0]) == [1, 1, 2, 3, 5, 8]
// EVAL: @fib(2, [1, 2]) == [1, 2]
// EVAL: @fib(0, []) == []

// Two values that swap, of rank 0 and of rank 1.
func.func @swap(%n: index, %x: tensor<?xi32> {dl.shape = ["n"]}, %y: tensor<?xi32> {dl.shape = ["n"]}, %k: tensor<i64>)
    -> (tensor<?xi32> {dl.shape = ["n"]}, tensor<?xi32> {dl.shape = ["n"]}, tensor<i64>) attributes {dl.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.extract %k[] : tensor<i64>
  %t = arith.index_cast %e : i64 to index
  %one = dl.constant dense<1> : tensor<i64>
  %zero = dl.constant dense<0> : tensor<i64>
  %r:4 = scf.for %i = %c0 to %t step %c1 iter_args(%a = %x, %b = %y, %p = %zero, %q = %one)
      -> (tensor<?xi32>, tensor<?xi32>, tensor<i64>, tensor<i64>) {
    %s = dl.add %p, %q : tensor<i64>
    scf.yield %b, %a, %q, %s : tensor<?xi32>, tensor<?xi32>, tensor<i64>, tensor<i64>
  }
  return %r#0, %r#1, %r#2 : tensor<?xi32>, tensor<?xi32>, tensor<i64>
}
// EVAL: @swap(2, [1, 2], [3, 4], 3) == [3, 4], [1, 2], 2
// EVAL: @swap(2, [1, 2], [3, 4], 10) == [1, 2], [3, 4], 55
// EVAL: @swap(1, [1], [3], -3) == [1], [3], 0

// a, b = b, a + b on tensors; both start as one argument.
func.func @fib_rows(%n: index, %x: tensor<?xf64> {dl.shape = ["n"]}, %k: tensor<i64>)
    -> (tensor<?xf64> {dl.shape = ["n"]}, tensor<?xf64> {dl.shape = ["n"]}, tensor<?xf64> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.extract %k[] : tensor<i64>
  %t = arith.index_cast %e : i64 to index
  %r:3 = scf.for %i = %c0 to %t step %c1 iter_args(%a = %x, %b = %x, %c = %x) -> (tensor<?xf64>, tensor<?xf64>, tensor<?xf64>) {
    %s = dl.add %a, %b : tensor<?xf64>
    scf.yield %b, %s, %s : tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
  }
  return %r#0, %r#1, %r#2 : tensor<?xf64>, tensor<?xf64>, tensor<?xf64>
}
// EVAL: @fib_rows(2, [1, 10], 4) == [5, 50], [8, 80], [8, 80]
// EVAL: @fib_rows(2, [1, 10], 0) == [1, 10], [1, 10], [1, 10]

// A scan: matrix products in a loop, the rows written one by one.
func.func @scan(%T: index, %x: tensor<?x3xf32> {dl.shape = ["T", "3"]}, %w: tensor<3x2xf32>, %u: tensor<2x2xf32>)
    -> (tensor<?x2xf32> {dl.shape = ["T", "2"]}, tensor<2xf32>) attributes {dl.dims = ["T"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = dl.constant dense<0.0> : tensor<f32>
  %h0 = dl.broadcast %zero axes [] sizes() : tensor<f32> -> tensor<2xf32>
  %ys0 = dl.broadcast %zero axes [] sizes(%T) : tensor<f32> -> tensor<?x2xf32>
  %r:2 = scf.for %t = %c0 to %T step %c1 iter_args(%ys = %ys0, %h = %h0) -> (tensor<?x2xf32>, tensor<2xf32>) {
    %row = dl.slice %x starts(%t, %c0) strides [1, 1] sizes() : tensor<?x3xf32> -> tensor<1x3xf32>
    %xt = dl.reshape %row sizes() : tensor<1x3xf32> -> tensor<3xf32>
    %a = dl.dot_general %xt, %w batch [] x [] contract [0] x [0] : (tensor<3xf32>, tensor<3x2xf32>) -> tensor<2xf32>
    %b = dl.dot_general %h, %u batch [] x [] contract [0] x [0] : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2xf32>
    %s = dl.add %a, %b : tensor<2xf32>
    %y = dl.tanh %s : tensor<2xf32>
    %yr = dl.reshape %y sizes() : tensor<2xf32> -> tensor<1x2xf32>
    %next = dl.update_slice %ys, %yr starts(%t, %c0) strides [1, 1] : tensor<?x2xf32>, tensor<1x2xf32>
    scf.yield %next, %y : tensor<?x2xf32>, tensor<2xf32>
  }
  return %r#0, %r#1 : tensor<?x2xf32>, tensor<2xf32>
}
// EVAL: @scan(2, [[1, 0, 0], [0, 1, 0]], [[0.5, 0], [0, 0.5], [1, 1]], [[1, 0], [0, 1]]) ~= [[0.46211716, 0], [0.43180817, 0.46211716]], [0.43180817, 0.46211716] tol=1e-6
// EVAL: @scan(0, [], [[0.5, 0], [0, 0.5], [1, 1]], [[1, 0], [0, 1]]) == [], [0, 0]

// A loop without end conditions known: Newton's method. The condition is on a tensor of rank 0.
func.func @newton(%x: tensor<f64>) -> (tensor<f64>, tensor<i64>) {
  %half = dl.constant dense<0.5> : tensor<f64>
  %eps = dl.constant dense<1.0e-12> : tensor<f64>
  %zero = dl.constant dense<0> : tensor<i64>
  %one = dl.constant dense<1> : tensor<i64>
  %r:2 = scf.while (%y = %x, %n = %zero) : (tensor<f64>, tensor<i64>) -> (tensor<f64>, tensor<i64>) {
    %yy = dl.square %y : tensor<f64>
    %d = dl.sub %yy, %x : tensor<f64>
    %m = dl.abs %d : tensor<f64>
    %c = dl.greater %m, %eps : tensor<f64> -> tensor<i1>
    %again = tensor.extract %c[] : tensor<i1>
    scf.condition(%again) %y, %n : tensor<f64>, tensor<i64>
  } do {
  ^bb0(%y: tensor<f64>, %n: tensor<i64>):
    %q = dl.div %x, %y : tensor<f64>
    %s = dl.add %y, %q : tensor<f64>
    %z = dl.mul %s, %half : tensor<f64>
    %m = dl.add %n, %one : tensor<i64>
    scf.yield %z, %m : tensor<f64>, tensor<i64>
  }
  return %r#0, %r#1 : tensor<f64>, tensor<i64>
}
// EVAL: @newton(4.0) ~= 2.0, 5
// EVAL: @newton(1.0) == 1.0, 0

// A while loop on tensors, which passes on what it computes and what stands outside.
func.func @until(%n: index, %x: tensor<?xf32> {dl.shape = ["n"]}, %y: tensor<?xf32> {dl.shape = ["n"]})
    -> (tensor<?xf32> {dl.shape = ["n"]}, tensor<?xf32> {dl.shape = ["n"]}, tensor<f32>) attributes {dl.dims = ["n"]} {
  %limit = dl.constant dense<10.0> : tensor<f32>
  %r:3 = scf.while (%a = %x) : (tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<f32>) {
    %s = dl.reduce "sum" %a axes [0] : tensor<?xf32> -> tensor<f32>
    %c = dl.less %s, %limit : tensor<f32> -> tensor<i1>
    %again = tensor.extract %c[] : tensor<i1>
    %b = dl.add %a, %a : tensor<?xf32>
    scf.condition(%again) %b, %y, %s : tensor<?xf32>, tensor<?xf32>, tensor<f32>
  } do {
  ^bb0(%b: tensor<?xf32>, %z: tensor<?xf32>, %s: tensor<f32>):
    %t = dl.broadcast %s axes [] sizes(%n) : tensor<f32> -> tensor<?xf32>
    %u = dl.add %b, %z : tensor<?xf32>
    %v = dl.add %u, %t : tensor<?xf32>
    scf.yield %v : tensor<?xf32>
  }
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, tensor<f32>
}
// EVAL: @until(2, [1, 2], [0.5, 0.25]) == [11, 14.5], [0.5, 0.25], 12.75

// Branches: an update on one side, a value from outside, a splat, an empty side.
func.func @branches(%n: index, %x: tensor<?xf32> {dl.inout, dl.shape = ["n"]}, %c: tensor<i1>, %y: tensor<?xf32> {dl.shape = ["n"]})
    -> (tensor<?xf32> {dl.shape = ["n"]}, tensor<?xf32> {dl.shape = ["n"]}, tensor<f32>) attributes {dl.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %k = tensor.extract %c[] : tensor<i1>
  %seven = dl.constant dense<7.0> : tensor<f32>
  %s = dl.constant dense<7.0> : tensor<1xf32>
  %r:3 = scf.if %k -> (tensor<?xf32>, tensor<?xf32>, tensor<f32>) {
    %u = dl.update_slice %x, %s starts(%c0) strides [1] : tensor<?xf32>, tensor<1xf32>
    %f = dl.broadcast %seven axes [] sizes(%n) : tensor<f32> -> tensor<?xf32>
    %m = dl.reduce "max" %x axes [0] : tensor<?xf32> -> tensor<f32>
    scf.yield %u, %f, %m : tensor<?xf32>, tensor<?xf32>, tensor<f32>
  } else {
    scf.yield %x, %y, %seven : tensor<?xf32>, tensor<?xf32>, tensor<f32>
  }
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, tensor<f32>
}
// EVAL: @branches(2, [1, 2], true, [3, 4]) == [7, 2], [7, 7], 2
// EVAL: @branches(2, [1, 2], false, [3, 4]) == [1, 2], [3, 4], 7

// What stands outside a loop and goes on: an outer tensor yielded, a value yielded twice, an old value still needed.
func.func @outer(%n: index, %x: tensor<?xi8> {dl.shape = ["n"]}, %p: tensor<?xi1> {dl.shape = ["n"]})
    -> (tensor<?xi8> {dl.shape = ["n"]}, tensor<?xi8> {dl.shape = ["n"]}, tensor<?xi1> {dl.shape = ["n"]}, tensor<?xi8> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %w = dl.add %x, %x : tensor<?xi8>
  %q = dl.equal %w, %x : tensor<?xi8> -> tensor<?xi1>
  %r:3 = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %w, %b = %w, %c = %q) -> (tensor<?xi8>, tensor<?xi8>, tensor<?xi1>) {
    %s = dl.add %a, %w : tensor<?xi8>
    %t = dl.select %c, %s, %b : tensor<?xi1>, tensor<?xi8>
    %k = arith.cmpi eq, %i, %c1 : index
    %u:2 = scf.if %k -> (tensor<?xi8>, tensor<?xi1>) {
      scf.yield %w, %c : tensor<?xi8>, tensor<?xi1>
    } else {
      scf.yield %t, %p : tensor<?xi8>, tensor<?xi1>
    }
    scf.yield %u#0, %s, %u#1 : tensor<?xi8>, tensor<?xi8>, tensor<?xi1>
  }
  %v = dl.mul %w, %r#0 : tensor<?xi8>
  return %r#0, %r#1, %r#2, %v : tensor<?xi8>, tensor<?xi8>, tensor<?xi1>, tensor<?xi8>
}
// EVAL: @outer(3, [1, 0, 3], [true, false, true]) == [4, 0, 12], [4, 0, 12], [true, false, true], [8, 0, 72]

// Loops in loops in branches; positions and sizes made inside.
func.func @nested(%n: index, %m: index, %x: tensor<?x?xf16> {dl.shape = ["n", "m"]}) -> (tensor<?x?xf16> {dl.shape = ["n", "m"]}, tensor<i32>) attributes {dl.dims = ["n", "m"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = dl.constant dense<0> : tensor<i32>
  %one = dl.constant dense<1> : tensor<i32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %k = %zero) -> (tensor<?x?xf16>, tensor<i32>) {
    %in:2 = scf.for %j = %c0 to %m step %c1 iter_args(%b = %a, %l = %k) -> (tensor<?x?xf16>, tensor<i32>) {
      %above = arith.cmpi sgt, %j, %i : index
      %s:2 = scf.if %above -> (tensor<?x?xf16>, tensor<i32>) {
        %w = arith.subi %j, %i : index
        %part = dl.slice %b starts(%i, %i) strides [1, 1] sizes(%w) : tensor<?x?xf16> -> tensor<1x?xf16>
        %sum = dl.reduce "sum" %part axes [1] : tensor<1x?xf16> -> tensor<1xf16>
        %cell = dl.reshape %sum sizes() : tensor<1xf16> -> tensor<1x1xf16>
        %u = dl.update_slice %b, %cell starts(%i, %j) strides [1, 1] : tensor<?x?xf16>, tensor<1x1xf16>
        %l1 = dl.add %l, %one : tensor<i32>
        scf.yield %u, %l1 : tensor<?x?xf16>, tensor<i32>
      } else {
        scf.yield %b, %l : tensor<?x?xf16>, tensor<i32>
      }
      scf.yield %s#0, %s#1 : tensor<?x?xf16>, tensor<i32>
    }
    scf.yield %in#0, %in#1 : tensor<?x?xf16>, tensor<i32>
  }
  return %r#0, %r#1 : tensor<?x?xf16>, tensor<i32>
}
// EVAL: @nested(2, 4, [[1, 0, 0, 0], [5, 2, 0, 0]]) == [[1, 1, 2, 4], [5, 2, 2, 4]], 5
// EVAL: @nested(0, 4, []) == [], 0

// What a branch writes over is still needed after it.
func.func @kept(%n: index, %x: tensor<?xf32> {dl.shape = ["n"]}, %y: tensor<?xf32> {dl.shape = ["n"]}, %k: tensor<i64>)
    -> (tensor<?xf32> {dl.shape = ["n"]}, tensor<?xf32> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %e = tensor.extract %k[] : tensor<i64>
  %t = arith.index_cast %e : i64 to index
  %r:2 = scf.for %i = %c0 to %t step %c1 iter_args(%a = %x, %b = %y) -> (tensor<?xf32>, tensor<?xf32>) {
    %m = arith.remsi %i, %c2 : index
    %even = arith.cmpi eq, %m, %c0 : index
    %u:2 = scf.if %even -> (tensor<?xf32>, tensor<?xf32>) {
      %s = dl.add %a, %b : tensor<?xf32>
      scf.yield %s, %a : tensor<?xf32>, tensor<?xf32>
    } else {
      scf.yield %b, %a : tensor<?xf32>, tensor<?xf32>
    }
    %v = dl.add %u#1, %a : tensor<?xf32>
    scf.yield %u#0, %v : tensor<?xf32>, tensor<?xf32>
  }
  return %r#0, %r#1 : tensor<?xf32>, tensor<?xf32>
}
// EVAL: @kept(2, [1, 2], [10, 20], 1) == [11, 22], [2, 4]
// EVAL: @kept(2, [1, 2], [10, 20], 2) == [2, 4], [22, 44]
// EVAL: @kept(2, [1, 2], [10, 20], 3) == [24, 48], [4, 8]

// A result that only a branch inside a branch writes; the place goes inwards.
func.func @inwards(%n: index, %x: tensor<?xi32> {dl.inout, dl.shape = ["n"]}, %c: tensor<i1>, %d: tensor<i1>) -> (tensor<?xi32> {dl.shape = ["n"]}, tensor<?xi32> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %p = tensor.extract %c[] : tensor<i1>
  %q = tensor.extract %d[] : tensor<i1>
  %r:2 = scf.if %p -> (tensor<?xi32>, tensor<?xi32>) {
    %s = scf.if %q -> (tensor<?xi32>) {
      %t = dl.mul %x, %x : tensor<?xi32>
      scf.yield %t : tensor<?xi32>
    } else {
      scf.yield %x : tensor<?xi32>
    }
    %u = dl.add %x, %s : tensor<?xi32>
    scf.yield %s, %u : tensor<?xi32>, tensor<?xi32>
  } else {
    %w = dl.neg %x : tensor<?xi32>
    scf.yield %w, %x : tensor<?xi32>, tensor<?xi32>
  }
  return %r#0, %r#1 : tensor<?xi32>, tensor<?xi32>
}
// EVAL: @inwards(2, [2, 3], true, true) == [4, 9], [6, 12]
// EVAL: @inwards(2, [2, 3], true, false) == [2, 3], [4, 6]
// EVAL: @inwards(2, [2, 3], false, true) == [-2, -3], [2, 3]

// Training inside the function: derivatives in the body of a loop.
func.func private @loss(%w: tensor<2xf64>, %x: tensor<2xf64>) -> tensor<f64> {
  %d = dl.sub %w, %x : tensor<2xf64>
  %s = dl.square %d : tensor<2xf64>
  %l = dl.reduce "sum" %s axes [0] : tensor<2xf64> -> tensor<f64>
  return %l : tensor<f64>
}
func.func @train(%w: tensor<2xf64>, %x: tensor<2xf64>, %steps: tensor<i64>) -> (tensor<2xf64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.extract %steps[] : tensor<i64>
  %t = arith.index_cast %e : i64 to index
  %quarter = dl.constant dense<0.25> : tensor<2xf64>
  %r = scf.for %i = %c0 to %t step %c1 iter_args(%p = %w) -> (tensor<2xf64>) {
    %g = dl.grad @loss(%p, %x) wrt [0] : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    %h = dl.mul %g, %quarter : tensor<2xf64>
    %q = dl.sub %p, %h : tensor<2xf64>
    scf.yield %q : tensor<2xf64>
  }
  return %r : tensor<2xf64>
}
// EVAL: @train([0, 0], [8, 16], 0) == [0, 0]
// EVAL: @train([0, 0], [8, 16], 3) == [7, 14]

// Rows of one tensor, carried by a loop whose temporaries are as long as they are.
func.func @rows(%n: index, %x: tensor<2x?xf64> {dl.shape = ["2", "n"]}, %k: tensor<i64>) -> (tensor<?xf64> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r0 = dl.slice %x starts(%c0, %c0) strides [1, 1] sizes(%n) : tensor<2x?xf64> -> tensor<1x?xf64>
  %r1 = dl.slice %x starts(%c1, %c0) strides [1, 1] sizes(%n) : tensor<2x?xf64> -> tensor<1x?xf64>
  %x0 = dl.reshape %r0 sizes(%n) : tensor<1x?xf64> -> tensor<?xf64>
  %x1 = dl.reshape %r1 sizes(%n) : tensor<1x?xf64> -> tensor<?xf64>
  %e = tensor.extract %k[] : tensor<i64>
  %t = arith.index_cast %e : i64 to index
  %r:2 = scf.for %i = %c0 to %t step %c1 iter_args(%a = %x0, %b = %x1) -> (tensor<?xf64>, tensor<?xf64>) {
    %f = dl.square %a : tensor<?xf64>
    %c = dl.add %f, %b : tensor<?xf64>
    %s = dl.add %a, %b : tensor<?xf64>
    %g = dl.abs %s : tensor<?xf64>
    %d = dl.add %c, %g : tensor<?xf64>
    scf.yield %s, %d : tensor<?xf64>, tensor<?xf64>
  }
  %y = dl.add %r#0, %r#1 : tensor<?xf64>
  return %y : tensor<?xf64>
}
// EVAL: @rows(3, [[1, 2, -3], [0, 1, 1]], 0) == [1, 3, -2]
// EVAL: @rows(3, [[1, 2, -3], [0, 1, 1]], 2) == [9, 39, 36]
