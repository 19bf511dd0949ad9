// dl.pad: x inside a tensor of value.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @edges([1.0, 2.0], 9.0) == [9.0, 1.0, 2.0, 9.0, 9.0]
// EVAL: @gaps(3, [1.0, 2.0, 3.0], 0.0) == [0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0]
// EVAL: @gaps(0, [], 7.0) == [7.0]
// EVAL: @columns([[1, 2], [3, 4]], -1) == [[1, 2, -1], [3, 4, -1]]
// EVAL-ERROR: @shifted(3, [1.0, 2.0, 3.0], 0.0) axis 0 spans 3 to 5 of a dim of 3
// GRADCHECK: @gaps(3) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @edges(
// CHECK: dl.pad %{{.*}}, %{{.*}} low(%{{.*}}) interior [0] sizes() : tensor<2xf32>, tensor<f32> -> tensor<5xf32>
// LOWER-LABEL: func.func @edges(
// LOWER-NOT: dl.pad
// LOWER: return
func.func @edges(%x: tensor<2xf32>, %v: tensor<f32>) -> tensor<5xf32> {
  %c1 = arith.constant 1 : index
  %y = dl.pad %x, %v low(%c1) interior [0] sizes() : tensor<2xf32>, tensor<f32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

func.func @gaps(%n: index, %x: tensor<?xf64>, %v: tensor<f64>) -> (tensor<?xf64> {dl.shape = ["2*d0 + 1"]}) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %twice = arith.muli %n, %c2 : index
  %size = arith.addi %twice, %c1 : index
  %y = dl.pad %x, %v low(%c1) interior [1] sizes(%size) : tensor<?xf64>, tensor<f64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @columns(%x: tensor<2x2xi8>, %v: tensor<i8>) -> tensor<2x3xi8> {
  %c0 = arith.constant 0 : index
  %y = dl.pad %x, %v low(%c0, %c0) interior [0, 0] sizes() : tensor<2x2xi8>, tensor<i8> -> tensor<2x3xi8>
  return %y : tensor<2x3xi8>
}

func.func private @shifted(%n: index, %x: tensor<?xf64>, %v: tensor<f64>) -> tensor<?xf64> {
  %y = dl.pad %x, %v low(%n) interior [0] sizes(%n) : tensor<?xf64>, tensor<f64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @c1_interior(%x: tensor<2xf32>, %v: tensor<f32>) -> tensor<5xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C1: -1 is less than 0}}
  %y = dl.pad %x, %v low(%c0) interior [-1] sizes() : tensor<2xf32>, tensor<f32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

func.func @c1_value(%x: tensor<2xf32>, %v: tensor<1xf32>) -> tensor<5xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C1: shape should be [], is [1]}}
  %y = dl.pad %x, %v low(%c0) interior [0] sizes() : tensor<2xf32>, tensor<1xf32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

func.func @c2(%x: tensor<2xf32>, %v: tensor<f32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{C2: 1 sizes expected, 0 given}}
  %y = dl.pad %x, %v low(%c0) interior [0] sizes() : tensor<2xf32>, tensor<f32> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @c3(%x: tensor<3xf32>, %v: tensor<f32>) -> tensor<5xf32> {
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{C3: axis 0 spans 1 to 5 of a dim of 5}}
  %y = dl.pad %x, %v low(%c1) interior [1] sizes() : tensor<3xf32>, tensor<f32> -> tensor<5xf32>
  return %y : tensor<5xf32>
}
