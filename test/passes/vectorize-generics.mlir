// RUN: dlc-opt %s --split-input-file --vectorize-generics --canonicalize --cse | FileCheck %s

// Two loops over contiguous memory are one; long vectors first, then a masked one of what is left.
// CHECK-LABEL: func.func @chain(
// CHECK:         %[[X:.*]] = memref.collapse_shape %arg0 {{\[\[}}0, 1]]
// CHECK:         %[[N:.*]] = memref.dim
// CHECK:         scf.for {{.*}} step %c64 {
// CHECK:           %[[V:.*]] = vector.load {{.*}} vector<64xf32>
// CHECK:           math.exp %[[V]] : vector<64xf32>
// CHECK:           vector.store
// CHECK:         scf.for {{.*}} step %c16 {
// CHECK:           vector.create_mask
// CHECK:           vector.maskedload
// CHECK:           math.exp {{.*}} : vector<16xf32>
// CHECK:           vector.maskedstore
// CHECK-NOT:     linalg.
#id = affine_map<(i, j) -> (i, j)>
module attributes {dl.target = {cpu = "cascadelake", vector_bits = 512 : i64}} {
  func.func @chain(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
    ^bb0(%a: f32, %out: f32):
      %e = math.exp %a : f32
      linalg.yield %e : f32
    }
    return
  }
}

// -----

// Without masks what is left goes by single registers, then element by element.
// CHECK-LABEL: func.func @narrow(
// CHECK:         scf.for {{.*}} step %c8 {
// CHECK:           vector<8xf32>
// CHECK:         scf.for {{.*}} step %c4 {
// CHECK:           vector<4xf32>
// CHECK:         scf.for {{.*}} step %c1 {
// CHECK:           memref.load
#one = affine_map<(i) -> (i)>
module attributes {dl.target = {cpu = "x86-64", vector_bits = 128 : i64}} {
  func.func @narrow(%x: memref<?xf32>, %y: memref<?xf32>) {
    linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%a: f32, %out: f32):
      %e = arith.addf %a, %a : f32
      linalg.yield %e : f32
    }
    return
  }
}

// -----

// Sums along rows: a vector of sums, whose lanes are added at the end in halves. What a row has in common is
// computed once, outside.
// CHECK-LABEL: func.func @rows(
// CHECK:         scf.for
// CHECK:           math.log %{{.*}} : f32
// CHECK:           %[[SUM:.*]] = scf.for {{.*}} iter_args({{.*}}) -> (vector<64xf32>)
// CHECK:             arith.mulf {{.*}} : vector<64xf32>
// CHECK:           scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>)
// CHECK:             arith.select
// CHECK:           vector.extract_strided_slice
// CHECK:           vector.extract %{{.*}}[0] : f32 from vector<1xf32>
// CHECK:           memref.store
#full = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
module attributes {dl.target = {cpu = "cascadelake", vector_bits = 512 : i64}} {
  func.func @rows(%x: memref<?x?xf32>, %s: memref<?xf32>, %y: memref<?xf32>) {
    linalg.generic {indexing_maps = [#full, #row, #row], iterator_types = ["parallel", "reduction"]}
        ins(%x, %s : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %l = math.log %b : f32
      %p = arith.mulf %a, %l : f32
      %e = arith.addf %out, %p : f32
      linalg.yield %e : f32
    }
    return
  }
}

// -----

// Sums of columns, with the elements kept: rows are read as they lie. A row of 10 is one masked vector.
// CHECK-LABEL: func.func @columns(
// CHECK:         %[[SUM:.*]] = scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>)
// CHECK:           vector.maskedload
// CHECK:           vector.maskedstore
// CHECK:         vector.maskedstore {{.*}}%[[SUM]]
#all = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
module attributes {dl.target = {cpu = "cascadelake", vector_bits = 512 : i64}} {
  func.func @columns(%x: memref<?x10xf32>, %s: memref<10xf32>, %y: memref<?x10xf32>) {
    linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["reduction", "parallel"]}
        ins(%x : memref<?x10xf32>) outs(%s, %y : memref<10xf32>, memref<?x10xf32>) {
    ^bb0(%a: f32, %sum: f32, %out: f32):
      %n = arith.negf %a : f32
      %e = arith.addf %sum, %n : f32
      linalg.yield %e, %n : f32, f32
    }
    return
  }
}

// -----

// A transposed operand is gathered; an index becomes a vector of them.
// CHECK-LABEL: func.func @gathered(
// CHECK:         memref.extract_strided_metadata
// CHECK:         vector.step : vector<{{.*}}xindex>
// CHECK:         vector.gather
#ij = affine_map<(i, j) -> (i, j)>
#ji = affine_map<(i, j) -> (j, i)>
module attributes {dl.target = {cpu = "cascadelake", vector_bits = 512 : i64}} {
  func.func @gathered(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
    linalg.generic {indexing_maps = [#ji, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
    ^bb0(%a: f32, %out: f32):
      linalg.yield %a : f32
    }
    return
  }
}

// -----

// Every second element comes of a load of twice as many, which leaves out those between.
// CHECK-LABEL: func.func @every_second(
// CHECK-NOT:     vector.gather
// CHECK:         vector.maskedload {{.*}} vector<128xi1>, vector<128xf32> into vector<128xf32>
// CHECK:         vector.deinterleave
// CHECK:         vector.interleave %{{.*}} : vector<16xi1>
// CHECK:         vector.maskedload {{.*}} vector<32xi1>, vector<32xf32> into vector<32xf32>
// CHECK-NOT:     vector.gather
#i = affine_map<(i) -> (i)>
module attributes {dl.target = {cpu = "cascadelake", vector_bits = 512 : i64}} {
  func.func @every_second(%x: memref<?xf32, strided<[2], offset: ?>>, %y: memref<?xf32>) {
    linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%x : memref<?xf32, strided<[2], offset: ?>>) outs(%y : memref<?xf32>) {
    ^bb0(%a: f32, %out: f32):
      linalg.yield %a : f32
    }
    return
  }
}

// -----

// Copies of parts are loops, not calls.
// CHECK-LABEL: func.func @copy(
// CHECK:         vector.store
// CHECK-NOT:     memref.copy
func.func @copy(%x: memref<?xf32>, %y: memref<?xf32, strided<[1], offset: ?>>) {
  memref.copy %x, %y : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
  return
}

// -----

// What can't be taken stays.
// CHECK-LABEL: func.func @stays(
// CHECK:         linalg.generic
#map = affine_map<(i) -> (i)>
func.func @stays(%x: memref<?xf32>, %c: i1) {
  linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%x : memref<?xf32>) {
  ^bb0(%out: f32):
    %r = scf.if %c -> (f32) {
      %one = arith.constant 1.0 : f32
      scf.yield %one : f32
    } else {
      scf.yield %out : f32
    }
    linalg.yield %r : f32
  }
  return
}

// -----

// A sum of all elements of a long array goes in parts, which do not depend on each other; they are added up in order. A short
// one stays whole, and so does one inside of a loop that is divided.
// CHECK-LABEL: func.func @parts(
// CHECK-DAG:     %[[SUMS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
// CHECK-DAG:     %[[X:.*]] = memref.collapse_shape %arg0
// CHECK:         scf.for %[[PART:.*]] = %c0 to %c4 step %c1 {
// CHECK:           %[[LOW:.*]] = arith.muli %[[PART]], %c256
// CHECK:           scf.for %[[I:.*]] = %c0 to %c256 step %c64
// CHECK:             %[[AT:.*]] = arith.addi %[[LOW]], %[[I]]
// CHECK:             vector.load %[[X]][%[[AT]]]
// CHECK:           memref.store %{{.*}}, %[[SUMS]][%[[PART]]]
// CHECK:         } {dl.parallel = true}
// CHECK:         %[[START:.*]] = memref.load %arg1[]
// CHECK:         %[[SUM:.*]] = scf.for %[[PART:.*]] = %c0 to %c4 step %c1 iter_args(%[[SO_FAR:.*]] = %[[START]])
// CHECK:           %[[ONE:.*]] = memref.load %[[SUMS]][%[[PART]]]
// CHECK:           arith.addf %[[SO_FAR]], %[[ONE]]
// CHECK:         memref.store %[[SUM]], %arg1[]
// CHECK-LABEL: func.func @whole(
// CHECK-NOT:     {{memref.alloc|dl.parallel}}
// CHECK:         return
// CHECK-LABEL: func.func @inside(
// CHECK-NOT:     memref.alloc
// CHECK:         return
#id = affine_map<(i, j) -> (i, j)>
#one = affine_map<(i, j) -> ()>
#line = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
module attributes {dl.target = {cpu = "cascadelake", vector_bits = 512 : i64, schedule = {elementwise.part = 1024 : i64}}} {
  func.func @parts(%x: memref<16x64xf32>, %sum: memref<f32>) {
    linalg.generic {indexing_maps = [#id, #one], iterator_types = ["reduction", "reduction"]} ins(%x : memref<16x64xf32>) outs(%sum : memref<f32>) {
    ^bb0(%a: f32, %out: f32):
      %s = arith.addf %out, %a : f32
      linalg.yield %s : f32
    }
    return
  }
  func.func @whole(%x: memref<448xf32>, %sum: memref<f32>) {
    linalg.generic {indexing_maps = [#line, #none], iterator_types = ["reduction"]} ins(%x : memref<448xf32>) outs(%sum : memref<f32>) {
    ^bb0(%a: f32, %out: f32):
      %s = arith.addf %out, %a : f32
      linalg.yield %s : f32
    }
    return
  }
  func.func @inside(%x: memref<1024xf32>, %sums: memref<?xf32>, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      %sum = memref.subview %sums[%i] [1] [1] : memref<?xf32> to memref<f32, strided<[], offset: ?>>
      linalg.generic {indexing_maps = [#line, #none], iterator_types = ["reduction"]} ins(%x : memref<1024xf32>) outs(%sum : memref<f32, strided<[], offset: ?>>) {
      ^bb0(%a: f32, %out: f32):
        %s = arith.addf %out, %a : f32
        linalg.yield %s : f32
      }
    } {dl.parallel = true}
    return
  }
}
