// dl.sqrt: square root.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @sqrt([0.0, 4.0, 2.25, -1.0]) == [0.0, 2.0, 1.5, nan]
// EVAL: @sqrt_dynamic(4, [0.0, 4.0, 2.25, -1.0]) == [0.0, 2.0, 1.5, nan]
// EVAL: @sqrt_dynamic(0, []) == []
// GRADCHECK: @sqrt_dynamic(5) domain=(0.5,2) tol=1e-6

// CHECK-LABEL: func.func @sqrt(
// CHECK: dl.sqrt %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @sqrt(
// LOWER: linalg.generic
// LOWER: math.sqrt
func.func @sqrt(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.sqrt %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @sqrt_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.sqrt %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.sqrt %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
