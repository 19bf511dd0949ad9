// RUN: dlc-opt %s --split-input-file --emit-block-sorts --canonicalize --cse | FileCheck %s

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // A block has 16 lines of 100 elements, in 128 slots each, and stores where they were. There is nothing to merge.
  // CHECK:       memref.global "private" @[[ENTRIES:.*]] : memref<2048xi64, 3>
  // CHECK-LABEL: func.func @short(
  // CHECK-SAME:    %[[KEYS:[^:]*]]: memref<?x100xi32>, %[[PLACES:[^:]*]]: memref<?x100xi32>
  // CHECK-NOT:   memref.alloc
  // CHECK:       %[[N:.*]] = memref.dim %[[PLACES]], %c0
  // CHECK:       scf.for %[[BLOCK:.*]] = %c0 to
  // CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c256
  // CHECK:           memref.load %[[KEYS]]
  // CHECK:           arith.extsi
  // CHECK:         nvvm.barrier0
  // CHECK:         scf.for %{{.*}} = %c0 to %c7 step %c1
  // CHECK:           scf.for
  // CHECK:             scf.for
  // CHECK:               arith.cmpi sgt
  // CHECK:             nvvm.barrier0
  // CHECK:         memref.store %{{.*}}, %[[PLACES]]
  // CHECK:       } {dl.block = 256 : i64, dl.parallel = true}
  // CHECK-NEXT:  return
  func.func @short(%keys: memref<?x100xi32>, %places: memref<?x100xi32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c100 = arith.constant 100 : index
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"], dl.sort} outs(%places : memref<?x100xi32>) {
    ^bb0(%out: i32):
      %i = linalg.index 0 : index
      %at = linalg.index 1 : index
      %found = scf.for %j = %c0 to %c100 step %c1 iter_args(%found = %c0) -> (index) {
        %key = memref.load %keys[%i, %j] : memref<?x100xi32>
        %before = scf.for %k = %c0 to %c100 step %c1 iter_args(%count = %c0) -> (index) {
          %other = memref.load %keys[%i, %k] : memref<?x100xi32>
          %ties = arith.cmpi slt, %k, %j : index
          %less = arith.cmpi slt, %other, %key : i32
          %no_more = arith.cmpi sle, %other, %key : i32
          %earlier = arith.select %ties, %no_more, %less : i1
          %one = arith.index_castui %earlier : i1 to index
          %more = arith.addi %count, %one : index
          scf.yield %more : index
        }
        %here = arith.cmpi eq, %before, %at : index
        %next = arith.select %here, %j, %found : index
        scf.yield %next : index
      }
      %word = arith.index_cast %found : index to i32
      linalg.yield %word : i32
    }
    return
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v3", gpu = 80 : i64}} {
  // Keys of 64 bits stand beside the places; parts of long lines are merged there and back, an element a thread. It is the mark that
  // says what the op means.
  // CHECK-DAG:   memref.global "private" @{{.*}} : memref<2048xi64, 3>
  // CHECK-DAG:   memref.global "private" @{{.*}} : memref<2048xi32, 3>
  // CHECK-LABEL: func.func @long(
  // CHECK-SAME:    %[[KEYS:[^:]*]]: memref<?xi64>, %[[PLACES:[^:]*]]: memref<?xi32>
  // CHECK:       } {dl.block = 256 : i64, dl.parallel = true}
  // CHECK:       %[[SPARE:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?xi32>
  // CHECK:       scf.for %{{.*}} = %c0 to %{{.*}} step %c1 iter_args(%{{.*}} = %c2048)
  // CHECK:         scf.for
  // CHECK:           scf.while
  // CHECK:           memref.store %{{.*}}, %[[SPARE]]
  // CHECK:         } {dl.parallel = true}
  // CHECK:         scf.for
  // CHECK:           scf.while
  // CHECK:           memref.store %{{.*}}, %[[PLACES]]
  // CHECK:         } {dl.parallel = true}
  func.func @long(%keys: memref<?xi64>, %places: memref<?xi32>) {
    linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"], dl.sort} outs(%places : memref<?xi32>) {
    ^bb0(%out: i32):
      %at = linalg.index 0 : index
      %key = memref.load %keys[%at] : memref<?xi64>
      %word = arith.trunci %key : i64 to i32
      linalg.yield %word : i32
    }
    return
  }
}
