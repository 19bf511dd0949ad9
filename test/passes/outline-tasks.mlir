// RUN: dlc-opt %s --outline-tasks | FileCheck %s

// A lane becomes a function of the executor, its number and what it reads; views are made inside.
// CHECK-LABEL: func.func private @m_f__impl__task0(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %[[LANE:[^:]*]]: index, %[[ON:[^:]*]]: f32, %[[SLOT:[^:]*]]: memref<?xi8>) attributes {dl.task}
// CHECK:         %[[A:.*]] = memref.view %[[SLOT]]
// CHECK:         memref.store %[[ON]], %[[A]][%[[LANE]]]
// CHECK:         return
// CHECK-LABEL: func.func @m_f__impl(
// CHECK-SAME:    %[[ON:[^:]*]]: f32, %[[EXECUTOR:[^:]*]]: !llvm.ptr {dl.executor}, %[[SLOT:[^:]*]]: memref<?xi8>
// CHECK:         %[[LANES:.*]] = call @lanes
// CHECK:         call @m_f__impl__task0(%[[EXECUTOR]], %[[LANES]], %[[ON]], %[[SLOT]])
// CHECK-NOT:     scf.for
func.func private @lanes(!llvm.ptr) -> index
func.func @m_f__impl(%on: f32, %executor: !llvm.ptr {dl.executor}, %slot: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.view %slot[%c0][] : memref<?xi8> to memref<16xf32>
  %lanes = call @lanes(%executor) : (!llvm.ptr) -> index
  scf.for %lane = %c0 to %lanes step %c1 {
    memref.store %on, %a[%lane] : memref<16xf32>
  } {dl.task}
  return
}
