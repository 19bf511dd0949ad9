// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(remove-barriers))' | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// In loops too; what waits for the barrier is as it was.
// CHECK-LABEL: func.func @f
// CHECK-NOT:     dl.optimization_barrier
// CHECK:         scf.for {{.*}} iter_args(%[[A:.*]] = %arg1)
// CHECK:           linalg.generic {{.*}} ins(%[[A]] : tensor<?xf32>)
// CHECK-NOT:     dl.optimization_barrier
func.func @f(%n: index, %x: tensor<?xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %start = dl.optimization_barrier %x after %e : tensor<?xf32>, tensor<?xf32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%a = %start) -> (tensor<?xf32>) {
    %again = dl.optimization_barrier %a after %a : tensor<?xf32>, tensor<?xf32>
    %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%again : tensor<?xf32>) outs(%e : tensor<?xf32>) {
    ^bb0(%u: f32, %o: f32):
      %0 = arith.mulf %u, %u : f32
      linalg.yield %0 : f32
    } -> tensor<?xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}
