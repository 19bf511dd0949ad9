// dl.dot_general: sum of products over pairs of axes.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @matmul([[1, 2], [3, 4]], [[5, 6], [7, 8]]) == [[19, 22], [43, 50]]
// EVAL: @dynamic(2, 3, 2, [[1, 2, 3], [4, 5, 6]], [[1, -1], [2, 0], [3, 1]]) == [[14, 2], [32, 2]]
// EVAL: @dynamic(2, 0, 2, [[], []], []) == [[0, 0], [0, 0]]
// EVAL: @dynamic(0, 3, 2, [], [[1, 2], [3, 4], [5, 6]]) == []
// EVAL: @batch([[[1, 2]], [[3, 4]]], [[[1], [10]], [[100], [1000]]]) == [[[21]], [[4300]]]
// EVAL: @outer([1, -2], [3, 4, 100]) == [[3, 4, 100], [-6, -8, 56]]
// EVAL: @dot([0.5, 2.0], [4.0, 0.25]) == 2.5
// EVAL: @nothing() == 6.0
// EVAL: @in_bf16([1.00390625, 1.01171875], [1.0, 2.0]) == 3.03125
// EVAL: @in_f16([1.0009765625, 70000.0], [1.00048828125, 0.0]) == nan
// EVAL: @in_f16([1.0009765625, 2.0], [1.00048828125, 3.0]) == 7.0009765625
// EVAL: @of_doubles([1.00390625, 16777216.0], [1.0, 1.0]) == 16777216.0
// GRADCHECK: @dynamic(3, 4, 2) domain=(-2,2) tol=1e-6
// GRADCHECK: @mixed domain=(-2,2) tol=1e-6
// GRADCHECK: @crossed domain=(-2,2) tol=1e-6
// GRADCHECK: @turned domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @matmul(
// CHECK: dl.dot_general %{{.*}}, %{{.*}} batch [] x [] contract [1] x [0] : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
// LOWER-LABEL: func.func @matmul(
// LOWER-NOT: dl.dot_general
// LOWER: return
func.func @matmul(%a: tensor<2x2xf32>, %b: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

func.func @dynamic(%m: index, %k: index, %n: index,
    %a: tensor<?x?xf64> {dl.shape = ["m", "k"]}, %b: tensor<?x?xf64> {dl.shape = ["k", "n"]})
    -> (tensor<?x?xf64> {dl.shape = ["m", "n"]}) attributes {dl.dims = ["m", "k", "n"]} {
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] : (tensor<?x?xf64>, tensor<?x?xf64>) -> tensor<?x?xf64>
  return %y : tensor<?x?xf64>
}

// Operands are rounded, to even where two are as near, and products and sums are those of f32.
// CHECK-LABEL: func.func @in_bf16(
// CHECK: contract [0] x [0] {precision = "bf16"} : (
func.func @in_bf16(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<f32> {
  %y = dl.dot_general %a, %b batch [] x [] contract [0] x [0] {precision = "bf16"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
  return %y : tensor<f32>
}

func.func @in_f16(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<f32> {
  %y = dl.dot_general %a, %b batch [] x [] contract [0] x [0] {precision = "f16"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
  return %y : tensor<f32>
}

func.func @of_doubles(%a: tensor<2xf64>, %b: tensor<2xf64>) -> tensor<f64> {
  %y = dl.dot_general %a, %b batch [] x [] contract [0] x [0] {precision = "bf16"} : (tensor<2xf64>, tensor<2xf64>) -> tensor<f64>
  return %y : tensor<f64>
}

func.func @batch(%a: tensor<2x1x2xi32>, %b: tensor<2x2x1xi32>) -> tensor<2x1x1xi32> {
  %y = dl.dot_general %a, %b batch [0] x [0] contract [2] x [1] : (tensor<2x1x2xi32>, tensor<2x2x1xi32>) -> tensor<2x1x1xi32>
  return %y : tensor<2x1x1xi32>
}

func.func @outer(%a: tensor<2xi8>, %b: tensor<3xi8>) -> tensor<2x3xi8> {
  %y = dl.dot_general %a, %b batch [] x [] contract [] x [] : (tensor<2xi8>, tensor<3xi8>) -> tensor<2x3xi8>
  return %y : tensor<2x3xi8>
}

func.func @dot(%a: tensor<2xbf16>, %b: tensor<2xbf16>) -> tensor<bf16> {
  %y = dl.dot_general %a, %b batch [] x [] contract [0] x [0] : (tensor<2xbf16>, tensor<2xbf16>) -> tensor<bf16>
  return %y : tensor<bf16>
}

func.func @nothing() -> tensor<f32> {
  %a = dl.constant dense<2.0> : tensor<f32>
  %b = dl.constant dense<3.0> : tensor<f32>
  %y = dl.dot_general %a, %b batch [] x [] contract [] x [] : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// Batch, free and contracted axes in an order that differs on both sides.
func.func @mixed(%a: tensor<3x2x4xf64>, %b: tensor<4x5x2xf64>) -> tensor<2x3x5xf64> {
  %y = dl.dot_general %a, %b batch [1] x [2] contract [2] x [0] : (tensor<3x2x4xf64>, tensor<4x5x2xf64>) -> tensor<2x3x5xf64>
  return %y : tensor<2x3x5xf64>
}

// Matrices, both turned.
func.func @turned(%a: tensor<3x3xf64>, %b: tensor<3x3xf64>) -> tensor<3x3xf64> {
  %y = dl.dot_general %a, %b batch [] x [] contract [0] x [1] : (tensor<3x3xf64>, tensor<3x3xf64>) -> tensor<3x3xf64>
  return %y : tensor<3x3xf64>
}

// Contracted axes in an order of their own on each side.
func.func @crossed(%a: tensor<3x2x2x2xf64>, %b: tensor<2x2x5x2xf64>) -> tensor<3x5xf64> {
  %y = dl.dot_general %a, %b batch [] x [] contract [1, 2, 3] x [1, 3, 0] : (tensor<3x2x2x2xf64>, tensor<2x2x5x2xf64>) -> tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}

// -----

func.func @c1_counts(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{C1: 1 contracting axes of rhs expected, 0 given}}
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @c1_range(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{C1: axis 2 is outside rank 2}}
  %y = dl.dot_general %a, %b batch [] x [] contract [2] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @c1_twice(%a: tensor<3x3xf32>, %b: tensor<3x3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{C1: an axis is named twice}}
  %y = dl.dot_general %a, %b batch [1] x [0] contract [1] x [1] : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c1_sizes(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) -> tensor<2x5xf32> {
  // expected-error @+1 {{C1: contracting dims differ: axis 1 of lhs is 3, axis 0 of rhs is 4}}
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}

// -----

func.func @c2_shape(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) -> tensor<5x2xf32> {
  // expected-error @+1 {{C2: shape should be [2, 5], is [5, 2]}}
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<5x2xf32>
  return %y : tensor<5x2xf32>
}

// -----

func.func @of_two_types(%a: tensor<2x3xf32>, %b: tensor<3x5xf64>) -> tensor<2x5xf32> {
  // expected-error @+1 {{element types differ: 'f32' and 'f64'}}
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] : (tensor<2x3xf32>, tensor<3x5xf64>) -> tensor<2x5xf32>
  return %y : tensor<2x5xf32>
}

// -----

func.func @no_precision(%a: tensor<3xf32>) -> tensor<f32> {
  // expected-error @+1 {{attribute 'precision' failed to satisfy constraint: bf16, f16 or tf32}}
  %y = dl.dot_general %a, %a batch [] x [] contract [0] x [0] {precision = "f32"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @tf32_of_doubles(%a: tensor<3xf64>) -> tensor<f64> {
  // expected-error @+1 {{the precision is that of f32 or f64 operands, tf32 of f32 ones}}
  %y = dl.dot_general %a, %a batch [] x [] contract [0] x [0] {precision = "tf32"} : (tensor<3xf64>, tensor<3xf64>) -> tensor<f64>
  return %y : tensor<f64>
}

// -----

func.func @precision_of_halves(%a: tensor<3xf16>) -> tensor<f16> {
  // expected-error @+1 {{the precision is that of f32 or f64 operands, tf32 of f32 ones}}
  %y = dl.dot_general %a, %a batch [] x [] contract [0] x [0] {precision = "bf16"} : (tensor<3xf16>, tensor<3xf16>) -> tensor<f16>
  return %y : tensor<f16>
}
