// dl.concatenate: tensors one after another along an axis.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @lines([1, 2], [3]) == [1, 2, 3]
// EVAL: @nothing([], []) == []
// EVAL: @columns(2, 1, [[1.0], [2.0]], [[3.0, 4.0], [5.0, 6.0]]) == [[1.0, 3.0, 4.0], [2.0, 5.0, 6.0]]
// EVAL: @columns(2, 0, [[], []], [[3.0, 4.0], [5.0, 6.0]]) == [[3.0, 4.0], [5.0, 6.0]]
// EVAL: @three([true], [false], [true]) == [true, false, true]
// GRADCHECK: @columns(3, 2) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @lines(
// CHECK: dl.concatenate %{{.*}}, %{{.*}} axis 0 : (tensor<2xi32>, tensor<1xi32>) -> tensor<3xi32>
// LOWER-LABEL: func.func @lines(
// LOWER: tensor.insert_slice
func.func @lines(%a: tensor<2xi32>, %b: tensor<1xi32>) -> tensor<3xi32> {
  %y = dl.concatenate %a, %b axis 0 : (tensor<2xi32>, tensor<1xi32>) -> tensor<3xi32>
  return %y : tensor<3xi32>
}

func.func @columns(%m: index, %n: index,
    %a: tensor<?x?xf64> {dl.shape = ["m", "n"]}, %b: tensor<?x2xf64> {dl.shape = ["m", "2"]})
    -> (tensor<?x?xf64> {dl.shape = ["m", "n + 2"]}) attributes {dl.dims = ["m", "n"]} {
  %y = dl.concatenate %a, %b axis 1 : (tensor<?x?xf64>, tensor<?x2xf64>) -> tensor<?x?xf64>
  return %y : tensor<?x?xf64>
}

func.func @three(%a: tensor<1xi1>, %b: tensor<1xi1>, %c: tensor<1xi1>) -> tensor<3xi1> {
  %y = dl.concatenate %a, %b, %c axis 0 : (tensor<1xi1>, tensor<1xi1>, tensor<1xi1>) -> tensor<3xi1>
  return %y : tensor<3xi1>
}

func.func @nothing(%a: tensor<0x4xf64>, %b: tensor<0x9xf64>) -> tensor<0x13xf64> {
  %y = dl.concatenate %a, %b axis 1 : (tensor<0x4xf64>, tensor<0x9xf64>) -> tensor<0x13xf64>
  return %y : tensor<0x13xf64>
}

// -----

func.func @c1(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{C1: axis 1 is outside rank 1}}
  %y = dl.concatenate %a axis 1 : (tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

func.func @c2_part(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) -> tensor<4x3xf32> {
  // expected-error @+1 {{C2: shape should be [2, 3], is [2, 4]}}
  %y = dl.concatenate %a, %b axis 0 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

func.func @c2_sum(%a: tensor<2xf32>, %b: tensor<3xf32>) -> tensor<6xf32> {
  // expected-error @+1 {{C2: shape should be [5], is [6]}}
  %y = dl.concatenate %a, %b axis 0 : (tensor<2xf32>, tensor<3xf32>) -> tensor<6xf32>
  return %y : tensor<6xf32>
}

// -----

func.func @of_two_types(%a: tensor<2xf32>, %b: tensor<3xf64>) -> tensor<5xf32> {
  // expected-error @+1 {{element types differ: 'f64' and 'f32'}}
  %y = dl.concatenate %a, %b axis 0 : (tensor<2xf32>, tensor<3xf64>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}
