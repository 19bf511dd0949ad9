// dl.vjp: cotangents times a function's Jacobian; expanded by expand-derivatives.
// RUN: dlc-opt %s | FileCheck %s

// RUN: dlc-opt %s --expand-derivatives | FileCheck %s --check-prefix=EXPANDED
//
// EVAL: @pulled_back([1.0, -2.0, 0.5], [1.0, 10.0, 100.0]) == [2.0, -40.0, 100.0]
// EVAL: @two_results(2, [3.0, 4.0], 10.0, [1.0, 2.0]) == [16.0, 26.0]
// EVAL: @two_results(0, [], 10.0, []) == []
// GRADCHECK: @second tol=1e-5

// CHECK-LABEL: func.func @pulled_back(
// CHECK: dl.vjp @square(%{{.*}}, %{{.*}}) wrt [0] : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// EXPANDED-LABEL: func.func @pulled_back(
// EXPANDED-NOT: dl.vjp
// EXPANDED: call @square__vjp_0(%arg0, %arg1)
func.func @pulled_back(%x: tensor<3xf32>, %u: tensor<3xf32>) -> tensor<3xf32> {
  %y = dl.vjp @square(%x, %u) wrt [0] : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

func.func private @square(%x: tensor<3xf32>) -> tensor<3xf32> {
  %y = dl.mul %x, %x : tensor<3xf32>
  return %y : tensor<3xf32>
}

// A cotangent for each float result; the result between them is an integer, and has none.
func.func @two_results(%n: index, %x: tensor<?xf64>, %u: tensor<f64>, %v: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.vjp @three(%n, %x, %u, %v) wrt [0] : (index, tensor<?xf64>, tensor<f64>, tensor<?xf64>) -> tensor<?xf64>
  return %y : tensor<?xf64>
}

func.func private @three(%n: index, %x: tensor<?xf64>) -> (tensor<f64>, tensor<i64>, tensor<?xf64>) {
  %s = dl.reduce "sum" %x axes [0] : tensor<?xf64> -> tensor<f64>
  %i = dl.dim_value %n : tensor<i64>
  %y = dl.mul %x, %x : tensor<?xf64>
  return %s, %i, %y : tensor<f64>, tensor<i64>, tensor<?xf64>
}

func.func @second(%x: tensor<4xf64>, %u: tensor<4xf64>) -> tensor<4xf64> {
  %y = dl.vjp @sine(%x, %u) wrt [0] : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %y : tensor<4xf64>
}

func.func private @sine(%x: tensor<4xf64>) -> tensor<4xf64> {
  %s = dl.sin %x : tensor<4xf64>
  %y = dl.mul %s, %x : tensor<4xf64>
  return %y : tensor<4xf64>
}
