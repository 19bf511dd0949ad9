// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(view-expansions))' | FileCheck %s
// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(view-expansions),expand-strided-metadata)' | FileCheck %s --check-prefix=GONE

// GONE-NOT: memref.expand_shape

// CHECK-LABEL: func.func @two_unknown
// CHECK:         %[[M:.*]] = arith.muli %{{.*}}, %arg2
// CHECK:         memref.reinterpret_cast %arg0 to offset: [0], sizes: [2, %arg1, %arg2], strides: [%{{.*}}, %[[M]], 1]
func.func @two_unknown(%x: memref<2x?xf32>, %n: index, %m: index, %i: index) -> f32 {
  %y = memref.expand_shape %x [[0], [1, 2]] output_shape [2, %n, %m] : memref<2x?xf32> into memref<2x?x?xf32>
  %v = memref.load %y[%i, %i, %i] : memref<2x?x?xf32>
  return %v : f32
}

// Of one unknown size MLIR makes a view itself.
// CHECK-LABEL: func.func @one_unknown
// CHECK:         memref.expand_shape
func.func @one_unknown(%x: memref<?xf32>, %n: index, %i: index) -> f32 {
  %y = memref.expand_shape %x [[0, 1]] output_shape [%n, 4] : memref<?xf32> into memref<?x4xf32>
  %v = memref.load %y[%i, %i] : memref<?x4xf32>
  return %v : f32
}

// Of a part of something larger.
// CHECK-LABEL: func.func @strided
// CHECK:         memref.reinterpret_cast %arg0 to offset: [%{{.*}}], sizes: [%arg1, %arg2], strides: [%{{.*}}, 3]
func.func @strided(%x: memref<?xf32, strided<[3], offset: ?>>, %n: index, %m: index, %i: index) -> f32 {
  %y = memref.expand_shape %x [[0, 1]] output_shape [%n, %m] : memref<?xf32, strided<[3], offset: ?>> into memref<?x?xf32, strided<[?, 3], offset: ?>>
  %v = memref.load %y[%i, %i] : memref<?x?xf32, strided<[?, 3], offset: ?>>
  return %v : f32
}
