// RUN: dlc-opt %s --split-input-file --verify-diagnostics --pass-pipeline='builtin.module(func.func(expand-math,canonicalize,cse))' | FileCheck %s

module attributes {dl.target = {cpu = "x86-64-v3"}} {
  // With fused multiply-add: reduction, polynomial, and the exponent put in by integers.
  // CHECK-LABEL: @exp
  // CHECK-NOT:   math.exp
  // CHECK:       math.fma {{.*}} : vector<16xf32>
  // CHECK:       arith.shli {{.*}} : vector<16xi32>
  // CHECK:       arith.mulf {{.*}} : vector<16xf32>
  func.func @exp(%x: vector<16xf32>) -> vector<16xf32> {
    %y = math.exp %x : vector<16xf32>
    return %y : vector<16xf32>
  }

  // Large angles have their own branch, that no lane may need.
  // CHECK-LABEL: @sin
  // CHECK:       %[[FAR:.*]] = vector.reduction <or>
  // CHECK:       scf.if %[[FAR]]
  // CHECK:         scf.for
  // CHECK-NOT:   math.sin
  func.func @sin(%x: vector<16xf32>) -> vector<16xf32> {
    %y = math.sin %x : vector<16xf32>
    return %y : vector<16xf32>
  }

  // What is an instruction stays.
  // CHECK-LABEL: @stays
  // CHECK-COUNT-1: math.sqrt
  // CHECK-COUNT-1: math.floor
  // CHECK-COUNT-1: math.copysign
  func.func @stays(%x: f32) -> f32 {
    %0 = math.sqrt %x : f32
    %1 = math.floor %0 : f32
    %2 = math.copysign %1, %x : f32
    return %2 : f32
  }

  // A maximum with a constant is one compare and one select, with the constant first: NaN stays.
  // CHECK-LABEL: @relu
  // CHECK:       %[[C:.*]] = arith.cmpf oge, %[[ZERO:.*]], %[[X:.*]] : vector<8xf32>
  // CHECK-NEXT:  %[[Y:.*]] = arith.select %[[C]], %[[ZERO]], %[[X]]
  // CHECK-NEXT:  return %[[Y]]
  func.func @relu(%x: vector<8xf32>) -> vector<8xf32> {
    %zero = arith.constant dense<0.0> : vector<8xf32>
    %y = arith.maximumf %x, %zero : vector<8xf32>
    return %y : vector<8xf32>
  }

  // CHECK-LABEL: @maximum
  // CHECK-COUNT-2: arith.select
  // CHECK:       return
  func.func @maximum(%x: f64, %y: f64) -> f64 {
    %z = arith.maximumf %x, %y : f64
    return %z : f64
  }

  // Remainders loop until the rest is below the divisor.
  // CHECK-LABEL: @remainder
  // CHECK:       scf.while
  // CHECK-NOT:   arith.remf
  func.func @remainder(%x: vector<4xf64>, %y: vector<4xf64>) -> vector<4xf64> {
    %z = arith.remf %x, %y : vector<4xf64>
    return %z : vector<4xf64>
  }

  // Half precision is computed in f32.
  // CHECK-LABEL: @half
  // CHECK:       arith.shli {{.*}} : i32
  // CHECK-NOT:   math.tanh
  // CHECK:       arith.trunci {{.*}} : i32 to i16
  func.func @half(%x: bf16) -> bf16 {
    %y = math.tanh %x : bf16
    return %y : bf16
  }
}

// -----

module attributes {dl.target = {cpu = "x86-64-v4"}} {
  // AVX-512 scales by powers of two in one instruction.
  // CHECK-LABEL: @scaled
  // CHECK:       llvm.call_intrinsic "llvm.ldexp.v16f32.v16i32"
  func.func @scaled(%x: vector<16xf32>) -> vector<16xf32> {
    %y = math.exp %x : vector<16xf32>
    return %y : vector<16xf32>
  }
}

// -----

// The least x86-64 has no fused multiply-add and no rounding.
module {
  // CHECK-LABEL: @least
  // CHECK-NOT:   math.fma
  // CHECK-NOT:   math.floor
  // CHECK:       return
  func.func @least(%x: f32) -> f32 {
    %0 = math.exp %x : f32
    %1 = math.floor %0 : f32
    return %1 : f32
  }
}

// -----

func.func @unknown(%x: f32) -> f32 {
  // expected-error @+1 {{expand-math: `math.erfc` has no expansion}}
  %y = math.erfc %x : f32
  return %y : f32
}
