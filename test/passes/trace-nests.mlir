// RUN: dlc-opt %s --trace-nests | FileCheck %s
// RUN: sed s/dl.traced,// %s | dlc-opt --trace-nests | FileCheck %s --check-prefix=PLAIN

// The call, each nest, and what is inside of the program's own loops; what stands at one place is one.
// PLAIN-NOT: mark
// CHECK-DAG:   llvm.mlir.global internal {{.*}}constant @m.text{{[0-9]}}("loops\00")
// CHECK-DAG:   llvm.mlir.global internal constant @m.spans()
// CHECK-DAG:   llvm.func @m_trace(
// CHECK-DAG:   llvm.func internal @m.mark(
// CHECK-LABEL: func.func @m_f__impl(
// CHECK-NEXT:    %[[BEGIN:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-NEXT:    llvm.call @m.mark(%[[BEGIN]])
// CHECK:         %[[LOOP:.*]] = llvm.mlir.constant(2 : i32)
// CHECK-NEXT:    llvm.call @m.mark(%[[LOOP]])
// CHECK-NEXT:    scf.for
// CHECK:           %[[FIRST:.*]] = llvm.mlir.constant(4 : i32)
// CHECK-NEXT:      llvm.call @m.mark(%[[FIRST]])
// CHECK-NEXT:      scf.for
// CHECK:           llvm.mlir.constant(5 : i32)
// CHECK:           llvm.mlir.constant(6 : i32)
// CHECK:           func.call @dlc_matmul_x
// CHECK:           func.call @dlc_matmul_x
// CHECK:           llvm.mlir.constant(7 : i32)
// CHECK:         }
// CHECK:         llvm.mlir.constant(3 : i32)
// CHECK:         llvm.mlir.constant(1 : i32)
// CHECK-NEXT:    llvm.call
// CHECK-NEXT:    return
// CHECK-NOT:     llvm.call
module attributes {dl.traced, dl.stem = "m", dl.control = ["loc(\22m.dl\22:3:5)"]} {
  func.func private @dlc_matmul_x()
  func.func @m_f__impl(%n: index, %out: memref<?xf32> {dl.path = "out", dl.shape = ["N"], dl.out}) attributes {dl.entry = "m_f", dl.dims = ["N"], dl.ranges = [array<i64: 0, 8>], dl.range_messages = ["range"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    scf.for %i = %c0 to %n step %c1 {
      scf.for %j = %c0 to %n step %c1 {
        memref.store %zero, %out[%j] : memref<?xf32>
      } loc("m.dl":4:7)
      func.call @dlc_matmul_x() : () -> () loc("m.dl":5:7)
      func.call @dlc_matmul_x() : () -> () loc("m.dl":5:7)
    } loc("m.dl":3:5)
    return
  }
}
