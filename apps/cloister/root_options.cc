#include "root_options.h"

#include <filesystem>

namespace cloister::cli {
namespace {

bool is_path(std::string_view option) { return option == "module" || option.ends_with("_file"); }

}  // namespace

Status add_root_options(const std::vector<std::string>& texts, home::RootConfig& root) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      return Error(Code::kInvalid, "options of a root are written NAME=VALUE");
    }
    const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
    std::error_code ignored;
    root.options[name] = is_path(name) ? std::filesystem::absolute(value, ignored).string() : value;
  }
  return {};
}

}  // namespace cloister::cli
