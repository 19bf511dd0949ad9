// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(unshare-destinations))' | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @f
// CHECK:         %[[E1:.*]] = tensor.empty
// CHECK:         %[[Z1:.*]] = linalg.fill {{.*}} outs(%[[E1]] :
// CHECK:         linalg.generic {{.*}} outs(%[[Z1]] :
// CHECK:         %[[E2:.*]] = tensor.empty
// CHECK:         %[[Z2:.*]] = linalg.fill {{.*}} outs(%[[E2]] :
// CHECK:         linalg.generic {{.*}} outs(%[[Z2]] :
func.func @f(%n: index, %x: tensor<?xf32>, %y: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%u: f32, %o: f32):
    %0 = arith.addf %u, %o : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%y : tensor<?xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%u: f32, %o: f32):
    %0 = arith.addf %u, %o : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  return %a, %b : tensor<?xf32>, tensor<?xf32>
}

// A fill that is read stays as it is for the reader.
// CHECK-LABEL: func.func @read
// CHECK:         %[[Z:.*]] = linalg.fill
// CHECK:         %[[Z1:.*]] = linalg.fill
// CHECK:         linalg.generic {{.*}} outs(%[[Z1]] :
// CHECK:         return %[[Z]]
func.func @read(%n: index, %x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%n) : tensor<?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%z : tensor<?xf32>) {
  ^bb0(%u: f32, %o: f32):
    %0 = arith.addf %u, %o : f32
    linalg.yield %0 : f32
  } -> tensor<?xf32>
  return %z, %a : tensor<?xf32>, tensor<?xf32>
}
