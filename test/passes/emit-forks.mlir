// RUN: dlc-opt %s --emit-forks | FileCheck %s

// One lane is called directly. For more, what they read is packed, and the executor runs them.
// CHECK-LABEL: llvm.func internal @t__fork(
// CHECK-SAME:    %[[EXECUTOR:.*]]: !llvm.ptr, %[[LANES:.*]]: i64, %[[X:.*]]: f32, %[[A:.*]]: !llvm.ptr)
// CHECK:         %[[DATA:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(f32, ptr)>
// CHECK:         llvm.cond_br
// CHECK:         llvm.call @t(%[[EXECUTOR]], %{{.*}}, %[[X]], %[[A]])
// CHECK:         llvm.store %[[X]]
// CHECK:         llvm.store %[[A]]
// CHECK:         %[[RUN:.*]] = llvm.load
// CHECK:         %[[CONTEXT:.*]] = llvm.load
// CHECK:         %[[TASK:.*]] = llvm.mlir.addressof @t__run
// CHECK:         llvm.call %[[RUN]](%[[CONTEXT]], %[[LANES]], %[[TASK]], %[[DATA]])
// CHECK-LABEL: llvm.func internal @t__run(
// CHECK-SAME:    %[[DATA:.*]]: !llvm.ptr, %[[LANE:.*]]: i64)
// CHECK:         llvm.call @t(%{{.*}}, %[[LANE]],
// CHECK-LABEL: llvm.func @t(
// CHECK-LABEL: llvm.func @f(
// CHECK:         llvm.call @t__fork(
llvm.func @t(%executor: !llvm.ptr, %lane: i64, %x: f32, %a: !llvm.ptr) attributes {dl.task} {
  %place = llvm.getelementptr %a[%lane] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  llvm.store %x, %place : f32, !llvm.ptr
  llvm.return
}
llvm.func @f(%executor: !llvm.ptr, %lanes: i64, %x: f32, %a: !llvm.ptr) {
  llvm.call @t(%executor, %lanes, %x, %a) : (!llvm.ptr, i64, f32, !llvm.ptr) -> ()
  llvm.return
}
