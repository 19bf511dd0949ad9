// everything.cpp: the whole of MLIR, registered, and mlir-opt. Not where MLIR is compiled for WebAssembly (first_stage.cpp).
#include "shim.h"

#include "mlir/CAPI/IR.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

int dlcOptMain(int argc, char **argv, MlirDialectRegistry registry) {
  return asMainReturnCode(MlirOptMain(argc, argv, "dlc optimizer driver\n", *unwrap(registry)));
}
int dlcLspMain(int argc, char **argv, MlirDialectRegistry registry) { return asMainReturnCode(MlirLspServerMain(argc, argv, *unwrap(registry))); }
void dlcRegisterDialects(MlirDialectRegistry registry) {
  registerAllDialects(*unwrap(registry));
  registerAllExtensions(*unwrap(registry));
  // Our passes write these; loading them with the context takes the place of lists of dependent dialects.
  unwrap(registry)->addExtension(+[](MLIRContext *context, BuiltinDialect *) {
    for (StringRef name : {"arith", "bufferization", "cf", "func", "linalg", "llvm", "math", "memref", "nvvm", "scf", "tensor", "vector"})
      context->getOrLoadDialect(name);
  });
}
