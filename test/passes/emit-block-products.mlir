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

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Attention and its gradient are three programs, with two numbers of each row between, and the sums of the rows of what the result
  // and its gradient multiply to.
  // CHECK-DAG:     func.func private @dlc_program_attention0(
  // CHECK-DAG:     func.func private @dlc_program_gradient0(
  // CHECK-DAG:     func.func private @dlc_program_gradient1(
  // CHECK-LABEL: func.func @both_ways(
  // CHECK-NOT:     linalg.generic
  // CHECK:         func.call @dlc_program_attention0(
  // CHECK:         linalg.generic
  // CHECK-SAME:      ins(%{{.*}}, %{{.*}} : memref<?x64xf16>, memref<?x64xf32>) outs(%{{.*}} : memref<?xf32>)
  // CHECK-NOT:     linalg.generic
  // CHECK:         func.call @dlc_program_gradient0(
  // CHECK-NOT:     linalg.generic
  // CHECK:         func.call @dlc_program_gradient1(
  // CHECK-NOT:     linalg.generic
  func.func @both_ways(%t: index, %q: memref<?x64xf16>, %k: memref<?x64xf16>, %v: memref<?x64xf16>, %g: memref<?x64xf16>, %o: memref<?x64xf32>, %dq: memref<?x64xf32>, %dk: memref<?x64xf32>, %dv: memref<?x64xf32>) {
    %zero = arith.constant 0.0 : f32
    %lowest = arith.constant 0xFF800000 : f32
    %scale = arith.constant 0.125 : f32
    %s = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%s : memref<?x?xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%q, %k : memref<?x64xf16>, memref<?x64xf16>) outs(%s : memref<?x?xf32>) {
    ^bb0(%a: f16, %b: f16, %c: f32):
      %x = arith.extf %a : f16 to f32
      %y = arith.extf %b : f16 to f32
      %p = arith.mulf %x, %y : f32
      %r = arith.addf %c, %p : f32
      linalg.yield %r : f32
    }
    %most = memref.alloc(%t) : memref<?xf32>
    %scores = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%lowest : f32) outs(%most : memref<?xf32>)
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "reduction"]}
        ins(%s : memref<?x?xf32>) outs(%most, %scores : memref<?xf32>, memref<?x?xf32>) {
    ^bb0(%a: f32, %m: f32, %c: f32):
      %x = arith.mulf %a, %scale : f32
      %r = arith.maximumf %m, %x : f32
      linalg.yield %r, %x : f32, f32
    }
    %sum = memref.alloc(%t) : memref<?xf32>
    %e = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<?xf32>)
    linalg.generic {indexing_maps = [#row, #id, #row, #id], iterator_types = ["parallel", "reduction"]}
        ins(%most, %scores : memref<?xf32>, memref<?x?xf32>) outs(%sum, %e : memref<?xf32>, memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %c: f32, %d: f32):
      %x = arith.subf %a, %m : f32
      %y = math.exp %x : f32
      %r = arith.addf %c, %y : f32
      linalg.yield %r, %y : f32, f32
    }
    %p = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sum, %e : memref<?xf32>, memref<?x?xf32>) outs(%p : memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %c: f32):
      %r = arith.divf %a, %m : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%o : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %v : memref<?x?xf32>, memref<?x64xf16>) outs(%o : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    %dp = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%dp : memref<?x?xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%g, %v : memref<?x64xf16>, memref<?x64xf16>) outs(%dp : memref<?x?xf32>) {
    ^bb0(%a: f16, %b: f16, %c: f32):
      %x = arith.extf %a : f16 to f32
      %z = arith.extf %b : f16 to f32
      %m = arith.mulf %x, %z : f32
      %r = arith.addf %c, %m : f32
      linalg.yield %r : f32
    }
    %d = memref.alloc(%t) : memref<?xf32>
    linalg.fill ins(%zero : f32) outs(%d : memref<?xf32>)
    linalg.generic {indexing_maps = [#id, #id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%dp, %p : memref<?x?xf32>, memref<?x?xf32>) outs(%d : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.mulf %a, %b : f32
      %r = arith.addf %c, %x : f32
      linalg.yield %r : f32
    }
    %ds = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.generic {indexing_maps = [#row, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%d, %dp, %p : memref<?xf32>, memref<?x?xf32>, memref<?x?xf32>) outs(%ds : memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %b: f32, %c: f32):
      %x = arith.subf %a, %m : f32
      %z = arith.mulf %b, %x : f32
      %r = arith.mulf %z, %scale : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dv : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %g : memref<?x?xf32>, memref<?x64xf16>) outs(%dv : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dq : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%ds, %k : memref<?x?xf32>, memref<?x64xf16>) outs(%dq : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dk : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%ds, %q : memref<?x?xf32>, memref<?x64xf16>) outs(%dk : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    return
  }
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Weights that something else reads stay in memory, and so does what the gradient makes of them.
  // CHECK-NOT:   @dlc_program_attention
  // CHECK-NOT:   @dlc_program_gradient
  // CHECK-LABEL: func.func @weights_are_read(
  // CHECK:         math.exp
  // CHECK-NOT:     @dlc_program_attention
  // CHECK-NOT:     @dlc_program_gradient
  // CHECK:         memref.copy
  func.func @weights_are_read(%t: index, %q: memref<?x64xf16>, %k: memref<?x64xf16>, %v: memref<?x64xf16>, %g: memref<?x64xf16>, %o: memref<?x64xf32>, %dq: memref<?x64xf32>, %dk: memref<?x64xf32>, %dv: memref<?x64xf32>, %w: memref<?x?xf32>) {
    %zero = arith.constant 0.0 : f32
    %lowest = arith.constant 0xFF800000 : f32
    %scale = arith.constant 0.125 : f32
    %s = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%s : memref<?x?xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%q, %k : memref<?x64xf16>, memref<?x64xf16>) outs(%s : memref<?x?xf32>) {
    ^bb0(%a: f16, %b: f16, %c: f32):
      %x = arith.extf %a : f16 to f32
      %y = arith.extf %b : f16 to f32
      %p = arith.mulf %x, %y : f32
      %r = arith.addf %c, %p : f32
      linalg.yield %r : f32
    }
    %most = memref.alloc(%t) : memref<?xf32>
    %scores = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%lowest : f32) outs(%most : memref<?xf32>)
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "reduction"]}
        ins(%s : memref<?x?xf32>) outs(%most, %scores : memref<?xf32>, memref<?x?xf32>) {
    ^bb0(%a: f32, %m: f32, %c: f32):
      %x = arith.mulf %a, %scale : f32
      %r = arith.maximumf %m, %x : f32
      linalg.yield %r, %x : f32, f32
    }
    %sum = memref.alloc(%t) : memref<?xf32>
    %e = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<?xf32>)
    linalg.generic {indexing_maps = [#row, #id, #row, #id], iterator_types = ["parallel", "reduction"]}
        ins(%most, %scores : memref<?xf32>, memref<?x?xf32>) outs(%sum, %e : memref<?xf32>, memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %c: f32, %d: f32):
      %x = arith.subf %a, %m : f32
      %y = math.exp %x : f32
      %r = arith.addf %c, %y : f32
      linalg.yield %r, %y : f32, f32
    }
    %p = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sum, %e : memref<?xf32>, memref<?x?xf32>) outs(%p : memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %c: f32):
      %r = arith.divf %a, %m : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%o : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %v : memref<?x?xf32>, memref<?x64xf16>) outs(%o : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    %dp = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%dp : memref<?x?xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%g, %v : memref<?x64xf16>, memref<?x64xf16>) outs(%dp : memref<?x?xf32>) {
    ^bb0(%a: f16, %b: f16, %c: f32):
      %x = arith.extf %a : f16 to f32
      %z = arith.extf %b : f16 to f32
      %m = arith.mulf %x, %z : f32
      %r = arith.addf %c, %m : f32
      linalg.yield %r : f32
    }
    %d = memref.alloc(%t) : memref<?xf32>
    linalg.fill ins(%zero : f32) outs(%d : memref<?xf32>)
    linalg.generic {indexing_maps = [#id, #id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%dp, %p : memref<?x?xf32>, memref<?x?xf32>) outs(%d : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.mulf %a, %b : f32
      %r = arith.addf %c, %x : f32
      linalg.yield %r : f32
    }
    %ds = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.generic {indexing_maps = [#row, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%d, %dp, %p : memref<?xf32>, memref<?x?xf32>, memref<?x?xf32>) outs(%ds : memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %b: f32, %c: f32):
      %x = arith.subf %a, %m : f32
      %z = arith.mulf %b, %x : f32
      %r = arith.mulf %z, %scale : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dv : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %g : memref<?x?xf32>, memref<?x64xf16>) outs(%dv : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dq : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%ds, %k : memref<?x?xf32>, memref<?x64xf16>) outs(%dq : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dk : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%ds, %q : memref<?x?xf32>, memref<?x64xf16>) outs(%dk : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    memref.copy %p, %w : memref<?x?xf32> to memref<?x?xf32>
    return
  }
}

// -----

#mk = affine_map<(m, n, k) -> (m, k)>
#km = affine_map<(m, n, k) -> (k, m)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Keys that are other ones when the gradient is made would be wrong for the programs that make scores again.
  // CHECK-LABEL: func.func @keys_change(
  // CHECK:         math.exp
  // CHECK-NOT:     @dlc_program_attention
  // CHECK-NOT:     @dlc_program_gradient
  // CHECK:         return
  func.func @keys_change(%t: index, %q: memref<?x64xf16>, %k: memref<?x64xf16>, %v: memref<?x64xf16>, %g: memref<?x64xf16>, %o: memref<?x64xf32>, %dq: memref<?x64xf32>, %dk: memref<?x64xf32>, %dv: memref<?x64xf32>) {
    %zero = arith.constant 0.0 : f32
    %lowest = arith.constant 0xFF800000 : f32
    %scale = arith.constant 0.125 : f32
    %s = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%s : memref<?x?xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%q, %k : memref<?x64xf16>, memref<?x64xf16>) outs(%s : memref<?x?xf32>) {
    ^bb0(%a: f16, %b: f16, %c: f32):
      %x = arith.extf %a : f16 to f32
      %y = arith.extf %b : f16 to f32
      %p = arith.mulf %x, %y : f32
      %r = arith.addf %c, %p : f32
      linalg.yield %r : f32
    }
    %most = memref.alloc(%t) : memref<?xf32>
    %scores = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%lowest : f32) outs(%most : memref<?xf32>)
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "reduction"]}
        ins(%s : memref<?x?xf32>) outs(%most, %scores : memref<?xf32>, memref<?x?xf32>) {
    ^bb0(%a: f32, %m: f32, %c: f32):
      %x = arith.mulf %a, %scale : f32
      %r = arith.maximumf %m, %x : f32
      linalg.yield %r, %x : f32, f32
    }
    %sum = memref.alloc(%t) : memref<?xf32>
    %e = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%sum : memref<?xf32>)
    linalg.generic {indexing_maps = [#row, #id, #row, #id], iterator_types = ["parallel", "reduction"]}
        ins(%most, %scores : memref<?xf32>, memref<?x?xf32>) outs(%sum, %e : memref<?xf32>, memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %c: f32, %d: f32):
      %x = arith.subf %a, %m : f32
      %y = math.exp %x : f32
      %r = arith.addf %c, %y : f32
      linalg.yield %r, %y : f32, f32
    }
    %p = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.generic {indexing_maps = [#row, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sum, %e : memref<?xf32>, memref<?x?xf32>) outs(%p : memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %c: f32):
      %r = arith.divf %a, %m : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%o : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %v : memref<?x?xf32>, memref<?x64xf16>) outs(%o : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    memref.copy %g, %k : memref<?x64xf16> to memref<?x64xf16>
    %dp = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.fill ins(%zero : f32) outs(%dp : memref<?x?xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%g, %v : memref<?x64xf16>, memref<?x64xf16>) outs(%dp : memref<?x?xf32>) {
    ^bb0(%a: f16, %b: f16, %c: f32):
      %x = arith.extf %a : f16 to f32
      %z = arith.extf %b : f16 to f32
      %m = arith.mulf %x, %z : f32
      %r = arith.addf %c, %m : f32
      linalg.yield %r : f32
    }
    %d = memref.alloc(%t) : memref<?xf32>
    linalg.fill ins(%zero : f32) outs(%d : memref<?xf32>)
    linalg.generic {indexing_maps = [#id, #id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%dp, %p : memref<?x?xf32>, memref<?x?xf32>) outs(%d : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %x = arith.mulf %a, %b : f32
      %r = arith.addf %c, %x : f32
      linalg.yield %r : f32
    }
    %ds = memref.alloc(%t, %t) : memref<?x?xf32>
    linalg.generic {indexing_maps = [#row, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%d, %dp, %p : memref<?xf32>, memref<?x?xf32>, memref<?x?xf32>) outs(%ds : memref<?x?xf32>) {
    ^bb0(%m: f32, %a: f32, %b: f32, %c: f32):
      %x = arith.subf %a, %m : f32
      %z = arith.mulf %b, %x : f32
      %r = arith.mulf %z, %scale : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dv : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%p, %g : memref<?x?xf32>, memref<?x64xf16>) outs(%dv : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dq : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#mk, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%ds, %k : memref<?x?xf32>, memref<?x64xf16>) outs(%dq : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    linalg.fill ins(%zero : f32) outs(%dk : memref<?x64xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#km, #kn, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%ds, %q : memref<?x?xf32>, memref<?x64xf16>) outs(%dk : memref<?x64xf32>) {
    ^bb0(%a: f32, %b: f16, %c: f32):
      %x = arith.extf %b : f16 to f32
      %z = arith.mulf %a, %x : f32
      %r = arith.addf %c, %z : f32
      linalg.yield %r : f32
    }
    return
  }
}
