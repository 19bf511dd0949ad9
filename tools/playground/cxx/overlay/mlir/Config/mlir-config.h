// mlir-config.h: MLIR for WebAssembly, in place of the installed one: patterns are C++ or Rust, none is PDL.
#ifndef MLIR_CONFIG_H
#define MLIR_CONFIG_H

#define MLIR_ENABLE_EXPENSIVE_PATTERN_API_CHECKS 0
#define MLIR_ENABLE_PDL_IN_PATTERNMATCH 0
#define MLIR_ENABLE_NVPTXCOMPILER 0
#define MLIR_ENABLE_ROCM_CONVERSIONS 0

#endif
