// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(settle-carried))' | FileCheck %s
// RUN: dlc-opt %s --pass-pipeline='builtin.module(func.func(settle-carried),one-shot-bufferize{unknown-type-conversion=identity-layout-map},canonicalize)' | FileCheck %s --check-prefix=MEMORY

// Nothing reads %a once the inner loop writes: it works in %a's memory.
// CHECK-LABEL: func.func @nested(
// CHECK: iter_args(%[[A:.*]] = %{{.*}})
// CHECK: %[[B:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[A]])
// CHECK: materialize_in_destination
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield %[[B]]
// MEMORY-LABEL: func.func @nested(
// MEMORY-NOT: memref.alloc
// MEMORY-NOT: memref.copy
// MEMORY: return
func.func @nested(%n: index, %out: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %o = bufferization.to_tensor %out restrict writable : memref<?xf32> to tensor<?xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %o) -> (tensor<?xf32>) {
    %b = scf.for %j = %c0 to %n step %c1 iter_args(%c = %a) -> (tensor<?xf32>) {
      %v = tensor.extract %c[%i] : tensor<?xf32>
      %w = arith.addf %v, %v : f32
      %u = tensor.insert %w into %c[%j] : tensor<?xf32>
      %m = bufferization.materialize_in_destination %u in %c : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
      scf.yield %m : tensor<?xf32>
    }
    %d = bufferization.materialize_in_destination %b in %a : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %d : tensor<?xf32>
  }
  bufferization.materialize_in_destination %r in restrict writable %out : (tensor<?xf32>, memref<?xf32>) -> ()
  return
}

// %a is read after the inner loop has begun to write, so what that makes lies elsewhere first.
// CHECK-LABEL: func.func @read_later(
// CHECK: iter_args(%[[A:.*]] = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: %[[B:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[A]])
// CHECK: %[[SAVED:.*]] = bufferization.alloc_tensor() copy(%[[B]])
// CHECK: bufferization.materialize_in_destination %[[SAVED]] in %[[A]]
func.func @read_later(%n: index, %x: tensor<?xf32>, %y: tensor<f32>) -> (tensor<?xf32>, f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %s = %zero) -> (tensor<?xf32>, f32) {
    %b = scf.for %j = %c0 to %n step %c1 iter_args(%c = %a) -> (tensor<?xf32>) {
      %u = tensor.insert %zero into %c[%j] : tensor<?xf32>
      %m = bufferization.materialize_in_destination %u in %c : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
      scf.yield %m : tensor<?xf32>
    }
    %v = tensor.extract %a[%i] : tensor<?xf32>
    %t = arith.addf %s, %v : f32
    %d = bufferization.materialize_in_destination %b in %a : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %d, %t : tensor<?xf32>, f32
  }
  return %r#0, %r#1 : tensor<?xf32>, f32
}
