// RUN: dlc-opt %s --split-input-file --emit-block-scatters --canonicalize --cse | FileCheck %s

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Rows are columns' threads next to each other: a block looks at 256 ids at once, and goes through those of its part of the rows.
  // CHECK-LABEL: func.func @add(
  // CHECK-SAME:    %[[N:[^:]*]]: index, %[[M:[^:]*]]: index, %[[X:[^:]*]]: memref<?x?xf32>, %[[IDS:[^:]*]]: memref<?xi32>, %[[U:[^:]*]]: memref<?x?xf32>
  // CHECK:       scf.for %[[BLOCK:.*]] = %c0 to
  // CHECK:         %[[OWN:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK:         %[[PART:.*]] = arith.remui %[[BLOCK]], %[[PARTS:.*]] : index
  // CHECK:         scf.for %{{.*}} = %c0 to %{{.*}} step %c256
  // CHECK:           scf.if
  // CHECK:             %[[ID:.*]] = memref.load %[[IDS]]
  // CHECK:             arith.index_cast %[[ID]]
  // CHECK-NOT:         memref.load
  // CHECK:           nvvm.vote.sync ballot
  // CHECK:           nvvm.barrier0
  // CHECK:           nvvm.barrier0
  // CHECK:           scf.for
  // CHECK:             %[[LONG:.*]] = memref.load
  // CHECK:             %[[ROW:.*]] = arith.index_cast %[[LONG]]
  // CHECK:             scf.if
  // CHECK-NOT:           memref.load %[[IDS]]
  // CHECK:               memref.load %[[U]][%{{.*}}, %[[COLUMN:.*]]]
  // CHECK:               memref.load %[[X]][%[[ROW]], %[[COLUMN]]]
  // CHECK:               memref.store %{{.*}}, %[[X]][%[[ROW]], %[[COLUMN]]]
  // CHECK:       } {dl.block = 256 : i64, dl.parallel = true}
  // CHECK-NEXT:  return
  func.func @add(%n: index, %m: index, %x: memref<?x?xf32>, %ids: memref<?xi32>, %u: memref<?x?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "add", dl.dims = ["n", "m"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %id = memref.load %ids[%i] : memref<?xi32>
      %row = arith.index_cast %id : i32 to index
      %part = memref.subview %x[%row, 0] [1, %m] [1, 1] : memref<?x?xf32> to memref<?xf32, strided<[1], offset: ?>>
      scf.for %j = %c0 to %m step %c1 {
        %v = memref.load %u[%i, %j] : memref<?x?xf32>
        %w = memref.load %x[%row, %j] : memref<?x?xf32>
        %s = arith.addf %w, %v : f32
        memref.store %s, %x[%row, %j] : memref<?x?xf32>
      } {dl.parallel = true}
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // The row may be where a slice begins, of one row.
  // CHECK-LABEL: func.func @slices(
  // CHECK:         memref.load
  // CHECK:         nvvm.vote.sync ballot
  // CHECK-COUNT-2: nvvm.barrier0
  // CHECK:         %[[LONG:.*]] = memref.load
  // CHECK:         %[[ROW:.*]] = arith.index_cast %[[LONG]]
  // CHECK:           memref.subview %{{.*}}[0, %[[ROW]], 0] [7, 1, 24] [1, 1, 1]
  // CHECK:       } {dl.block = 256 : i64, dl.parallel = true}
  func.func @slices(%n: index, %x: memref<7x?x24xf32>, %ids: memref<?xi32>, %u: memref<24xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "slices", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c7 = arith.constant 7 : index
    %c24 = arith.constant 24 : index
    scf.for %i = %c0 to %n step %c1 {
      %id = memref.load %ids[%i] : memref<?xi32>
      %row = arith.index_cast %id : i32 to index
      %part = memref.subview %x[0, %row, 0] [7, 1, 24] [1, 1, 1] : memref<7x?x24xf32> to memref<7x24xf32, strided<[?, 1], offset: ?>>
      scf.for %j = %c0 to %c7 step %c1 {
        scf.for %k = %c0 to %c24 step %c1 {
          %v = memref.load %u[%k] : memref<24xf32>
          memref.store %v, %part[%j, %k] : memref<7x24xf32, strided<[?, 1], offset: ?>>
        } {dl.parallel = true}
      } {dl.parallel = true}
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A slice of two rows may share one with the next; what is read elsewhere may have been written by another thread; and where the ids
  // lie in what is written, they can't be read ahead.
  // CHECK-LABEL: func.func @wide(
  // CHECK-NOT:     dl.block
  func.func @wide(%n: index, %x: memref<?x24xf32>, %ids: memref<?xi32>, %u: memref<24xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "wide", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c24 = arith.constant 24 : index
    scf.for %i = %c0 to %n step %c1 {
      %id = memref.load %ids[%i] : memref<?xi32>
      %row = arith.index_cast %id : i32 to index
      %part = memref.subview %x[%row, 0] [2, 24] [1, 1] : memref<?x24xf32> to memref<2x24xf32, strided<[24, 1], offset: ?>>
      scf.for %j = %c0 to %c2 step %c1 {
        scf.for %k = %c0 to %c24 step %c1 {
          %v = memref.load %u[%k] : memref<24xf32>
          memref.store %v, %part[%j, %k] : memref<2x24xf32, strided<[24, 1], offset: ?>>
        } {dl.parallel = true}
      } {dl.parallel = true}
    }
    return
  }
  // CHECK-LABEL: func.func @elsewhere(
  // CHECK-NOT:     dl.block
  func.func @elsewhere(%n: index, %x: memref<?x24xf32>, %ids: memref<?xi32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "elsewhere", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c24 = arith.constant 24 : index
    scf.for %i = %c0 to %n step %c1 {
      %id = memref.load %ids[%i] : memref<?xi32>
      %row = arith.index_cast %id : i32 to index
      scf.for %j = %c0 to %c24 step %c1 {
        %v = memref.load %x[%i, %j] : memref<?x24xf32>
        memref.store %v, %x[%row, %j] : memref<?x24xf32>
      } {dl.parallel = true}
    }
    return
  }
  // CHECK-LABEL: func.func @own_ids(
  // CHECK-NOT:     dl.block
  func.func @own_ids(%n: index, %x: memref<?xi32>, %u: memref<?xi32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "own_ids", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %id = memref.load %x[%i] : memref<?xi32>
      %row = arith.index_cast %id : i32 to index
      %v = memref.load %u[%i] : memref<?xi32>
      memref.store %v, %x[%row] : memref<?xi32>
    }
    return
  }
}
