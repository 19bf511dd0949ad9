// RUN: dlc-opt %s --split-input-file --form-kernels --canonicalize | FileCheck %s

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A round of nested marked loops is a thread; what stands between them each thread does.
  // CHECK-LABEL: func.func private @nest__kernel0(
  // CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: memref<i32>, %[[THREAD:.*]]: index, %[[M:.*]]: index, %[[R:.*]]: memref<?xf32>, %[[X:.*]]: memref<?x?xf32>)
  // CHECK-SAME:    attributes {dl.kernel}
  // CHECK-DAG:     %[[J:.*]] = arith.remui %[[THREAD]], %[[M]]
  // CHECK-DAG:     %[[I:.*]] = arith.divui %[[THREAD]], %[[M]]
  // CHECK:         memref.load %[[R]][%[[I]]]
  // CHECK:         memref.store %{{.*}}, %[[X]][%[[I]], %[[J]]]
  // CHECK-NEXT:    return
  // CHECK-LABEL: func.func @nest(
  // CHECK-SAME:    %[[N:.*]]: index, %{{.*}}: index, %[[X:.*]]: memref<?x?xf32>, %[[R:.*]]: memref<?xf32>, %[[FAILED:.*]]: memref<i32> {dl.failed}, %[[DEVICE:.*]]: !llvm.ptr {dl.executor})
  // CHECK:         %[[THREADS:.*]] = arith.muli
  // CHECK:         call @nest__kernel0(%[[DEVICE]], %[[FAILED]], %[[THREADS]],
  // CHECK-NEXT:    return
  func.func @nest(%n: index, %m: index, %x: memref<?x?xf32>, %r: memref<?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "nest", dl.dims = ["n", "m"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %scale = memref.load %r[%i] : memref<?xf32>
      scf.for %j = %c0 to %m step %c1 {
        %v = memref.load %x[%i, %j] : memref<?x?xf32>
        %w = arith.mulf %v, %scale : f32
        memref.store %w, %x[%i, %j] : memref<?x?xf32>
      } {dl.parallel = true}
    } {dl.parallel = true}
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // What is read before the inner rounds write it is not read again by each of them: only the outer rounds are threads.
  // CHECK-LABEL: func.func private @depends__kernel0(
  // CHECK-NOT:     arith.remui
  // CHECK:         scf.for
  // CHECK-LABEL: func.func @depends(
  func.func @depends(%n: index, %x: memref<?x?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "depends", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %first = memref.load %x[%i, %c0] : memref<?x?xf32>
      scf.for %j = %c0 to %n step %c1 {
        %v = memref.load %x[%i, %j] : memref<?x?xf32>
        %w = arith.addf %v, %first : f32
        memref.store %w, %x[%i, %j] : memref<?x?xf32>
      } {dl.parallel = true}
    } {dl.parallel = true}
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // What else touches memory is one thread's; a branch around kernels is the host's, which reads the condition.
  // CHECK-LABEL: func.func private @branch__kernel0(
  // CHECK-SAME:    %[[X:[^:]*]]: memref<4xf32>, %[[CELL:[^:]*]]: memref<i8>)
  // CHECK:         memref.load %[[X]]
  // CHECK:         arith.cmpf
  // CHECK:         memref.store %{{.*}}, %[[CELL]][]
  // CHECK-LABEL: func.func private @branch__kernel1(
  // CHECK-LABEL: func.func private @dlc_read_i8(!llvm.ptr, memref<i32>, memref<i8>) -> i8
  // CHECK-LABEL: func.func @branch(
  // CHECK-SAME:    %[[FAILED:[^:]*]]: memref<i32> {dl.failed}, %[[DEVICE:[^:]*]]: !llvm.ptr {dl.executor}
  // CHECK:         %[[CELL:.*]] = memref.alloc() {{.*}} : memref<i8>
  // CHECK:         call @branch__kernel0(%[[DEVICE]], %[[FAILED]], %c1, %{{.*}}, %[[CELL]])
  // CHECK:         %[[WORD:.*]] = call @dlc_read_i8(%[[DEVICE]], %[[FAILED]], %[[CELL]])
  // CHECK:         %[[SOME:.*]] = arith.trunci %[[WORD]]
  // CHECK:         scf.if %[[SOME]]
  // CHECK-NEXT:      func.call @branch__kernel1(%[[DEVICE]], %[[FAILED]], %c4,
  func.func @branch(%x: memref<4xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "branch"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %v = memref.load %x[%c0] : memref<4xf32>
    %some = arith.cmpf ogt, %v, %zero : f32
    scf.if %some {
      scf.for %i = %c0 to %c4 step %c1 {
        memref.store %zero, %x[%i] : memref<4xf32>
      } {dl.parallel = true}
    }
    return
  }

  // What kernels use of a value that the device made they read themselves, and a view at a place that it found they make.
  // CHECK-LABEL: func.func private @passes__kernel0(
  // CHECK:         memref.store %{{.*}}, %{{.*}}[] : memref<i64>
  // CHECK-LABEL: func.func private @passes__kernel1(
  // CHECK:         memref.load %{{.*}}[] : memref<i64>
  // CHECK:         memref.subview
  // CHECK-NOT:     @dlc_read
  // CHECK-LABEL: func.func @passes(
  // CHECK:         call @passes__kernel0(
  // CHECK-NEXT:    call @passes__kernel1(
  // CHECK-NEXT:    return
  func.func @passes(%x: memref<8x4xf32>, %places: memref<2xi64>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "passes"} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %place = memref.load %places[%c1] : memref<2xi64>
    %row = arith.index_cast %place : i64 to index
    %view = memref.subview %x[%row, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<4xf32, strided<[1], offset: ?>>
    scf.for %i = %c0 to %c4 step %c1 {
      memref.store %zero, %view[%i] : memref<4xf32, strided<[1], offset: ?>>
    } {dl.parallel = true}
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A buffer that only a round uses each thread has for itself: a small one in its own memory, others in the workspace.
  // CHECK-LABEL: func.func private @rows__kernel0(
  // CHECK-SAME:    memref<i32>, %[[THREAD:[^:]*]]: index, %{{[^:]*}}: index, %[[ALL:[^:]*]]: memref<?xi8>
  // CHECK-DAG:     memref.alloca() {{.*}} : memref<8xf32>
  // CHECK-DAG:     %[[PLACE:.*]] = arith.muli %[[THREAD]]
  // CHECK-DAG:     memref.view %[[ALL]][%[[PLACE]]][%{{.*}}] : memref<?xi8> to memref<?xf32>
  // CHECK-LABEL: func.func @rows(
  // CHECK:         memref.alloc(%{{.*}}) {{.*}} : memref<?xi8>
  // CHECK:         call @rows__kernel0(
  func.func @rows(%n: index, %x: memref<?x?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "rows", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %row = memref.alloc(%n) : memref<?xf32>
    %sums = memref.alloc() : memref<8xf32>
    scf.for %i = %c0 to %n step %c1 {
      scf.for %j = %c0 to %n step %c1 {
        %v = memref.load %x[%i, %j] : memref<?x?xf32>
        memref.store %v, %row[%j] : memref<?xf32>
        memref.store %v, %sums[%c0] : memref<8xf32>
        %again = memref.load %sums[%c0] : memref<8xf32>
        memref.store %again, %x[%i, %j] : memref<?x?xf32>
      }
    } {dl.parallel = true}
    return
  }
}

// -----

// Without a GPU all stays.
// CHECK-LABEL: func.func @none(
// CHECK:         scf.for
func.func @none(%n: index, %x: memref<?xf32>) attributes {dl.entry = "none", dl.dims = ["n"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %n step %c1 {
    memref.store %zero, %x[%i] : memref<?xf32>
  } {dl.parallel = true}
  return
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A round of a loop of blocks is a block, also where such a loop stands alone in another; what a row needs is in shared memory.
  // CHECK-DAG:     memref.global "private" @[[ROW:.*]] : memref<32xf32, 3>
  // CHECK-LABEL: func.func private @blocks__kernel0(
  // CHECK-SAME:    attributes {dl.block = 64 : i64, dl.dynamic_shared = 1024 : i64, dl.kernel}
  // CHECK-DAG:     arith.remui
  // CHECK-DAG:     %[[MEMORY:.*]] = memref.get_global @[[ROW]]
  // CHECK:         memref.store %{{.*}}, %[[MEMORY]]
  // CHECK:         nvvm.barrier0
  // CHECK-LABEL: func.func @blocks(
  func.func @blocks(%n: index, %m: index, %x: memref<?x?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "blocks", dl.dims = ["n", "m"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %row = memref.alloc() : memref<32xf32>
      scf.for %j = %c0 to %m step %c1 {
        %own = nvvm.read.ptx.sreg.tid.x : i32
        %thread = arith.index_castui %own : i32 to index
        %v = memref.load %x[%i, %j] : memref<?x?xf32>
        memref.store %v, %row[%thread] : memref<32xf32>
        nvvm.barrier0
        %w = memref.load %row[%c0] : memref<32xf32>
        memref.store %w, %x[%i, %j] : memref<?x?xf32>
      } {dl.parallel = true, dl.block = 64 : i64, dl.dynamic_shared = 1024 : i64}
    } {dl.parallel = true}
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // What a branch gives is no round's own: rounds are threads.
  // CHECK-LABEL: func.func private @chosen__kernel0(
  // CHECK-SAME:    %[[THREAD:[^:]*]]: index, %[[FROM:[^:]*]]: memref<?xf32>, %[[TO:[^:]*]]: memref<?xf32>) attributes {dl.kernel}
  // CHECK-NEXT:    %[[V:.*]] = memref.load %[[FROM]][%[[THREAD]]]
  // CHECK-NEXT:    memref.store %[[V]], %[[TO]][%[[THREAD]]]
  // CHECK-NEXT:    return
  // CHECK-LABEL: func.func @chosen(
  // CHECK-SAME:    %[[N:[^:]*]]: index
  // CHECK:         call @chosen__kernel0(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
  func.func @chosen(%n: index, %some: i1, %x: memref<?xf32>, %y: memref<?xf32>, %out: memref<?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "chosen", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %from = scf.if %some -> (memref<?xf32>) {
      scf.yield %x : memref<?xf32>
    } else {
      scf.yield %y : memref<?xf32>
    }
    scf.for %i = %c0 to %n step %c1 {
      %v = memref.load %from[%i] : memref<?xf32>
      memref.store %v, %out[%i] : memref<?xf32>
    } {dl.parallel = true}
    return
  }
}
