// RUN: dlc-opt %s --emit-launches | FileCheck %s

// The device runs a kernel's entry, each thread of which calls the kernel with its number. The host packs the arguments, beside the
// number of threads, and has the device launch the kernel by its number in the table, unless something failed before.
// CHECK: llvm.mlir.global external constant @m.kernels() {{.*}} : !llvm.struct<(ptr, i64, ptr, i64, ptr)>
// CHECK-LABEL: llvm.func @k__entry(
// CHECK-SAME:    %[[THREADS:.*]]: i64, %[[X:.*]]: f32, %[[A:.*]]: !llvm.ptr) attributes {dl.kernel_number = 0 : i64, nvvm.kernel, nvvm.maxntid = array<i32: 128>, nvvm.minctasm = 1 : i32}
// CHECK:         nvvm.read.ptx.sreg.ctaid.x
// CHECK:         %[[SOME:.*]] = llvm.icmp "slt" %[[THREAD:.*]], %[[THREADS]]
// CHECK:         llvm.cond_br %[[SOME]]
// CHECK:         llvm.call @k(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[THREAD]], %[[X]], %[[A]])
// CHECK-LABEL: llvm.func internal @k__launch(
// CHECK-SAME:    %[[DEVICE:[^:]*]]: !llvm.ptr, %{{[^:]*}}: !llvm.ptr, %[[FAILED:[^:]*]]: !llvm.ptr, %{{[^:]*}}: i64, %[[THREADS:[^:]*]]: i64, %[[X:[^:]*]]: f32, %[[A:[^:]*]]: !llvm.ptr)
// CHECK:         %[[BEFORE:.*]] = llvm.load %[[FAILED]]
// CHECK:         llvm.icmp "ne" %[[BEFORE]]
// CHECK:         llvm.mlir.addressof @m.kernels
// CHECK:         llvm.udiv
// CHECK-DAG:     llvm.store %[[THREADS]]
// CHECK-DAG:     llvm.store %[[X]]
// CHECK-DAG:     llvm.store %[[A]]
// CHECK:         llvm.getelementptr %[[DEVICE]][0, 2]
// CHECK:         %[[STATUS:.*]] = llvm.call %{{.*}}(%{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> i32
// CHECK:         llvm.icmp "ne" %[[STATUS]]
// CHECK:         llvm.store %{{.*}}, %[[FAILED]]
// CHECK-LABEL: llvm.func @k(
// CHECK-LABEL: llvm.func internal @dlc_read_i8(
// CHECK:         llvm.getelementptr %{{.*}}[0, 3]
// CHECK:         llvm.load %{{.*}} : !llvm.ptr -> i8
// CHECK-LABEL: llvm.func @f(
// CHECK:         llvm.call @k__launch(
// CHECK:         llvm.call @dlc_read_i8(
module attributes {dl.stem = "m"} {
  llvm.func @k(%device: !llvm.ptr, %f: !llvm.ptr, %failed: !llvm.ptr, %fo: i64, %thread: i64, %x: f32, %a: !llvm.ptr) attributes {dl.kernel} {
    %place = llvm.getelementptr %a[%thread] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %x, %place : f32, !llvm.ptr
    llvm.return
  }
  llvm.func @dlc_read_i8(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr, !llvm.ptr, i64) -> i8
  llvm.func @f(%device: !llvm.ptr, %failed: !llvm.ptr, %n: i64, %x: f32, %a: !llvm.ptr) -> i8 {
    %zero = llvm.mlir.constant(0 : i64) : i64
    llvm.call @k(%device, %failed, %failed, %zero, %n, %x, %a) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64, f32, !llvm.ptr) -> ()
    %found = llvm.call @dlc_read_i8(%device, %failed, %failed, %zero, %a, %a, %zero) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr, !llvm.ptr, i64) -> i8
    llvm.return %found : i8
  }
}
