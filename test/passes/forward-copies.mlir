// RUN: dlc-opt %s --split-input-file --allow-unregistered-dialect --pass-pipeline='builtin.module(func.func(forward-copies))' | FileCheck %s

#id = affine_map<(d0) -> (d0)>


// An inout is updated in place: the writer reads it at the index that it writes.
// CHECK-LABEL: func.func @in_place
// CHECK-SAME:    %[[G:.*]]: memref<64xf32>, %[[P:.*]]: memref<64xf32>)
// CHECK-NOT:     memref.alloc
// CHECK:         linalg.generic {{.*}} ins(%[[P]], %[[G]] : {{.*}}) outs(%[[P]] :
// CHECK-NOT:     memref.copy
// CHECK:         return
func.func @in_place(%g: memref<64xf32>, %p: memref<64xf32>) {
  %a = memref.alloc() : memref<64xf32>
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%p, %g : memref<64xf32>, memref<64xf32>) outs(%a : memref<64xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %0 = arith.subf %x, %y : f32
    linalg.yield %0 : f32
  }
  memref.copy %a, %p : memref<64xf32> to memref<64xf32>
  return
}

// -----

#id = affine_map<(d0) -> (d0)>
#back = affine_map<(d0) -> (63 - d0)>

// The writer reads the destination elsewhere.
// CHECK-LABEL: func.func @reversed
// CHECK:         memref.alloc
// CHECK:         memref.copy
func.func @reversed(%p: memref<64xf32>) {
  %a = memref.alloc() : memref<64xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%p : memref<64xf32>) outs(%a : memref<64xf32>) {
  ^bb0(%x: f32, %o: f32):
    %i = linalg.index 0 : index
    %c63 = arith.constant 63 : index
    %j = arith.subi %c63, %i : index
    %0 = memref.load %p[%j] : memref<64xf32>
    linalg.yield %0 : f32
  }
  memref.copy %a, %p : memref<64xf32> to memref<64xf32>
  return
}

// -----

#id = affine_map<(d0) -> (d0)>

// Two parameters are swapped: the old %q is read after %a is made, before it is copied.
// CHECK-LABEL: func.func @swap
// CHECK-SAME:    %[[P:.*]]: memref<4xf32>, %[[Q:.*]]: memref<4xf32>)
// CHECK:         %[[A:.*]] = memref.alloc
// CHECK:         linalg.generic {{.*}} ins(%[[P]] : {{.*}}) outs(%[[A]] :
// CHECK:         linalg.generic {{.*}} ins(%[[Q]] : {{.*}}) outs(%[[P]] :
// CHECK:         memref.copy %[[A]], %[[Q]]
func.func @swap(%p: memref<4xf32>, %q: memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<4xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%p : memref<4xf32>) outs(%a : memref<4xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%q : memref<4xf32>) outs(%b : memref<4xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  memref.copy %b, %p : memref<4xf32> to memref<4xf32>
  memref.copy %a, %q : memref<4xf32> to memref<4xf32>
  return
}

// -----

#id = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>

// A result that is read again after the copy: reads go to the destination.
// CHECK-LABEL: func.func @read_again
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[OUT:.*]]: memref<?xf32>, %[[SUM:.*]]: memref<f32>)
// CHECK:         linalg.generic {{.*}} outs(%[[OUT]] :
// CHECK-NOT:     memref.copy
// CHECK:         linalg.generic {{.*}} ins(%[[OUT]] : {{.*}}) outs(%[[SUM]] :
func.func @read_again(%n: index, %x: memref<?xf32>, %out: memref<?xf32>, %sum: memref<f32>) {
  %a = memref.alloc(%n) : memref<?xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : memref<?xf32>) outs(%a : memref<?xf32>) {
  ^bb0(%u: f32, %o: f32):
    %0 = arith.addf %u, %u : f32
    linalg.yield %0 : f32
  }
  memref.copy %a, %out : memref<?xf32> to memref<?xf32>
  linalg.generic {indexing_maps = [#id, #none], iterator_types = ["reduction"]}
      ins(%a : memref<?xf32>) outs(%sum : memref<f32>) {
  ^bb0(%u: f32, %o: f32):
    %0 = arith.addf %u, %o : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// The buffer changes after it was copied.
// CHECK-LABEL: func.func @changed_after
// CHECK:         memref.copy
func.func @changed_after(%out: memref<4xf32>, %other: memref<4xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %a = memref.alloc() : memref<4xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<4xf32>)
  memref.copy %a, %out : memref<4xf32> to memref<4xf32>
  linalg.fill ins(%one : f32) outs(%a : memref<4xf32>)
  "test.use"(%a) : (memref<4xf32>) -> ()
  return
}

// -----

// The destination is there before the views of the buffer, which become views of it.
// CHECK-LABEL: func.func @views_come_first
// CHECK:         %[[TO:.*]] = memref.alloc() : memref<2xf64>
// CHECK:         %[[PART:.*]] = memref.subview %[[TO]]
// CHECK:         linalg.fill {{.*}} outs(%[[PART]] :
// CHECK-NOT:     memref.copy
// CHECK:         "test.use"(%[[TO]])
func.func @views_come_first() {
  %one = arith.constant 1.0 : f64
  %a = memref.alloc() : memref<2xf64>
  %part = memref.subview %a[0] [1] [1] : memref<2xf64> to memref<1xf64, strided<[1]>>
  %to = memref.alloc() : memref<2xf64>
  linalg.fill ins(%one : f64) outs(%part : memref<1xf64, strided<[1]>>)
  memref.copy %a, %to : memref<2xf64> to memref<2xf64>
  "test.use"(%to) : (memref<2xf64>) -> ()
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// What a round of a loop makes for others to read is made where they find it, though there it has one more axis.
// CHECK-LABEL: func.func @kept
// CHECK-SAME:    %[[ALL:[a-z0-9]*]]: memref<8x?x128xf32>,
// CHECK-NOT:     memref.alloc
// CHECK:         %[[ROUND:.*]] = memref.subview %[[ALL]]
// CHECK:         %[[TO:.*]] = memref.collapse_shape %[[ROUND]] {{.*}} into memref<?x128xf32, strided<[?, 1], offset: ?>>
// CHECK:         linalg.generic {{.*}} outs(%[[TO]] :
// CHECK-NOT:     memref.copy
// CHECK:         return
func.func @kept(%x: memref<?x128xf32>, %all: memref<8x?x128xf32>, %n: index, %t: index) {
  %a = memref.alloc(%n) : memref<?x128xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x128xf32>) outs(%a : memref<?x128xf32>) {
  ^bb0(%i: f32, %o: f32):
    %0 = arith.negf %i : f32
    linalg.yield %0 : f32
  }
  %one = memref.expand_shape %a [[0, 1], [2]] output_shape [1, %n, 128] : memref<?x128xf32> into memref<1x?x128xf32>
  %round = memref.subview %all[%t, 0, 0] [1, %n, 128] [1, 1, 1] : memref<8x?x128xf32> to memref<1x?x128xf32, strided<[?, 128, 1], offset: ?>>
  memref.copy %one, %round : memref<1x?x128xf32> to memref<1x?x128xf32, strided<[?, 128, 1], offset: ?>>
  return
}
