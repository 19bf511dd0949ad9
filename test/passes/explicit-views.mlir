// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(explicit-views))' | FileCheck %s
// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(explicit-views),expand-strided-metadata)' | FileCheck %s --check-prefix=GONE

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

// Of the axes of size 1 the first stays and the third goes, which MLIR takes for the other way round.
// CHECK-LABEL: func.func @some_dropped
// CHECK:         %[[AT:.*]] = arith.muli %arg2, %{{.*}}
// CHECK:         memref.reinterpret_cast %arg0 to offset: [%{{.*}}], sizes: [1, %arg1, %arg1], strides: [%{{.*}}, %{{.*}}, 1]
// GONE-LABEL: func.func @some_dropped
// GONE-NOT: memref.subview
func.func @some_dropped(%x: memref<1x?x3x?xf32>, %n: index, %i: index) -> f32 {
  %y = memref.subview %x[0, 0, %i, 0] [1, %n, 1, %n] [1, 1, 1, 1] : memref<1x?x3x?xf32> to memref<1x?x?xf32, strided<[?, ?, 1], offset: ?>>
  %zero = arith.constant 0 : index
  %v = memref.load %y[%zero, %i, %i] : memref<1x?x?xf32, strided<[?, ?, 1], offset: ?>>
  return %v : f32
}

// Where all of them go MLIR makes the view itself.
// CHECK-LABEL: func.func @all_dropped
// CHECK:         memref.subview
func.func @all_dropped(%x: memref<4x?xf32>, %n: index, %i: index) -> f32 {
  %y = memref.subview %x[%i, 0] [1, %n] [1, 1] : memref<4x?xf32> to memref<?xf32, strided<[1], offset: ?>>
  %v = memref.load %y[%i] : memref<?xf32, strided<[1], offset: ?>>
  return %v : f32
}
