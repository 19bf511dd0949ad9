// RUN: dlc-opt %s --split-input-file --pass-pipeline='builtin.module(emit-matmul,canonicalize)' | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

module attributes {dl.target = {cpu = "cascadelake"}} {
  // A kernel with 24 accumulators, for columns of two registers, and one for a single row.
  // CHECK-LABEL: func.func private @dlc_matmul_f32_nn_12x32
  // CHECK:       memref.alloca() {{.*}} : memref<12x272xf32>
  // CHECK-COUNT-24: vector.fma {{.*}} : vector<16xf32>
  // CHECK:       func.func private @dlc_matmul_f32_nn_1x32
  // CHECK-NOT:   func.func private
  // CHECK-LABEL: func.func @dense
  // The fill is gone, since the sums have terms; the block of B is as large as N needs.
  // CHECK-NOT:   linalg.
  // CHECK:       memref.alloc() {{.*}} : memref<5x257x32xf32>
  // CHECK:       call @dlc_matmul_f32_nn_12x32
  // CHECK-NOT:   linalg.
  // CHECK:       return
  func.func @dense(%x: memref<?x64xf32>, %w: memref<64x128xf32>, %y: memref<?x128xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%y : memref<?x128xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<?x64xf32>, memref<64x128xf32>) outs(%y : memref<?x128xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }
}

// -----

#a = affine_map<(b, m, n, k) -> (b, m, k)>
#b = affine_map<(b, m, n, k) -> (b, n, k)>
#c = affine_map<(b, m, n, k) -> (b, m, n)>

module attributes {dl.target = {cpu = "haswell"}} {
  // A batch is a loop around the call; unknown columns choose between two kernels; empty sums leave zeros.
  // CHECK-DAG:   func.func private @dlc_matmul_f64_nt_6x8
  // CHECK-DAG:   func.func private @dlc_matmul_f64_nt_6x4
  // CHECK-LABEL: func.func @batch
  // CHECK:       scf.if
  // CHECK-NEXT:    linalg.fill
  // CHECK:       scf.if
  // CHECK-NEXT:    scf.for
  // CHECK:           call @dlc_matmul_f64_nt_6x4
  // CHECK:       } else {
  // CHECK-NEXT:    scf.for
  // CHECK:           call @dlc_matmul_f64_nt_6x8
  // CHECK-NOT:   linalg.generic
  // CHECK:       return
  func.func @batch(%x: memref<?x16x?xf64>, %w: memref<?x?x?xf64>, %y: memref<?x16x?xf64>) {
    %zero = arith.constant 0.0 : f64
    linalg.fill ins(%zero : f64) outs(%y : memref<?x16x?xf64>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c],
                    iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<?x16x?xf64>, memref<?x?x?xf64>) outs(%y : memref<?x16x?xf64>) {
    ^bb0(%l: f64, %r: f64, %s: f64):
      %p = arith.mulf %l, %r : f64
      %q = arith.addf %s, %p : f64
      linalg.yield %q : f64
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "haswell"}} {
  // A vector is one row, that takes no packing.
  // CHECK-LABEL: func.func private @dlc_matmul_f32_nt_1x16
  // CHECK:       vector.reduction <add>
  // CHECK-LABEL: func.func @vector
  // CHECK-NOT:   memref.alloc
  // CHECK:       call @dlc_matmul_f32_nt_1x16
  // CHECK:       return
  func.func @vector(%x: memref<?x?xf32>, %w: memref<?xf32>, %y: memref<?xf32>) {
    linalg.generic {dl.contraction, indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (k)>,
                    affine_map<(m, k) -> (m)>], iterator_types = ["parallel", "reduction"]}
        ins(%x, %w : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// Sums of bytes stay loops, with the contiguous dim innermost.
// CHECK: #[[A:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK: #[[B:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK: #[[C:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func.func @bytes
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]], #[[C]]], iterator_types = ["parallel", "reduction", "parallel"]}
func.func @bytes(%x: memref<?x?xi8>, %w: memref<?x?xi8>, %y: memref<?x?xi8>) {
  linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x?xi8>, memref<?x?xi8>) outs(%y : memref<?x?xi8>) {
  ^bb0(%l: i8, %r: i8, %s: i8):
    %p = arith.muli %l, %r : i8
    %q = arith.addi %s, %p : i8
    linalg.yield %q : i8
  }
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

module attributes {dl.target = {cpu = "haswell"}} {
  // What is packed is as wide as the sums.
  // CHECK-LABEL: func.func private @dlc_matmul_bf16xbf16_f32_nn_6x16_turned(
  // CHECK-SAME:  memref<?x?xbf16, {{.*}}>, %{{.*}}: memref<?x?xbf16, {{.*}}>, %{{.*}}: memref<?x?xf32, {{.*}}>, %{{.*}}: memref<?x257x16xf32>
  // CHECK:       %[[B:.*]] = vector.load {{.*}} : memref<?x?xbf16, {{.*}}>, vector<8xbf16>
  // CHECK-NEXT:  arith.extf %[[B]] : vector<8xbf16> to vector<8xf32>
  // CHECK-LABEL: func.func @halves
  // CHECK:       call @dlc_matmul_bf16xbf16_f32_nn_6x16_turned
  func.func @halves(%x: memref<?x64xbf16>, %w: memref<64x128xbf16>, %y: memref<?x128xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%y : memref<?x128xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<?x64xbf16>, memref<64x128xbf16>) outs(%y : memref<?x128xf32>) {
    ^bb0(%l: bf16, %r: bf16, %s: f32):
      %wl = arith.extf %l : bf16 to f32
      %wr = arith.extf %r : bf16 to f32
      %p = arith.mulf %wl, %wr : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

module attributes {dl.target = {cpu = "haswell"}} {
  // One operand is widened, the right one of the op is the left one of the kernel, and the fill with zero is gone.
  // CHECK-LABEL: func.func private @dlc_matmul_i64xu8_i64_tt_6x8(
  // CHECK-SAME:  memref<?x?xi64, {{.*}}>, %{{.*}}: memref<?x?xi8, {{.*}}>, %{{.*}}: memref<?x?xi64, {{.*}}>
  // CHECK:       vector.load {{.*}} : memref<?x?xi8, {{.*}}>, vector<4xi8>
  // CHECK-NEXT:  arith.extui {{.*}} : vector<4xi8> to vector<4xi64>
  // CHECK:       arith.muli {{.*}} : vector<4xi64>
  // CHECK-NEXT:  arith.addi {{.*}} : vector<4xi64>
  // CHECK-LABEL: func.func @integers
  // CHECK-NOT:   linalg.
  // CHECK:       call @dlc_matmul_i64xu8_i64_tt_6x8
  func.func @integers(%x: memref<?x64xi8>, %w: memref<64x128xi64>, %y: memref<128x?xi64>) {
    %zero = arith.constant 0 : i64
    linalg.fill ins(%zero : i64) outs(%y : memref<128x?xi64>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, affine_map<(m, n, k) -> (n, m)>],
                    iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<?x64xi8>, memref<64x128xi64>) outs(%y : memref<128x?xi64>) {
    ^bb0(%l: i8, %r: i64, %s: i64):
      %wl = arith.extui %l : i8 to i64
      %p = arith.muli %wl, %r : i64
      %q = arith.addi %s, %p : i64
      linalg.yield %q : i64
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

module attributes {dl.target = {cpu = "cascadelake"}} {
  // Words of four bytes: those of A are made unsigned, and sums begin with what that adds, which stands behind the steps of
  // a packed sliver. A row is no matter of words.
  // CHECK-LABEL: func.func private @dlc_matmul_i8xi8_i32_nn_12x32_turned_dot(
  // CHECK-SAME:  memref<?x257x32xi32>
  // CHECK:       %[[LIFT:.*]] = arith.constant dense<-2139062144> : vector<16xi32>
  // CHECK:       llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"({{.*}}) : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
  // CHECK:       arith.subi
  // CHECK:       arith.xori %{{.*}}, %[[LIFT]]
  // CHECK:       vector.load %{{.*}}[%{{.*}}, %c256, %c0] : memref<?x257x32xi32>
  // CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
  // CHECK-LABEL: func.func private @dlc_matmul_i8xi8_i32_nn_1x32(
  // CHECK-NOT:   llvm.call_intrinsic
  // CHECK-LABEL: func.func @bytes
  // CHECK:       call @dlc_matmul_i8xi8_i32_nn_12x32_turned_dot
  func.func @bytes(%x: memref<?x64xi8>, %w: memref<64x512xi8>, %y: memref<?x512xi32>) {
    %zero = arith.constant 0 : i32
    linalg.fill ins(%zero : i32) outs(%y : memref<?x512xi32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<?x64xi8>, memref<64x512xi8>) outs(%y : memref<?x512xi32>) {
    ^bb0(%l: i8, %r: i8, %s: i32):
      %wl = arith.extsi %l : i8 to i32
      %wr = arith.extsi %r : i8 to i32
      %p = arith.muli %wl, %wr : i32
      %q = arith.addi %s, %p : i32
      linalg.yield %q : i32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

module attributes {dl.target = {cpu = "haswell"}} {
  // Words of two integers of 16 bits, on every target.
  // CHECK-LABEL: func.func private @dlc_matmul_u8xu8_i32_nn_6x16_turned_dot(
  // CHECK:       arith.extui %{{.*}} : vector<16xi8> to vector<16xi16>
  // CHECK:       %[[P:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"({{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
  // CHECK-NEXT:  arith.addi %[[P]],
  // CHECK-LABEL: func.func @unsigned
  func.func @unsigned(%x: memref<9x64xi8>, %w: memref<64x512xi8>, %y: memref<9x512xi32>) {
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<9x64xi8>, memref<64x512xi8>) outs(%y : memref<9x512xi32>) {
    ^bb0(%l: i8, %r: i8, %s: i32):
      %wl = arith.extui %l : i8 to i32
      %wr = arith.extui %r : i8 to i32
      %p = arith.muli %wl, %wr : i32
      %q = arith.addi %s, %p : i32
      linalg.yield %q : i32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

module attributes {dl.target = {cpu = "znver4"}} {
  // Words of two bf16 by the instruction where neither sliver has numbers so small that it would lose them, else one
  // after the other.
  // CHECK-LABEL: func.func private @dlc_matmul_bf16xbf16_f32_nn_12x32_turned_dot(
  // CHECK:       %[[LEAST:.*]] = vector.reduction <minui>, %{{.*}} : vector<32xi16> into i16
  // CHECK-NEXT:  %[[LARGE:.*]] = arith.cmpi uge, %[[LEAST]], %c9215_i16
  // CHECK:       vector.reduction <minui>
  // CHECK:       scf.if
  // CHECK-COUNT-24: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
  // CHECK:       } else {
  // CHECK-NOT:   llvm.call_intrinsic
  // CHECK-COUNT-48: vector.fma
  // CHECK-LABEL: func.func @bfloats
  func.func @bfloats(%x: memref<9x64xbf16>, %w: memref<64x512xbf16>, %y: memref<9x512xf32>) {
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<9x64xbf16>, memref<64x512xbf16>) outs(%y : memref<9x512xf32>) {
    ^bb0(%l: bf16, %r: bf16, %s: f32):
      %wl = arith.extf %l : bf16 to f32
      %wr = arith.extf %r : bf16 to f32
      %p = arith.mulf %wl, %wr : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }
}

// -----

#x = affine_map<(n, o, i, j, c, k, l) -> (k, l, n, c, i, j)>
#w = affine_map<(n, o, i, j, c, k, l) -> (o, c, k, l)>
#y = affine_map<(n, o, i, j, c, k, l) -> (n, o, i, j)>

module attributes {dl.target = {cpu = "cascadelake"}} {
  // Windows are gathered where they are packed: of one or two pieces by masked loads, else element by element.
  // CHECK-LABEL: func.func private @dlc_matmul_f32_ns_12x32
  // CHECK:       memref.alloca() {{.*}} : memref<256xindex>
  // CHECK:       memref.alloca() {{.*}} : memref<512xindex>
  // CHECK:       vector.maskedload
  // CHECK:       vector.maskedload
  // CHECK:       vector.gather
  // CHECK-LABEL: func.func @windows
  // CHECK-NOT:   linalg.
  // CHECK:       call @dlc_matmul_f32_ns_12x32
  // CHECK-NOT:   linalg.
  // CHECK:       return
  func.func @windows(%x: memref<3x3x?x64x56x56xf32, strided<[58, 1, 215296, 3364, 58, 1]>>, %w: memref<64x64x3x3xf32>,
      %y: memref<?x64x56x56xf32>) {
    linalg.generic {dl.contraction, dl.windows, indexing_maps = [#x, #w, #y],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%x, %w : memref<3x3x?x64x56x56xf32, strided<[58, 1, 215296, 3364, 58, 1]>>, memref<64x64x3x3xf32>)
        outs(%y : memref<?x64x56x56xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }

  // Too few rows to share what would be gathered.
  // CHECK-LABEL: func.func @few
  // CHECK:       linalg.generic
  func.func @few(%x: memref<3x3x?x64x56x56xf32, strided<[58, 1, 215296, 3364, 58, 1]>>, %w: memref<2x64x3x3xf32>,
      %y: memref<?x2x56x56xf32>) {
    linalg.generic {dl.contraction, dl.windows, indexing_maps = [#x, #w, #y],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
        ins(%x, %w : memref<3x3x?x64x56x56xf32, strided<[58, 1, 215296, 3364, 58, 1]>>, memref<2x64x3x3xf32>)
        outs(%y : memref<?x2x56x56xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (n)>

module attributes {dl.target = {cpu = "cascadelake"}} {
  // A bias and an activation go through each band of rows when its sums are complete, in the memory of the result; what they
  // need stands before the product.
  // CHECK-DAG:   func.func private @dlc_matmul_f32_nn_12x32{{(_turned)?}}_band
  // CHECK-LABEL: func.func @bias
  // CHECK-SAME:    (%[[X:.*]]: memref<?x600xf32>, %{{.*}}: memref<600x1024xf32>, %[[B:.*]]: memref<2x1024xf32>, %[[Y:.*]]: memref<?x1024xf32>)
  // CHECK-NOT:   memref.alloc(
  // CHECK:       memref.subview %[[B]]
  // CHECK:       scf.for %[[K:.*]] =
  // CHECK:         scf.for
  // CHECK:           scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c60
  // CHECK:             call @dlc_matmul_f32_nn_12x32{{(_turned)?}}_band
  // CHECK-NEXT:        scf.if
  // CHECK:               memref.reinterpret_cast %[[Y]]
  // CHECK:               linalg.generic
  // CHECK:                 arith.addf
  // CHECK:                 arith.maximumf
  // CHECK-NOT:   linalg.generic
  // CHECK:       return
  func.func @bias(%x: memref<?x600xf32>, %w: memref<600x1024xf32>, %b: memref<2x1024xf32>, %y: memref<?x1024xf32>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %rows = memref.dim %x, %c0 : memref<?x600xf32>
    %sums = memref.alloc(%rows) : memref<?x1024xf32>
    linalg.fill ins(%zero : f32) outs(%sums : memref<?x1024xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<?x600xf32>, memref<600x1024xf32>) outs(%sums : memref<?x1024xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    %bias = memref.subview %b[1, 0] [1, 1024] [1, 1] : memref<2x1024xf32> to memref<1024xf32, strided<[1], offset: 1024>>
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sums, %bias : memref<?x1024xf32>, memref<1024xf32, strided<[1], offset: 1024>>) outs(%y : memref<?x1024xf32>) {
    ^bb0(%s: f32, %l: f32, %o: f32):
      %p = arith.addf %s, %l : f32
      %q = arith.maximumf %p, %zero : f32
      linalg.yield %q : f32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

module attributes {dl.target = {cpu = "cascadelake"}} {
  // Sums that are needed in another type keep their memory, of which lanes share the parts.
  // CHECK-LABEL: func.func @narrowed
  // CHECK:       memref.alloc() {dl.shared} : memref<120x256xf32>
  // CHECK:         call @dlc_matmul_f32_nn_12x32{{(_turned)?}}_band
  // CHECK:         arith.truncf
  // CHECK:       return
  func.func @narrowed(%x: memref<120x64xf32>, %w: memref<64x256xf32>, %y: memref<120x256xbf16>) {
    %zero = arith.constant 0.0 : f32
    %sums = memref.alloc() : memref<120x256xf32>
    linalg.fill ins(%zero : f32) outs(%sums : memref<120x256xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<120x64xf32>, memref<64x256xf32>) outs(%sums : memref<120x256xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sums : memref<120x256xf32>) outs(%y : memref<120x256xbf16>) {
    ^bb0(%s: f32, %o: bf16):
      %p = arith.truncf %s : f32 to bf16
      linalg.yield %p : bf16
    }
    return
  }

  // Rounds of a loop around may go at the same time: each has such sums for itself.
  // CHECK-LABEL: func.func @narrowed_in_rounds
  // CHECK:       memref.alloc() : memref<120x256xf32>
  // CHECK:       scf.for
  // CHECK:         call @dlc_matmul_f32_nn_12x32{{(_turned)?}}_band
  // CHECK:       return
  func.func @narrowed_in_rounds(%x: memref<8x120x64xf32>, %w: memref<64x256xf32>, %y: memref<8x120x256xbf16>) {
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %sums = memref.alloc() : memref<120x256xf32>
    scf.for %i = %c0 to %c8 step %c1 {
      %xi = memref.subview %x[%i, 0, 0] [1, 120, 64] [1, 1, 1] : memref<8x120x64xf32> to memref<120x64xf32, strided<[64, 1], offset: ?>>
      %yi = memref.subview %y[%i, 0, 0] [1, 120, 256] [1, 1, 1] : memref<8x120x256xbf16> to memref<120x256xbf16, strided<[256, 1], offset: ?>>
      linalg.fill ins(%zero : f32) outs(%sums : memref<120x256xf32>)
      linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%xi, %w : memref<120x64xf32, strided<[64, 1], offset: ?>>, memref<64x256xf32>) outs(%sums : memref<120x256xf32>) {
      ^bb0(%l: f32, %r: f32, %s: f32):
        %p = arith.mulf %l, %r : f32
        %q = arith.addf %s, %p : f32
        linalg.yield %q : f32
      }
      linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
          ins(%sums : memref<120x256xf32>) outs(%yi : memref<120x256xbf16, strided<[256, 1], offset: ?>>) {
      ^bb0(%s: f32, %o: bf16):
        %p = arith.truncf %s : f32 to bf16
        linalg.yield %p : bf16
      }
    } {dl.parallel = true}
    return
  }

  // What writes over an operand of the product, or reads what is made in between from the product, waits until all is done.
  // CHECK-LABEL: func.func @waits
  // CHECK-NOT:   _band
  // CHECK:       return
  func.func @waits(%x: memref<256x256xf32>, %w: memref<256x256xf32>, %y: memref<256x256xf32>) {
    %zero = arith.constant 0.0 : f32
    %sums = memref.alloc() : memref<256x256xf32>
    linalg.fill ins(%zero : f32) outs(%sums : memref<256x256xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<256x256xf32>, memref<256x256xf32>) outs(%sums : memref<256x256xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    %c0 = arith.constant 0 : index
    %last = arith.constant 255 : index
    %corner = memref.load %sums[%last, %last] : memref<256x256xf32>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sums : memref<256x256xf32>) outs(%y : memref<256x256xf32>) {
    ^bb0(%s: f32, %o: f32):
      %p = arith.addf %s, %corner : f32
      linalg.yield %p : f32
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sums : memref<256x256xf32>) outs(%x : memref<256x256xf32>) {
    ^bb0(%s: f32, %o: f32):
      %p = arith.negf %s : f32
      linalg.yield %p : f32
    }
    return
  }
}

// -----

#a = affine_map<(m, n, k) -> (k, m)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

module attributes {dl.target = {cpu = "cascadelake"}} {
  // A product that is only added to something adds to it.
  // CHECK-LABEL: func.func @added
  // CHECK-SAME:    %[[SUM:[a-z0-9]*]]: memref<64x128xf32>)
  // CHECK-NOT:   memref<64x128xf32> {
  // CHECK-NOT:   linalg.
  // CHECK:       %[[TO:.*]] = memref.reinterpret_cast %[[SUM]]
  // CHECK:       %[[C:.*]] = memref.cast %[[TO]]
  // CHECK:       call @dlc_matmul_f32_tn_12x32({{.*}}, %[[C]], {{.*}}, %true)
  // CHECK-NOT:   linalg.
  // CHECK:       return
  func.func @added(%x: memref<?x64xf32>, %y: memref<?x128xf32>, %sum: memref<64x128xf32>) {
    %zero = arith.constant 0.0 : f32
    %product = memref.alloc() : memref<64x128xf32>
    linalg.fill ins(%zero : f32) outs(%product : memref<64x128xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %y : memref<?x64xf32>, memref<?x128xf32>) outs(%product : memref<64x128xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sum, %product : memref<64x128xf32>, memref<64x128xf32>) outs(%sum : memref<64x128xf32>) {
    ^bb0(%s: f32, %p: f32, %o: f32):
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }

  // A difference is none, and neither is a sum that goes elsewhere.
  // CHECK-LABEL: func.func @elsewhere
  // CHECK-NOT:   %true)
  // CHECK:       return
  func.func @elsewhere(%x: memref<?x64xf32>, %y: memref<?x128xf32>, %sum: memref<64x128xf32>, %to: memref<64x128xf32>) {
    %zero = arith.constant 0.0 : f32
    %product = memref.alloc() : memref<64x128xf32>
    linalg.fill ins(%zero : f32) outs(%product : memref<64x128xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %y : memref<?x64xf32>, memref<?x128xf32>) outs(%product : memref<64x128xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sum, %product : memref<64x128xf32>, memref<64x128xf32>) outs(%to : memref<64x128xf32>) {
    ^bb0(%s: f32, %p: f32, %o: f32):
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    %other = memref.alloc() : memref<64x128xf32>
    linalg.fill ins(%zero : f32) outs(%other : memref<64x128xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %y : memref<?x64xf32>, memref<?x128xf32>) outs(%other : memref<64x128xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%sum, %other : memref<64x128xf32>, memref<64x128xf32>) outs(%sum : memref<64x128xf32>) {
    ^bb0(%s: f32, %p: f32, %o: f32):
      %q = arith.subf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }
}

// -----

#a = affine_map<(b, m, n, k) -> (b, m, k)>
#b = affine_map<(b, m, n, k) -> (b, k, n)>
#c = affine_map<(b, m, n, k) -> (b, m, n)>
#id = affine_map<(b, m, n) -> (b, m, n)>
#turned = affine_map<(b, m, n) -> (m, b, n)>

module attributes {dl.target = {cpu = "cascadelake"}} {
  // What adds to places in another order than that of the product's axes is no sum that the product can make.
  // CHECK-LABEL: func.func @turned
  // CHECK-NOT:   %true)
  // CHECK:       linalg.generic
  // CHECK:       return
  func.func @turned(%x: memref<30x30x17xf32>, %y: memref<30x17x40xf32>, %sum: memref<30x30x40xf32>) {
    %zero = arith.constant 0.0 : f32
    %product = memref.alloc() : memref<30x30x40xf32>
    linalg.fill ins(%zero : f32) outs(%product : memref<30x30x40xf32>)
    linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
        ins(%x, %y : memref<30x30x17xf32>, memref<30x17x40xf32>) outs(%product : memref<30x30x40xf32>) {
    ^bb0(%l: f32, %r: f32, %s: f32):
      %p = arith.mulf %l, %r : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    linalg.generic {indexing_maps = [#turned, #id, #turned], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%sum, %product : memref<30x30x40xf32>, memref<30x30x40xf32>) outs(%sum : memref<30x30x40xf32>) {
    ^bb0(%s: f32, %p: f32, %o: f32):
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    }
    return
  }
}
