// RUN: dlc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(view-windows,canonicalize))' | FileCheck %s

#x = affine_map<(n, o, i, j, c, k, l) -> (n, c, i * 2 + k, j + l * 3)>
#w = affine_map<(n, o, i, j, c, k, l) -> (o, c, k, l)>
#y = affine_map<(n, o, i, j, c, k, l) -> (n, o, i, j)>

// Loops within windows come first; the axes of the result stay in order.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d5, d6, d0, d4, d2, d3)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>
// CHECK-LABEL: func.func @conv
// CHECK: %[[V:.*]] = memref.reinterpret_cast %arg0 to offset: [0], sizes: [3, 2, 1, 4, 4, 6], strides: [9, 3, 324, 81, 18, 1]
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[W]], #{{[a-z0-9]+}}]
// CHECK-SAME: ins(%[[V]], %arg1 :
// CHECK-SAME: dl.windows
func.func @conv(%x: memref<1x4x9x9xf32>, %w: memref<8x4x3x2xf32>, %y: memref<1x8x4x6xf32>) {
  linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : memref<1x4x9x9xf32>, memref<8x4x3x2xf32>) outs(%y : memref<1x8x4x6xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  }
  return
}

// -----

#x = affine_map<(i, k) -> (i + k)>
#k = affine_map<(i, k) -> (k)>
#y = affine_map<(i, k) -> (i)>

// Sizes that are not known come from the operands that a loop walks alone.
// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: (%[[A:.*]]: memref<?xf32>, %[[K:.*]]: memref<3xi8>, %[[Y:.*]]: memref<?xf32>)
// CHECK: %[[N:.*]] = memref.dim %[[Y]]
// CHECK: memref.reinterpret_cast %[[A]] to offset: [0], sizes: [3, %[[N]]], strides: [1, 1]
func.func @dynamic(%x: memref<?xf32>, %k: memref<3xi8>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#x, #k, #y], iterator_types = ["parallel", "reduction"]}
      ins(%x, %k : memref<?xf32>, memref<3xi8>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %b: i8, %s: f32):
    %m = arith.maximumf %a, %s : f32
    linalg.yield %m : f32
  }
  return
}

// -----

#x = affine_map<(i, j) -> (j, i)>
#y = affine_map<(i, j) -> (i, j)>

// CHECK-LABEL: func.func @selected
// CHECK-NOT: memref.reinterpret_cast
// CHECK-NOT: dl.windows
// CHECK: return
func.func @selected(%x: memref<4x5xf32>, %y: memref<5x4xf32>) {
  linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x5xf32>) outs(%y : memref<5x4xf32>) {
  ^bb0(%a: f32, %s: f32):
    linalg.yield %a : f32
  }
  return
}
