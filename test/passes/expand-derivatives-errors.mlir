// RUN: dlc-opt %s --expand-derivatives --split-input-file --verify-diagnostics

// An integer made of a float may not come back as a float: the gradient would be cut off without a word.
func.func private @f(%x: tensor<4x8xf32> {dl.path = "p.emb"}, %ids: tensor<4xi32>) -> tensor<f32> {
  // expected-note @+1 {{through `take`}}
  %t = dl.take %x, %ids axis 0 : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x8xf32>
  // expected-error @+2 {{DL0302 no reverse-mode rule for `argmax`, reached from `p.emb` on the way to the loss}}
  // expected-note @+1 {{help: wrap it in `stop_gradient(...)` to treat the result as constant}}
  %a = dl.arg_reduce "argmax" %t axis 1 : tensor<4x8xf32> -> tensor<4xi32>
  // expected-note @+1 {{through `convert`}}
  %c = dl.convert %a : tensor<4xi32> -> tensor<4xf32>
  // expected-note @+1 {{through `sum`}}
  %l = dl.reduce "sum" %c axes [0] : tensor<4xf32> -> tensor<f32>
  return %l : tensor<f32>
}
func.func @g(%x: tensor<4x8xf32>, %ids: tensor<4xi32>) -> tensor<4x8xf32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%x, %ids) wrt [0] : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<4x8xf32>
  return %g : tensor<4x8xf32>
}

// -----

// In a branch, too, an integer made of a float may not come back.
func.func private @f(%x: tensor<4xf32>) -> tensor<f32> {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %l = dl.reduce "sum" %x axes [0] : tensor<4xf32> -> tensor<f32>
  %c = dl.greater %l, %zero : tensor<f32> -> tensor<i1>
  %positive = tensor.extract %c[] : tensor<i1>
  // expected-note @+1 {{through `if`}}
  %y = scf.if %positive -> tensor<f32> {
    // expected-error @+2 {{DL0302 no reverse-mode rule for `argmax`, reached from argument 0 on the way to the loss}}
    // expected-note @+1 {{help: wrap it in `stop_gradient(...)`}}
    %a = dl.arg_reduce "argmax" %x axis 0 : tensor<4xf32> -> tensor<i32>
    // expected-note @+1 {{through `convert`}}
    %z = dl.convert %a : tensor<i32> -> tensor<f32>
    scf.yield %z : tensor<f32>
  } else {
    scf.yield %zero : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<4xf32>) -> tensor<4xf32>
  return %g : tensor<4xf32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32>
func.func @no_function(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{`@h` is no function of this module}}
  %g = dl.grad @h(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

// expected-error @+1 {{`@f` has no body to differentiate}}
func.func private @f(%x: tensor<f32>) -> tensor<f32>
func.func @no_body(%x: tensor<f32>) -> tensor<f32> {
  %g = dl.grad @f(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func private @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @grad_c1_rank(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{C1: the first result of `@f` should be a float of rank 0, is tensor<4xf32>}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<4xf32>) -> tensor<4xf32>
  return %g : tensor<4xf32>
}

// -----

func.func private @f(%x: tensor<4xf32>) {
  return
}
func.func @grad_c1_none(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{C1: `@f` has no result to differentiate}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<4xf32>) -> tensor<4xf32>
  return %g : tensor<4xf32>
}

// -----

func.func private @f(%n: index, %x: tensor<i32>, %y: tensor<f32>) -> tensor<f32> {
  return %y : tensor<f32>
}
func.func @grad_c2_integer(%n: index, %x: tensor<i32>, %y: tensor<f32>) -> tensor<i32> {
  // expected-error @+1 {{C2: argument 0 of `@f` should be a float tensor, is tensor<i32>}}
  %g = dl.grad @f(%n, %x, %y) wrt [0] : (index, tensor<i32>, tensor<f32>) -> tensor<i32>
  return %g : tensor<i32>
}

// -----

func.func private @f(%n: index, %x: tensor<i32>, %y: tensor<f32>) -> tensor<f32> {
  return %y : tensor<f32>
}
func.func @grad_c2_range(%n: index, %x: tensor<i32>, %y: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{C2: `@f` has 2 tensor arguments, counted from 0, and none of number 2}}
  %g = dl.grad @f(%n, %x, %y) wrt [2] : (index, tensor<i32>, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func @grad_c3_operands(%x: tensor<f64>) -> tensor<f32> {
  // expected-error @+1 {{C3: operands should be (tensor<f32>), are (tensor<f64>)}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<f64>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func @grad_c3_results(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{C3: results should be (tensor<f32>, tensor<f32>), are (tensor<f32>)}}
  %g = dl.grad @f(%x) wrt [0] value : (tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func @f(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{`@f` calls itself; recursion has no derivative}}
  %y = dl.grad @f(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @f(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{`@f` calls itself; recursion has no derivative}}
  %y = func.call @f(%x) : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}
func.func @calls(%x: tensor<f32>) -> tensor<f32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

// expected-error @+1 {{`@f` has more than one block; branches have no derivative yet}}
func.func private @f(%x: tensor<f32>, %n: index) -> tensor<f32> {
  cf.br ^next
^next:
  return %x : tensor<f32>
}
func.func @blocks(%x: tensor<f32>, %n: index) -> tensor<f32> {
  %g = dl.grad @f(%x, %n) wrt [0] : (tensor<f32>, index) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

// The number of rounds is known at run time only.
func.func private @f(%x: tensor<f32>, %n: tensor<i64>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %k = tensor.extract %n[] : tensor<i64>
  %rounds = arith.index_cast %k : i64 to index
  // expected-note @+1 {{through `sin`}}
  %s = dl.sin %x : tensor<f32>
  // expected-error @+3 {{DL0302 no reverse-mode rule for `for`, reached from argument 0 on the way to the loss}}
  // expected-note @+2 {{help: wrap it in `stop_gradient(...)`}}
  // expected-note @+1 {{help: what its rounds begin with is kept for the way back, so their number needs a bound}}
  %y = scf.for %i = %c0 to %rounds step %c1 iter_args(%a = %s) -> tensor<f32> {
    %b = dl.cos %a : tensor<f32>
    scf.yield %b : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func @in_a_loop(%x: tensor<f32>, %n: tensor<i64>) -> tensor<f32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%x, %n) wrt [0] : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func private @f(%x: tensor<4xf32>) -> tensor<f32> {
  // expected-error @+2 {{DL0302 no forward-mode rule for `argmax`, reached from argument 0 on the way to the result}}
  // expected-note @+1 {{help: wrap it in `stop_gradient(...)`}}
  %a = dl.arg_reduce "argmax" %x axis 0 : tensor<4xf32> -> tensor<i32>
  // expected-note @+1 {{through `convert`}}
  %y = dl.convert %a : tensor<i32> -> tensor<f32>
  return %y : tensor<f32>
}
func.func @forward(%x: tensor<4xf32>) -> tensor<f32> {
  // expected-note @+1 {{in the derivative of `f`}}
  %t:2 = dl.jvp @f(%x, %x) wrt [0] : (tensor<4xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<f32>)
  return %t#1 : tensor<f32>
}

// -----

func.func private @f(%x: tensor<i32>) -> tensor<i32> {
  return %x : tensor<i32>
}
func.func @vjp_c1(%x: tensor<i32>) -> tensor<i32> {
  // expected-error @+1 {{C1: `@f` has no float result to differentiate}}
  %g = dl.vjp @f(%x) wrt [0] : (tensor<i32>) -> tensor<i32>
  return %g : tensor<i32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func @jvp_c3(%x: tensor<f32>, %v: tensor<f64>) -> tensor<f32> {
  // expected-error @+1 {{C3: operands should be (tensor<f32>, tensor<f32>), are (tensor<f32>, tensor<f64>)}}
  %t:2 = dl.jvp @f(%x, %v) wrt [0] : (tensor<f32>, tensor<f64>) -> (tensor<f32>, tensor<f32>)
  return %t#1 : tensor<f32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %limit = dl.constant dense<9.0> : tensor<f32>
  // expected-error @+3 {{DL0302 no reverse-mode rule for `while`, reached from argument 0 on the way to the loss}}
  // expected-note @+2 {{help: wrap it in `stop_gradient(...)`}}
  // expected-note @+1 {{help: what its rounds begin with is kept for the way back, so say how many there may be, as in `while error > 1e-6 within 100 { … }`}}
  %y = scf.while (%a = %x) : (tensor<f32>) -> tensor<f32> {
    %c = dl.less %a, %limit : tensor<f32> -> tensor<i1>
    %again = tensor.extract %c[] : tensor<i1>
    scf.condition(%again) %a : tensor<f32>
  } do {
  ^bb0(%a: tensor<f32>):
    %b = dl.add %a, %a : tensor<f32>
    scf.yield %b : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func @in_a_while(%x: tensor<f32>) -> tensor<f32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

// What the loss does not depend on may loop, print and branch; of the rest the derivative is as before.
func.func private @f(%n: index, %x: tensor<f32>, %y: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = scf.for %i = %c0 to %n step %c1 iter_args(%a = %y) -> tensor<f32> {
    %b = dl.cos %a : tensor<f32>
    scf.yield %b : tensor<f32>
  }
  %s = dl.stop_gradient %x : tensor<f32>
  %w = scf.for %i = %c0 to %n step %c1 iter_args(%a = %s) -> tensor<f32> {
    dl.print "a" %a : tensor<f32>
    %b = dl.cos %a : tensor<f32>
    scf.yield %b : tensor<f32>
  }
  %l = dl.mul %x, %z : tensor<f32>
  return %l, %w : tensor<f32>, tensor<f32>
}
func.func @beside_a_loop(%n: index, %x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %g = dl.grad @f(%n, %x, %y) wrt [0] : (index, tensor<f32>, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

// A product of what may be negative may be greater than that of the greatest.
func.func private @f(%n: index, %m: index, %x: tensor<f32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %a = arith.subi %n, %c5 : index
  %b = arith.subi %m, %c5 : index
  %rounds = arith.muli %a, %b : index
  // expected-error @+3 {{DL0302 no reverse-mode rule for `for`, reached from argument 0 on the way to the loss}}
  // expected-note @+2 {{help: wrap it in `stop_gradient(...)`}}
  // expected-note @+1 {{help: what its rounds begin with is kept for the way back, so their number needs a bound}}
  %y = scf.for %i = %c0 to %rounds step %c1 iter_args(%z = %x) -> tensor<f32> {
    %w = dl.cos %z : tensor<f32>
    scf.yield %w : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func @of_a_product(%n: index, %m: index, %x: tensor<f32>) -> tensor<f32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%n, %m, %x) wrt [0] : (index, index, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func @absent(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{C1: `@f` is no function of this module}}
  %y = dl.call @f(%x) checkpoint : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func private @f(%x: tensor<2xf32>) -> tensor<f32>
func.func @other_types(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{C2: `@f` should be (tensor<f32>) -> (tensor<f32>), is (tensor<2xf32>) -> (tensor<f32>)}}
  %y = dl.call @f(%x) checkpoint : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32>
func.func private @rule(%x: tensor<f32>) -> tensor<f32>
func.func @wrong_rule(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{C3: `@rule` should be (tensor<f32>, tensor<f32>) -> (tensor<f32>), is (tensor<f32>) -> (tensor<f32>)}}
  %y = dl.call @f(%x) vjp @rule : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// A rule of reverse mode says nothing of forward mode.
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func private @rule(%x: tensor<f32>, %ct: tensor<f32>) -> tensor<f32> {
  return %ct : tensor<f32>
}
func.func private @g(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+2 {{DL0302 no forward-mode rule for `f`, which has `@custom_vjp` alone}}
  // expected-note @+1 {{help: forward mode needs the tangent of the result: give the function `@custom_jvp(rule)` too}}
  %y = dl.call @f(%x) vjp @rule : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}
func.func @forward(%x: tensor<f32>, %v: tensor<f32>) -> tensor<f32> {
  // expected-note @+1 {{in the derivative of `g`}}
  %y:2 = dl.jvp @g(%x, %v) wrt [0] : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %y#1 : tensor<f32>
}

// -----

// An integer made of a float may not come back through a call either.
func.func private @f(%i: tensor<i32>, %x: tensor<4xf32>) -> tensor<f32> {
  %s = dl.reduce "sum" %x axes [0] : tensor<4xf32> -> tensor<f32>
  %f = dl.convert %i : tensor<i32> -> tensor<f32>
  %y = dl.mul %s, %f : tensor<f32>
  return %y : tensor<f32>
}
func.func private @g(%x: tensor<4xf32>) -> tensor<f32> {
  // expected-error @+2 {{DL0302 no reverse-mode rule for `argmax`, reached from argument 0 on the way to the loss}}
  // expected-note @+1 {{help: wrap it in `stop_gradient(...)`}}
  %i = dl.arg_reduce "argmax" %x axis 0 : tensor<4xf32> -> tensor<i32>
  // expected-note @+1 {{through `f`}}
  %y = dl.call @f(%i, %x) checkpoint : (tensor<i32>, tensor<4xf32>) -> tensor<f32>
  return %y : tensor<f32>
}
func.func @cut(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-note @+1 {{in the gradient of `g`}}
  %y = dl.grad @g(%x) wrt [0] : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
