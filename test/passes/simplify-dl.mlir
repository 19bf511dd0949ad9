// RUN: dlc-opt %s --pass-pipeline="builtin.module(func.func(simplify-dl))" --split-input-file | FileCheck %s

// Neutral operands go; x + 0 stays, since it makes 0 of -0.
// CHECK-LABEL: func.func @neutral(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x4xf32>)
// CHECK:         %[[ZERO:.*]] = dl.broadcast
// CHECK:         %[[A:.*]] = dl.add %[[X]], %[[ZERO]]
// CHECK-NEXT:    return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[A]]
func.func @neutral(%n: index, %x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %zero = dl.constant dense<0.0> : tensor<f32>
  %negative_zero = dl.constant dense<-0.0> : tensor<f32>
  %one = dl.constant dense<1.0> : tensor<f32>
  %zeros = dl.broadcast %zero axes [] sizes(%n) : tensor<f32> -> tensor<?x4xf32>
  %negative_zeros = dl.broadcast %negative_zero axes [] sizes(%n) : tensor<f32> -> tensor<?x4xf32>
  %ones = dl.broadcast %one axes [] sizes(%n) : tensor<f32> -> tensor<?x4xf32>
  %a = dl.mul %ones, %x : tensor<?x4xf32>
  %b = dl.div %x, %ones : tensor<?x4xf32>
  %c = dl.sub %x, %zeros : tensor<?x4xf32>
  %d = dl.add %x, %negative_zeros : tensor<?x4xf32>
  %e = dl.pow %x, %ones : tensor<?x4xf32>
  %f = dl.add %x, %zeros : tensor<?x4xf32>
  return %a, %b, %c, %d, %e, %f : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// On integers x + 0 is x, and so are the neutral numbers of half floats known.
// CHECK-LABEL: func.func @neutral_of_other_types(
// CHECK-SAME:    %[[I:[^:]*]]: tensor<i32>, %[[H:[^:]*]]: tensor<f16>, %[[B:[^:]*]]: tensor<bf16>)
// CHECK-NEXT:    return %[[I]], %[[H]], %[[B]]
func.func @neutral_of_other_types(%i: tensor<i32>, %h: tensor<f16>, %b: tensor<bf16>) -> (tensor<i32>, tensor<f16>, tensor<bf16>) {
  %i0 = dl.constant dense<0> : tensor<i32>
  %h1 = dl.constant dense<1.0> : tensor<f16>
  %b1 = dl.constant dense<1.0> : tensor<bf16>
  %x = dl.add %i, %i0 : tensor<i32>
  %y = dl.mul %h, %h1 : tensor<f16>
  %z = dl.div %b, %b1 : tensor<bf16>
  return %x, %y, %z : tensor<i32>, tensor<f16>, tensor<bf16>
}

// CHECK-LABEL: func.func @negated(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<4xf32>, %[[Y:[^:]*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[A:.*]] = dl.sub %[[X]], %[[Y]]
// CHECK-NEXT:    %[[B:.*]] = dl.add %[[X]], %[[Y]]
// CHECK-NEXT:    %[[C:.*]] = dl.mul %[[X]], %[[Y]]
// CHECK-NEXT:    return %[[X]], %[[A]], %[[B]], %[[C]]
func.func @negated(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %minus_x = dl.neg %x : tensor<4xf32>
  %minus_y = dl.neg %y : tensor<4xf32>
  %same = dl.neg %minus_x : tensor<4xf32>
  %a = dl.add %x, %minus_y : tensor<4xf32>
  %b = dl.sub %x, %minus_y : tensor<4xf32>
  %c = dl.mul %minus_x, %minus_y : tensor<4xf32>
  return %same, %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// Only a power of two has an exact reciprocal.
// CHECK-LABEL: func.func @quotients(
// CHECK:         dl.constant dense<6.250000e-02>
// CHECK:         dl.mul
// CHECK:         dl.div
func.func @quotients(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %sixteen = dl.constant dense<16.0> : tensor<f32>
  %three = dl.constant dense<3.0> : tensor<f32>
  %sixteens = dl.broadcast %sixteen axes [] sizes() : tensor<f32> -> tensor<4xf32>
  %threes = dl.broadcast %three axes [] sizes() : tensor<f32> -> tensor<4xf32>
  %a = dl.div %x, %sixteens : tensor<4xf32>
  %b = dl.div %x, %threes : tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @choices(
// CHECK-SAME:    %[[C:[^:]*]]: tensor<4xi1>, %[[X:[^:]*]]: tensor<4xf32>, %[[Y:[^:]*]]: tensor<4xf32>, %[[Z:[^:]*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[NESTED:.*]] = dl.select %[[C]], %[[X]], %[[Z]]
// CHECK-NEXT:    %[[CONTRARY:.*]] = dl.select %[[C]], %[[Y]], %[[X]]
// CHECK-NEXT:    return %[[Y]], %[[X]], %[[NESTED]], %[[CONTRARY]]
func.func @choices(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %two = dl.constant dense<2.0> : tensor<f32>
  %one = dl.constant dense<1.0> : tensor<f32>
  %less = dl.less %two, %one : tensor<f32> -> tensor<i1>
  %never = dl.broadcast %less axes [] sizes() : tensor<i1> -> tensor<4xi1>
  %a = dl.select %never, %x, %y : tensor<4xi1>, tensor<4xf32>
  %b = dl.select %c, %x, %x : tensor<4xi1>, tensor<4xf32>
  %inner = dl.select %c, %x, %y : tensor<4xi1>, tensor<4xf32>
  %nested = dl.select %c, %inner, %z : tensor<4xi1>, tensor<4xf32>
  %not = dl.bitwise_not %c : tensor<4xi1>
  %contrary = dl.select %not, %x, %y : tensor<4xi1>, tensor<4xf32>
  return %a, %b, %nested, %contrary : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// There and back through a wider float; not through a narrower one.
// CHECK-LABEL: func.func @conversions(
// CHECK-SAME:    %[[H:[^:]*]]: tensor<4xbf16>, %[[X:[^:]*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[A:.*]] = dl.convert %[[X]]
// CHECK-NEXT:    %[[B:.*]] = dl.convert %[[A]]
// CHECK-NEXT:    return %[[H]], %[[B]]
func.func @conversions(%h: tensor<4xbf16>, %x: tensor<4xf32>) -> (tensor<4xbf16>, tensor<4xf32>) {
  %a = dl.convert %h : tensor<4xbf16> -> tensor<4xf32>
  %b = dl.convert %a : tensor<4xf32> -> tensor<4xbf16>
  %c = dl.convert %x : tensor<4xf32> -> tensor<4xf16>
  %d = dl.convert %c : tensor<4xf16> -> tensor<4xf32>
  return %b, %d : tensor<4xbf16>, tensor<4xf32>
}

// Arithmetic of constants: 2 * 3 - 1 = 5, on integers too; tanh is left to run time.
// CHECK-LABEL: func.func @constants(
// CHECK-DAG:     %[[T:.*]] = dl.tanh
// CHECK-DAG:     %[[F:.*]] = dl.constant dense<5.000000e+00> : tensor<f32>
// CHECK-DAG:     %[[I:.*]] = dl.constant dense<-1> : tensor<i64>
// CHECK:         return %[[F]], %[[I]], %[[T]]
func.func @constants() -> (tensor<f32>, tensor<i64>, tensor<f32>) {
  %one = dl.constant dense<1.0> : tensor<f32>
  %two = dl.constant dense<2.0> : tensor<f32>
  %three = dl.constant dense<3.0> : tensor<f32>
  %six = dl.mul %two, %three : tensor<f32>
  %five = dl.sub %six, %one : tensor<f32>
  %c7 = arith.constant 7 : index
  %seven = dl.dim_value %c7 : tensor<i64>
  %eight = dl.constant dense<8> : tensor<i64>
  %minus_one = dl.sub %seven, %eight : tensor<i64>
  %t = dl.tanh %one : tensor<f32>
  return %five, %minus_one, %t : tensor<f32>, tensor<i64>, tensor<f32>
}

// An elementwise op is done before the copies are made.
// CHECK-LABEL: func.func @of_broadcasts(
// CHECK-SAME:    %[[N:[^:]*]]: index, %[[X:[^:]*]]: tensor<4xf32>)
// CHECK:         %[[TWO:.*]] = dl.broadcast %{{.*}} axes [] sizes() : tensor<f32> -> tensor<4xf32>
// CHECK-NEXT:    %[[P:.*]] = dl.mul %[[X]], %[[TWO]] : tensor<4xf32>
// CHECK-NEXT:    %[[E:.*]] = dl.exp %[[P]] : tensor<4xf32>
// CHECK-NEXT:    %[[Y:.*]] = dl.broadcast %[[E]] axes [1] sizes(%[[N]])
// CHECK-NEXT:    return %[[Y]]
func.func @of_broadcasts(%n: index, %x: tensor<4xf32>) -> tensor<?x4xf32> {
  %two = dl.constant dense<2.0> : tensor<f32>
  %twos = dl.broadcast %two axes [] sizes(%n) : tensor<f32> -> tensor<?x4xf32>
  %xs = dl.broadcast %x axes [1] sizes(%n) : tensor<4xf32> -> tensor<?x4xf32>
  %p = dl.mul %xs, %twos : tensor<?x4xf32>
  %y = dl.exp %p : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @movements(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<4x8xf32>, %[[N:[^:]*]]: index)
// CHECK-DAG:     %[[B:.*]] = dl.broadcast %[[X]] axes [0, 3] sizes(%[[N]]) : tensor<4x8xf32> -> tensor<4x2x?x8xf32>
// CHECK-DAG:     %[[R:.*]] = dl.reshape %[[X]] sizes() : tensor<4x8xf32> -> tensor<32xf32>
// CHECK:         return %[[X]], %[[X]], %[[B]], %[[R]]
func.func @movements(%x: tensor<4x8xf32>, %n: index) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x2x?x8xf32>, tensor<32xf32>) {
  %t = dl.transpose %x [1, 0] : tensor<4x8xf32> -> tensor<8x4xf32>
  %a = dl.transpose %t [1, 0] : tensor<8x4xf32> -> tensor<4x8xf32>
  %r = dl.reshape %x sizes() : tensor<4x8xf32> -> tensor<2x16xf32>
  %b = dl.reshape %r sizes() : tensor<2x16xf32> -> tensor<4x8xf32>
  %c = dl.broadcast %x axes [0, 2] sizes() : tensor<4x8xf32> -> tensor<4x2x8xf32>
  %d = dl.broadcast %c axes [0, 1, 3] sizes(%n) : tensor<4x2x8xf32> -> tensor<4x2x?x8xf32>
  %e = dl.reshape %r sizes() : tensor<2x16xf32> -> tensor<32xf32>
  return %a, %b, %d, %e : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x2x?x8xf32>, tensor<32xf32>
}

// With one unknown dim the count of elements tells that a reshape keeps the shape; with two only the sizes do.
// CHECK-LABEL: func.func @reshapes_to_the_same(
// CHECK-SAME:    %[[N:[^:]*]]: index, %[[X:[^:]*]]: tensor<?x4xf32>, %[[Y:[^:]*]]: tensor<?x?xf32>)
// CHECK:         %[[KEPT:.*]] = dl.reshape %[[Y]] sizes(%[[N]],
// CHECK:         return %[[X]], %[[KEPT]], %[[Y]]
func.func @reshapes_to_the_same(%n: index, %x: tensor<?x4xf32>, %y: tensor<?x?xf32>) -> (tensor<?x4xf32>, tensor<?x?xf32>, tensor<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d0 = tensor.dim %y, %c0 : tensor<?x?xf32>
  %d1 = tensor.dim %y, %c1 : tensor<?x?xf32>
  %a = dl.reshape %x sizes(%n) : tensor<?x4xf32> -> tensor<?x4xf32>
  %b = dl.reshape %y sizes(%n, %d0) : tensor<?x?xf32> -> tensor<?x?xf32>
  %c = dl.reshape %y sizes(%d0, %d1) : tensor<?x?xf32> -> tensor<?x?xf32>
  return %a, %b, %c : tensor<?x4xf32>, tensor<?x?xf32>, tensor<?x?xf32>
}

// A contraction reads through transposes, and writes them; not where free axes would come in another order.
// CHECK-LABEL: func.func @products(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<2x5x4xf32>, %[[K:[^:]*]]: tensor<2x6x4xf32>, %[[Z:[^:]*]]: tensor<3x5x4xf32>, %[[V:[^:]*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[A:.*]] = dl.dot_general %[[Q]], %[[K]] batch [0] x [0] contract [2] x [2]
// CHECK-NEXT:    %[[B:.*]] = dl.dot_general %[[K]], %[[Q]] batch [0] x [0] contract [2] x [2] : {{.*}} -> tensor<2x6x5xf32>
// CHECK-NEXT:    %[[T:.*]] = dl.transpose %[[Z]] [1, 0, 2]
// CHECK-NEXT:    %[[C:.*]] = dl.dot_general %[[T]], %[[V]] batch [] x [] contract [2] x [0]
// CHECK-NEXT:    return %[[A]], %[[B]], %[[C]]
func.func @products(%q: tensor<2x5x4xf32>, %k: tensor<2x6x4xf32>, %z: tensor<3x5x4xf32>, %v: tensor<4xf32>) -> (tensor<2x5x6xf32>, tensor<2x6x5xf32>, tensor<5x3xf32>) {
  %kt = dl.transpose %k [0, 2, 1] : tensor<2x6x4xf32> -> tensor<2x4x6xf32>
  %a = dl.dot_general %q, %kt batch [0] x [0] contract [2] x [1] : (tensor<2x5x4xf32>, tensor<2x4x6xf32>) -> tensor<2x5x6xf32>
  %once = dl.dot_general %q, %k batch [0] x [0] contract [2] x [2] : (tensor<2x5x4xf32>, tensor<2x6x4xf32>) -> tensor<2x5x6xf32>
  %b = dl.transpose %once [0, 2, 1] : tensor<2x5x6xf32> -> tensor<2x6x5xf32>
  %zt = dl.transpose %z [1, 0, 2] : tensor<3x5x4xf32> -> tensor<5x3x4xf32>
  %c = dl.dot_general %zt, %v batch [] x [] contract [2] x [0] : (tensor<5x3x4xf32>, tensor<4xf32>) -> tensor<5x3xf32>
  return %a, %b, %c : tensor<2x5x6xf32>, tensor<2x6x5xf32>, tensor<5x3xf32>
}

// A dim comes from where it is known, and what is computed for its shape alone is gone.
// CHECK-LABEL: func.func @dims(
// CHECK-SAME:    %[[N:[^:]*]]: index,
// CHECK-NEXT:    return %[[N]]
func.func @dims(%n: index, %x: tensor<4xf32>) -> index {
  %xs = dl.broadcast %x axes [0] sizes(%n) : tensor<4xf32> -> tensor<4x?xf32>
  %y = dl.exp %xs : tensor<4x?xf32>
  %c1 = arith.constant 1 : index
  %d = tensor.dim %y, %c1 : tensor<4x?xf32>
  return %d : index
}

// Each copy is reduced to the same.
// CHECK-LABEL: func.func @reduced_copies(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<4x8xf32>)
// CHECK-NEXT:    %[[S:.*]] = dl.reduce "sum" %[[X]] axes [1]
// CHECK-NEXT:    dl.broadcast %[[S]] axes [1] sizes() : tensor<4xf32> -> tensor<3x4xf32>
func.func @reduced_copies(%x: tensor<4x8xf32>) -> tensor<3x4xf32> {
  %xs = dl.broadcast %x axes [1, 2] sizes() : tensor<4x8xf32> -> tensor<3x4x8xf32>
  %y = dl.reduce "sum" %xs axes [2] : tensor<3x4x8xf32> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
