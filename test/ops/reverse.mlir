// dl.reverse: x turned over along axes.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rows([[1, 2], [3, 4], [5, 6]]) == [[5, 6], [3, 4], [1, 2]]
// EVAL: @both(2, [[1.0, 2.0], [3.0, 4.0]]) == [[4.0, 3.0], [2.0, 1.0]]
// EVAL: @both(0, [[], []]) == [[], []]
// GRADCHECK: @both(3) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @rows(
// CHECK: dl.reverse %{{.*}} axes [0] : tensor<3x2xi32>
// LOWER-LABEL: func.func @rows(
// LOWER-NOT: dl.reverse
// LOWER: return
func.func @rows(%x: tensor<3x2xi32>) -> tensor<3x2xi32> {
  %y = dl.reverse %x axes [0] : tensor<3x2xi32>
  return %y : tensor<3x2xi32>
}

func.func @both(%n: index, %x: tensor<2x?xf64>) -> tensor<2x?xf64> {
  %y = dl.reverse %x axes [0, 1] : tensor<2x?xf64>
  return %y : tensor<2x?xf64>
}

// -----

func.func @c1_order(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{C1: axes [1, 0] are not ascending}}
  %y = dl.reverse %x axes [1, 0] : tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

func.func @c1_range(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{C1: axis 2 is outside rank 2}}
  %y = dl.reverse %x axes [2] : tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
