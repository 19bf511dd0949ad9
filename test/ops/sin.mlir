// dl.sin: sine of an angle in radians.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @sin([0.0, 1.0, -2.0, 100.0]) ~= [0.0, 0.841471, -0.9092974, -0.50636566]
// EVAL: @sin_dynamic(4, [0.0, 1.0, -2.0, 100.0]) ~= [0.0, 0.8414709848078965, -0.9092974268256817, -0.5063656411097588]
// EVAL: @sin_dynamic(0, []) == []
// GRADCHECK: @sin_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @sin(
// CHECK: dl.sin %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @sin(
// LOWER: linalg.generic
// LOWER: math.sin
func.func @sin(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.sin %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @sin_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.sin %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.sin %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
