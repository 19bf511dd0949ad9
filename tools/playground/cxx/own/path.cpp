// path.cpp: LLVM's work on paths as texts. What it asks of a system of files is in system.cpp.
#include "llvm/Support/Errc.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

#undef LLVM_ON_UNIX
#include "llvm/lib/Support/Path.cpp"
