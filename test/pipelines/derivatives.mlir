// Derivatives of ops at points that gradient checks do not meet, on both targets.

// The derivative by the base, and that of its sum by the power: at b = 0 the latter is 1 / a.
func.func private @sum_of_powers(%a: tensor<5xf64>, %b: tensor<5xf64>) -> tensor<f64> {
  %y = dl.pow %a, %b : tensor<5xf64>
  %s = dl.reduce "sum" %y axes [0] : tensor<5xf64> -> tensor<f64>
  return %s : tensor<f64>
}

func.func private @of_base(%a: tensor<5xf64>, %b: tensor<5xf64>) -> tensor<f64> {
  %g = dl.grad @sum_of_powers(%a, %b) wrt [0] : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
  %s = dl.reduce "sum" %g axes [0] : tensor<5xf64> -> tensor<f64>
  return %s : tensor<f64>
}

func.func @slopes(%a: tensor<5xf64>, %b: tensor<5xf64>) -> (tensor<5xf64>, tensor<5xf64>) {
  %g = dl.grad @sum_of_powers(%a, %b) wrt [0] : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
  %h = dl.grad @of_base(%a, %b) wrt [1] : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
  return %g, %h : tensor<5xf64>, tensor<5xf64>
}
// EVAL: @slopes([2.0, 0.0, 0.0, 0.0, 4.0], [0.0, 0.0, 1.0, 2.0, 0.5]) ~= [0.0, 0.0, 1.0, 0.0, 0.25], [0.5, 0.0, 1.0, 0.0, 0.8465735902799727] tol=1e-12

// 0.5 / 0.001 rounds up to 500, and the remainder is made with 499.
func.func private @sum_of_remainders(%a: tensor<3xf64>, %b: tensor<3xf64>) -> tensor<f64> {
  %y = dl.rem %a, %b : tensor<3xf64>
  %s = dl.reduce "sum" %y axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}

func.func @quotients(%a: tensor<3xf64>, %b: tensor<3xf64>) -> tensor<3xf64> {
  %g = dl.grad @sum_of_remainders(%a, %b) wrt [1] : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}
// EVAL: @quotients([0.5, -0.5, 7.0], [0.001, 2.0, 2.0]) == [-499.0, 1.0, -3.0]
