// dl.print: a line on the standard output. What it writes is compared between the targets in tools/dlc/tests/run.rs.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --canonicalize --cse | FileCheck %s --check-prefix=KEPT
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// EVAL: @printed(3, [1.0, 2.5, nan]) == [1.0, 2.5, nan]
// EVAL: @printed(0, []) == []

// CHECK-LABEL: func.func @printed(
// CHECK: dl.print "x" %{{.*}} : tensor<?xf32>
// CHECK: dl.print "only text"
// KEPT-LABEL: func.func @printed(
// KEPT: dl.print "x"
// KEPT-NEXT: dl.print "only text"
// LOWER-LABEL: func.func @printed(
// LOWER: scf.for
// LOWER: call @dlc_print_float
// LOWER: call @dlc_print_end
// LOWER: llvm.func @printf(
func.func @printed(%n: index, %x: tensor<?xf32>) -> tensor<?xf32> {
  dl.print "x" %x : tensor<?xf32>
  dl.print "only text"
  return %x : tensor<?xf32>
}

// -----

// KEPT-LABEL: func.func @in_regions(
// KEPT: scf.for
// KEPT: dl.print "i"
// KEPT: scf.if
// KEPT: dl.print "twice"
func.func @in_regions(%n: index, %x: tensor<f32>, %c: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %d = dl.dim_value %i : tensor<i64>
    dl.print "i" %d : tensor<i64>
    scf.yield
  }
  scf.if %c {
    dl.print "twice" %x, %x : tensor<f32>, tensor<f32>
  }
  return
}

// -----

func.func @no_tensor(%n: index) {
  // expected-error @+1 {{operand #0 must be variadic of ranked tensor}}
  "dl.print"(%n) {text = "n"} : (index) -> ()
  return
}
