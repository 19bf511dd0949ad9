// Branches gone through backwards, each side taken: what a side does not read keeps what the rest of the function gives it.
// GRADCHECK: @chosen domain=(0.2,0.9) tol=1e-6
// GRADCHECK: @chosen domain=(-0.9,-0.2) tol=1e-6
// GRADCHECK: @in_a_loop(3) domain=(0.2,0.9) tol=1e-6
// GRADCHECK: @in_a_loop(3) domain=(-0.9,-0.2) tol=1e-6

// The first side reads x alone, the second w alone; both are read before and after.
func.func @chosen(%x: tensor<3xf64>, %w: tensor<3xf64>) -> tensor<3xf64> {
  %zero = dl.constant dense<0.0> : tensor<f64>
  %sum = dl.reduce "sum" %x axes [0] : tensor<3xf64> -> tensor<f64>
  %positive = dl.greater %sum, %zero : tensor<f64> -> tensor<i1>
  %k = tensor.extract %positive[] : tensor<i1>
  %before = dl.mul %x, %w : tensor<3xf64>
  %r = scf.if %k -> (tensor<3xf64>) {
    %a = dl.mul %x, %x : tensor<3xf64>
    %b = dl.mul %a, %before : tensor<3xf64>
    scf.yield %b : tensor<3xf64>
  } else {
    %a = dl.sin %w : tensor<3xf64>
    scf.yield %a : tensor<3xf64>
  }
  %s = dl.mul %r, %x : tensor<3xf64>
  %t = dl.mul %s, %w : tensor<3xf64>
  %y = dl.add %t, %before : tensor<3xf64>
  return %y : tensor<3xf64>
}

// One side passes on what the loop carries.
func.func @in_a_loop(%n: index, %x: tensor<?xf64>, %w: tensor<f64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = dl.constant dense<0.0> : tensor<1xf64>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %w) -> (tensor<f64>) {
    %v = dl.slice %x starts(%i) strides [1] sizes() : tensor<?xf64> -> tensor<1xf64>
    %above = dl.greater %v, %zero : tensor<1xf64> -> tensor<1xi1>
    %k = tensor.extract %above[%c0] : tensor<1xi1>
    %u = scf.if %k -> (tensor<f64>) {
      %s = dl.reshape %v sizes() : tensor<1xf64> -> tensor<f64>
      %p = dl.mul %s, %a : tensor<f64>
      %q = dl.add %p, %w : tensor<f64>
      scf.yield %q : tensor<f64>
    } else {
      scf.yield %a : tensor<f64>
    }
    %z = dl.mul %u, %w : tensor<f64>
    scf.yield %z : tensor<f64>
  }
  return %r : tensor<f64>
}
