#include "tests/support/temp_dir.h"

#include <cstdlib>

namespace cloister::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "cloister-test-XXXXXX").string();
  CLOISTER_CHECK(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace cloister::testing
