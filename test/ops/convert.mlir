// dl.convert: conversion of the element type.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// EVAL: @to_i8([1.9, -1.9, 300.0, -300.0, nan, inf]) == [1, -1, 127, -128, 0, 127]
// EVAL: @to_ui8([1.9, -1.9, 300.0, 255.5]) == [1, 0, 255, 255]
// EVAL: @to_bool([0.0, -0.0, 0.1, nan]) == [false, false, true, true]
// EVAL: @to_f16([1.00048828125, 65519.0, 65520.0, 1e-8]) == [1.0, 65504.0, inf, 0.0]
// EVAL: @to_bf16([1.00390625, 1.01171875, 3.4e38]) == [1.0, 1.015625, inf]
// EVAL: @narrow([300, -1, 2147483647]) == [44, -1, -1]
// EVAL: @to_unsigned([-1, 5]) == [18446744073709551615, 5]
// EVAL: @of_bool([true, false]) == [1.0, 0.0]
// EVAL: @of_i64_dynamic(2, [16777217, -9007199254740993]) == [16777216.0, -9007199254740992.0]
// EVAL: @of_i64_dynamic(0, []) == []
// EVAL: @gradient_through_f32([1.5, 2.0]) == [3.0, 4.0]
// GRADCHECK: @same domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @to_i8(
// CHECK: dl.convert %{{.*}} : tensor<6xf32> -> tensor<6xi8>
func.func @to_i8(%x: tensor<6xf32>) -> tensor<6xi8> {
  %y = dl.convert %x : tensor<6xf32> -> tensor<6xi8>
  return %y : tensor<6xi8>
}

func.func @to_ui8(%x: tensor<4xf64>) -> tensor<4xui8> {
  %y = dl.convert %x : tensor<4xf64> -> tensor<4xui8>
  return %y : tensor<4xui8>
}

func.func @to_bool(%x: tensor<4xf32>) -> tensor<4xi1> {
  %y = dl.convert %x : tensor<4xf32> -> tensor<4xi1>
  return %y : tensor<4xi1>
}

func.func @to_f16(%x: tensor<4xf32>) -> tensor<4xf16> {
  %y = dl.convert %x : tensor<4xf32> -> tensor<4xf16>
  return %y : tensor<4xf16>
}

func.func @to_bf16(%x: tensor<3xf32>) -> tensor<3xbf16> {
  %y = dl.convert %x : tensor<3xf32> -> tensor<3xbf16>
  return %y : tensor<3xbf16>
}

func.func @narrow(%x: tensor<3xi32>) -> tensor<3xi8> {
  %y = dl.convert %x : tensor<3xi32> -> tensor<3xi8>
  return %y : tensor<3xi8>
}

func.func @to_unsigned(%x: tensor<2xi8>) -> tensor<2xui64> {
  %y = dl.convert %x : tensor<2xi8> -> tensor<2xui64>
  return %y : tensor<2xui64>
}

func.func @of_bool(%x: tensor<2xi1>) -> tensor<2xf32> {
  %y = dl.convert %x : tensor<2xi1> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

func.func @of_i64_dynamic(%n: index, %x: tensor<?xi64>) -> tensor<?xf32> {
  %y = dl.convert %x : tensor<?xi64> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

func.func @same(%x: tensor<3xf64>) -> tensor<3xf64> {
  %y = dl.convert %x : tensor<3xf64> -> tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func private @sum_of_squares(%x: tensor<2xf64>) -> tensor<f32> {
  %c = dl.convert %x : tensor<2xf64> -> tensor<2xf32>
  %s = dl.mul %c, %c : tensor<2xf32>
  %y = dl.reduce "sum" %s axes [0] : tensor<2xf32> -> tensor<f32>
  return %y : tensor<f32>
}

func.func @gradient_through_f32(%x: tensor<2xf64>) -> tensor<2xf64> {
  %y = dl.grad @sum_of_squares(%x) wrt [0] : (tensor<2xf64>) -> tensor<2xf64>
  return %y : tensor<2xf64>
}

// -----

func.func @to_another_shape(%x: tensor<2xf32>) -> tensor<3xi32> {
  // expected-error @+1 {{must have the same shape}}
  %y = dl.convert %x : tensor<2xf32> -> tensor<3xi32>
  return %y : tensor<3xi32>
}
