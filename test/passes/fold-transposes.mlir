// RUN: dlc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(fold-transposes,canonicalize))' | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(fold-transposes))'

#swap = affine_map<(a, b, i) -> (b, a, i)>
#same = affine_map<(a, b, i) -> (a, b, i)>
#x = affine_map<(n, o, i, c, k) -> (n, c, i + k)>
#w = affine_map<(n, o, i, c, k) -> (o, c, k)>
#y = affine_map<(n, o, i, c, k) -> (n, o, i)>

// Windows are read, and the result is written, as they lie.
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d0, d2 + d4)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d3, d4)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d0, d2)>
// CHECK-LABEL: func.func @conv
// CHECK-SAME: (%[[A:.*]]: tensor<4x2x9xf32>, %[[B:.*]]: tensor<8x4x3xf32>, %[[OUT:.*]]: tensor<8x2x7xf32>)
// CHECK: %[[ZEROS:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%[[OUT]] :
// CHECK-NEXT: linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]]
// CHECK-SAME: ins(%[[A]], %[[B]] : {{.*}}) outs(%[[ZEROS]] : {{.*}}) attrs = {dl.contraction}
// CHECK-NOT: linalg.generic
func.func @conv(%x: tensor<4x2x9xf32>, %w: tensor<8x4x3xf32>, %out: tensor<8x2x7xf32>) -> tensor<8x2x7xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x9xf32>
  %t = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<4x2x9xf32>) outs(%e : tensor<2x4x9xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<2x4x9xf32>
  %d = tensor.empty() : tensor<2x8x7xf32>
  %z = linalg.fill ins(%zero : f32) outs(%d : tensor<2x8x7xf32>) -> tensor<2x8x7xf32>
  %y = linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%t, %w : tensor<2x4x9xf32>, tensor<8x4x3xf32>) outs(%z : tensor<2x8x7xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %s, %p : f32
    linalg.yield %q : f32
  } -> tensor<2x8x7xf32>
  %r = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y : tensor<2x8x7xf32>) outs(%out : tensor<8x2x7xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<8x2x7xf32>
  return %r : tensor<8x2x7xf32>
}

// -----

#swap = affine_map<(a, b) -> (b, a)>
#same = affine_map<(a, b) -> (a, b)>
#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>

// The innermost axis stays the innermost: these transpositions stay.
// CHECK-LABEL: func.func @innermost
// CHECK-COUNT-3: linalg.generic
func.func @innermost(%x: tensor<4x2xf32>, %w: tensor<4x5xf32>, %out: tensor<5x2xf32>) -> tensor<5x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %t = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x2xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%p: f32, %q: f32):
    linalg.yield %p : f32
  } -> tensor<2x4xf32>
  %d = tensor.empty() : tensor<2x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%d : tensor<2x5xf32>) -> tensor<2x5xf32>
  %y = linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%t, %w : tensor<2x4xf32>, tensor<4x5xf32>) outs(%z : tensor<2x5xf32>) {
  ^bb0(%p: f32, %q: f32, %s: f32):
    %m = arith.mulf %p, %q : f32
    %n = arith.addf %s, %m : f32
    linalg.yield %n : f32
  } -> tensor<2x5xf32>
  %r = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<2x5xf32>) outs(%out : tensor<5x2xf32>) {
  ^bb0(%p: f32, %q: f32):
    linalg.yield %p : f32
  } -> tensor<5x2xf32>
  return %r : tensor<5x2xf32>
}

// -----

#swap = affine_map<(a, b, i) -> (b, a, i)>
#same = affine_map<(a, b, i) -> (a, b, i)>
#x = affine_map<(n, o, i, c, k) -> (n, c, i + k)>
#w = affine_map<(n, o, i, c, k) -> (o, c, k)>
#y = affine_map<(n, o, i, c, k) -> (n, o, i)>

// Where it is asked for, both are told, with the bytes that the transposed arrays would take to write and to read.
// CHECK-LABEL: func.func @told
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT:     linalg.generic
module attributes {dl.remarks = {}} {
  func.func @told(%x: tensor<4x2x9xf32>, %w: tensor<8x4x3xf32>, %out: tensor<8x2x7xf32>) -> tensor<8x2x7xf32> {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x4x9xf32>
    // expected-note @+1 {{with this}}
    %t = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%x : tensor<4x2x9xf32>) outs(%e : tensor<2x4x9xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
    } -> tensor<2x4x9xf32>
    %d = tensor.empty() : tensor<2x8x7xf32>
    %z = linalg.fill ins(%zero : f32) outs(%d : tensor<2x8x7xf32>) -> tensor<2x8x7xf32>
    // expected-remark @+2 {{DL1101 reads or writes what is transposed as it lies: 576 bytes less are written and read}}
    // expected-remark @+1 {{DL1101 reads or writes what is transposed as it lies: 896 bytes less are written and read}}
    %y = linalg.generic {dl.contraction, indexing_maps = [#x, #w, #y],
        iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
        ins(%t, %w : tensor<2x4x9xf32>, tensor<8x4x3xf32>) outs(%z : tensor<2x8x7xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %s, %p : f32
      linalg.yield %q : f32
    } -> tensor<2x8x7xf32>
    // expected-note @+1 {{with this}}
    %r = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%y : tensor<2x8x7xf32>) outs(%out : tensor<8x2x7xf32>) {
    ^bb0(%a: f32, %b: f32):
      linalg.yield %a : f32
    } -> tensor<8x2x7xf32>
    return %r : tensor<8x2x7xf32>
  }
}

// -----

#swap = affine_map<(a, b) -> (b, a)>
#same = affine_map<(a, b) -> (a, b)>
#a = affine_map<(i, j, k) -> (i, k)>
#b = affine_map<(i, j, k) -> (k, j)>
#c = affine_map<(i, j, k) -> (i, j)>

// Nothing is told of those that stay.
// CHECK-LABEL: func.func @untold
// CHECK-COUNT-3: linalg.generic
module attributes {dl.remarks = {}} {
  func.func @untold(%x: tensor<4x2xf32>, %w: tensor<4x5xf32>, %out: tensor<5x2xf32>) -> tensor<5x2xf32> {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x4xf32>
    %t = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<4x2xf32>) outs(%e : tensor<2x4xf32>) {
    ^bb0(%p: f32, %q: f32):
      linalg.yield %p : f32
    } -> tensor<2x4xf32>
    %d = tensor.empty() : tensor<2x5xf32>
    %z = linalg.fill ins(%zero : f32) outs(%d : tensor<2x5xf32>) -> tensor<2x5xf32>
    %y = linalg.generic {dl.contraction, indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%t, %w : tensor<2x4xf32>, tensor<4x5xf32>) outs(%z : tensor<2x5xf32>) {
    ^bb0(%p: f32, %q: f32, %s: f32):
      %m = arith.mulf %p, %q : f32
      %n = arith.addf %s, %m : f32
      linalg.yield %n : f32
    } -> tensor<2x5xf32>
    %r = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel"]}
        ins(%y : tensor<2x5xf32>) outs(%out : tensor<5x2xf32>) {
    ^bb0(%p: f32, %q: f32):
      linalg.yield %p : f32
    } -> tensor<5x2xf32>
    return %r : tensor<5x2xf32>
  }
}
