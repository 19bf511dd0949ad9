// RUN: dlc-opt %s --pass-pipeline="builtin.module(outline-loops,duplicate-function-elimination)" | FileCheck %s

// A body of many loops hands each to a function; equal ones share one. Views are made inside.
// CHECK-LABEL: func.func private @m_f__loop0(
// CHECK-SAME:    %[[ON:[^:]*]]: f32, %[[SLOT:[^:]*]]: memref<?xi8>) attributes {passthrough = ["noinline"]}
// CHECK:         %[[A:.*]] = memref.view %[[SLOT]]
// CHECK:         scf.for
// CHECK-NEXT:      memref.store %[[ON]], %[[A]]
// CHECK:         return
// What follows from a loop's result alone comes with it.
// CHECK-LABEL: func.func private @m_f__loop95(
// CHECK:         %[[SUM:.*]] = scf.for
// CHECK:         %[[LOW:.*]] = vector.extract %[[SUM]][0]
// CHECK:         %[[HIGH:.*]] = vector.extract %[[SUM]][1]
// CHECK:         %[[TOTAL:.*]] = arith.addf %[[LOW]], %[[HIGH]]
// CHECK:         return %[[TOTAL]] : f32
// So does a branch that holds a loop.
// CHECK-LABEL: func.func private @m_f__loop96(
// CHECK:         scf.if
// CHECK:         } else {
// CHECK:           scf.for
// CHECK-NOT:   func.func private
// CHECK:       func.func @m_f__impl(
// CHECK-COUNT-95: call @m_f__loop0(
// CHECK:         %[[SUM:.*]] = call @m_f__loop95(
// CHECK-NEXT:    %[[MORE:.*]] = arith.addf %[[SUM]], %{{.*}} : f32
// CHECK-NEXT:    memref.store %[[MORE]]
// CHECK:         call @m_f__loop96(
// CHECK-NEXT:    %[[BIT:.*]] = scf.if
func.func @m_f__impl(%x: f32, %out: memref<f32> {dl.path = "out", dl.shape = [], dl.out}, %slot: memref<?xi8> {dl.slot = ["16"]}) attributes {dl.entry = "m_f"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %a = memref.view %slot[%c0][] : memref<?xi8> to memref<4xf32>
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  %zeros = arith.constant dense<0.0> : vector<2xf32>
  %sums = scf.for %i = %c0 to %c4 step %c2 iter_args(%s = %zeros) -> vector<2xf32> {
    %e = vector.load %a[%i] : memref<4xf32>, vector<2xf32>
    %t = arith.addf %s, %e : vector<2xf32>
    scf.yield %t : vector<2xf32>
  }
  %low = vector.extract %sums[0] : f32 from vector<2xf32>
  %high = vector.extract %sums[1] : f32 from vector<2xf32>
  %sum = arith.addf %low, %high : f32
  %more = arith.addf %sum, %x : f32
  memref.store %more, %out[] : memref<f32>
  %large = arith.cmpf ogt, %x, %more : f32
  scf.if %large {
    memref.store %x, %a[%c0] : memref<4xf32>
  } else {
    scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  }
  %bit = scf.if %large -> f32 { scf.yield %x : f32 } else { scf.yield %more : f32 }
  memref.store %bit, %out[] : memref<f32>
  return
}

// Where lanes choose among many loops they call them, where they stand; a lane of one loop keeps it.
// CHECK-LABEL: func.func private @m_f__impl__task0__loop0(
// CHECK:         scf.for
// CHECK-LABEL: func.func private @m_f__impl__task0(
// CHECK:         scf.if
// CHECK-COUNT-96:  call @m_f__impl__task0__loop0(
// CHECK-LABEL: func.func private @m_f__impl__task1(
// CHECK:         scf.for
func.func private @m_f__impl__task0(%executor: !llvm.ptr, %lane: index, %x: f32, %a: memref<4xf32>, %c: i1) attributes {dl.task} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.if %c {
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
      scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  }
  return
}
func.func private @m_f__impl__task1(%executor: !llvm.ptr, %lane: index, %x: f32, %a: memref<4xf32>) attributes {dl.task} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 { memref.store %x, %a[%i] : memref<4xf32> }
  return
}
