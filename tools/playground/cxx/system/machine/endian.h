// machine/endian.h: where LLVM looks for the order of bytes on a system that it does not know.
#include <endian.h>
