// RUN: dlc-opt %s --split-input-file --fuse-products --canonicalize | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --fuse-products

// Scores, their powers and the second product go through some rows at a time: no buffer has as many elements as there
// are scores. The powers take the scores' place.
// CHECK-LABEL: func.func @attention(
// CHECK-SAME:    %[[B:[^:]*]]: index, %[[T:[^:]*]]: index, %[[Q:[^:]*]]: memref<?x?x8xf32>
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %[[B]] step
// CHECK:           %[[ROWS:.*]] = arith.muli
// CHECK:           %[[S:.*]] = memref.alloc(%[[ROWS]], %[[T]]) {{.*}} : memref<?x?xf32>
// CHECK-NOT:       memref.alloc
// CHECK:           scf.for %[[ROW:.*]] = %{{.*}} to %[[T]] step %[[ROWS]]
// CHECK:             %[[LEFT:.*]] = arith.subi %[[T]], %[[ROW]]
// CHECK:             %[[COUNT:.*]] = arith.minsi %[[ROWS]], %[[LEFT]]
// CHECK-DAG:         %[[SI:.*]] = memref.subview %[[S]][0, 0] [%[[COUNT]], %[[T]]]
// CHECK-DAG:         memref.subview %{{.*}}[%[[ROW]], 0] [%[[COUNT]], 8]
// CHECK:             linalg.fill {{.*}} outs(%[[SI]] :
// CHECK:             linalg.generic {{.*}} outs(%[[SI]] : {{.*}} {dl.contraction}
// CHECK:             linalg.generic {{.*}} ins(%[[SI]] : {{.*}}) outs(%[[SI]] :
// CHECK:               arith.addi %{{.*}}, %[[ROW]]
// CHECK:             linalg.generic {{.*}} ins(%[[SI]], {{.*}} {dl.contraction}
// CHECK:           } {dl.parallel = true}
// CHECK:         } {dl.parallel = true}
#q = affine_map<(b, i, j, d) -> (b, i, d)>
#k = affine_map<(b, i, j, d) -> (b, j, d)>
#s = affine_map<(b, i, j, d) -> (b, i, j)>
#all = affine_map<(b, i, j) -> (b, i, j)>
#p = affine_map<(b, i, d, j) -> (b, i, j)>
#v = affine_map<(b, i, d, j) -> (b, j, d)>
#o = affine_map<(b, i, d, j) -> (b, i, d)>
func.func @attention(%b: index, %t: index, %q: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}, %k: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}, %v: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}, %o: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}) attributes {dl.dims = ["B", "T"]} {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc(%b, %t, %t) : memref<?x?x?xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<?x?x?xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %k : memref<?x?x8xf32>, memref<?x?x8xf32>) outs(%s : memref<?x?x?xf32>) attrs = {dl.contraction} {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %m = arith.mulf %x, %y : f32
    %n = arith.addf %sum, %m : f32
    linalg.yield %n : f32
  }
  %p = memref.alloc(%b, %t, %t) : memref<?x?x?xf32>
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : memref<?x?x?xf32>) outs(%p : memref<?x?x?xf32>) {
  ^bb0(%x: f32, %out: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %seen = arith.cmpi sle, %j, %i : index
    %e = math.exp %x : f32
    %r = arith.select %seen, %e, %zero : f32
    linalg.yield %r : f32
  }
  linalg.fill ins(%zero : f32) outs(%o : memref<?x?x8xf32>)
  linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%p, %v : memref<?x?x?xf32>, memref<?x?x8xf32>) outs(%o : memref<?x?x8xf32>) attrs = {dl.contraction} {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %m = arith.mulf %x, %y : f32
    %n = arith.addf %sum, %m : f32
    linalg.yield %n : f32
  }
  return
}

// -----

// What fits the cache stays; a product that adds rows up ends a group.
// CHECK-LABEL: func.func @small(
// CHECK-NOT:     scf.for
#x = affine_map<(i, j, k) -> (i, k)>
#w = affine_map<(i, j, k) -> (k, j)>
#y = affine_map<(i, j, k) -> (i, j)>
func.func @small(%n: index, %x: memref<?x64xf32> {dl.shape = ["N", "64"]}, %w: memref<64x64xf32>, %y: memref<?x64xf32> {dl.shape = ["N", "64"]}) attributes {dl.dims = ["N"]} {
  %h = memref.alloc(%n) : memref<?x64xf32>
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<?x64xf32>, memref<64x64xf32>) outs(%h : memref<?x64xf32>) attrs = {dl.contraction} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %sum, %m : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%h, %w : memref<?x64xf32>, memref<64x64xf32>) outs(%y : memref<?x64xf32>) attrs = {dl.contraction} {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %sum, %m : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// A product that adds up the rows of the scores adds to its result block by block, which is filled before; blocks are in order.
// CHECK-LABEL: func.func @adds_up(
// CHECK-SAME:    %[[T:[^:]*]]: index, %{{.*}}: memref<?x8xf32>{{.*}}, %{{.*}}: memref<?x8xf32>{{.*}}, %[[O:[^:]*]]: memref<?x8xf32>
// CHECK:         %[[ROWS:.*]] = arith.muli
// CHECK:         linalg.fill {{.*}} outs(%[[O]] :
// CHECK:         %[[S:.*]] = memref.alloc(%[[ROWS]], %[[T]]) {{.*}} : memref<?x?xf32>
// CHECK-NOT:     memref.alloc
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[T]] step %[[ROWS]]
// CHECK-DAG:       %[[SI:.*]] = memref.subview %[[S]][0, 0]
// CHECK:           linalg.fill {{.*}} outs(%[[SI]] :
// CHECK:           linalg.generic {{.*}} outs(%[[SI]] : {{.*}} {dl.contraction}
// CHECK:           linalg.generic {{.*}} ins(%[[SI]], {{.*}} outs(%[[O]] : {{.*}} {dl.contraction}
// CHECK-NOT:     dl.parallel
// CHECK:         return
#q = affine_map<(i, j, d) -> (i, d)>
#k = affine_map<(i, j, d) -> (j, d)>
#s = affine_map<(i, j, d) -> (i, j)>
#p = affine_map<(j, d, i) -> (i, j)>
#v = affine_map<(j, d, i) -> (i, d)>
#o = affine_map<(j, d, i) -> (j, d)>
func.func @adds_up(%t: index, %q: memref<?x8xf32> {dl.shape = ["T", "8"]}, %k: memref<?x8xf32> {dl.shape = ["T", "8"]}, %o: memref<?x8xf32> {dl.shape = ["T", "8"]}) attributes {dl.dims = ["T"]} {
  %zero = arith.constant 0.0 : f32
  %s = memref.alloc(%t, %t) : memref<?x?xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<?x?xf32>)
  linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "reduction"]} ins(%q, %k : memref<?x8xf32>, memref<?x8xf32>) outs(%s : memref<?x?xf32>) attrs = {dl.contraction} {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %m = arith.mulf %x, %y : f32
    %n = arith.addf %sum, %m : f32
    linalg.yield %n : f32
  }
  linalg.fill ins(%zero : f32) outs(%o : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s, %q : memref<?x?xf32>, memref<?x8xf32>) outs(%o : memref<?x8xf32>) attrs = {dl.contraction} {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %m = arith.mulf %x, %y : f32
    %n = arith.addf %sum, %m : f32
    linalg.yield %n : f32
  }
  return
}

// -----

// Where it is asked for, what is some rows only is told, with the bytes that were written and read; once, though there is a
// loop in a loop.
// CHECK-LABEL: func.func @told(
// CHECK-COUNT-2: scf.for
#q = affine_map<(b, i, j, d) -> (b, i, d)>
#k = affine_map<(b, i, j, d) -> (b, j, d)>
#s = affine_map<(b, i, j, d) -> (b, i, j)>
#all = affine_map<(b, i, j) -> (b, i, j)>
#p = affine_map<(b, i, d, j) -> (b, i, j)>
#v = affine_map<(b, i, d, j) -> (b, j, d)>
#o = affine_map<(b, i, d, j) -> (b, i, d)>
module attributes {dl.remarks = {}} {
  func.func @told(%b: index, %t: index, %q: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}, %k: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}, %v: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}, %o: memref<?x?x8xf32> {dl.shape = ["B", "T", "8"]}) attributes {dl.dims = ["B", "T"]} {
    %zero = arith.constant 0.0 : f32
    %s = memref.alloc(%b, %t, %t) : memref<?x?x?xf32>
    // expected-note @+1 {{with this}}
    linalg.fill ins(%zero : f32) outs(%s : memref<?x?x?xf32>)
    linalg.generic {indexing_maps = [#q, #k, #s], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%q, %k : memref<?x?x8xf32>, memref<?x?x8xf32>) outs(%s : memref<?x?x?xf32>) attrs = {dl.contraction} {
    ^bb0(%x: f32, %y: f32, %sum: f32):
      %m = arith.mulf %x, %y : f32
      %n = arith.addf %sum, %m : f32
      linalg.yield %n : f32
    }
    %p = memref.alloc(%b, %t, %t) : memref<?x?x?xf32>
    // expected-remark @+2 {{DL1101 goes through rows with what makes its operand: 8*B*T*T bytes less are written and read}}
    // expected-note @+1 {{with this}}
    linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : memref<?x?x?xf32>) outs(%p : memref<?x?x?xf32>) {
    ^bb0(%x: f32, %out: f32):
      %i = linalg.index 1 : index
      %j = linalg.index 2 : index
      %seen = arith.cmpi sle, %j, %i : index
      %e = math.exp %x : f32
      %r = arith.select %seen, %e, %zero : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%o : memref<?x?x8xf32>)
    // expected-remark @+1 {{DL1101 goes through rows with what makes its operand: 8*B*T*T bytes less are written and read}}
    linalg.generic {indexing_maps = [#p, #v, #o], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%p, %v : memref<?x?x?xf32>, memref<?x?x8xf32>) outs(%o : memref<?x?x8xf32>) attrs = {dl.contraction} {
    ^bb0(%x: f32, %y: f32, %sum: f32):
      %m = arith.mulf %x, %y : f32
      %n = arith.addf %sum, %m : f32
      linalg.yield %n : f32
    }
    return
  }
}

// -----

// Nothing is told of what stays whole.
// CHECK-LABEL: func.func @whole(
// CHECK-NOT:     scf.for
#x = affine_map<(i, j, k) -> (i, k)>
#w = affine_map<(i, j, k) -> (k, j)>
#y = affine_map<(i, j, k) -> (i, j)>
module attributes {dl.remarks = {}} {
  func.func @whole(%n: index, %x: memref<?x64xf32> {dl.shape = ["N", "64"]}, %w: memref<64x64xf32>, %y: memref<?x64xf32> {dl.shape = ["N", "64"]}) attributes {dl.dims = ["N"]} {
    %h = memref.alloc(%n) : memref<?x64xf32>
    linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %w : memref<?x64xf32>, memref<64x64xf32>) outs(%h : memref<?x64xf32>) attrs = {dl.contraction} {
    ^bb0(%a: f32, %b: f32, %sum: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %sum, %m : f32
      linalg.yield %s : f32
    }
    linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]} ins(%h, %w : memref<?x64xf32>, memref<64x64xf32>) outs(%y : memref<?x64xf32>) attrs = {dl.contraction} {
    ^bb0(%a: f32, %b: f32, %sum: f32):
      %m = arith.mulf %a, %b : f32
      %s = arith.addf %sum, %m : f32
      linalg.yield %s : f32
    }
    return
  }
}
