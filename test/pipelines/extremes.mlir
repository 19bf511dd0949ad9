// Largest and smallest elements of rows in which one element, in each row another, decides: NaN, and a zero of the
// sign that wins over all others. Counted are the rows of which the result is that element.
// EVAL: @largest(1, 0.0, -0.0) == 1, 0
// EVAL: @largest(40, 0.0, -0.0) == 40, 0
// EVAL: @largest(333, 0.0, -0.0) == 333, 0
// EVAL: @largest(333, 0.0, -1.0) == 333, 0
// EVAL: @largest(333, -0.0, -1.0) == 333, 0
// EVAL: @largest(333, inf, 1e38) == 333, 0
// EVAL: @largest(333, nan, inf) == 0, 333
// EVAL: @largest(333, 1.0, nan) == 0, 333
// EVAL: @largest(40, nan, -inf) == 0, 40
// EVAL: @smallest(1, -0.0, 0.0) == 1, 0
// EVAL: @smallest(40, -0.0, 0.0) == 40, 0
// EVAL: @smallest(333, -0.0, 0.0) == 333, 0
// EVAL: @smallest(333, 0.0, 1.0) == 333, 0
// EVAL: @smallest(333, -0.0, 1.0) == 333, 0
// EVAL: @smallest(333, -inf, -1e38) == 333, 0
// EVAL: @smallest(333, nan, -inf) == 0, 333
// EVAL: @smallest_known(-0.0, 0.0) == 100, 0
// EVAL: @smallest_known(nan, -inf) == 0, 100

func.func @largest(%n: index, %special: tensor<f32>, %other: tensor<f32>) -> (tensor<i64>, tensor<i64>) attributes {dl.dims = ["n"]} {
  %one = dl.constant dense<1.0> : tensor<f32>
  %place = dl.iota axis 0 sizes(%n) : tensor<?xi32>
  %row = dl.broadcast %place axes [0] sizes(%n, %n) : tensor<?xi32> -> tensor<?x?xi32>
  %column = dl.broadcast %place axes [1] sizes(%n, %n) : tensor<?xi32> -> tensor<?x?xi32>
  %here = dl.equal %row, %column : tensor<?x?xi32> -> tensor<?x?xi1>
  %a = dl.broadcast %special axes [] sizes(%n, %n) : tensor<f32> -> tensor<?x?xf32>
  %b = dl.broadcast %other axes [] sizes(%n, %n) : tensor<f32> -> tensor<?x?xf32>
  %x = dl.select %here, %a, %b : tensor<?x?xi1>, tensor<?x?xf32>
  %found = dl.reduce "max" %x axes [1] : tensor<?x?xf32> -> tensor<?xf32>
  // Only the reciprocal tells zeros apart.
  %ones = dl.broadcast %one axes [] sizes(%n) : tensor<f32> -> tensor<?xf32>
  %reciprocals = dl.div %ones, %found : tensor<?xf32>
  %wanted = dl.div %one, %special : tensor<f32>
  %all_wanted = dl.broadcast %wanted axes [] sizes(%n) : tensor<f32> -> tensor<?xf32>
  %right = dl.equal %reciprocals, %all_wanted : tensor<?xf32> -> tensor<?xi1>
  %rights = dl.convert %right : tensor<?xi1> -> tensor<?xi64>
  %count = dl.reduce "sum" %rights axes [0] : tensor<?xi64> -> tensor<i64>
  %nan = dl.isnan %found : tensor<?xf32> -> tensor<?xi1>
  %nans = dl.convert %nan : tensor<?xi1> -> tensor<?xi64>
  %nan_count = dl.reduce "sum" %nans axes [0] : tensor<?xi64> -> tensor<i64>
  return %count, %nan_count : tensor<i64>, tensor<i64>
}

func.func @smallest(%n: index, %special: tensor<f32>, %other: tensor<f32>) -> (tensor<i64>, tensor<i64>) attributes {dl.dims = ["n"]} {
  %one = dl.constant dense<1.0> : tensor<f32>
  %place = dl.iota axis 0 sizes(%n) : tensor<?xi32>
  %row = dl.broadcast %place axes [0] sizes(%n, %n) : tensor<?xi32> -> tensor<?x?xi32>
  %column = dl.broadcast %place axes [1] sizes(%n, %n) : tensor<?xi32> -> tensor<?x?xi32>
  %here = dl.equal %row, %column : tensor<?x?xi32> -> tensor<?x?xi1>
  %a = dl.broadcast %special axes [] sizes(%n, %n) : tensor<f32> -> tensor<?x?xf32>
  %b = dl.broadcast %other axes [] sizes(%n, %n) : tensor<f32> -> tensor<?x?xf32>
  %x = dl.select %here, %a, %b : tensor<?x?xi1>, tensor<?x?xf32>
  %found = dl.reduce "min" %x axes [1] : tensor<?x?xf32> -> tensor<?xf32>
  // Only the reciprocal tells zeros apart.
  %ones = dl.broadcast %one axes [] sizes(%n) : tensor<f32> -> tensor<?xf32>
  %reciprocals = dl.div %ones, %found : tensor<?xf32>
  %wanted = dl.div %one, %special : tensor<f32>
  %all_wanted = dl.broadcast %wanted axes [] sizes(%n) : tensor<f32> -> tensor<?xf32>
  %right = dl.equal %reciprocals, %all_wanted : tensor<?xf32> -> tensor<?xi1>
  %rights = dl.convert %right : tensor<?xi1> -> tensor<?xi64>
  %count = dl.reduce "sum" %rights axes [0] : tensor<?xi64> -> tensor<i64>
  %nan = dl.isnan %found : tensor<?xf32> -> tensor<?xi1>
  %nans = dl.convert %nan : tensor<?xi1> -> tensor<?xi64>
  %nan_count = dl.reduce "sum" %nans axes [0] : tensor<?xi64> -> tensor<i64>
  return %count, %nan_count : tensor<i64>, tensor<i64>
}

func.func @smallest_known(%special: tensor<f64>, %other: tensor<f64>) -> (tensor<i64>, tensor<i64>) {
  %one = dl.constant dense<1.0> : tensor<f64>
  %place = dl.iota axis 0 sizes() : tensor<100xi32>
  %row = dl.broadcast %place axes [0] sizes() : tensor<100xi32> -> tensor<100x100xi32>
  %column = dl.broadcast %place axes [1] sizes() : tensor<100xi32> -> tensor<100x100xi32>
  %here = dl.equal %row, %column : tensor<100x100xi32> -> tensor<100x100xi1>
  %a = dl.broadcast %special axes [] sizes() : tensor<f64> -> tensor<100x100xf64>
  %b = dl.broadcast %other axes [] sizes() : tensor<f64> -> tensor<100x100xf64>
  %x = dl.select %here, %a, %b : tensor<100x100xi1>, tensor<100x100xf64>
  %found = dl.reduce "min" %x axes [1] : tensor<100x100xf64> -> tensor<100xf64>
  // Only the reciprocal tells zeros apart.
  %ones = dl.broadcast %one axes [] sizes() : tensor<f64> -> tensor<100xf64>
  %reciprocals = dl.div %ones, %found : tensor<100xf64>
  %wanted = dl.div %one, %special : tensor<f64>
  %all_wanted = dl.broadcast %wanted axes [] sizes() : tensor<f64> -> tensor<100xf64>
  %right = dl.equal %reciprocals, %all_wanted : tensor<100xf64> -> tensor<100xi1>
  %rights = dl.convert %right : tensor<100xi1> -> tensor<100xi64>
  %count = dl.reduce "sum" %rights axes [0] : tensor<100xi64> -> tensor<i64>
  %nan = dl.isnan %found : tensor<100xf64> -> tensor<100xi1>
  %nans = dl.convert %nan : tensor<100xi1> -> tensor<100xi64>
  %nan_count = dl.reduce "sum" %nans axes [0] : tensor<100xi64> -> tensor<i64>
  return %count, %nan_count : tensor<i64>, tensor<i64>
}
