// Derivatives whose loops become nests, so that they keep less: of the square root of the rounds, of its third root, in
// derivatives of derivatives, and where a callee is copied.
// GRADCHECK: @square_root tol=1e-6
// GRADCHECK: @third_root tol=1e-6
// GRADCHECK: @at_a_number tol=1e-6 wrt=0,1 int=(0,30)
// GRADCHECK: @with_value tol=1e-6

func.func private @chain(%x: tensor<3xf64>, %w: tensor<3xf64>) -> tensor<f64> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = arith.constant 30 : index
  %tenth = dl.constant dense<0.1> : tensor<f64>
  %y = scf.for %i = %c1 to %n step %c2 iter_args(%a = %x) -> tensor<3xf64> {
    %j = dl.dim_value %i : tensor<i64>
    %k = dl.convert %j : tensor<i64> -> tensor<f64>
    %l = dl.mul %k, %tenth : tensor<f64>
    %m = dl.broadcast %l axes [] sizes() : tensor<f64> -> tensor<3xf64>
    %p = dl.mul %a, %w : tensor<3xf64>
    %q = dl.sin %p : tensor<3xf64>
    %r = dl.add %q, %m : tensor<3xf64>
    scf.yield %r : tensor<3xf64>
  }
  %s = dl.reduce "sum" %y axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}

func.func @square_root(%x: tensor<3xf64>, %w: tensor<3xf64>) -> tensor<3xf64>
    attributes {dl.loop_depth = 2 : i64} {
  %g = dl.grad @chain(%x, %w) wrt [1] : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}

func.func @third_root(%x: tensor<3xf64>, %w: tensor<3xf64>) -> tensor<3xf64>
    attributes {dl.loop_depth = 3 : i64} {
  %g = dl.grad @chain(%x, %w) wrt [0] : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  return %g : tensor<3xf64>
}

func.func @with_value(%x: tensor<3xf64>, %w: tensor<3xf64>) -> tensor<f64>
    attributes {dl.loop_depth = 4 : i64} {
  %y:2 = dl.grad @chain(%x, %w) wrt [0] value : (tensor<3xf64>, tensor<3xf64>) -> (tensor<f64>, tensor<3xf64>)
  %s = dl.reduce "sum" %y#1 axes [0] : tensor<3xf64> -> tensor<f64>
  %p = dl.mul %s, %y#0 : tensor<f64>
  return %p : tensor<f64>
}

func.func private @counted(%x: tensor<3xf64>, %w: tensor<3xf64>, %n: tensor<i64>) -> tensor<f64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.extract %n[] : tensor<i64>
  %m = arith.index_cast %e : i64 to index
  %y = scf.for %i = %c0 to %m step %c1 iter_args(%a = %x) -> tensor<3xf64> {
    %b = scf.for %j = %c0 to %i step %c1 iter_args(%b = %a) -> tensor<3xf64> {
      %p = dl.mul %b, %w : tensor<3xf64>
      %q = dl.sin %p : tensor<3xf64>
      scf.yield %q : tensor<3xf64>
    }
    scf.yield %b : tensor<3xf64>
  }
  %s = dl.reduce "sum" %y axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}

func.func private @inner(%x: tensor<3xf64>, %w: tensor<3xf64>, %n: tensor<i64>) -> tensor<f64> {
  %g = dl.grad @counted(%x, %w, %n) wrt [1] : (tensor<3xf64>, tensor<3xf64>, tensor<i64>) -> tensor<3xf64>
  %s = dl.reduce "sum" %g axes [0] : tensor<3xf64> -> tensor<f64>
  return %s : tensor<f64>
}

func.func @at_a_number(%x: tensor<3xf64>, %w: tensor<3xf64>, %n: tensor<i64>) -> tensor<f64>
    attributes {dl.loop_depth = 2 : i64} {
  %most = dl.constant dense<12> : tensor<i64>
  %m = dl.minimum %n, %most : tensor<i64>
  %y = call @inner(%x, %w, %m) : (tensor<3xf64>, tensor<3xf64>, tensor<i64>) -> tensor<f64>
  return %y : tensor<f64>
}
