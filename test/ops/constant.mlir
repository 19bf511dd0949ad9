// dl.constant: a tensor known at compile time.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @scalar() == 1.5
// EVAL: @splat() == [[7, 7], [7, 7]]
// EVAL: @numbers() == [-128, 127, 0]
// EVAL: @bools() == [true, false, true, true, false, true, false, false, true]
// EVAL: @infinities() == [inf, -inf, nan]
// EVAL: @unsigned() == [18446744073709551615, 0]
// EVAL: @halves() == [0.5, 65504.0], [1.5, -2.0]
// EVAL: @nothing() == []

// CHECK-LABEL: func.func @scalar(
// CHECK: dl.constant dense<1.500000e+00> : tensor<f32>
// LOWER-LABEL: func.func @scalar(
// LOWER-NOT: dl.constant
// LOWER: return
func.func @scalar() -> tensor<f32> {
  %y = dl.constant dense<1.5> : tensor<f32>
  return %y : tensor<f32>
}

func.func @splat() -> tensor<2x2xi32> {
  %y = dl.constant dense<7> : tensor<2x2xi32>
  return %y : tensor<2x2xi32>
}

func.func @numbers() -> tensor<3xi8> {
  %y = dl.constant dense<[-128, 127, 0]> : tensor<3xi8>
  return %y : tensor<3xi8>
}

func.func @bools() -> tensor<9xi1> {
  %y = dl.constant dense<[true, false, true, true, false, true, false, false, true]> : tensor<9xi1>
  return %y : tensor<9xi1>
}

func.func @infinities() -> tensor<3xf32> {
  %y = dl.constant dense<[0x7F800000, 0xFF800000, 0x7FC00000]> : tensor<3xf32>
  return %y : tensor<3xf32>
}

func.func @unsigned() -> tensor<2xui64> {
  %y = dl.constant dense<[18446744073709551615, 0]> : tensor<2xui64>
  return %y : tensor<2xui64>
}

func.func @halves() -> (tensor<2xf16>, tensor<2xbf16>) {
  %a = dl.constant dense<[0.5, 65504.0]> : tensor<2xf16>
  %b = dl.constant dense<[1.5, -2.0]> : tensor<2xbf16>
  return %a, %b : tensor<2xf16>, tensor<2xbf16>
}

func.func @nothing() -> tensor<0xf64> {
  %y = dl.constant dense<> : tensor<0xf64>
  return %y : tensor<0xf64>
}

// -----

func.func @of_indices() -> tensor<2xindex> {
  // expected-error @+1 {{result #0 must be ranked tensor of element values, but got 'tensor<2xindex>'}}
  %y = dl.constant dense<[1, 2]> : tensor<2xindex>
  return %y : tensor<2xindex>
}
