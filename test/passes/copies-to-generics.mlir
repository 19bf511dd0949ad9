// RUN: dlc-opt %s --copies-to-generics | FileCheck %s

// CHECK-LABEL: func.func @strided
// CHECK-SAME:    (%[[X:.*]]: memref<?x3xf32, strided<[4, 1]>>, %[[Y:.*]]: memref<?x3xf32>)
// CHECK-NOT:     memref.copy
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[X]] : {{.*}}) outs(%[[Y]] :
// CHECK-NEXT:    ^bb0(%[[IN:[^:]*]]: f32
// CHECK-NEXT:      linalg.yield %[[IN]] : f32
func.func @strided(%x: memref<?x3xf32, strided<[4, 1]>>, %y: memref<?x3xf32>) {
  memref.copy %x, %y : memref<?x3xf32, strided<[4, 1]>> to memref<?x3xf32>
  return
}

// Nothing is left of a copy onto itself.
// CHECK-LABEL: func.func @onto_itself
// CHECK-NEXT:    return
func.func @onto_itself(%x: memref<f32>) {
  memref.copy %x, %x : memref<f32> to memref<f32>
  return
}
