// RUN: dlc-opt %s --split-input-file --interchange-loops --canonicalize --cse | FileCheck %s

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Sums so far: each column is a thread, which goes through the rows in order.
  // CHECK-LABEL: func.func @cumulative(
  // CHECK-SAME:    %[[N:[^:]*]]: index, %[[M:[^:]*]]: index,
  // CHECK:       scf.for %[[J:.*]] = %c0 to %[[M]] step %c1 {
  // CHECK-NEXT:    scf.for %[[I:.*]] = %c0 to %[[N]] step %c1 {
  // CHECK:           memref.load %{{.*}}[%[[I]], %[[J]]]
  // CHECK:           memref.store %{{.*}}[%[[J]]]
  // CHECK:           memref.store %{{.*}}[%[[I]], %[[J]]]
  // CHECK-NEXT:    }
  // CHECK-NEXT:  } {dl.parallel = true}
  // CHECK-NEXT:  return
  func.func @cumulative(%n: index, %m: index, %x: memref<?x?xf32>, %sum: memref<?xf32>, %y: memref<?x?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "cumulative", dl.dims = ["n", "m"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %row = memref.subview %x[%i, 0] [1, %m] [1, 1] : memref<?x?xf32> to memref<?xf32, strided<[1], offset: ?>>
      scf.for %j = %c0 to %m step %c1 {
        %v = memref.load %x[%i, %j] : memref<?x?xf32>
        %w = memref.load %sum[%j] : memref<?xf32>
        %s = arith.addf %w, %v : f32
        memref.store %s, %sum[%j] : memref<?xf32>
        memref.store %s, %y[%i, %j] : memref<?x?xf32>
      } {dl.parallel = true}
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Rows that differ from column to column: what is marked or not makes no difference.
  // CHECK-LABEL: func.func @along(
  // CHECK:       scf.for %[[J:.*]] = %c0 to %c40 step %c1 {
  // CHECK-NEXT:    scf.for %[[I:.*]] = %c0 to %{{.*}} step %c1 {
  // CHECK:           memref.load %{{.*}}[%[[I]], %[[J]]]
  // CHECK:           memref.store %{{.*}}[%{{.*}}, %[[J]]]
  // CHECK-NEXT:    }
  // CHECK-NEXT:  } {dl.parallel = true}
  func.func @along(%n: index, %x: memref<?x40xf32>, %ids: memref<?x40xi32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "along", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c40 = arith.constant 40 : index
    scf.for %i = %c0 to %n step %c1 {
      scf.for %j = %c0 to %c40 step %c1 {
        %id = memref.load %ids[%i, %j] : memref<?x40xi32>
        %row = arith.index_cast %id : i32 to index
        %w = memref.load %x[%row, %j] : memref<?x40xf32>
        %s = arith.addf %w, %w : f32
        memref.store %s, %x[%row, %j] : memref<?x40xf32>
      }
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A round that reads its neighbour's column stays where it is.
  // CHECK-LABEL: func.func @neighbours(
  // CHECK:       scf.for %{{.*}} = %c1 to
  // CHECK:         scf.for %{{.*}} = %c0 to %c40
  // CHECK:         } {dl.parallel = true}
  // CHECK-NEXT:  }
  // CHECK-NEXT:  return
  func.func @neighbours(%n: index, %x: memref<?x41xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "neighbours", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c40 = arith.constant 40 : index
    scf.for %i = %c1 to %n step %c1 {
      %before = arith.subi %i, %c1 : index
      scf.for %j = %c0 to %c40 step %c1 {
        %next = arith.addi %j, %c1 : index
        %w = memref.load %x[%before, %next] : memref<?x41xf32>
        memref.store %w, %x[%i, %j] : memref<?x41xf32>
      } {dl.parallel = true}
    }
    return
  }
}
