#include "posture/collect/local/system_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace cloister::posture {
namespace {

constexpr std::size_t kNamesMax = 65'536;

// Never waits: a FIFO in an odd place doesn't hold the audit up.
Result<File> open_to_look(const Path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return error_from_errno(errno, "open " + path.string());
  return File::from_descriptor(descriptor, path, File::Owned::kYes);
}

}  // namespace

Path SystemTree::outside(const std::string& path) const { return root_ / Path(path).relative_path(); }

Result<std::string> SystemTree::read(const std::string& path, std::size_t size_max) const {
  CLOISTER_TRY(const File file, open_to_look(outside(path)));
  CLOISTER_TRY(const Bytes bytes, read_rest(file, size_max));
  std::string text(as_text(bytes));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<Bytes> SystemTree::read_head(const std::string& path, std::size_t size) const {
  CLOISTER_TRY(const File file, open_to_look(outside(path)));
  Bytes bytes(size);
  CLOISTER_TRY(const std::size_t count, file.read_some(bytes));
  bytes.resize(count);
  return bytes;
}

Result<std::vector<std::string>> SystemTree::list(const std::string& path) const {
  std::error_code error;
  std::vector<std::string> names;
  auto entry = std::filesystem::directory_iterator(outside(path), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (names.size() == kNamesMax) return Error(Code::kInvalid, "list " + path + ": more than 65,536 names");
    names.push_back(entry->path().filename().string());
  }
  if (error) return error_from_errno(error.value(), "list " + path);
  std::ranges::sort(names);
  return names;
}

Result<std::string> SystemTree::canonical(const std::string& path) const {
  std::error_code error;
  const Path found = std::filesystem::canonical(outside(path), error);
  if (error) return error_from_errno(error.value(), "look at " + path);
  const Path root = std::filesystem::canonical(root_, error);
  if (error) return error_from_errno(error.value(), "look at " + root_.string());
  const Path inside = found.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..") return Error(Code::kNotFound, path + " leads out of the tree");
  return inside == "." ? std::string("/") : "/" + inside.string();
}

bool SystemTree::is_there(const std::string& path) const {
  struct stat about = {};
  return ::lstat(outside(path).c_str(), &about) == 0;
}

}  // namespace cloister::posture
