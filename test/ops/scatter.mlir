// dl.scatter: x with the slices of updates added or put at ids along an axis.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @rows([[1, 2], [3, 4]], [1, 1, -2], [[10, 20], [30, 40], [50, 60]]) == [[51, 62], [43, 64]]
// EVAL: @dynamic(3, [1.0, 2.0, 3.0], [0, 2, 0], [1.0, 2.0, 4.0]) == [6.0, 2.0, 5.0]
// EVAL: @dynamic(0, [1.0, 2.0, 3.0], [], []) == [1.0, 2.0, 3.0]
// EVAL: @wraps([100, 0], [0, 0], [100, 57]) == [1, 0]
// EVAL-ERROR: @wraps([100, 0], [0, 2], [100, 57]) index 2 is outside a dim of 2
// GRADCHECK: @dynamic(4) domain=(-2,2) int=(-3,3) tol=1e-6
// GRADCHECK: @columns domain=(-2,2) int=(0,3) tol=1e-6

// EVAL: @put([1.0, 2.0, 3.0], [2, 0, -1], [10.0, 20.0, 30.0]) == [20.0, 2.0, 30.0]
// EVAL: @put_rows(2, [[true, true], [false, false]], [[0, 1], [-1, 1]], [[[true, false], [true, false]], [[false, false], [false, true]]]) == [[true, false], [false, true]]
// EVAL: @put_columns(2, [[1, 2, 3], [4, 5, 6]], [2, 2], [[7, 8], [9, 10]]) == [[1, 2, 8], [4, 5, 10]]
// EVAL: @put_columns(0, [], [2, 2], []) == []
// EVAL: @put_nothing(2, [], [0, 1], []) == []
// EVAL-ERROR: @put([1.0, 2.0, 3.0], [2, 3, 0], [1.0, 2.0, 3.0]) index 3 is outside a dim of 3
// GRADCHECK: @put domain=(-2,2) int=(-3,3) tol=1e-6
// GRADCHECK: @put_middle(2) domain=(-2,2) int=(0,3) tol=1e-6

// CHECK-LABEL: func.func @rows(
// CHECK: dl.scatter "add" %{{.*}}, %{{.*}}, %{{.*}} axis 0 : tensor<2x2xf32>, tensor<3xi32>, tensor<3x2xf32>
// LOWER-LABEL: func.func @rows(
// LOWER-NOT: dl.scatter
// LOWER: return
func.func @rows(%x: tensor<2x2xf32>, %i: tensor<3xi32>, %u: tensor<3x2xf32>) -> tensor<2x2xf32> {
  %y = dl.scatter "add" %x, %i, %u axis 0 : tensor<2x2xf32>, tensor<3xi32>, tensor<3x2xf32>
  return %y : tensor<2x2xf32>
}

func.func @dynamic(%n: index, %x: tensor<3xf64>, %i: tensor<?xi64>, %u: tensor<?xf64>) -> tensor<3xf64> {
  %y = dl.scatter "add" %x, %i, %u axis 0 : tensor<3xf64>, tensor<?xi64>, tensor<?xf64>
  return %y : tensor<3xf64>
}

func.func @wraps(%x: tensor<2xui8>, %i: tensor<2xui32>, %u: tensor<2xui8>) -> tensor<2xui8> {
  %y = dl.scatter "add" %x, %i, %u axis 0 : tensor<2xui8>, tensor<2xui32>, tensor<2xui8>
  return %y : tensor<2xui8>
}

func.func @columns(%x: tensor<2x3xf64>, %i: tensor<4xi32>, %u: tensor<2x4xf64>) -> tensor<2x3xf64> {
  %y = dl.scatter "add" %x, %i, %u axis 1 : tensor<2x3xf64>, tensor<4xi32>, tensor<2x4xf64>
  return %y : tensor<2x3xf64>
}

// CHECK-LABEL: func.func @put(
// CHECK: dl.scatter "set" %{{.*}}, %{{.*}}, %{{.*}} axis 0 : tensor<3xf64>, tensor<3xi32>, tensor<3xf64>
// LOWER-LABEL: func.func @put(
// LOWER: tensor.insert
func.func @put(%x: tensor<3xf64>, %i: tensor<3xi32>, %u: tensor<3xf64>) -> tensor<3xf64> {
  %y = dl.scatter "set" %x, %i, %u axis 0 : tensor<3xf64>, tensor<3xi32>, tensor<3xf64>
  return %y : tensor<3xf64>
}

func.func @put_rows(%n: index, %x: tensor<?x2xi1> {dl.shape = ["n", "2"]}, %i: tensor<2x2xi64>, %u: tensor<2x2x2xi1>)
    -> (tensor<?x2xi1> {dl.shape = ["n", "2"]}) attributes {dl.dims = ["n"]} {
  %y = dl.scatter "set" %x, %i, %u axis 0 : tensor<?x2xi1>, tensor<2x2xi64>, tensor<2x2x2xi1>
  return %y : tensor<?x2xi1>
}

func.func @put_columns(%n: index, %x: tensor<?x3xui8> {dl.shape = ["n", "3"]}, %i: tensor<2xui8>, %u: tensor<?x2xui8> {dl.shape = ["n", "2"]})
    -> (tensor<?x3xui8> {dl.shape = ["n", "3"]}) attributes {dl.dims = ["n"]} {
  %y = dl.scatter "set" %x, %i, %u axis 1 : tensor<?x3xui8>, tensor<2xui8>, tensor<?x2xui8>
  return %y : tensor<?x3xui8>
}

func.func @put_nothing(%n: index, %x: tensor<0x?xf64> {dl.shape = ["0", "n"]}, %i: tensor<2xi32>, %u: tensor<0x2xf64>)
    -> (tensor<0x?xf64> {dl.shape = ["0", "n"]}) attributes {dl.dims = ["n"]} {
  %y = dl.scatter "set" %x, %i, %u axis 1 : tensor<0x?xf64>, tensor<2xi32>, tensor<0x2xf64>
  return %y : tensor<0x?xf64>
}

func.func @put_middle(%n: index, %x: tensor<2x3x2xf64>, %i: tensor<?x2xi32> {dl.shape = ["n", "2"]}, %u: tensor<2x?x2x2xf64> {dl.shape = ["2", "n", "2", "2"]})
    -> tensor<2x3x2xf64> attributes {dl.dims = ["n"]} {
  %y = dl.scatter "set" %x, %i, %u axis 1 : tensor<2x3x2xf64>, tensor<?x2xi32>, tensor<2x?x2x2xf64>
  return %y : tensor<2x3x2xf64>
}

// -----

func.func @c1(%x: tensor<3xf32>, %i: tensor<2xi32>, %u: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{C1: axis 1 is outside rank 1}}
  %y = dl.scatter "add" %x, %i, %u axis 1 : tensor<3xf32>, tensor<2xi32>, tensor<2xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c2(%x: tensor<3x4xf32>, %i: tensor<2xi32>, %u: tensor<2x3xf32>) -> tensor<3x4xf32> {
  // expected-error @+1 {{C2: shape should be [2, 4], is [2, 3]}}
  %y = dl.scatter "add" %x, %i, %u axis 0 : tensor<3x4xf32>, tensor<2xi32>, tensor<2x3xf32>
  return %y : tensor<3x4xf32>
}

// -----

func.func @kind(%x: tensor<3xf32>, %i: tensor<2xi32>, %u: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{failed to verify that C2: the kind is one of add, set}}
  %y = dl.scatter "max" %x, %i, %u axis 0 : tensor<3xf32>, tensor<2xi32>, tensor<2xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @c3(%x: tensor<3xi1>, %i: tensor<2xi32>, %u: tensor<2xi1>) -> tensor<3xi1> {
  // expected-error @+1 {{failed to verify that C3: truth values are set, not added}}
  %y = dl.scatter "add" %x, %i, %u axis 0 : tensor<3xi1>, tensor<2xi32>, tensor<2xi1>
  return %y : tensor<3xi1>
}
