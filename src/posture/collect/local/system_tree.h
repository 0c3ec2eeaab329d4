// The files that a Linux machine says of itself by, below a root of the caller's choice: "/" for this machine, a folder
// that a test has made, a machine's file system that is mounted somewhere. Everything is opened for reading only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace cloister::posture {

// Paths are absolute, as they are inside of the tree. kNotFound, kDenied and so on as base/file.h has them.
class SystemTree {
 public:
  explicit SystemTree(Path root) : root_(std::move(root)) {}

  // A whole small file, without the line end at its end; kInvalid for a larger one.
  Result<std::string> read(const std::string& path, std::size_t size_max = std::size_t{64} << 10) const;
  // Up to `size` bytes from the beginning of a file or a block device.
  Result<Bytes> read_head(const std::string& path, std::size_t size) const;
  // Names in a folder, sorted; kInvalid where there are more than 65,536.
  Result<std::vector<std::string>> list(const std::string& path) const;
  // The same place without links. kNotFound where it isn't there, or a link leads out of the tree.
  Result<std::string> canonical(const std::string& path) const;
  bool is_there(const std::string& path) const;

  const Path& root() const { return root_; }
  Path outside(const std::string& path) const;  // as this process opens it

 private:
  Path root_;
};

}  // namespace cloister::posture
