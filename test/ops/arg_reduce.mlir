// dl.arg_reduce: index of the first greatest or least element along an axis.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @argmax([[1, 5, 5], [7, 2, 3]]) == [1, 0]
// EVAL: @argmin_dynamic(3, [4.0, -1.0, -1.0]) == 1
// EVAL: @argmin_dynamic(4, [4.0, nan, -1.0, nan]) == 1
// EVAL: @argmax_ui8([[1, 255], [200, 3]]) == [1, 0]
// EVAL-ERROR: @argmin_dynamic(0, []) argmin of no elements

// CHECK-LABEL: func.func @argmax(
// CHECK: dl.arg_reduce "argmax" %{{.*}} axis 1 : tensor<2x3xf32> -> tensor<2xi32>
// LOWER-LABEL: func.func @argmax(
// LOWER: "reduction"
func.func @argmax(%x: tensor<2x3xf32>) -> tensor<2xi32> {
  %y = dl.arg_reduce "argmax" %x axis 1 : tensor<2x3xf32> -> tensor<2xi32>
  return %y : tensor<2xi32>
}

func.func @argmin_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<i32> {
  %y = dl.arg_reduce "argmin" %x axis 0 : tensor<?xf64> -> tensor<i32>
  return %y : tensor<i32>
}

func.func @argmax_ui8(%x: tensor<2x2xui8>) -> tensor<2xi32> {
  %y = dl.arg_reduce "argmax" %x axis 0 : tensor<2x2xui8> -> tensor<2xi32>
  return %y : tensor<2xi32>
}

// -----

func.func @c1(%x: tensor<3xf32>) -> tensor<i32> {
  // expected-error @+1 {{C1: unknown kind "max"}}
  %y = dl.arg_reduce "max" %x axis 0 : tensor<3xf32> -> tensor<i32>
  return %y : tensor<i32>
}

// -----

func.func @c2(%x: tensor<3xf32>) -> tensor<i32> {
  // expected-error @+1 {{C2: axis 1 is outside rank 1}}
  %y = dl.arg_reduce "argmax" %x axis 1 : tensor<3xf32> -> tensor<i32>
  return %y : tensor<i32>
}

// -----

func.func @c3(%x: tensor<3x4xf32>) -> tensor<4xi32> {
  // expected-error @+1 {{C3: shape should be [3], is [4]}}
  %y = dl.arg_reduce "argmax" %x axis 1 : tensor<3x4xf32> -> tensor<4xi32>
  return %y : tensor<4xi32>
}

// -----

func.func @to_i64(%x: tensor<3xf32>) -> tensor<i64> {
  // expected-error @+1 {{result #0 must be ranked tensor of 32-bit signless integer values, but got 'tensor<i64>'}}
  %y = dl.arg_reduce "argmax" %x axis 0 : tensor<3xf32> -> tensor<i64>
  return %y : tensor<i64>
}
