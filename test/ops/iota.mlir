// dl.iota: each element is its own position along an axis.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rows() == [[0, 0, 0], [1, 1, 1]]
// EVAL: @columns(2) == [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]
// EVAL: @columns(0) == []
// EVAL: @line(4) == [0, 1, 2, 3]

// CHECK-LABEL: func.func @rows(
// CHECK: dl.iota axis 0 sizes() : tensor<2x3xi32>
// LOWER-LABEL: func.func @rows(
// LOWER: linalg.index
func.func @rows() -> tensor<2x3xi32> {
  %y = dl.iota axis 0 sizes() : tensor<2x3xi32>
  return %y : tensor<2x3xi32>
}

func.func @columns(%n: index) -> tensor<?x3xf32> {
  %y = dl.iota axis 1 sizes(%n) : tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

func.func @line(%n: index) -> tensor<?xui8> {
  %y = dl.iota axis 0 sizes(%n) : tensor<?xui8>
  return %y : tensor<?xui8>
}

// -----

func.func @c1() -> tensor<2xi32> {
  // expected-error @+1 {{C1: axis 1 is outside rank 1}}
  %y = dl.iota axis 1 sizes() : tensor<2xi32>
  return %y : tensor<2xi32>
}

// -----

func.func @c2(%n: index) -> tensor<2xi32> {
  // expected-error @+1 {{C2: 0 sizes expected, 1 given}}
  %y = dl.iota axis 0 sizes(%n) : tensor<2xi32>
  return %y : tensor<2xi32>
}
