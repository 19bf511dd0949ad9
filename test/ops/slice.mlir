// dl.slice: y[i] = x[starts + i * strides].
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @window([[1, 2, 3, 4], [5, 6, 7, 8]]) == [[6, 8]]
// EVAL: @nothing([]) == []
// EVAL: @dynamic(5, 1, 3, [1.0, 2.0, 3.0, 4.0, 5.0]) == [2.0, 3.0, 4.0]
// EVAL: @dynamic(5, 5, 0, [1.0, 2.0, 3.0, 4.0, 5.0]) == []
// EVAL-ERROR: @dynamic(5, 3, 3, [1.0, 2.0, 3.0, 4.0, 5.0]) axis 0 spans 3 to 5 of a dim of 5
// GRADCHECK: @gradient domain=(-2,2) tol=1e-6
// GRADCHECK: @tail(5) domain=(-2,2) tol=1e-6
// GRADCHECK: @overlapping domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @window(
// CHECK: dl.slice %{{.*}} starts(%{{.*}}, %{{.*}}) strides [1, 2] sizes() : tensor<2x4xi32> -> tensor<1x2xi32>
// LOWER-LABEL: func.func @window(
// LOWER: tensor.extract_slice
func.func @window(%x: tensor<2x4xi32>) -> tensor<1x2xi32> {
  %c1 = arith.constant 1 : index
  %y = dl.slice %x starts(%c1, %c1) strides [1, 2] sizes() : tensor<2x4xi32> -> tensor<1x2xi32>
  return %y : tensor<1x2xi32>
}

func.func @dynamic(%n: index, %s: index, %k: index, %x: tensor<?xf64> {dl.shape = ["n"]})
    -> (tensor<?xf64> {dl.shape = ["k"]}) attributes {dl.dims = ["n", "s", "k"]} {
  %y = dl.slice %x starts(%s) strides [1] sizes(%k) : tensor<?xf64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @tail(%n: index, %x: tensor<?xf64>) -> (tensor<?xf64> {dl.shape = ["d0 - 2"]}) {
  %c2 = arith.constant 2 : index
  %k = arith.subi %n, %c2 : index
  %y = dl.slice %x starts(%c2) strides [1] sizes(%k) : tensor<?xf64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}

// Each slice adds to what the others gave.
func.func @overlapping(%x: tensor<5xf64>) -> tensor<3xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %a = dl.slice %x starts(%c0) strides [1] sizes() : tensor<5xf64> -> tensor<3xf64>
  %b = dl.slice %x starts(%c1) strides [1] sizes() : tensor<5xf64> -> tensor<3xf64>
  %c = dl.slice %x starts(%c2) strides [1] sizes() : tensor<5xf64> -> tensor<3xf64>
  %ab = dl.mul %a, %b : tensor<3xf64>
  %y = dl.mul %ab, %c : tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func @gradient(%x: tensor<3x7xf64>) -> tensor<2x3xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = dl.slice %x starts(%c0, %c1) strides [2, 2] sizes() : tensor<3x7xf64> -> tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}

// Of an axis of no elements.
func.func @nothing(%x: tensor<0x8xf64>) -> tensor<0x4xf64> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %y = dl.slice %x starts(%c0, %c4) strides [1, 1] sizes() : tensor<0x8xf64> -> tensor<0x4xf64>
  return %y : tensor<0x4xf64>
}

// What is read of a tensor may have its type and not its size.
// EVAL: @inside(2, [1.0, 2.0]) == [2.0, 4.0]
func.func @inside(%n: index, %x: tensor<?xf64> {dl.shape = ["n"]}) -> (tensor<?xf64> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %zero = dl.constant dense<0.0> : tensor<f64>
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %size = arith.addi %n, %c2 : index
  %padded = dl.pad %x, %zero low(%c1) interior [0] sizes(%size) : tensor<?xf64>, tensor<f64> -> tensor<?xf64>
  %twice = dl.add %padded, %padded : tensor<?xf64>
  %y = dl.slice %twice starts(%c1) strides [1] sizes(%n) : tensor<?xf64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @c1_starts(%x: tensor<2x3xf32>) -> tensor<1x1xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C1: 2 starts expected, 1 given}}
  %y = dl.slice %x starts(%c0) strides [1, 1] sizes() : tensor<2x3xf32> -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// -----

func.func @c1_stride(%x: tensor<3xf32>) -> tensor<1xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C1: 0 is less than 1}}
  %y = dl.slice %x starts(%c0) strides [0] sizes() : tensor<3xf32> -> tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

func.func @c2(%x: tensor<3xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C2: 1 sizes expected, 0 given}}
  %y = dl.slice %x starts(%c0) strides [1] sizes() : tensor<3xf32> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @c3(%x: tensor<5xf32>) -> tensor<3xf32> {
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{C3: axis 0 spans 1 to 5 of a dim of 5}}
  %y = dl.slice %x starts(%c1) strides [2] sizes() : tensor<5xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}
