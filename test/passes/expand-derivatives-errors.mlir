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

// What a region reads counts as read.
func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %c = dl.greater %x, %zero : tensor<f32> -> tensor<i1>
  %positive = tensor.extract %c[] : tensor<i1>
  // expected-error @+2 {{DL0302 no reverse-mode rule for `if`, reached from argument 0 on the way to the loss}}
  // expected-note @+1 {{help: wrap it in `stop_gradient(...)`}}
  %y = scf.if %positive -> tensor<f32> {
    %z = dl.sin %x : tensor<f32>
    scf.yield %z : tensor<f32>
  } else {
    scf.yield %zero : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func @g(%x: tensor<f32>) -> tensor<f32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
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

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{`@f` calls itself; recursion has no derivative}}
  %y = dl.grad @f(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
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

func.func private @f(%n: index, %x: tensor<f32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-note @+1 {{through `sin`}}
  %s = dl.sin %x : tensor<f32>
  // expected-error @+2 {{DL0302 no reverse-mode rule for `for`, reached from argument 0 on the way to the loss}}
  // expected-note @+1 {{help: wrap it in `stop_gradient(...)`}}
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %s) -> tensor<f32> {
    %b = dl.cos %a : tensor<f32>
    scf.yield %b : tensor<f32>
  }
  return %y : tensor<f32>
}
func.func @in_a_loop(%n: index, %x: tensor<f32>) -> tensor<f32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%n, %x) wrt [0] : (index, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func private @f(%x: tensor<f32>) -> tensor<f32> {
  %limit = dl.constant dense<9.0> : tensor<f32>
  // expected-error @+2 {{DL0302 no reverse-mode rule for `while`, reached from argument 0 on the way to the loss}}
  // expected-note @+1 {{help: wrap it in `stop_gradient(...)`}}
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

// Of what is combined one after another only sums have a rule.
func.func private @f(%x: tensor<4xf32> {dl.path = "x"}) -> tensor<f32> {
  // expected-error @+2 {{DL0302 no reverse-mode rule for `cumprod`, reached from `x` on the way to the loss}}
  // expected-note @+1 {{help: wrap it in `stop_gradient(...)`}}
  %p = dl.cumulative "prod" %x axis 0 : tensor<4xf32>
  // expected-note @+1 {{through `sum`}}
  %l = dl.reduce "sum" %p axes [0] : tensor<4xf32> -> tensor<f32>
  return %l : tensor<f32>
}
func.func @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-note @+1 {{in the gradient of `f`}}
  %g = dl.grad @f(%x) wrt [0] : (tensor<4xf32>) -> tensor<4xf32>
  return %g : tensor<4xf32>
}
