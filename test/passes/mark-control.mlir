// RUN: dlc-opt %s --mark-control | FileCheck %s

// Each place once, as text. Modules that are not traced stay as they are.
// CHECK: module @traced attributes {dl.control = ["loc(\22m.dl\22:3:5)", "loc(\22m.dl\22:4:7)"], dl.traced}
module @traced attributes {dl.traced} {
  func.func @f(%n: index, %flag: i1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    scf.for %i = %c0 to %n step %c1 {
      scf.if %flag {
      } loc("m.dl":4:7)
    } loc("m.dl":3:5)
    scf.for %i = %c0 to %n step %c1 {
    } loc("m.dl":3:5)
    return
  }
}
