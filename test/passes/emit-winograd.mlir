// RUN: dlc-opt %s --split-input-file --pass-pipeline='builtin.module(emit-winograd,canonicalize)' | FileCheck %s

#x = affine_map<(n, o, h, w, c, i, j) -> (n, c, h + i, w + j)>
#w = affine_map<(n, o, h, w, c, i, j) -> (o, c, i, j)>
#y = affine_map<(n, o, h, w, c, i, j) -> (n, o, h, w)>

// The fill is gone: results are written, not added to.
// CHECK-LABEL: func.func @conv
// CHECK-SAME: (%[[X:.*]]: memref<?x32x18x32xf32>, %[[W:.*]]: memref<48x32x3x3xf32>, %[[Y:.*]]: memref<?x48x16x30xf32>)
// CHECK-NOT: outs(%[[Y]]
// CHECK: %[[FILTERS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16x33x48xf32>
// CHECK: scf.for
// CHECK: vector.maskedload %[[W]]
// CHECK: vector.shuffle
// CHECK: vector.store %{{.*}}, %[[FILTERS]]
// CHECK: dl.parallel = true
// CHECK: scf.for
// CHECK: %[[INPUT:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16x33x[[ROOM:[0-9]+]]xf32>
// CHECK: %[[RESULT:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16x49x[[ROOM]]xf32>
// CHECK: vector.maskedload %[[X]]
// CHECK: vector.shuffle
// CHECK: vector.store %{{.*}}, %[[INPUT]]
// CHECK: linalg.generic
// CHECK-SAME: dl.contraction
// CHECK: vector.load %[[RESULT]]
// CHECK: vector.interleave
// CHECK: vector.maskedstore %[[Y]]
// CHECK: dl.parallel = true
module attributes {dl.target = {cpu = "skylake-avx512"}} {
func.func @conv(%x: memref<?x32x18x32xf32>, %w: memref<48x32x3x3xf32>, %y: memref<?x48x16x30xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x48x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<?x32x18x32xf32>, memref<48x32x3x3xf32>) outs(%y : memref<?x48x16x30xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  return
}
}

// -----

#x = affine_map<(n, o, h, w, c, i, j) -> (n, c, h * 2 + i, w * 2 + j)>
#w = affine_map<(n, o, h, w, c, i, j) -> (o, c, i, j)>
#y = affine_map<(n, o, h, w, c, i, j) -> (n, o, h, w)>

// Windows of every second place share too little.
// CHECK-LABEL: func.func @strides
// CHECK: linalg.fill
// CHECK-NEXT: linalg.generic
module attributes {dl.target = {cpu = "skylake-avx512"}} {
func.func @strides(%x: memref<1x32x33x33xf32>, %w: memref<48x32x3x3xf32>, %y: memref<1x48x16x16xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<1x48x16x16xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<1x32x33x33xf32>, memref<48x32x3x3xf32>) outs(%y : memref<1x48x16x16xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  return
}
}

// -----

#x = affine_map<(n, o, h, w, c, i, j) -> (n, c, h + i, w + j)>
#w = affine_map<(n, o, h, w, c, i, j) -> (o, c, i, j)>
#y = affine_map<(n, o, h, w, c, i, j) -> (n, o, h, w)>

// Few channels, narrow images, a target without masks, and results that do not start as zeros.
// CHECK-LABEL: func.func @few_channels
// CHECK: linalg.fill
// CHECK-NEXT: linalg.generic
// CHECK-LABEL: func.func @narrow
// CHECK: linalg.fill
// CHECK-NEXT: linalg.generic
// CHECK-LABEL: func.func @added
// CHECK-NEXT: linalg.generic
module attributes {dl.target = {cpu = "haswell"}} {
func.func @few_channels(%x: memref<1x3x34x34xf32>, %w: memref<48x3x3x3xf32>, %y: memref<1x48x32x32xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<1x48x32x32xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<1x3x34x34xf32>, memref<48x3x3x3xf32>) outs(%y : memref<1x48x32x32xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  return
}
func.func @narrow(%x: memref<1x32x34x6xf32>, %w: memref<48x32x3x3xf32>, %y: memref<1x48x32x4xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<1x48x32x4xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<1x32x34x6xf32>, memref<48x32x3x3xf32>) outs(%y : memref<1x48x32x4xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  return
}
func.func @added(%x: memref<1x32x34x34xf32>, %w: memref<48x32x3x3xf32>, %y: memref<1x48x32x32xf32>) {
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<1x32x34x34xf32>, memref<48x32x3x3xf32>) outs(%y : memref<1x48x32x32xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  return
}
}

// -----

#x = affine_map<(n, o, h, w, c, i, j) -> (n, c, h + i, w + j)>
#w = affine_map<(n, o, h, w, c, i, j) -> (o, c, i, j)>
#y = affine_map<(n, o, h, w, c, i, j) -> (n, o, h, w)>

// A copy with zeros around it that no other op reads is not made: lanes outside of the image are masked.
// CHECK-LABEL: func.func @padded
// CHECK-SAME: (%[[X:.*]]: memref<1x32x16x30xf32>, %{{.*}}: memref<48x32x3x3xf32>, %[[Y:.*]]: memref<1x48x16x30xf32>)
// CHECK-NOT: memref.copy
// CHECK-NOT: memref<1x32x18x32xf32>
// CHECK: arith.xori
// CHECK: vector.maskedload %[[X]]
// CHECK-LABEL: func.func @changed
// CHECK: memref.copy
module attributes {dl.target = {cpu = "skylake-avx512"}} {
func.func @padded(%x: memref<1x32x16x30xf32>, %w: memref<48x32x3x3xf32>, %y: memref<1x48x16x30xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc() : memref<1x32x18x32xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<1x32x18x32xf32>)
  %v = memref.subview %p[0, 0, 1, 1] [1, 32, 16, 30] [1, 1, 1, 1] : memref<1x32x18x32xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  memref.copy %x, %v : memref<1x32x16x30xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  linalg.fill ins(%zero : f32) outs(%y : memref<1x48x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p, %w : memref<1x32x18x32xf32>, memref<48x32x3x3xf32>) outs(%y : memref<1x48x16x30xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %q = arith.addf %s, %m : f32
    linalg.yield %q : f32
  }
  return
}
// The image is another one by the time that the copy is read.
func.func @changed(%x: memref<1x32x16x30xf32>, %w: memref<48x32x3x3xf32>, %y: memref<1x48x16x30xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc() : memref<1x32x18x32xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<1x32x18x32xf32>)
  %v = memref.subview %p[0, 0, 1, 1] [1, 32, 16, 30] [1, 1, 1, 1] : memref<1x32x18x32xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  memref.copy %x, %v : memref<1x32x16x30xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  linalg.fill ins(%zero : f32) outs(%x : memref<1x32x16x30xf32>)
  linalg.fill ins(%zero : f32) outs(%y : memref<1x48x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p, %w : memref<1x32x18x32xf32>, memref<48x32x3x3xf32>) outs(%y : memref<1x48x16x30xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %q = arith.addf %s, %m : f32
    linalg.yield %q : f32
  }
  return
}
}

// -----

#x = affine_map<(c, o, i, j, n, h, w) -> (n, c, i + h, j + w)>
#dy = affine_map<(c, o, i, j, n, h, w) -> (n, o, h, w)>
#dw = affine_map<(c, o, i, j, n, h, w) -> (o, c, i, j)>

// The gradient by the filters: strips add to sums for each place, whose loops lanes share, and these become windows.
// CHECK-LABEL: func.func @filter_gradient
// CHECK-SAME: (%[[X:.*]]: memref<?x32x18x32xf32>, %[[DY:.*]]: memref<?x48x16x30xf32>, %[[DW:.*]]: memref<48x32x3x3xf32>)
// CHECK-NOT: outs(%[[DW]]
// CHECK: %[[SUMS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16x48x32xf32>
// CHECK: linalg.fill ins(%{{.*}}) outs(%[[SUMS]]
// CHECK: scf.for
// CHECK-NEXT: arith.subi
// CHECK: scf.for
// CHECK: vector.maskedload %[[X]]
// CHECK: vector.maskedload %[[DY]]
// CHECK: dl.parallel = true
// CHECK: linalg.generic
// CHECK-SAME: outs(%[[SUMS]]
// CHECK-SAME: dl.contraction
// CHECK: memref.load %[[SUMS]]
// CHECK: memref.store %{{.*}}, %[[DW]]
// CHECK: dl.parallel = true
module attributes {dl.target = {cpu = "skylake-avx512"}} {
func.func @filter_gradient(%x: memref<?x32x18x32xf32>, %dy: memref<?x48x16x30xf32>, %dw: memref<48x32x3x3xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%dw : memref<48x32x3x3xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #dy, #dw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %dy : memref<?x32x18x32xf32>, memref<?x48x16x30xf32>) outs(%dw : memref<48x32x3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  return
}
}

// -----

#x = affine_map<(n, o, h, w, c, i, j) -> (n, c, h + i, w + j)>
#w = affine_map<(n, o, h, w, c, i, j) -> (o, c, i, j)>
#y = affine_map<(n, o, h, w, c, i, j) -> (n, o, h, w)>

// A copy with zeros around it that several such ops read is not made, and one that another op reads stays.
// CHECK-LABEL: func.func @shared
// CHECK-SAME: (%[[X:.*]]: memref<1x32x16x30xf32>
// CHECK-NOT: memref.copy
// CHECK: vector.maskedload %[[X]]
// CHECK: vector.maskedload %[[X]]
// CHECK-LABEL: func.func @read_elsewhere
// CHECK-SAME: (%[[X:.*]]: memref<1x32x16x30xf32>
// CHECK: memref.copy %[[X]]
// CHECK: vector.maskedload %[[X]]
// CHECK: linalg.generic {{.*}}"reduction", "reduction", "reduction"]} ins(%{{.*}} : memref<1x32x18x32xf32>
module attributes {dl.target = {cpu = "skylake-avx512"}} {
func.func @shared(%x: memref<1x32x16x30xf32>, %w: memref<48x32x3x3xf32>, %w2: memref<64x32x3x3xf32>, %y: memref<1x48x16x30xf32>, %y2: memref<1x64x16x30xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc() : memref<1x32x18x32xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<1x32x18x32xf32>)
  %v = memref.subview %p[0, 0, 1, 1] [1, 32, 16, 30] [1, 1, 1, 1] : memref<1x32x18x32xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  memref.copy %x, %v : memref<1x32x16x30xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  linalg.fill ins(%zero : f32) outs(%y : memref<1x48x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p, %w : memref<1x32x18x32xf32>, memref<48x32x3x3xf32>) outs(%y : memref<1x48x16x30xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %q = arith.addf %s, %m : f32
    linalg.yield %q : f32
  }
  linalg.fill ins(%zero : f32) outs(%y2 : memref<1x64x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p, %w2 : memref<1x32x18x32xf32>, memref<64x32x3x3xf32>) outs(%y2 : memref<1x64x16x30xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %q = arith.addf %s, %m : f32
    linalg.yield %q : f32
  }
  return
}
func.func @read_elsewhere(%x: memref<1x32x16x30xf32>, %w: memref<48x32x3x3xf32>, %w2: memref<4x32x3x3xf32>, %y: memref<1x48x16x30xf32>, %y2: memref<1x4x16x30xf32>) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc() : memref<1x32x18x32xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<1x32x18x32xf32>)
  %v = memref.subview %p[0, 0, 1, 1] [1, 32, 16, 30] [1, 1, 1, 1] : memref<1x32x18x32xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  memref.copy %x, %v : memref<1x32x16x30xf32> to memref<1x32x16x30xf32, strided<[18432, 576, 32, 1], offset: 33>>
  linalg.fill ins(%zero : f32) outs(%y : memref<1x48x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p, %w : memref<1x32x18x32xf32>, memref<48x32x3x3xf32>) outs(%y : memref<1x48x16x30xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %q = arith.addf %s, %m : f32
    linalg.yield %q : f32
  }
  linalg.fill ins(%zero : f32) outs(%y2 : memref<1x4x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p, %w2 : memref<1x32x18x32xf32>, memref<4x32x3x3xf32>) outs(%y2 : memref<1x4x16x30xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %q = arith.addf %s, %m : f32
    linalg.yield %q : f32
  }
  return
}
}

// -----

#x = affine_map<(n, o, h, w, c, i, j) -> (n, c, h + i, w + j)>
#w = affine_map<(n, o, h, w, c, i, j) -> (o, c, i, j)>
#y = affine_map<(n, o, h, w, c, i, j) -> (n, o, h, w)>
#id = affine_map<(n, o, h, w) -> (n, o, h, w)>
#bias = affine_map<(n, o, h, w) -> (o)>

// A bias and an activation go through two rows of a filter's results when they are made, in the memory of the last result.
// CHECK-LABEL: func.func @finished
// CHECK-SAME: %[[B:[a-z0-9]*]]: memref<48xf32>, %[[Y:[a-z0-9]*]]: memref<?x48x16x30xf32>)
// CHECK: vector.maskedstore %[[Y]]
// CHECK: %[[ROWS:.*]] = memref.reinterpret_cast %[[Y]] to offset: [%{{.*}}], sizes: [%{{.*}}, 30], strides: [30, 1]
// CHECK: %[[BIAS:.*]] = memref.reinterpret_cast %[[B]]
// CHECK: linalg.generic
// CHECK-SAME: ins(%[[ROWS]], %[[BIAS]] :
// CHECK-SAME: outs(%[[ROWS]] :
// CHECK: arith.addf
// CHECK-NEXT: arith.maximumf
// CHECK: dl.parallel = true
// CHECK-NOT: linalg.generic
// CHECK: return
module attributes {dl.target = {cpu = "skylake-avx512"}} {
func.func @finished(%x: memref<?x32x18x32xf32>, %w: memref<48x32x3x3xf32>, %b: memref<48xf32>, %y: memref<?x48x16x30xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %images = memref.dim %x, %c0 : memref<?x32x18x32xf32>
  %sums = memref.alloc(%images) : memref<?x48x16x30xf32>
  linalg.fill ins(%zero : f32) outs(%sums : memref<?x48x16x30xf32>)
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<?x32x18x32xf32>, memref<48x32x3x3xf32>) outs(%sums : memref<?x48x16x30xf32>) {
  ^bb0(%a: f32, %b_: f32, %s: f32):
    %p = arith.mulf %a, %b_ : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  linalg.generic {indexing_maps = [#id, #bias, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%sums, %b : memref<?x48x16x30xf32>, memref<48xf32>) outs(%y : memref<?x48x16x30xf32>) {
  ^bb0(%s: f32, %l: f32, %o: f32):
    %p = arith.addf %s, %l : f32
    %q = arith.maximumf %p, %zero : f32
    linalg.yield %q : f32
  }
  return
}
}
