// system.cpp: what LLVM asks of a system, where there is none: no files, no environment, no signals, one thread.
// A page gives text and takes text. What would read or write a file fails with "function not supported".
#include "llvm/ADT/BitVector.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace llvm;

static std::error_code none() { return std::make_error_code(std::errc::function_not_supported); }

//===-- Files. -------------------------------------------------------------------------------------===//

namespace llvm::sys::fs {
const file_t kInvalidFile = -1;

TimePoint<> basic_file_status::getLastAccessedTime() const { return {}; }
TimePoint<> basic_file_status::getLastModificationTime() const { return {}; }
UniqueID file_status::getUniqueID() const { return {}; }
uint32_t file_status::getLinkCount() const { return 0; }

std::error_code access(const Twine &, AccessMode) { return none(); }
std::error_code status(const Twine &, file_status &result, bool) {
  result = file_status(file_type::file_not_found);
  return none();
}
std::error_code status(int, file_status &result) {
  result = file_status(file_type::character_file);
  return std::error_code();
}
std::error_code current_path(SmallVectorImpl<char> &) { return none(); }
std::error_code set_current_path(const Twine &) { return none(); }
std::error_code real_path(const Twine &, SmallVectorImpl<char> &, bool) { return none(); }
std::error_code create_directory(const Twine &, bool, perms) { return none(); }
std::error_code create_link(const Twine &, const Twine &) { return none(); }
std::error_code create_hard_link(const Twine &, const Twine &) { return none(); }
std::error_code remove(const Twine &, bool) { return none(); }
std::error_code rename(const Twine &, const Twine &) { return none(); }
std::error_code setPermissions(const Twine &, perms) { return none(); }
std::error_code resize_file(int, uint64_t) { return none(); }
std::error_code is_local(const Twine &, bool &) { return none(); }
std::error_code is_local(int, bool &) { return none(); }
std::error_code closeFile(file_t &file) {
  file = kInvalidFile;
  return std::error_code();
}
Expected<file_t> openNativeFile(const Twine &, CreationDisposition, FileAccess, OpenFlags, unsigned) { return errorCodeToError(none()); }
Expected<file_t> openNativeFileForRead(const Twine &, OpenFlags, SmallVectorImpl<char> *) { return errorCodeToError(none()); }
std::error_code openFile(const Twine &, int &, CreationDisposition, FileAccess, OpenFlags, unsigned) { return none(); }
std::error_code openFileForRead(const Twine &, int &, OpenFlags, SmallVectorImpl<char> *) { return none(); }
Expected<size_t> readNativeFile(file_t, MutableArrayRef<char>) { return errorCodeToError(none()); }
Expected<size_t> readNativeFileSlice(file_t, MutableArrayRef<char>, uint64_t) { return errorCodeToError(none()); }
file_t getStdinHandle() { return 0; }
file_t getStdoutHandle() { return 1; }
file_t getStderrHandle() { return 2; }
bool equivalent(file_status, file_status) { return false; }
std::error_code equivalent(const Twine &, const Twine &, bool &) { return none(); }
std::string getMainExecutable(const char *, void *) { return {}; }

mapped_file_region::mapped_file_region(file_t, mapmode, size_t, uint64_t, std::error_code &error) { error = none(); }
void mapped_file_region::unmapImpl() {}
void mapped_file_region::dontNeedImpl() {}
int mapped_file_region::alignment() { return 65536; }

namespace detail {
std::error_code directory_iterator_construct(DirIterState &, StringRef, bool) { return none(); }
std::error_code directory_iterator_increment(DirIterState &) { return none(); }
std::error_code directory_iterator_destruct(DirIterState &) { return std::error_code(); }
} // namespace detail
} // namespace llvm::sys::fs

namespace llvm::sys::path {
bool home_directory(SmallVectorImpl<char> &) { return false; }
void system_temp_directory(bool, SmallVectorImpl<char> &) {}
} // namespace llvm::sys::path

//===-- The process. -------------------------------------------------------------------------------===//

namespace llvm::sys {
std::optional<std::string> Process::GetEnv(StringRef) { return std::nullopt; }
unsigned Process::GetRandomNumber() { return 4; } // Nothing here is random; LLVM names temporary files by it.
Expected<unsigned> Process::getPageSize() { return 65536; }
Process::Pid Process::getProcessId() { return 1; }
bool Process::StandardInIsUserInput() { return false; }
bool Process::StandardOutIsDisplayed() { return false; }
bool Process::StandardErrIsDisplayed() { return false; }
bool Process::StandardOutHasColors() { return false; }
bool Process::StandardErrHasColors() { return false; }
bool Process::FileDescriptorIsDisplayed(int) { return false; }
bool Process::FileDescriptorHasColors(int) { return false; }
bool Process::ColorNeedsFlush() { return false; }
const char *Process::OutputColor(char, bool, bool) { return ""; }
const char *Process::OutputBold(bool) { return ""; }
const char *Process::OutputReverse() { return ""; }
const char *Process::ResetColor() { return ""; }
unsigned Process::StandardOutColumns() { return 80; }
unsigned Process::StandardErrColumns() { return 80; }
size_t Process::GetMallocUsage() { return 0; }
void Process::GetTimeUsage(TimePoint<> &elapsed, std::chrono::nanoseconds &user, std::chrono::nanoseconds &system) {
  elapsed = std::chrono::system_clock::now();
  user = system = {};
}
std::error_code Process::SafelyCloseFileDescriptor(int) { return std::error_code(); }
[[noreturn]] void Process::Exit(int status, bool) { ::exit(status); }

std::error_code ChangeStdinMode(fs::OpenFlags) { return std::error_code(); }
std::error_code ChangeStdoutMode(fs::OpenFlags) { return std::error_code(); }
std::error_code ChangeStdinToBinary() { return std::error_code(); }
std::error_code ChangeStdoutToBinary() { return std::error_code(); }

void PrintStackTrace(raw_ostream &, int) {}
void AddSignalHandler(SignalHandlerCallback, void *) {}
bool RemoveFileOnSignal(StringRef, std::string *) { return false; }
void DontRemoveFileOnSignal(StringRef) {}
void RunSignalHandlers() {}
void RunInterruptHandlers() {}
} // namespace llvm::sys

//===-- Crashes: the page gets a trap. -------------------------------------------------------------===//

namespace llvm {
void EnablePrettyStackTrace() {}
PrettyStackTraceEntry::PrettyStackTraceEntry() = default;
PrettyStackTraceEntry::~PrettyStackTraceEntry() = default;
PrettyStackTraceFormat::PrettyStackTraceFormat(const char *, ...) {}
void PrettyStackTraceString::print(raw_ostream &) const {}
void PrettyStackTraceFormat::print(raw_ostream &) const {}
void PrettyStackTraceProgram::print(raw_ostream &) const {}

CrashRecoveryContext::CrashRecoveryContext() = default;
CrashRecoveryContext::~CrashRecoveryContext() = default;
void CrashRecoveryContext::Enable() {}
void CrashRecoveryContext::Disable() {}
bool CrashRecoveryContext::RunSafely(function_ref<void()> work) {
  work();
  return true;
}
bool CrashRecoveryContext::RunSafelyOnThread(function_ref<void()> work, unsigned) { return RunSafely(work); }

// The options that command lines have.
void initSignalsOptions() {}
void initRandomSeedOptions() {}
} // namespace llvm
