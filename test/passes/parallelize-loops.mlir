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

  // Loops of which none touches what another writes share one fork, with what the second needs before it and what depends on
  // the first behind; what a loop leaves goes with it. Long loops are divided, and short ones are a piece together.
  // CHECK-LABEL: func.func @beside(
  // CHECK:         %[[START:.*]] = memref.load %arg3[]
  // CHECK:         memref.atomic_rmw
  // CHECK:         scf.while
  // CHECK:           %[[FIRST:.*]] = arith.cmpi slt
  // CHECK:           scf.if %[[FIRST]] {
  // CHECK:             memref.store %{{.*}}, %arg0
  // CHECK:           } else {
  // CHECK:             scf.if
  // CHECK:               memref.store %[[START]], %arg1
  // CHECK:             } else {
  // CHECK:               memref.store %{{.*}}, %arg0
  // CHECK:               memref.store %{{.*}}, %arg2
  // CHECK:           memref.atomic_rmw
  // CHECK:         } {dl.task}
  // CHECK:         memref.load %arg0
  // CHECK-NOT:     dl.task
  // CHECK:         return
  func.func @beside(%x: memref<4099xf32>, %y: memref<?xf32>, %z: memref<8xf32>, %from: memref<f32>, %to: memref<f32>, %n: index,
                    %executor: !llvm.ptr {dl.executor}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c4096 = arith.constant 4096 : index
    %c4099 = arith.constant 4099 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %c4096 step %c1 {
      memref.store %zero, %x[%i] : memref<4099xf32>
    } {dl.parallel = true}
    scf.for %i = %c4096 to %c4099 step %c1 {
      memref.store %zero, %x[%i] : memref<4099xf32>
    } {dl.parallel = true, dl.rest}
    %made = memref.load %x[%c0] : memref<4099xf32>
    memref.store %made, %to[] : memref<f32>
    %start = memref.load %from[] : memref<f32>
    scf.for %i = %c0 to %n step %c1 {
      memref.store %start, %y[%i] : memref<?xf32>
    } {dl.parallel = true}
    scf.for %i = %c0 to %c8 step %c1 {
      memref.store %zero, %z[%i] : memref<8xf32>
    } {dl.parallel = true}
    return
  }

  // A loop that reads what the first one writes has a fork of its own; so has one with a large buffer that begins where another
  // ends: together they would take more memory.
  // CHECK-LABEL: func.func @after(
  // CHECK-COUNT-3: } {dl.task}
  // CHECK-NOT:     dl.task
  // CHECK:         return
  func.func @after(%x: memref<4096xf32>, %n: index, %executor: !llvm.ptr {dl.executor}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %a = memref.alloc() : memref<4096xf32>
    %b = memref.alloc() : memref<4096xf32>
    scf.for %i = %c0 to %n step %c1 {
      memref.store %zero, %a[%i] : memref<4096xf32>
    } {dl.parallel = true}
    scf.for %i = %c0 to %n step %c1 {
      %v = memref.load %a[%i] : memref<4096xf32>
      memref.store %v, %x[%i] : memref<4096xf32>
    } {dl.parallel = true}
    scf.for %i = %c0 to %n step %c1 {
      memref.store %zero, %b[%i] : memref<4096xf32>
    } {dl.parallel = true}
    %made = memref.load %b[%c0] : memref<4096xf32>
    memref.store %made, %x[%c0] : memref<4096xf32>
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
