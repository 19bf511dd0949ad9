// dl.fma: a * b + c, rounded once.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// What a product that is rounded first loses is all there is.
// EVAL: @single([1.00000011920928955078125], [1.00000011920928955078125], [-1.0000002384185791015625]) == [1.42108547152020037174224853515625e-14]
// EVAL: @double(3, [inf, nan, 2.0], [0.0, 1.0, 3.0], [1.0, 1.0, -6.0]) == [nan, nan, 0.0]
// GRADCHECK: @double(3) domain=(-2,2) tol=1e-6

// CHECK-LABEL: func.func @single(
// CHECK: dl.fma %{{.*}}, %{{.*}}, %{{.*}} : tensor<1xf32>
// LOWER-LABEL: func.func @single(
// LOWER: math.fma
func.func @single(%a: tensor<1xf32>, %b: tensor<1xf32>, %c: tensor<1xf32>) -> tensor<1xf32> {
  %y = dl.fma %a, %b, %c : tensor<1xf32>
  return %y : tensor<1xf32>
}

func.func @double(%n: index, %a: tensor<?xf64> {dl.shape = ["n"]}, %b: tensor<?xf64> {dl.shape = ["n"]},
    %c: tensor<?xf64> {dl.shape = ["n"]}) -> (tensor<?xf64> {dl.shape = ["n"]}) attributes {dl.dims = ["n"]} {
  %y = dl.fma %a, %b, %c : tensor<?xf64>
  return %y : tensor<?xf64>
}

// -----

func.func @of_halves(%a: tensor<3xf16>) -> tensor<3xf16> {
  // expected-error @+1 {{operand #0 must be ranked tensor of 32-bit float or 64-bit float values, but got 'tensor<3xf16>'}}
  %y = dl.fma %a, %a, %a : tensor<3xf16>
  return %y : tensor<3xf16>
}
