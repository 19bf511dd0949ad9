// RUN: dlc-opt %s --pass-pipeline="builtin.module(expand-derivatives,inline,func.func(simplify-dl,cse),symbol-dce)" | FileCheck %s

// The gradient of a network of L dense layers has the products that one would write by hand: one a layer forward, and
// two back, but for the input's. It has no transpose, though the last weights are stored transposed.

// CHECK-LABEL: func.func @gradient(
// CHECK-COUNT-8: dl.dot_general
// CHECK-NOT:     {{dl.dot_general|dl.transpose|tensor.dim|dl.constant dense<1}}
// CHECK:         return

func.func private @relu(%n: index, %x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %zeros = dl.broadcast %zero axes [] sizes(%n) : tensor<f32> -> tensor<?x32xf32>
  %c = dl.greater %x, %zeros : tensor<?x32xf32> -> tensor<?x32xi1>
  %y = dl.select %c, %x, %zeros : tensor<?x32xi1>, tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

func.func private @loss(%n: index, %w1: tensor<64x32xf32>, %b1: tensor<32xf32>, %w2: tensor<32x32xf32>, %b2: tensor<32xf32>, %w3: tensor<10x32xf32>,
                        %x: tensor<?x64xf32>, %labels: tensor<?x10xf32>) -> tensor<f32> {
  %h1 = dl.dot_general %x, %w1 batch [] x [] contract [1] x [0] : (tensor<?x64xf32>, tensor<64x32xf32>) -> tensor<?x32xf32>
  %c1 = dl.broadcast %b1 axes [1] sizes(%n) : tensor<32xf32> -> tensor<?x32xf32>
  %s1 = dl.add %h1, %c1 : tensor<?x32xf32>
  %a1 = func.call @relu(%n, %s1) : (index, tensor<?x32xf32>) -> tensor<?x32xf32>
  %h2 = dl.dot_general %a1, %w2 batch [] x [] contract [1] x [0] : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %c2 = dl.broadcast %b2 axes [1] sizes(%n) : tensor<32xf32> -> tensor<?x32xf32>
  %s2 = dl.add %h2, %c2 : tensor<?x32xf32>
  %a2 = func.call @relu(%n, %s2) : (index, tensor<?x32xf32>) -> tensor<?x32xf32>
  %w3t = dl.transpose %w3 [1, 0] : tensor<10x32xf32> -> tensor<32x10xf32>
  %h3 = dl.dot_general %a2, %w3t batch [] x [] contract [1] x [0] : (tensor<?x32xf32>, tensor<32x10xf32>) -> tensor<?x10xf32>
  %m = dl.reduce "max" %h3 axes [1] : tensor<?x10xf32> -> tensor<?xf32>
  %held = dl.stop_gradient %m : tensor<?xf32>
  %most = dl.broadcast %held axes [0] sizes(%n) : tensor<?xf32> -> tensor<?x10xf32>
  %z = dl.sub %h3, %most : tensor<?x10xf32>
  %e = dl.exp %z : tensor<?x10xf32>
  %t = dl.reduce "sum" %e axes [1] : tensor<?x10xf32> -> tensor<?xf32>
  %log = dl.log %t : tensor<?xf32>
  %logs = dl.broadcast %log axes [0] sizes(%n) : tensor<?xf32> -> tensor<?x10xf32>
  %lp = dl.sub %z, %logs : tensor<?x10xf32>
  %chosen = dl.mul %lp, %labels : tensor<?x10xf32>
  %sum = dl.reduce "sum" %chosen axes [0, 1] : tensor<?x10xf32> -> tensor<f32>
  %l = dl.neg %sum : tensor<f32>
  return %l : tensor<f32>
}

func.func @gradient(%n: index, %w1: tensor<64x32xf32>, %b1: tensor<32xf32>, %w2: tensor<32x32xf32>, %b2: tensor<32xf32>, %w3: tensor<10x32xf32>,
                    %x: tensor<?x64xf32>, %labels: tensor<?x10xf32>)
    -> (tensor<f32>, tensor<64x32xf32>, tensor<32xf32>, tensor<32x32xf32>, tensor<32xf32>, tensor<10x32xf32>) {
  %r:6 = dl.grad @loss(%n, %w1, %b1, %w2, %b2, %w3, %x, %labels) wrt [0, 1, 2, 3, 4] value
    : (index, tensor<64x32xf32>, tensor<32xf32>, tensor<32x32xf32>, tensor<32xf32>, tensor<10x32xf32>, tensor<?x64xf32>, tensor<?x10xf32>)
    -> (tensor<f32>, tensor<64x32xf32>, tensor<32xf32>, tensor<32x32xf32>, tensor<32xf32>, tensor<10x32xf32>)
  return %r#0, %r#1, %r#2, %r#3, %r#4, %r#5 : tensor<f32>, tensor<64x32xf32>, tensor<32xf32>, tensor<32x32xf32>, tensor<32xf32>, tensor<10x32xf32>
}
