// A window of one element is a loop over elements that goes on from a start; what it makes is read beside its operand.
// EVAL: @beside([5.0, -3.0, 0.0, 1.0]) == [10.0, -6.0, 0.0, 2.0]

func.func @beside(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = dl.reduce_window "max" %x window [1] strides [1] dilations [1] sizes() : tensor<4xf32> -> tensor<4xf32>
  %z = dl.neg %y : tensor<4xf32>
  %n = dl.neg %z : tensor<4xf32>
  %s = dl.add %n, %x : tensor<4xf32>
  return %s : tensor<4xf32>
}
