// dl.reduce_window: reduction of each window of x.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --expand-derivatives --inline --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @sum([1, 2, 3, 4]) == [3, 5, 7]
// EVAL: @max([[1.0, 5.0, nan, 2.0], [3.0, 4.0, -inf, 0.0]]) == [[5.0, nan]]
// EVAL: @max([[-inf, -inf, -1.0, -2.0], [-inf, -inf, -3.0, -4.0]]) == [[-inf, -1.0]]
// EVAL: @min(2, [4, -2, 7, 1]) == [-2, -2]
// EVAL: @min(0, [4, -2]) == []
// EVAL: @prod([[2, 3, 5, 7, 11]]) == [[10, 55]]
// EVAL: @every([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) == [[1, 3], [7, 9]]
// EVAL: @first_of_ties([2.0, 2.0, 1.0, 2.0]) == [11.0, 0.0, 0.0, 100.0]
// GRADCHECK: @overlapping_sums(3, 2)
// GRADCHECK: @overlapping_sums(4, 2)
// GRADCHECK: @overlapping_greatest
// GRADCHECK: @least_of_rows
// GRADCHECK: @products tol=1e-5
// GRADCHECK: @second tol=1e-5

// CHECK-LABEL: func.func @sum(
// CHECK: dl.reduce_window "sum" %{{.*}} window [2] strides [1] dilations [1] sizes() : tensor<4xf32> -> tensor<3xf32>
// LOWER-DAG: #[[X:.*]] = affine_map<(d0, d1) -> (d0 + d1)>
// LOWER-LABEL: func.func @sum(
// LOWER: linalg.generic {indexing_maps = [#[[X]]
// LOWER-SAME: "parallel", "reduction"
// LOWER: arith.addf
func.func @sum(%x: tensor<4xf32>) -> tensor<3xf32> {
  %y = dl.reduce_window "sum" %x window [2] strides [1] dilations [1] sizes() : tensor<4xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

func.func @max(%x: tensor<2x4xf16>) -> tensor<1x2xf16> {
  %y = dl.reduce_window "max" %x window [2, 2] strides [2, 2] dilations [1, 1] sizes() : tensor<2x4xf16> -> tensor<1x2xf16>
  return %y : tensor<1x2xf16>
}

func.func @min(%n: index, %x: tensor<?xi8> {dl.shape = ["n + 2"]}) -> (tensor<?xi8> {dl.shape = ["n"]})
    attributes {dl.dims = ["n"]} {
  %y = dl.reduce_window "min" %x window [3] strides [1] dilations [1] sizes(%n) : tensor<?xi8> -> tensor<?xi8>
  return %y : tensor<?xi8>
}

func.func @prod(%x: tensor<1x5xui8>) -> tensor<1x2xui8> {
  %y = dl.reduce_window "prod" %x window [1, 2] strides [1, 2] dilations [1, 2] sizes() : tensor<1x5xui8> -> tensor<1x2xui8>
  return %y : tensor<1x2xui8>
}

// Windows of one element.
func.func @every(%x: tensor<3x3xi32>) -> tensor<2x2xi32> {
  %y = dl.reduce_window "sum" %x window [1, 1] strides [2, 2] dilations [1, 1] sizes() : tensor<3x3xi32> -> tensor<2x2xi32>
  return %y : tensor<2x2xi32>
}

func.func @overlapping_sums(%n: index, %m: index, %x: tensor<2x?x7xf64> {dl.shape = ["2", "n", "7"]})
    -> (tensor<2x?x2xf64> {dl.shape = ["2", "m", "2"]}) attributes {dl.dims = ["n", "m"]} {
  %y = dl.reduce_window "sum" %x window [1, 1, 3] strides [1, 2, 2] dilations [1, 1, 2] sizes(%m) : tensor<2x?x7xf64> -> tensor<2x?x2xf64>
  return %y : tensor<2x?x2xf64>
}

func.func @overlapping_greatest(%x: tensor<2x4x5xf64>) -> tensor<2x3x2xf64> {
  %y = dl.reduce_window "max" %x window [1, 2, 3] strides [1, 1, 2] dilations [1, 1, 1] sizes() : tensor<2x4x5xf64> -> tensor<2x3x2xf64>
  return %y : tensor<2x3x2xf64>
}

func.func @least_of_rows(%x: tensor<4x2xf64>) -> tensor<2x2xf64> {
  %y = dl.reduce_window "min" %x window [2, 1] strides [2, 1] dilations [1, 1] sizes() : tensor<4x2xf64> -> tensor<2x2xf64>
  return %y : tensor<2x2xf64>
}

func.func @products(%x: tensor<4x3xf64>) -> tensor<3x2xf64> {
  %y = dl.reduce_window "prod" %x window [2, 2] strides [1, 1] dilations [1, 1] sizes() : tensor<4x3xf64> -> tensor<3x2xf64>
  return %y : tensor<3x2xf64>
}

func.func @second(%x: tensor<4x3xf64>) -> tensor<4x3xf64> {
  %u = dl.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf64>
  %y = dl.vjp @products(%x, %u) wrt [0] : (tensor<4x3xf64>, tensor<3x2xf64>) -> tensor<4x3xf64>
  return %y : tensor<4x3xf64>
}

// The first of equal elements takes all.
func.func @first_of_ties(%x: tensor<4xf32>) -> tensor<4xf32> {
  %u = dl.constant dense<[11.0, 100.0]> : tensor<2xf32>
  %y = dl.vjp @pairs(%x, %u) wrt [0] : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func private @pairs(%x: tensor<4xf32>) -> tensor<2xf32> {
  %y = dl.reduce_window "max" %x window [2] strides [2] dilations [1] sizes() : tensor<4xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @c1_counts(%x: tensor<4x4xf32>) -> tensor<4x3xf32> {
  // expected-error @+1 {{C1: 2 numbers for the axes of windows expected, 1 given}}
  %y = dl.reduce_window "sum" %x window [2] strides [1, 1] dilations [1, 1] sizes() : tensor<4x4xf32> -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

func.func @c1_least(%x: tensor<4xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{C1: 0 is less than 1}}
  %y = dl.reduce_window "sum" %x window [0] strides [1] dilations [1] sizes() : tensor<4xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c2(%x: tensor<4xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{C2: unknown kind "mean"}}
  %y = dl.reduce_window "mean" %x window [2] strides [1] dilations [1] sizes() : tensor<4xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c3(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{C3: shape should be [3], is [4]}}
  %y = dl.reduce_window "sum" %x window [2] strides [1] dilations [1] sizes() : tensor<4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @c4(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{C4: 1 sizes expected, 0 given}}
  %y = dl.reduce_window "sum" %x window [2] strides [1] dilations [1] sizes() : tensor<?xf32> -> tensor<?xf32>
  return %y : tensor<?xf32>
}
