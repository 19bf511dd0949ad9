// RUN: dlc-opt %s --dl-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// An entry: memrefs in, memrefs out, attributes kept; bools are bytes, unsigned integers signless.
// CHECK-LABEL: func.func private @m_f__impl(
// CHECK-SAME:    %[[B:.*]]: index, %[[P:[^:]*]]: memref<8xf32> {dl.inout, dl.path = "p", dl.shape = ["8"]},
// CHECK-SAME:    %[[M:[^:]*]]: memref<?x8xi8> {dl.path = "m", dl.shape = ["B", "8"]}, %[[K:[^:]*]]: memref<2xi32>
// CHECK-SAME:    %[[OUT:[^:]*]]: memref<?x8xi8> {dl.out, dl.path = "out", dl.shape = ["B", "8"]})
// CHECK-SAME:    attributes {dl.dims = ["B"], dl.entry = "m_f", dl.ranges = {{.*}}}
// CHECK-DAG:     %[[PT:.*]] = bufferization.to_tensor %[[P]] restrict writable
// CHECK-DAG:     %[[MT:.*]] = bufferization.to_tensor %[[M]] restrict :
// CHECK-DAG:     %[[OT:.*]] = bufferization.to_tensor %[[OUT]] restrict writable
// CHECK:         %[[N:.*]] = linalg.generic {{.*}} ins(%[[MT]] : tensor<?x8xi8>) outs(%[[OT]] : tensor<?x8xi8>)
// CHECK:           arith.trunci {{.*}} : i8 to i1
// CHECK:           arith.xori {{.*}} : i1
// CHECK:           arith.extui {{.*}} : i1 to i8
// CHECK:         %[[NEW:.*]] = linalg.generic {{.*}} ins(%[[PT]] : tensor<8xf32>) outs(%[[PT]] : tensor<8xf32>)
// CHECK:         bufferization.materialize_in_destination %[[NEW]] in restrict writable %[[P]]
// CHECK:         bufferization.materialize_in_destination %[[N]] in restrict writable %[[OUT]]
func.func @f(%B: index, %p: tensor<8xf32> {dl.inout, dl.path = "p", dl.shape = ["8"]}, %m: tensor<?x8xi1> {dl.path = "m", dl.shape = ["B", "8"]},
             %k: tensor<2xui32> {dl.path = "k", dl.shape = ["2"]})
    -> (tensor<8xf32> {dl.path = "p", dl.shape = ["8"]}, tensor<?x8xi1> {dl.path = "out", dl.shape = ["B", "8"]})
    attributes {dl.dims = ["B"], dl.entry = "m_f", dl.ranges = [[1, 64]]} {
  %n = dl.bitwise_not %m : tensor<?x8xi1>
  %q = dl.neg %p : tensor<8xf32>
  return %q, %n : tensor<8xf32>, tensor<?x8xi1>
}

// -----

// What multiplies rounds to tf32, if it can: the mark says that it may.
// CHECK-LABEL: func.func private @in_tf32__impl(
// CHECK-NOT:     truncf
// CHECK:         linalg.generic {{.*}} attrs = {dl.contraction = "tf32"}
// CHECK:           arith.mulf
func.func @in_tf32(%a: tensor<2x3xf32> {dl.path = "a", dl.shape = ["2", "3"]}, %b: tensor<3x4xf32> {dl.path = "b", dl.shape = ["3", "4"]})
    -> (tensor<2x4xf32> {dl.path = "out", dl.shape = ["2", "4"]}) attributes {dl.dims = [], dl.entry = "in_tf32"} {
  %y = dl.dot_general %a, %b batch [] x [] contract [1] x [0] {precision = "tf32"} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Two arguments change places: what one overwrites is saved for the other.
// CHECK-LABEL: func.func private @swap__impl(
// CHECK-DAG:     %[[A:.*]] = bufferization.to_tensor %arg0
// CHECK-DAG:     %[[B:.*]] = bufferization.to_tensor %arg1
// CHECK-DAG:     %[[OLD_B:.*]] = bufferization.alloc_tensor() copy(%[[B]])
// CHECK-DAG:     %[[OLD_A:.*]] = bufferization.alloc_tensor() copy(%[[A]])
// CHECK:         materialize_in_destination %[[OLD_B]] in restrict writable %arg0
// CHECK:         materialize_in_destination %[[OLD_A]] in restrict writable %arg1
func.func @swap(%a: tensor<8xf32> {dl.inout, dl.path = "a", dl.shape = ["8"]}, %b: tensor<8xf32> {dl.inout, dl.path = "b", dl.shape = ["8"]})
    -> (tensor<8xf32> {dl.path = "a", dl.shape = ["8"]}, tensor<8xf32> {dl.path = "b", dl.shape = ["8"]}) attributes {dl.dims = [], dl.entry = "swap"} {
  return %b, %a : tensor<8xf32>, tensor<8xf32>
}

// -----

// Arithmetic on tensors of rank 0 is scalar code outside the loops; equal dims are one value.
// CHECK-LABEL: func.func @scalars(
// CHECK-SAME:    %[[B:.*]]: index, %[[T:.*]]: index
// CHECK:         %[[S:.*]] = tensor.extract
// CHECK:         %[[E:.*]] = math.exp %[[S]] : f32
// CHECK:         tensor.collapse_shape
// CHECK:         %[[BT:.*]] = arith.muli %[[B]], %[[T]]
// CHECK:         tensor.empty(%[[BT]])
// CHECK:         arith.mulf %{{.*}}, %[[E]]
// CHECK-NOT:     tensor.dim
func.func @scalars(%B: index, %T: index, %x: tensor<?x?xf32> {dl.shape = ["B", "T"]}, %s: tensor<f32> {dl.shape = []}) -> tensor<?xf32> attributes {dl.dims = ["B", "T"]} {
  %e = dl.exp %s : tensor<f32>
  %n = arith.muli %B, %T : index
  %f = dl.reshape %x sizes(%n) : tensor<?x?xf32> -> tensor<?xf32>
  %m = arith.muli %T, %B : index
  %eb = dl.broadcast %e axes [] sizes(%m) : tensor<f32> -> tensor<?xf32>
  %y = dl.mul %f, %eb : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// bf16 is computed in f32; sums are kept in f32 to the end.
// CHECK-LABEL: func.func @half(
// CHECK:         arith.extf {{.*}} : bf16 to f32
// CHECK:         math.tanh {{.*}} : f32
// CHECK:         arith.truncf {{.*}} : f32 to bf16
// CHECK:         linalg.fill {{.*}} outs(%{{.*}} : tensor<4xf32>)
// CHECK:         arith.addf {{.*}} : f32
// CHECK:         arith.truncf {{.*}} : f32 to bf16
func.func @half(%x: tensor<4x3xbf16>) -> tensor<4xbf16> {
  %y = dl.tanh %x : tensor<4x3xbf16>
  %s = dl.reduce "sum" %y axes [1] : tensor<4x3xbf16> -> tensor<4xbf16>
  return %s : tensor<4xbf16>
}

// -----

func.func private @g(tensor<2xf32>) -> tensor<2xf32>
func.func @call(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = dl.neg %x : tensor<2xf32>
  // expected-error @+1 {{dl-to-linalg: `func.call` can't be lowered: calls should have been inlined}}
  %1 = func.call @g(%0) : (tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

func.func private @h(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func @grad(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{dl-to-linalg: `dl.grad` should have been expanded by expand-derivatives}}
  %0 = dl.grad @h(%x) wrt [0] : (tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// An entry that checks something gets a place for the status of the first failure.
module attributes {dl.stem = "m"} {
  // CHECK-LABEL: func.func private @m_f__impl(
  // CHECK-SAME:    %[[FAILED:[a-z0-9]+]]: memref<i32> {dl.failed}
  // CHECK-SAME:    dl.failures = ["DL1007 f: inside"]
  // CHECK:         scf.if
  // CHECK:           %[[BEFORE:.*]] = memref.load %[[FAILED]][] : memref<i32>
  // CHECK:           %[[FIRST:.*]] = arith.cmpi eq, %[[BEFORE]]
  // CHECK:           %[[STATUS:.*]] = arith.select %[[FIRST]], %c17_i32, %[[BEFORE]]
  // CHECK:           memref.store %[[STATUS]], %[[FAILED]][] : memref<i32>
  func.func @f(%n: index, %c: tensor<i1> {dl.path = "c", dl.shape = []}) -> (tensor<i1> {dl.path = "out", dl.shape = []})
      attributes {dl.entry = "m_f", dl.dims = ["n"]} {
    dl.check %c, "DL1007", "inside"
    return %c : tensor<i1>
  }
}

// -----

func.func @no_entry(%c: tensor<i1>) -> tensor<i1> {
  // expected-error @+1 {{a check stands outside of entries; calls should have been inlined}}
  dl.check %c, "DL1007", "inside"
  return %c : tensor<i1>
}
