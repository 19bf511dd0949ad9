// RUN: dlc-opt %s --pass-pipeline="builtin.module(dl-to-linalg,fuse-elementwise,func.func(remove-barriers,unshare-destinations,settle-carried),one-shot-bufferize{unknown-type-conversion=identity-layout-map},canonicalize,cse,func.func(forward-copies))" | FileCheck %s
// RUN: dlc-opt %s --pass-pipeline="builtin.module(dl-to-linalg,fuse-elementwise,func.func(remove-barriers,unshare-destinations,settle-carried),one-shot-bufferize{unknown-type-conversion=identity-layout-map},canonicalize,cse,func.func(forward-copies),vectorize-generics,func.func(convert-linalg-to-loops),lower-affine,parallelize-loops,canonicalize)" | FileCheck %s --check-prefix=FORKS

// A step of AdamW with gradients clipped by the norm of all reads each gradient twice: for the norm, and for the update, where
// each leaf's parameters and both means are read and written once, in place. What holds for all elements is computed once.
// CHECK-LABEL: func.func {{.*}}adam
// CHECK-COUNT-2: iterator_types = [{{.*}}"reduction"]
// CHECK:         math.sqrt {{.*}} : f32
// CHECK-COUNT-2: math.powf {{.*}} : f32
// CHECK:         linalg.generic {{.*}} ins(%arg7, %arg2, %arg4, %arg0 : {{.*}}) outs(%arg0, %arg4, %arg2 :
// CHECK-NOT:     math.powf
// CHECK:         linalg.generic {{.*}} ins(%arg8, %arg3, %arg5, %arg1 : {{.*}}) outs(%arg1, %arg5, %arg3 :
// CHECK-NOT:     {{linalg.generic|memref.copy}}
// CHECK:         return

// The sums of squares are one fork, of the leaf that is long enough for parts, and the updates of both leaves another.
// FORKS-LABEL: func.func {{.*}}adam
// FORKS:         memref.atomic_rmw
// FORKS:         arith.addf {{.*}} : vector<64xf32>
// FORKS:         } {dl.task}
// FORKS:         math.powf
// FORKS:         memref.atomic_rmw
// FORKS:         scf.while
// FORKS:           scf.if
// FORKS:             vector.store {{.*}} : memref<131072xf32>
// FORKS:           } else {
// FORKS:             vector.store {{.*}} : memref<256xf32>
// FORKS:         } {dl.task}
// FORKS-NOT:     dl.task
// FORKS:         return
module attributes {dl.stem = "m", dl.target = {cpu = "cascadelake", cores = 4 : i64, fma = true, registers = 32 : i64, vector_bits = 512 : i64, schedule = {parallel.piece = 1000 : i64}}} {
  func.func @adam(%arg0: tensor<512x256xf32> {dl.inout, dl.path = "p.w", dl.shape = ["512", "256"]}, %arg1: tensor<256xf32> {dl.inout, dl.path = "p.b", dl.shape = ["256"]}, %arg2: tensor<512x256xf32> {dl.inout, dl.path = "s.m.w", dl.shape = ["512", "256"]}, %arg3: tensor<256xf32> {dl.inout, dl.path = "s.m.b", dl.shape = ["256"]}, %arg4: tensor<512x256xf32> {dl.inout, dl.path = "s.v.w", dl.shape = ["512", "256"]}, %arg5: tensor<256xf32> {dl.inout, dl.path = "s.v.b", dl.shape = ["256"]}, %arg6: tensor<i32> {dl.inout, dl.path = "s.step", dl.shape = []}, %arg7: tensor<512x256xf32> {dl.path = "g.w", dl.shape = ["512", "256"]}, %arg8: tensor<256xf32> {dl.path = "g.b", dl.shape = ["256"]}, %arg9: tensor<f32> {dl.path = "lr", dl.shape = []}) -> (tensor<512x256xf32> {dl.path = "p.w", dl.shape = ["512", "256"]}, tensor<256xf32> {dl.path = "p.b", dl.shape = ["256"]}, tensor<512x256xf32> {dl.path = "s.m.w", dl.shape = ["512", "256"]}, tensor<256xf32> {dl.path = "s.m.b", dl.shape = ["256"]}, tensor<512x256xf32> {dl.path = "s.v.w", dl.shape = ["512", "256"]}, tensor<256xf32> {dl.path = "s.v.b", dl.shape = ["256"]}, tensor<i32> {dl.path = "s.step", dl.shape = []}) attributes {dl.checks = [], dl.dims = [], dl.entry = "step_adam", dl.range_messages = [], dl.ranges = []} {
    %0 = dl.constant dense<9.99987125E-4> : tensor<f32>
    %1 = dl.constant dense<0.100000024> : tensor<f32>
    %2 = dl.constant dense<1> : tensor<i32>
    %3 = dl.constant dense<9.99999993E-9> : tensor<f32>
    %4 = dl.constant dense<9.990000e-01> : tensor<f32>
    %5 = dl.constant dense<0.899999976> : tensor<f32>
    %6 = dl.constant dense<0.00999999977> : tensor<f32>
    %7 = dl.constant dense<1.000000e+00> : tensor<f32>
    %8 = dl.square %arg7 : tensor<512x256xf32>
    %9 = dl.square %arg8 : tensor<256xf32>
    %10 = dl.reduce "sum" %8 axes [0, 1] : tensor<512x256xf32> -> tensor<f32>
    %11 = dl.reduce "sum" %9 axes [0] : tensor<256xf32> -> tensor<f32>
    %12 = dl.add %10, %11 : tensor<f32>
    %13 = dl.sqrt %12 : tensor<f32>
    %14 = dl.maximum %13, %7 : tensor<f32>
    %15 = dl.div %7, %14 : tensor<f32>
    %16 = dl.broadcast %15 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %17 = dl.mul %arg7, %16 : tensor<512x256xf32>
    %18 = dl.broadcast %15 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %19 = dl.mul %arg8, %18 : tensor<256xf32>
    %20 = dl.add %arg6, %2 : tensor<i32>
    %21 = dl.broadcast %5 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %22 = dl.mul %21, %arg2 : tensor<512x256xf32>
    %23 = dl.broadcast %1 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %24 = dl.mul %23, %17 : tensor<512x256xf32>
    %25 = dl.add %22, %24 : tensor<512x256xf32>
    %26 = dl.broadcast %5 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %27 = dl.mul %26, %arg3 : tensor<256xf32>
    %28 = dl.broadcast %1 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %29 = dl.mul %28, %19 : tensor<256xf32>
    %30 = dl.add %27, %29 : tensor<256xf32>
    %31 = dl.broadcast %4 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %32 = dl.mul %31, %arg4 : tensor<512x256xf32>
    %33 = dl.square %17 : tensor<512x256xf32>
    %34 = dl.broadcast %0 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %35 = dl.mul %34, %33 : tensor<512x256xf32>
    %36 = dl.add %32, %35 : tensor<512x256xf32>
    %37 = dl.broadcast %4 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %38 = dl.mul %37, %arg5 : tensor<256xf32>
    %39 = dl.square %19 : tensor<256xf32>
    %40 = dl.broadcast %0 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %41 = dl.mul %40, %39 : tensor<256xf32>
    %42 = dl.add %38, %41 : tensor<256xf32>
    %43 = dl.convert %20 : tensor<i32> -> tensor<f32>
    %44 = dl.pow %5, %43 : tensor<f32>
    %45 = dl.sub %7, %44 : tensor<f32>
    %46 = dl.pow %4, %43 : tensor<f32>
    %47 = dl.sub %7, %46 : tensor<f32>
    %48 = dl.mul %arg9, %6 : tensor<f32>
    %49 = dl.sub %7, %48 : tensor<f32>
    %50 = dl.broadcast %49 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %51 = dl.mul %arg0, %50 : tensor<512x256xf32>
    %52 = dl.broadcast %45 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %53 = dl.div %25, %52 : tensor<512x256xf32>
    %54 = dl.broadcast %arg9 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %55 = dl.mul %54, %53 : tensor<512x256xf32>
    %56 = dl.broadcast %47 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %57 = dl.div %36, %56 : tensor<512x256xf32>
    %58 = dl.sqrt %57 : tensor<512x256xf32>
    %59 = dl.broadcast %3 axes [] sizes() : tensor<f32> -> tensor<512x256xf32>
    %60 = dl.add %58, %59 : tensor<512x256xf32>
    %61 = dl.div %55, %60 : tensor<512x256xf32>
    %62 = dl.sub %51, %61 : tensor<512x256xf32>
    %63 = dl.broadcast %49 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %64 = dl.mul %arg1, %63 : tensor<256xf32>
    %65 = dl.broadcast %45 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %66 = dl.div %30, %65 : tensor<256xf32>
    %67 = dl.broadcast %arg9 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %68 = dl.mul %67, %66 : tensor<256xf32>
    %69 = dl.broadcast %47 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %70 = dl.div %42, %69 : tensor<256xf32>
    %71 = dl.sqrt %70 : tensor<256xf32>
    %72 = dl.broadcast %3 axes [] sizes() : tensor<f32> -> tensor<256xf32>
    %73 = dl.add %71, %72 : tensor<256xf32>
    %74 = dl.div %68, %73 : tensor<256xf32>
    %75 = dl.sub %64, %74 : tensor<256xf32>
    return %62, %75, %25, %30, %36, %42, %20 : tensor<512x256xf32>, tensor<256xf32>, tensor<512x256xf32>, tensor<256xf32>, tensor<512x256xf32>, tensor<256xf32>, tensor<i32>
  }
}
