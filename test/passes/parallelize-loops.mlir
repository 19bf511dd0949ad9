// RUN: dlc-opt %s --split-input-file --parallelize-loops --canonicalize | FileCheck %s

module attributes {dl.target = {cpu = "cascadelake", cores = 4 : i64, schedule = {parallel.piece = 100 : i64}}} {
  // Rounds of enough work are divided: each lane takes pieces until none is left. A row of known size is on its stack,
  // the others are in memory for all lanes.
  // CHECK-LABEL: func.func @rows(
  // CHECK-SAME:    memref<?x?xf32>, %[[EXECUTOR:[^:]*]]: !llvm.ptr {dl.executor}
  // CHECK:         %[[NEXT:.*]] = memref.alloca() {alignment = 64 : i64} : memref<i64>
  // CHECK:         %[[OFFERED:.*]] = call @dlc_lanes(%[[EXECUTOR]]) : (!llvm.ptr) -> index
  // CHECK:         %[[LANES:.*]] = arith.maxsi
  // CHECK:         %[[ALL:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<?xi8>
  // CHECK:         memref.store %{{.*}}, %[[NEXT]][]
  // CHECK:         scf.for %[[LANE:.*]] = %{{.*}} to %[[LANES]] step
  // CHECK-DAG:       %[[PLACE:.*]] = arith.muli %[[LANE]]
  // CHECK-DAG:       memref.view %[[ALL]][%[[PLACE]]][%{{.*}}] : memref<?xi8> to memref<?xf32>
  // CHECK-DAG:       memref.alloca() {alignment = 64 : i64} : memref<8xf32>
  // CHECK:           memref.atomic_rmw addi %{{.*}}, %[[NEXT]][]
  // CHECK:           scf.while
  // CHECK:             arith.cmpi slt
  // CHECK:             scf.for
  // CHECK:               scf.for
  // CHECK:             memref.atomic_rmw addi
  // CHECK:         } {dl.task}
  // CHECK-NOT:     dl.parallel
  func.func @rows(%n: index, %x: memref<?x?xf32>, %executor: !llvm.ptr {dl.executor}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %m = memref.dim %x, %c1 : memref<?x?xf32>
    %row = memref.alloc(%m) : memref<?xf32>
    %sums = memref.alloc() : memref<8xf32>
    scf.for %i = %c0 to %n step %c1 {
      scf.for %j = %c0 to %m step %c1 {
        %v = memref.load %x[%i, %j] : memref<?x?xf32>
        %e = math.exp %v : f32
        memref.store %e, %row[%j] : memref<?xf32>
        memref.store %e, %sums[%c0] : memref<8xf32>
        %again = memref.load %sums[%c0] : memref<8xf32>
        memref.store %again, %x[%i, %j] : memref<?x?xf32>
      }
    } {dl.parallel = true}
    return
  }

  // Little work, known when compiling, stays as it is; so do loops inside of rounds that depend on each other.
  // CHECK-LABEL: func.func @few(
  // CHECK-NOT:     dl.task
  // CHECK:         return
  func.func @few(%x: memref<64xf32>, %y: memref<?x4096xf32>, %n: index, %executor: !llvm.ptr {dl.executor}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %c4096 = arith.constant 4096 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %c64 step %c1 {
      memref.store %zero, %x[%i] : memref<64xf32>
    } {dl.parallel = true}
    scf.for %i = %c0 to %n step %c1 {
      scf.for %j = %c0 to %c4096 step %c1 {
        memref.store %zero, %y[%i, %j] : memref<?x4096xf32>
      } {dl.parallel = true}
    } {dl.parallel = false}
    return
  }

  // What a failure writes has an order.
  // CHECK-LABEL: func.func @checks(
  // CHECK-NOT:     dl.task
  // CHECK:         return
  func.func @checks(%n: index, %failed: memref<i32> {dl.failed}, %executor: !llvm.ptr {dl.executor}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %seven = arith.constant 7 : i32
    scf.for %i = %c0 to %n step %c1 {
      memref.store %seven, %failed[] : memref<i32>
    } {dl.parallel = true}
    return
  }
}

// -----

// Without an executor, and for one core, only the marks go.
// CHECK-LABEL: func.func @one(
// CHECK-NOT:     dl.
// CHECK:         return
func.func @one(%n: index, %x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %n step %c1 {
    memref.store %zero, %x[%i] : memref<?xf32>
  } {dl.parallel = true}
  return
}
