// RUN: dlc-opt %s --pass-pipeline="builtin.module(outline-loops,duplicate-function-elimination)" | FileCheck %s

// A body of many loops hands each to a function; equal ones share one. Views are made inside.
// CHECK-LABEL: func.func private @m_f__loop0(
// CHECK-SAME:    %[[ON:[^:]*]]: f32, %[[SLOT:[^:]*]]: memref<?xi8>) attributes {passthrough = ["noinline"]}
// CHECK:         %[[A:.*]] = memref.view %[[SLOT]]
// CHECK:         scf.for
// CHECK-NEXT:      memref.store %[[ON]], %[[A]]
// CHECK:         return
// CHECK-LABEL: func.func private @m_f__loop95(
// CHECK:         %[[SUM:.*]] = scf.for
// CHECK:         return %[[SUM]] : f32
// CHECK-NOT:   func.func private
// CHECK:       func.func @m_f__impl(
// CHECK-COUNT-95: call @m_f__loop0(
// CHECK-NEXT:    %[[SUM:.*]] = call @m_f__loop95(
// CHECK-NEXT:    memref.store %[[SUM]]
func.func @m_f__impl(%x: f32, %out: memref<f32> {dl.path = "out", dl.shape = [], dl.out}, %slot: memref<?xi8> {dl.slot = ["16"]}) attributes {dl.entry = "m_f"} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
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
  %sum = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %x) -> f32 {
    %e = memref.load %a[%i] : memref<4xf32>
    %t = arith.addf %s, %e : f32
    scf.yield %t : f32
  }
  memref.store %sum, %out[] : memref<f32>
  return
}
