// RUN: dlc-opt %s --split-input-file --bf16-as-bits | FileCheck %s

// CHECK-LABEL: llvm.func @moves(
// CHECK-NOT:     bf16
// CHECK:         llvm.mlir.constant(16256 : i16)
// CHECK:         llvm.mlir.constant(dense<[16256, -16384]> : vector<2xi16>)
// CHECK:         llvm.getelementptr {{.*}}, i16
// CHECK:         llvm.load {{.*}} -> vector<2xi16>
// CHECK:         llvm.select {{.*}} : i1, vector<2xi16>
// CHECK:         llvm.return
llvm.func @moves(%p: !llvm.ptr, %c: i1) -> vector<2xbf16> {
  %one = llvm.mlir.constant(1.0 : bf16) : bf16
  %two = llvm.mlir.constant(dense<[1.0, -2.0]> : vector<2xbf16>) : vector<2xbf16>
  %q = llvm.getelementptr %p[3] : (!llvm.ptr) -> !llvm.ptr, bf16
  llvm.store %one, %q : bf16, !llvm.ptr
  %v = llvm.load %p : !llvm.ptr -> vector<2xbf16>
  %s = llvm.select %c, %v, %two : i1, vector<2xbf16>
  llvm.return %s : vector<2xbf16>
}

// -----

// Arithmetic is left: nothing changes.
// CHECK-LABEL: llvm.func @arithmetic(
// CHECK:         llvm.fadd {{.*}} : bf16
llvm.func @arithmetic(%a: bf16) -> bf16 {
  %b = llvm.fadd %a, %a : bf16
  llvm.return %b : bf16
}

// -----

// A name that has the word is no type.
// CHECK-LABEL: llvm.func @load_bf16(
// CHECK-SAME:    -> i16
// CHECK:         llvm.mlir.addressof @bf16_text
llvm.mlir.global internal constant @bf16_text("bf16") {addr_space = 0 : i32}
llvm.func @load_bf16(%p: !llvm.ptr) -> bf16 {
  %t = llvm.mlir.addressof @bf16_text : !llvm.ptr
  %v = llvm.load %p : !llvm.ptr -> bf16
  llvm.return %v : bf16
}

// -----

// CHECK-LABEL: llvm.func @bytes(
// CHECK:         %[[F:.*]] = llvm.uitofp %{{.*}} : vector<4xi8> to vector<4xf32>
// CHECK:         %[[I:.*]] = llvm.bitcast %[[F]] : vector<4xf32> to vector<4xi32>
// CHECK:         %[[U:.*]] = llvm.lshr %[[I]], %{{.*}} : vector<4xi32>
// CHECK:         %[[T:.*]] = llvm.trunc %[[U]] : vector<4xi32> to vector<4xi16>
// CHECK:         llvm.store %[[T]]
llvm.func @bytes(%p: !llvm.ptr, %x: vector<4xi8>) {
  %y = llvm.uitofp %x : vector<4xi8> to vector<4xbf16>
  llvm.store %y, %p : vector<4xbf16>, !llvm.ptr
  llvm.return
}

// -----

// An instruction that computes with bf16 takes it from what it is made of; what is moved beside it is bits.
// CHECK-LABEL: llvm.func @instruction(
// CHECK:         %[[V:.*]] = llvm.load %{{.*}} : !llvm.ptr -> vector<32xi16>
// CHECK:         llvm.store %[[V]]
// CHECK:         %[[A:.*]] = llvm.bitcast %{{.*}} : vector<16xf32> to vector<32xbf16>
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%{{.*}}, %[[A]], %[[A]])
llvm.func @instruction(%p: !llvm.ptr, %words: vector<16xf32>, %sum: vector<16xf32>) -> vector<16xf32> {
  %v = llvm.load %p : !llvm.ptr -> vector<32xbf16>
  llvm.store %v, %p : vector<32xbf16>, !llvm.ptr
  %a = llvm.bitcast %words : vector<16xf32> to vector<32xbf16>
  %y = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%sum, %a, %a) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
  llvm.return %y : vector<16xf32>
}
