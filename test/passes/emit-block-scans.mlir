// RUN: dlc-opt %s --split-input-file --emit-block-scans --canonicalize --cse | FileCheck %s

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A block has a line, and goes through 128 elements at a time, also from the end: sums of a warp's threads, and of the warps before.
  // CHECK:       memref.global "private" @[[SUMS:.*]] : memref<4xf32, 3>
  // CHECK-LABEL: func.func @lines(
  // CHECK-SAME:    %[[N:[^:]*]]: index, %[[M:[^:]*]]: index, %[[X:[^:]*]]: memref<?x?xf32>, %[[Y:[^:]*]]: memref<?x?xf32>
  // CHECK:       scf.for %[[I:.*]] = %c0 to %[[N]] step %c1 {
  // CHECK:         scf.for %{{.*}} = %c0 to %{{.*}} step %c128 iter_args(%[[BEFORE:.*]] = %cst{{.*}}) -> (f32)
  // CHECK:           memref.load %[[X]][%[[I]],
  // CHECK-COUNT-5:   nvvm.shfl.sync up
  // CHECK:           memref.get_global @[[SUMS]]
  // CHECK-COUNT-2:   nvvm.barrier0
  // CHECK:           %[[SUM:.*]] = arith.addf %[[BEFORE]],
  // CHECK:           scf.if
  // CHECK:             memref.store %[[SUM]], %[[Y]][%[[I]],
  // CHECK:           arith.addf %[[BEFORE]],
  // CHECK-NEXT:      scf.yield
  // CHECK:       } {dl.block = 128 : i64, dl.parallel = true}
  // CHECK-NEXT:  return
  func.func @lines(%n: index, %m: index, %x: memref<?x?xf32>, %y: memref<?x?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "lines", dl.dims = ["n", "m"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %n step %c1 {
      %sum = scf.for %j = %c0 to %m step %c1 iter_args(%sum = %zero) -> (f32) {
        %last = arith.subi %m, %c1 : index
        %at = arith.subi %last, %j : index
        %v = memref.load %x[%i, %at] : memref<?x?xf32>
        %next = arith.addf %sum, %v : f32
        memref.store %next, %y[%i, %at] : memref<?x?xf32>
        scf.yield %next : f32
      }
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Short lines are threads.
  // CHECK-LABEL: func.func @short(
  // CHECK:       scf.for %{{.*}} = %c0 to
  // CHECK-NEXT:    scf.for %{{.*}} = %c0 to %c8 step %c1 iter_args
  // CHECK:       } {dl.parallel = true}
  // CHECK-NEXT:  return
  func.func @short(%n: index, %x: memref<?x8xi32>, %y: memref<?x8xi32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "short", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0 : i32
    scf.for %i = %c0 to %n step %c1 {
      %sum = scf.for %j = %c0 to %c8 step %c1 iter_args(%sum = %zero) -> (i32) {
        %v = memref.load %x[%i, %j] : memref<?x8xi32>
        %next = arith.addi %sum, %v : i32
        memref.store %next, %y[%i, %j] : memref<?x8xi32>
        scf.yield %next : i32
      }
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // What combines in one order only, what is read of rounds before, and what a round reads of the sum stay one after the other.
  // CHECK-LABEL: func.func @differences(
  // CHECK-NOT:     dl.parallel
  func.func @differences(%n: index, %x: memref<?xf32>, %y: memref<?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "differences", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %sum = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %zero) -> (f32) {
      %v = memref.load %x[%j] : memref<?xf32>
      %next = arith.subf %v, %sum : f32
      memref.store %next, %y[%j] : memref<?xf32>
      scf.yield %next : f32
    }
    return
  }
  // CHECK-LABEL: func.func @own(
  // CHECK-NOT:     dl.parallel
  func.func @own(%n: index, %y: memref<?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "own", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %sum = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %zero) -> (f32) {
      %v = memref.load %y[%j] : memref<?xf32>
      %next = arith.addf %v, %sum : f32
      memref.store %next, %y[%j] : memref<?xf32>
      scf.yield %next : f32
    }
    return
  }
  // CHECK-LABEL: func.func @twice(
  // CHECK-NOT:     dl.parallel
  func.func @twice(%n: index, %x: memref<?xf32>, %y: memref<?xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor})
      attributes {dl.entry = "twice", dl.dims = ["n"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %one = arith.constant 1.0 : f32
    %sum = scf.for %j = %c0 to %n step %c1 iter_args(%sum = %one) -> (f32) {
      %v = memref.load %x[%j] : memref<?xf32>
      %more = arith.mulf %v, %sum : f32
      %next = arith.addf %more, %sum : f32
      memref.store %next, %y[%j] : memref<?xf32>
      scf.yield %next : f32
    }
    return
  }
}
