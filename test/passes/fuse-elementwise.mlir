// RUN: dlc-opt %s --split-input-file --dl-to-linalg --fuse-elementwise | FileCheck %s

// A chain with broadcasts is one op, and writes straight to where the result goes.
// CHECK-LABEL: func.func private @chain__impl(
// CHECK-COUNT-1: linalg.generic
// CHECK:           arith.addf
// CHECK:           math.tanh
// CHECK:           arith.mulf
// CHECK-NOT:     linalg.generic
func.func @chain(%B: index, %x: tensor<?x8xf32> {dl.path = "x", dl.shape = ["B", "8"]}, %b: tensor<8xf32> {dl.path = "b", dl.shape = ["8"]}, %s: tensor<f32> {dl.path = "s", dl.shape = []})
    -> (tensor<?x8xf32> {dl.path = "out", dl.shape = ["B", "8"]}) attributes {dl.dims = ["B"], dl.entry = "chain"} {
  %bb = dl.broadcast %b axes [1] sizes(%B) : tensor<8xf32> -> tensor<?x8xf32>
  %1 = dl.add %x, %bb : tensor<?x8xf32>
  %2 = dl.tanh %1 : tensor<?x8xf32>
  %sb = dl.broadcast %s axes [] sizes(%B) : tensor<f32> -> tensor<?x8xf32>
  %3 = dl.mul %2, %sb : tensor<?x8xf32>
  return %3 : tensor<?x8xf32>
}

// -----

// An update of three arrays in place is one op with three results.
// CHECK-LABEL: func.func private @adam__impl(
// CHECK-DAG:     %[[P:.*]] = bufferization.to_tensor %arg0 restrict writable
// CHECK-DAG:     %[[M:.*]] = bufferization.to_tensor %arg1 restrict writable
// CHECK-DAG:     %[[V:.*]] = bufferization.to_tensor %arg2 restrict writable
// CHECK:         linalg.generic {{.*}} outs(%[[P]], %[[M]], %[[V]] :
// CHECK-NOT:     linalg.generic
func.func @adam(%p: tensor<96xf32> {dl.path = "p", dl.shape = ["96"], dl.inout}, %m: tensor<96xf32> {dl.path = "m", dl.shape = ["96"], dl.inout},
                %v: tensor<96xf32> {dl.path = "v", dl.shape = ["96"], dl.inout}, %g: tensor<96xf32> {dl.path = "g", dl.shape = ["96"]})
    -> (tensor<96xf32> {dl.path = "p", dl.shape = ["96"]}, tensor<96xf32> {dl.path = "m", dl.shape = ["96"]}, tensor<96xf32> {dl.path = "v", dl.shape = ["96"]})
    attributes {dl.dims = [], dl.entry = "adam"} {
  %m1 = dl.add %m, %g : tensor<96xf32>
  %gg = dl.mul %g, %g : tensor<96xf32>
  %v1 = dl.add %v, %gg : tensor<96xf32>
  %s = dl.sqrt %v1 : tensor<96xf32>
  %q = dl.div %m1, %s : tensor<96xf32>
  %p1 = dl.sub %p, %q : tensor<96xf32>
  return %p1, %m1, %v1 : tensor<96xf32>, tensor<96xf32>, tensor<96xf32>
}

// -----

// A reduction takes in what makes its input, also if that is needed again; costly work is not repeated for each row.
// CHECK-LABEL: func.func @softmax(
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK:           arith.maximumf
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK:           math.exp
// CHECK:           arith.addf
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK:           arith.divf
func.func @softmax(%n: index, %x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %m = dl.reduce "max" %x axes [1] : tensor<?x8xf32> -> tensor<?xf32>
  %mb = dl.broadcast %m axes [0] sizes(%n) : tensor<?xf32> -> tensor<?x8xf32>
  %d = dl.sub %x, %mb : tensor<?x8xf32>
  %e = dl.exp %d : tensor<?x8xf32>
  %s = dl.reduce "sum" %e axes [1] : tensor<?x8xf32> -> tensor<?xf32>
  %sb = dl.broadcast %s axes [0] sizes(%n) : tensor<?xf32> -> tensor<?x8xf32>
  %y = dl.div %e, %sb : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
// CHECK-LABEL: func.func @costly(
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel"]
// CHECK:           math.exp
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK-NOT:       math.exp
// CHECK:           arith.mulf
func.func @costly(%n: index, %x: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %e = dl.exp %b : tensor<8xf32>
  %eb = dl.broadcast %e axes [1] sizes(%n) : tensor<8xf32> -> tensor<?x8xf32>
  %y = dl.mul %x, %eb : tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A contraction reads transposed operands by its maps, and takes in nothing else.
// CHECK-DAG: #[[AT:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-LABEL: func.func @product(
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK:         linalg.generic {indexing_maps = [#[[AT]], {{.*}}dl.contraction
func.func @product(%a: tensor<4x3xf32>, %b: tensor<4x5xf32>) -> tensor<3x5xf32> {
  %t = dl.transpose %a [1, 0] : tensor<4x3xf32> -> tensor<3x4xf32>
  %e = dl.exp %b : tensor<4x5xf32>
  %y = dl.dot_general %t, %e batch [] x [] contract [1] x [0] : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// -----

// A broadcast that alone says how far a loop of a reduction goes stays an operand.
// CHECK-LABEL: func.func @bounds(
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK:         linalg.generic {{.*}}iterator_types = ["reduction", "reduction"]
func.func @bounds(%b: tensor<3xf32>) -> tensor<f32> {
  %w = dl.broadcast %b axes [0] sizes() : tensor<3xf32> -> tensor<3x4xf32>
  %y = dl.reduce "sum" %w axes [0, 1] : tensor<3x4xf32> -> tensor<f32>
  return %y : tensor<f32>
}
