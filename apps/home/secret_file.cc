#include "home/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <optional>

namespace cloister::home {
namespace {

// This process isn't dumpable, so /proc/self/fd is closed to it unless it runs as root: such names are read from the
// descriptor they stand for.
std::optional<int> named_descriptor(const std::string& path) {
  if (path == "-" || path == "/dev/stdin") return STDIN_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const char* end = path.data() + path.size();
    const auto parsed = std::from_chars(path.data() + folder.size(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  }
  return std::nullopt;
}

Result<File> open_secret_file(const Path& path) {
  if (const auto descriptor = named_descriptor(path.string())) {
    return File::from_descriptor(*descriptor, path, File::Owned::kNo);
  }
  CLOISTER_TRY(File file, File::open(path));
  struct stat info{};
  if (::fstat(file.descriptor(), &info) != 0) return error_from_errno(errno, "look at " + path.string());
  // A terminal is everybody's; what is typed there isn't kept.
  if (!S_ISCHR(info.st_mode)) CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret));
  return file;
}

}  // namespace

bool names_descriptor(const Path& path) { return named_descriptor(path.string()).has_value(); }

Result<crypto::Secret> read_secret_file(const Path& path) {
  CLOISTER_TRY(const File file, open_secret_file(path));
  crypto::Secret content(kSecretFileMax + 2);
  const MutableByteView buffer = content.expose_mutable();
  CLOISTER_TRY(std::size_t size, file.read_some(buffer));
  if (size > 0 && buffer[size - 1] == '\n') --size;
  if (size > 0 && buffer[size - 1] == '\r') --size;
  if (size > kSecretFileMax) return Error(Code::kInvalid, "read " + path.string() + ": it has more than 4096 bytes");
  if (size == 0) return Error(Code::kInvalid, "read " + path.string() + ": it is empty");
  return crypto::Secret::copy_of(buffer.first(size));
}

}  // namespace cloister::home
