// RUN: dlc-opt %s --split-input-file --fuse-rows | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --fuse-rows

// Sum and quotient go through the rows together; what only they need is a row, a scalar. The op that computes most brings
// the next row of what is read nearer, and the row that will be written.
// CHECK-LABEL: func.func @softmax(
// CHECK-SAME:    %[[N:[^:]*]]: index, %[[M:[^:]*]]: index, %[[X:[^:]*]]: memref<?x?xf32> {{{.*}}}, %[[Y:[^:]*]]: memref<?x?xf32>
// CHECK-DAG:     %[[E:.*]] = memref.alloc(%[[M]]) {{.*}} : memref<?xf32>
// CHECK-DAG:     %[[S:.*]] = memref.alloc() {{.*}} : memref<f32>
// CHECK:         scf.for %[[I:.*]] = {{.*}} to %[[N]]
// CHECK:           linalg.generic {{.*}} outs(%[[S]] : memref<f32>)
// CHECK:           %[[XI:.*]] = memref.subview %[[X]][%[[I]], 0]
// CHECK:           %[[XN:.*]] = memref.subview %[[X]][%{{.*}}, 0]
// CHECK:           %[[YN:.*]] = memref.subview %[[Y]][%[[I]], 0]
// CHECK:           linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[XI]], %[[XN]], %[[YN]] : {{.*}}) outs(%[[E]], %[[S]] : {{.*}}) attrs = {dl.ahead = array<i64: 2, 5>}
// CHECK:           %[[YI:.*]] = memref.subview %[[Y]][%[[I]], 0]
// CHECK:           linalg.generic {{.*}} ins(%[[E]], %[[S]] : {{.*}}) outs(%[[YI]] :
// CHECK-NOT:     memref.alloc
#full = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @softmax(%n: index, %m: index, %x: memref<?x?xf32> {dl.shape = ["N", "M"]}, %y: memref<?x?xf32> {dl.shape = ["N", "M"]}) attributes {dl.dims = ["N", "M"]} {
  %zero = arith.constant 0.0 : f32
  %e = memref.alloc(%n, %m) : memref<?x?xf32>
  %s = memref.alloc(%n) : memref<?xf32>
  linalg.fill ins(%zero : f32) outs(%s : memref<?xf32>)
  linalg.generic {indexing_maps = [#full, #full, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<?x?xf32>) outs(%e, %s : memref<?x?xf32>, memref<?xf32>) {
  ^bb0(%a: f32, %out: f32, %sum: f32):
    %b = math.exp %a : f32
    %c = arith.addf %sum, %b : f32
    linalg.yield %b, %c : f32, f32
  }
  linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]} ins(%e, %s : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %sum: f32, %out: f32):
    %b = arith.divf %a, %sum : f32
    linalg.yield %b : f32
  }
  return
}

// -----

// The sum of columns is whole only after the last row: nothing that reads it may join.
// CHECK-LABEL: func.func @columns(
// CHECK-NOT:     scf.for
#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
func.func @columns(%n: index, %x: memref<?x512xf32> {dl.shape = ["N", "512"]}, %y: memref<?x512xf32> {dl.shape = ["N", "512"]}, %s: memref<512xf32>) attributes {dl.dims = ["N"]} {
  linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]} ins(%x : memref<?x512xf32>) outs(%s : memref<512xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %c = arith.addf %sum, %a : f32
    linalg.yield %c : f32
  }
  linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["parallel", "parallel"]} ins(%x, %s : memref<?x512xf32>, memref<512xf32>) outs(%y : memref<?x512xf32>) {
  ^bb0(%a: f32, %sum: f32, %out: f32):
    %b = arith.mulf %a, %sum : f32
    linalg.yield %b : f32
  }
  return
}

// -----

// A transposed reader needs rows that are not made yet.
// CHECK-LABEL: func.func @transposed(
// CHECK-NOT:     scf.for
#ij = affine_map<(i, j) -> (i, j)>
#ji = affine_map<(i, j) -> (j, i)>
func.func @transposed(%x: memref<256x256xf32>, %y: memref<256x256xf32>) {
  %t = memref.alloc() : memref<256x256xf32>
  linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : memref<256x256xf32>) outs(%t : memref<256x256xf32>) {
  ^bb0(%a: f32, %out: f32):
    %b = math.exp %a : f32
    linalg.yield %b : f32
  }
  linalg.generic {indexing_maps = [#ji, #ij], iterator_types = ["parallel", "parallel"]} ins(%t : memref<256x256xf32>) outs(%y : memref<256x256xf32>) {
  ^bb0(%a: f32, %out: f32):
    %b = arith.negf %a : f32
    linalg.yield %b : f32
  }
  return
}

// -----

// Where it is asked for, what is a row only is told, with the bytes that were written and read: numbers where the dims are known.
// CHECK-LABEL: func.func @told(
// CHECK:         scf.for
#full = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {dl.remarks = {N = 100 : index}} {
  func.func @told(%n: index, %m: index, %x: memref<?x?xf32> {dl.shape = ["N", "M"]}, %y: memref<?x?xf32> {dl.shape = ["N", "M"]}) attributes {dl.dims = ["N", "M"]} {
    %zero = arith.constant 0.0 : f32
    %e = memref.alloc(%n, %m) : memref<?x?xf32>
    %s = memref.alloc(%n) : memref<?xf32>
    // expected-note @+1 {{with this}}
    linalg.fill ins(%zero : f32) outs(%s : memref<?xf32>)
    // expected-note @+1 {{with this}}
    linalg.generic {indexing_maps = [#full, #full, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<?x?xf32>) outs(%e, %s : memref<?x?xf32>, memref<?xf32>) {
    ^bb0(%a: f32, %out: f32, %sum: f32):
      %b = math.exp %a : f32
      %c = arith.addf %sum, %b : f32
      linalg.yield %b, %c : f32, f32
    }
    // expected-remark @+2 {{DL1101 goes through rows with what makes its operand: 800 bytes less are written and read}}
    // expected-remark @+1 {{DL1101 goes through rows with what makes its operand: 8*M*N bytes less are written and read}}
    linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]} ins(%e, %s : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?x?xf32>) {
    ^bb0(%a: f32, %sum: f32, %out: f32):
      %b = arith.divf %a, %sum : f32
      linalg.yield %b : f32
    }
    return
  }
}

// -----

// Four sums are too little to be told.
// CHECK-LABEL: func.func @few(
// CHECK:         scf.for
#full = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {dl.remarks = {}} {
  func.func @few(%x: memref<4x512xf32>, %y: memref<4x512xf32>) {
    %zero = arith.constant 0.0 : f32
    %e = memref.alloc() : memref<4x512xf32>
    %s = memref.alloc() : memref<4xf32>
    linalg.fill ins(%zero : f32) outs(%s : memref<4xf32>)
    // expected-note @+1 {{with this}}
    linalg.generic {indexing_maps = [#full, #full, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x512xf32>) outs(%e, %s : memref<4x512xf32>, memref<4xf32>) {
    ^bb0(%a: f32, %out: f32, %sum: f32):
      %b = math.exp %a : f32
      %c = arith.addf %sum, %b : f32
      linalg.yield %b, %c : f32, f32
    }
    // expected-remark @+1 {{DL1101 goes through rows with what makes its operand: 16384 bytes less are written and read}}
    linalg.generic {indexing_maps = [#full, #row, #full], iterator_types = ["parallel", "parallel"]} ins(%e, %s : memref<4x512xf32>, memref<4xf32>) outs(%y : memref<4x512xf32>) {
    ^bb0(%a: f32, %sum: f32, %out: f32):
      %b = arith.divf %a, %sum : f32
      linalg.yield %b : f32
    }
    return
  }
}

// -----

// Nor is what a transposed reader keeps in memory: nothing is joined.
// CHECK-LABEL: func.func @kept(
// CHECK-NOT:     scf.for
#ij = affine_map<(i, j) -> (i, j)>
#ji = affine_map<(i, j) -> (j, i)>
module attributes {dl.remarks = {}} {
  func.func @kept(%x: memref<256x256xf32>, %y: memref<256x256xf32>) {
    %t = memref.alloc() : memref<256x256xf32>
    linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : memref<256x256xf32>) outs(%t : memref<256x256xf32>) {
    ^bb0(%a: f32, %out: f32):
      %b = math.exp %a : f32
      linalg.yield %b : f32
    }
    linalg.generic {indexing_maps = [#ji, #ij], iterator_types = ["parallel", "parallel"]} ins(%t : memref<256x256xf32>) outs(%y : memref<256x256xf32>) {
    ^bb0(%a: f32, %out: f32):
      %b = arith.negf %a : f32
      linalg.yield %b : f32
    }
    return
  }
}
