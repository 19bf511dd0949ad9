// Our passes and MLIR's in one textual pipeline, from dl to the llvm dialect.
// RUN: dlc-opt %s --pass-pipeline='builtin.module(inline,canonicalize,cse,symbol-dce,dl-to-linalg,canonicalize,cse,one-shot-bufferize{unknown-type-conversion=identity-layout-map},canonicalize,cse,func.func(forward-copies),plan-workspace,func.func(convert-linalg-to-loops),lower-affine,func.func(expand-math),emit-entry-points,expand-strided-metadata,arith-expand,convert-scf-to-cf,finalize-memref-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,convert-func-to-llvm,reconcile-unrealized-casts)' | FileCheck %s

// CHECK-NOT:   builtin.unrealized_conversion_cast
// CHECK-LABEL: llvm.func internal @m_f__impl(
// CHECK-NOT:   func.call
// CHECK:       llvm.fmul
// CHECK:       llvm.return
// CHECK-LABEL: llvm.func @m_f_workspace(
// CHECK-LABEL: llvm.func @m_f_packed(
// CHECK-LABEL: llvm.func @m_f(
module attributes {dl.stem = "m"} {
  func.func private @twice(%n: index, %x: tensor<?xf32>) -> tensor<?xf32> attributes {dl.dims = ["n"]} {
    %y = dl.add %x, %x : tensor<?xf32>
    return %y : tensor<?xf32>
  }
  func.func @f(%n: index, %x: tensor<?xf32> {dl.path = "x", dl.shape = ["n"]})
      -> (tensor<?xf32> {dl.path = "out", dl.shape = ["n"]})
      attributes {dl.entry = "m_f", dl.dims = ["n"], dl.ranges = [[0, -1]]} {
    %y = func.call @twice(%n, %x) : (index, tensor<?xf32>) -> tensor<?xf32>
    %z = dl.exp %y : tensor<?xf32>
    %w = dl.mul %z, %x : tensor<?xf32>
    return %w : tensor<?xf32>
  }
}
