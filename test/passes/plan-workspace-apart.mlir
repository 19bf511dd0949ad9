// RUN: dlc-opt %s --plan-workspace-apart | FileCheck %s

// A buffer that begins after another has ended has memory of its own all the same.
// CHECK-LABEL: func.func @lives
// CHECK-SAME:    %[[S0:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["4000"]}
// CHECK-SAME:    %[[S1:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["4000"]}
// CHECK:         scf.for
// CHECK:           memref.view %[[S0]]
// CHECK:         scf.for
// CHECK:           memref.view %[[S1]]
func.func @lives(%B: index) attributes {dl.entry = "m_lives", dl.dims = ["B"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %B step %c1 {
    %a = memref.alloc() : memref<1000xf32>
    memref.store %zero, %a[%i] : memref<1000xf32>
  }
  scf.for %i = %c0 to %B step %c1 {
    %b = memref.alloc() : memref<1000xf32>
    memref.store %zero, %b[%i] : memref<1000xf32>
  }
  return
}
