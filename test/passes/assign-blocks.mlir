// RUN: dlc-opt %s --split-input-file --assign-blocks | FileCheck %s
// RUN: dlc-opt %s --split-input-file --assign-blocks --vectorize-generics --canonicalize --cse | FileCheck %s --check-prefix=LOOPS

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // All threads of a block go through a row, whose sum goes from thread to thread and from warp to warp.
  // CHECK-LABEL: func.func @rows(
  // CHECK:       linalg.generic
  // CHECK:       } {dl.block = 128 : i64, dl.parallel = true}
  // LOOPS:       memref.global "private" @[[SUMS:.*]] : memref<4xf32, 3>
  // LOOPS-LABEL: func.func @rows(
  // LOOPS-SAME:    %{{.*}}: index, %[[M:.*]]: index,
  // LOOPS:       %[[OWN:.*]] = nvvm.read.ptx.sreg.tid.x
  // LOOPS-NEXT:  %[[THREAD:.*]] = arith.index_castui %[[OWN]]
  // LOOPS-NEXT:  scf.for %{{.*}} = %[[THREAD]] to %[[M]] step %c128
  // LOOPS:       nvvm.shfl.sync bfly
  // LOOPS:       %[[MEMORY:.*]] = memref.get_global @[[SUMS]]
  // LOOPS:       memref.store %{{.*}}, %[[MEMORY]]
  // LOOPS:       nvvm.barrier0
  // LOOPS-NEXT:  memref.load %[[MEMORY]]
  // LOOPS:       nvvm.barrier0
  // LOOPS:       scf.if
  // LOOPS:         memref.store
  // LOOPS:       nvvm.barrier0
  // LOOPS-NEXT:  } {dl.block = 128 : i64, dl.parallel = true}
  func.func @rows(%n: index, %m: index, %x: memref<?x?xf32>, %s: memref<?xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %row = memref.subview %x[%i, 0] [1, %m] [1, 1] : memref<?x?xf32> to memref<?xf32, strided<[1], offset: ?>>
      %sum = memref.subview %s[%i] [1] [1] : memref<?xf32> to memref<f32, strided<[], offset: ?>>
      linalg.generic {indexing_maps = [affine_map<(j) -> (j)>, affine_map<(j) -> ()>], iterator_types = ["reduction"]}
          ins(%row : memref<?xf32, strided<[1], offset: ?>>) outs(%sum : memref<f32, strided<[], offset: ?>>) {
      ^bb0(%a: f32, %o: f32):
        %b = arith.addf %o, %a : f32
        linalg.yield %b : f32
      }
    } {dl.parallel = true}
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Rows of less than a warp's length are a thread's, and so is what holds something else than nests.
  // CHECK-LABEL: func.func @short(
  // CHECK-NOT:   dl.block
  func.func @short(%n: index, %x: memref<?x8xf32>, %s: memref<?xf32>) {
    %c = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %row = memref.subview %x[%i, 0] [1, 8] [1, 1] : memref<?x8xf32> to memref<8xf32, strided<[1], offset: ?>>
      linalg.fill ins(%c : f32) outs(%row : memref<8xf32, strided<[1], offset: ?>>)
    } {dl.parallel = true}
    scf.for %i = %c0 to %n step %c1 {
      linalg.fill ins(%c : f32) outs(%s : memref<?xf32>)
      memref.store %c, %s[%i] : memref<?xf32>
    } {dl.parallel = true}
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3"}} {
  // CHECK-LABEL: func.func @no_gpu(
  // CHECK-NOT:   dl.block
  func.func @no_gpu(%n: index, %x: memref<?x64xf32>) {
    %c = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %row = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<64xf32, strided<[1], offset: ?>>
      linalg.fill ins(%c : f32) outs(%row : memref<64xf32, strided<[1], offset: ?>>)
    } {dl.parallel = true}
    return
  }
}
