// dl.conv: sums of products of windows of x and w.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --expand-derivatives --inline --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @line([[[1, 2, 3, 4]]], [[[1, 10]], [[0, -1]]]) == [[[21, 32, 43], [-2, -3, -4]]]
// EVAL: @plane(1, [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]], [[[[1, 0], [0, 10]]]]) == [[[[51, 62], [84, 95]]]]
// EVAL: @plane(0, [], [[[[1, 0], [0, 10]]]]) == []
// EVAL: @steps([[[1, 2, 3, 4, 5, 6, 7]]], [[[1, 10]]]) == [[[31, 64]]]
// EVAL: @groups([[[1], [2], [3], [4]]], [[[1], [10]], [[100], [-128]]]) == [[[21], [44]]]
// EVAL: @no_channels() == [[[0, 0]]]
// EVAL: @rounded([[[1024.0, 1.0, -1024.0]]], [[[1.0, 0.5, 1.0]]]) == [[[0.5]]]
// EVAL: @special([[[1.0, inf, nan, 2.0]]], [[[0.0, 1.0]]]) == [[[inf, nan, nan]]]
// GRADCHECK: @grouped
// GRADCHECK: @of_dims(2, 6, 3)
// GRADCHECK: @of_dims(1, 7, 3)
// GRADCHECK: @of_dims(1, 2, 1)
// GRADCHECK: @second tol=1e-5

// EVAL: @in_bf16([[[1.00390625, 1.01171875]]], [[[1.0, 2.0]]]) == [[[3.03125]]]

// CHECK-LABEL: func.func @line(
// CHECK: dl.conv %{{.*}}, %{{.*}} strides [1] dilations [1] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x3xf32>
// LOWER-DAG: #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d2 + d4)>
// LOWER-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d3, d4)>
// LOWER-LABEL: func.func @line(
// LOWER: linalg.generic {indexing_maps = [#[[X]], #[[W]]
// LOWER-SAME: "parallel", "parallel", "parallel", "reduction", "reduction"
// LOWER-NOT: dl.conv
// LOWER: return
func.func @line(%x: tensor<1x1x4xf32>, %w: tensor<2x1x2xf32>) -> tensor<1x2x3xf32> {
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

func.func @in_bf16(%x: tensor<1x1x2xf32>, %w: tensor<1x1x2xf32>) -> tensor<1x1x1xf32> {
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() {precision = "bf16"} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x1x1xf32>
  return %y : tensor<1x1x1xf32>
}

func.func @plane(%n: index, %x: tensor<?x1x3x3xf64> {dl.shape = ["n", "1", "3", "3"]}, %w: tensor<1x1x2x2xf64>)
    -> (tensor<?x1x2x2xf64> {dl.shape = ["n", "1", "2", "2"]}) attributes {dl.dims = ["n"]} {
  %y = dl.conv %x, %w strides [1, 1] dilations [1, 1] groups 1 sizes(%n) : (tensor<?x1x3x3xf64>, tensor<1x1x2x2xf64>) -> tensor<?x1x2x2xf64>
  return %y : tensor<?x1x2x2xf64>
}

func.func @steps(%x: tensor<1x1x7xi32>, %w: tensor<1x1x2xi32>) -> tensor<1x1x2xi32> {
  %y = dl.conv %x, %w strides [3] dilations [2] groups 1 sizes() : (tensor<1x1x7xi32>, tensor<1x1x2xi32>) -> tensor<1x1x2xi32>
  return %y : tensor<1x1x2xi32>
}

func.func @groups(%x: tensor<1x4x1xi8>, %w: tensor<2x2x1xi8>) -> tensor<1x2x1xi8> {
  %y = dl.conv %x, %w strides [1] dilations [1] groups 2 sizes() : (tensor<1x4x1xi8>, tensor<2x2x1xi8>) -> tensor<1x2x1xi8>
  return %y : tensor<1x2x1xi8>
}

func.func @no_channels() -> tensor<1x1x2xf32> {
  %x = dl.constant dense<> : tensor<1x0x3xf32>
  %w = dl.constant dense<> : tensor<1x0x2xf32>
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<1x0x3xf32>, tensor<1x0x2xf32>) -> tensor<1x1x2xf32>
  return %y : tensor<1x1x2xf32>
}

// In bf16 alone, 1024 + 0.5 would be 1024.
func.func @rounded(%x: tensor<1x1x3xbf16>, %w: tensor<1x1x3xbf16>) -> tensor<1x1x1xbf16> {
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<1x1x3xbf16>, tensor<1x1x3xbf16>) -> tensor<1x1x1xbf16>
  return %y : tensor<1x1x1xbf16>
}

func.func @special(%x: tensor<1x1x4xf32>, %w: tensor<1x1x2xf32>) -> tensor<1x1x3xf32> {
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<1x1x2xf32>) -> tensor<1x1x3xf32>
  return %y : tensor<1x1x3xf32>
}

// Groups, a stride, a dilation, and an element of x that no window reaches.
func.func @grouped(%x: tensor<2x4x8xf64>, %w: tensor<6x2x3xf64>) -> tensor<2x6x2xf64> {
  %y = dl.conv %x, %w strides [2] dilations [2] groups 2 sizes() : (tensor<2x4x8xf64>, tensor<6x2x3xf64>) -> tensor<2x6x2xf64>
  return %y : tensor<2x6x2xf64>
}

// The number of windows is known at run time, and may be 0.
func.func @of_dims(%n: index, %h: index, %m: index, %x: tensor<?x2x?x5xf64> {dl.shape = ["n", "2", "h", "5"]}, %w: tensor<3x2x2x3xf64>)
    -> (tensor<?x3x?x1xf64> {dl.shape = ["n", "3", "m", "1"]}) attributes {dl.dims = ["n", "h", "m"]} {
  %y = dl.conv %x, %w strides [2, 1] dilations [1, 2] groups 1 sizes(%n, %m)
    : (tensor<?x2x?x5xf64>, tensor<3x2x2x3xf64>) -> tensor<?x3x?x1xf64>
  return %y : tensor<?x3x?x1xf64>
}

func.func @second(%x: tensor<1x4x6xf64>, %w: tensor<4x2x2xf64>, %u: tensor<1x4x3xf64>) -> tensor<1x4x6xf64> {
  %y:2 = dl.vjp @strided(%x, %w, %u) wrt [0, 1]
    : (tensor<1x4x6xf64>, tensor<4x2x2xf64>, tensor<1x4x3xf64>) -> (tensor<1x4x6xf64>, tensor<4x2x2xf64>)
  %s = dl.reduce "sum" %y#1 axes [0, 1, 2] : tensor<4x2x2xf64> -> tensor<f64>
  %b = dl.broadcast %s axes [] sizes() : tensor<f64> -> tensor<1x4x6xf64>
  %z = dl.mul %y#0, %b : tensor<1x4x6xf64>
  return %z : tensor<1x4x6xf64>
}

func.func private @strided(%x: tensor<1x4x6xf64>, %w: tensor<4x2x2xf64>) -> tensor<1x4x3xf64> {
  %y = dl.conv %x, %w strides [2] dilations [1] groups 2 sizes() : (tensor<1x4x6xf64>, tensor<4x2x2xf64>) -> tensor<1x4x3xf64>
  return %y : tensor<1x4x3xf64>
}

// -----

func.func @c1_ranks(%x: tensor<1x1x4xf32>, %w: tensor<2x1x2x2xf32>) -> tensor<1x2x3xf32> {
  // expected-error @+1 {{C1: ranks 3 and 4 should be equal and 3 or more}}
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// -----

func.func @c1_counts(%x: tensor<1x1x4xf32>, %w: tensor<2x1x2xf32>) -> tensor<1x2x3xf32> {
  // expected-error @+1 {{C1: 1 numbers for the axes of windows expected, 2 given}}
  %y = dl.conv %x, %w strides [1, 1] dilations [1] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// -----

func.func @c1_least(%x: tensor<1x1x4xf32>, %w: tensor<2x1x2xf32>) -> tensor<1x2x3xf32> {
  // expected-error @+1 {{C1: 0 is less than 1}}
  %y = dl.conv %x, %w strides [1] dilations [0] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// -----

func.func @c2_channels(%x: tensor<1x3x4xf32>, %w: tensor<2x1x2xf32>) -> tensor<1x2x3xf32> {
  // expected-error @+1 {{C2: 2 groups do not fit [1, 3, 4] and [2, 1, 2]}}
  %y = dl.conv %x, %w strides [1] dilations [1] groups 2 sizes() : (tensor<1x3x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// -----

func.func @c2_outputs(%x: tensor<1x2x4xf32>, %w: tensor<3x1x2xf32>) -> tensor<1x3x3xf32> {
  // expected-error @+1 {{C2: 2 groups do not fit [1, 2, 4] and [3, 1, 2]}}
  %y = dl.conv %x, %w strides [1] dilations [1] groups 2 sizes() : (tensor<1x2x4xf32>, tensor<3x1x2xf32>) -> tensor<1x3x3xf32>
  return %y : tensor<1x3x3xf32>
}

// -----

func.func @c3_shape(%x: tensor<1x1x4xf32>, %w: tensor<2x1x2xf32>) -> tensor<1x2x2xf32> {
  // expected-error @+1 {{C3: shape should be [1, 2, 3], is [1, 2, 2]}}
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<2x1x2xf32>) -> tensor<1x2x2xf32>
  return %y : tensor<1x2x2xf32>
}

// -----

func.func @c4_sizes(%x: tensor<?x1x4xf32>, %w: tensor<2x1x2xf32>) -> tensor<?x2x3xf32> {
  // expected-error @+1 {{C4: 1 sizes expected, 0 given}}
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<?x1x4xf32>, tensor<2x1x2xf32>) -> tensor<?x2x3xf32>
  return %y : tensor<?x2x3xf32>
}

// -----

func.func @of_two_types(%x: tensor<1x1x4xf32>, %w: tensor<2x1x2xf64>) -> tensor<1x2x3xf32> {
  // expected-error @+1 {{failed to verify that all of {x, w, y} have same element type}}
  %y = dl.conv %x, %w strides [1] dilations [1] groups 1 sizes() : (tensor<1x1x4xf32>, tensor<2x1x2xf64>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}
