// dl.log: natural logarithm.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @log([1.0, 10.0, 0.0, -1.0]) ~= [0.0, 2.3025851, -inf, nan]
// EVAL: @log_dynamic(4, [1.0, 10.0, 0.0, -1.0]) ~= [0.0, 2.302585092994046, -inf, nan]
// EVAL: @log_dynamic(0, []) == []
// GRADCHECK: @log_dynamic(5) domain=(0.5,2) tol=1e-6

// CHECK-LABEL: func.func @log(
// CHECK: dl.log %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @log(
// LOWER: linalg.generic
// LOWER: math.log
func.func @log(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.log %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @log_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.log %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.log %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
