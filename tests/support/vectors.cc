#include "tests/support/vectors.h"

#include <cstdlib>

namespace cloister::testing {
namespace {

Path source_folder() {
#if defined(CLOISTER_SOURCE_DIR)
  return CLOISTER_SOURCE_DIR;
#else
  const char* source = std::getenv("SOURCE_DIR");
  return source == nullptr ? "." : source;
#endif
}

}  // namespace

std::optional<Path> find_vectors(std::string_view name) {
  const char* chosen = std::getenv("CLOISTER_VECTORS");
  const Path folder = chosen != nullptr ? Path(chosen) : source_folder() / "../shared/vectors";
  const Path found = folder / name;
  std::error_code ignored;
  if (!std::filesystem::exists(found, ignored)) return std::nullopt;
  return found;
}

nlohmann::json load_json(const Path& path) {
  const auto bytes = read_file(path, std::uint64_t{64} << 20);
  CLOISTER_CHECK(bytes.ok());
  auto json = nlohmann::json::parse(bytes->begin(), bytes->end(), nullptr, false);
  CLOISTER_CHECK(!json.is_discarded());
  return json;
}

}  // namespace cloister::testing
