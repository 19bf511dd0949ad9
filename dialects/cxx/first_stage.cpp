// first_stage.cpp: what `everything.cpp` registers, as far as the first stage of the pipelines needs it: the dialects of programs
// before they are lowered, and the passes upstream that run on them.
#include "shim.h"

#include "mlir/CAPI/IR.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void dlcRegisterDialects(MlirDialectRegistry registry) {
  unwrap(registry)->insert<arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, scf::SCFDialect, tensor::TensorDialect, ub::UBDialect>();
  func::registerInlinerExtension(*unwrap(registry));
}
void dlcRegisterPasses() {
  registerCanonicalizerPass();
  registerCSEPass();
  registerInlinerPass();
  registerSymbolDCEPass();
}
