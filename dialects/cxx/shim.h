// shim.h: what only C++ can say about MLIR, as C functions for `dialects/src/ir/ffi.rs`.
#ifndef DLC_SHIM_H
#define DLC_SHIM_H

#include "mlir-c/IR.h"
#include "mlir-c/Pass.h"

#ifdef __cplusplus
extern "C" {
#endif

MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(DL, dl);

// Adds a pass, made anew by `create(data)` each time, to MLIR's registry, under the name it answers to.
void dlcRegisterPass(MlirPass (*create)(void *), void *data);

// mlir-opt's main with the dialects of `registry`; the exit status.
int dlcOptMain(int argc, char **argv, MlirDialectRegistry registry);

// The main of mlir-lsp-server with the dialects of `registry`; the exit status.
int dlcLspMain(int argc, char **argv, MlirDialectRegistry registry);

// MLIR's dialects, with the interfaces that the lowering relies on (bufferisation, tiling, subsets, inlining, the
// transform dialect's extensions), which the C API does not register.
void dlcRegisterDialects(MlirDialectRegistry registry);

// The passes upstream of the first stage, where only they are compiled in.
void dlcRegisterPasses(void);

// Reports an error, or a remark, at a location with `count` notes, each at its own location.
void dlcEmit(bool isError, MlirLocation location, MlirStringRef message, intptr_t count, const MlirLocation *places, const MlirStringRef *notes);

// Verifies `op`, a local crash reproducer written to `path` by the pass manager on failure.
void dlcPassManagerEnableReproducer(MlirPassManager manager, MlirStringRef path);

#ifdef __cplusplus
}
#endif
#endif
