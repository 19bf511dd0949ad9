// dl.optimization_barrier: a value that nothing looks through, until tensors become memory.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --canonicalize --cse --simplify-dl | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @again(2, [1.0, 2.0], [0.0, 0.0]) == [2.0, 4.0]
// EVAL: @again(0, [], []) == []
// GRADCHECK: @twice

// CHECK-LABEL: func.func @again(
// CHECK: dl.tanh %arg1
// CHECK: %[[AGAIN:.*]] = dl.optimization_barrier %arg1 after %arg2 : tensor<?xf32>, tensor<?xf32>
// CHECK: dl.tanh %[[AGAIN]]
// LOWER-LABEL: func.func @again(
// LOWER: dl.optimization_barrier
func.func @again(%n: index, %x: tensor<?xf32>, %ct: tensor<?xf32>) -> tensor<?xf32> {
  %a = dl.tanh %x : tensor<?xf32>
  %again = dl.optimization_barrier %x after %ct : tensor<?xf32>, tensor<?xf32>
  %b = dl.tanh %again : tensor<?xf32>
  %d = dl.sub %a, %b : tensor<?xf32>
  %two = dl.add %x, %again : tensor<?xf32>
  %y = dl.add %two, %d : tensor<?xf32>
  return %y : tensor<?xf32>
}

// A derivative goes through to x, and not to what it waits for. A register needs no barrier.
// LOWER-LABEL: func.func @twice(
// LOWER-NOT: dl.optimization_barrier
func.func @twice(%x: tensor<f64>, %w: tensor<f64>) -> tensor<f64> {
  %a = dl.sin %x : tensor<f64>
  %b = dl.optimization_barrier %a after %a : tensor<f64>, tensor<f64>
  %c = dl.mul %b, %w : tensor<f64>
  return %c : tensor<f64>
}

// -----

func.func @other_type(%x: tensor<2xf32>) -> tensor<3xf32> {
  // expected-error @+1 {{failed to verify that all of {x, y} have same type}}
  %y = "dl.optimization_barrier"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}
