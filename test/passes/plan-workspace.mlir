// RUN: dlc-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect --plan-workspace | FileCheck %s

// Buffers that are alive together get slots of their own; one that begins after another has ended takes its slot.
// CHECK-LABEL: func.func @lives
// CHECK-SAME:    %[[B:[a-z0-9]+]]: index, %{{.*}}: memref<?xf32>
// CHECK-SAME:    %[[S0:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["16*B*T", "4*B"]}
// CHECK-SAME:    %[[S1:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["4*B + 4"]}
// CHECK-NOT:     memref.alloc
// CHECK:         %[[A:.*]] = memref.view %[[S0]][%{{.*}}][%[[B]], %{{.*}}] : memref<?xi8> to memref<?x?x4xf32>
// CHECK:         %[[C:.*]] = memref.view %[[S1]]
// CHECK:         %[[D:.*]] = memref.view %[[S0]]{{.*}} to memref<?xf32>
// CHECK:         "test.use"(%[[A]], %[[C]])
// CHECK:         "test.use"(%[[C]], %[[D]])
// CHECK-NOT:     memref.dealloc
// CHECK:         return
func.func @lives(%B: index, %T: index, %x: memref<?xf32> {dl.path = "x", dl.shape = ["B"]})
    attributes {dl.entry = "m_lives", dl.dims = ["B", "T"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %more = arith.addi %n, %c1 : index
  %a = memref.alloc(%B, %T) : memref<?x?x4xf32>
  %c = memref.alloc(%more) : memref<?xf32>
  %d = memref.alloc(%B) : memref<?xf32>
  "test.use"(%a, %c) : (memref<?x?x4xf32>, memref<?xf32>) -> ()
  "test.use"(%c, %d) : (memref<?xf32>, memref<?xf32>) -> ()
  memref.dealloc %a : memref<?x?x4xf32>
  return
}

// -----

// What is used in a loop but made outside is alive throughout the loop; what is made inside only where it is used.
// CHECK-LABEL: func.func @loops
// CHECK-SAME:    dl.slot = ["4000"]
// CHECK-SAME:    dl.slot = ["2000"]
// CHECK-NOT:     dl.slot
// CHECK:         scf.for
// CHECK:           memref.view
// CHECK:           memref.view
func.func @loops(%B: index) attributes {dl.entry = "m_loops", dl.dims = ["B"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %outer = memref.alloc() : memref<1000xf32>
  scf.for %i = %c0 to %B step %c1 {
    %view = memref.subview %outer[%i] [10] [1] : memref<1000xf32> to memref<10xf32, strided<[1], offset: ?>>
    "test.use"(%view) : (memref<10xf32, strided<[1], offset: ?>>) -> ()
    %a = memref.alloc() : memref<500xf32>
    "test.use"(%a) : (memref<500xf32>) -> ()
    %b = memref.alloc() : memref<500xf32>
    "test.use"(%b) : (memref<500xf32>) -> ()
  }
  return
}

// -----

// A size that is bounded takes its bound; a few bytes go to the stack.
// CHECK-LABEL: func.func @bounded
// CHECK-SAME:    dl.slot = ["4096"]
// CHECK:         memref.alloca() {{.*}} : memref<f32>
func.func @bounded(%B: index) attributes {dl.entry = "m_bounded", dl.dims = ["B"]} {
  %c1024 = arith.constant 1024 : index
  %n = arith.minsi %B, %c1024 : index
  %a = memref.alloc(%n) : memref<?xf32>
  %s = memref.alloc() : memref<f32>
  "test.use"(%a, %s) : (memref<?xf32>, memref<f32>) -> ()
  return
}

// -----

// Where T is at least 1, B rows of T are no fewer than B.
// CHECK-LABEL: func.func @ranges
// CHECK-SAME:    dl.slot = ["16*B*T"]
func.func @ranges(%B: index, %T: index) attributes {dl.entry = "m_ranges", dl.dims = ["B", "T"], dl.ranges = [[0, -1], [1, 8]]} {
  %a = memref.alloc(%B) : memref<?xf32>
  %b = memref.alloc(%B, %T) : memref<?x?x4xf32>
  "test.use"(%a) : (memref<?xf32>) -> ()
  "test.use"(%b) : (memref<?x?x4xf32>) -> ()
  return
}

// -----

func.func @unbounded(%B: index) attributes {dl.entry = "m_unbounded", dl.dims = ["B"]} {
  %n = "test.size"() : () -> index
  // expected-error @+1 {{plan-workspace: internal error: the size of}}
  %a = memref.alloc(%n) : memref<?xf32>
  "test.use"(%a) : (memref<?xf32>) -> ()
  return
}

// -----

// Each round makes the buffer that the next one reads: one slot would not do.
func.func @swapping(%B: index, %x: memref<100xf32> {dl.path = "x", dl.shape = ["100"]})
    attributes {dl.entry = "m_swapping", dl.dims = ["B"]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %B step %c1 iter_args(%old = %x) -> memref<100xf32> {
    %new = memref.alloc() : memref<100xf32>
    "test.use"(%old, %new) : (memref<100xf32>, memref<100xf32>) -> ()
    // expected-error @+1 {{outlives the round of the loop that makes it}}
    scf.yield %new : memref<100xf32>
  }
  return
}

// -----

func.func private @helper() {
  // expected-error @+1 {{a buffer outside the entries}}
  %a = memref.alloc() : memref<100xf32>
  "test.use"(%a) : (memref<100xf32>) -> ()
  return
}

// -----

// Two buffers that are alive together, but that nothing touches together, lie side by side in the memory of a third one.
// CHECK-LABEL: func.func @beside
// CHECK-SAME:    %[[S0:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["2048*B"]}
// CHECK-SAME:    %[[S1:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["512"]}
// CHECK-NOT:     dl.slot
// CHECK:         %[[HALF:.*]] = arith.muli
// CHECK:         memref.view %[[S0]][%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?x512xf32>
// CHECK:         memref.view %[[S0]]
// CHECK-SAME:    to memref<?x256xf32>
// CHECK:         memref.view %[[S0]][%[[HALF]]]
// CHECK-SAME:    to memref<?x256xf32>
func.func @beside(%B: index) attributes {dl.entry = "m_beside", dl.dims = ["B"], dl.ranges = [[1, 64]]} {
  %all = memref.alloc(%B) : memref<?x512xf32>
  %left = memref.alloc(%B) : memref<?x256xf32>
  %right = memref.alloc(%B) : memref<?x256xf32>
  %other = memref.alloc() : memref<128xf32>
  "test.use"(%all) : (memref<?x512xf32>) -> ()
  "test.use"(%left) : (memref<?x256xf32>) -> ()
  "test.use"(%right, %other) : (memref<?x256xf32>, memref<128xf32>) -> ()
  "test.use"(%left, %other) : (memref<?x256xf32>, memref<128xf32>) -> ()
  return
}

// -----

// Those that one op touches have slots of their own,
// CHECK-LABEL: func.func @apart
// CHECK-SAME:    dl.slot = ["2048"]
// CHECK-SAME:    dl.slot = ["2048"]
// CHECK-NOT:     dl.slot
func.func @apart() attributes {dl.entry = "m_apart"} {
  %first = memref.alloc() : memref<512xf32>
  %left = memref.alloc() : memref<512xf32>
  %right = memref.alloc() : memref<512xf32>
  "test.use"(%first) : (memref<512xf32>) -> ()
  "test.use"(%left, %right) : (memref<512xf32>, memref<512xf32>) -> ()
  return
}

// -----

// but not where that takes more memory than they need together.
// CHECK-LABEL: func.func @together
// CHECK-SAME:    %[[S0:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["4096"]}
// CHECK-NOT:     dl.slot
// CHECK:         %[[ALL:.*]] = memref.view %[[S0]]{{.*}} to memref<1024xf32>
// CHECK:         %[[LEFT:.*]] = memref.view %[[S0]][%c0{{[_0-9]*}}][] : memref<?xi8> to memref<512xf32>
// CHECK:         %[[RIGHT:.*]] = memref.view %[[S0]][%c2048][] : memref<?xi8> to memref<512xf32>
// CHECK:         "test.use"(%[[LEFT]], %[[RIGHT]])
func.func @together() attributes {dl.entry = "m_together"} {
  %all = memref.alloc() : memref<1024xf32>
  %left = memref.alloc() : memref<512xf32>
  %right = memref.alloc() : memref<512xf32>
  "test.use"(%all) : (memref<1024xf32>) -> ()
  "test.use"(%left, %right) : (memref<512xf32>, memref<512xf32>) -> ()
  return
}

// -----

// What lies on one of two buffers, of which either may be the greater, begins behind the greater.
// CHECK-LABEL: func.func @greater
// CHECK-SAME:    %[[B:[a-z0-9]+]]: index, %[[T:[a-z0-9]+]]: index
// CHECK-SAME:    %[[S0:[a-z0-9]+]]: memref<?xi8> {dl.slot = ["128*T + 16384", "128*B + 16384"]}
// CHECK-NOT:     dl.slot
// CHECK:         %[[MOST:.*]] = arith.maxsi
// CHECK:         memref.view %[[S0]][%[[MOST]]][] : memref<?xi8> to memref<4096xf32>
func.func @greater(%B: index, %T: index) attributes {dl.entry = "m_greater", dl.dims = ["B", "T"], dl.ranges = [[256, 257], [256, 257]]} {
  %all = memref.alloc() : memref<12288xf32>
  %b = memref.alloc(%B) : memref<?x32xf32>
  %t = memref.alloc(%T) : memref<?x32xf32>
  %above = memref.alloc() : memref<4096xf32>
  "test.use"(%all) : (memref<12288xf32>) -> ()
  "test.use"(%b, %above) : (memref<?x32xf32>, memref<4096xf32>) -> ()
  "test.use"(%above, %t) : (memref<4096xf32>, memref<?x32xf32>) -> ()
  return
}

// -----

// The plan is told where it is asked for.
// CHECK-LABEL: module attributes {dl.tell_workspace}
// CHECK:       func.func @told
// CHECK-SAME:  dl.workspace = [
// CHECK-SAME:    {bytes = "400*B", first = {{.*}}, from = {{[0-9]+}} : index, last = {{.*}}, made = {{.*}}, offset = ["0"], slot = 0 : index, to = {{[0-9]+}} : index, type = "f32[B, 100]"}
module attributes {dl.tell_workspace} {
  func.func @told(%B: index) attributes {dl.entry = "m_told", dl.dims = ["B"]} {
    %a = memref.alloc(%B) : memref<?x100xf32>
    "test.use"(%a) : (memref<?x100xf32>) -> ()
    return
  }
}
