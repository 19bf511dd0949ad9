// dl.cumulative: each element combined with those before it along an axis.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --expand-derivatives --inline --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @sum(2, 3, [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]) == [[1.0, 3.0, 6.0], [10.0, 30.0, 60.0]]
// EVAL: @sum(0, 3, []) == []
// EVAL: @sum(2, 0, [[], []]) == [[], []]
// EVAL: @wraps([100, 27, 1, -128]) == [100, 127, -128, 0]
// EVAL: @columns(2, [[2.0, 3.0], [4.0, 5.0], [0.5, -1.0]]) == [[2.0, 3.0], [8.0, 15.0], [4.0, -15.0]]
// EVAL: @nothing([[], [], []]) == [[], [], []]
// EVAL: @back([1.0, nan, 3.0, -inf]) == [nan, nan, 3.0, -inf]
// EVAL: @least([7, 200, 3, 250]) == [7, 7, 3, 3]
// In f16 2048 + 1 is 2048; the sums are f32.
// EVAL: @halves([2048.0, 1.0, 1.0]) == [2048.0, 2048.0, 2050.0]
// GRADCHECK: @sum(3, 4) domain=(-2,2) tol=1e-6
// GRADCHECK: @sum_back domain=(-2,2) tol=1e-6
// EVAL: @of_zeros([2.0, 0.0, 3.0, 4.0]) == [1.0, 32.0, 0.0, 0.0]
// EVAL: @of_zeros([2.0, 0.0, 3.0, 0.0]) == [1.0, 8.0, 0.0, 0.0]
// EVAL: @mixed_at_zeros([0.0, 0.0, 3.0]) == [4.0, 4.0, 0.0]
// EVAL: @tangents_at_zeros([0.0, 0.0, 3.0]) == [4.0, 4.0, 0.0]
// EVAL: @of_extremes([1.0, 3.0, 3.0, 2.0]) == [1.0, 10.0, 1100.0, 0.0]
// GRADCHECK: @products(3, 4) tol=1e-5
// GRADCHECK: @products_back tol=1e-5
// GRADCHECK: @second_products tol=1e-5
// GRADCHECK: @greatest
// GRADCHECK: @least_back

// CHECK-LABEL: func.func @sum(
// CHECK: dl.cumulative "sum" %{{.*}} axis 1 : tensor<?x?xf64>
// LOWER-LABEL: func.func @sum(
// LOWER: scf.for
// LOWER: scf.for
// LOWER: arith.addf
// LOWER: return
func.func @sum(%m: index, %n: index, %x: tensor<?x?xf64> {dl.shape = ["m", "n"]})
    -> (tensor<?x?xf64> {dl.shape = ["m", "n"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.cumulative "sum" %x axis 1 : tensor<?x?xf64>
  return %y : tensor<?x?xf64>
}

func.func @wraps(%x: tensor<4xi8>) -> tensor<4xi8> {
  %y = dl.cumulative "sum" %x axis 0 : tensor<4xi8>
  return %y : tensor<4xi8>
}

// A row at a time where axes follow.
// LOWER-LABEL: func.func @columns(
// LOWER: scf.for
// LOWER: linalg.generic
// LOWER: tensor.insert_slice
func.func @columns(%n: index, %x: tensor<3x?xf32> {dl.shape = ["3", "n"]}) -> (tensor<3x?xf32> {dl.shape = ["3", "n"]})
    attributes {dl.dims = ["n"]} {
  %y = dl.cumulative "prod" %x axis 0 : tensor<3x?xf32>
  return %y : tensor<3x?xf32>
}

// CHECK-LABEL: func.func @back(
// CHECK: dl.cumulative "max" %{{.*}} axis 0 reverse : tensor<4xbf16>
func.func @back(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %y = dl.cumulative "max" %x axis 0 reverse : tensor<4xbf16>
  return %y : tensor<4xbf16>
}

func.func @least(%x: tensor<4xui8>) -> tensor<4xui8> {
  %y = dl.cumulative "min" %x axis 0 : tensor<4xui8>
  return %y : tensor<4xui8>
}

// Without elements there is no row to take.
func.func @nothing(%x: tensor<3x0xf32>) -> tensor<3x0xf32> {
  %y = dl.cumulative "sum" %x axis 0 : tensor<3x0xf32>
  return %y : tensor<3x0xf32>
}

func.func @halves(%x: tensor<3xf16>) -> tensor<3xf16> {
  %y = dl.cumulative "sum" %x axis 0 : tensor<3xf16>
  return %y : tensor<3xf16>
}

func.func @sum_back(%x: tensor<2x3x2xf64>) -> tensor<2x3x2xf64> {
  %y = dl.cumulative "sum" %x axis 1 reverse : tensor<2x3x2xf64>
  return %y : tensor<2x3x2xf64>
}

func.func @products(%m: index, %n: index, %x: tensor<?x?xf64> {dl.shape = ["m", "n"]})
    -> (tensor<?x?xf64> {dl.shape = ["m", "n"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.cumulative "prod" %x axis 1 : tensor<?x?xf64>
  return %y : tensor<?x?xf64>
}

func.func @products_back(%x: tensor<2x3x2xf64>) -> tensor<2x3x2xf64> {
  %y = dl.cumulative "prod" %x axis 1 reverse : tensor<2x3x2xf64>
  return %y : tensor<2x3x2xf64>
}

func.func @second_products(%x: tensor<4xf64>) -> tensor<4xf64> {
  %u = dl.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf64>
  %y = dl.vjp @line(%x, %u) wrt [0] : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}

func.func private @line(%x: tensor<4xf64>) -> tensor<4xf64> {
  %y = dl.cumulative "prod" %x axis 0 : tensor<4xf64>
  return %y : tensor<4xf64>
}

func.func @greatest(%x: tensor<3x5xf64>) -> tensor<3x5xf64> {
  %y = dl.cumulative "max" %x axis 1 : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}

func.func @least_back(%x: tensor<3x5xf64>) -> tensor<3x5xf64> {
  %y = dl.cumulative "min" %x axis 0 reverse : tensor<3x5xf64>
  return %y : tensor<3x5xf64>
}

// With one zero and with two: of [2, 0, 3, 4] the products are [2, 0, 0, 0], and a change e of the zero makes them
// [2, 2e, 6e, 24e].
func.func @of_zeros(%x: tensor<4xf64>) -> tensor<4xf64> {
  %u = dl.constant dense<1.0> : tensor<4xf64>
  %y = dl.vjp @line(%x, %u) wrt [0] : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}

// Of the last product a b c the second derivative by a and b, added up over b, then over a, is c; that of a b is 1.
func.func @mixed_at_zeros(%x: tensor<3xf64>) -> tensor<3xf64> {
  %g = dl.grad @slopes(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}

func.func private @slopes(%x: tensor<3xf64>) -> tensor<f64> {
  %g = dl.grad @last(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  %s = dl.reduce "sum" %g axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}

// The same by way of the tangent.
func.func @tangents_at_zeros(%x: tensor<3xf64>) -> tensor<3xf64> {
  %g = dl.grad @along(%x) wrt [0] : (tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}

func.func private @along(%x: tensor<3xf64>) -> tensor<f64> {
  %ones = dl.constant dense<1.0> : tensor<3xf64>
  %t:2 = dl.jvp @last(%x, %ones) wrt [0] : (tensor<3xf64>, tensor<3xf64>) -> (tensor<f64>, tensor<f64>)
  return %t#1 : tensor<f64>
}

func.func private @last(%x: tensor<3xf64>) -> tensor<f64> {
  %y = dl.cumulative "prod" %x axis 0 : tensor<3xf64>
  %s = dl.reduce "sum" %y axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}

// The last of equal elements takes what comes from there on.
func.func @of_extremes(%x: tensor<4xf32>) -> tensor<4xf32> {
  %u = dl.constant dense<[1.0, 10.0, 100.0, 1000.0]> : tensor<4xf32>
  %y = dl.vjp @highest(%x, %u) wrt [0] : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func private @highest(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.cumulative "max" %x axis 0 : tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @c1(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{failed to verify that C1: the axis is inside the rank of x}}
  %y = dl.cumulative "sum" %x axis -1 : tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c2(%x: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{failed to verify that C2: the kind is one of sum, prod, max, min}}
  %y = dl.cumulative "mean" %x axis 0 : tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @of_bools(%x: tensor<3xi1>) -> tensor<3xi1> {
  // expected-error @+1 {{operand #0 must be ranked tensor of number values, but got 'tensor<3xi1>'}}
  %y = dl.cumulative "sum" %x axis 0 : tensor<3xi1>
  return %y : tensor<3xi1>
}
