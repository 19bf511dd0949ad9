// dl.rsqrt: 1 / sqrt(x).
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 2

// EVAL: @rsqrt([0.25, 4.0, 1.0, 0.0]) ~= [2.0, 0.5, 1.0, inf]
// EVAL: @rsqrt_dynamic(4, [0.25, 4.0, 1.0, 0.0]) ~= [2.0, 0.5, 1.0, inf]
// EVAL: @rsqrt_dynamic(0, []) == []
// GRADCHECK: @rsqrt_dynamic(5) domain=(0.5,2) tol=1e-6

// CHECK-LABEL: func.func @rsqrt(
// CHECK: dl.rsqrt %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @rsqrt(
// LOWER: linalg.generic
// LOWER: math.sqrt
func.func @rsqrt(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.rsqrt %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @rsqrt_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.rsqrt %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.rsqrt %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
