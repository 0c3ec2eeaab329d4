// Preloaded into a program: writes down everything it changes under a folder, in order, so that the disk can be built
// again as it was at any moment. CLOISTER_TRACE is the file to write to, CLOISTER_TRACE_DIR the folder to watch. With
// CLOISTER_KILL_AFTER=n the program is killed (SIGKILL) in place of its n-th change.
//
// A record: u8 operation, u16 size and path, u16 size and second path, u64 offset, u64 size and bytes. Changes made
// through memory maps aren't seen; SQLite's -shm file, which it builds again, is the only one there is.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace {

enum Operation : std::uint8_t {
  kCreate = 1,
  kWrite,
  kTruncate,
  kSync,
  kSyncFileSystem,
  kRename,
  kLink,
  kUnlink,
  kMakeDirectory,
  kOutput
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
thread_local bool inside = false;

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int trace_descriptor() {
  static const int descriptor = [] {
    const char* path = getenv("CLOISTER_TRACE");
    return path == nullptr
               ? -1
               : static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  }();
  return descriptor;
}

std::string folder() {
  const char* path = getenv("CLOISTER_TRACE_DIR");
  return path == nullptr ? "" : path;
}

std::string absolute(const char* path) {
  std::string whole = path;
  if (path[0] != '/') {
    char here[4096];
    if (getcwd(here, sizeof here) != nullptr) whole = std::string(here) + "/" + path;
  }
  return whole;
}

bool watched(const std::string& path) {
  const std::string watching = folder();
  return !watching.empty() && path.rfind(watching, 0) == 0 && path.find("-shm") == std::string::npos;
}

std::string path_of(int descriptor) {
  char link[64];
  char target[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = readlink(link, target, sizeof target);
  return size <= 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

void put(std::string& record, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) record.push_back(static_cast<char>(value >> (8 * i)));
}

// Counts the change and dies in its place when it is the chosen one.
void count_change() {
  static long left = [] {
    const char* text = getenv("CLOISTER_KILL_AFTER");
    return text == nullptr ? -1L : atol(text);
  }();
  if (left > 0 && --left == 0) kill(getpid(), SIGKILL);
}

void note(Operation operation, const std::string& path, const std::string& second = "", std::uint64_t offset = 0,
          const void* bytes = nullptr, std::size_t size = 0) {
  if (trace_descriptor() < 0) return;
  std::string record;
  put(record, operation, 1);
  put(record, path.size(), 2);
  record += path;
  put(record, second.size(), 2);
  record += second;
  put(record, offset, 8);
  put(record, size, 8);
  if (bytes != nullptr) record.append(static_cast<const char*>(bytes), size);
  syscall(SYS_write, trace_descriptor(), record.data(), record.size());
}

// One change at a time, so that the order written down is the order in which they happened.
class Turn {
 public:
  Turn() {
    pthread_mutex_lock(&mutex);
    inside = true;
  }
  ~Turn() {
    inside = false;
    pthread_mutex_unlock(&mutex);
  }
};

int open_and_note(const char* name, int at, const char* path, int flags, mode_t mode) {
  using Open = int (*)(int, const char*, int, ...);
  const auto real = next<Open>(name);
  const std::string whole = absolute(path);
  if (inside || (flags & (O_CREAT | O_TRUNC)) == 0 || !watched(whole)) return real(at, path, flags, mode);
  const Turn turn;
  struct stat info{};
  const bool existed = stat(whole.c_str(), &info) == 0;
  count_change();
  const int descriptor = real(at, path, flags, mode);
  if (descriptor >= 0 && !existed) note(kCreate, whole);
  if (descriptor >= 0 && existed && (flags & O_TRUNC) != 0) note(kTruncate, whole);
  return descriptor;
}

ssize_t write_and_note(int descriptor, const void* bytes, std::size_t size, std::int64_t offset) {
  const auto real_write = next<ssize_t (*)(int, const void*, std::size_t)>("write");
  const auto real_pwrite = next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite64");
  const auto go = [&] {
    return offset < 0 ? real_write(descriptor, bytes, size) : real_pwrite(descriptor, bytes, size, offset);
  };
  if (inside) return go();
  if (descriptor == 1) {
    const Turn turn;
    const ssize_t count = go();
    if (count > 0) note(kOutput, "", "", 0, bytes, static_cast<std::size_t>(count));
    return count;
  }
  const std::string path = path_of(descriptor);
  if (!watched(path)) return go();
  const Turn turn;
  const std::uint64_t at =
      offset >= 0 ? static_cast<std::uint64_t>(offset) : static_cast<std::uint64_t>(lseek(descriptor, 0, SEEK_CUR));
  count_change();
  const ssize_t count = go();
  if (count > 0) note(kWrite, path, "", at, bytes, static_cast<std::size_t>(count));
  return count;
}

int sync_and_note(const char* name, int descriptor, Operation operation) {
  const auto real = next<int (*)(int)>(name);
  const std::string path = path_of(descriptor);
  if (inside || !watched(path + "/")) return real(descriptor);
  const Turn turn;
  count_change();
  const int result = real(descriptor);
  if (result == 0) note(operation, path);
  return result;
}

template <typename Call>
int change_name(Operation operation, const char* from, const char* to, Call call) {
  const std::string source = absolute(from);
  const std::string target = to == nullptr ? "" : absolute(to);
  if (inside || (!watched(source) && !watched(target))) return call();
  const Turn turn;
  count_change();
  const int result = call();
  if (result == 0) note(operation, source, target);
  return result;
}

int truncate_and_note(int descriptor, off_t size) {
  const auto real = next<int (*)(int, off_t)>("ftruncate64");
  const std::string path = path_of(descriptor);
  if (inside || !watched(path)) return real(descriptor, size);
  const Turn turn;
  count_change();
  const int result = real(descriptor, size);
  if (result == 0) note(kTruncate, path, "", static_cast<std::uint64_t>(size));
  return result;
}

// The C library writes standard output by a call of its own that can't be seen here, so its callers are.
int print_and_note(FILE* stream, const char* pattern, va_list arguments) {
  char text[65536];
  const int size = vsnprintf(text, sizeof text, pattern, arguments);
  if (size < 0) return size;
  const std::size_t count =
      static_cast<std::size_t>(size) < sizeof text ? static_cast<std::size_t>(size) : sizeof text - 1;
  return fwrite(text, 1, count, stream) == count ? size : -1;
}

mode_t mode_argument(int flags, va_list arguments) { return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; }

}  // namespace

extern "C" {

#define CLOISTER_OPEN(function, real_name, prefix, at)      \
  int function(prefix const char* path, int flags, ...) {   \
    va_list arguments;                                      \
    va_start(arguments, flags);                             \
    const mode_t mode = mode_argument(flags, arguments);    \
    va_end(arguments);                                      \
    return open_and_note(real_name, at, path, flags, mode); \
  }
CLOISTER_OPEN(open, "openat", , AT_FDCWD)
CLOISTER_OPEN(open64, "openat64", , AT_FDCWD)
#define CLOISTER_COMMA ,
CLOISTER_OPEN(openat, "openat", int folder_descriptor CLOISTER_COMMA, folder_descriptor)
CLOISTER_OPEN(openat64, "openat64", int folder_descriptor CLOISTER_COMMA, folder_descriptor)

std::size_t fwrite(const void* bytes, std::size_t size, std::size_t count, FILE* stream) {
  const auto real = next<std::size_t (*)(const void*, std::size_t, std::size_t, FILE*)>("fwrite");
  const std::size_t written = real(bytes, size, count, stream);
  if (stream == stdout && !inside) {
    const Turn turn;
    note(kOutput, "", "", 0, bytes, size * written);
  }
  return written;
}
int fputs(const char* text, FILE* stream) { return fwrite(text, 1, strlen(text), stream) == strlen(text) ? 1 : EOF; }
int puts(const char* text) { return fputs(text, stdout) < 0 || fwrite("\n", 1, 1, stdout) != 1 ? EOF : 1; }
int putchar(int c) {
  const char byte = static_cast<char>(c);
  return fwrite(&byte, 1, 1, stdout) == 1 ? c : EOF;
}
int printf(const char* pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  const int result = print_and_note(stdout, pattern, arguments);
  va_end(arguments);
  return result;
}
int fprintf(FILE* stream, const char* pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  const int result = print_and_note(stream, pattern, arguments);
  va_end(arguments);
  return result;
}
// What a fortified build calls in their place.
int __printf_chk(int, const char* pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  const int result = print_and_note(stdout, pattern, arguments);
  va_end(arguments);
  return result;
}
int __fprintf_chk(FILE* stream, int, const char* pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  const int result = print_and_note(stream, pattern, arguments);
  va_end(arguments);
  return result;
}

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  return write_and_note(descriptor, bytes, size, -1);
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return write_and_note(descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off64_t offset) {
  return write_and_note(descriptor, bytes, size, offset);
}
int ftruncate(int descriptor, off_t size) noexcept { return truncate_and_note(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) noexcept { return truncate_and_note(descriptor, size); }
int fsync(int descriptor) { return sync_and_note("fsync", descriptor, kSync); }
int fdatasync(int descriptor) { return sync_and_note("fdatasync", descriptor, kSync); }
int syncfs(int descriptor) noexcept { return sync_and_note("syncfs", descriptor, kSyncFileSystem); }
int rename(const char* from, const char* to) noexcept {
  return change_name(kRename, from, to, [&] { return next<int (*)(const char*, const char*)>("rename")(from, to); });
}
int renameat2(int, const char* from, int, const char* to, unsigned flags) noexcept {
  return change_name(kRename, from, to, [&] {
    return next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2")(AT_FDCWD, from, AT_FDCWD, to,
                                                                                    flags);
  });
}
int link(const char* from, const char* to) noexcept {
  return change_name(kLink, from, to, [&] { return next<int (*)(const char*, const char*)>("link")(from, to); });
}
int unlink(const char* path) noexcept {
  return change_name(kUnlink, path, nullptr, [&] { return next<int (*)(const char*)>("unlink")(path); });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return change_name(kMakeDirectory, path, nullptr,
                     [&] { return next<int (*)(const char*, mode_t)>("mkdir")(path, mode); });
}

}  // extern "C"
