// RUN: dlc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(fold-casts,canonicalize))' | FileCheck %s

#swap = affine_map<(b, h, i) -> (h, b, i)>
#same = affine_map<(b, h, i) -> (b, h, i)>
#a = affine_map<(b, i, j, k) -> (b, i, k)>
#b = affine_map<(b, i, j, k) -> (b, k, j)>
#c = affine_map<(b, i, j, k) -> (b, i, j)>

// Both inputs are read as they are stored, one of them turned, and each is widened as it was.
// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d3)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// CHECK-LABEL: func.func @both
// CHECK-SAME: (%[[X:.*]]: tensor<4x2x9xi8>, %[[W:.*]]: tensor<2x9x5xi8>,
// CHECK-NOT: linalg.generic {{.*}}extsi
// CHECK: linalg.generic {indexing_maps = [#[[A]], #[[B]],
// CHECK-SAME: ins(%[[X]], %[[W]] : {{.*}}) outs({{.*}}) attrs = {dl.contraction}
// CHECK-NEXT: ^bb0(%[[L:.*]]: i8, %[[R:.*]]: i8, %[[S:.*]]: i32):
// CHECK-NEXT: %[[WL:.*]] = arith.extsi %[[L]] : i8 to i32
// CHECK-NEXT: %[[WR:.*]] = arith.extui %[[R]] : i8 to i32
// CHECK-NEXT: %[[P:.*]] = arith.muli %[[WL]], %[[WR]] : i32
// CHECK-NEXT: arith.addi %[[S]], %[[P]] : i32
// CHECK-NOT: linalg.generic
func.func @both(%x: tensor<4x2x9xi8>, %w: tensor<2x9x5xi8>, %out: tensor<2x4x5xi32>) -> tensor<2x4x5xi32> {
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x4x9xi32>
  %f = tensor.empty() : tensor<2x9x5xi32>
  %l = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x2x9xi8>) outs(%e : tensor<2x4x9xi32>) {
  ^bb0(%v: i8, %o: i32):
    %i = arith.extsi %v : i8 to i32
    linalg.yield %i : i32
  } -> tensor<2x4x9xi32>
  %r = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w : tensor<2x9x5xi8>) outs(%f : tensor<2x9x5xi32>) {
  ^bb0(%v: i8, %o: i32):
    %i = arith.extui %v : i8 to i32
    linalg.yield %i : i32
  } -> tensor<2x9x5xi32>
  %z = linalg.fill ins(%zero : i32) outs(%out : tensor<2x4x5xi32>) -> tensor<2x4x5xi32>
  %y = linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%l, %r : tensor<2x4x9xi32>, tensor<2x9x5xi32>) outs(%z : tensor<2x4x5xi32>) {
  ^bb0(%u: i32, %v: i32, %s: i32):
    %p = arith.muli %u, %v : i32
    %q = arith.addi %s, %p : i32
    linalg.yield %q : i32
  } -> tensor<2x4x5xi32>
  return %y : tensor<2x4x5xi32>
}

// -----

#same = affine_map<(a, b) -> (a, b)>
#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>

// What is stored in more bits is read as it was; what others read is made for them, and read as it is stored here.
// CHECK-LABEL: func.func @kept
// CHECK-SAME: (%[[X:.*]]: tensor<4x2xf64>, %[[W:.*]]: tensor<2x5xbf16>,
// CHECK: %[[L:.*]] = linalg.generic {{.*}} ins(%[[X]] :
// CHECK: arith.truncf
// CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%[[W]] :
// CHECK: linalg.generic {{.*}} ins(%[[L]], %[[W]] : tensor<4x2xf32>, tensor<2x5xbf16>)
// CHECK: return %{{.*}}, %[[R]]
func.func @kept(%x: tensor<4x2xf64>, %w: tensor<2x5xbf16>, %out: tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<2x5xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x2xf32>
  %f = tensor.empty() : tensor<2x5xf32>
  %l = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x2xf64>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%v: f64, %o: f32):
    %i = arith.truncf %v : f64 to f32
    linalg.yield %i : f32
  } -> tensor<4x2xf32>
  %r = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<2x5xbf16>) outs(%f : tensor<2x5xf32>) {
  ^bb0(%v: bf16, %o: f32):
    %i = arith.extf %v : bf16 to f32
    linalg.yield %i : f32
  } -> tensor<2x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%out : tensor<4x5xf32>) -> tensor<4x5xf32>
  %y = linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%l, %r : tensor<4x2xf32>, tensor<2x5xf32>) outs(%z : tensor<4x5xf32>) {
  ^bb0(%u: f32, %v: f32, %s: f32):
    %p = arith.mulf %u, %v : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<4x5xf32>
  return %y, %r : tensor<4x5xf32>, tensor<2x5xf32>
}
