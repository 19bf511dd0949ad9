// dl.minimum: the smaller of a and b, NaN if either is.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --expand-derivatives --inline --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @minimum([1.5, -2.0, 0.25, 7.0], [1.0, -3.0, nan, 7.0]) == [1.0, -3.0, nan, 7.0]
// EVAL: @minimum_dynamic(4, [1.5, -2.0, 0.25, 7.0], [1.0, -3.0, nan, 7.0]) == [1.0, -3.0, nan, 7.0]
// Zeros have an order.
// EVAL: @minimum_dynamic(3, [0.0, -0.0, -0.0], [-0.0, 0.0, -0.0]) == [-0.0, -0.0, -0.0]
// EVAL: @minimum_zero([0.0, -0.0, nan, -1.0, 1.0]) == [-0.0, -0.0, nan, -1.0, -0.0]
// EVAL: @minimum_dynamic(0, [], []) == []
// EVAL: @minimum_i8([100, -128, 7, -7], [100, -1, 2, 2]) == [100, -128, 2, -7]
// EVAL: @minimum_ui8([200, 3, 255, 0], [100, 5, 2, 1]) == [100, 3, 2, 0]
// EVAL: @slopes([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == [1.0, 0.5, 0.0], [0.0, 0.5, 1.0]
// GRADCHECK: @minimum_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @minimum(
// CHECK: dl.minimum %{{.*}}, %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @minimum(
// LOWER: linalg.generic
// LOWER: arith.minimumf
func.func @minimum(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.minimum %a, %b : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @minimum_dynamic(%n: index, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.minimum %a, %b : tensor<?xf64>
  return %y : tensor<?xf64>
}

// Of a bound known at compile time, too.
func.func @minimum_zero(%x: tensor<5xf32>) -> tensor<5xf32> {
  %zero = dl.constant dense<-0.0> : tensor<5xf32>
  %y = dl.minimum %zero, %x : tensor<5xf32>
  return %y : tensor<5xf32>
}

func.func @minimum_i8(%a: tensor<4xi8>, %b: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.minimum %a, %b : tensor<4xi8>
  return %y : tensor<4xi8>
}

func.func @minimum_ui8(%a: tensor<4xui8>, %b: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.minimum %a, %b : tensor<4xui8>
  return %y : tensor<4xui8>
}

// A tie halves them.
func.func @slopes(%a: tensor<3xf64>, %b: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  %ones = dl.constant dense<1.0> : tensor<3xf64>
  %slopes:2 = dl.vjp @of_three(%a, %b, %ones) wrt [0, 1]
    : (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>)
  return %slopes#0, %slopes#1 : tensor<3xf64>, tensor<3xf64>
}

func.func private @of_three(%a: tensor<3xf64>, %b: tensor<3xf64>) -> tensor<3xf64> {
  %y = dl.minimum %a, %b : tensor<3xf64>
  return %y : tensor<3xf64>
}

// -----

func.func @of_bools(%a: tensor<4xi1>, %b: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<4xi1>'}}
  %y = dl.minimum %a, %b : tensor<4xi1>
  return %y : tensor<4xi1>
}

// -----

func.func @of_two_shapes(%a: tensor<4xf32>, %b: tensor<3xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{must have the same shape}}
  %y = "dl.minimum"(%a, %b) : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
