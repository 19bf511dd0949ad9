// dl.check: what fails first in a call is its status; the rest runs on. Its lowering: test/passes/dl-to-linalg.mlir.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --canonicalize --cse | FileCheck %s --check-prefix=KEPT

// EVAL: @in_order(1.0, 2.0) == 3.0
// EVAL-FAILS: @in_order(-1.0, 2.0) DL1007
// EVAL-FAILS: @in_order(-1.0, 2.0) the first
// EVAL-FAILS: @in_order(1.0, nan) DL1021
// EVAL-FAILS: @in_order(1.0, -3.0) the second
// EVAL-FAILS: @in_order(-3.0, -3.0) the first
// EVAL: @in_rounds(4, 2.0) == 6.0
// EVAL: @in_rounds(0, 5.0) == 5.0
// EVAL-FAILS: @in_rounds(7, 2.0) below eight
// EVAL-FAILS: @in_rounds(1, 9.0) below eight
// EVAL: @in_while(3.0) == 0.0
// EVAL-FAILS: @in_while(2.5) whole
// EVAL: @in_branch(true, 1.0) == 1.0
// EVAL: @in_branch(false, -1.0) == -1.0
// EVAL-FAILS: @in_branch(true, -1.0) positive
// EVAL: @called(1.0, 2.0) == 3.0
// EVAL-FAILS: @called(1.0, -2.0) the second
// EVAL: @slope(3.0) == 6.0
// EVAL-FAILS: @slope(-3.0) positive

// CHECK-LABEL: func.func @in_order(
// CHECK: dl.check %{{.*}}, "DL1007", "the first"
// KEPT-LABEL: func.func @in_order(
// KEPT: dl.check %{{.*}}, "DL1007", "the first"
// KEPT: dl.check %{{.*}}, "DL1021", "the second"
func.func @in_order(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %a = dl.greater %x, %zero : tensor<f32> -> tensor<i1>
  dl.check %a, "DL1007", "the first"
  %b = dl.greater %y, %zero : tensor<f32> -> tensor<i1>
  dl.check %b, "DL1021", "the second"
  %z = dl.add %x, %y : tensor<f32>
  return %z : tensor<f32>
}

// KEPT-LABEL: func.func @in_rounds(
// KEPT: scf.for
// KEPT: dl.check
func.func @in_rounds(%n: index, %x: tensor<f32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = dl.constant dense<1.0> : tensor<f32>
  %eight = dl.constant dense<8.0> : tensor<f32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> tensor<f32> {
    %below = dl.less %s, %eight : tensor<f32> -> tensor<i1>
    dl.check %below, "DL1007", "below eight"
    %t = dl.add %s, %one : tensor<f32>
    scf.yield %t : tensor<f32>
  }
  return %y : tensor<f32>
}

func.func @in_while(%x: tensor<f32>) -> tensor<f32> {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %one = dl.constant dense<1.0> : tensor<f32>
  %y = scf.while (%s = %x) : (tensor<f32>) -> tensor<f32> {
    %floor = dl.floor %s : tensor<f32>
    %whole = dl.equal %s, %floor : tensor<f32> -> tensor<i1>
    dl.check %whole, "DL1007", "whole"
    %more = dl.greater %s, %zero : tensor<f32> -> tensor<i1>
    %c = tensor.extract %more[] : tensor<i1>
    scf.condition(%c) %s : tensor<f32>
  } do {
  ^bb0(%s: tensor<f32>):
    %t = dl.sub %s, %one : tensor<f32>
    scf.yield %t : tensor<f32>
  }
  return %y : tensor<f32>
}

func.func @in_branch(%c: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %b = tensor.extract %c[] : tensor<i1>
  scf.if %b {
    %positive = dl.greater %x, %zero : tensor<f32> -> tensor<i1>
    dl.check %positive, "DL1007", "positive"
  }
  return %x : tensor<f32>
}

func.func @called(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %z = func.call @in_order(%x, %y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %z : tensor<f32>
}

func.func private @square(%x: tensor<f32>) -> tensor<f32> {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %positive = dl.greater %x, %zero : tensor<f32> -> tensor<i1>
  dl.check %positive, "DL1007", "positive"
  %y = dl.mul %x, %x : tensor<f32>
  return %y : tensor<f32>
}

func.func @slope(%x: tensor<f32>) -> tensor<f32> {
  %g = dl.grad @square(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

func.func @not_a_scalar(%c: tensor<2xi1>) {
  // expected-error @+1 {{operand #0 must be bool of rank 0 (C1)}}
  "dl.check"(%c) {code = "DL1007", text = "t"} : (tensor<2xi1>) -> ()
  return
}

// -----

func.func @not_a_bool(%c: tensor<i8>) {
  // expected-error @+1 {{operand #0 must be bool of rank 0 (C1)}}
  "dl.check"(%c) {code = "DL1007", text = "t"} : (tensor<i8>) -> ()
  return
}
