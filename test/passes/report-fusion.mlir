// RUN: dlc-opt %s --split-input-file --verify-diagnostics --report-fusion
// RUN: dlc-opt %s --split-input-file --report-fusion 2>&1 | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// What two ops read, with the bytes for all dims, as no size is given.
// CHECK: 12*B*N bytes are written and read
module attributes {dl.remarks = {}} {
  func.func @readers(%B: index, %N: index, %x: memref<?x?xf32> {dl.path = "x", dl.shape = ["B", "N"]}, %y: memref<?x?xf32> {dl.path = "y", dl.shape = ["B", "N"]}, %z: memref<?x?xf32> {dl.path = "z", dl.shape = ["B", "N"]})
      attributes {dl.entry = "m_readers", dl.dims = ["B", "N"]} {
    %a = memref.alloc(%B, %N) : memref<?x?xf32>
    // expected-note @+1 {{made here}}
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%x : memref<?x?xf32>) outs(%a : memref<?x?xf32>) {
      ^bb0(%in: f32, %out: f32):
        %e = math.exp %in : f32
        linalg.yield %e : f32
    }
    // expected-remark @+1 {{DL1102 not fused with what makes its operand, as 2 operations read it: 12*B*N bytes are written and read}}
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
      ^bb0(%in: f32, %out: f32):
        %e = math.exp %in : f32
        linalg.yield %e : f32
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a : memref<?x?xf32>) outs(%z : memref<?x?xf32>) {
      ^bb0(%in: f32, %out: f32):
        %e = math.sqrt %in : f32
        linalg.yield %e : f32
    }
    return
  }
}

// -----

#id = affine_map<(i, j) -> (i, j)>

// Nothing is told where nobody asks.
module {
  func.func @silent(%B: index, %x: memref<?x64xf32> {dl.path = "x", dl.shape = ["B", "64"]}, %y: memref<?x64xf32> {dl.path = "y", dl.shape = ["B", "64"]})
      attributes {dl.entry = "m_silent", dl.dims = ["B"]} {
    %a = memref.alloc(%B) : memref<?x64xf32>
    memref.copy %x, %a : memref<?x64xf32> to memref<?x64xf32>
    memref.copy %a, %y : memref<?x64xf32> to memref<?x64xf32>
    return
  }
}
