// RUN: dlc-opt %s --pass-pipeline="builtin.module(func.func(rematerialize))" --split-input-file | FileCheck %s

// What is needed late is made again right before the ops that it is fused with. A contraction between two of these
// ends that, so there are two copies.
// CHECK-LABEL: func.func @chain(
// CHECK:         %[[H:.*]] = dl.dot_general %{{.*}}, %{{.*}} batch
// CHECK:         %[[S:.*]] = dl.square %[[H]]
// CHECK:         %[[Y:.*]] = dl.dot_general %[[S]]
// CHECK:         %[[G:.*]] = dl.dot_general %[[Y]]
// CHECK-NEXT:    %[[AGAIN:.*]] = dl.square %[[H]]
// CHECK-NEXT:    %[[DW:.*]] = dl.dot_general %[[AGAIN]], %[[G]]
// CHECK-NEXT:    %[[ONCE_MORE:.*]] = dl.square %[[H]]
// CHECK-NEXT:    %[[DH:.*]] = dl.mul %[[G]], %[[ONCE_MORE]]
// CHECK-NEXT:    dl.mul %[[DH]], %[[H]]
func.func @chain(%x: tensor<1024x512xf32>, %w: tensor<512x512xf32>, %v: tensor<512x512xf32>) -> (tensor<512x512xf32>, tensor<1024x512xf32>) {
  %h = dl.dot_general %x, %w batch [] x [] contract [1] x [0] : (tensor<1024x512xf32>, tensor<512x512xf32>) -> tensor<1024x512xf32>
  %s = dl.square %h : tensor<1024x512xf32>
  %y = dl.dot_general %s, %v batch [] x [] contract [1] x [0] : (tensor<1024x512xf32>, tensor<512x512xf32>) -> tensor<1024x512xf32>
  %g = dl.dot_general %y, %v batch [] x [] contract [1] x [1] : (tensor<1024x512xf32>, tensor<512x512xf32>) -> tensor<1024x512xf32>
  %dw = dl.dot_general %s, %g batch [] x [] contract [0] x [0] : (tensor<1024x512xf32>, tensor<1024x512xf32>) -> tensor<512x512xf32>
  %dh = dl.mul %g, %s : tensor<1024x512xf32>
  %dx = dl.mul %dh, %h : tensor<1024x512xf32>
  return %dw, %dx : tensor<512x512xf32>, tensor<1024x512xf32>
}

// -----

// What fits into a cache stays.
// CHECK-LABEL: func.func @small(
// CHECK-COUNT-1: dl.square
// CHECK-NOT:     dl.square
func.func @small(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %h = dl.dot_general %x, %w batch [] x [] contract [1] x [0] : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %s = dl.square %h : tensor<8x8xf32>
  %y = dl.dot_general %s, %h batch [] x [] contract [1] x [0] : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %z = dl.mul %y, %s : tensor<8x8xf32>
  return %z : tensor<8x8xf32>
}

// -----

// An argument that is not read any later is not read anew: its memory may be another's by then.
// CHECK-LABEL: func.func @argument(
// CHECK:         %[[T:.*]] = dl.square
// CHECK-NOT:     dl.square
// CHECK:         dl.mul %{{.*}}, %[[T]]
func.func @argument(%x: tensor<1024x1024xf32>, %w: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  %t = dl.square %x : tensor<1024x1024xf32>
  %a = dl.dot_general %t, %w batch [] x [] contract [1] x [0] : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  %b = dl.dot_general %a, %w batch [] x [] contract [1] x [0] : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  %y = dl.mul %b, %t : tensor<1024x1024xf32>
  return %y : tensor<1024x1024xf32>
}

// -----

// A mask made of nothing is made anew, in the blocks of loops too.
// CHECK-LABEL: func.func @loop(
// CHECK:         scf.for
// CHECK:           dl.iota
// CHECK:           dl.dot_general
// CHECK:           dl.dot_general
// CHECK-NEXT:      %[[I:.*]] = dl.iota
// CHECK-NEXT:      dl.mul %{{.*}}, %[[I]]
func.func @loop(%x: tensor<1024x1024xf32>, %w: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %y = scf.for %i = %c0 to %c9 step %c1 iter_args(%z = %x) -> tensor<1024x1024xf32> {
    %iota = dl.iota axis 1 sizes() : tensor<1024x1024xf32>
    %s = dl.add %z, %iota : tensor<1024x1024xf32>
    %a = dl.dot_general %s, %w batch [] x [] contract [1] x [0] : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
    %b = dl.dot_general %a, %w batch [] x [] contract [1] x [0] : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
    %n = dl.mul %b, %iota : tensor<1024x1024xf32>
    scf.yield %n : tensor<1024x1024xf32>
  }
  return %y : tensor<1024x1024xf32>
}

// -----

// Where less is to be kept, a product that is larger than what it is made of is computed again for its late
// uses, and so is what it is read by. One that is not is kept.
// CHECK-LABEL: func.func @scarce(
// CHECK-SAME:    %[[X:.*]]: tensor<64x16xf32>, %[[W:.*]]: tensor<16x512xf32>, %[[V:.*]]: tensor<512x16xf32>)
// CHECK:         %[[H:.*]] = dl.dot_general %[[X]], %[[W]] batch
// CHECK-NEXT:    %[[T:.*]] = dl.tanh %[[H]]
// CHECK-NEXT:    %[[Y:.*]] = dl.dot_general %[[T]], %[[V]]
// CHECK-NEXT:    %[[G:.*]] = dl.dot_general %[[Y]], %[[V]]
// CHECK-NEXT:    %[[AGAIN:.*]] = dl.dot_general %[[X]], %[[W]] batch
// CHECK-NEXT:    %[[TANH:.*]] = dl.tanh %[[AGAIN]]
// CHECK-NEXT:    dl.dot_general %[[TANH]], %[[Y]]
// CHECK-NEXT:    %[[ONCE_MORE:.*]] = dl.dot_general %[[X]], %[[W]] batch
// CHECK-NEXT:    dl.mul %[[G]], %[[ONCE_MORE]]
func.func @scarce(%x: tensor<64x16xf32>, %w: tensor<16x512xf32>, %v: tensor<512x16xf32>) -> (tensor<512x16xf32>, tensor<16x512xf32>, tensor<64x16xf32>) attributes {dl.loop_depth = 1 : i64} {
  %h = dl.dot_general %x, %w batch [] x [] contract [1] x [0] : (tensor<64x16xf32>, tensor<16x512xf32>) -> tensor<64x512xf32>
  %t = dl.tanh %h : tensor<64x512xf32>
  %y = dl.dot_general %t, %v batch [] x [] contract [1] x [0] : (tensor<64x512xf32>, tensor<512x16xf32>) -> tensor<64x16xf32>
  %g = dl.dot_general %y, %v batch [] x [] contract [1] x [1] : (tensor<64x16xf32>, tensor<512x16xf32>) -> tensor<64x512xf32>
  %dv = dl.dot_general %t, %y batch [] x [] contract [0] x [0] : (tensor<64x512xf32>, tensor<64x16xf32>) -> tensor<512x16xf32>
  %dh = dl.mul %g, %h : tensor<64x512xf32>
  %dw = dl.dot_general %x, %dh batch [] x [] contract [0] x [0] : (tensor<64x16xf32>, tensor<64x512xf32>) -> tensor<16x512xf32>
  %dx = dl.dot_general %dh, %w batch [] x [] contract [1] x [1] : (tensor<64x512xf32>, tensor<16x512xf32>) -> tensor<64x16xf32>
  return %dv, %dw, %dx : tensor<512x16xf32>, tensor<16x512xf32>, tensor<64x16xf32>
}
