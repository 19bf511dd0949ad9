// dl.broadcast: x repeated along new axes.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rows([1.0, 2.0]) == [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]
// EVAL: @columns(2, 3, [1.0, 2.0]) == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
// EVAL: @columns(2, 0, [1.0, 2.0]) == [[], []]
// EVAL: @scalar(3, true) == [true, true, true]
// GRADCHECK: @columns(3, 4) domain=(-2,2) tol=1e-6
// GRADCHECK: @fill(4) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @rows(
// CHECK: dl.broadcast %{{.*}} axes [1] sizes() : tensor<2xf32> -> tensor<3x2xf32>
// LOWER-LABEL: func.func @rows(
// LOWER-NOT: dl.broadcast
// LOWER: return
func.func @rows(%x: tensor<2xf32>) -> tensor<3x2xf32> {
  %y = dl.broadcast %x axes [1] sizes() : tensor<2xf32> -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

func.func @columns(%m: index, %n: index, %x: tensor<?xf64> {dl.shape = ["m"]})
    -> (tensor<?x?xf64> {dl.shape = ["m", "n"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.broadcast %x axes [0] sizes(%m, %n) : tensor<?xf64> -> tensor<?x?xf64>
  return %y : tensor<?x?xf64>
}

func.func @scalar(%n: index, %x: tensor<i1>) -> tensor<?xi1> {
  %y = dl.broadcast %x axes [] sizes(%n) : tensor<i1> -> tensor<?xi1>
  return %y : tensor<?xi1>
}

func.func @fill(%n: index, %x: tensor<f64>) -> tensor<?x2xf64> {
  %y = dl.broadcast %x axes [] sizes(%n) : tensor<f64> -> tensor<?x2xf64>
  return %y : tensor<?x2xf64>
}

// -----

func.func @c1_count(%x: tensor<2xf32>) -> tensor<3x2xf32> {
  // expected-error @+1 {{C1: 1 axes expected, 0 given}}
  %y = dl.broadcast %x axes [] sizes() : tensor<2xf32> -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

func.func @c1_order(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  // expected-error @+1 {{C1: axes [1, 0] are not ascending}}
  %y = dl.broadcast %x axes [1, 0] sizes() : tensor<2x3xf32> -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

func.func @c2(%x: tensor<1xf32>) -> tensor<3x2xf32> {
  // expected-error @+1 {{C2: shape should be [3, 1], is [3, 2]}}
  %y = dl.broadcast %x axes [1] sizes() : tensor<1xf32> -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

func.func @c3(%x: tensor<2xf32>) -> tensor<?x2xf32> {
  // expected-error @+1 {{C3: 1 sizes expected, 0 given}}
  %y = dl.broadcast %x axes [1] sizes() : tensor<2xf32> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
