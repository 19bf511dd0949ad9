// dl.reshape: the same elements in row-major order in another shape.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @matrix([1, 2, 3, 4, 5, 6]) == [[1, 2, 3], [4, 5, 6]]
// EVAL: @flat(2, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
// EVAL: @flat(0, []) == []
// EVAL: @one([[5]]) == 5
// GRADCHECK: @flat(3) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @matrix(
// CHECK: dl.reshape %{{.*}} sizes() : tensor<6xi8> -> tensor<2x3xi8>
// LOWER-LABEL: func.func @matrix(
// LOWER-NOT: dl.reshape
// LOWER: return
func.func @matrix(%x: tensor<6xi8>) -> tensor<2x3xi8> {
  %y = dl.reshape %x sizes() : tensor<6xi8> -> tensor<2x3xi8>
  return %y : tensor<2x3xi8>
}

func.func @flat(%n: index, %x: tensor<?x3xf64>) -> (tensor<?xf64> {dl.shape = ["3*d0"]}) {
  %c3 = arith.constant 3 : index
  %all = arith.muli %n, %c3 : index
  %y = dl.reshape %x sizes(%all) : tensor<?x3xf64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @one(%x: tensor<1x1xi32>) -> tensor<i32> {
  %y = dl.reshape %x sizes() : tensor<1x1xi32> -> tensor<i32>
  return %y : tensor<i32>
}

// -----

func.func @c1(%x: tensor<2x3xf32>) -> tensor<5xf32> {
  // expected-error @+1 {{C1: [2, 3] has 6 elements, [5] has 5}}
  %y = dl.reshape %x sizes() : tensor<2x3xf32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

func.func @c2(%x: tensor<2x3xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{C2: 1 sizes expected, 0 given}}
  %y = dl.reshape %x sizes() : tensor<2x3xf32> -> tensor<?xf32>
  return %y : tensor<?xf32>
}
