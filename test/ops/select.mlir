// dl.select: a where cond is true, else b.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @select([true, false, true], [1.0, 2.0, -0.0], [4.0, nan, 6.0]) == [1.0, nan, -0.0]
// EVAL: @select_dynamic(2, [false, true], [1.0, 2.0], [3.0, 4.0]) == [3.0, 2.0]
// EVAL: @select_dynamic(0, [], [], []) == []
// EVAL: @select_bool([true, false], [false, false], [true, true]) == [false, true]
// EVAL: @select_ui64([true, false], [18446744073709551615, 1], [2, 3]) == [18446744073709551615, 3]
// EVAL: @larger([1.0, -2.0], [0.5, 3.0]) == [1.0, 3.0]
// GRADCHECK: @larger domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @select(
// CHECK: dl.select %{{.*}}, %{{.*}}, %{{.*}} : tensor<3xi1>, tensor<3xf32>
// LOWER-LABEL: func.func @select(
// LOWER: arith.select
func.func @select(%c: tensor<3xi1>, %a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<3xf32> {
  %y = dl.select %c, %a, %b : tensor<3xi1>, tensor<3xf32>
  return %y : tensor<3xf32>
}

func.func @select_dynamic(%n: index, %c: tensor<?xi1>, %a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.select %c, %a, %b : tensor<?xi1>, tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func @select_bool(%c: tensor<2xi1>, %a: tensor<2xi1>, %b: tensor<2xi1>) -> tensor<2xi1> {
  %y = dl.select %c, %a, %b : tensor<2xi1>, tensor<2xi1>
  return %y : tensor<2xi1>
}

func.func @select_ui64(%c: tensor<2xi1>, %a: tensor<2xui64>, %b: tensor<2xui64>) -> tensor<2xui64> {
  %y = dl.select %c, %a, %b : tensor<2xi1>, tensor<2xui64>
  return %y : tensor<2xui64>
}

func.func @larger(%a: tensor<2xf64>, %b: tensor<2xf64>) -> tensor<2xf64> {
  %c = dl.greater %a, %b : tensor<2xf64> -> tensor<2xi1>
  %y = dl.select %c, %a, %b : tensor<2xi1>, tensor<2xf64>
  return %y : tensor<2xf64>
}

// -----

func.func @on_a_number(%c: tensor<2xi8>, %a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of bool values, but got 'tensor<2xi8>'}}
  %y = dl.select %c, %a, %a : tensor<2xi8>, tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @of_two_shapes(%c: tensor<3xi1>, %a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{must have the same shape}}
  %y = dl.select %c, %a, %a : tensor<3xi1>, tensor<2xf32>
  return %y : tensor<2xf32>
}
