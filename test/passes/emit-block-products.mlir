// RUN: dlc-opt %s --split-input-file --emit-block-products | FileCheck %s

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A product is a program that stores; what only rounds its sums is where it stores.
  // CHECK-LABEL: func.func private @dlc_program_product0(
  // CHECK-SAME:    %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: memref<?x?xf16, {{.*}}>, %{{.*}}: memref<?x?xf16, {{.*}}>, %{{.*}}: memref<?x?xf16, {{.*}}>)
  // CHECK:         nvvm.mma.sync
  // CHECK-LABEL: func.func @rounded(
  // CHECK-NOT:     linalg
  // CHECK:         scf.for %[[TILE:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
  // CHECK:           func.call @dlc_program_product0(%[[TILE]],
  // CHECK-NEXT:    } {dl.block = 128 : i64, dl.parallel = true}
  // CHECK-NOT:     linalg
  func.func @rounded(%m: index, %a: memref<?x96xf16>, %b: memref<96x80xf16>, %y: memref<?x80xf16>) {
    %zero = arith.constant 0.0 : f32
    %c = memref.alloc(%m) : memref<?x80xf32>
    linalg.fill ins(%zero : f32) outs(%c : memref<?x80xf32>)
    linalg.generic {dl.contraction, indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : memref<?x96xf16>, memref<96x80xf16>) outs(%c : memref<?x80xf32>) {
    ^bb0(%x: f16, %w: f16, %o: f32):
      %xf = arith.extf %x : f16 to f32
      %wf = arith.extf %w : f16 to f32
      %p = arith.mulf %xf, %wf : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
        ins(%c : memref<?x80xf32>) outs(%y : memref<?x80xf16>) {
    ^bb0(%s: f32, %o: f16):
      %r = arith.truncf %s : f32 to f16
      linalg.yield %r : f16
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Tensor cores multiply f32 only where it may be rounded to tf32, to the nearest.
  // CHECK-LABEL: func.func private @dlc_program_product0(
  // CHECK:         nvvm.convert.float.to.tf32 %{{.*}} {rnd = #nvvm.fp_rnd_mode<rna>}
  // CHECK:         nvvm.mma.sync {{.*}}multiplicandAPtxType = #nvvm.mma_type<tf32>
  // CHECK-LABEL: func.func @in_tf32(
  // CHECK-NOT:     linalg.generic
  func.func @in_tf32(%m: index, %a: memref<?x96xf32>, %b: memref<96x80xf32>, %c: memref<?x80xf32>) {
    linalg.generic {dl.contraction = "tf32", indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : memref<?x96xf32>, memref<96x80xf32>) outs(%c : memref<?x80xf32>) {
    ^bb0(%x: f32, %w: f32, %o: f32):
      %p = arith.mulf %x, %w : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // What goes through the result is a function of an element; the sums have no memory.
  // CHECK-LABEL: func.func private @dlc_program_each0(
  // CHECK-SAME:    %[[SUM:.*]]: f32, %[[I:.*]]: index, %[[J:.*]]: index, %[[BIAS:.*]]: memref<80xf32>, %[[Y:.*]]: memref<?x80xf32>)
  // CHECK-NEXT:    %[[B:.*]] = memref.load %[[BIAS]][%[[J]]]
  // CHECK:         %[[R:.*]] = arith.addf %[[SUM]], %[[B]]
  // CHECK-NEXT:    memref.store %[[R]], %[[Y]][%[[I]], %[[J]]]
  // CHECK-LABEL: func.func @biased(
  // CHECK:         func.call @dlc_program_product0(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
  // CHECK-NOT:     linalg
  func.func @biased(%m: index, %a: memref<?x96xf32>, %b: memref<96x80xf32>, %bias: memref<80xf32>, %y: memref<?x80xf32>) {
    %zero = arith.constant 0.0 : f32
    %c = memref.alloc(%m) : memref<?x80xf32>
    linalg.fill ins(%zero : f32) outs(%c : memref<?x80xf32>)
    linalg.generic {dl.contraction, indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : memref<?x96xf32>, memref<96x80xf32>) outs(%c : memref<?x80xf32>) {
    ^bb0(%x: f32, %w: f32, %o: f32):
      %p = arith.mulf %x, %w : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
        ins(%c, %bias : memref<?x80xf32>, memref<80xf32>) outs(%y : memref<?x80xf32>) {
    ^bb0(%s: f32, %v: f32, %o: f32):
      %r = arith.addf %s, %v : f32
      linalg.yield %r : f32
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 90 : i64}} {
  // On the newest devices it is persistent blocks, where sizes and places suit tensor maps.
  // CHECK-LABEL: func.func private @dlc_program_wgmma0(
  // CHECK-LABEL: func.func @suits(
  // CHECK:         scf.if %{{.*}} {
  // CHECK:           func.call @dlc_tensor_map(
  // CHECK:           func.call @dlc_tensor_map(
  // CHECK:           func.call @dlc_processors(
  // CHECK:           scf.for
  // CHECK:           } {dl.block = 384 : i64, dl.dynamic_shared = {{.*}} : i64, dl.parallel = true}
  // CHECK-NEXT:    } else {
  // CHECK:           func.call @dlc_program_product0(
  func.func @suits(%m: index, %a: memref<?x96xf16>, %b: memref<96x512xf16>, %c: memref<?x512xf32>, %failed: memref<i32> {dl.failed}, %device: !llvm.ptr {dl.executor}) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%c : memref<?x512xf32>)
    linalg.generic {dl.contraction, indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : memref<?x96xf16>, memref<96x512xf16>) outs(%c : memref<?x512xf32>) {
    ^bb0(%x: f16, %w: f16, %o: f32):
      %xf = arith.extf %x : f16 to f32
      %wf = arith.extf %w : f16 to f32
      %p = arith.mulf %xf, %wf : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    return
  }
}
