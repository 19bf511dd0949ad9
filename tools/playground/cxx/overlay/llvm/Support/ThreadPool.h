// ThreadPool.h: pools that have no threads, in place of the installed one, whose futures need them. A task runs when it is given.
#ifndef LLVM_SUPPORT_THREADPOOL_H
#define LLVM_SUPPORT_THREADPOOL_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/FunctionExtras.h"
#include "llvm/Support/RWMutex.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/thread.h"
#include <utility>

namespace llvm {
struct ThreadPoolInterface {
  virtual ~ThreadPoolInterface() = default;
  void wait() {}
  unsigned getMaxConcurrency() const { return 1; }
  template <class Function, class... Args> void async(Function &&f, Args &&...args) {
    std::forward<Function>(f)(std::forward<Args>(args)...);
  }
};
struct SingleThreadExecutor : ThreadPoolInterface {
  explicit SingleThreadExecutor(ThreadPoolStrategy = {}) {}
};
using DefaultThreadPool = SingleThreadExecutor;

struct ThreadPoolTaskGroup {
  explicit ThreadPoolTaskGroup(ThreadPoolInterface &pool) : pool(pool) {}
  template <class Function, class... Args> void async(Function &&f, Args &&...args) {
    pool.async(std::forward<Function>(f), std::forward<Args>(args)...);
  }
  void wait() {}

private:
  ThreadPoolInterface &pool;
};
} // namespace llvm

#endif
