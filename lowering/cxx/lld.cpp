// lld.cpp: LLVM's linkers for ELF and WebAssembly, as a function of C.
#include "lld/Common/Driver.h"

LLD_HAS_DRIVER(elf)
LLD_HAS_DRIVER(wasm)

// Links as the command line `words` says, whose first is the name of a linker, and gives what there is to say to `say`.
// The result is the status of the command, or -1 where none can be called again in this process.
extern "C" int dlc_lld(const char *const *words, size_t count, void (*say)(const char *, size_t, void *), void *to) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}, {lld::Wasm, &lld::wasm::link}};
  lld::Result result = lld::lldMain({words, count}, stream, stream, drivers);
  say(text.data(), text.size(), to);
  return result.canRunAgain ? result.retCode : -1;
}
