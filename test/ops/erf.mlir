// dl.erf: error function.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER
// ULP: 4

// EVAL: @erf([0.0, 0.5, -1.25, inf]) ~= [0.0, 0.5204998778130465, -0.9229001282564582, 1.0]
// EVAL: @erf_dynamic(4, [0.0, 0.5, -1.25, inf]) ~= [0.0, 0.5204998778130465, -0.9229001282564582, 1.0]
// EVAL: @erf_dynamic(0, []) == []
// GRADCHECK: @erf_dynamic(5) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @erf(
// CHECK: dl.erf %{{.*}} : tensor<4xf32>
// LOWER-LABEL: func.func @erf(
// LOWER: linalg.generic
// LOWER: math.erf
func.func @erf(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.erf %x : tensor<4xf32>
  return %y : tensor<4xf32>
}

func.func @erf_dynamic(%n: index, %x: tensor<?xf64>) -> tensor<?xf64> {
  %y = dl.erf %x : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_integers(%x: tensor<4xi32>) -> tensor<4xi32> {
  // expected-error @+1 {{operand #0 must be ranked tensor of float values, but got 'tensor<4xi32>'}}
  %y = dl.erf %x : tensor<4xi32>
  return %y : tensor<4xi32>
}
