// RUN: dlc-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect --emit-entry-points | FileCheck %s

module attributes {dl.stem = "m", dl.abi_hash = "0123"} {
  // The body gets plain pointers that LLVM may take for disjoint.
  // CHECK-LABEL: llvm.func internal @m_f__impl(
  // CHECK-SAME:    %[[D:[a-z0-9]+]]: i64,
  // CHECK-SAME:    !llvm.ptr {llvm.noalias, llvm.nonnull, llvm.noundef, llvm.readonly}
  // CHECK-SAME:    !llvm.ptr {llvm.noalias, llvm.nonnull, llvm.noundef}
  // CHECK-SAME:    llvm.align = 64
  // CHECK:         %[[B:.*]] = builtin.unrealized_conversion_cast %[[D]] : i64 to index
  // CHECK:         builtin.unrealized_conversion_cast {{.*}} to memref<?x4xf32>
  // CHECK:         memref.view {{.*}}[%[[B]]]
  // CHECK:         llvm.return

  // Negative dims and sizes beyond 64 bits give SIZE_MAX.
  // CHECK-LABEL: llvm.func @m_f_workspace(%{{.*}}: i64) -> i64
  // CHECK:         llvm.icmp "slt"
  // CHECK:         llvm.intr.smul.with.overflow
  // CHECK:         llvm.mlir.constant(-1 : i64)
  // CHECK:         llvm.select

  // Null pointers, the range, the condition, overflow, then the workspace: null, misaligned, short.
  // CHECK-LABEL: llvm.func @m_f_packed(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64) -> i32
  // CHECK-COUNT-6: llvm.mlir.constant(1 : i32)
  // CHECK:         llvm.mlir.constant(16 : i32)
  // CHECK:         llvm.srem
  // CHECK:         llvm.mlir.constant(3 : i32)
  // CHECK:         llvm.mlir.constant(17 : i32)
  // CHECK:         llvm.call @m_f_workspace
  // CHECK:         llvm.mlir.constant(3 : i32)
  // CHECK:         llvm.mlir.constant(1 : i32)
  // CHECK:         llvm.mlir.constant(4 : i32)
  // CHECK:         llvm.icmp "uge"
  // CHECK:         llvm.mlir.constant(2 : i32)
  // CHECK:         llvm.call @m_f__impl
  // CHECK-NOT:     llvm.store

  // In C: the dim, a pointer to the struct of %p, a scalar by value, the result, the workspace.
  // CHECK-LABEL: llvm.func @m_f(%{{.*}}: i64, %{{.*}}: !llvm.ptr, %{{.*}}: f32, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64) -> i32
  // CHECK:         llvm.call @m_f_packed

  // CHECK-DAG: @m_f_message__16("DL1001 f: B is outside its declared range 1..=64 ({{.*}}emit-entry-points.mlir:{{[0-9]+}})\00")
  // CHECK-DAG: @m_f_message__17("DL1002 f: a \22quoted\22 one\00")
  // CHECK-LABEL: llvm.func @m_abi_hash() -> !llvm.ptr
  // CHECK-NOT:   func.func
  func.func private @m_f__impl(%B: index,
      %w: memref<?x4xf32> {dl.path = "p.w", dl.shape = ["B", "4"], dl.inout},
      %b: memref<4xf32> {dl.path = "p.b", dl.shape = ["4"], dl.inout},
      %s: memref<f32> {dl.path = "s", dl.shape = []},
      %out: memref<f32> {dl.path = "out", dl.shape = [], dl.out},
      %slot: memref<?xi8> {dl.slot = ["16*B", "128"]})
    attributes {dl.entry = "m_f", dl.name = "f", dl.dims = ["B"], dl.ranges = [[1, 64]],
      dl.checks = [{cond = "B % 2 == 0", lhs = "B % 2", rel = "==", rhs = "0", message = "DL1002 f: a \"quoted\" one"}]} {
    %c0 = arith.constant 0 : index
    %a = memref.view %slot[%c0][%B] : memref<?xi8> to memref<?x4xf32>
    "test.use"(%a, %w, %b, %s, %out) : (memref<?x4xf32>, memref<?x4xf32>, memref<4xf32>, memref<f32>, memref<f32>) -> ()
    return
  }
}

// -----

// A body that checks something leaves the status of its first failure in the frame of the entry.
module attributes {dl.stem = "m"} {
  // CHECK-LABEL: llvm.func internal @m_g__impl(
  // CHECK-SAME:    !llvm.ptr {llvm.noalias, llvm.nonnull, llvm.noundef, llvm.readonly}, %{{.*}}: !llvm.ptr {llvm.noalias, llvm.nonnull, llvm.noundef})
  // CHECK:         builtin.unrealized_conversion_cast {{.*}} to memref<i32>
  // CHECK-LABEL: llvm.func @m_g_packed(
  // CHECK:         %[[FAILED:.*]] = llvm.alloca {{.*}} x i32
  // CHECK:         llvm.store %{{.*}}, %[[FAILED]] : i32
  // CHECK:         llvm.call @m_g__impl(%{{.*}}, %[[FAILED]])
  // CHECK:         %[[STATUS:.*]] = llvm.load %[[FAILED]]
  // CHECK:         llvm.return %[[STATUS]]
  // CHECK-DAG: @m_g_message__16("DL1007 g: inside\00")
  func.func private @m_g__impl(%x: memref<f32> {dl.path = "x", dl.shape = []}, %failed: memref<i32> {dl.failed})
      attributes {dl.entry = "m_g", dl.dims = [], dl.failures = ["DL1007 g: inside"]} {
    "test.use"(%x, %failed) : (memref<f32>, memref<i32>) -> ()
    return
  }
}

// -----

// Where a device is chosen, the entry asks when all is checked, and the words are those of what chose it.
module attributes {dl.stem = "m", dl.chooses} {
  // CHECK:       llvm.func @m_h.device(!llvm.ptr, !llvm.ptr) -> i32
  // CHECK-LABEL: llvm.func @m_h_packed(
  // CHECK:         llvm.icmp "sge"
  // CHECK:         %[[LEFT:.*]] = llvm.mlir.constant(-1 : i32)
  // CHECK:         %[[ASKED:.*]] = llvm.call @m_h.device(%{{.*}}, %{{.*}})
  // CHECK:         llvm.icmp "eq" %[[ASKED]], %[[LEFT]]
  // CHECK:         llvm.call @m_h__impl
  // CHECK-LABEL: llvm.func @m_h_message(
  // CHECK:         llvm.call @m.words()
  // CHECK-DAG:   llvm.func @m.words() -> !llvm.ptr
  func.func private @m_h__impl(%N: index, %x: memref<?xf32> {dl.path = "x", dl.shape = ["N"]})
      attributes {dl.entry = "m_h", dl.dims = ["N"]} {
    "test.use"(%x) : (memref<?xf32>) -> ()
    return
  }
  func.func private @m_i__impl() attributes {dl.entry = "m_i", dl.dims = []} {
    return
  }
}

// -----

// What has an executor stays on the CPU.
module attributes {dl.stem = "m", dl.chooses} {
  // CHECK-LABEL: llvm.func @m_h_packed_on(
  // CHECK-SAME:    %[[EXECUTOR:[a-z0-9]+]]: !llvm.ptr
  // CHECK:         %[[ALONE:.*]] = llvm.icmp "eq" %[[EXECUTOR]]
  // CHECK:         llvm.cond_br %[[ALONE]], ^[[ASK:.*]], ^
  // CHECK:       ^[[ASK]]:
  // CHECK-NEXT:    llvm.call @m_h.device
  func.func private @m_h__impl(%x: memref<4xf32> {dl.path = "x", dl.shape = ["4"]}, %e: !llvm.ptr {dl.executor})
      attributes {dl.entry = "m_h", dl.dims = []} {
    "test.use"(%x) : (memref<4xf32>) -> ()
    return
  }
}

// -----

// The module for the device has what is asked for: sizes and roles of leaves, and what has its kernels.
module attributes {dl.stem = "m", dl.chooses, dl.target = {gpu = 80 : i64}} {
  // CHECK-DAG:   llvm.func @m.runtime() -> !llvm.ptr
  // CHECK-DAG:   llvm.mlir.global external constant @m.kernels()
  // CHECK-DAG:   @m_h.device.name("h\00")
  // CHECK-DAG:   @m_h.device.roles("iuo\00")
  // CHECK-LABEL: llvm.func hidden @m_h.device(
  // CHECK:         llvm.call @m.runtime()
  // CHECK:         llvm.return
  // CHECK:         llvm.call @m_h_workspace_gpu
  // CHECK:         llvm.mlir.addressof @m.kernels
  // CHECK:         llvm.mlir.addressof @m_h_packed_gpu
  func.func private @m_h__impl(%N: index,
      %x: memref<?xf32> {dl.path = "x", dl.shape = ["N"]},
      %s: memref<4xf32> {dl.path = "s", dl.shape = ["4"], dl.inout},
      %out: memref<?xf32> {dl.path = "out", dl.shape = ["N"], dl.out}, %e: !llvm.ptr {dl.executor})
      attributes {dl.entry = "m_h", dl.dims = ["N"]} {
    "test.use"(%x, %s, %out) : (memref<?xf32>, memref<4xf32>, memref<?xf32>) -> ()
    return
  }
}

// -----

// expected-error @+1 {{argument 0 of type tensor<4xf32> is neither dim, leaf nor slot}}
func.func @m_f(%x: tensor<4xf32> {dl.path = "x", dl.shape = ["4"]}) attributes {dl.entry = "m_f"} {
  return
}

// -----

// expected-error @+1 {{`dl.checks`: unknown relation ~}}
func.func @m_f(%B: index) attributes {dl.entry = "m_f", dl.dims = ["B"], dl.checks = [{lhs = "B", rel = "~", rhs = "0"}]} {
  return
}

// -----

// expected-error @+1 {{`dl.shape` of x has 1 axes, its type has 2}}
func.func @m_f(%x: memref<4x4xf32> {dl.path = "x", dl.shape = ["4"]}) attributes {dl.entry = "m_f"} {
  return
}
