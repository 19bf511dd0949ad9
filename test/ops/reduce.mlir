// dl.reduce: reduction over axes, which the result does not have.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --expand-derivatives --inline --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @sum_rows([[1, 2, 3], [4, 5, 6]]) == [6, 15]
// EVAL: @sum_dynamic(2, 3, [[1, 2, 3], [4, 5, 6]]) == [5, 7, 9]
// EVAL: @sum_dynamic(0, 3, []) == [0, 0, 0]
// EVAL: @sum_dynamic(2, 0, [[], []]) == []
// EVAL: @sum_i8([100, 100, 1]) == -55
// EVAL: @max([1.0, nan, 3.0]) == nan
// EVAL: @max([-1.0, -inf, -3.0]) == -1.0
// EVAL: @max_empty() == -inf, -128, 0
// EVAL: @min_dynamic(3, [4, 2, 7]) == 2
// EVAL: @min_dynamic(0, []) == 255
// EVAL: @prod([[2.0, 3.0], [0.5, -1.0]]) == -3.0
// EVAL: @slopes_of_max([1.0, 3.0, 0.0, 3.0]) == [0.0, 0.5, 0.0, 0.5], [0.0, 0.0, 1.0, 0.0]
// EVAL: @slopes_of_prod([2.0, 0.0, 3.0]) == [0.0, 6.0, 0.0]
// EVAL: @slopes_of_prod([0.0, 0.0, 3.0]) == [0.0, 0.0, 0.0]
// EVAL: @curves_of_prod([2.0, 0.0, 3.0]) == [3.0, 5.0, 2.0], [3.0, 5.0, 2.0]
// EVAL: @curves_of_prod([0.0, 0.0, 3.0]) == [3.0, 3.0, 0.0], [3.0, 3.0, 0.0]
// EVAL: @any_all([[true, false], [false, false]]) == [true, false], [false, false]
// GRADCHECK: @sum_dynamic(3, 4) domain=(-2,2) tol=1e-6
// GRADCHECK: @max_rows domain=(-2,2) tol=1e-6
// GRADCHECK: @min_rows domain=(-2,2) tol=1e-6
// GRADCHECK: @prod domain=(0.5,2) tol=1e-6

// CHECK-LABEL: func.func @sum_rows(
// CHECK: dl.reduce "sum" %{{.*}} axes [1] : tensor<2x3xf32> -> tensor<2xf32>
// LOWER-LABEL: func.func @sum_rows(
// LOWER: "reduction"
// LOWER: arith.addf
func.func @sum_rows(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %y = dl.reduce "sum" %x axes [1] : tensor<2x3xf32> -> tensor<2xf32>
  return %y : tensor<2xf32>
}

func.func @sum_dynamic(%m: index, %n: index, %x: tensor<?x?xf64> {dl.shape = ["m", "n"]})
    -> (tensor<?xf64> {dl.shape = ["n"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.reduce "sum" %x axes [0] : tensor<?x?xf64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @sum_i8(%x: tensor<3xi8>) -> tensor<i8> {
  %y = dl.reduce "sum" %x axes [0] : tensor<3xi8> -> tensor<i8>
  return %y : tensor<i8>
}

func.func @max(%x: tensor<3xf16>) -> tensor<f16> {
  %y = dl.reduce "max" %x axes [0] : tensor<3xf16> -> tensor<f16>
  return %y : tensor<f16>
}

func.func @max_empty() -> (tensor<f32>, tensor<i8>, tensor<ui8>) {
  %f = dl.constant dense<> : tensor<0xf32>
  %i = dl.constant dense<> : tensor<0xi8>
  %u = dl.constant dense<> : tensor<0xui8>
  %a = dl.reduce "max" %f axes [0] : tensor<0xf32> -> tensor<f32>
  %b = dl.reduce "max" %i axes [0] : tensor<0xi8> -> tensor<i8>
  %c = dl.reduce "max" %u axes [0] : tensor<0xui8> -> tensor<ui8>
  return %a, %b, %c : tensor<f32>, tensor<i8>, tensor<ui8>
}

func.func @min_dynamic(%n: index, %x: tensor<?xui8>) -> tensor<ui8> {
  %y = dl.reduce "min" %x axes [0] : tensor<?xui8> -> tensor<ui8>
  return %y : tensor<ui8>
}

func.func @max_rows(%x: tensor<3x4xf64>) -> tensor<3xf64> {
  %y = dl.reduce "max" %x axes [1] : tensor<3x4xf64> -> tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func @min_rows(%x: tensor<3x4xf64>) -> tensor<4xf64> {
  %y = dl.reduce "min" %x axes [0] : tensor<3x4xf64> -> tensor<4xf64>
  return %y : tensor<4xf64>
}

// Ties share equally.
func.func @slopes_of_max(%x: tensor<4xf64>) -> (tensor<4xf64>, tensor<4xf64>) {
  %g = dl.grad @greatest(%x) wrt [0] : (tensor<4xf64>) -> tensor<4xf64>
  %h = dl.grad @least(%x) wrt [0] : (tensor<4xf64>) -> tensor<4xf64>
  return %g, %h : tensor<4xf64>, tensor<4xf64>
}

func.func private @greatest(%x: tensor<4xf64>) -> tensor<f64> {
  %y = dl.reduce "max" %x axes [0] : tensor<4xf64> -> tensor<f64>
  return %y : tensor<f64>
}

func.func private @least(%x: tensor<4xf64>) -> tensor<f64> {
  %y = dl.reduce "min" %x axes [0] : tensor<4xf64> -> tensor<f64>
  return %y : tensor<f64>
}

// The product of the others where one is zero.
func.func @slopes_of_prod(%x: tensor<3xf64>) -> tensor<3xf64> {
  %g = dl.grad @all(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}

// Of the sum of the slopes, by the gradient and by the tangent.
func.func @curves_of_prod(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  %g = dl.grad @of_slopes(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  %h = dl.grad @of_tangent(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  return %g, %h : tensor<3xf64>, tensor<3xf64>
}

func.func private @of_slopes(%x: tensor<3xf64>) -> tensor<f64> {
  %g = dl.grad @all(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  %s = dl.reduce "sum" %g axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}

func.func private @of_tangent(%x: tensor<3xf64>) -> tensor<f64> {
  %ones = dl.constant dense<1.0> : tensor<3xf64>
  %t:2 = dl.jvp @all(%x, %ones) wrt [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<f64>, tensor<f64>)
  return %t#1 : tensor<f64>
}

func.func private @all(%x: tensor<3xf64>) -> tensor<f64> {
  %y = dl.reduce "prod" %x axes [0] : tensor<3xf64> -> tensor<f64>
  return %y : tensor<f64>
}

func.func @prod(%x: tensor<2x2xf64>) -> tensor<f64> {
  %y = dl.reduce "prod" %x axes [0, 1] : tensor<2x2xf64> -> tensor<f64>
  return %y : tensor<f64>
}

func.func @any_all(%x: tensor<2x2xi1>) -> (tensor<2xi1>, tensor<2xi1>) {
  %a = dl.reduce "any" %x axes [0] : tensor<2x2xi1> -> tensor<2xi1>
  %b = dl.reduce "all" %x axes [1] : tensor<2x2xi1> -> tensor<2xi1>
  return %a, %b : tensor<2xi1>, tensor<2xi1>
}

// -----

func.func @c1_unknown(%x: tensor<3xf32>) -> tensor<f32> {
  // expected-error @+1 {{C1: unknown kind "mean"}}
  %y = dl.reduce "mean" %x axes [0] : tensor<3xf32> -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @c1_number(%x: tensor<3xi1>) -> tensor<i1> {
  // expected-error @+1 {{C1: kind "sum" does not fit 'i1'}}
  %y = dl.reduce "sum" %x axes [0] : tensor<3xi1> -> tensor<i1>
  return %y : tensor<i1>
}

// -----

func.func @c1_bool(%x: tensor<3xf32>) -> tensor<f32> {
  // expected-error @+1 {{C1: kind "any" does not fit 'f32'}}
  %y = dl.reduce "any" %x axes [0] : tensor<3xf32> -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @c2_order(%x: tensor<3x4xf32>) -> tensor<f32> {
  // expected-error @+1 {{C2: axes [1, 0] are not ascending}}
  %y = dl.reduce "sum" %x axes [1, 0] : tensor<3x4xf32> -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @c2_range(%x: tensor<3x4xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{C2: axis 2 is outside rank 2}}
  %y = dl.reduce "sum" %x axes [2] : tensor<3x4xf32> -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c3(%x: tensor<3x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{C3: shape should be [3], is [4]}}
  %y = dl.reduce "sum" %x axes [1] : tensor<3x4xf32> -> tensor<4xf32>
  return %y : tensor<4xf32>
}
