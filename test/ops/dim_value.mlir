// dl.dim_value: a dim's name used as a number.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @dim(7) == 7
// EVAL: @dim(0) == 0
// EVAL: @mean(4, [1.0, 2.0, 3.0, 6.0]) == 3.0

// CHECK-LABEL: func.func @dim(
// CHECK: dl.dim_value %{{.*}} : tensor<i64>
// LOWER-LABEL: func.func @dim(
// LOWER: arith.index_cast
func.func @dim(%n: index) -> tensor<i64> {
  %y = dl.dim_value %n : tensor<i64>
  return %y : tensor<i64>
}

func.func @mean(%n: index, %x: tensor<?xf32>) -> tensor<f32> {
  %s = dl.reduce "sum" %x axes [0] : tensor<?xf32> -> tensor<f32>
  %d = dl.dim_value %n : tensor<i64>
  %c = dl.convert %d : tensor<i64> -> tensor<f32>
  %y = dl.div %s, %c : tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @to_i32(%n: index) -> tensor<i32> {
  // expected-error @+1 {{result #0 must be ranked tensor of 64-bit signless integer values, but got 'tensor<i32>'}}
  %y = dl.dim_value %n : tensor<i32>
  return %y : tensor<i32>
}
